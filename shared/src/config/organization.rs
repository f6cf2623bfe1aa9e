//! What the file says of the organization beside its accounts: the OUs that Forester itself needs.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
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

impl Config {
    /// Every OU that must be there, with those above it, the upper ones first; the root is not among them.
    pub fn units(&self) -> BTreeSet<OuPath> {
        let own = [&self.organization.intake, &self.organization.suspended].into_iter().filter(|_| self.quarantines());
        let declared = self.accounts.values().filter_map(|entry| entry.ou.as_ref());
        let mut units = BTreeSet::new();
        for path in own.chain(declared) {
            let mut at = OuPath::default();
            for name in path.as_ref().split('/').filter(|name| !name.is_empty()) {
                at = at.child(name);
                units.insert(at.clone());
            }
        }
        units
    }
}
