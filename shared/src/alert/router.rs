//! The job of `budget-router` and `alarm-fanout`: from a message to deliveries owed.
//!
//! Deliveries are written down before the incident is: a run that dies in between is repeated, finds the deliveries
//! there already, and loses nothing.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::delivery::{Clock, Deliverer};
use super::enrich::{World, place};
use super::incident::{Incident, forgotten, key, partition};
use super::model::{Alert, Status};
use super::outbox::{Delivery, State, owe};
use super::plan::Plan;
use super::sources::{Incoming, detect};
use crate::aws::Accounts;
use crate::aws::budgets::{Budgets, SdkBudgets};
use crate::aws::sqs::{Queue, SdkQueue};
use crate::config::Config;
use crate::config::alerts::Alerts;
use crate::event::{BadEvent, Message};
use crate::forester::Forester;
use crate::job::{Failure, Invocation, Job};
use crate::org::Directory;
use crate::store::{Item, Store, StoreError, When};
use crate::telemetry::{Metric, emit};
use crate::types::Malformed;

/// Routes messages.
pub struct Router {
    config: Arc<Config>,
    accounts: Arc<dyn Accounts>,
    budgets: Arc<dyn Budgets>,
    directory: Arc<dyn Directory>,
    store: Arc<dyn Store>,
    out: Out,
}

/// Where deliveries go.
#[derive(Clone)]
pub enum Out {
    /// Into the queue of `alert-delivery`.
    Queue(Arc<dyn Queue>),
    /// Straight to the channels.
    Here(Deliverer),
}

/// The time that is left for answering after lookups end.
const RESERVE: SignedDuration = SignedDuration::from_secs(15);
/// How often a write that somebody else came before is decided anew.
const TRIES: usize = 4;

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
        let (source, alert) = detect(&incoming);
        let world = self.world(invocation);
        let seen = match timeout_at(world.until, source.observe(alert.clone(), &incoming, &world)).await {
            Ok(seen) => seen,
            Err(_) => vec![unlooked(alert)],
        };
        let mut reports = Vec::new();
        for mut alert in self.open_ones(seen).await? {
            let placed = timeout_at(world.until, place(&mut alert, self.directory.as_ref())).await;
            let alert = if placed.is_err() { unlooked(alert) } else { alert };
            reports.push(self.settle(alert, &clock).await?);
        }
        refuse(message, source.name())?;
        Ok(json!({ "source": source.name(), "alerts": reports }))
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
        let out = match &forester.settings.outbox {
            Some(url) => {
                let region = forester.config.home_region.clone();
                Out::Queue(Arc::new(SdkQueue::new(&forester.sdk, url, region)?))
            }
            None => Out::Here(Deliverer::new(forester)),
        };
        Ok(Self::delivering(forester, out))
    }

    /// A router that delivers by another way than the environment says.
    pub fn delivering(forester: &Forester, out: Out) -> Self {
        let home = forester.config.home_region.clone();
        let budgets = SdkBudgets::new(&forester.sdk, Arc::clone(&forester.accounts), home);
        Self {
            config: Arc::clone(&forester.config),
            accounts: Arc::clone(&forester.accounts),
            budgets: Arc::new(budgets),
            directory: Arc::clone(&forester.directory),
            store: Arc::clone(&forester.store),
            out,
        }
    }

    fn world(&self, invocation: &Invocation) -> World {
        let left = invocation.deadline.duration_since(invocation.started) - RESERVE;
        World {
            accounts: Arc::clone(&self.accounts),
            budgets: Arc::clone(&self.budgets),
            directory: Arc::clone(&self.directory),
            now: invocation.started,
            until: Instant::now() + left.try_into().unwrap_or_default(),
        }
    }

    fn alerts(&self) -> Result<&Alerts, Failure> {
        let missing =
            || Failure::Config("the configuration has no `alerts` section, so nobody could hear of it".into());
        self.config.alerts.as_ref().ok_or_else(missing)
    }

    /// What is over is over for every account that it was open for.
    async fn open_ones(&self, seen: Vec<Alert>) -> Result<Vec<Alert>, Failure> {
        let mut alerts = Vec::new();
        for alert in seen {
            let open = match alert.status {
                Status::Firing => Vec::new(),
                Status::Resolved => self.store.list(&partition(&alert), "").await?,
            };
            let open: Vec<Incident> = open.into_iter().filter_map(|item| incident(item).ok()).collect();
            let open: Vec<Incident> = open.into_iter().filter(|known| known.status == Status::Firing).collect();
            if open.is_empty() {
                alerts.push(alert);
                continue;
            }
            alerts.extend(open.into_iter().map(|known| Alert { account: known.account, ..alert.clone() }));
        }
        Ok(alerts)
    }

    /// Decides about one alert and does it; decides anew where somebody else was first.
    async fn settle(&self, alert: Alert, clock: &Clock) -> Result<Value, Failure> {
        let (key, alerts) = (key(&alert), self.alerts()?);
        for _ in 0..TRIES {
            let now = clock.now();
            let item = self.store.get(&key).await?.filter(|item| item.expires_at.is_none_or(|at| at > now));
            let when = item.as_ref().map_or(When::AbsentAt(now), |item| When::Version(item.version));
            let known = item.map(incident).transpose()?;
            let plan = Plan::new(alerts, alert.clone(), known.as_ref(), now);
            tell(&plan);
            let mut report = plan.report();
            let deliveries = self.send(&plan.deliveries, clock).await?;
            if let Some(members) = report.as_object_mut() {
                members.insert("deliveries".to_owned(), deliveries.into());
            }
            let Some(after) = plan.incident else { return Ok(report) };
            let body = serde_json::to_value(after).map_err(|error| Failure::Retryable(error.to_string()))?;
            match self.store.put(&key, body, forgotten(now), when).await {
                Ok(_) => return Ok(report),
                Err(StoreError::Lost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Retryable(format!("others keep writing to {} / {}", key.partition, key.sort)))
    }

    /// Writes every delivery down, then hands each on. Ids are the same in every run, so repeating this is safe.
    async fn send(&self, deliveries: &[Delivery], clock: &Clock) -> Result<Vec<Value>, Failure> {
        let (mut reports, mut failed) = (Vec::new(), Vec::new());
        for delivery in deliveries {
            let state = owe(self.store.as_ref(), delivery, clock.now()).await?;
            let state = match state {
                State::Sent { .. } | State::Dead { .. } => state,
                State::Pending | State::Sending { .. } | State::Failed { .. } => {
                    match self.hand_on(delivery, clock).await {
                        Ok(state) => state,
                        Err(failure) => {
                            failed.push(failure);
                            continue;
                        }
                    }
                }
            };
            reports.push(
                json!({ "id": delivery.id, "receiver": delivery.receiver, "channel": delivery.kind, "state": state }),
            );
        }
        match failed.into_iter().next() {
            None => Ok(reports),
            Some(failure) => Err(failure),
        }
    }

    async fn hand_on(&self, delivery: &Delivery, clock: &Clock) -> Result<State, Failure> {
        match &self.out {
            Out::Here(deliverer) => deliverer.deliver(&delivery.ticket(), clock).await,
            Out::Queue(queue) => {
                let body = json!({ "delivery": delivery.ticket() }).to_string();
                queue.send(&body, &delivery.group(), &delivery.id).await?;
                Ok(State::Pending)
            }
        }
    }
}

fn tell(plan: &Plan) {
    let account = plan.alert.account.as_ref().map_or("-", AsRef::as_ref);
    tracing::info!(account.id = account, alert.kind = %plan.alert.kind, receivers = ?plan.decision.receivers, "{plan}");
    let unread = u64::from(plan.alert.kind == "unknown");
    let silent = u64::from(plan.decision.suppressed_by.is_some());
    let counts = [("Alerts", 1), ("Unread", unread), ("Suppressed", silent)].map(|(name, n)| Metric::count(name, n));
    emit("alerts", &counts);
}

fn incident(item: Item) -> Result<Incident, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { key: item.key, message: error.to_string() };
    serde_json::from_value(item.body).map_err(corrupt)
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
