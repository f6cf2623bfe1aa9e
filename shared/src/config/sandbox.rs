//! The `sandbox` section: which accounts are emptied, when, and what is spared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `sandbox` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {}

impl Sandbox {
    /// What is wrong with the section beyond its form: where (below `sandbox`), and what was expected.
    pub fn problems(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
