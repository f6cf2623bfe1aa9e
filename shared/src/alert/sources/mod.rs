//! Where alerts come from, a file each. Adding one: its file, a `mod` line, an entry in `SOURCES`.
//!
//! Reading is lenient and never fails: what is missing is left out, the raw text is kept, and what nobody understands
//! becomes an alert of the kind `unknown`.

mod alarm;
mod amount;
mod anomaly;
mod budget;
mod cloudtrail;
mod cost_signal;
mod heartbeat;
mod notice;
mod reset;
mod unknown;

use async_trait::async_trait;
use serde_json::Value;

use super::enrich::World;
use super::model::Alert;
use crate::event::Message;

pub(super) use alarm::{Alarm, Metric, read as alarm, short};
pub(super) use budget::Budget;
pub(super) use cloudtrail::{hush, of_no_rule, record};

/// A message, with its text read as JSON once.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The message.
    pub message: &'a Message,
    /// Its text as JSON; null if it is something else.
    pub json: Value,
}

impl<'a> Incoming<'a> {
    /// Reads the text.
    pub fn new(message: &'a Message) -> Self {
        Self { message, json: message.json().unwrap_or_default() }
    }
}

/// One kind of origin.
#[async_trait]
pub trait Source: Send + Sync {
    /// Its name, in the alert and in the log.
    fn name(&self) -> &'static str;

    /// The alert in the message, if this source knows the message. Pure, and all that `alerts explain` needs.
    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert>;

    /// Asks AWS for what the message does not say. One alert may turn out to concern several accounts. A failed call
    /// is noted in the alert and never holds it up.
    async fn observe(&self, alert: Alert, incoming: &Incoming<'_>, world: &World) -> Vec<Alert> {
        let _ = (incoming, world);
        vec![alert]
    }
}

/// Every source, in order; the last takes everything.
pub const SOURCES: &[&dyn Source] = &[
    &budget::Budgets,
    &alarm::Alarms,
    &anomaly::Anomalies,
    &cost_signal::CostSignals,
    &cloudtrail::CloudTrail,
    &notice::Notices,
    &heartbeat::Heartbeats,
    &reset::Resets,
    &unknown::Unknown,
];

/// The source that knows the message, and the alert in it.
pub fn detect(incoming: &Incoming<'_>) -> (&'static dyn Source, Alert) {
    let known = SOURCES.iter().find_map(|source| source.read(incoming).map(|alert| (*source, alert)));
    known.unwrap_or_else(|| (&unknown::Unknown, unknown::alert(incoming)))
}

#[cfg(test)]
#[path = "samples_tests.rs"]
mod tests;
