//! Where a reset stops by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a reset stops by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How many accounts are reset at the same time.
    pub accounts_at_once: u32,
    /// A run that would delete more than this many things is refused.
    pub deletes: u32,
    /// A bucket with more objects than this is emptied by a lifecycle rule, and the next run goes on with it.
    pub objects: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { accounts_at_once: 5, deletes: 5_000, objects: 1_000_000 }
    }
}
