//! Which value of an event is meant: `$.a.b`, `$.users[0].email`, `$.list[*]`, `$.*`, `$.['cluster.name']`.

use std::fmt;

use serde_json::Value;

use super::cursor::Cursor;
use super::error::PatternError;

/// The most wildcard selectors in one pattern, and in one selector one.
const WILDCARDS: usize = 3;

/// The steps from the event to the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// A property.
    Name(String),
    /// An element of an array.
    Index(usize),
    /// Every element or property.
    Each,
}

impl Selector {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        cursor.skip_space();
        let start = cursor.clone();
        if cursor.peek() != Some('$') {
            return Err(cursor.fail(
                format!("expected a selector, found {}", cursor.found()),
                "name the property from the root, such as $.eventName",
            ));
        }
        cursor.bump();
        let mut steps = Vec::new();
        while let Some(step) = step(cursor)? {
            steps.push(step);
        }
        let wildcards = steps.iter().filter(|step| **step == Step::Each).count();
        cursor.wildcards += wildcards;
        if wildcards > 1 || cursor.wildcards > WILDCARDS {
            return Err(start.fail(
                "too many wildcard selectors",
                "AWS takes one in a selector and three in a pattern; name the property or the element",
            ));
        }
        if steps.is_empty() {
            return Err(
                cursor.fail("`$` alone selects nothing", "name the property from the root, such as $.eventName")
            );
        }
        Ok(Self(steps))
    }

    /// The values it selects: none, one, or with a wildcard many.
    pub fn values<'a>(&self, event: &'a Value) -> Vec<&'a Value> {
        let mut values = vec![event];
        for step in &self.0 {
            values = values.into_iter().flat_map(|value| step.into(value)).collect();
        }
        values
    }

    /// Whether some value that it selects is as `test` says. Without a wildcard nothing is gathered on the way.
    pub fn any<'a>(&self, event: &'a Value, mut test: impl FnMut(&'a Value) -> bool) -> bool {
        if !self.is_single() {
            return self.values(event).into_iter().any(test);
        }
        let mut value = event;
        for step in &self.0 {
            let next = match (step, value) {
                (Step::Name(name), Value::Object(members)) => members.get(name),
                (Step::Index(n), Value::Array(elements)) => elements.get(*n),
                _ => None,
            };
            let Some(next) = next else { return false };
            value = next;
        }
        test(value)
    }

    /// Whether it selects one value at most.
    pub fn is_single(&self) -> bool {
        !self.0.contains(&Step::Each)
    }
}

impl Step {
    fn into<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Self::Name(name), Value::Object(members)) => members.get(name).into_iter().collect(),
            (Self::Index(n), Value::Array(elements)) => elements.get(*n).into_iter().collect(),
            (Self::Each, Value::Object(members)) => members.values().collect(),
            (Self::Each, Value::Array(elements)) => elements.iter().collect(),
            _ => Vec::new(),
        }
    }
}

fn step(cursor: &mut Cursor<'_>) -> Result<Option<Step>, PatternError> {
    match cursor.peek() {
        Some('[') => bracket(cursor).map(Some),
        Some('.') => {
            cursor.bump();
            match cursor.peek() {
                Some('[') => bracket(cursor).map(Some),
                Some('*') => {
                    cursor.bump();
                    Ok(Some(Step::Each))
                }
                _ => name(cursor).map(Some),
            }
        }
        Some(c) if !(c.is_whitespace() || "=!<>)}&|".contains(c)) => Err(cursor.fail(
            format!("`{c}` does not belong in a selector"),
            "a name that has more than letters, digits, - and _ goes in brackets: $.['a.b']",
        )),
        _ => Ok(None),
    }
}

fn name(cursor: &mut Cursor<'_>) -> Result<Step, PatternError> {
    let name = cursor.take(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if name.is_empty() {
        return Err(cursor.fail(
            format!("expected a property's name, found {}", cursor.found()),
            "a name that has more than letters, digits, - and _ goes in brackets: $.['a.b']",
        ));
    }
    Ok(Step::Name(name.to_owned()))
}

fn bracket(cursor: &mut Cursor<'_>) -> Result<Step, PatternError> {
    cursor.bump();
    let hint = "write an element as [0], every element as [*], a property as ['name']";
    let step = match cursor.peek() {
        Some('*') => {
            cursor.bump();
            Step::Each
        }
        Some(quote @ ('\'' | '"')) => {
            cursor.bump();
            let name = cursor.take(|c| c != quote).to_owned();
            if cursor.bump().is_none() || name.is_empty() {
                return Err(cursor.fail("the name in brackets is empty or not closed", hint));
            }
            Step::Name(name)
        }
        _ => {
            let digits = cursor.take(|c| c.is_ascii_digit());
            let Ok(n) = digits.parse() else { return Err(cursor.fail("expected an element's number", hint)) };
            Step::Index(n)
        }
    };
    cursor.expect("]", hint)?;
    Ok(step)
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in &self.0 {
            let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            match step {
                Step::Name(name) if plain(name) => write!(f, ".{name}")?,
                Step::Name(name) => write!(f, ".['{name}']")?,
                Step::Index(n) => write!(f, "[{n}]")?,
                Step::Each => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}
