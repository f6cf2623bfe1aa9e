//! What is wrong with the routing tree and what belongs to it: names that nobody declared, routes that no alert reaches.

use super::matchers::{Matchers, label_problem};
use super::{Acknowledge, Alerts, Inhibit, Route, Silence};
use crate::config::words;

/// Problems by the path below `alerts`.
type Found = Vec<(String, String)>;

impl Alerts {
    /// What is wrong with routes, silences, inhibitions, intervals, quiet hours and owners.
    pub(super) fn routing_problems(&self) -> Vec<(String, String)> {
        let mut found = Found::new();
        if self.route.receiver.is_none() {
            let problem = "the root must name a receiver, or an alert could reach nobody";
            found.push(("route.receiver".to_owned(), problem.to_owned()));
        }
        if !self.route.r#match.is_empty() {
            found.push(("route.match".to_owned(), "the root takes every alert; match in `routes` below it".to_owned()));
        }
        self.check_route(&mut found, "route", &self.route, &[]);
        self.silence.iter().enumerate().for_each(|(n, silence)| check_silence(&mut found, n, silence));
        self.inhibit.iter().enumerate().for_each(|(n, inhibit)| check_inhibit(&mut found, n, inhibit));
        for (name, interval) in &self.intervals {
            let problem = interval.problems().map(|(at, problem)| (format!("intervals.{name}.{at}"), problem));
            found.extend(problem);
        }
        for (receiver, names) in &self.quiet {
            found.extend(self.unknown_receiver(&format!("quiet.{receiver}"), receiver));
            self.check_intervals(&mut found, &format!("quiet.{receiver}"), names);
        }
        let plain = |acknowledge: &&Acknowledge| !acknowledge.url.starts_with("https://");
        if let Some(acknowledge) = self.acknowledge.as_ref().filter(plain) {
            let problem = format!("`{}` is not the https URL of the function alert-actions", acknowledge.url);
            found.push(("acknowledge.url".to_owned(), problem));
        }
        for (n, entry) in self.owners.ous.iter().enumerate().filter(|(_, entry)| entry.owner.trim().is_empty()) {
            let problem = format!("say who owns what is in {}", entry.ou);
            found.push((format!("owners.ous[{n}].owner"), problem));
        }
        found
    }

    fn check_route(&self, found: &mut Found, path: &str, route: &Route, above: &[&Matchers]) {
        if let Some(name) = &route.receiver {
            found.extend(self.unknown_receiver(&format!("{path}.receiver"), name));
        }
        found.extend(route.r#match.problems(path));
        if let Some(label) = above.iter().find_map(|above| above.contradict(&route.r#match)) {
            let problem = format!("no alert gets here: the route above wants another `{label}`");
            found.push((path.to_owned(), problem));
        }
        for (n, label) in route.group_by.iter().flatten().enumerate() {
            found.extend(label_problem(label).map(|problem| (format!("{path}.group_by[{n}]"), problem)));
        }
        for (member, names) in [("mute_times", &route.mute_times), ("active_times", &route.active_times)] {
            self.check_intervals(found, &format!("{path}.{member}"), names.as_deref().unwrap_or_default());
        }
        for (n, step) in route.escalate.iter().flatten().enumerate() {
            found.extend(self.unknown_receiver(&format!("{path}.escalate[{n}].to"), &step.to));
        }
        let above: Vec<&Matchers> = above.iter().copied().chain([&route.r#match]).collect();
        for (n, child) in route.routes.iter().enumerate() {
            let path = format!("{path}.routes[{n}]");
            let before = route.routes.iter().take(n).enumerate();
            let taken = before.filter(|(_, before)| !before.r#continue).find(|(_, b)| b.r#match.cover(&child.r#match));
            let problem = taken.map(|(earlier, before)| match before.r#match.is_empty() {
                true => "no alert gets here: a route before it takes everything".to_owned(),
                false => format!("no alert gets here: routes[{earlier}] before it takes everything that it matches"),
            });
            found.extend(problem.map(|problem| (path.clone(), problem)));
            self.check_route(found, &path, child, &above);
        }
    }

    fn unknown_receiver(&self, path: &str, name: &str) -> Option<(String, String)> {
        if self.receivers.contains_key(name) {
            return None;
        }
        let known: Vec<&str> = self.receivers.keys().map(String::as_str).collect();
        let hint = words::nearest(name, &known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let known = if known.is_empty() { "none is declared".to_owned() } else { known.join(", ") };
        let end = if hint.is_empty() { "; known" } else { " Known" };
        Some((path.to_owned(), format!("`{name}` is not a receiver{hint}{end}: {known}")))
    }

    fn check_intervals(&self, found: &mut Found, path: &str, names: &[String]) {
        for (n, name) in names.iter().enumerate().filter(|(_, name)| !self.intervals.contains_key(*name)) {
            let known: Vec<&str> = self.intervals.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none is declared".to_owned() } else { known.join(", ") };
            let problem = format!("`{name}` is not one of `intervals`; known: {known}");
            found.push((format!("{path}[{n}]"), problem));
        }
    }
}

fn check_silence(found: &mut Found, n: usize, silence: &Silence) {
    let path = format!("silence[{n}]");
    found.extend(silence.r#match.problems(&path));
    if silence.r#match.is_empty() {
        found.push((format!("{path}.match"), "this would silence everything; name at least one label".to_owned()));
    }
    if silence.because.trim().is_empty() {
        found.push((format!("{path}.because"), "say why: it stands in reports".to_owned()));
    }
}

fn check_inhibit(found: &mut Found, n: usize, inhibit: &Inhibit) {
    let path = format!("inhibit[{n}]");
    for (member, matchers) in [("when", &inhibit.when), ("mute", &inhibit.mute)] {
        let place = |at: String| at.replacen(".match.", &format!(".{member}."), 1);
        found.extend(matchers.problems(&path).into_iter().map(|(at, problem)| (place(at), problem)));
    }
    for (member, matchers) in [("when", &inhibit.when), ("mute", &inhibit.mute)] {
        if matchers.is_empty() {
            found.push((format!("{path}.{member}"), "this would be every alert; name at least one label".to_owned()));
        }
    }
    for (k, label) in inhibit.equal.iter().enumerate() {
        found.extend(label_problem(label).map(|problem| (format!("{path}.equal[{k}]"), problem)));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(section: Value, expect: &[&str]) {
        let mut whole = json!({"receivers": {"platform": [{"webhook": {"url": "https://hooks.acme.example/x"}}]},
            "route": {"receiver": "platform"}});
        whole.as_object_mut().unwrap().extend(section.as_object().unwrap().clone());
        let alerts: Alerts = serde_json::from_value(whole).unwrap();
        let told = alerts.routing_problems().into_iter().map(|(path, message)| format!("{path}: {message}"));
        let told: Vec<String> = told.collect();
        assert_eq!(told.len(), expect.len(), "{told:#?}");
        for (told, expect) in told.iter().zip(expect) {
            assert!(told.starts_with(expect), "{told} is not {expect}");
        }
    }

    #[test]
    fn full_section_is_fine() {
        check(
            json!({"route": {"receiver": "platform", "group_by": ["account.id", "tag.team"], "group_wait": "30s",
                "repeat_interval": "4h", "escalate": [{"after": "15m", "to": "platform"}], "mute_times": ["nights"],
                "routes": [{"match": {"severity": ">= high"}, "continue": true}, {"match": {"threshold": ">= 100"}}]},
                "intervals": {"nights": {"timezone": "Europe/Amsterdam", "when": [{"times": ["22:00-06:00"]}]}},
                "quiet": {"platform": ["nights"]},
                "inhibit": [{"when": {"threshold": ">= 100"}, "mute": {"kind": "budget"}, "equal": ["budget", "period"]}],
                "owners": {"ous": [{"ou": "Sandbox/**", "owner": "lab@acme.example"}]}}),
            &[],
        );
    }

    #[test]
    fn names_that_nobody_declared_are_told() {
        check(
            json!({"route": {"receiver": "platfrom", "group_by": ["accountid"], "active_times": ["office"],
                "escalate": [{"after": "15m", "to": "boss"}]}, "quiet": {"boss": ["nights"]},
                "inhibit": [{"when": {"sevrity": "high"}, "mute": {}, "equal": ["x"]}],
                "owners": {"ous": [{"ou": "Sandbox", "owner": " "}]}}),
            &[
                "route.receiver: `platfrom` is not a receiver; did you mean `platform`? Known: platform",
                "route.group_by[0]: no alert has this label; did you mean `account.id`?",
                "route.active_times[0]: `office` is not one of `intervals`; known: none is declared",
                "route.escalate[0].to: `boss` is not a receiver; known: platform",
                "inhibit[0].when.sevrity: no alert has this label; did you mean `severity`?",
                "inhibit[0].mute: this would be every alert",
                "inhibit[0].equal[0]: no alert has this label",
                "quiet.boss: `boss` is not a receiver",
                "quiet.boss[0]: `nights` is not one of `intervals`",
                "owners.ous[0].owner: say who owns what is in Sandbox",
            ],
        );
    }

    #[test]
    fn routes_that_no_alert_reaches_are_told() {
        check(
            json!({"route": {"receiver": "platform", "routes": [
                {"match": {"kind": "budget"}, "routes": [{"match": {"kind": "alarm"}}]},
                {"match": {"kind": "budget", "ou": "Sandbox"}},
                {"match": {"severity": ">= high"}, "continue": true},
                {"match": {"severity": "critical"}},
                {},
                {"match": {"kind": "event"}}]}}),
            &[
                "route.routes[0].routes[0]: no alert gets here: the route above wants another `kind`",
                "route.routes[1]: no alert gets here: routes[0] before it takes everything that it matches",
                "route.routes[5]: no alert gets here: a route before it takes everything",
            ],
        );
    }
}
