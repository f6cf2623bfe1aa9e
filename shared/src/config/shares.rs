//! The `shares` section: what one account gives to others.
//!
//! Each entry names its owner, and for whom it is as a pattern over OUs. Every account does its own part: the owner
//! gives, the receivers take.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OuPattern;

/// One thing that is shared; exactly one of the keys is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Subnets, by AWS Resource Access Manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram: Option<RamShare>,
}

/// Subnets that other accounts may put things into. In each governed region, one resource share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RamShare {
    /// What it is called; in AWS the name starts with `forester-`. Default: the tags of the subnets, joined by `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The account that owns the subnets.
    pub owner: String,
    /// Which subnets.
    pub subnets: Tagged,
    /// The OUs they are for; an OU stands for every account in it and below it.
    pub to: OuPattern,
}

/// Things that carry all of these tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tagged {
    /// The tags and their values.
    pub tag: BTreeMap<String, String>,
}

impl RamShare {
    /// Its name in AWS.
    pub fn called(&self) -> String {
        let tags =
            || self.subnets.tag.iter().map(|(key, value)| format!("{key}-{value}")).collect::<Vec<_>>().join("-");
        let name = self.name.clone().unwrap_or_else(tags);
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        format!("forester-{}", name.chars().map(plain).collect::<String>())
    }
}
