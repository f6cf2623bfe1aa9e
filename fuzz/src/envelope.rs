//! Events as Lambda hands them over: queues, topics, subscriptions of log groups, or bare.

use forester::event::{Batch, open};
use serde_json::Value;

use crate::seeds;

/// Opens it. What is no batch is one message, with all of it inside.
pub fn run(data: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<Value>(data) else { return };
    match open(&payload, "fuzz") {
        Batch::Direct(message) => {
            let kept = serde_json::from_str::<Value>(&message.text).unwrap_or(Value::String(message.text));
            assert!(kept == payload || payload.is_string(), "a bare event was not kept whole");
        }
        Batch::Queue(messages) => {
            assert!(messages.iter().all(|message| message.attempt > 0), "an attempt that never was");
        }
        Batch::Topic(_) => {}
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    seeds::files("events", &[".json"])
}
