//! Who hears, when, and what keeps it from them: routes, silences, inhibitions, quiet hours, owners.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Matchers, Reference};
use crate::config::{OuPattern, Pause};

/// A node of the routing tree. The first child that matches takes the alert; with `continue` the next ones are asked too.
/// Whatever a child does not say it has from its parent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Who hears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// Labels that must all match.
    #[serde(default, skip_serializing_if = "Matchers::is_empty")]
    pub r#match: Matchers,
    /// Whether the siblings after this route are asked as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub r#continue: bool,
    /// The labels in which matters are alike that wait for each other and are told together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<String>>,
    /// How long a group waits for more before it is told for the first time; `0s`: nothing waits. Default `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_wait: Option<Pause>,
    /// How long after that until new matters of the group are told. Default `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_interval: Option<Pause>,
    /// After how long a matter that lasts, and that nobody has acknowledged, is told again; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_interval: Option<Pause>,
    /// Times at which nothing is told; it waits until they are over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mute_times: Option<Vec<String>>,
    /// The only times at which anything is told; it waits for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_times: Option<Vec<String>>,
    /// Who else hears of a matter that nobody acknowledges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Vec<Escalation>>,
    /// The children, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

/// A rung of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// How long after the matter was told first.
    pub after: Pause,
    /// The receiver.
    pub to: String,
}

/// Alerts that are not delivered until a day is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Labels that must all match.
    pub r#match: Matchers,
    /// The last day on which it holds (UTC).
    #[schemars(with = "String")]
    pub until: Date,
    /// Why: it stands in reports.
    pub because: String,
    /// Who decided it.
    #[serde(default)]
    pub by: Option<String>,
}

/// Matters that are not worth a message while another one is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inhibit {
    /// The one that says it all: while it is open.
    pub when: Matchers,
    /// Those that add nothing to it.
    pub mute: Matchers,
    /// The labels that must be the same in both.
    #[serde(default)]
    pub equal: Vec<String>,
    /// For how long, where the one that says it all does not end by itself. Default `1d`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Pause>,
}

/// Who owns an account, where no tag of it says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owners {
    /// The owner of what is in an OU: the first that matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ous: Vec<OuOwner>,
    /// Whether the account's alternate contacts and its root user's address count. Default `true`.
    #[serde(default = "yes")]
    pub contacts: bool,
}

/// The owner of what is in an OU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OuOwner {
    /// Which OUs.
    pub ou: OuPattern,
    /// The owner, an e-mail address or a name.
    pub owner: String,
}

/// How people say that they have taken a matter, from where they read of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// The URL of the function `alert-actions`.
    pub url: String,
    /// The key that links are signed with, by reference: 16 characters or more; several keys are one a line, the one in
    /// use first.
    pub key: Reference,
    /// Slack's signing secret, by reference, for buttons in Slack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Reference>,
    /// How long a link is good. Default `7d`.
    #[serde(default = "week")]
    pub valid: Pause,
}

fn week() -> Pause {
    Pause::seconds(7 * 24 * 60 * 60)
}

impl Default for Owners {
    fn default() -> Self {
        Self { ous: Vec::new(), contacts: true }
    }
}

fn yes() -> bool {
    true
}

impl Silence {
    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        now.to_zoned(TimeZone::UTC).date() <= self.until
    }

    /// When it ends.
    pub fn end(&self) -> Option<Timestamp> {
        Some(self.until.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }
}

/// Quiet hours by receiver: the names of intervals.
pub type Quiet = BTreeMap<String, Vec<String>>;
