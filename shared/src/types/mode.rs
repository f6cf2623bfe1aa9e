//! Whether steps are taken or only told.

use serde::{Deserialize, Serialize};

/// Told to whatever applies a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Report what would be done; write nothing.
    DryRun,
    /// Do it.
    Apply,
}
