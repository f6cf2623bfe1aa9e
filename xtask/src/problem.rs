//! What went wrong, in words for the person at the terminal: what happened, why, what to do.

use std::fmt;
use std::path::Path;

/// Ends a task. There is nobody to tell variants apart, so it is text alone.
#[derive(Debug, PartialEq)]
pub struct Problem(pub String);

impl Problem {
    /// A file or directory that could not be read, made or removed.
    pub fn file(doing: &str, path: &Path, cause: &std::io::Error) -> Self {
        Self(format!("cannot {doing} {}: {cause}", path.display()))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
