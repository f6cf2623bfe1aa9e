//! Signals, from their text to the message in every kind of channel: all sources, routes, renderers.

use std::sync::LazyLock;

use forester::alert::{Incoming, detect, explain};
use forester::config::Config;
use forester::event::{Message, open};
use jiff::Timestamp;
use serde_json::Value;

use crate::{seeds, text};

/// One channel of each kind, behind one receiver.
static FOREST: LazyLock<Config> = LazyLock::new(|| match Config::parse(include_str!("forest.yaml"), "forest.yaml") {
    Ok(config) => config,
    Err(error) => panic!("{error}"),
});

/// The most that a vendor takes of one message (SNS, SQS and EventBridge, in bytes), twice over for what JSON escapes.
const LARGEST: usize = 2 * 262_144;

/// Reads and renders it. The raw text must stay, somebody must hear, and nothing hidden may leave.
pub fn run(data: &[u8]) {
    let message = Message::direct("fuzz", text(data));
    let (source, alert) = detect(&Incoming::new(&message));
    assert!(!source.name().is_empty() && !alert.title.as_str().is_empty(), "an alert without a title");
    let Some(alerts) = &FOREST.alerts else { return };
    let explained = explain(&FOREST, alerts, &message, Timestamp::UNIX_EPOCH);
    let heard = explained.get("receivers").and_then(Value::as_array).is_some_and(|names| !names.is_empty());
    let held = explained.get("suppressed_by").is_some_and(|by| !by.is_null());
    assert!(heard || held, "nobody would hear of it, and nothing says why");
    for rendered in explained.get("messages").and_then(Value::as_array).into_iter().flatten() {
        let body = rendered.get("body").and_then(Value::as_str).unwrap_or_default();
        assert!(body.len() <= LARGEST, "{} bytes for one channel", body.len());
        assert!(!body.contains(is_hidden), "what nobody sees would leave");
    }
}

/// Control characters, and those that turn or hide what stands beside them.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
}

/// The innermost texts of every event.
pub fn seeds() -> Vec<Vec<u8>> {
    let payloads = seeds::files("events", &[".json"]).into_iter().filter_map(|data| serde_json::from_slice(&data).ok());
    let messages = payloads.flat_map(|payload: Value| open(&payload, "seed").messages());
    messages.map(|message| message.text.into_bytes()).collect()
}
