//! An EventBridge event bus, for systems of one's own. The detail is the alert as data.
//!
//! `PutEvents` answers 200 also when it refuses an entry; the entry says so
//! (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>). An entry may have 256 KB
//! (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>).

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Channel, Outcome, Thread, Tools};
use crate::alert::model::{Alert, Status};
use crate::alert::outbox::Delivery;
use crate::config::alerts::channels::Eventbridge;
use crate::types::Region;

/// The detail's size; the rest of an entry is small.
pub(super) const BYTES: usize = 240_000;

#[async_trait]
impl Channel for Eventbridge {
    fn render(&self, delivery: &Delivery) -> String {
        self.entry(delivery).to_string()
    }

    async fn send(&self, delivery: &Delivery, _thread: Option<&Thread>, tools: &Tools, _now: Timestamp) -> Outcome {
        let region = match self.bus.region().parse::<Region>() {
            Ok(region) => region,
            Err(error) => return Outcome::Refused(format!("the bus is in no region: {error}")),
        };
        let entries = json!({ "Entries": [self.entry(delivery)] });
        match tools.call(Some(&region), "events", "PutEvents", entries).await {
            Ok(answer) => outcome(&answer),
            Err(error) => error.into(),
        }
    }
}

impl Eventbridge {
    fn entry(&self, delivery: &Delivery) -> Value {
        let phase = match delivery.alert.status {
            Status::Firing => "Firing",
            Status::Resolved => "Resolved",
        };
        let mut entry = json!({
            "EventBusName": self.bus,
            "Source": "forester.alerts",
            "DetailType": format!("Forester Alert {phase}"),
            "Detail": detail(delivery),
        });
        if let (Some(entry), Some(time)) = (entry.as_object_mut(), delivery.alert.time) {
            entry.insert("Time".to_owned(), time.to_string().into());
        }
        entry
    }
}

/// The alert as data, with less evidence and fewer facts where the bus could not carry all of them.
fn detail(delivery: &Delivery) -> String {
    let told = |alert: &Alert| {
        let Delivery { id, incident, revision, turn, .. } = delivery;
        json!({ "id": id, "incident": incident, "revision": revision, "turn": turn, "alert": alert }).to_string()
    };
    let mut alert = delivery.alert.clone();
    let mut text = told(&alert);
    let mut keep = 64;
    while text.len() > BYTES && keep > 0 {
        keep /= 2;
        alert = delivery.alert.clone();
        let left = alert.evidence.len().saturating_sub(keep) + alert.facts.len().saturating_sub(keep);
        alert.evidence.truncate(keep);
        alert.facts.truncate(keep);
        alert.notes.truncate(keep);
        alert.labels = alert.labels.into_iter().take(64).collect();
        alert.links.truncate(8);
        alert.note(format!("{left} more facts and groups of events are left out"));
        text = told(&alert);
    }
    text
}

fn outcome(answer: &Value) -> Outcome {
    let entry = answer.pointer("/Entries/0");
    let part = |name: &str| entry.and_then(|entry| entry.get(name)).and_then(Value::as_str);
    let failed = answer.get("FailedEntryCount").and_then(Value::as_u64).unwrap_or_default() > 0;
    match (part("ErrorCode"), part("EventId")) {
        (None, Some(id)) if !failed => Outcome::accepted(format!("taken as {id}")),
        (code, _) => {
            let code = code.unwrap_or("without saying why");
            let said = format!("the bus refused the event: {code} {}", part("ErrorMessage").unwrap_or_default());
            let passing = matches!(
                code,
                "ThrottlingException"
                    | "InternalFailure"
                    | "InternalException"
                    | "ServiceUnavailable"
                    | "without saying why"
            );
            if passing { Outcome::Later(said, None) } else { Outcome::Refused(said) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_what_the_entry_says_and_not_the_status() {
        let taken = outcome(&json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}));
        assert_eq!(taken, Outcome::accepted("taken as e-1"));
        let refused = json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "no"}]});
        assert!(matches!(outcome(&refused), Outcome::Refused(_)));
        let busy =
            json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}]});
        assert!(matches!(outcome(&busy), Outcome::Later(..)));
        assert!(matches!(outcome(&json!({})), Outcome::Later(..)), "an answer without entries is no success");
    }
}
