//! What is owed and not over, and what will never arrive: two lists beside the outbox, so that whoever watches over
//! deliveries reads those and not every delivery of a month.
//!
//! A delivery is on the first list before anybody may forget it: the message that caused it is not acknowledged
//! earlier. It leaves the list after its end is written down. So a crash leaves an entry too many, never one too few,
//! and an entry too many is struck out when somebody looks.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::outbox::{Delivery, KEPT, Ticket};
use super::{Severity, Text};
use crate::store::{Item, Key, Store, StoreError, When};

/// The partition of deliveries that are not over.
const OWED: &str = "owed";
/// The partition of deliveries that will never arrive.
const DEAD: &str = "dead-deliveries";

/// A delivery that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    /// Which.
    pub ticket: Ticket,
    /// Since when.
    pub since: Timestamp,
    /// How bad its matter is.
    pub severity: Severity,
    /// When somebody else was told because it took too long.
    #[serde(default)]
    pub instead: Option<Timestamp>,
    /// When it was last put into the queue, if that was done again.
    #[serde(default)]
    pub again: Option<Timestamp>,
}

/// A delivery that will never arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dead {
    /// Which.
    pub ticket: Ticket,
    /// The channel's kind.
    pub kind: String,
    /// What should have been told.
    pub title: Text,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// The deliveries that went to somebody else; none: nobody heard.
    pub instead: Vec<Ticket>,
    /// Whether it stood in for another delivery itself.
    #[serde(default)]
    pub stands_in: bool,
}

impl Owed {
    /// How long it has been on its way.
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.since)
    }
}

/// Puts the delivery on the list, unless it is there.
pub(super) async fn note(store: &dyn Store, delivery: &Delivery, now: Timestamp) -> Result<(), StoreError> {
    let severity = delivery.alert.severity;
    let owed = Owed { ticket: delivery.ticket(), since: now, severity, instead: None, again: None };
    let key = owed_key(&owed.ticket);
    match store.put(&key, body(&key, &owed)?, now.checked_add(KEPT).ok(), When::AbsentAt(now)).await {
        Ok(_) | Err(StoreError::Lost { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Changes an entry; whoever came before has done so already.
pub(super) async fn change(store: &dyn Store, owed: &Owed, version: u64) -> Result<bool, StoreError> {
    let key = owed_key(&owed.ticket);
    match store.put(&key, body(&key, owed)?, owed.since.checked_add(KEPT).ok(), When::Version(version)).await {
        Ok(_) => Ok(true),
        Err(StoreError::Lost { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Strikes a delivery out that is over.
pub(super) async fn strike(store: &dyn Store, ticket: &Ticket) -> Result<(), StoreError> {
    store.delete(&owed_key(ticket), When::Always).await
}

/// Everything that is not over, with the version of each entry.
pub(super) async fn all(store: &dyn Store, now: Timestamp) -> Result<Vec<(Owed, u64)>, StoreError> {
    let items = store.list(OWED, "").await?;
    items.iter().filter(|item| item.lives(now)).map(|item| Ok((item.read()?, item.version))).collect()
}

/// Keeps a delivery that will never arrive where a person finds it.
pub(super) async fn bury(store: &dyn Store, dead: &Dead) -> Result<(), StoreError> {
    let key = dead_key(&dead.ticket);
    store.put(&key, body(&key, dead)?, dead.since.checked_add(KEPT).ok(), When::Always).await.map(drop)
}

/// Takes it from there.
pub(super) async fn exhume(store: &dyn Store, ticket: &Ticket) -> Result<(), StoreError> {
    store.delete(&dead_key(ticket), When::Always).await
}

/// Everything that will never arrive.
pub(super) async fn dead(store: &dyn Store, now: Timestamp) -> Result<Vec<Dead>, StoreError> {
    let items = store.list(DEAD, "").await?;
    items.iter().filter(|item| item.lives(now)).map(Item::read).collect()
}

fn owed_key(ticket: &Ticket) -> Key {
    Key::new(OWED, format!("{}#{}", ticket.receiver, ticket.delivery))
}

fn dead_key(ticket: &Ticket) -> Key {
    Key::new(DEAD, format!("{}#{}", ticket.receiver, ticket.delivery))
}

fn body<T: Serialize>(key: &Key, value: &T) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::corrupt(key, &error))
}
