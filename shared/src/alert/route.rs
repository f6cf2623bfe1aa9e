//! Who hears of an alert, and what keeps it from them: a tree of routes in the manner of Alertmanager, silences and
//! inhibitions. Pure, total and explainable.
//!
//! The root takes what no child takes, so nothing is unroutable
//! (<https://prometheus.io/docs/alerting/latest/configuration/#route>).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Text;
use super::model::Alert;
use super::silence::Stored;
use crate::config::Pause;
use crate::config::alerts::{Alerts, Escalation, Matchers, Route, Silence};

/// Who hears, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The routes that took the alert, in order.
    pub route: Vec<Taken>,
    /// The receivers, each once.
    pub receivers: Vec<String>,
    /// What keeps it from them.
    pub suppressed_by: Option<String>,
    /// When that has to be looked at again, if it ends.
    #[serde(skip)]
    pub look: Option<Timestamp>,
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
    /// When and how often it tells.
    pub terms: Terms,
}

/// When and how often a route tells: its own words, and its parents' where it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// The labels in which matters are alike that are told together.
    pub group_by: Vec<String>,
    /// How long a group waits for more.
    pub group_wait: Option<Pause>,
    /// How long after that for the next.
    pub group_interval: Option<Pause>,
    /// After how long it is told again.
    pub repeat_interval: Option<Pause>,
    /// When nothing is told.
    pub mute_times: Vec<String>,
    /// When only something is told.
    pub active_times: Vec<String>,
    /// Who else hears of what nobody acknowledges.
    pub escalate: Vec<Escalation>,
}

/// What else is known when it is decided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// Silences that people gave by command.
    pub silences: Vec<Stored>,
    /// What inhibits the alert.
    pub inhibited: Option<String>,
}

/// How soon it is looked again whether what inhibits a matter is still open.
const LOOK: SignedDuration = SignedDuration::from_mins(15);

/// Decides who hears of the alert.
pub(super) fn decide(alerts: &Alerts, alert: &Alert, standing: &Standing, now: Timestamp) -> Decision {
    let labels = labels(alert);
    let root = alerts.route.receiver.clone().unwrap_or_default();
    let mut route = Vec::new();
    if alert.kind == "unknown" {
        let because = "what no source knows goes to the root's receiver".to_owned();
        let terms = Terms::default().with(&alerts.route);
        route.push(Taken { at: "route".to_owned(), receiver: root, because, terms });
    } else {
        let walk = Walk { labels: &labels };
        walk.node(&alerts.route, "route", &root, &Terms::default(), &mut route);
    }
    let mut seen = BTreeSet::new();
    let receivers = route.iter().map(|taken| taken.receiver.clone()).filter(|name| seen.insert(name.clone())).collect();
    let (suppressed_by, look) = match is_unsilenceable(&labels) {
        true => (None, None),
        false => {
            let noise = alert.noise.as_ref().map(|noise| (noise.to_string(), None));
            noise.or_else(|| suppressed(alerts, &labels, standing, now)).unzip()
        }
    };
    Decision { route, receivers, suppressed_by, look: look.flatten() }
}

/// Whether nothing may keep the alert from people: no silence, no inhibition, no hours, no group.
pub(super) fn is_unsilenceable(labels: &BTreeMap<String, Text>) -> bool {
    labels.get("unsilenceable").is_some_and(|value| value.as_str() == "true")
}

fn suppressed(
    alerts: &Alerts,
    labels: &BTreeMap<String, Text>,
    standing: &Standing,
    now: Timestamp,
) -> Option<(String, Option<Timestamp>)> {
    let of_file = alerts.silence.iter().find(|silence| silence.holds(now) && fits(&silence.r#match, labels));
    let stored = standing.silences.iter().find(|silence| silence.until > now && fits(&silence.r#match, labels));
    let of_file = of_file.map(|silence| (told(silence), silence.end()));
    let stored = stored.map(|silence| (silence.told(), Some(silence.until)));
    let inhibited = standing.inhibited.clone().map(|why| (why, now.checked_add(LOOK).ok()));
    of_file.or(stored).or(inhibited)
}

/// What routes match on: the alert's labels, and what every alert has.
pub fn labels(alert: &Alert) -> BTreeMap<String, Text> {
    let mut labels = alert.labels.clone();
    let account = alert.account.as_ref().map(ToString::to_string).unwrap_or_default();
    let of_all = [
        ("kind", alert.kind.as_str()),
        ("source", &alert.source),
        ("severity", alert.severity.name()),
        ("status", alert.status.name()),
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
struct Walk<'a> {
    labels: &'a BTreeMap<String, Text>,
}

impl Walk<'_> {
    fn node(&self, node: &Route, at: &str, receiver: &str, above: &Terms, taken: &mut Vec<Taken>) {
        let (before, terms) = (taken.len(), above.with(node));
        for (n, child) in node.routes.iter().enumerate() {
            if !fits(&child.r#match, self.labels) {
                continue;
            }
            let heir = child.receiver.as_deref().unwrap_or(receiver);
            self.node(child, &format!("{at}.routes[{n}]"), heir, &terms, taken);
            if !child.r#continue {
                break;
            }
        }
        if taken.len() == before {
            let because = match node.r#match.is_empty() {
                true if at == "route" => "no route below the root matches".to_owned(),
                true => "it matches everything".to_owned(),
                false => node.r#match.told(),
            };
            taken.push(Taken { at: at.to_owned(), receiver: receiver.to_owned(), because, terms });
        }
    }
}

impl Terms {
    /// These terms, where the route has no words of its own.
    fn with(&self, route: &Route) -> Self {
        let list = |own: &Option<Vec<String>>, above: &[String]| own.clone().unwrap_or_else(|| above.to_vec());
        Self {
            group_by: list(&route.group_by, &self.group_by),
            group_wait: route.group_wait.or(self.group_wait),
            group_interval: route.group_interval.or(self.group_interval),
            repeat_interval: route.repeat_interval.or(self.repeat_interval),
            mute_times: list(&route.mute_times, &self.mute_times),
            active_times: list(&route.active_times, &self.active_times),
            escalate: route.escalate.clone().unwrap_or_else(|| self.escalate.clone()),
        }
    }
}

pub(super) fn fits(matchers: &Matchers, labels: &BTreeMap<String, Text>) -> bool {
    matchers.fit(|label| labels.get(label).map(Text::as_str))
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
        let decision = decide(&alerts(), &alert, &Standing::default(), "2027-01-31T12:00:00Z".parse().unwrap());
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

    #[test]
    fn nothing_keeps_what_cannot_be_silenced() {
        let who = "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Platform_0123/ana";
        let labels = [("rule", "cis-4.10"), ("principal", who), ("unsilenceable", "true")];
        assert_eq!(check("alarm", Severity::Low, &labels, &["platform"]).suppressed_by, None);
    }

    #[test]
    fn child_has_from_its_parents_what_it_does_not_say() {
        let alerts: Alerts = serde_json::from_value(json!({
            "receivers": {"platform": []},
            "route": {"receiver": "platform", "group_by": ["rule"], "group_wait": "30s", "repeat_interval": "4h", "routes": [
                {"match": {"kind": "alarm"}, "group_wait": "0s", "routes": [{"match": {"rule": "x"}, "group_by": []}]}]},
        }))
        .unwrap();
        let mut alert = Alert::new("m1", "test", "alarm", "");
        alert.label("rule", "x");
        let terms = decide(&alerts, &alert, &Standing::default(), Timestamp::UNIX_EPOCH).route.remove(0).terms;
        assert_eq!((terms.group_by, terms.group_wait), (Vec::new(), Some(Pause::seconds(0))));
        assert_eq!(terms.repeat_interval, Some(Pause::seconds(4 * 3_600)));
    }

    /// Trees of some depth over a few labels, and alerts with some of them.
    mod any {
        use proptest::prelude::*;
        use serde_json::Value;

        use super::*;

        fn matchers() -> impl Strategy<Value = Value> {
            let word = prop_oneof!["[ab]\\*?", Just("!a".to_owned()), Just(">= 2".to_owned())];
            let label = prop_oneof![Just("kind"), Just("rule"), Just("tag.team"), Just("threshold")];
            proptest::collection::btree_map(label, word, 0..3).prop_map(|map| json!(map))
        }

        fn route() -> impl Strategy<Value = Value> {
            let leaf = (matchers(), any::<bool>(), proptest::option::of("[pqr]"))
                .prop_map(|(m, c, receiver)| json!({"match": m, "continue": c, "receiver": receiver, "routes": []}));
            leaf.prop_recursive(3, 12, 3, |inner| {
                (matchers(), any::<bool>(), proptest::collection::vec(inner, 0..3))
                    .prop_map(|(m, c, routes)| json!({"match": m, "continue": c, "routes": routes}))
            })
        }

        proptest! {
            #[test]
            fn routing_is_total_and_the_order_of_labels_is_irrelevant(
                routes in proptest::collection::vec(route(), 0..4),
                labels in proptest::collection::vec(("rule|tag.team|threshold", "[ab23]"), 0..4),
                kind in "budget|alarm|unknown|a",
            ) {
                let alerts: Alerts =
                    serde_json::from_value(json!({"receivers": {}, "route": {"receiver": "root", "routes": routes}})).unwrap();
                let unique: BTreeMap<String, String> = labels.into_iter().collect();
                let labelled = |labels: Vec<(&String, &String)>| {
                    let mut alert = Alert::new("m1", "test", &kind, "");
                    labels.into_iter().for_each(|(name, value)| alert.label(name, value));
                    decide(&alerts, &alert, &Standing::default(), Timestamp::UNIX_EPOCH)
                };
                let decision = labelled(unique.iter().collect());
                prop_assert!(!decision.receivers.is_empty());
                prop_assert!(kind != "unknown" || decision.receivers == ["root"]);
                prop_assert_eq!(&labelled(unique.iter().rev().collect()), &decision);
            }
        }
    }
}
