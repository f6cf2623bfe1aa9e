//! The `alerts` section: receivers, routes, silences and the spend ladder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `alerts` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {}

impl Alerts {
    /// What is wrong with the section beyond its form: where (below `alerts`), and what was expected.
    pub fn problems(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
