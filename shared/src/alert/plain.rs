//! An alert as plain text, for mail and terminals.

use super::Text;
use super::model::{Alert, Evidence, Status};

/// The first line: how bad, what, where.
pub(super) fn headline(alert: &Alert) -> Text {
    let word = match alert.status {
        Status::Firing => alert.severity.name().to_uppercase(),
        Status::Resolved => "RESOLVED".to_owned(),
    };
    let account = alert.labels.get("account.name").map(|name| format!(" [{name}]")).unwrap_or_default();
    Text::line(&format!("{word}{account} {}", alert.title))
}

/// The whole alert.
pub fn text(alert: &Alert) -> String {
    let mut lines = vec![headline(alert).to_string()];
    lines.extend(alert.time.map(|time| format!("{time}")));
    if !alert.evidence.is_empty() {
        lines.push(String::new());
        lines.extend(alert.evidence.iter().flat_map(evidence));
    }
    lines.push(String::new());
    lines.extend(alert.facts.iter().map(|fact| format!("{}: {}", fact.name, fact.value)));
    lines.extend(alert.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(alert.links.iter().map(|link| format!("{}: {}", link.name, link.url)));
    if alert.kind == "unknown" || alert.facts.is_empty() {
        lines.extend([String::new(), "as it arrived:".to_owned(), alert.raw.to_string()]);
    }
    lines.join("\n")
}

fn evidence(event: &Evidence) -> Vec<String> {
    let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
    let account = event.account.as_ref().map(|account| format!(" in {account}")).unwrap_or_default();
    let when = match (event.when, event.until) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (Some(first), None) => first.to_string(),
        (None, _) => "at an unknown time".to_owned(),
    };
    let mut lines = vec![
        format!("what: {}{times}", event.what),
        format!("  who: {}", event.who),
        format!("  where: {}{account}, from {} with {}", event.r#where, event.from, event.agent),
        format!("  when: {when}"),
    ];
    lines.extend(event.target.as_ref().map(|target| format!("  target: {target}")));
    lines.extend(event.error.as_ref().map(|error| format!("  error: {error}")));
    lines.extend(event.actor.as_ref().map(|actor| format!("  the principal belongs to account {actor}")));
    lines
}
