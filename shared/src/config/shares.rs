//! The `shares` section: what one account gives to others.
//!
//! Each entry names its owner, and for whom it is as a pattern over OUs. Every account does its own part: the owner
//! gives, the receivers take.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OuPattern;
use super::layers::{Part, parts};
use crate::types::Region;

/// One thing that is shared; exactly one of the keys is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Subnets, by AWS Resource Access Manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram: Option<RamShare>,
    /// Container images, by Amazon ECR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecr: Option<EcrShare>,
    /// Machine images, by their launch permission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ami: Option<AmiShare>,
    /// A domain, by hosted zones of Route 53.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsShare>,
    /// Networks, by VPC peering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerShare>,
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

/// Container images that other accounts may pull, or get copies of, in each governed region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EcrShare {
    /// The account that owns the repositories.
    pub owner: String,
    /// The names of the repositories; `*` stands for any characters.
    pub repos: String,
    /// The OUs that may pull; an OU stands for every account in it and below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<OuPattern>,
    /// The OUs whose accounts get a copy of every image pushed from then on, in the same region. AWS copies by the start
    /// of the name, so that `repos` must end in its only `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicate_to: Option<OuPattern>,
    /// Whether those that may pull may also use the keys of the account that the repositories are encrypted with.
    #[serde(default)]
    pub key_grant: bool,
}

/// Machine images that other accounts may launch, in each governed region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmiShare {
    /// The account that owns the images.
    pub owner: String,
    /// Their names; `*` stands for any characters.
    pub name: String,
    /// The OUs they are for; an OU stands for every account in it and below it.
    pub to: OuPattern,
}

/// A domain of which each account has a part: a public zone in the account, and a delegation in the owner's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsShare {
    /// The account that owns the domain.
    pub owner: String,
    /// The domain; its public zone is made where it is missing.
    pub zone: String,
    /// The part of an account; `{name}`, `{id}` and `{tag.KEY}` stand for the account's own. An account that lacks such
    /// a tag has no part.
    pub child: String,
    /// The OUs whose accounts have one, with everything below them. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<OuPattern>,
}

/// Accounts whose VPCs are peered, each with each other within a region, and routed to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerShare {
    /// The accounts. Of each two, the one that comes first asks, and the other accepts.
    pub mesh: Vec<String>,
    /// The tags of the one VPC of each account.
    pub tag: BTreeMap<String, String>,
    /// The only region. Default: every governed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
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

impl EcrShare {
    /// What the names of its repositories start with; the whole name where it has no `*`.
    pub fn prefix(&self) -> &str {
        self.repos.split('*').next().unwrap_or_default()
    }
}

impl DnsShare {
    /// The keys of the tags that the name of a part is made of.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        fn key(part: Part<'_>) -> Option<&str> {
            match part {
                Part::Tag(key) => Some(key),
                Part::Text(_) | Part::Name | Part::Id => None,
            }
        }
        parts(&self.child).unwrap_or_default().into_iter().filter_map(key)
    }
}

/// Whether this can be the name of a domain, in lower case and without a dot at its end.
pub fn is_domain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}
