//! The job of `alert-delivery`: takes one delivery to its channel, once.
//!
//! A short wait that the other side asks for is waited for here; a long one is written down, and the queue hands the
//! delivery out again. A delivery that will never arrive is DEAD and said so loudly, and does not block its channel.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::channels::{self, Https, Loopback, Outcome, Tools, thread};
use super::explain::test_message;
use super::heartbeat::Beat;
use super::outbox::{Delivery, Held, State, Ticket, begin, owe, settle};
use super::sources::{Incoming, detect};
use crate::aws::sns::SdkTopics;
use crate::config::Config;
use crate::event::{BadEvent, Message};
use crate::forester::Forester;
use crate::job::{Failure, Invocation, Job};
use crate::store::{Store, StoreError};
use crate::telemetry::{Metric, emit};

/// Delivers.
#[derive(Clone)]
pub struct Deliverer {
    config: Arc<Config>,
    store: Arc<dyn Store>,
    tools: Tools,
}

/// The time of an invocation, going on.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Timestamp,
    since: Instant,
    deadline: Timestamp,
}

impl Clock {
    /// A clock that stands at the invocation's start now.
    pub fn new(invocation: &Invocation) -> Self {
        Self { started: invocation.started, since: Instant::now(), deadline: invocation.deadline }
    }

    /// What it is now.
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.since.elapsed()).unwrap_or_default();
        self.started.checked_add(passed).unwrap_or(self.started)
    }

    /// How long until the invocation ends.
    fn left(&self) -> SignedDuration {
        self.deadline.duration_since(self.now())
    }

    /// How long until `at`, if that can be waited for before the invocation ends.
    fn wait_for(&self, at: Timestamp) -> Option<Duration> {
        let wait = at.duration_since(self.now());
        let left = self.deadline.duration_since(at);
        (wait <= PATIENCE && left >= SEND).then(|| Duration::try_from(wait).unwrap_or_default())
    }
}

/// How long a wait may be to be waited for here.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);
/// How long one sending may take.
const SEND: SignedDuration = SignedDuration::from_secs(20);
/// How often a delivery is tried before it is given up; less often than the queue hands it out.
const ATTEMPTS: u32 = 8;

#[derive(Deserialize)]
struct Owed {
    delivery: Ticket,
}

impl fmt::Debug for Deliverer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deliverer")
    }
}

#[async_trait]
impl Job for Deliverer {
    async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
        if let Some(beat) = Beat::passed(&message.text) {
            return beat.arrive(self.store.as_ref(), &Clock::new(invocation)).await;
        }
        let owed: Owed = serde_json::from_str(&message.text).map_err(|error| BadEvent {
            problem: error.to_string(),
            expected: "a delivery of the outbox: {\"delivery\": {\"receiver\", \"delivery\"}}",
        })?;
        let state = self.deliver(&owed.delivery, &Clock::new(invocation)).await?;
        Ok(json!({ "receiver": owed.delivery.receiver, "delivery": owed.delivery.delivery, "state": state }))
    }
}

impl Deliverer {
    /// Over the wired parts.
    pub fn new(forester: &Forester) -> Self {
        let loopback = if forester.settings.allow_loopback { Loopback::Allowed } else { Loopback::Refused };
        let topics = Arc::new(SdkTopics::new(&forester.sdk));
        let region = forester.config.home_region.clone();
        let tools = Tools::new(Https::new(loopback), topics, Arc::clone(&forester.accounts), region);
        Self::with(Arc::clone(&forester.config), Arc::clone(&forester.store), tools)
    }

    /// Over any parts.
    pub fn with(config: Arc<Config>, store: Arc<dyn Store>, tools: Tools) -> Self {
        Self { config, store, tools }
    }

    /// Takes the delivery to its channel and says how it stands then.
    ///
    /// Nothing is begun that the invocation may not see the end of: a sender that is stopped after sending sends again.
    pub async fn deliver(&self, ticket: &Ticket, clock: &Clock) -> Result<State, Failure> {
        loop {
            if clock.left() < SEND {
                return Err(Failure::Retryable(format!("no time is left to send {}", ticket.delivery)));
            }
            let wait_until = match begin(self.store.as_ref(), ticket, clock.now()).await? {
                Ok((delivery, version)) => match self.attempt(delivery, version, clock).await? {
                    State::Failed { not_before, .. } => not_before,
                    state => return Ok(state),
                },
                Err(Held::Done(delivery)) => return Ok(delivery.state),
                Err(Held::Until(until)) => until,
                Err(Held::Unknown) => {
                    let problem = format!("nothing is owed to {} under {}", ticket.receiver, ticket.delivery);
                    return Err(BadEvent { problem, expected: "a delivery that is in the outbox" }.into());
                }
            };
            match clock.wait_for(wait_until) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(Failure::Retryable(format!("{} must wait until {wait_until}", ticket.delivery))),
            }
        }
    }

    /// Sends a test message to each channel of a receiver, and says how each took it.
    pub async fn test(&self, receiver: &str, invocation: &Invocation) -> Result<Vec<(String, State)>, Failure> {
        let channels = self.config.alerts.as_ref().and_then(|alerts| alerts.receivers.get(receiver));
        let unknown = || Failure::Config(format!("the configuration has no receiver `{receiver}`"));
        let message = test_message(&invocation.request_id);
        let (clock, (_, alert)) = (Clock::new(invocation), detect(&Incoming::new(&message)));
        let mut sent = Vec::new();
        for (n, channel) in channels.ok_or_else(unknown)?.iter().enumerate() {
            let delivery = Delivery::new(&alert, &invocation.request_id, receiver, n, channel.kind());
            owe(self.store.as_ref(), &delivery, clock.now()).await?;
            let state = self.deliver(&delivery.ticket(), &clock).await;
            let state = state.unwrap_or_else(|failure| State::Dead { reason: failure.to_string() });
            sent.push((channel.kind().to_owned(), state));
        }
        Ok(sent)
    }

    /// One attempt under the lease, and what it came to.
    async fn attempt(&self, mut delivery: Delivery, version: u64, clock: &Clock) -> Result<State, Failure> {
        let outcome = self.send(&delivery, clock).await;
        let now = clock.now();
        delivery.state = match outcome {
            Outcome::Accepted { answer, thread } => {
                if let Some(thread) = thread {
                    thread::remember(self.store.as_ref(), &delivery, &thread, now).await;
                }
                State::Sent { at: now, answer }
            }
            Outcome::Refused(reason) => State::Dead { reason },
            Outcome::Later(reason, _) if delivery.attempts >= ATTEMPTS => {
                State::Dead { reason: format!("given up after {ATTEMPTS} attempts: {reason}") }
            }
            Outcome::Later(reason, wait) => {
                let wait = wait.unwrap_or_else(|| backoff(delivery.attempts));
                let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
                State::Failed { reason, not_before: now.checked_add(wait).unwrap_or(Timestamp::MAX) }
            }
        };
        tell(&delivery);
        self.write(&delivery, version, clock).await?;
        Ok(delivery.state)
    }

    async fn send(&self, delivery: &Delivery, clock: &Clock) -> Outcome {
        let receivers = self.config.alerts.as_ref().map(|alerts| &alerts.receivers);
        let declared = receivers.and_then(|all| all.get(&delivery.receiver)?.get(delivery.channel));
        let Some(channel) = declared.filter(|d| d.kind() == delivery.kind).map(channels::of) else {
            return Outcome::Refused(format!("receiver {} has no such channel any more", delivery.receiver));
        };
        let known = match channel.has_threads() {
            true => thread::recall(self.store.as_ref(), delivery, clock.now()).await,
            false => None,
        };
        match &known {
            // The sender before died between sending and saying so.
            Some((_, true)) => Outcome::Accepted { answer: "it had arrived before".to_owned(), thread: None },
            _ => channel.send(delivery, known.as_ref().map(|(thread, _)| thread), &self.tools, clock.now()).await,
        }
    }

    /// Writes the outcome down, insisting: what is not written will be sent again.
    async fn write(&self, delivery: &Delivery, version: u64, clock: &Clock) -> Result<(), Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            match settle(self.store.as_ref(), delivery, version, clock.now()).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Unavailable { .. }) if tries < 4 => {
                    tokio::time::sleep(Duration::from_millis(50 * tries)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn backoff(attempts: u32) -> Duration {
    Duration::from_secs(5).saturating_mul(2_u32.saturating_pow(attempts.min(8))).min(Duration::from_secs(900))
}

fn tell(delivery: &Delivery) {
    let Delivery { id, receiver, kind, .. } = delivery;
    match &delivery.state {
        State::Sent { .. } => {
            tracing::info!(delivery.id = %id, receiver = %receiver, "delivered {id} to {receiver} by {kind}");
            emit("alert-delivery", &[Metric::count("Delivered", 1)]);
        }
        State::Dead { reason } => {
            tracing::error!(delivery.id = %id, receiver = %receiver, "{id} will never reach {receiver} by {kind}: {reason}");
            emit("alert-delivery", &[Metric::count("Dead", 1)]);
        }
        State::Failed { reason, not_before } => {
            tracing::warn!(delivery.id = %id, receiver = %receiver, "{id} did not reach {receiver}: {reason}; again at {not_before}");
            emit("alert-delivery", &[Metric::count("Delayed", 1)]);
        }
        State::Pending | State::Sending { .. } => {}
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
