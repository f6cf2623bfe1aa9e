//! What a reset would do: told before anything is deleted, with the hash that pins it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::oracle::Uncovered;
use super::receipt::{KeptLine, Receipt};
use super::state::Run;
use super::verdict::{LeftLine, State};
use crate::types::AccountId;

/// The plan of a reset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanReport {
    /// The account.
    pub account: AccountId,
    /// What `reset run --plan` takes.
    pub hash: String,
    /// What would be deleted.
    pub delete: Vec<Planned>,
    /// What stays, and why.
    pub keep: Vec<KeptLine>,
    /// What cannot be decided about, and why.
    pub unknown: Vec<LeftLine>,
    /// Lists that could not be read: there may be more.
    pub unseen: Vec<Unseen>,
    /// What is in use and not covered.
    pub uncovered: Vec<Uncovered>,
    /// AWS calls that it took to find out.
    pub calls: u64,
}

/// Something that would be deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub region: String,
    /// Only brought back to bare.
    pub trim: bool,
}

/// A list that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unseen {
    /// Where.
    pub region: String,
    /// What.
    #[serde(rename = "type")]
    pub kind: String,
    /// Denied or in error.
    pub state: State,
    /// Why.
    pub reason: String,
}

impl Planned {
    /// Everything that a run came to.
    pub fn all(run: &Run) -> Vec<Self> {
        let planned = run.work.iter().map(|(key, work)| Self {
            kind: key.cell.kind.to_string(),
            id: key.id.clone(),
            name: work.name.clone(),
            region: key.cell.region.clone(),
            trim: work.trim,
        });
        planned.collect()
    }
}

impl PlanReport {
    /// The plan that a dry run came to.
    pub fn of(run: &Run) -> Self {
        let receipt = Receipt::of(run);
        let unseen = receipt.ledger.into_iter().filter(|line| line.count == 0);
        let unseen = unseen.filter(|line| matches!(line.state, State::Denied | State::Error));
        Self {
            account: run.account.clone(),
            hash: run.plan.clone().unwrap_or_default(),
            delete: Planned::all(run),
            uncovered: receipt.uncovered,
            keep: receipt.kept,
            unknown: receipt.left,
            unseen: unseen
                .map(|line| Unseen { region: line.region, kind: line.kind, state: line.state, reason: line.note })
                .collect(),
            calls: run.calls,
        }
    }
}

impl fmt::Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Account {}: {} to delete, {} kept.", self.account, self.delete.len(), self.keep.len())?;
        let mut regions: BTreeMap<&str, Vec<&Planned>> = BTreeMap::new();
        for planned in &self.delete {
            regions.entry(&planned.region).or_default().push(planned);
        }
        for (region, planned) in regions {
            writeln!(f, "{region}")?;
            for Planned { kind, id, name, trim, .. } in planned {
                let verb = if *trim { "strip " } else { "delete" };
                let name = if name == id { String::new() } else { format!(" ({name})") };
                writeln!(f, "  {verb} {kind} {id}{name}")?;
            }
        }
        for KeptLine { kind, id, region, reason } in &self.keep {
            writeln!(f, "keep   {kind} {id} in {region}: {reason}")?;
        }
        for LeftLine { kind, id, region, reason } in &self.unknown {
            writeln!(f, "unsure {kind} {id} in {region}: {reason}")?;
        }
        for Unseen { kind, region, state, reason } in &self.unseen {
            writeln!(f, "{state}: {kind} in {region} could not be listed: {reason}")?;
        }
        for one in &self.uncovered {
            writeln!(f, "not covered: {one}")?;
        }
        write!(
            f,
            "Plan {}; `forester reset run {} --plan {}` carries out exactly this.",
            self.hash, self.account, self.hash
        )
    }
}
