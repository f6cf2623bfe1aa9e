//! What the file says of the organization beside its accounts: the OUs that Forester itself needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::OuPath;

/// The OUs that Forester itself needs. They are made where a layer says `quarantine_until`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrganizationUnits {
    /// Where a new account waits until it is guarded. Default: `Intake`.
    pub intake: OuPath,
    /// Where a closed account waits for its end. Default: `Suspended`.
    pub suspended: OuPath,
}

impl Default for OrganizationUnits {
    fn default() -> Self {
        let root = OuPath::default();
        Self { intake: root.child("Intake"), suspended: root.child("Suspended") }
    }
}
