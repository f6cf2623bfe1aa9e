//! Every sample event is understood: one line each, so that a change of any reading shows.

use super::*;
use crate::alert::Status;
use crate::alert::fakes::samples;

fn line(alert: &Alert) -> String {
    let status = if alert.status == Status::Resolved { " resolved" } else { "" };
    let account = alert.account.as_ref().map_or("-", AsRef::as_ref);
    let threshold = alert.labels.get("threshold").map(|percent| format!(" {percent}%")).unwrap_or_default();
    format!("{} {}{status} {account}{threshold}: {}", alert.kind, alert.severity.name(), alert.title)
}

/// The essentials of every message of every sample.
fn essentials(function: &str) -> String {
    let mut lines = Vec::new();
    for (name, messages) in samples(function) {
        lines.push(name);
        for message in messages {
            let (_, alert) = detect(&Incoming::new(&message));
            assert!(!alert.raw.as_str().is_empty(), "the raw text is kept");
            lines.push(format!("  {}", line(&alert)));
        }
    }
    lines.join("\n")
}

#[test]
fn every_budget_event_is_understood() {
    insta::assert_snapshot!(essentials("budget-router"));
}

#[test]
fn every_alarm_event_is_understood() {
    insta::assert_snapshot!(essentials("alarm-fanout"));
}
