//! The watch over deliveries, every minute: what takes too long is told to somebody else, what the queue lost is put
//! into it again, and what nobody will ever hear is counted.
//!
//! `Lost` is what was owed and has come to no end: it is six hours old and neither arrived nor was given up, or it was
//! given up and so was everything that went to others in its place. It must stay 0.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::delivery::{Clock, Deliverer};
use super::open::{self, Dead, Owed};
use super::outbox::{Delivery, State, Ticket, load};
use super::redrive::anew;
use crate::job::Failure;
use crate::telemetry::{Metric, emit};

/// When a delivery that has come to no end counts as lost: long after the last attempt of the slowest.
const LOST: SignedDuration = SignedDuration::from_hours(6);
/// When the queue may have lost a message: later than any wait of an attempt.
const FORGOTTEN: SignedDuration = SignedDuration::from_mins(30);

/// How the deliveries stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Standing {
    /// Not over.
    pub open: Vec<Owed>,
    /// Will never arrive.
    pub dead: Vec<Dead>,
    /// Of the open ones, those that take longer than the file allows.
    pub late: usize,
    /// Came to no end.
    pub lost: usize,
}

/// What the watch did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Watched {
    /// Not over.
    pub open: usize,
    /// Told to somebody else now, because they take too long.
    pub instead: usize,
    /// Put into the queue again.
    pub again: usize,
    /// Came to no end.
    pub lost: usize,
}

impl Deliverer {
    /// Looks at everything that is not over.
    pub async fn watch(&self, clock: &Clock) -> Result<Watched, Failure> {
        let store = self.store.as_ref();
        let (mut watched, mut open) = (Watched::default(), Vec::new());
        for (owed, version) in open::all(store, clock.now()).await? {
            let delivery = load(store, &owed.ticket).await?.filter(|(delivery, _)| !delivery.state.is_over());
            let Some((delivery, _)) = delivery else {
                open::strike(store, &owed.ticket).await?;
                continue;
            };
            if !clock.is_short() {
                self.look_after(&owed, version, &delivery, clock, &mut watched).await?;
            }
            open.push(owed);
        }
        watched.open = open.len();
        watched.lost = lost(&open, &open::dead(store, clock.now()).await?, clock.now());
        let count = |name, n: usize| Metric::count(name, u64::try_from(n).unwrap_or(u64::MAX));
        emit("alert-delivery", &[count("Open", watched.open), count("Lost", watched.lost)]);
        Ok(watched)
    }

    async fn look_after(
        &self,
        owed: &Owed,
        version: u64,
        delivery: &Delivery,
        clock: &Clock,
        watched: &mut Watched,
    ) -> Result<(), Failure> {
        let (now, mut after) = (clock.now(), owed.clone());
        if owed.instead.is_none() && self.is_late(owed, now) {
            let because = format!("on its way since {}, {}", owed.since, told(&delivery.state));
            watched.instead += usize::from(!self.tell_instead(delivery, &because, clock).await?.is_empty());
            after.instead = Some(now);
        }
        if now.duration_since(owed.again.unwrap_or(owed.since)) >= FORGOTTEN {
            // SQS drops what it has seen within five minutes under the same id.
            self.hand_on(delivery, &anew(delivery, now), clock).await?;
            after.again = Some(now);
            watched.again += 1;
        }
        if after != *owed {
            open::change(self.store.as_ref(), &after, version).await?;
        }
        Ok(())
    }

    fn is_late(&self, owed: &Owed, now: Timestamp) -> bool {
        let allowed = self.config.alerts.as_ref().map(|alerts| alerts.fallback.after.of(owed.severity).length());
        let allowed = allowed.and_then(|allowed| SignedDuration::try_from(allowed).ok());
        allowed.is_some_and(|allowed| owed.age(now) >= allowed)
    }

    /// How the deliveries stand.
    pub async fn standing(&self, now: Timestamp) -> Result<Standing, Failure> {
        let store = self.store.as_ref();
        let mut open = Vec::new();
        for (owed, _) in open::all(store, now).await? {
            if load(store, &owed.ticket).await?.is_some_and(|(delivery, _)| !delivery.state.is_over()) {
                open.push(owed);
            }
        }
        let dead = open::dead(store, now).await?;
        let late = open.iter().filter(|owed| self.is_late(owed, now)).count();
        let lost = lost(&open, &dead, now);
        Ok(Standing { open, dead, late, lost })
    }
}

/// What came to no end.
fn lost(open: &[Owed], dead: &[Dead], now: Timestamp) -> usize {
    let gone: BTreeSet<(&str, &str)> = dead.iter().map(|dead| place(&dead.ticket)).collect();
    let is_unheard = |dead: &&Dead| !dead.stands_in && dead.instead.iter().all(|other| gone.contains(&place(other)));
    open.iter().filter(|owed| owed.age(now) >= LOST).count() + dead.iter().filter(is_unheard).count()
}

fn place(ticket: &Ticket) -> (&str, &str) {
    (&ticket.receiver, &ticket.delivery)
}

fn told(state: &State) -> String {
    match state {
        State::Failed { reason, .. } => format!("the last attempt failed: {reason}"),
        State::Sending { .. } => "and being tried right now".to_owned(),
        State::Pending | State::Sent { .. } | State::Dead { .. } => "and not tried yet".to_owned(),
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
