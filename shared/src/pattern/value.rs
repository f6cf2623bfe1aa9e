//! What a value is compared with, and how.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use super::cursor::Cursor;
use super::error::PatternError;
use super::glob::Glob;
use super::regex::Regex;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Differs,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// The longer ones first, or `<=` would be read as `<`.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::Differs),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Operator {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Option<Self> {
        OPERATORS.iter().find(|(token, _)| cursor.accept(token)).map(|(_, operator)| *operator)
    }

    fn word(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("=", |(token, _)| token)
    }

    /// Whether it holds for values in this order.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Differs => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// What is on the right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Text(Glob),
    Number(Number),
    Regex(Regex),
}

/// A number as it was written: whole ones are compared to the last digit, account ids are longer than a float's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    text: String,
    value: f64,
    whole: Option<i128>,
}

/// A comparison of one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    pub operator: Operator,
    pub operand: Operand,
}

impl Comparison {
    /// Reads the right side, after its operator.
    pub(super) fn parse(cursor: &mut Cursor<'_>, operator: Operator) -> Result<Self, PatternError> {
        cursor.skip_space();
        let start = cursor.clone();
        let operand = match cursor.peek() {
            Some('"') => Operand::Text(quoted(cursor)?),
            Some('%') => Operand::Regex(Regex::parse(cursor)?),
            _ => word(cursor)?,
        };
        let orders = !matches!(operator, Operator::Equal | Operator::Differs);
        if orders && !matches!(operand, Operand::Number(_)) {
            return Err(start.fail(format!("`{}` needs a number", operator.word()), "compare texts with = or !="));
        }
        Ok(Self { operator, operand })
    }

    /// Whether a value of an event fits. Objects, arrays and null are no values, and fit no comparison.
    pub fn fits(&self, value: &Value) -> bool {
        match (value, &self.operand) {
            (Value::Number(found), Operand::Number(wanted)) => {
                Number::of(found).and_then(|found| found.order(wanted)).is_some_and(|order| self.operator.holds(order))
            }
            (Value::Number(found), _) => self.fits_text(&found.to_string()),
            (Value::String(found), Operand::Number(wanted)) => self.is_or_is_not(*found == wanted.text),
            (Value::String(found), _) => self.fits_text(found),
            (Value::Bool(found), _) => self.fits_text(if *found { "true" } else { "false" }),
            (Value::Null | Value::Array(_) | Value::Object(_), _) => false,
        }
    }

    /// Whether a text that stands for itself fits: a number in it is a number.
    pub fn fits_text(&self, text: &str) -> bool {
        match &self.operand {
            Operand::Text(glob) => self.is_or_is_not(glob.matches(text)),
            Operand::Regex(regex) => self.is_or_is_not(regex.matches(text)),
            Operand::Number(wanted) => match Number::read(text).and_then(|found| found.order(wanted)) {
                Some(order) => self.operator.holds(order),
                None => self.is_or_is_not(text == wanted.text),
            },
        }
    }

    fn is_or_is_not(&self, same: bool) -> bool {
        match self.operator {
            Operator::Equal => same,
            Operator::Differs => !same,
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => false,
        }
    }
}

impl Number {
    /// An integer or a decimal with or without a sign, and an exponent if it likes.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let written = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.chars().all(written) {
            return None;
        }
        let value: f64 = text.parse().ok()?;
        Some(Self { text: text.to_owned(), value, whole: text.parse().ok() })
    }

    fn of(number: &serde_json::Number) -> Option<Self> {
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        Some(Self { text: number.to_string(), value: number.as_f64()?, whole })
    }

    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self.whole, other.whole) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => self.value.partial_cmp(&other.value),
        }
    }
}

/// A text in quotes, in which a backslash takes the next character as it is.
pub(super) fn quoted(cursor: &mut Cursor<'_>) -> Result<Glob, PatternError> {
    let start = cursor.clone();
    cursor.bump();
    let mut chars = Vec::new();
    loop {
        match cursor.bump() {
            Some('"') => return Ok(Glob::new(chars)),
            Some('\\') => chars.extend(cursor.bump().map(|c| (c, true))),
            Some(c) => chars.push((c, false)),
            None => return Err(start.fail("a text in quotes is not closed", "close it with a double quotation mark")),
        }
    }
}

fn word(cursor: &mut Cursor<'_>) -> Result<Operand, PatternError> {
    let hint = "a text with more than letters, digits and . * _ - + : / goes in double quotation marks";
    let word = cursor.take(|c| c.is_ascii_alphanumeric() || "_.*-+:/".contains(c));
    let stops = |c: char| c.is_whitespace() || ")}&|,]".contains(c);
    if word.is_empty() || cursor.peek().is_some_and(|c| !stops(c)) {
        return Err(cursor.fail(format!("expected a value, found {}", cursor.found()), hint));
    }
    let text = || Operand::Text(Glob::plain(word));
    Ok(Number::read(word).map_or_else(text, Operand::Number))
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = self.operator.word();
        match &self.operand {
            Operand::Text(glob) => write!(f, "{operator} {glob}"),
            Operand::Number(number) => write!(f, "{operator} {}", number.text),
            Operand::Regex(regex) => write!(f, "{operator} {regex}"),
        }
    }
}
