//! Who hears of an alert: a tree of routes in the manner of Alertmanager, and silences. Pure, and explainable.
//!
//! The root takes what no child takes, so nothing is unroutable
//! (<https://prometheus.io/docs/alerting/latest/configuration/#route>).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::Text;
use super::model::Alert;
use crate::config::alerts::{Alerts, Route, Silence};
use crate::config::{OuPattern, wildcard};
use crate::types::OuPath;

/// Who hears, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The routes that took the alert, in order.
    pub route: Vec<Taken>,
    /// The receivers, each once.
    pub receivers: Vec<String>,
    /// What keeps it from them.
    pub suppressed_by: Option<String>,
}

/// A route that took the alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Taken {
    /// Where it stands in the file (`route.routes[0]`).
    pub at: String,
    /// Its receiver.
    pub receiver: String,
    /// Why it took the alert.
    pub because: String,
}

/// Decides who hears of the alert.
pub fn decide(alerts: &Alerts, alert: &Alert, now: Timestamp) -> Decision {
    let labels = labels(alert);
    let root = alerts.route.receiver.clone().unwrap_or_default();
    let mut route = Vec::new();
    if alert.kind == "unknown" {
        let because = "what no source knows goes to the root's receiver".to_owned();
        route.push(Taken { at: "route".to_owned(), receiver: root, because });
    } else {
        walk(&alerts.route, "route", &root, &labels, &mut route);
    }
    let mut seen = BTreeSet::new();
    let receivers = route.iter().map(|taken| taken.receiver.clone()).filter(|name| seen.insert(name.clone())).collect();
    let silence = alerts.silence.iter().find(|silence| silence.holds(now) && fits(&silence.r#match, &labels));
    let noise = alert.noise.as_ref().map(ToString::to_string);
    Decision { route, receivers, suppressed_by: noise.or(silence.map(told)) }
}

/// What routes match on: the alert's labels, and what every alert has.
pub fn labels(alert: &Alert) -> BTreeMap<String, Text> {
    let mut labels = alert.labels.clone();
    let status = match alert.status {
        super::Status::Firing => "firing",
        super::Status::Resolved => "resolved",
    };
    let account = alert.account.as_ref().map(ToString::to_string).unwrap_or_default();
    let of_all = [
        ("kind", alert.kind.as_str()),
        ("source", &alert.source),
        ("severity", alert.severity.name()),
        ("status", status),
        ("account.id", &account),
    ];
    labels.extend(of_all.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.to_owned(), Text::line(v))));
    labels
}

fn told(silence: &Silence) -> String {
    let by = silence.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("a silence until {}{by}: {}", silence.until, silence.because)
}

/// Asks the children in order; where none takes the alert, the node itself does.
fn walk(node: &Route, at: &str, receiver: &str, labels: &BTreeMap<String, Text>, taken: &mut Vec<Taken>) {
    let before = taken.len();
    for (n, child) in node.routes.iter().enumerate() {
        if !fits(&child.r#match, labels) {
            continue;
        }
        let heir = child.receiver.as_deref().unwrap_or(receiver);
        walk(child, &format!("{at}.routes[{n}]"), heir, labels, taken);
        if !child.r#continue {
            break;
        }
    }
    if taken.len() == before {
        let because = match node.r#match.is_empty() {
            true if at == "route" => "no route below the root matches".to_owned(),
            true => "it matches everything".to_owned(),
            false => node.r#match.iter().map(|(k, v)| format!("{k} is {v}")).collect::<Vec<_>>().join(", "),
        };
        taken.push(Taken { at: at.to_owned(), receiver: receiver.to_owned(), because });
    }
}

fn fits(matchers: &BTreeMap<String, String>, labels: &BTreeMap<String, Text>) -> bool {
    matchers
        .iter()
        .all(|(label, pattern)| labels.get(label).is_some_and(|value| is_like(label, pattern, value.as_str())))
}

/// Whether a label's value fits a pattern: OUs are matched as layers match them, everything else by plain wildcards.
fn is_like(label: &str, pattern: &str, value: &str) -> bool {
    if label != "ou" {
        return wildcard(pattern, value);
    }
    let (pattern, ou) = (pattern.parse::<OuPattern>(), value.parse::<OuPath>());
    pattern.is_ok_and(|pattern| ou.is_ok_and(|ou| pattern.holds(&ou)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alert::Severity;

    fn alerts() -> Alerts {
        let hook = json!([{"webhook": {"url": "https://hooks.acme.example/x"}}]);
        serde_json::from_value(json!({
            "receivers": {"platform": hook, "security": hook, "owner": hook, "prod": hook},
            "route": {"receiver": "platform", "routes": [
                {"match": {"severity": "critical"}, "receiver": "security", "continue": true},
                {"match": {"kind": "budget", "ou": "Sandbox/**"}, "receiver": "owner"},
                {"match": {"kind": "alarm"}, "routes": [{"match": {"ou": "Workloads/*"}, "receiver": "prod"}]}]},
            "silence": [{"match": {"rule": "cis-4.10", "principal": "*/AWSReservedSSO_Platform*"},
                "until": "2027-01-31", "because": "moving", "by": "ana"}],
        }))
        .unwrap()
    }

    fn check(kind: &str, severity: Severity, labels: &[(&str, &str)], expect: &[&str]) -> Decision {
        let mut alert = Alert::new("m1", "test", kind, "");
        alert.severity = severity;
        labels.iter().for_each(|(name, value)| alert.label(name, value));
        let decision = decide(&alerts(), &alert, "2027-01-31T12:00:00Z".parse().unwrap());
        assert_eq!(decision.receivers, expect);
        decision
    }

    #[test]
    fn root_takes_what_nobody_takes() {
        let decision = check("budget", Severity::Low, &[("ou", "Workloads/Prod")], &["platform"]);
        assert_eq!(decision.route[0].because, "no route below the root matches");
    }

    #[test]
    fn tree_below_an_ou_includes_the_ou() {
        check("budget", Severity::Low, &[("ou", "Sandbox")], &["owner"]);
        check("budget", Severity::Low, &[("ou", "Sandbox/A/B")], &["owner"]);
        check("budget", Severity::Low, &[("ou", "Sandboxes")], &["platform"]);
    }

    #[test]
    fn continue_asks_the_next_sibling_too() {
        check("budget", Severity::Critical, &[("ou", "Sandbox")], &["security", "owner"]);
        check("event", Severity::Critical, &[], &["security"]);
    }

    #[test]
    fn child_without_a_receiver_inherits() {
        check("alarm", Severity::Low, &[("ou", "Workloads/Prod")], &["prod"]);
        let decision = check("alarm", Severity::Low, &[("ou", "Sandbox")], &["platform"]);
        assert_eq!(
            (decision.route[0].at.as_str(), decision.route[0].because.as_str()),
            ("route.routes[2]", "kind is alarm")
        );
    }

    #[test]
    fn unknown_goes_to_the_root() {
        check("unknown", Severity::Critical, &[], &["platform"]);
    }

    #[test]
    fn silence_is_told_with_its_reason() {
        let who = "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Platform_0123/ana";
        let labels = [("rule", "cis-4.10"), ("principal", who)];
        let decision = check("alarm", Severity::Low, &labels, &["platform"]);
        assert_eq!(decision.suppressed_by.as_deref(), Some("a silence until 2027-01-31 by ana: moving"));
        assert_eq!(check("alarm", Severity::Low, &labels[..1], &["platform"]).suppressed_by, None);
    }
}
