//! Ways to people and systems, a file each. Adding one: its file, a `mod` line, a variant in `config::alerts::Channel`,
//! an arm in `of`.

mod https;
mod secrets;
mod sns;
pub(super) mod thread;
mod webhook;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::outbox::Delivery;
use crate::aws::sns::Topics;
use crate::config::alerts::Channel as Declared;

pub use https::{Https, Loopback};
pub use secrets::Secrets;
pub use thread::Thread;

/// A way to somebody.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What the other side gets: pure, and what `alerts explain` shows.
    fn render(&self, delivery: &Delivery) -> String;

    /// Sends it, once. `thread` is where the matter was told before, if the channel gave a place then; `now` is the time
    /// in signatures.
    async fn send(&self, delivery: &Delivery, thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome;
}

/// How sending went.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was taken.
    Accepted {
        /// What the other side said.
        answer: String,
        /// Where the matter stands from now on, if it is a place that can be written to again.
        thread: Option<Thread>,
    },
    /// Not now; perhaps the other side said how long to wait.
    Later(String, Option<Duration>),
    /// Never: a repetition would fail in the same way.
    Refused(String),
}

impl Outcome {
    /// It was taken, and nothing can be added to it later.
    fn accepted(answer: impl Into<String>) -> Self {
        Self::Accepted { answer: answer.into(), thread: None }
    }
}

/// What channels send with.
#[derive(Clone)]
pub struct Tools {
    /// Posts over HTTPS.
    pub https: Https,
    /// Publishes to topics.
    pub topics: Arc<dyn Topics>,
    /// Resolves references to secrets.
    pub secrets: Secrets,
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tools")
    }
}

/// The channel that the file declares; `None` for what is not built, which the file's check refuses.
pub fn of(declared: &Declared) -> Option<&dyn Channel> {
    match declared {
        Declared::Webhook(webhook) => Some(webhook),
        Declared::Sns(sns) => Some(sns),
        Declared::Slack(_) | Declared::Teams(_) | Declared::Pagerduty(_) | Declared::Email(_) => None,
    }
}
