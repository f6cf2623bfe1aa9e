//! What is wrong with a pattern: where, what, and what to write instead.

/// A pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {problem}; {hint}")]
pub struct PatternError {
    /// The character, counted from one.
    pub at: usize,
    /// What is wrong there.
    pub problem: String,
    /// What to do.
    pub hint: &'static str,
}
