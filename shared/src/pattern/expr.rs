//! Conditions joined by `&&` and `||`: parentheses bind first, then `&&`, then `||`.

use std::fmt::Display;

use super::cursor::Cursor;
use super::error::PatternError;

/// How deep parentheses may be nested. AWS names no limit; its longest pattern could nest five hundred.
const DEPTH: usize = 32;

/// A condition, or several joined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr<C> {
    /// All of them.
    All(Vec<Expr<C>>),
    /// Any of them.
    Any(Vec<Expr<C>>),
    /// One by itself.
    One(C),
}

impl<C> Expr<C> {
    /// Reads conditions joined by `||`.
    pub(super) fn parse(
        cursor: &mut Cursor<'_>,
        one: &mut impl FnMut(&mut Cursor<'_>) -> Result<C, PatternError>,
    ) -> Result<Self, PatternError> {
        Self::either(cursor, 0, one)
    }

    fn either(
        cursor: &mut Cursor<'_>,
        depth: usize,
        one: &mut impl FnMut(&mut Cursor<'_>) -> Result<C, PatternError>,
    ) -> Result<Self, PatternError> {
        let first = Self::both(cursor, depth, one)?;
        let mut branches = vec![first];
        while cursor.accept("||") {
            branches.push(Self::both(cursor, depth, one)?);
        }
        Ok(joined(branches, Self::Any))
    }

    fn both(
        cursor: &mut Cursor<'_>,
        depth: usize,
        one: &mut impl FnMut(&mut Cursor<'_>) -> Result<C, PatternError>,
    ) -> Result<Self, PatternError> {
        let first = Self::single(cursor, depth, one)?;
        let mut parts = vec![first];
        while cursor.accept("&&") {
            parts.push(Self::single(cursor, depth, one)?);
        }
        Ok(joined(parts, Self::All))
    }

    fn single(
        cursor: &mut Cursor<'_>,
        depth: usize,
        one: &mut impl FnMut(&mut Cursor<'_>) -> Result<C, PatternError>,
    ) -> Result<Self, PatternError> {
        if !cursor.accept("(") {
            return one(cursor).map(Self::One);
        }
        if depth == DEPTH {
            return Err(cursor.fail("the parentheses are nested too deep", "leave out those that change nothing"));
        }
        let inner = Self::either(cursor, depth + 1, one)?;
        cursor.expect(")", "close the parenthesis, or join the conditions with && or ||")?;
        Ok(inner)
    }

    /// Whether it holds, where a condition holds by `test`.
    pub fn holds(&self, test: &impl Fn(&C) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(test)),
            Self::Any(branches) => branches.iter().any(|branch| branch.holds(test)),
            Self::One(condition) => test(condition),
        }
    }

    /// Every condition, in order.
    pub fn each<'a>(&'a self, visit: &mut impl FnMut(&'a C)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each(visit)),
            Self::One(condition) => visit(condition),
        }
    }
}

impl<C: Display> Expr<C> {
    /// The same text for the same meaning: parts in order of the alphabet, each once, nested ones of a kind joined.
    pub fn canonical(&self) -> String {
        match self {
            Self::One(condition) => condition.to_string(),
            Self::All(_) => listed(self.flat(true), " && "),
            Self::Any(_) => listed(self.flat(false), " || "),
        }
    }

    fn flat(&self, all: bool) -> Vec<String> {
        match (self, all) {
            (Self::All(parts), true) | (Self::Any(parts), false) => {
                parts.iter().flat_map(|part| part.flat(all)).collect()
            }
            (other, _) => vec![other.canonical()],
        }
    }
}

fn listed(mut parts: Vec<String>, by: &str) -> String {
    parts.sort();
    parts.dedup();
    match parts.as_slice() {
        [only] => only.clone(),
        _ => format!("({})", parts.join(by)),
    }
}

fn joined<C>(mut parts: Vec<Expr<C>>, kind: impl Fn(Vec<Expr<C>>) -> Expr<C>) -> Expr<C> {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            kind(parts)
        }
        (None, _) => kind(parts),
    }
}
