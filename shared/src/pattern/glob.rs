//! Text with `*` for anything.
//!
//! The parts between the stars are looked for from left to right, each where it first fits: that finds a match whenever
//! there is one, and never goes back.

use std::fmt;

/// The parts between the stars; one part alone is a text without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(Vec<String>);

impl Glob {
    /// Of characters, and whether each is escaped and so no star.
    pub fn new(chars: impl IntoIterator<Item = (char, bool)>) -> Self {
        let mut parts = vec![String::new()];
        for (c, escaped) in chars {
            match (c, parts.last_mut()) {
                ('*', _) if !escaped => parts.push(String::new()),
                (c, Some(part)) => part.push(c),
                (c, None) => parts.push(c.to_string()),
            }
        }
        Self(parts)
    }

    /// Of a text without escapes.
    pub fn plain(text: &str) -> Self {
        Self::new(text.chars().map(|c| (c, false)))
    }

    /// The text, if there is no star in it.
    pub fn exact(&self) -> Option<&str> {
        match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether there is a star elsewhere than at the ends.
    pub fn has_inner_star(&self) -> bool {
        let inner = self.0.iter().enumerate().filter(|(n, part)| *n > 0 && n + 1 < self.0.len() && !part.is_empty());
        let (first, last) = (self.0.first(), self.0.last());
        let both_ends = first.is_some_and(|part| !part.is_empty()) && last.is_some_and(|part| !part.is_empty());
        self.0.len() > 1 && (both_ends || inner.count() > 1)
    }

    pub fn matches(&self, text: &str) -> bool {
        let (Some((first, rest)), Some(last)) = (self.0.split_first(), self.0.last()) else { return false };
        if rest.is_empty() {
            return first == text;
        }
        let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
        let inner = rest.len() - 1;
        for part in rest.iter().take(inner) {
            let Some((_, after)) = left.split_once(part.as_str()) else { return false };
            left = after;
        }
        left.ends_with(last.as_str())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|part| escaped(part)).collect();
        write!(f, "\"{}\"", parts.join("*"))
    }
}

fn escaped(part: &str) -> String {
    part.replace('\\', "\\\\").replace('"', "\\\"").replace('*', "\\*")
}
