//! How bad a matter is, for whoever tells it and whoever routes it.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To know.
    Info,
    /// Some day.
    Low,
    /// Today.
    Medium,
    /// Now.
    High,
    /// Wake somebody.
    Critical,
}

impl Severity {
    /// The word in labels and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity that a word names.
    pub fn named(word: &str) -> Option<Self> {
        let all = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];
        all.into_iter().find(|severity| severity.name() == word)
    }
}
