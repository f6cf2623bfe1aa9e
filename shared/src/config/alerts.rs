//! The `alerts` section: who hears of what, by which way.
//!
//! What the format foresees but this version does not do is read and refused in plain words, so that nobody waits for
//! an alert that will never be sent.

pub mod channels;
mod fallback;
mod ladder;
mod noise;
mod problems;
mod values;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use channels::Channel;
pub use fallback::{After, Fallback};
pub use ladder::{Act, AtMost, Do, Ladder, Rung};
pub use noise::Noise;
pub use values::{NotBuilt, Reference, Secretive};

/// The `alerts` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Named lists of channels.
    pub receivers: BTreeMap<String, Vec<Channel>>,
    /// The root of the routing tree: it takes whatever no route below it takes.
    pub route: Route,
    /// What is not to be delivered for a while.
    #[serde(default)]
    pub silence: Vec<Silence>,
    /// Events that are not worth a message, each rule with a name and an end.
    #[serde(default)]
    pub noise: Vec<Noise>,
    /// Who hears when a receiver cannot be reached, or not in time.
    #[serde(default)]
    pub fallback: Fallback,
    #[schemars(skip)]
    #[serde(default, skip_serializing)]
    inhibit: NotBuilt,
    /// What the spend of a sandbox does beyond a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Ladder>,
}

/// A node of the routing tree. The first child that matches takes the alert; with `continue` the next ones are asked too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Who hears; a child without one inherits its parent's.
    #[serde(default)]
    pub receiver: Option<String>,
    /// Labels that must all match; `*` and `**` are wildcards.
    #[serde(default)]
    pub r#match: BTreeMap<String, String>,
    /// Whether the siblings after this route are asked as well.
    #[serde(default)]
    pub r#continue: bool,
    /// The children, in order.
    #[serde(default)]
    pub routes: Vec<Route>,
    #[schemars(skip)]
    #[serde(default, skip_serializing)]
    group_by: NotBuilt,
    #[schemars(skip)]
    #[serde(default, skip_serializing)]
    group_wait: NotBuilt,
    #[schemars(skip)]
    #[serde(default, skip_serializing)]
    group_interval: NotBuilt,
    #[schemars(skip)]
    #[serde(default, skip_serializing)]
    repeat_interval: NotBuilt,
}

/// Alerts that are not delivered until a day is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Labels that must all match.
    pub r#match: BTreeMap<String, String>,
    /// The last day on which it holds (UTC).
    #[schemars(with = "String")]
    pub until: Date,
    /// Why: it stands in reports.
    pub because: String,
    /// Who decided it.
    #[serde(default)]
    pub by: Option<String>,
}

impl Silence {
    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        now.to_zoned(TimeZone::UTC).date() <= self.until
    }
}
