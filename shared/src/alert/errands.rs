//! What is done when its time has come. Each errand looks first whether it is still to be done, and writes under the
//! version that it looked at: one that is done twice does nothing the second time.

use super::delivery::Clock;
use super::incident::{Incident, Place, Turn};
use super::model::{Alert, Status};
use super::plan::Teller;
use super::route::{Decision, decide};
use super::settle::Desk;
use super::timer::{Due, Errand};
use super::{Text, episodes, tally, waiting};
use crate::job::Failure;

impl Desk {
    /// Does an errand that needs nothing but what is written down.
    pub async fn perform(&self, errand: &Errand, clock: &Clock) -> Result<(), Failure> {
        match errand {
            Errand::Flush { bucket } => self.flush(bucket, clock).await?,
            Errand::Repeat { place, receiver, nth } => self.repeat(place, receiver, *nth, clock).await?,
            Errand::Escalate { place, to, after } => self.escalate(place, to, after, clock).await?,
            Errand::Look { place } => self.look(place, clock).await?,
            Errand::End { place } => self.end(place, "its period is over", clock).await?,
            Errand::Count { place } => self.count(place, clock).await?,
            // The router's, which can look into accounts.
            Errand::Search { .. } => {}
        }
        Ok(())
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

    /// Ends a flood in which nothing comes any more.
    async fn count(&self, place: &Place, clock: &Clock) -> Result<(), Failure> {
        match tally::standing(self.store.as_ref(), &place.thing, &place.episode, clock.now()).await? {
            tally::Standing::Until(at) => {
                self.timers.set(&Due { at, errand: Errand::Count { place: place.clone() } }, clock.now()).await
            }
            tally::Standing::Over(total) => {
                let total = total.map(|total| format!(" after {total} in all")).unwrap_or_default();
                self.end(place, &format!("over{total}, nothing came for ten minutes"), clock).await
            }
        }
    }

    async fn end(&self, place: &Place, why: &str, clock: &Clock) -> Result<(), Failure> {
        let Some((_, decision)) = self.decision(place, clock).await? else { return Ok(()) };
        let teller = Teller { alerts: self.alerts()?, decision: &decision, now: clock.now() };
        let change = |incident: &mut Incident| {
            if !incident.is_open() {
                return false;
            }
            let title = Text::line(&format!("{}: {why}", incident.alert.title));
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
