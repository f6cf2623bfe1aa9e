//! The four jobs, each from its event to what can be read back from the emulated AWS afterwards.
//!
//! The demo shows them one after the other; the end-to-end tests assert on them. Every change that is listed here was
//! read back through the API, not taken from a function's own report.

pub mod alarm;
pub mod baseline;
pub mod budget;
pub mod reset;

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::local::Local;

/// What one job did.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The event that woke it.
    pub event: &'static str,
    /// The function that did it.
    pub function: &'static str,
    /// What is different now, as read back.
    pub changes: Vec<String>,
    /// AWS calls on its behalf.
    pub calls: usize,
    /// From the event to the last change.
    pub took: Duration,
}

/// Counts calls and time around one job.
struct Clock {
    began: Instant,
    since: u64,
}

impl Clock {
    async fn start(local: &Local) -> Outcome<Self> {
        Ok(Self { began: Instant::now(), since: local.stack.last_call().await? })
    }

    async fn stop(
        self,
        local: &Local,
        event: &'static str,
        function: &'static str,
        changes: Vec<String>,
    ) -> Outcome<Effect> {
        let calls = local.calls_of_functions(self.since).await?;
        Ok(Effect { event, function, changes, calls, took: self.began.elapsed() })
    }
}
