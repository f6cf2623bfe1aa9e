//! Service quotas.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::Region;

/// A quota that must not be lower than the account needs. Lists of quotas do not merge: a later layer's list is the one
/// that holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// The service, as Service Quotas calls it (`lambda`).
    pub service: String,
    /// The quota (`L-B99A9384`).
    pub code: String,
    /// What it must be at least.
    pub at_least: u64,
    /// Where. Default: the governed regions. Services without regions, such as `iam`, have their quotas in us-east-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<Region>>,
}
