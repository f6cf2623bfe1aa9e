//! The `alerts` section: receivers, routes, silences and the spend ladder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `alerts` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {}
