//! Fields between spaces: `[ip, user, ..., status = 4* || status = 5*, bytes > 1000]`.
//!
//! What stands in brackets or in quotes is one field. `...` stands for any number of fields; without it the last field
//! takes the rest of the line, as the guide's `[w1=ERROR, w2]` does
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-spacedelimited-log-events.html>).

use super::cursor::Cursor;
use super::error::PatternError;
use super::expr::Expr;
use super::value::{Comparison, Operator};

/// The fields before `...`, and those after it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fields {
    before: Vec<Field>,
    after: Option<Vec<Field>>,
}

/// A field: what must be so of it, if anything.
type Field = Option<Expr<Comparison>>;

impl Fields {
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        cursor.expect("[", "begin with [")?;
        let mut fields = Self { before: Vec::new(), after: None };
        loop {
            if cursor.accept("...") {
                if fields.after.is_some() {
                    return Err(cursor.fail("`...` stands here twice", "keep one of them"));
                }
                fields.after = Some(Vec::new());
            } else {
                let field = field(cursor)?;
                fields.after.as_mut().unwrap_or(&mut fields.before).push(field);
            }
            if !cursor.accept(",") {
                break;
            }
        }
        cursor.expect("]", "separate the fields with commas and close the pattern with ]")?;
        Ok(fields)
    }

    pub fn holds(&self, message: &str) -> bool {
        let found = split(message);
        let all =
            |wanted: &[Field], found: &[&str]| wanted.iter().zip(found).all(|(wanted, found)| fits(wanted, found));
        let texts: Vec<&str> = found.iter().map(|(text, _)| *text).collect();
        match &self.after {
            Some(after) => {
                let from = texts.len().checked_sub(after.len()).filter(|from| *from >= self.before.len());
                from.and_then(|from| texts.get(from..)).is_some_and(|end| all(&self.before, &texts) && all(after, end))
            }
            None => {
                let Some((last, first)) = self.before.split_last() else { return false };
                let rest = found.get(first.len()).map(|(text, at)| {
                    if found.len() == self.before.len() { text } else { message.get(*at..).unwrap_or_default() }
                });
                rest.is_some_and(|rest| all(first, &texts) && fits(last, rest))
            }
        }
    }
}

fn fits(wanted: &Field, found: &str) -> bool {
    wanted.as_ref().is_none_or(|expr| expr.holds(&|comparison| comparison.fits_text(found)))
}

/// A name, with conditions on that name or without.
fn field(cursor: &mut Cursor<'_>) -> Result<Field, PatternError> {
    cursor.skip_space();
    if matches!(cursor.peek(), Some(',' | ']')) {
        return Ok(None);
    }
    let mut ahead = cursor.clone();
    name(&mut ahead)?;
    ahead.skip_space();
    if matches!(ahead.peek(), Some(',' | ']') | None) {
        *cursor = ahead;
        return Ok(None);
    }
    let mut known: Option<String> = None;
    Expr::parse(cursor, &mut |cursor| condition(cursor, &mut known)).map(Some)
}

/// A condition on the field, whose name the first condition tells.
fn condition(cursor: &mut Cursor<'_>, known: &mut Option<String>) -> Result<Comparison, PatternError> {
    let found = name(cursor)?;
    let known = known.get_or_insert_with(|| found.to_owned());
    if known != found || found.is_empty() {
        return Err(cursor.fail(
            format!("the conditions of one field name `{known}` and `{found}`"),
            "put conditions on another field after a comma",
        ));
    }
    match Operator::parse(cursor) {
        Some(operator) => Comparison::parse(cursor, operator),
        None => Err(cursor.fail(format!("expected an operator, found {}", cursor.found()), "use = != < <= > >=")),
    }
}

fn name<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, PatternError> {
    cursor.skip_space();
    let name = cursor.take(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (name.is_empty(), cursor.peek()) {
        (true, Some('(')) | (false, _) => Ok(name),
        (true, _) => {
            let hint = "name the field with letters, digits, - and _, such as status_code";
            Err(cursor.fail(format!("expected a field's name, found {}", cursor.found()), hint))
        }
    }
}

/// The fields of a line, each with the place where it begins.
fn split(message: &str) -> Vec<(&str, usize)> {
    let mut fields = Vec::new();
    let mut at = 0;
    while let Some(rest) = message.get(at..) {
        let start = at + (rest.len() - rest.trim_start().len());
        let Some(rest) = message.get(start..).filter(|rest| !rest.is_empty()) else { break };
        let (field, length) = one(rest);
        fields.push((field, start));
        at = start + length;
    }
    fields
}

/// The field at the start of a text, and how much of the text it takes.
fn one(rest: &str) -> (&str, usize) {
    let close = match rest.chars().next() {
        Some('[') => Some(']'),
        Some('"') => Some('"'),
        _ => None,
    };
    let enclosed = close.and_then(|close| {
        let inner = rest.get(1..)?;
        let end = inner.find(close)?;
        let after = inner.get(end + 1..)?;
        let alone = after.is_empty() || after.starts_with(char::is_whitespace);
        alone.then(|| (inner.get(..end).unwrap_or_default(), end + 2))
    });
    let plain = || {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        (rest.get(..end).unwrap_or(rest), end)
    };
    enclosed.unwrap_or_else(plain)
}
