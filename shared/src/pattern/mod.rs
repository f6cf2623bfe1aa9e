//! The filter-pattern language of CloudWatch Logs, read and evaluated.
//!
//! Metric filters, subscriptions and searches all speak it: JSON conditions (`{ $.eventName = "Delete*" }`), plain terms
//! (`ERROR -debug`), and fields between spaces (`[ip, ..., status = 4*]`). Whoever can evaluate it can judge an event
//! that came by any way as AWS's own filter would, and can tell a filter that nothing fits
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>).
//!
//! What the guide leaves open is settled here so: a comparison with a property that an event does not have is false,
//! `!=` included; with a wildcard selector one value that fits is enough; `*` inside a text is a wildcard as at its ends
//! (an older edition of the guide took it literally there). A pattern comes from outside, so its length and its depth
//! are limited, and matching takes time in proportion to the event.

mod cursor;
mod error;
mod expr;
mod fields;
mod glob;
mod json;
mod regex;
mod satisfy;
mod selector;
mod terms;
mod value;

use serde_json::Value;

use cursor::Cursor;
use fields::Fields;
use terms::Terms;

pub use error::PatternError;
pub(crate) use expr::Expr;
pub(crate) use glob::Glob;
pub(crate) use json::Condition;
pub(crate) use satisfy::contradiction;

/// The most characters that AWS takes
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html>).
pub const LIMIT: usize = 1024;

/// A pattern that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// No condition: everything.
    All,
    /// Conditions over the properties of JSON.
    Json(Expr<Condition>),
    /// Words anywhere in the text.
    Terms(Terms),
    /// Fields between spaces.
    Fields(Fields),
}

impl Pattern {
    /// Reads a pattern, or says where and why it is none.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut cursor = Cursor::new(text);
        if text.chars().count() > LIMIT {
            return Err(cursor.fail(
                format!("the pattern has {} characters, and AWS takes {LIMIT}", text.chars().count()),
                "split it into several filters that feed the same metric",
            ));
        }
        cursor.skip_space();
        let kind = match cursor.peek() {
            None => Kind::All,
            Some('{') => Kind::Json(json::parse(&mut cursor)?),
            Some('[') => Kind::Fields(Fields::parse(&mut cursor)?),
            Some(_) => Kind::Terms(Terms::parse(&mut cursor)?),
        };
        cursor.end()?;
        Ok(Self(kind))
    }

    /// Whether a log event's text fits.
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Json(expr) => serde_json::from_str(message).is_ok_and(|event| json::holds(expr, &event)),
            Kind::Terms(terms) => terms.holds(message),
            Kind::Fields(fields) => fields.holds(message),
        }
    }

    /// Whether an event that was read as JSON already fits.
    pub fn matches_json(&self, event: &Value) -> bool {
        match &self.0 {
            Kind::Json(expr) => json::holds(expr, event),
            Kind::All | Kind::Terms(_) | Kind::Fields(_) => self.matches(&event.to_string()),
        }
    }

    /// The conditions, of a pattern over JSON.
    pub(crate) fn conditions(&self) -> Option<&Expr<Condition>> {
        match &self.0 {
            Kind::Json(expr) => Some(expr),
            Kind::All | Kind::Terms(_) | Kind::Fields(_) => None,
        }
    }

    /// Whether a `*` stands inside a text of the pattern, between other characters.
    pub fn has_inner_star(&self) -> bool {
        let mut inner = false;
        if let Some(expr) = self.conditions() {
            expr.each(&mut |condition| inner |= condition.has_inner_star());
        }
        inner
    }

    /// One text for all patterns over JSON that say the same in another order, with other spaces, quotes or parentheses.
    pub fn canonical(&self) -> Option<String> {
        self.conditions().map(|expr| format!("{{ {} }}", expr.canonical()))
    }
}

#[cfg(test)]
mod tests;
