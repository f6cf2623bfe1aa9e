//! A beat that passes the whole path and reaches nobody: queue, router, store, outbox, deliverer.
//!
//! A path that is broken looks like a quiet day. A schedule sends a beat; the router writes it down and hands it on as it
//! hands on deliveries; the deliverer finds it in the store and counts it. An alarm fires when the count stays away, by a
//! way that does not lead through Forester.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::delivery::Clock;
use super::model::{instant, text};
use super::settle::Out;
use super::text::Text;
use crate::job::Failure;
use crate::store::{Key, Store, When};
use crate::telemetry::{Metric, Unit, emit};

/// How long a beat is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// One beat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beat {
    /// Its id, the same when it comes again.
    pub id: String,
    /// When it was sent.
    pub at: Timestamp,
}

/// What stands in the queue of the deliverer.
#[derive(Debug, Deserialize)]
struct Passed {
    heartbeat: Beat,
}

impl Beat {
    /// The beat in a message, if it is one.
    pub fn read(json: &Value, id: &str, now: Timestamp) -> Option<Self> {
        if text(json, "/source") != Some("forester") || text(json, "/detail-type") != Some("Forester Heartbeat") {
            return None;
        }
        let at = text(json, "/time").and_then(instant).unwrap_or(now);
        let id = text(json, "/id").unwrap_or(id);
        Some(Self { id: Text::line(id).to_string(), at })
    }

    /// The beat that a router passed on, if the text is one.
    pub fn passed(text: &str) -> Option<Self> {
        serde_json::from_str::<Passed>(text).ok().map(|passed| passed.heartbeat)
    }

    /// Writes it down and hands it on, as a delivery is.
    pub async fn pass_on(&self, store: &dyn Store, out: &Out, clock: &Clock) -> Result<Value, Failure> {
        let body = serde_json::to_value(self).map_err(|error| Failure::Retryable(error.to_string()))?;
        store.put(&key(), body, clock.now().checked_add(KEPT).ok(), When::Always).await?;
        match out {
            Out::Queue(queue) => queue.send(&json!({ "heartbeat": self }).to_string(), "heartbeat", &self.id).await?,
            Out::Here(_) => drop(self.arrive(store, clock).await?),
        }
        Ok(json!({ "source": "heartbeat", "beat": self.id }))
    }

    /// Counts it, if it was written down: a store that lost it is a broken path as well.
    pub async fn arrive(&self, store: &dyn Store, clock: &Clock) -> Result<Value, Failure> {
        let known = store.get(&key()).await?.and_then(|item| serde_json::from_value::<Self>(item.body).ok());
        // A later beat may have been written meanwhile; an earlier one means that this one's write is gone.
        if known.is_none_or(|known| known.at < self.at) {
            return Err(Failure::Retryable(format!("the heartbeat {} is not in the store", self.id)));
        }
        let took = u64::try_from(clock.now().duration_since(self.at).as_millis()).unwrap_or_default();
        let metrics = [Metric::count("Heartbeat", 1), Metric::new("HeartbeatTook", took, Unit::Milliseconds)];
        emit("alert-delivery", &metrics);
        Ok(json!({ "heartbeat": self.id, "took_ms": took }))
    }
}

fn key() -> Key {
    Key::new("heartbeat", "-")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::fakes::{FakeQueue, invocation};
    use crate::store::MemoryStore;

    const NOW: &str = "2026-11-12T04:30:00Z";

    fn beat(time: &str) -> Beat {
        let event = json!({"source": "forester", "detail-type": "Forester Heartbeat", "id": "b1", "time": time});
        Beat::read(&event, "m", NOW.parse().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn beat_passes_the_queue_and_is_counted_with_the_time_it_took() {
        let (store, queue) = (MemoryStore::default(), Arc::new(FakeQueue::default()));
        let clock = Clock::new(&invocation(NOW, 60));
        let beat = beat("2026-11-12T04:29:58Z");
        beat.pass_on(&store, &Out::Queue(Arc::<FakeQueue>::clone(&queue)), &clock).await.unwrap();
        let sent = queue.0.lock().unwrap().clone();
        assert_eq!((sent.len(), sent[0].1.as_str(), sent[0].2.as_str()), (1, "heartbeat", "b1"));
        let passed = Beat::passed(&sent[0].0).unwrap();
        assert_eq!(passed, beat);
        let report = passed.arrive(&store, &clock).await.unwrap();
        assert_eq!(report["heartbeat"], "b1");
        assert!(report["took_ms"].as_u64().unwrap() >= 2_000, "{report}");
    }

    #[tokio::test]
    async fn beat_that_the_store_lost_does_not_count() {
        let clock = Clock::new(&invocation(NOW, 60));
        let store = MemoryStore::default();
        let error = beat(NOW).arrive(&store, &clock).await.unwrap_err();
        assert!(error.to_string().contains("is not in the store"), "{error}");
    }

    #[test]
    fn other_messages_are_no_beats() {
        let notice = json!({"source": "forester", "detail-type": "Forester Notice"});
        assert_eq!(Beat::read(&notice, "m", NOW.parse().unwrap()), None);
        assert_eq!(Beat::passed("{\"delivery\": {}}"), None);
    }
}
