//! One thing that was looked at, and how it came out.

use std::fmt::Display;

use forester::aws::CallError;
use serde::Serialize;

/// How one check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    Missing,
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub state: State,
    pub what: String,
    pub hint: String,
}

impl Finding {
    pub fn ok(what: impl Display) -> Self {
        Self { state: State::Ok, what: what.to_string(), hint: String::new() }
    }

    pub fn missing(what: impl Display, hint: impl Display) -> Self {
        Self { state: State::Missing, what: what.to_string(), hint: hint.to_string() }
    }

    /// The check itself was refused or failed: neither good nor bad is known.
    pub fn unknown(what: impl Display, error: &CallError) -> Self {
        Self { state: State::Unknown, what: what.to_string(), hint: error.to_string() }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match self.state {
            State::Ok => "ok      ",
            State::Missing => "MISSING ",
            State::Unknown => "unknown ",
        };
        write!(f, "{mark} {}", self.what)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\n           {}", self.hint) }
    }
}
