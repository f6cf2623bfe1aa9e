//! Where a matter was told, so that what follows stands beside it: one incident, one thread.
//!
//! A channel that answers with a place gets it back with every later delivery of the same incident. What is remembered
//! is a convenience: without it the next message stands alone, and is sent all the same.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::model::Alert;
use crate::alert::outbox::{Delivery, KEPT};
use crate::store::{Key, Store, When};

/// A place that can be written to again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// The channel, or the issue.
    pub place: String,
    /// The message that opened it, where messages have names.
    pub message: String,
    /// What that message shows, where it can be brought up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Box<Alert>>,
}

/// What is kept of a thread.
#[derive(Serialize, Deserialize)]
struct Memory {
    thread: Thread,
    /// The delivery that reached it last.
    delivery: String,
}

/// The thread of the delivery's incident in its channel, and whether this very delivery has reached it.
pub async fn recall(store: &dyn Store, delivery: &Delivery, now: Timestamp) -> Option<(Thread, bool)> {
    let item = match store.get(&key(delivery)).await {
        Ok(item) => item.filter(|item| item.lives(now))?,
        Err(error) => {
            tracing::warn!(delivery.id = %delivery.id, "{} is sent outside its thread: {error}", delivery.id);
            return None;
        }
    };
    let memory: Memory = item.read().ok()?;
    Some((memory.thread, memory.delivery == delivery.id))
}

/// Remembers the thread as long as deliveries are kept. Deliveries of a channel come in order, so the last write is the newest.
pub async fn remember(store: &dyn Store, delivery: &Delivery, thread: &Thread, now: Timestamp) {
    let memory = Memory { thread: thread.clone(), delivery: delivery.id.clone() };
    let Ok(body) = serde_json::to_value(memory) else { return };
    if let Err(error) = store.put(&key(delivery), body, now.checked_add(KEPT).ok(), When::Always).await {
        let id = &delivery.id;
        tracing::warn!(delivery.id = %id, "what follows {id} will stand outside its thread: {error}");
    }
}

fn key(delivery: &Delivery) -> Key {
    let Delivery { receiver, kind, channel, incident, .. } = delivery;
    Key::new(format!("thread#{receiver}#{kind}#{channel}"), incident)
}
