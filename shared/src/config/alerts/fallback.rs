//! Who hears when a receiver cannot be reached, or not in time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Alerts;
use crate::config::Pause;
use crate::types::Severity;

/// Who hears instead of a receiver that cannot be reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "AlertFallback")]
pub struct Fallback {
    /// The receiver that hears instead; absent: that of the root route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// Other receivers for single ones: who hears instead of whom.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<String, String>,
    /// How long a delivery may be on its way before the other receiver hears.
    pub after: After,
}

/// How long a delivery may be on its way, by severity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "AlertFallbackAfter")]
pub struct After {
    /// Wake somebody.
    pub critical: Pause,
    /// Now.
    pub high: Pause,
    /// Today.
    pub medium: Pause,
    /// Some day.
    pub low: Pause,
    /// To know.
    pub info: Pause,
}

impl Default for After {
    fn default() -> Self {
        let [two_minutes, quarter, hour] = [120, 900, 3600].map(Pause::seconds);
        Self { critical: two_minutes, high: quarter, medium: hour, low: hour, info: hour }
    }
}

impl After {
    /// How long a delivery of this severity may take.
    pub fn of(&self, severity: Severity) -> Pause {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Info => self.info,
        }
    }
}

impl Alerts {
    /// The receiver that hears instead of this one.
    pub fn instead_of(&self, receiver: &str) -> Option<&str> {
        let of_all = self.fallback.receiver.as_ref().or(self.route.receiver.as_ref());
        self.fallback.of.get(receiver).or(of_all).map(String::as_str)
    }

    /// What is wrong with `fallback`.
    pub(super) fn fallback_problems(&self) -> Vec<(String, String)> {
        let known = |name: &&String| self.receivers.contains_key(*name);
        let mut found = Vec::new();
        let missing = |name: &String| format!("`{name}` is not a receiver");
        if let Some(name) = self.fallback.receiver.as_ref().filter(|name| !known(name)) {
            found.push(("fallback.receiver".to_owned(), missing(name)));
        }
        for (receiver, instead) in &self.fallback.of {
            let path = format!("fallback.of.{receiver}");
            if let Some(name) = [receiver, instead].into_iter().find(|name| !known(name)) {
                found.push((path, missing(name)));
            } else if receiver == instead {
                found.push((path, "a receiver that cannot be reached cannot stand in for itself".to_owned()));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn alerts(fallback: &Value) -> Alerts {
        let hook = json!([{"webhook": {"url": "https://hooks.acme.example/x"}}]);
        serde_json::from_value(json!({"receivers": {"platform": hook, "security": hook, "backup": hook},
            "route": {"receiver": "platform"}, "fallback": fallback}))
        .unwrap()
    }

    #[test]
    fn nearest_word_about_a_receiver_counts() {
        let instead = |fallback: Value, of: &str| alerts(&fallback).instead_of(of).map(str::to_owned);
        assert_eq!(instead(json!({}), "security").as_deref(), Some("platform"));
        assert_eq!(instead(json!({"receiver": "backup"}), "security").as_deref(), Some("backup"));
        let of = json!({"receiver": "platform", "of": {"platform": "backup"}});
        assert_eq!(instead(of.clone(), "platform").as_deref(), Some("backup"));
        assert_eq!(instead(of, "security").as_deref(), Some("platform"));
    }

    #[test]
    fn names_are_checked() {
        let wrong = alerts(&json!({"receiver": "x", "of": {"y": "platform", "backup": "backup"}})).fallback_problems();
        let paths: Vec<&str> = wrong.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["fallback.receiver", "fallback.of.backup", "fallback.of.y"]);
        assert!(alerts(&json!({"receiver": "backup", "after": {"critical": "30s"}})).fallback_problems().is_empty());
    }

    #[test]
    fn what_wakes_somebody_waits_two_minutes() {
        let after = alerts(&json!({"after": {"high": "5m"}})).fallback.after;
        assert_eq!([after.of(Severity::Critical), after.of(Severity::High)], [120, 300].map(Pause::seconds));
    }
}
