//! The `sandbox` section: which accounts are emptied, when, and what is spared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `sandbox` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {}
