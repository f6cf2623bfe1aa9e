//! Who may come into an account: roles.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::policy_document::PolicyDocument;

/// An IAM role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// AWS's managed policies by name (`ReadOnlyAccess`, `job-function/Billing`), or any managed policy by ARN, in which
    /// `{id}` stands for the account's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// Its own policies, by name: a document as a mapping, or as JSON text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inline: BTreeMap<String, PolicyDocument>,
    /// Its permissions boundary: one of AWS's managed policies by name, or any managed policy by ARN, in which `{id}`
    /// stands for the account's own id. A boundary that no layer declares is never taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
    /// Who may assume it: accounts by name or id, roles and users by ARN, AWS services (`ec2.amazonaws.com`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Vec<String>>,
    /// Whether it may be assumed only by somebody who signed in with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// What somebody must say to assume it (`sts:ExternalId`), for roles that another company comes in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// How many hours a session may last, 1 to 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_hours: Option<u32>,
    /// Whether somebody is told when it is used, as one for emergencies: an alarm where the trail's log group is, some
    /// minutes after the fact. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_on_use: Option<bool>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Drops the role that an earlier layer declared; a role that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}
