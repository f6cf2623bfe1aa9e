//! Conditions over JSON: `{ ($.eventName = "Delete*") && ($.userIdentity.invokedBy NOT EXISTS) }`.

use std::fmt;

use serde_json::Value;

use super::cursor::Cursor;
use super::error::PatternError;
use super::expr::Expr;
use super::selector::Selector;
use super::value::{Comparison, Operand, Operator};

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    pub selector: Selector,
    pub test: Test,
}

/// What has to be so of the selected value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// `IS NULL`, `IS TRUE`, `IS FALSE`.
    Is(Value),
    /// `NOT EXISTS`.
    Absent,
    /// `= "x*"`, `> 5`.
    Compare(Comparison),
}

/// Reads `{ … }`.
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Expr<Condition>, PatternError> {
    cursor.expect("{", "begin with {")?;
    let expr = Expr::parse(cursor, &mut condition)?;
    cursor.expect("}", "close the pattern with }, or join the conditions with && or ||")?;
    Ok(expr)
}

/// Whether an event fits. What is no JSON object fits no such pattern, whatever it says.
pub(super) fn holds(expr: &Expr<Condition>, event: &Value) -> bool {
    event.is_object() && expr.holds(&|condition| condition.holds(event))
}

impl Condition {
    pub fn has_inner_star(&self) -> bool {
        match &self.test {
            Test::Compare(Comparison { operand: Operand::Text(glob), .. }) => glob.has_inner_star(),
            Test::Compare(_) | Test::Is(_) | Test::Absent => false,
        }
    }

    fn holds(&self, event: &Value) -> bool {
        match &self.test {
            Test::Absent => !self.selector.any(event, |_| true),
            Test::Is(wanted) => self.selector.any(event, |value| value == wanted),
            Test::Compare(comparison) => self.selector.any(event, |value| comparison.fits(value)),
        }
    }
}

fn condition(cursor: &mut Cursor<'_>) -> Result<Condition, PatternError> {
    let selector = Selector::parse(cursor)?;
    let test = match Operator::parse(cursor) {
        Some(operator) => Test::Compare(Comparison::parse(cursor, operator)?),
        None => state(cursor)?,
    };
    Ok(Condition { selector, test })
}

/// `IS NULL`, `IS TRUE`, `IS FALSE`, `NOT EXISTS`.
fn state(cursor: &mut Cursor<'_>) -> Result<Test, PatternError> {
    let start = cursor.clone();
    if cursor.keyword("IS") {
        let states = [("NULL", Value::Null), ("TRUE", Value::Bool(true)), ("FALSE", Value::Bool(false))];
        return match states.into_iter().find(|(word, _)| cursor.keyword(word)) {
            Some((_, value)) => Ok(Test::Is(value)),
            None => Err(cursor.fail(
                format!("expected NULL, TRUE or FALSE, found {}", cursor.found()),
                "AWS has no IS NOT; compare with != or list what it may be",
            )),
        };
    }
    if cursor.keyword("NOT") && cursor.keyword("EXISTS") {
        return Ok(Test::Absent);
    }
    if cursor.keyword("EXISTS") {
        return Err(start.fail("AWS has no EXISTS", "write = \"*\", which any text or number fits"));
    }
    Err(start.fail(
        format!("expected an operator, found {}", start.found()),
        "use = != < <= > >=, IS NULL, IS TRUE, IS FALSE or NOT EXISTS",
    ))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.selector)?;
        match &self.test {
            Test::Is(value) => write!(f, "IS {}", value.to_string().to_uppercase()),
            Test::Absent => f.write_str("NOT EXISTS"),
            Test::Compare(comparison) => comparison.fmt(f),
        }
    }
}
