//! CloudTrail events: by EventBridge seconds after the call, or by a subscription of the trail's log group, as bare
//! records.
//!
//! Real events and all public rules say `AWS Console Sign In via CloudTrail`, the guide prints `Signin`: the end of
//! the words decides (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-aws-service-specific-topics.html>).

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::{Incoming, Source};
use crate::alert::enrich::World;
use crate::alert::model::{Alert, Identity, Link, Severity, Status, account, instant, text};
use crate::alert::noise::{self, Noise};
use crate::alert::record::evidence;
use crate::alert::rules::{judge, principal_kind};
use crate::alert::text::Text;

/// The source.
pub(super) struct CloudTrail;

#[async_trait]
impl Source for CloudTrail {
    fn name(&self) -> &'static str {
        "cloudtrail"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let record = record(&incoming.json)?;
        insight(incoming, record).or_else(|| event(incoming, record))
    }

    async fn observe(&self, mut alert: Alert, incoming: &Incoming<'_>, world: &World) -> Vec<Alert> {
        hush(&mut alert, incoming, &world.noise, world.now);
        vec![alert]
    }
}

/// The record: what EventBridge wraps, or the message itself.
pub(in crate::alert) fn record(json: &Value) -> Option<&Value> {
    match text(json, "/detail-type") {
        Some(kind) if kind.ends_with("via CloudTrail") => json.get("detail"),
        Some(_) => None,
        None => {
            let bare = text(json, "/eventVersion").is_some() && text(json, "/eventTime").is_some();
            (bare && json.get("eventID").is_some()).then_some(json)
        }
    }
}

/// Why nobody hears of an event that no rule knows: one that EventBridge brings was chosen by somebody's rule, while a
/// subscription of the trail's log group hands over whatever happens.
pub(in crate::alert) fn of_no_rule(alert: &Alert, incoming: &Incoming<'_>) -> Option<&'static str> {
    let is_bare = text(&incoming.json, "/detail-type").is_none();
    let unknown = alert.source == CloudTrail.name() && alert.kind == "event" && !alert.labels.contains_key("rule");
    (is_bare && unknown).then_some("no rule knows it, and a subscription hands over everything")
}

/// Keeps an alert from people that a noise rule leaves out, and counts it.
pub(in crate::alert) fn hush(alert: &mut Alert, incoming: &Incoming<'_>, noise: &Noise, now: Timestamp) {
    if alert.source != CloudTrail.name() {
        return;
    }
    let Some(record) = record(&incoming.json) else { return };
    if let Some(rule) = noise.leaves_out(judge(record).as_ref(), record, now) {
        rule.hush(alert);
        noise::count(&BTreeMap::from([(rule, 1)]));
    }
}

fn event(incoming: &Incoming<'_>, record: &Value) -> Option<Alert> {
    let event = evidence(record)?;
    let mut alert = Alert::new(&incoming.message.id, "cloudtrail", "event", &incoming.message.text);
    alert.title = Text::line(&format!("{} by {}", event.what, event.who));
    alert.account = event.account.clone();
    alert.time = event.when;
    alert.label("event", event.what.as_str());
    alert.label("principal", event.who.as_str());
    alert.label("principal.kind", principal_kind(record));
    alert.label("region", event.r#where.as_str());
    if let Some(judged) = judge(record) {
        judged.tell(&mut alert);
    }
    // Without an id of its own an event is no other event's twin.
    let id = if event.id.is_empty() { &incoming.message.id } else { &event.id };
    alert.identity = Identity::new("event", &[id], "");
    alert.links.extend(link(&event.id, event.r#where.as_str()));
    alert.evidence = vec![event];
    Some(alert)
}

/// The event's page in the console, of an id and a region that look like some.
fn link(id: &str, region: &str) -> Option<Link> {
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (plain(id) && plain(region)).then(|| Link {
        name: "the event".to_owned(),
        url: format!("https://{region}.console.aws.amazon.com/cloudtrailv2/home?region={region}#/events/{id}"),
    })
}

/// CloudTrail Insights: an unusual rate of calls or of errors begins, or is over
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-cloudtrail.html>).
fn insight(incoming: &Incoming<'_>, record: &Value) -> Option<Alert> {
    let details = record.get("insightDetails")?;
    let service = text(details, "/eventSource").unwrap_or("unknown").trim_end_matches(".amazonaws.com");
    let what = format!("{service}:{}", text(details, "/eventName").unwrap_or("unknown"));
    let kind = text(details, "/insightType").unwrap_or("unknown");
    let of = match (kind, text(details, "/errorCode")) {
        ("ApiErrorRateInsight", Some(code)) => format!("{what} fails with {code}"),
        ("ApiErrorRateInsight", None) => format!("{what} fails"),
        _ => format!("{what} is called"),
    };
    let mut alert = Alert::new(&incoming.message.id, "cloudtrail", "insight", &incoming.message.text);
    let over = text(details, "/state") == Some("End");
    alert.status = if over { Status::Resolved } else { Status::Firing };
    alert.severity = Severity::Medium;
    let rate = if over { "as usual again" } else { "unusually often" };
    alert.title = Text::line(&format!("{of} {rate}"));
    alert.account = account(record, "/recipientAccountId");
    alert.time = text(record, "/eventTime").and_then(instant);
    alert.label("event", &what);
    alert.label("rule", if kind == "ApiErrorRateInsight" { "insight-errors" } else { "insight-calls" });
    alert.label("region", text(record, "/awsRegion").unwrap_or_default());
    for (name, pointer) in [("usual rate per minute", "baseline"), ("rate per minute", "insight")] {
        let average = details.pointer(&format!("/insightContext/statistics/{pointer}/average")).and_then(Value::as_f64);
        if let Some(average) = average {
            alert.fact(name, format!("{average:.4}"));
        }
    }
    let start = text(record, "/sharedEventID").or_else(|| text(record, "/eventID"));
    let start = start.unwrap_or(&incoming.message.id);
    alert.identity = Identity::new("insight", &[start], "");
    Some(alert)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::detect;
    use super::*;
    use crate::event::Message;

    fn read(id: &str, json: Value) -> Alert {
        let message = Message::direct(id, json.to_string());
        detect(&Incoming::new(&message)).1
    }

    fn bare(id: &str) -> Value {
        json!({"eventVersion": "1.11", "eventTime": "2026-11-12T04:21:37Z", "eventID": id, "eventName": "StopLogging",
            "eventSource": "cloudtrail.amazonaws.com", "awsRegion": "us-east-1", "recipientAccountId": "444455556666"})
    }

    #[test]
    fn event_is_the_same_by_either_way() {
        let wrapped =
            json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail", "detail": bare("e-1")});
        let (by_bus, by_log) = (read("m1", wrapped), read("m2", bare("e-1")));
        assert_eq!(by_bus.identity, by_log.identity);
        assert_eq!((&by_bus.labels, by_bus.severity), (&by_log.labels, by_log.severity));
        assert_eq!((by_log.labels["rule"].as_str(), by_log.labels["unsilenceable"].as_str()), ("cis-4.5", "true"));
        assert!(by_log.links.iter().any(|link| link.url.ends_with("#/events/e-1")), "{:?}", by_log.links);
    }

    #[test]
    fn events_without_an_id_stay_apart_and_no_link_is_made_of_other_text() {
        let (one, two) = (read("m1", bare("")), read("m2", bare("")));
        assert_ne!(one.identity, two.identity);
        assert!(!read("m1", bare("../x?y")).links.iter().any(|link| link.name == "the event"));
    }

    #[test]
    fn insight_begins_and_ends_as_one_matter() {
        let insight = |state: &str| {
            read(
                state,
                json!({"detail-type": "AWS Insight via CloudTrail", "detail": {"eventVersion": "1.08", "eventID": state,
                "eventTime": "2026-11-12T04:21:00Z", "sharedEventID": "s-1", "recipientAccountId": "444455556666",
                "eventType": "AwsCloudTrailInsight", "insightDetails": {"state": state, "eventSource": "ec2.amazonaws.com",
                "eventName": "RunInstances", "insightType": "ApiCallRateInsight",
                "insightContext": {"statistics": {"baseline": {"average": 0.002}, "insight": {"average": 14.5}}}}}}),
            )
        };
        let (start, end) = (insight("Start"), insight("End"));
        assert_eq!(
            (start.title.as_str(), start.status),
            ("ec2:RunInstances is called unusually often", Status::Firing)
        );
        assert_eq!((end.title.as_str(), end.status), ("ec2:RunInstances is called as usual again", Status::Resolved));
        assert_eq!(start.identity, end.identity);
        assert_eq!(start.facts[1].value.as_str(), "14.5000");
    }

    #[test]
    fn noise_is_kept_back_and_says_so() {
        let sign_in = json!({"eventVersion": "1.11", "eventTime": "2026-11-12T04:21:37Z", "eventID": "e", "eventName": "ConsoleLogin",
            "eventSource": "signin.amazonaws.com", "userIdentity": {"type": "AssumedRole"}, "responseElements": {"ConsoleLogin": "Success"}});
        let message = Message::direct("m", sign_in.to_string());
        let incoming = Incoming::new(&message);
        let mut alert = detect(&incoming).1;
        hush(&mut alert, &incoming, &Noise::of(&[]), Timestamp::UNIX_EPOCH);
        let why = alert.noise.unwrap();
        assert!(why.as_str().starts_with("the noise rule federated-sign-in: "), "{why}");
    }
}
