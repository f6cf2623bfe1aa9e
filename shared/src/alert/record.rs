//! CloudTrail records: who did what, where, when, to which account.
//!
//! Everything but the account ids is written by whoever made the call. The account concerned is `recipientAccountId`,
//! not the principal's: in a cross-account call they differ
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>).

use std::collections::BTreeMap;

use serde_json::Value;

use super::Text;
use super::model::{Evidence, account, instant, text};

/// The most groups of events that one alert carries.
pub(super) const GROUPS: usize = 20;

/// The evidence in one record, or `None` for JSON that is no CloudTrail record.
pub(super) fn evidence(record: &Value) -> Option<Evidence> {
    let name = text(record, "/eventName")?;
    let service = text(record, "/eventSource").unwrap_or("unknown").trim_end_matches(".amazonaws.com");
    let recipient = account(record, "/recipientAccountId");
    let actor = account(record, "/userIdentity/accountId");
    let error = match (text(record, "/errorCode"), text(record, "/errorMessage")) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (code, message) => code.or(message).map(str::to_owned),
    };
    let line = |pointer| Text::line(text(record, pointer).unwrap_or("unknown"));
    Some(Evidence {
        id: Text::line(text(record, "/eventID").unwrap_or_default()).to_string(),
        also: Vec::new(),
        when: text(record, "/eventTime").and_then(instant),
        until: None,
        who: Text::line(&principal(record)),
        what: Text::line(&format!("{service}:{name}")),
        r#where: line("/awsRegion"),
        actor: actor.clone().filter(|actor| recipient.as_ref().is_some_and(|recipient| recipient != actor)),
        account: recipient.or(actor),
        from: line("/sourceIPAddress"),
        agent: line("/userAgent"),
        error: error.map(|error| Text::line(&error)),
        target: target(record).map(|target| Text::line(&target)),
        count: 1,
    })
}

fn principal(record: &Value) -> String {
    let kind = text(record, "/userIdentity/type").unwrap_or("unknown");
    let name = ["/userIdentity/arn", "/userIdentity/userName", "/userIdentity/invokedBy", "/userIdentity/principalId"];
    let name = name.iter().find_map(|pointer| text(record, pointer));
    name.map_or_else(|| kind.to_owned(), |name| format!("{name} ({kind})"))
}

/// The first resource named, else the first request parameter that reads like a name.
fn target(record: &Value) -> Option<String> {
    let resource = text(record, "/resources/0/ARN").map(str::to_owned);
    let parameters = record.get("requestParameters").and_then(Value::as_object);
    let named = |(key, value): (&String, &Value)| {
        let name = key.to_ascii_lowercase();
        let names = ["name", "id", "arn"].iter().any(|end| name.ends_with(end)) && !name.contains("token");
        value.as_str().filter(|_| names).map(|value| format!("{key} {value}"))
    };
    resource.or_else(|| parameters?.iter().find_map(named))
}

/// Drops events that came twice, puts the rest in order of time, and joins those alike.
pub(super) fn grouped(events: Vec<Evidence>) -> Vec<Evidence> {
    let mut once: BTreeMap<String, Evidence> = BTreeMap::new();
    let mut nameless = Vec::new();
    for event in events {
        match event.id.is_empty() {
            true => nameless.push(event),
            false => drop(once.entry(event.id.clone()).or_insert(event)),
        }
    }
    let mut events: Vec<Evidence> = once.into_values().chain(nameless).collect();
    events.sort_by(|a, b| (a.when, &a.id).cmp(&(b.when, &b.id)));
    let mut groups: Vec<Evidence> = Vec::new();
    for event in events {
        match groups.iter_mut().find(|group| alike(group, &event)) {
            Some(group) => {
                group.count += 1;
                group.also.push(event.id);
                group.until = event.when;
            }
            None => groups.push(event),
        }
    }
    groups
}

/// At most so many groups, and how many were left out.
pub(super) fn capped(mut groups: Vec<Evidence>) -> (Vec<Evidence>, usize) {
    let left = groups.len().saturating_sub(GROUPS);
    groups.truncate(GROUPS);
    (groups, left)
}

fn alike(a: &Evidence, b: &Evidence) -> bool {
    (&a.account, &a.who, &a.what, &a.error, &a.target) == (&b.account, &b.who, &b.what, &b.error, &b.target)
}
