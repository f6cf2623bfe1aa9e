//! What an alert is, whatever it came from: plain data that is routed, kept and delivered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest::digest;
use super::spending::Spending;
use super::text::Text;
pub use crate::types::Severity;

use crate::types::AccountId;

/// One matter that somebody should hear about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The id of the message that brought it; the same when the message comes again.
    pub id: String,
    /// The source that understood it (`aws-budgets`).
    pub source: String,
    /// The kind that routes match on (`budget`).
    pub kind: String,
    /// Whether it begins or ends.
    pub status: Status,
    /// How bad it is.
    pub severity: Severity,
    /// The account concerned, which is not always the one that sent the message.
    pub account: Option<AccountId>,
    /// One line for people.
    pub title: Text,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// What routes and silences match on.
    pub labels: BTreeMap<String, Text>,
    /// Facts for people, in reading order.
    pub facts: Vec<Fact>,
    /// The CloudTrail events behind it: who, what, where, when.
    pub evidence: Vec<Evidence>,
    /// Where to look.
    pub links: Vec<Link>,
    /// What could not be found out, and why.
    pub notes: Vec<Text>,
    /// What makes two signals the same matter.
    pub identity: Identity,
    /// What the budget itself says, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spending: Option<Spending>,
    /// How large it is, where that can grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extent: Option<Extent>,
    /// The noise rule that keeps it from people, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Text>,
    /// The message as it arrived.
    pub raw: Text,
}

/// Whether a matter begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is so.
    Firing,
    /// It is over.
    Resolved,
}

impl Status {
    /// The word in labels and ids.
    pub fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// How large a matter is that grows, and by how much it has to grow before people hear of it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// What grows, for people (`impact`).
    pub of: String,
    /// How much it is.
    pub size: Decimal,
    /// By how many percent of what was told last it has to be more.
    pub step: u32,
}

impl Extent {
    /// Whether it has grown enough beyond `before` to be told.
    pub fn outgrows(&self, before: &Self) -> bool {
        let hundred = Decimal::ONE_HUNDRED;
        let enough = before.size.checked_mul(hundred + Decimal::from(self.step)).map(|size| size / hundred);
        before.of == self.of && self.size > before.size && enough.is_some_and(|enough| self.size >= enough)
    }
}

/// One fact for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub name: String,
    /// What is so.
    pub value: Text,
}

/// A link to a place that Forester chose itself; never one from a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// What is there.
    pub name: String,
    /// Where.
    pub url: String,
}

/// A group of CloudTrail events alike in account, principal, action and outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The event id of the first.
    pub id: String,
    /// The event ids of the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// When the first happened.
    pub when: Option<Timestamp>,
    /// When the last happened, if there are several.
    pub until: Option<Timestamp>,
    /// The principal.
    pub who: Text,
    /// The service and action.
    pub what: Text,
    /// The region.
    pub r#where: Text,
    /// The account it happened to.
    pub account: Option<AccountId>,
    /// The principal's account, where it is another one.
    pub actor: Option<AccountId>,
    /// The address it came from.
    pub from: Text,
    /// The program it came from.
    pub agent: Text,
    /// How it failed, if it did.
    pub error: Option<Text>,
    /// What it was done to.
    pub target: Option<Text>,
    /// How many events.
    pub count: u64,
}

impl Evidence {
    /// The ids of all its events.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.id).chain(&self.also).filter(|id| !id.is_empty())
    }
}

/// What makes two signals the same matter, and two matters of the same thing different. The thing is a digest, so no
/// name from outside gets into it and no two names become one by being cleaned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The thing: a budget's threshold, an alarm.
    thing: String,
    /// Which time it is: a budget period, an alarm's state change.
    pub episode: String,
}

impl Identity {
    /// The identity of the thing that `parts` name.
    pub fn new(kind: &str, parts: &[&str], episode: &str) -> Self {
        Self { thing: format!("{kind}#{}", digest(parts)), episode: Text::line(episode).to_string() }
    }

    /// The thing.
    pub fn thing(&self) -> &str {
        &self.thing
    }
}

impl Alert {
    /// A firing alert of which only the source, the kind and the raw text are known.
    pub fn new(id: &str, source: &str, kind: &str, raw: &str) -> Self {
        Self {
            id: Text::line(id).to_string(),
            source: source.to_owned(),
            kind: kind.to_owned(),
            status: Status::Firing,
            severity: Severity::Medium,
            account: None,
            title: Text::default(),
            time: None,
            labels: BTreeMap::new(),
            facts: Vec::new(),
            evidence: Vec::new(),
            links: Vec::new(),
            notes: Vec::new(),
            identity: Identity::new(kind, &[id], ""),
            spending: None,
            extent: None,
            noise: None,
            raw: Text::block(raw),
        }
    }

    /// Sets a label; an empty value is no label.
    pub fn label(&mut self, name: &str, value: impl AsRef<str>) {
        let value = Text::line(value.as_ref());
        if !value.as_str().is_empty() {
            self.labels.insert(name.to_owned(), value);
        }
    }

    /// Adds a fact for people.
    pub fn fact(&mut self, name: &str, value: impl AsRef<str>) {
        self.facts.push(Fact { name: Text::line(name).to_string(), value: Text::line(value.as_ref()) });
    }

    /// Says what could not be found out.
    pub fn note(&mut self, note: impl AsRef<str>) {
        self.notes.push(Text::line(note.as_ref()));
    }

    /// Says why the alert lacks what it could have carried.
    pub fn partial(&mut self, why: impl std::fmt::Display) {
        self.note(format!("enrichment: partial ({why})"));
    }
}

/// A text member of a JSON object, at a JSON pointer.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// An account id at a JSON pointer, if it is one.
pub(super) fn account(value: &Value, pointer: &str) -> Option<AccountId> {
    text(value, pointer).and_then(|id| id.parse().ok())
}

/// A point in time as AWS writes it, the offset `+0000` without its colon included.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let lenient = || Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok();
    text.parse().ok().or_else(lenient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_without_a_colon_are_read() {
        assert_eq!(instant("2026-11-12T04:26:51.123+0000").unwrap().to_string(), "2026-11-12T04:26:51.123Z");
        assert_eq!(instant("2026-11-12T04:26:51Z").unwrap().to_string(), "2026-11-12T04:26:51Z");
        assert_eq!(instant("12/11/26"), None);
    }
}
