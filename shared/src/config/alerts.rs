//! The `alerts` section: who hears of what, by which way.

pub mod channels;
mod fallback;
mod floods;
mod intervals;
mod ladder;
mod matchers;
mod noise;
mod problems;
mod routing;
mod tree;
mod values;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use channels::Channel;
pub use fallback::{After, Fallback};
pub use floods::Floods;
pub use intervals::{Interval, Stretch, end_of};
pub use ladder::{Act, AtMost, Do, Ladder, Rung};
pub use matchers::{Matcher, Matchers};
pub use noise::Noise;
pub use routing::{Acknowledge, Escalation, Inhibit, OuOwner, Owners, Quiet, Route, Silence};
pub use values::{Reference, Secretive};

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
    /// From how many on refused calls and failed sign-ins are one matter.
    #[serde(default, skip_serializing_if = "Floods::is_usual")]
    pub floods: Floods,
    /// Who hears when a receiver cannot be reached, or not in time.
    #[serde(default)]
    pub fallback: Fallback,
    /// What the spend of a sandbox does beyond a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Ladder>,
    /// What adds nothing while another matter is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibit: Vec<Inhibit>,
    /// Named times, for `mute_times`, `active_times` and `quiet`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<String, Interval>,
    /// Quiet hours by receiver: what is below critical waits until they are over, and is then told together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quiet: Quiet,
    /// How people say that they have taken a matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<Acknowledge>,
    /// Who owns what.
    #[serde(default)]
    pub owners: Owners,
}
