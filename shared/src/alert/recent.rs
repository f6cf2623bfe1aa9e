//! Which rules were told of a moment ago by the call's own event, so that the alarm on the same call, minutes later, is
//! not told as something new before it is known what is behind it.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::episodes::stamp;
use super::incident::Incident;
use super::model::Alert;
use crate::store::{Key, Store, StoreError, When};

/// How long it counts.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long before an alarm a call may have been that made it change: CloudTrail hands over minutes late, and an alarm
/// looks at periods.
const BEFORE: SignedDuration = SignedDuration::from_mins(20);
/// How long after: clocks differ.
const AFTER: SignedDuration = SignedDuration::from_mins(2);

/// Notes that people heard of the rule by an event.
pub(super) async fn note(store: &dyn Store, incident: &Incident, now: Timestamp) -> Result<(), StoreError> {
    let Some(rule) = incident.alert.labels.get("rule") else { return Ok(()) };
    if incident.alert.kind != "event" || incident.heard.is_empty() {
        return Ok(());
    }
    let at = incident.at();
    let key = Key::new(format!("recent#{rule}"), format!("{}#{}", stamp(at), incident.id));
    store.put(&key, json!(at), now.checked_add(KEPT).ok(), When::Always).await.map(drop)
}

/// Whether people heard of the alarm's rule by an event that may be what it is about.
pub(super) async fn told(store: &dyn Store, alarm: &Alert, now: Timestamp) -> Result<bool, StoreError> {
    let (Some(rule), at) = (alarm.labels.get("rule"), alarm.time.unwrap_or(now)) else { return Ok(false) };
    let (from, to) = (at.checked_sub(BEFORE).unwrap_or(at), at.checked_add(AFTER).unwrap_or(at));
    for hour in [from, to].map(|at| stamp(at).get(..13).unwrap_or_default().to_owned()) {
        let items = store.list(&format!("recent#{rule}"), &hour).await?;
        let mut times = items.iter().filter_map(|item| item.read::<Timestamp>().ok());
        if times.any(|time| from <= time && time <= to) {
            return Ok(true);
        }
    }
    Ok(false)
}
