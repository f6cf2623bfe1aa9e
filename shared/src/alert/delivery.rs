//! The job of `alert-delivery`: takes one delivery to its channel, once.
//!
//! A short wait that the other side asks for is waited for here; a long one is written down, and the queue hands the
//! delivery out again. A delivery that will never arrive is DEAD and said so loudly, and does not block its channel.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ack::{Claim, Keys};
use super::channels::{self, Https, Loopback, Outcome, Tools, thread};
use super::explain::test_message;
use super::heartbeat::Beat;
use super::open;
use super::outbox::{Delivery, Held, State, Ticket, begin, owe, settle};
use super::sources::{Incoming, detect};
use crate::aws::sns::SdkTopics;
use crate::aws::sqs::{Queue, SdkQueue};
use crate::config::Config;
use crate::event::{BadEvent, Message};
use crate::forester::Forester;
use crate::job::{Failure, Invocation, Job};
use crate::store::{Store, StoreError};
use crate::telemetry::{Metric, emit};
use crate::types::Malformed;

/// Delivers.
#[derive(Clone)]
pub struct Deliverer {
    pub(super) config: Arc<Config>,
    pub(super) store: Arc<dyn Store>,
    tools: Tools,
    /// Where further deliveries wait their turn; absent: they are sent here and now.
    queue: Option<Arc<dyn Queue>>,
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

    /// Whether too little time is left to begin anything.
    pub(super) fn is_short(&self) -> bool {
        self.left() < SEND
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
/// The longest that SQS hides a message: twelve hours.
const LONGEST: i64 = 43_200;

/// What the function is asked.
#[derive(Deserialize)]
#[serde(untagged)]
enum Request {
    /// One delivery.
    Owed { delivery: Ticket },
    /// A look at all of them.
    Watch { action: Watch },
}

/// The word for a look at all deliveries.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Watch {
    Watch,
}

/// A delivery that is handed on; boxed, because handing on may lead to delivering, which may hand on.
type HandedOn<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// How a try went.
enum Tried {
    /// It is over, one way or the other.
    Over(State),
    /// Not before then again.
    Wait(Timestamp),
}

impl fmt::Debug for Deliverer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deliverer")
    }
}

#[async_trait]
impl Job for Deliverer {
    async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
        let clock = Clock::new(invocation);
        if let Some(beat) = Beat::passed(&message.text) {
            return beat.arrive(self.store.as_ref(), &clock).await;
        }
        let request: Request = serde_json::from_str(&message.text).map_err(|error| BadEvent {
            problem: error.to_string(),
            expected: "a delivery of the outbox, {\"delivery\": {\"receiver\", \"delivery\"}}, or {\"action\": \"watch\"}",
        })?;
        let ticket = match request {
            Request::Watch { action: Watch::Watch } => return Ok(json!(self.watch(&clock).await?)),
            Request::Owed { delivery } => delivery,
        };
        match self.attempt_until_over(&ticket, &clock).await? {
            Tried::Over(state) => {
                Ok(json!({ "receiver": ticket.receiver, "delivery": ticket.delivery, "state": state }))
            }
            Tried::Wait(until) => {
                self.hide(message, until, &clock).await;
                Err(waits(&ticket, until))
            }
        }
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
        Self { config, store, tools, queue: None }
    }

    /// Over the wired parts, further deliveries going into the queue that the environment names.
    pub fn queued(forester: &Forester) -> Result<Self, Malformed> {
        let region = forester.sdk.region().unwrap_or_else(|| forester.config.home_region.clone());
        let queue = forester.settings.outbox.as_ref().map(|url| SdkQueue::new(&forester.sdk, url, region));
        let queue = queue.transpose()?.map(|queue| Arc::new(queue) as Arc<dyn Queue>);
        Ok(Self { queue, ..Self::new(forester) })
    }

    /// The same, further deliveries going into this queue.
    #[must_use]
    pub fn through(self, queue: Arc<dyn Queue>) -> Self {
        Self { queue: Some(queue), ..self }
    }

    /// Takes the delivery to its channel and says how it stands then.
    ///
    /// Nothing is begun that the invocation may not see the end of: a sender that is stopped after sending sends again.
    pub async fn deliver(&self, ticket: &Ticket, clock: &Clock) -> Result<State, Failure> {
        match self.attempt_until_over(ticket, clock).await? {
            Tried::Over(state) => Ok(state),
            Tried::Wait(until) => Err(waits(ticket, until)),
        }
    }

    async fn attempt_until_over(&self, ticket: &Ticket, clock: &Clock) -> Result<Tried, Failure> {
        loop {
            if clock.is_short() {
                return Err(Failure::Retryable(format!("no time is left to send {}", ticket.delivery)));
            }
            let wait_until = match begin(self.store.as_ref(), ticket, clock.now()).await? {
                Ok((delivery, version)) => match self.attempt(delivery, version, clock).await? {
                    State::Failed { not_before, .. } => not_before,
                    state => return Ok(Tried::Over(state)),
                },
                Err(Held::Done(delivery)) => return Ok(Tried::Over(delivery.state)),
                Err(Held::Until(until)) => until,
                Err(Held::Unknown) => {
                    let problem = format!("nothing is owed to {} under {}", ticket.receiver, ticket.delivery);
                    return Err(BadEvent { problem, expected: "a delivery that is in the outbox" }.into());
                }
            };
            match clock.wait_for(wait_until) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Ok(Tried::Wait(wait_until)),
            }
        }
    }

    /// Asks the queue to hand the message out again when it may be tried, rather than when its visibility ends. What
    /// the queue does not take to heart costs time and nothing else.
    async fn hide(&self, message: &Message, until: Timestamp, clock: &Clock) {
        let (Some(queue), Some(handle)) = (&self.queue, &message.handle) else { return };
        let seconds = until.duration_since(clock.now()).as_secs().saturating_add(1);
        let seconds = i32::try_from(seconds.clamp(1, LONGEST)).unwrap_or(1);
        if let Err(error) = queue.hide(handle, seconds).await {
            tracing::warn!("the message comes back when its visibility ends, and not at {until}: {error}");
        }
    }

    /// Hands a delivery on: into the queue under `once`, an id that SQS takes once in five minutes, or to its channel.
    pub(super) fn hand_on<'a>(&'a self, delivery: &'a Delivery, once: &'a str, clock: &'a Clock) -> HandedOn<'a> {
        Box::pin(async move {
            let ticket = delivery.ticket();
            let Some(queue) = &self.queue else { return self.deliver(&ticket, clock).await.map(drop) };
            Ok(queue.send(&json!({ "delivery": ticket }).to_string(), &delivery.group(), once).await?)
        })
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
        // First others are told, then it is over: a sender that dies in between tells them again, under the same ids.
        if let State::Dead { reason } = &delivery.state {
            self.give_up(&delivery, reason, clock).await?;
        }
        self.write(&delivery, version, clock).await?;
        if delivery.state.is_over() {
            self.strike(&delivery).await;
        }
        Ok(delivery.state)
    }

    async fn send(&self, delivery: &Delivery, clock: &Clock) -> Outcome {
        let receivers = self.config.alerts.as_ref().map(|alerts| &alerts.receivers);
        let declared = receivers.and_then(|all| all.get(&delivery.receiver)?.get(delivery.channel));
        let Some(channel) = declared.filter(|d| d.kind() == delivery.kind).map(channels::of) else {
            return Outcome::Refused(format!("receiver {} has no such channel any more", delivery.receiver));
        };
        let (acknowledge, button) = (self.link(delivery, clock).await, self.has_button(delivery));
        let delivery = &Delivery { acknowledge, button, ..delivery.clone() };
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

    /// What is over is no longer owed. The watch strikes out what stays on the list.
    async fn strike(&self, delivery: &Delivery) {
        if let Err(error) = open::strike(self.store.as_ref(), &delivery.ticket()).await {
            tracing::warn!(delivery.id = %delivery.id, "{} is over and still on the list: {error}", delivery.id);
        }
    }

    /// Whether Slack's buttons lead to us: their address stands in the app, and we know what Slack signs with.
    fn has_button(&self, delivery: &Delivery) -> bool {
        let settings = self.config.alerts.as_ref().and_then(|alerts| alerts.acknowledge.as_ref());
        settings.is_some_and(|settings| settings.slack.is_some()) && delivery.can_be_taken()
    }

    /// Where the reader says that they have taken the matter. A message without a link is better than none.
    async fn link(&self, delivery: &Delivery, clock: &Clock) -> Option<String> {
        let settings = self.config.alerts.as_ref()?.acknowledge.as_ref()?;
        if !delivery.can_be_taken() {
            return None;
        }
        let until = clock.now().checked_add(settings.valid.length()).ok()?;
        let claim = Claim { incident: delivery.incident.clone(), receiver: delivery.receiver.clone(), until };
        let keys = match self.tools.secrets.get(&settings.key).await {
            Ok(secret) => Keys::of(secret.reveal()),
            Err(why) => {
                tracing::warn!(delivery.id = %delivery.id, "{} goes without a link: {why}", delivery.id);
                None
            }
        };
        Some(format!("{}?t={}", settings.url.trim_end_matches('?'), keys?.sign(&claim)?))
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

fn waits(ticket: &Ticket, until: Timestamp) -> Failure {
    Failure::Retryable(format!("{} must wait until {until}", ticket.delivery))
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
