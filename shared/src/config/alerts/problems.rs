//! What is wrong with an `alerts` section that is well formed.

use super::Alerts;

/// Problems by the path below `alerts`.
type Found = Vec<(String, String)>;

impl Alerts {
    /// Everything wrong: the path below `alerts` (`route.routes[0].receiver`), and what is wrong there.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Found::new();
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
        found.extend(self.routing_problems());
        found.extend(super::noise::problems(&self.noise));
        found.extend(self.floods.problems());
        found.extend(self.fallback_problems());
        found.extend(self.ladder_problems());
        found
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
                {"receiver": "nobody"}, {"match": {"ou": "a//b"}}]}}),
            &[
                "route.receiver: the root must name a receiver, or an alert could reach nobody",
                "route.match: the root takes every alert; match in `routes` below it",
                "route.routes[0].receiver: `nobody` is not a receiver; known: platform",
                "route.routes[1]: no alert gets here: a route before it takes everything",
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
