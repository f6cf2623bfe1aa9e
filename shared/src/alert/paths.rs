//! Two ways bring the same call: by itself, seconds later, and behind an alarm, minutes later. Each is held against the
//! other, because a rule that was disabled and a filter that was narrowed both look like silence.
//!
//! Only rules whose events are pushed are compared (`infra/template.yaml`), and only while something is pushed at all:
//! EventBridge gets no read-only calls, and whoever has no trail rule has only alarms
//! (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::episodes::stamp;
use super::model::{Alert, Status};
use super::record::GROUPS;
use crate::store::{Key, Store, StoreError, When};
use crate::telemetry::{Metric, emit_by};
use crate::types::AccountId;

/// How long an event that came by itself is remembered for comparison.
const KEPT: SignedDuration = SignedDuration::from_hours(48);
/// How long the way of events counts as in use after its last.
const IN_USE: SignedDuration = SignedDuration::from_hours(24 * 7);

/// An event that came by itself.
#[derive(Debug, Serialize, Deserialize)]
struct Pushed {
    id: String,
    at: Timestamp,
    account: Option<AccountId>,
}

/// How calls begin that only read, which EventBridge does not get; and those of the rules that no template pushes.
const NOT_PUSHED: [&str; 9] =
    ["Get", "List", "Describe", "Head", "Lookup", "BatchGet", "Search", "CreateTrail", "StartLogging"];

/// Whether a call (`iam:CreateUser`) is one that is pushed.
fn is_call_pushed(what: &str) -> bool {
    let name = what.split_once(':').map_or(what, |(_, name)| name);
    !NOT_PUSHED.iter().any(|start| name.starts_with(start))
}

/// Whether events of the rule are pushed.
fn is_pushed(rule: &str) -> bool {
    matches!(rule, "cis-4.2" | "cis-4.3" | "cis-4.5") || (rule.starts_with("tamper-") && !rule.ends_with("-elsewhere"))
}

/// Remembers an event that came by itself, and holds an alarm's events against those. A store that does not answer is
/// noted and holds nothing up.
pub(super) async fn compare(store: &dyn Store, alert: &mut Alert, now: Timestamp) {
    let Some(rule) = alert.labels.get("rule").map(ToString::to_string).filter(|rule| is_pushed(rule)) else { return };
    let compared = match (alert.kind.as_str(), alert.status) {
        ("event", _) => remember(store, alert, &rule, now).await,
        ("alarm", Status::Firing) if !alert.evidence.is_empty() => held_against(store, alert, &rule, now).await,
        _ => Ok(()),
    };
    if let Err(error) = compared {
        alert.partial(error);
    }
}

async fn remember(store: &dyn Store, alert: &Alert, rule: &str, now: Timestamp) -> Result<(), StoreError> {
    for event in &alert.evidence {
        let at = event.when.unwrap_or(now);
        let pushed = Pushed { id: event.id.clone(), at, account: event.account.clone() };
        let key = Key::new(format!("pushed#{rule}"), format!("{}#{}", stamp(at), event.id));
        store.put(&key, json!(pushed), now.checked_add(KEPT).ok(), When::Always).await?;
    }
    store.put(&last(), json!(now), now.checked_add(IN_USE).ok(), When::Always).await.map(drop)
}

fn last() -> Key {
    Key::new("pushed", "-")
}

async fn held_against(store: &dyn Store, alert: &mut Alert, rule: &str, now: Timestamp) -> Result<(), StoreError> {
    let in_use = store.get(&last()).await?.is_some_and(|item| item.lives(now));
    if !in_use {
        return Ok(());
    }
    let whens = alert.evidence.iter().flat_map(|event| event.when.into_iter().chain(event.until));
    let times: BTreeSet<Timestamp> = whens.collect();
    let (Some(first), Some(end)) = (times.first().copied(), times.last().copied()) else { return Ok(()) };
    let mut pushed: Vec<Pushed> = Vec::new();
    for day in days(first, end) {
        let items = store.list(&format!("pushed#{rule}"), &day).await?;
        pushed.extend(items.into_iter().filter_map(|item| item.read().ok()));
    }
    let shown: BTreeSet<&str> = alert.evidence.iter().flat_map(|event| event.ids().map(String::as_str)).collect();
    let came: BTreeSet<&str> = pushed.iter().map(|event| event.id.as_str()).collect();
    let owed = alert.evidence.iter().filter(|event| is_call_pushed(event.what.as_str()));
    let by_alarm_only = owed.flat_map(|event| event.ids()).filter(|id| !came.contains(id.as_str())).count();
    let absent = |event: &&Pushed| {
        (first..=end).contains(&event.at) && event.account == alert.account && !shown.contains(event.id.as_str())
    };
    // So many groups may not be all, and then nothing can be said of what is absent.
    let by_event_only = if alert.evidence.len() < GROUPS { pushed.iter().filter(absent).count() } else { 0 };
    tell(alert, rule, by_alarm_only, by_event_only);
    Ok(())
}

fn tell(alert: &mut Alert, rule: &str, by_alarm_only: usize, by_event_only: usize) {
    let count = |name: &str, n: usize| {
        emit_by("alerts", ("rule", rule), &[Metric::count(name, u64::try_from(n).unwrap_or(u64::MAX))]);
    };
    if by_alarm_only > 0 {
        alert.note(format!(
            "{by_alarm_only} of these events came by the alarm only: the rule that pushes them missed them, or is late"
        ));
        count("MissedByEvents", by_alarm_only);
    }
    if by_event_only > 0 {
        alert.note(format!(
            "{by_event_only} events of this rule came by themselves and not behind the alarm: check its metric filter"
        ));
        count("MissedByAlarm", by_event_only);
    }
}

/// The days of a span, as they begin in the keys.
fn days(from: Timestamp, to: Timestamp) -> BTreeSet<String> {
    [from, to].iter().map(|at| stamp(*at).get(..10).unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::record::evidence;
    use crate::store::MemoryStore;

    const NOW: &str = "2026-11-12T04:30:00Z";

    fn alert(kind: &str, rule: &str, events: &[(&str, &str)]) -> Alert {
        let mut alert = Alert::new("m", "test", kind, "");
        alert.label("rule", rule);
        alert.account = Some("444455556666".parse().unwrap());
        let record = |(id, minute): &(&str, &str)| {
            evidence(&json!({"eventID": id, "eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com",
                "eventTime": format!("2026-11-12T04:{minute}:00Z"), "recipientAccountId": "444455556666"}))
            .unwrap()
        };
        alert.evidence = events.iter().map(record).collect();
        alert
    }

    /// The notes of an alarm behind which `found` are, after `pushed` came by themselves.
    async fn check(rule: &str, pushed: &[(&str, &str)], found: &[(&str, &str)], expect: &[&str]) {
        let store = MemoryStore::default();
        for event in pushed {
            compare(&store, &mut alert("event", rule, &[*event]), NOW.parse().unwrap()).await;
        }
        let mut alarm = alert("alarm", rule, found);
        compare(&store, &mut alarm, NOW.parse().unwrap()).await;
        let notes: Vec<&str> = alarm.notes.iter().map(|note| note.as_str()).collect();
        assert_eq!(notes, expect);
    }

    #[tokio::test]
    async fn both_ways_bring_the_same() {
        check("cis-4.5", &[("a", "10"), ("b", "12")], &[("a", "10"), ("b", "12")], &[]).await;
    }

    #[tokio::test]
    async fn event_that_was_not_pushed_is_told() {
        let missed = "1 of these events came by the alarm only: the rule that pushes them missed them, or is late";
        check("cis-4.5", &[("a", "10")], &[("a", "10"), ("b", "12")], &[missed]).await;
    }

    #[tokio::test]
    async fn event_that_the_filter_did_not_show_is_told() {
        let missed = "1 events of this rule came by themselves and not behind the alarm: check its metric filter";
        let pushed = [("a", "10"), ("x", "11"), ("b", "12"), ("later", "20")];
        check("cis-4.5", &pushed, &[("a", "10"), ("b", "12")], &[missed]).await;
    }

    #[test]
    fn calls_that_only_read_are_not_missed() {
        let calls = [
            "iam:ListUsers",
            "cloudtrail:StartLogging",
            "s3:GetObject",
            "cloudtrail:StopLogging",
            "signin:ConsoleLogin",
        ];
        assert_eq!(calls.map(is_call_pushed), [false, false, false, true, true]);
    }

    #[tokio::test]
    async fn nothing_is_said_where_nothing_is_pushed() {
        check("cis-4.5", &[], &[("a", "10")], &[]).await;
        check("cis-4.4", &[("a", "10")], &[("b", "12")], &[]).await;
    }
}
