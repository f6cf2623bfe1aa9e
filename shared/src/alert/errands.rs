//! What is done when its time has come. Each errand looks first whether it is still to be done, and writes under the
//! version that it looked at: one that is done twice does nothing the second time.

use serde_json::{Value, json};

use super::delivery::Clock;
use super::incident::{Incident, Place, Turn};
use super::model::{Alert, Status};
use super::plan::Teller;
use super::route::{Decision, decide};
use super::settle::Desk;
use super::timer::{Due, Errand};
use super::{Text, episodes, waiting};
use crate::job::Failure;
use crate::store::Key;

impl Desk {
    /// Does everything that is due. What fails stays due, and does not keep the rest from being done.
    pub async fn sweep(&self, clock: &Clock) -> Result<Value, Failure> {
        let began = clock.now();
        let all = self.timers.all(began).await?;
        let (mut done, mut failed) = (0_usize, Vec::new());
        for (key, due) in &all {
            match self.perform(key, due, clock).await {
                Ok(()) => done += 1,
                Err(failure) => {
                    tracing::warn!("what was due at {} is not done: {failure}", due.at);
                    failed.push(failure.to_string());
                }
            }
        }
        if !failed.is_empty() {
            return Err(Failure::Partial(format!("{done} of {} done; {}", all.len(), failed.join("; "))));
        }
        self.timers.swept(began).await?;
        Ok(json!({ "due": all.len(), "done": done }))
    }

    /// Does one thing, if it is still there and due.
    pub async fn wake(&self, key: &Key, clock: &Clock) -> Result<Value, Failure> {
        let Some(due) = self.timers.get(key).await? else { return Ok(json!({ "due": 0, "done": 0 })) };
        if due.at > clock.now() {
            return Ok(json!({ "due": 1, "done": 0, "at": due.at }));
        }
        self.perform(key, &due, clock).await?;
        Ok(json!({ "due": 1, "done": 1 }))
    }

    async fn perform(&self, key: &Key, due: &Due, clock: &Clock) -> Result<(), Failure> {
        match &due.errand {
            Errand::Flush { bucket } => self.flush(bucket, clock).await?,
            Errand::Repeat { place, receiver, nth } => self.repeat(place, receiver, *nth, clock).await?,
            Errand::Escalate { place, to, after } => self.escalate(place, to, after, clock).await?,
            Errand::Look { place } => self.look(place, clock).await?,
            Errand::End { place } => self.end(place, clock).await?,
        }
        Ok(self.timers.done(key).await?)
    }

    /// Tells what waits in a bucket and is due.
    async fn flush(&self, bucket: &str, clock: &Clock) -> Result<(), Failure> {
        while let Some(ready) = waiting::next(self.store.as_ref(), bucket, clock.now()).await? {
            let name = ready.name(bucket);
            let deliveries = ready.telling.deliveries(Some(&name), &ready.incident, self.alerts()?);
            self.send(&deliveries, clock).await?;
            waiting::told(self.store.as_ref(), &ready, clock.now()).await?;
        }
        Ok(())
    }

    /// What is decided about a matter as it is known now.
    async fn decision(&self, place: &Place, clock: &Clock) -> Result<Option<(Incident, Decision)>, Failure> {
        let Some((incident, _)) = self.known(place, clock).await? else { return Ok(None) };
        let decision = self.decide(&incident, clock).await?;
        Ok(Some((incident, decision)))
    }

    /// What is decided about the matter now.
    pub async fn decide(&self, incident: &Incident, clock: &Clock) -> Result<Decision, Failure> {
        let standing = self.standing(&incident.alert, &incident.id, clock).await?;
        Ok(decide(self.alerts()?, &incident.alert, &standing, clock.now()))
    }

    async fn repeat(&self, place: &Place, receiver: &str, nth: u32, clock: &Clock) -> Result<(), Failure> {
        let Some((_, decision)) = self.decision(place, clock).await? else { return Ok(()) };
        let taken = decision.route.iter().find(|taken| taken.receiver == receiver);
        let Some(every) = taken.and_then(|taken| taken.terms.repeat_interval) else { return Ok(()) };
        let (alerts, now) = (self.alerts()?, clock.now());
        let teller = Teller { alerts, decision: &decision, now };
        let change = |incident: &mut Incident| {
            let so_far = incident.repeats.get(receiver).copied().unwrap_or(0);
            if !incident.is_open() || incident.acknowledged.is_some() || so_far != nth {
                return false;
            }
            incident.repeats.insert(receiver.to_owned(), nth + 1);
            let next = Errand::Repeat { place: place.clone(), receiver: receiver.to_owned(), nth: nth + 1 };
            incident.errands.extend(now.checked_add(every.length()).ok().map(|at| Due { at, errand: next }));
            if decision.suppressed_by.is_none() {
                let thread = incident.heard.get(receiver).unwrap_or(&incident.id).clone();
                let because = format!("to {receiver}: it lasts, and is told again every {every}");
                let to = teller.addressee(incident, receiver, &thread, Turn::Repeat, because);
                incident.tell(Vec::new(), vec![to]);
            }
            true
        };
        self.change(place, clock, change).await.map(drop)
    }

    async fn escalate(&self, place: &Place, to: &str, after: &str, clock: &Clock) -> Result<(), Failure> {
        let Some((_, decision)) = self.decision(place, clock).await? else { return Ok(()) };
        let teller = Teller { alerts: self.alerts()?, decision: &decision, now: clock.now() };
        let change = |incident: &mut Incident| {
            let taken = incident.acknowledged.is_some() || !incident.is_open() || incident.quiet.is_some();
            if taken || decision.suppressed_by.is_some() || !incident.escalated.insert(to.to_owned()) {
                return false;
            }
            let because = format!("to {to}: nobody acknowledged it within {after}");
            let thread = incident.heard.get(to).unwrap_or(&incident.id).clone();
            let to = teller.addressee(incident, to, &thread, Turn::Escalation, because);
            incident.tell(Vec::new(), vec![to]);
            true
        };
        self.change(place, clock, change).await.map(drop)
    }

    /// Tells a matter that still lasts when what kept it from people is over.
    async fn look(&self, place: &Place, clock: &Clock) -> Result<(), Failure> {
        let Some((_, decision)) = self.decision(place, clock).await? else { return Ok(()) };
        let teller = Teller { alerts: self.alerts()?, decision: &decision, now: clock.now() };
        let change = |incident: &mut Incident| {
            if !incident.is_open() || incident.quiet.is_none() || !episodes::remains(&incident.alert) {
                return false;
            }
            teller.tell(incident, Vec::new(), true);
            true
        };
        self.change(place, clock, change).await.map(drop)
    }

    async fn end(&self, place: &Place, clock: &Clock) -> Result<(), Failure> {
        let Some((_, decision)) = self.decision(place, clock).await? else { return Ok(()) };
        let teller = Teller { alerts: self.alerts()?, decision: &decision, now: clock.now() };
        let change = |incident: &mut Incident| {
            if !incident.is_open() {
                return false;
            }
            let title = Text::line(&format!("{}: its period is over", incident.alert.title));
            let over = Alert { status: Status::Resolved, time: Some(clock.now()), title, ..incident.alert.clone() };
            *incident = teller.resolved(incident, &over, None);
            true
        };
        if let Some(over) = self.change(place, clock, change).await? {
            self.note_inhibiting(&over, clock).await?;
        }
        Ok(())
    }
}
