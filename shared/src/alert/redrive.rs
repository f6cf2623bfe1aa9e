//! What will never arrive, sent once more because a person says so: after a channel was mended, a token renewed, a
//! receiver declared again.

use jiff::Timestamp;
use serde::Deserialize;

use super::delivery::{Clock, Deliverer};
use super::open::{self, Dead};
use super::outbox::{Delivery, State, Ticket, load, settle};
use crate::aws::sqs::{DeadLetters, Queue};
use crate::job::Failure;
use crate::store::StoreError;

/// A message of the delivery queue.
#[derive(Deserialize)]
struct Letter {
    delivery: Ticket,
}

impl Deliverer {
    /// Sends what will never arrive once more: to one receiver, or to all.
    pub async fn redrive(&self, receiver: Option<&str>, clock: &Clock) -> Result<Vec<(Dead, State)>, Failure> {
        let mut sent = Vec::new();
        for dead in open::dead(self.store.as_ref(), clock.now()).await? {
            if receiver.is_none_or(|name| name == dead.ticket.receiver) {
                let state = self.revive(&dead.ticket, clock).await?;
                sent.push((dead, state));
            }
        }
        Ok(sent)
    }

    /// First it is owed again, then it is taken from the dead, then it is handed on: a crash in between loses nothing.
    async fn revive(&self, ticket: &Ticket, clock: &Clock) -> Result<State, Failure> {
        let (store, now) = (self.store.as_ref(), clock.now());
        let Some((mut delivery, version)) = load(store, ticket).await? else {
            open::exhume(store, ticket).await?;
            return Ok(State::Dead { reason: "the outbox does not know it any more".to_owned() });
        };
        if let State::Dead { .. } = delivery.state {
            delivery.state = State::Pending;
            delivery.attempts = 0;
            open::note(store, &delivery, now).await?;
            match settle(store, &delivery, version, now).await {
                Ok(_) | Err(StoreError::Lost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        open::exhume(store, ticket).await?;
        self.hand_on(&delivery, &anew(&delivery, now), clock).await?;
        let after = load(store, ticket).await?;
        Ok(after.map_or(State::Pending, |(delivery, _)| delivery.state))
    }
}

/// Puts what the delivery queue gave up on into it again, for one receiver or for all, and says how many those were.
/// Others stay where they are.
pub async fn resend(
    queue: &dyn Queue,
    letters: &DeadLetters,
    receiver: Option<&str>,
    now: Timestamp,
) -> Result<usize, Failure> {
    let mut sent = 0;
    loop {
        let batch = letters.next().await?;
        if batch.is_empty() {
            return Ok(sent);
        }
        for letter in batch {
            let to = serde_json::from_str::<Letter>(&letter.body).ok().map(|letter| letter.delivery);
            let is_meant = receiver.is_none_or(|name| to.as_ref().is_some_and(|ticket| ticket.receiver == name));
            if is_meant {
                let once = to.map_or_else(|| format!("letter-{sent}"), |ticket| ticket.delivery);
                queue.send(&letter.body, &letter.group, &format!("{once}-{}", now.as_second())).await?;
                letters.remove(&letter).await?;
                sent += 1;
            }
        }
    }
}

/// An id under which SQS takes the delivery once more.
pub(super) fn anew(delivery: &Delivery, now: Timestamp) -> String {
    format!("{}-{}", delivery.id, now.as_second())
}
