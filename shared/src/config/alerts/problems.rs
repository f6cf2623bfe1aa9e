//! What is wrong with an `alerts` section that is well formed.

use std::collections::BTreeMap;

use super::super::OuPattern;
use super::{Alerts, NotBuilt, Route};

/// The labels that alerts carry; `tag.…` names any tag of the account.
const LABELS: &[&str] = &[
    "account.email",
    "account.id",
    "account.name",
    "alarm",
    "alert_type",
    "budget",
    "budget.type",
    "confirmed",
    "event",
    "instance",
    "kind",
    "muted",
    "ou",
    "owner",
    "period",
    "principal",
    "principal.kind",
    "region",
    "rule",
    "service",
    "severity",
    "source",
    "state",
    "status",
    "threshold",
    "until",
];

/// Problems by the path below `alerts`.
type Found = Vec<(String, String)>;

impl Alerts {
    /// Everything wrong: the path below `alerts` (`route.routes[0].receiver`), and what is wrong there.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Found::new();
        not_built(&mut found, "inhibit", self.inhibit);
        for (name, channels) in &self.receivers {
            let path = format!("receivers.{name}");
            if channels.is_empty() {
                found
                    .push((path.clone(), "a receiver without channels hears nothing; give it at least one".to_owned()));
            }
            for (n, channel) in channels.iter().enumerate() {
                let path = format!("{path}[{n}].{}", channel.kind());
                found.extend(channel.problems().into_iter().map(|(setting, why)| (format!("{path}.{setting}"), why)));
            }
        }
        if self.route.receiver.is_none() {
            found.push((
                "route.receiver".to_owned(),
                "the root must name a receiver, or an alert could reach nobody".into(),
            ));
        }
        if !self.route.r#match.is_empty() {
            found.push(("route.match".to_owned(), "the root takes every alert; match in `routes` below it".to_owned()));
        }
        self.check_route(&mut found, "route", &self.route);
        found.extend(super::noise::problems(&self.noise));
        found.extend(self.fallback_problems());
        found.extend(self.ladder_problems());
        for (n, silence) in self.silence.iter().enumerate() {
            let path = format!("silence[{n}]");
            check_match(&mut found, &path, &silence.r#match);
            if silence.r#match.is_empty() {
                found.push((
                    format!("{path}.match"),
                    "this would silence everything; name at least one label".to_owned(),
                ));
            }
            if silence.because.trim().is_empty() {
                found.push((format!("{path}.because"), "say why: it stands in reports".to_owned()));
            }
        }
        found
    }

    fn check_route(&self, found: &mut Found, path: &str, route: &Route) {
        let timings = [
            ("group_by", route.group_by),
            ("group_wait", route.group_wait),
            ("group_interval", route.group_interval),
            ("repeat_interval", route.repeat_interval),
        ];
        for (name, timing) in timings {
            not_built(found, &format!("{path}.{name}"), timing);
        }
        if let Some(name) = route.receiver.as_ref().filter(|name| !self.receivers.contains_key(*name)) {
            let known: Vec<&str> = self.receivers.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none is declared".to_owned() } else { known.join(", ") };
            found.push((format!("{path}.receiver"), format!("`{name}` is not a receiver; known: {known}")));
        }
        check_match(found, path, &route.r#match);
        let mut taken = false;
        for (n, child) in route.routes.iter().enumerate() {
            let path = format!("{path}.routes[{n}]");
            if taken {
                found.push((path.clone(), "no alert gets here: a route before it takes everything".to_owned()));
            }
            taken |= child.r#match.is_empty() && !child.r#continue;
            self.check_route(found, &path, child);
        }
    }
}

fn check_match(found: &mut Found, path: &str, matchers: &BTreeMap<String, String>) {
    for (label, pattern) in matchers {
        let path = format!("{path}.match.{label}");
        if !LABELS.contains(&label.as_str()) && !label.starts_with("tag.") {
            found.push((path.clone(), format!("no alert has this label; known: {}, tag.<name>", LABELS.join(", "))));
        }
        match pattern.parse::<OuPattern>() {
            Err(error) if label == "ou" => found.push((path, error.to_string())),
            Ok(_) | Err(_) => {}
        }
    }
}

fn not_built(found: &mut Found, path: &str, present: NotBuilt) {
    if present.0 {
        found.push((path.to_owned(), "not built in this version; remove it".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(alerts: serde_json::Value, expect: &[&str]) {
        let alerts: Alerts = serde_json::from_value(alerts).unwrap();
        let found: Vec<String> =
            alerts.problems().into_iter().map(|(path, message)| format!("{path}: {message}")).collect();
        assert_eq!(found, expect);
    }

    fn webhook() -> serde_json::Value {
        json!([{"webhook": {"url": "https://hooks.acme.example/x", "secret": "env:HOOK"}}])
    }

    #[test]
    fn small_section_is_fine() {
        check(json!({"receivers": {"platform": webhook()}, "route": {"receiver": "platform"}}), &[]);
    }

    #[test]
    fn what_is_not_built_is_said_and_not_swallowed() {
        check(
            json!({"receivers": {"platform": webhook()},
                "route": {"receiver": "platform", "group_wait": "30s"}, "inhibit": []}),
            &[
                "inhibit: not built in this version; remove it",
                "route.group_wait: not built in this version; remove it",
            ],
        );
    }

    #[test]
    fn nothing_is_sent_in_the_clear() {
        let hook = |url: &str| json!({"receivers": {"platform": [{"webhook": {"url": url}}]}, "route": {"receiver": "platform"}});
        check(hook("http://127.0.0.1:8080/x"), &[]);
        check(
            hook("http://hooks.acme.example/x"),
            &["receivers.platform[0].webhook.url: only https is spoken, or http to this machine in tests"],
        );
    }

    #[test]
    fn nothing_may_be_unroutable() {
        check(
            json!({"receivers": {"platform": webhook()}, "route": {"match": {"kind": "budget"}, "routes": [
                {"receiver": "nobody"}, {"match": {"knd": "x", "ou": "a//b"}}]}}),
            &[
                "route.receiver: the root must name a receiver, or an alert could reach nobody",
                "route.match: the root takes every alert; match in `routes` below it",
                "route.routes[0].receiver: `nobody` is not a receiver; known: platform",
                "route.routes[1]: no alert gets here: a route before it takes everything",
                &format!(
                    "route.routes[1].match.knd: no alert has this label; known: {}, tag.<name>",
                    LABELS.join(", ")
                ),
                "route.routes[1].match.ou: `a//b` is not a pattern of OU names such as Sandbox, Workloads/* or Workloads/**",
            ],
        );
    }

    #[test]
    fn secrets_are_not_repeated_in_messages() {
        let channel = json!({"webhook": {"url": "https://hooks.acme.example/x", "secret": "whsec_c2VjcmV0"}});
        let error = serde_json::from_value::<crate::config::alerts::Channel>(channel).unwrap_err().to_string();
        assert!(error.contains("env:NAME") && !error.contains("whsec"), "{error}");
    }

    #[test]
    fn silence_holds_to_the_end_of_its_last_day() {
        let silence = json!({"match": {"rule": "cis-4.10"}, "until": "2027-01-31", "because": "moving"});
        let silence: crate::config::alerts::Silence = serde_json::from_value(silence).unwrap();
        assert!(silence.holds("2027-01-31T23:59:59Z".parse().unwrap()));
        assert!(!silence.holds("2027-02-01T00:00:00Z".parse().unwrap()));
    }
}
