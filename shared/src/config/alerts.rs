//! The `alerts` section: who hears of what, by which way.
//!
//! What the format foresees but this version does not do is read and refused in plain words, so that nobody waits for
//! an alert that will never be sent.

mod problems;
mod values;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::TopicArn;

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
    #[schemars(skip)]
    #[serde(default, skip_serializing)]
    inhibit: NotBuilt,
    #[schemars(skip)]
    #[serde(default, skip_serializing)]
    ladder: NotBuilt,
}

/// One way to a person or a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// An HTTPS endpoint, signed in the manner of Standard Webhooks, the body a CloudEvent.
    Webhook(Webhook),
    /// An SNS topic.
    Sns(Sns),
    #[schemars(skip)]
    #[serde(skip_serializing)]
    #[doc(hidden)]
    Slack(NotBuilt),
    #[schemars(skip)]
    #[serde(skip_serializing)]
    #[doc(hidden)]
    Teams(NotBuilt),
    #[schemars(skip)]
    #[serde(skip_serializing)]
    #[doc(hidden)]
    Pagerduty(NotBuilt),
    #[schemars(skip)]
    #[serde(skip_serializing)]
    #[doc(hidden)]
    Email(NotBuilt),
}

/// An HTTPS endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to post to: an `https` URL, or a reference to one that is itself a secret.
    pub url: Secretive,
    /// The signing secret, by reference. Without it requests are not signed.
    #[serde(default)]
    pub secret: Option<Reference>,
}

/// An SNS topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sns {
    /// Its ARN.
    pub topic: TopicArn,
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

impl Channel {
    /// The word in the file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Sns(_) => "sns",
            Self::Slack(_) => "slack",
            Self::Teams(_) => "teams",
            Self::Pagerduty(_) => "pagerduty",
            Self::Email(_) => "email",
        }
    }

    fn is_built(&self) -> bool {
        matches!(self, Self::Webhook(_) | Self::Sns(_))
    }
}
