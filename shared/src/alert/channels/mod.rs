//! Ways to people and systems, a file each. Adding one: its file, a `mod` line, a variant in `config::alerts::Channel`,
//! an arm in `of`, a section in `docs/alerts.md`, an entry in `render_tests.rs`. A test fails for what is forgotten.

mod amazon_q;
mod blocks;
mod call;
mod email;
mod eventbridge;
#[cfg(test)]
mod forms;
mod https;
mod jira;
mod jsm;
mod page;
mod pagerduty;
#[cfg(test)]
mod samples;
mod secrets;
mod slack;
mod slack_webhook;
mod sns;
mod teams;
pub(super) mod thread;
mod webhook;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::outbox::Delivery;
use crate::aws::sns::{Publication, Topics};
use crate::aws::{Accounts, CallError};
use crate::config::alerts::Channel as Declared;
use crate::types::{Region, TopicArn};

pub use https::{Https, Loopback};
pub(super) use page::ACKNOWLEDGE;
pub use secrets::Secrets;
pub use thread::Thread;

/// A way to somebody.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What the other side gets: pure, and what `alerts explain` shows.
    fn render(&self, delivery: &Delivery) -> String;

    /// Whether it gives places that can be written to again.
    fn has_threads(&self) -> bool {
        false
    }

    /// Sends it, once. `thread` is where the matter was told before, if the channel gave a place then; `now` is the time
    /// in signatures.
    async fn send(&self, delivery: &Delivery, thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome;
}

/// The label by which an update says that somebody has taken the matter.
pub const ACKNOWLEDGED: &str = "acknowledged";

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

impl From<CallError> for Outcome {
    fn from(error: CallError) -> Self {
        match error.may_pass() {
            true => Self::Later(error.to_string(), None),
            false => Self::Refused(error.to_string()),
        }
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
    accounts: Arc<dyn Accounts>,
    region: Region,
}

impl Tools {
    /// What channels send with, in the home account and `region`.
    pub fn new(https: Https, topics: Arc<dyn Topics>, accounts: Arc<dyn Accounts>, region: Region) -> Self {
        let secrets = Secrets::new(Arc::clone(&accounts), region.clone());
        Self { https, topics, secrets, accounts, region }
    }

    /// Publishes a delivery's message; on a FIFO topic once, and in the order of its channel.
    async fn publish(&self, delivery: &Delivery, topic: &TopicArn, subject: &str, message: &str) -> Outcome {
        let publication = Publication { topic, subject, message, id: &delivery.id, group: &delivery.group() };
        match self.topics.publish(publication).await {
            Ok(id) => Outcome::accepted(id),
            Err(error) => error.into(),
        }
    }

    /// Calls AWS in the home account, in the home region unless another is named.
    async fn call(
        &self,
        region: Option<&Region>,
        service: &str,
        operation: &str,
        params: Value,
    ) -> Result<Value, CallError> {
        let home = self.accounts.home().await?;
        let scope = self.accounts.scope(&home, region.unwrap_or(&self.region)).await?;
        scope.call(service, operation, params).await
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tools")
    }
}

/// The channel that the file declares.
pub fn of(declared: &Declared) -> &dyn Channel {
    match declared {
        Declared::Webhook(webhook) => webhook,
        Declared::Sns(sns) => sns,
        Declared::Slack(slack) => slack,
        Declared::SlackWebhook(webhook) => webhook,
        Declared::Teams(teams) => teams,
        Declared::Pagerduty(pagerduty) => pagerduty,
        Declared::Jsm(jsm) => jsm,
        Declared::Jira(jira) => jira,
        Declared::Email(email) => email,
        Declared::Eventbridge(bus) => bus,
        Declared::AmazonQ(topic) => topic,
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod render_tests;
#[cfg(test)]
#[path = "send_tests.rs"]
mod send_tests;
#[cfg(test)]
#[path = "thread_tests.rs"]
mod thread_tests;
