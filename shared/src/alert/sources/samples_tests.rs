//! Every sample event is understood: one line each, so that a change of any reading shows.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::alert::Status;
use crate::event::{Batch, open};

fn messages(path: &Path) -> Vec<Message> {
    let payload: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    match open(&payload, "request-1") {
        Batch::Queue(messages) | Batch::Topic(messages) => messages,
        Batch::Direct(message) => vec![message],
    }
}

fn line(alert: &Alert) -> String {
    let status = if alert.status == Status::Resolved { " resolved" } else { "" };
    let account = alert.account.as_ref().map_or("-", AsRef::as_ref);
    let threshold = alert.labels.get("threshold").map(|percent| format!(" {percent}%")).unwrap_or_default();
    format!("{} {}{status} {account}{threshold}: {}", alert.kind, alert.severity.name(), alert.title)
}

/// The essentials of every message of every file in `events/<function>`.
fn essentials(function: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(function);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        lines.push(format!("{}", file.file_stem().unwrap().display()));
        for message in messages(&file) {
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
