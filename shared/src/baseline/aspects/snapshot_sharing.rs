//! EBS snapshots that nobody can share with everybody. Blocking all sharing also hides the ones that are public by now;
//! nothing is deleted, and a lifted block shows them again
//! (<https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots-work.html>).

use async_trait::async_trait;
use serde_json::json;

use super::setting::{Set, Setting, State, word};
use crate::aws::{CallError, Scope};
use crate::config::{Defaults, SnapshotBlock};

const ALL: &str = "block-all-sharing";
const NEW: &str = "block-new-sharing";

/// Public sharing of EBS snapshots.
pub struct SnapshotSharing;

#[async_trait]
impl Setting for SnapshotSharing {
    const NAME: &'static str = "snapshot-sharing";
    const WHAT: &'static str = "public sharing of EBS snapshots";

    fn wanted(defaults: &Defaults) -> Option<Set> {
        let (to, summary) = match defaults.snapshot_block? {
            SnapshotBlock::AllSharing => (ALL, "block all public sharing of EBS snapshots"),
            SnapshotBlock::NewSharing => (NEW, "block new public sharing of EBS snapshots"),
            SnapshotBlock::Keep => return None,
        };
        Some(Set { action: "block-snapshot-sharing", to, summary })
    }

    async fn read(scope: &Scope) -> Result<State, CallError> {
        let answer = scope.call("ec2", "GetSnapshotBlockPublicAccessState", json!({})).await?;
        Ok(State::new(word(&answer, "/State"), answer.get("ManagedBy")))
    }

    /// Blocking all sharing blocks new sharing as well, and is never loosened.
    fn holds(wanted: &Set, word: &str) -> bool {
        word == wanted.to || word == ALL
    }

    async fn write(scope: &Scope, to: &str) -> Result<(), CallError> {
        scope.call("ec2", "EnableSnapshotBlockPublicAccess", json!({ "State": to })).await.map(drop)
    }
}
