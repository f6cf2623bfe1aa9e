//! Who hears when a delivery does not arrive, or not in time. The message says whom it was meant for and what was wrong,
//! and goes its own way through the outbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Text;
use super::delivery::{Clock, Deliverer};
use super::digest::digest;
use super::model::Fact;
use super::open::{self, Dead};
use super::outbox::{Delivery, State, Ticket, owe};
use crate::config::alerts::Alerts;
use crate::job::Failure;
use crate::store::Store;
use crate::telemetry::{Metric, emit};

/// That a delivery goes to somebody whom it was not meant for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instead {
    /// The delivery in whose place it goes.
    pub of: Ticket,
    /// Why.
    pub because: String,
}

impl Delivery {
    /// The same for channel `channel` of `receiver`, who was not meant.
    fn to_another(&self, receiver: &str, channel: usize, kind: &str, because: &str) -> Self {
        let mut other = self.clone();
        let (meant, by) = (&self.receiver, &self.kind);
        let value = Text::line(&format!("{meant} by {by}, which did not get this: {because}"));
        other.alert.facts.insert(0, Fact { name: "instead of".to_owned(), value });
        let way = format!("{receiver}/{kind}/{channel}");
        Self {
            id: format!("msg_{}", digest(&["instead", &self.id, &way])),
            receiver: receiver.to_owned(),
            channel,
            kind: kind.to_owned(),
            state: State::Pending,
            attempts: 0,
            instead_of: Some(Instead { of: self.ticket(), because: because.to_owned() }),
            ..other
        }
    }

    /// What is owed to others in its place. Nobody stands in for somebody who stands in: whatever is wrong then is wrong
    /// with more than one channel.
    fn instead(&self, alerts: &Alerts, because: &str) -> Vec<Self> {
        let others = alerts.instead_of(&self.receiver).filter(|_| self.instead_of.is_none());
        let Some((name, channels)) = others.and_then(|name| Some((name, alerts.receivers.get(name)?))) else {
            return Vec::new();
        };
        let numbered = channels.iter().enumerate();
        let others = numbered.filter(|(n, _)| name != self.receiver || *n != self.channel);
        others.map(|(n, channel)| self.to_another(name, n, channel.kind(), because)).collect()
    }
}

impl Deliverer {
    /// Tells others what the delivery should have told, and says which deliveries that are. Repeating it owes nothing
    /// more.
    pub(super) async fn tell_instead(
        &self,
        delivery: &Delivery,
        because: &str,
        clock: &Clock,
    ) -> Result<Vec<Ticket>, Failure> {
        let Some(alerts) = &self.config.alerts else { return Ok(Vec::new()) };
        let mut told = Vec::new();
        for other in delivery.instead(alerts, because) {
            let state = owe(self.store.as_ref(), &other, clock.now()).await?;
            told.push(other.ticket());
            if state.is_over() {
                continue;
            }
            match self.hand_on(&other, &other.id, clock).await {
                Ok(()) => {}
                // It is in the outbox, and the watch finds it there.
                Err(error) => tracing::warn!(delivery.id = %other.id, "{} waits for the watch: {error}", other.id),
            }
        }
        if !told.is_empty() {
            emit("alert-delivery", &[Metric::count("FellBack", 1)]);
        }
        Ok(told)
    }

    /// What becomes of a delivery that will never arrive: others are told, and it is kept for a person to send again.
    pub(super) async fn give_up(&self, delivery: &Delivery, reason: &str, clock: &Clock) -> Result<(), Failure> {
        let instead = self.tell_instead(delivery, reason, clock).await?;
        let (id, receiver) = (&delivery.id, &delivery.receiver);
        if instead.is_empty() {
            tracing::error!(delivery.id = %id, receiver = %receiver, "nobody stands in for {receiver}: {id} reaches nobody");
        }
        bury(self.store.as_ref(), delivery, reason, instead, clock.now()).await
    }
}

async fn bury(
    store: &dyn Store,
    delivery: &Delivery,
    reason: &str,
    instead: Vec<Ticket>,
    now: Timestamp,
) -> Result<(), Failure> {
    let dead = Dead {
        ticket: delivery.ticket(),
        kind: delivery.kind.clone(),
        title: delivery.alert.title.clone(),
        since: now,
        reason: reason.to_owned(),
        instead,
        stands_in: delivery.instead_of.is_some(),
    };
    Ok(open::bury(store, &dead).await?)
}
