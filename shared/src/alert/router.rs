//! The job of `budget-router` and `alarm-fanout`: from a message to deliveries owed.
//!
//! An alarm is told at once; what is behind it follows in the same thread. A matter begins once and ends once, whatever
//! the order in which its signals come.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::ack::Taken as Acknowledgement;
use super::causes;
use super::claim;
use super::delivery::Clock;
use super::enrich::{World, place};
use super::episodes;
use super::found::Found;
use super::heartbeat::Beat;
use super::incident::{Incident, Place};
use super::ladder::{Ladder, Sandboxes};
use super::model::{Alert, Status};
use super::new_region;
use super::noise::Noise;
use super::owner::Contacts;
use super::paths;
use super::plan::Signal;
use super::recent;
use super::route::is_unsilenceable;
use super::settle::{Desk, Out, Settled, desk_over, out};
use super::sources::{Alarm, Incoming, alarm, detect, of_no_rule, record};
use super::tally::{self, Counted};
use crate::aws::Accounts;
use crate::aws::budgets::{Budgets, SdkBudgets};
use crate::event::{BadEvent, Message};
use crate::forester::Forester;
use crate::job::{Failure, Invocation, Job};
use crate::org::Directory;
use crate::store::Key;
use crate::telemetry::{Metric, emit_by};
use crate::types::Malformed;

/// Routes messages.
pub struct Router {
    /// What spend does beyond a message.
    ladder: Option<Ladder>,
    accounts: Arc<dyn Accounts>,
    budgets: Arc<dyn Budgets>,
    directory: Arc<dyn Directory>,
    contacts: Contacts,
    noise: Noise,
    pub(super) desk: Desk,
}

/// The time that is left for answering after lookups end.
const RESERVE: SignedDuration = SignedDuration::from_secs(15);
/// How long an alarm waits for its account's name and owner before it is told without.
const SOON: Duration = Duration::from_secs(5);

/// An alarm that was told at once, or held back because what it is about was told just before.
struct AtOnce {
    alert: Alert,
    settled: Option<Settled>,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Router")
    }
}

#[async_trait]
impl Job for Router {
    async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
        let clock = Clock::new(invocation);
        let incoming = Incoming::new(message);
        if let Some(beat) = Beat::read(&incoming.json, &message.id, clock.now()) {
            return beat.pass_on(self.desk.store.as_ref(), &self.desk.out, &clock).await;
        }
        if let Some(ladder) = self.ladder.as_ref().filter(|_| incoming.json == json!({ "action": "ladder" })) {
            return ladder.tick(&clock).await;
        }
        if let Some(answer) = self.own(&incoming.json, invocation).await? {
            return Ok(answer);
        }
        self.routed(&incoming, invocation, &clock).await
    }
}

/// Lookups that take too long are given up: an alert that says less arrives, one that waits may not.
fn unlooked(mut alert: Alert) -> Alert {
    alert.partial("the lookups took too long and were given up");
    alert
}

impl Router {
    /// A router over the wired parts.
    pub fn new(forester: &Forester) -> Result<Self, Malformed> {
        Ok(Self::delivering(forester, out(forester)?))
    }

    /// A router that delivers by another way than the environment says.
    pub fn delivering(forester: &Forester, out: Out) -> Self {
        let home = forester.config.home_region.clone();
        let budgets = SdkBudgets::new(&forester.sdk, Arc::clone(&forester.accounts), home.clone());
        let noise = forester.config.alerts.as_ref().map_or_else(|| Noise::of(&[]), |alerts| Noise::of(&alerts.noise));
        Self {
            ladder: None,
            accounts: Arc::clone(&forester.accounts),
            budgets: Arc::new(budgets),
            directory: Arc::clone(&forester.directory),
            contacts: Contacts::new(Arc::clone(&forester.accounts), home),
            noise,
            desk: desk_over(forester, out),
        }
    }

    /// The same, with a ladder over these sandboxes.
    #[must_use]
    pub fn with_ladder(self, sandboxes: Arc<dyn Sandboxes>) -> Self {
        let ladder = self.ladder(sandboxes);
        Self { ladder: Some(ladder), ..self }
    }

    /// A ladder over these sandboxes, which tells where this router does.
    pub fn ladder(&self, sandboxes: Arc<dyn Sandboxes>) -> Ladder {
        Ladder { desk: self.desk.clone(), budgets: Arc::clone(&self.budgets), sandboxes }
    }

    /// Reads a message, looks up what it does not say, and settles what it comes to.
    async fn routed(&self, incoming: &Incoming<'_>, invocation: &Invocation, clock: &Clock) -> Result<Value, Failure> {
        let (source, alert) = detect(incoming);
        let world = self.world(invocation);
        let told = self.at_once(&alert, &world, clock).await?;
        let alarm = alarm(incoming).filter(Alarm::has_causes);
        let found = match &alarm {
            Some(alarm) => timeout_at(world.until, causes::found(alert.clone(), alarm, &world)).await.ok(),
            None => {
                let seen = timeout_at(world.until, source.observe(alert.clone(), incoming, &world)).await.ok();
                seen.map(Found::of)
            }
        };
        let found = found.unwrap_or_else(|| Found::nothing(unlooked(alert.clone())));
        if let Some(alarm) = alarm.filter(|_| told.is_some()) {
            self.search_later(&alert, &alarm, &found, clock).await?;
        }
        let reports = match alert.status {
            Status::Resolved => self.recover(&alert, found.alerts, &world, clock).await?,
            Status::Firing => {
                let (mut seen, mut reports) = self.counted(found.alerts, incoming, clock).await?;
                seen.extend(
                    new_region::sighted(self.desk.store.as_ref(), &self.desk.config, incoming, clock.now()).await?,
                );
                reports.extend(self.take(seen, told, &world, clock).await?);
                reports
            }
        };
        refuse(incoming.message, source.name())?;
        Ok(json!({ "source": source.name(), "alerts": reports }))
    }

    /// What is to be told of these, and reports of what is only counted.
    async fn counted(
        &self,
        seen: Vec<Alert>,
        incoming: &Incoming<'_>,
        clock: &Clock,
    ) -> Result<(Vec<Alert>, Vec<Value>), Failure> {
        let (mut told, mut reports) = (Vec::new(), Vec::new());
        let (store, floods) = (self.desk.store.as_ref(), self.desk.alerts()?.floods);
        for alert in seen {
            let title = alert.title.clone();
            if let Some(why) = of_no_rule(&alert, incoming) {
                emit_by("alerts", ("noise", "no-rule"), &[Metric::count("LeftOut", 1)]);
                reports.push(json!({ "title": title, "suppressed_by": why }));
                continue;
            }
            match tally::counted(store, alert, record(&incoming.json), &floods, clock.now()).await? {
                Counted::Told(alert) => told.push(*alert),
                Counted::Kept(why) => reports.push(json!({ "title": title, "suppressed_by": why })),
            }
        }
        Ok((told, reports))
    }

    /// What Forester says to itself: that something is due, or to look what is.
    async fn own(&self, json: &Value, invocation: &Invocation) -> Result<Option<Value>, Failure> {
        match json.get("forester").and_then(Value::as_str) {
            Some("sweep") => self.sweep(invocation).await.map(Some),
            Some("due") => {
                let key = json.get("due").cloned().unwrap_or_default();
                let wrong = |error: serde_json::Error| BadEvent {
                    problem: error.to_string(),
                    expected: "what is due: {\"forester\": \"due\", \"due\": {\"partition\", \"sort\"}}",
                };
                let key: Key = serde_json::from_value(key).map_err(wrong)?;
                self.wake(&key, invocation).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Every matter that is known, the newest first.
    pub async fn incidents(&self, invocation: &Invocation) -> Result<Vec<Incident>, Failure> {
        self.desk.incidents(&Clock::new(invocation)).await
    }

    /// Notes that somebody has taken a matter.
    pub async fn acknowledge(&self, id: &str, by: &str, invocation: &Invocation) -> Result<Acknowledgement, Failure> {
        self.desk.acknowledge(id, by, &Clock::new(invocation)).await
    }

    pub(super) fn world(&self, invocation: &Invocation) -> World {
        let left = invocation.deadline.duration_since(invocation.started) - RESERVE;
        World {
            accounts: Arc::clone(&self.accounts),
            budgets: Arc::clone(&self.budgets),
            directory: Arc::clone(&self.directory),
            noise: self.noise.clone(),
            now: invocation.started,
            until: Instant::now() + left.try_into().unwrap_or_default(),
        }
    }

    /// The alert with what the organization knows of its account, as far as that is known by `until`.
    async fn placed(&self, mut alert: Alert, until: Instant, now: Timestamp) -> Alert {
        let config = &self.desk.config;
        let owners = config.alerts.as_ref().map(|alerts| alerts.owners.clone()).unwrap_or_default();
        let placed = timeout_at(until, place(&mut alert, self.directory.as_ref(), &owners, &self.contacts, now)).await;
        if placed.is_err() { unlooked(alert) } else { alert }
    }

    /// Tells of an alarm before what is behind it is looked for: that takes a while, and may fail. Where the call behind
    /// it was told a moment ago by its own event, it is first found out whether there is more to tell; what cannot be
    /// silenced waits for nothing.
    async fn at_once(&self, alert: &Alert, world: &World, clock: &Clock) -> Result<Option<AtOnce>, Failure> {
        if alert.kind != "alarm" || alert.status != Status::Firing {
            return Ok(None);
        }
        self.begin(&Place::of(alert), alert, clock).await?;
        let waits =
            !is_unsilenceable(&alert.labels) && recent::told(self.desk.store.as_ref(), alert, clock.now()).await?;
        let settled = match waits {
            true => None,
            false => {
                let alert = self.placed(alert.clone(), world.until.min(Instant::now() + SOON), world.now).await;
                Some(self.desk.settle(&Signal { bare: true, ..Signal::new(alert) }, clock).await?)
            }
        };
        Ok(Some(AtOnce { alert: alert.clone(), settled }))
    }

    /// Settles what was found: each account concerned is a matter of its own, and goes on where the bare alarm was told.
    async fn take(
        &self,
        seen: Vec<Alert>,
        told: Option<AtOnce>,
        world: &World,
        clock: &Clock,
    ) -> Result<Vec<Value>, Failure> {
        let (mut reports, mut places) = (Vec::new(), BTreeSet::new());
        let before = told.as_ref().and_then(|told| told.settled.as_ref()?.incident.as_ref());
        for alert in seen {
            let mut signal = self.signal(alert, world, clock).await?;
            if let Some(before) = before.filter(|before| before.place != signal.place) {
                signal.heard = before.heard.clone();
            }
            if told.is_none() {
                self.begin(&signal.place, &signal.alert, clock).await?;
            }
            let settled = self.desk.settle(&signal, clock).await?;
            if let Some(incident) = &settled.incident {
                recent::note(self.desk.store.as_ref(), incident, clock.now()).await?;
            }
            reports.push(settled.report);
            if let Some(ladder) = &self.ladder {
                ladder.climb(&signal.place, &signal.alert, clock).await?;
            }
            // A call that belongs to an alarm's matter does not end it: whoever began it does.
            if episodes::lasts(&signal.alert) {
                places.insert(signal.place);
            }
        }
        if let Some(told) = told {
            let whole = Place::of(&told.alert);
            self.divide(told.alert, &places, clock).await?;
            // It ends with all that took it over.
            places = BTreeSet::from([whole]);
        }
        for place in &places {
            self.close_ended(place, clock).await?;
        }
        Ok(reports)
    }

    /// The alert as a signal of the matter that its events belong to.
    pub(super) async fn signal(&self, alert: Alert, world: &World, clock: &Clock) -> Result<Signal, Failure> {
        let mut alert = self.placed(alert, world.until, world.now).await;
        paths::compare(self.desk.store.as_ref(), &mut alert, clock.now()).await;
        let mut signal = Signal::new(alert);
        if !signal.events.is_empty() {
            (signal.place, signal.events) = claim::join(self.desk.store.as_ref(), &signal.alert, clock.now()).await?;
        }
        Ok(signal)
    }
}

/// What no source knows was delivered as it is; unless a person may have written it to a topic, it is also handed
/// back, so that the queue keeps it with its dead letters.
fn refuse(message: &Message, source: &str) -> Result<(), BadEvent> {
    if source != "unknown" || message.topic.is_some() {
        return Ok(());
    }
    Err(BadEvent {
        problem: "no source knows this message; it was delivered unread".to_owned(),
        expected: "a budget notification, an alarm, a cost anomaly or a CloudTrail event",
    })
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "order_tests.rs"]
mod order;

#[cfg(test)]
#[path = "later_tests.rs"]
mod later;

#[cfg(test)]
#[path = "many_tests.rs"]
mod many;
