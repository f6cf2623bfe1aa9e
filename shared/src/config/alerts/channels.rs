//! The channels of a receiver: which way, and the settings of each.
//!
//! Whatever could be abused by who reads the file (a token, a key, a URL that carries one) stands there by reference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NotBuilt, Reference, Secretive};
use crate::types::TopicArn;

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

    pub(super) fn is_built(&self) -> bool {
        matches!(self, Self::Webhook(_) | Self::Sns(_))
    }
}
