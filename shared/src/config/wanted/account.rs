//! What an account as a whole can be declared to have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::Region;

/// The password policy of IAM users. What is not said stays as it is in the account, or as AWS's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordPolicy {
    /// The least number of characters, 6 to 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// How many earlier passwords may not be used again, 1 to 24.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<u32>,
    /// After how many days a password must be changed, 1 to 1095.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<u32>,
    /// Whether a symbol is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<bool>,
    /// Whether a digit is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<bool>,
    /// Whether an upper-case letter is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uppercase: Option<bool>,
    /// Whether a lower-case letter is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowercase: Option<bool>,
    /// Whether users may change their own password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_may_change: Option<bool>,
    /// Drops the policy that an earlier layer declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// Regions that the account has to switch on itself. None is ever switched off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptInRegions {
    /// The regions to enable, beside the governed ones. An empty list enables the governed ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<Vec<Region>>,
    /// Drops what an earlier layer declared; a region that is enabled stays so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// How long a new account waits in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QuarantineUntil {
    /// Until everything holds that guards an account: its defaults, its password policy, its roles.
    Guarded,
    /// It does not wait; for accounts that an earlier layer would quarantine.
    Never,
}

/// What becomes of the root users of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RootCredentials {
    /// They are managed from the management account: accounts made from then on have no root password, and what only a
    /// root user may do is done in short sessions. That holds for the whole organization as soon as one layer says so.
    /// The password, access keys, signing certificates and MFA devices of root users are removed from those member
    /// accounts whose layers say so, whatever `enforce` is unless it is `observe`, and again should they come back.
    Central,
    /// Each account keeps its own; for accounts of which an earlier layer said otherwise.
    Keep,
}
