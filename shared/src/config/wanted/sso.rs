//! Who of IAM Identity Center comes into an account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A group of Identity Center, and what it may do in the account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The group's display name.
    pub group: String,
    /// The permission set's name.
    pub permission_set: String,
}
