//! What can be done about a role, and how a plan says it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::super::{counted, document, list};
use super::model::Role;

/// What can be done about roles.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes the role with all that belongs to it.
    CreateRole {
        /// Its name.
        role: String,
        /// What it shall be.
        wanted: Role,
        /// Whether everybody that it trusts is of the forest, so that a refused principal is only too new.
        known: bool,
    },
    /// Replaces the trust document.
    SetTrust {
        /// The role.
        role: String,
        /// The document.
        trust: Value,
        /// Whether everybody that it trusts is of the forest, so that a refused principal is only too new.
        known: bool,
    },
    /// Attaches a policy.
    AttachPolicy {
        /// The role.
        role: String,
        /// The policy's ARN.
        policy: String,
    },
    /// Takes a policy away.
    DetachPolicy {
        /// The role.
        role: String,
        /// The policy's ARN.
        policy: String,
    },
    /// Gives it a policy of its own, or replaces one.
    PutPolicy {
        /// The role.
        role: String,
        /// The policy's name.
        policy: String,
        /// The document.
        document: Value,
    },
    /// Deletes a policy of its own.
    DeletePolicy {
        /// The role.
        role: String,
        /// The policy's name.
        policy: String,
    },
    /// Sets the permissions boundary.
    SetBoundary {
        /// The role.
        role: String,
        /// The ARN of the boundary.
        boundary: String,
    },
    /// Sets how long a session may last.
    SetSession {
        /// The role.
        role: String,
        /// In seconds.
        seconds: u64,
    },
    /// Sets tags.
    TagRole {
        /// The role.
        role: String,
        /// The tags.
        tags: BTreeMap<String, String>,
    },
    /// Takes tags away.
    UntagRole {
        /// The role.
        role: String,
        /// Their keys.
        keys: BTreeSet<String>,
    },
    /// Removes the role.
    RemoveRole {
        /// The role.
        role: String,
        /// The ARNs of the managed policies that it has.
        policies: BTreeSet<String>,
        /// The names of its own policies.
        inline: BTreeSet<String>,
    },
}

/// Whom a trust document lets in, as far as it is ours.
fn trusted(trust: &Value) -> String {
    let ours = document::statements(trust).into_iter().filter(document::is_ours);
    let mut names = BTreeSet::new();
    for statement in ours {
        for kind in ["AWS", "Service", "Federated"] {
            let principal = statement.get("Principal").cloned().unwrap_or_default();
            let one = principal.get(kind).and_then(Value::as_str).into_iter();
            let many = list(&principal, kind).iter().filter_map(Value::as_str);
            names.extend(one.chain(many).map(called));
        }
    }
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// An account by its id, everything else by what it is called there.
fn called(principal: &str) -> String {
    let mut fields = principal.splitn(6, ':').skip(4);
    match (fields.next(), fields.next()) {
        (Some(account), Some("root")) => account.to_owned(),
        (Some(account), Some(resource)) => format!("{resource} of {account}"),
        _ => principal.to_owned(),
    }
}

/// A policy without what all ARNs of policies have in common.
pub(in crate::baseline::aspects) fn short(policy: &str) -> &str {
    policy.split_once(":policy/").map_or(policy, |(_, name)| name)
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateRole { role, wanted: Role { trust, policies, inline, .. }, .. } => {
                let names = policies.iter().map(|policy| short(policy)).chain(inline.keys().map(String::as_str));
                let names: Vec<&str> = names.collect();
                let names = if names.is_empty() { "no policy".to_owned() } else { names.join(", ") };
                write!(f, "create role {role} with {names}, for {}", trusted(trust))
            }
            Self::SetTrust { role, trust, .. } => write!(f, "let {} assume role {role}", trusted(trust)),
            Self::AttachPolicy { role, policy } => write!(f, "attach {} to role {role}", short(policy)),
            Self::DetachPolicy { role, policy } => write!(f, "detach {} from role {role}", short(policy)),
            Self::PutPolicy { role, policy, .. } => write!(f, "write policy {policy} of role {role}"),
            Self::DeletePolicy { role, policy } => write!(f, "delete policy {policy} of role {role}"),
            Self::SetBoundary { role, boundary } => write!(f, "bound role {role} by {}", short(boundary)),
            Self::SetSession { role, seconds } => {
                write!(f, "let sessions of role {role} last {}", counted((seconds / 3600) as usize, "hour"))
            }
            Self::TagRole { role, tags } => write!(f, "set {} on role {role}", counted(tags.len(), "tag")),
            Self::UntagRole { role, keys } => write!(f, "remove {} from role {role}", counted(keys.len(), "tag")),
            Self::RemoveRole { role, .. } => write!(f, "remove role {role}"),
        }
    }
}
