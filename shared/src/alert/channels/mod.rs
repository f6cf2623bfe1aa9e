//! Ways to people and systems, a file each. Adding one: its file, a `mod` line, a variant in `config::alerts::Channel`,
//! an arm in `of`.

mod https;
mod secrets;
mod sns;
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

/// A way to somebody.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What the other side gets: pure, and what `alerts explain` shows.
    fn render(&self, delivery: &Delivery) -> String;

    /// Sends it, once. `now` is the time in signatures.
    async fn send(&self, delivery: &Delivery, tools: &Tools, now: Timestamp) -> Outcome;
}

/// How sending went.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was taken, and what the other side said.
    Accepted(String),
    /// Not now; perhaps the other side said how long to wait.
    Later(String, Option<Duration>),
    /// Never: a repetition would fail in the same way.
    Refused(String),
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
