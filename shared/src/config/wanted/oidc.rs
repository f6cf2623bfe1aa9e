//! Workloads elsewhere that come in by a token of their identity provider: no key has to be kept anywhere.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::policy_document::PolicyDocument;

/// What GitHub and others call AWS as.
const CLIENT: &str = "sts.amazonaws.com";

/// An OpenID Connect provider, and the roles that its tokens open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// Its address: `https://token.actions.githubusercontent.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// For whom its tokens are made out (`aud`). Default: `sts.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ids: Option<Vec<String>>,
    /// Thumbprints of its certificate; needed only where AWS does not know the certificate's authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbprints: Option<Vec<String>>,
    /// The roles that its tokens open, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, OidcRole>,
    /// Drops the provider that an earlier layer declared; a provider that exists stays, and so do its roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// A role that a provider's tokens open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcRole {
    /// Whose tokens (`sub`), with `*` and `?`: `repo:acme/app:ref:refs/heads/main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<String>>,
    /// Managed policies, as of any role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// Its own policies, as of any role.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inline: BTreeMap<String, PolicyDocument>,
    /// Its permissions boundary, as of any role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
    /// How many hours a session may last, 1 to 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_hours: Option<u32>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Drops the role that an earlier layer declared; a role that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

impl OidcProvider {
    /// The address as IAM keeps it: without the scheme.
    pub fn host(&self) -> Option<&str> {
        let url = self.url.as_deref()?;
        Some(url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/'))
    }

    /// For whom its tokens are made out.
    pub fn clients(&self) -> Vec<String> {
        self.client_ids.clone().unwrap_or_else(|| vec![CLIENT.to_owned()])
    }
}
