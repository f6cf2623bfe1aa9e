//! From a signal to what is known and owed: the effects behind the plan.
//!
//! Each signal is decided against what the store knows, and written under the version that was read; whoever was second
//! decides anew. What is to be told is in that same write. Only then does it go into the outbox, so that a run that
//! dies in between owes nothing that nobody knows of, and whoever comes next hands on what it left.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delivery::{Clock, Deliverer};
use super::incident::{Incident, Place, Telling, Turn};
use super::outbox::{Delivery, State, owe};
use super::plan::{Plan, Signal};
use super::timer::{Due, Errand, Timers};
use super::waiting;
use crate::aws::sqs::{Queue, SdkQueue};
use crate::config::Config;
use crate::config::alerts::Alerts;
use crate::forester::Forester;
use crate::job::Failure;
use crate::store::{Store, StoreError, When};
use crate::telemetry::{Metric, emit};
use crate::types::Malformed;

/// Where deliveries go.
#[derive(Clone)]
pub enum Out {
    /// Into the queue of `alert-delivery`.
    Queue(Arc<dyn Queue>),
    /// Straight to the channels.
    Here(Deliverer),
}

/// Keeps the incidents.
#[derive(Clone)]
pub(super) struct Desk {
    pub config: Arc<Config>,
    pub store: Arc<dyn Store>,
    pub out: Out,
    pub timers: Timers,
}

/// How often a write that somebody else came before is decided anew.
const TRIES: usize = 12;

/// What a signal came to.
pub(super) struct Settled {
    pub report: Value,
    /// The matter as it is known now; `None`: the signal is of none.
    pub incident: Option<Incident>,
}

/// Where the deliveries of a job go: into the queue that the environment names, else straight to the channels.
pub(super) fn out(forester: &Forester) -> Result<Out, Malformed> {
    let Some(url) = &forester.settings.outbox else { return Ok(Out::Here(Deliverer::new(forester))) };
    Ok(Out::Queue(Arc::new(SdkQueue::new(&forester.sdk, url, forester.config.home_region.clone())?)))
}

/// The desk of a job whose deliveries go there.
pub(super) fn desk_over(forester: &Forester, out: Out) -> Desk {
    let (config, store) = (Arc::clone(&forester.config), Arc::clone(&forester.store));
    let timers = Timers { store: Arc::clone(&store), mailbox: forester.timers.clone() };
    Desk { config, store, out, timers }
}

impl Desk {
    pub fn alerts(&self) -> Result<&Alerts, Failure> {
        let missing =
            || Failure::Config("the configuration has no `alerts` section, so nobody could hear of it".into());
        self.config.alerts.as_ref().ok_or_else(missing)
    }

    /// The matter as it is known, and under which version.
    pub async fn known(&self, place: &Place, clock: &Clock) -> Result<Option<(Incident, u64)>, Failure> {
        let now = clock.now();
        let item = self.store.get(&place.key()).await?.filter(|item| item.lives(now));
        Ok(item.map(|item| Ok::<_, StoreError>((item.read()?, item.version))).transpose()?)
    }

    /// Decides about one signal and does it; decides anew where somebody else was first.
    pub async fn settle(&self, signal: &Signal, clock: &Clock) -> Result<Settled, Failure> {
        let alerts = self.alerts()?;
        let key = signal.place.key();
        for _ in 0..TRIES {
            let (known, when) = match self.known(&signal.place, clock).await? {
                Some((mut known, version)) => {
                    self.hand_on(&known, clock).await?;
                    known.discharged();
                    (Some(known), When::Version(version))
                }
                None => (None, When::AbsentAt(clock.now())),
            };
            let standing = self.standing(&signal.alert, &signal.place.id(), clock).await?;
            let plan = Plan::new(alerts, signal, known.as_ref(), &standing, clock.now());
            let Some(after) = plan.incident.clone() else {
                tell(&plan);
                return Ok(Settled { report: plan.report(), incident: known });
            };
            if known.is_none() {
                self.enter(&after, clock).await?;
            }
            match self.write(&after, when, clock).await {
                Ok(version) => {
                    tell(&plan);
                    let deliveries = self.discharge(&after, version, clock).await?;
                    self.note_inhibiting(&after, clock).await?;
                    let mut report = plan.report();
                    if let Some(members) = report.as_object_mut() {
                        members.insert("deliveries".to_owned(), deliveries.into());
                    }
                    return Ok(Settled { report, incident: Some(after) });
                }
                // Somebody else took in another signal; that one more was known is not worth another try.
                Err(StoreError::Lost { .. }) if plan.turn != Turn::Known => {}
                Err(StoreError::Lost { .. }) => {
                    return Ok(Settled { report: plan.report(), incident: Some(after) });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Retryable(format!("others keep writing to {} / {}", key.partition, key.sort)))
    }

    /// Changes a matter by itself: `change` says whether there is anything to change.
    pub async fn change(
        &self,
        place: &Place,
        clock: &Clock,
        change: impl Fn(&mut Incident) -> bool + Send + Sync,
    ) -> Result<Option<Incident>, Failure> {
        for _ in 0..TRIES {
            let Some((mut incident, version)) = self.known(place, clock).await? else { return Ok(None) };
            self.hand_on(&incident, clock).await?;
            incident.discharged();
            if !change(&mut incident) {
                return Ok(None);
            }
            match self.write(&incident, When::Version(version), clock).await {
                Ok(version) => {
                    self.discharge(&incident, version, clock).await?;
                    return Ok(Some(incident));
                }
                Err(StoreError::Lost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Retryable(format!("others keep writing to {}", place.id())))
    }

    pub async fn write(&self, incident: &Incident, when: When, clock: &Clock) -> Result<u64, StoreError> {
        let key = incident.place.key();
        let body = serde_json::to_value(incident).map_err(|error| StoreError::corrupt(&key, &error))?;
        self.store.put(&key, body, Incident::forgotten(clock.now()), when).await
    }

    /// Hands on what is to be told, and then notes that it was. Where somebody else was faster with another note, they
    /// have seen the tellings, and handing on twice does nothing.
    async fn discharge(&self, incident: &Incident, version: u64, clock: &Clock) -> Result<Vec<Value>, Failure> {
        let reports = self.hand_on(incident, clock).await?;
        if !incident.tellings.is_empty() || !incident.errands.is_empty() {
            let noted = Incident { tellings: Vec::new(), errands: Vec::new(), ..incident.clone() };
            match self.write(&noted, When::Version(version), clock).await {
                Ok(_) | Err(StoreError::Lost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(reports)
    }

    /// Writes every delivery down, then hands each on; what waits goes into its bucket, and what comes later into the
    /// clock's book. Ids are the same in every run, so repeating this is safe.
    async fn hand_on(&self, incident: &Incident, clock: &Clock) -> Result<Vec<Value>, Failure> {
        let (alerts, now) = (self.alerts()?, clock.now());
        let (mut deliveries, mut reports) = (Vec::new(), Vec::new());
        for due in &incident.errands {
            self.timers.set(due, now).await?;
        }
        for telling in &incident.tellings {
            for to in &telling.to {
                let one = Telling { to: vec![to.clone()], ..telling.clone() };
                let Some(hold) = &to.hold else {
                    deliveries.extend(one.deliveries(None, &incident.id, alerts));
                    continue;
                };
                if let Some(at) = waiting::put(self.store.as_ref(), hold, &incident.id, one, now).await? {
                    let errand = Errand::Flush { bucket: hold.bucket.clone() };
                    self.timers.set(&Due { at, errand }, now).await?;
                }
                reports.push(json!({ "receiver": to.receiver, "turn": to.turn, "waits": hold.because }));
            }
        }
        reports.extend(self.send(&deliveries, clock).await?);
        Ok(reports)
    }

    pub async fn send(&self, deliveries: &[Delivery], clock: &Clock) -> Result<Vec<Value>, Failure> {
        let (mut reports, mut failed) = (Vec::new(), Vec::new());
        for delivery in deliveries {
            let state = owe(self.store.as_ref(), delivery, clock.now()).await?;
            let state = if state.is_over() { Ok(state) } else { self.deliver(delivery, clock).await };
            let state = match state {
                Ok(state) => state,
                Err(failure) => {
                    failed.push(failure);
                    continue;
                }
            };
            reports.push(json!({ "id": delivery.id, "receiver": delivery.receiver, "channel": delivery.kind,
                "turn": delivery.turn, "state": state }));
        }
        match failed.into_iter().next() {
            None => Ok(reports),
            Some(failure) => Err(failure),
        }
    }

    async fn deliver(&self, delivery: &Delivery, clock: &Clock) -> Result<State, Failure> {
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
