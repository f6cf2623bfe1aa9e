//! The checkpoint of a run: everything that a slice needs to go on where another stopped, or was killed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::catalogue::path::Facts;
use super::diary::Diary;
use super::item::{CellKey, Found, ItemKey};
use super::protect::Reserved;
use crate::config::{Pause, Protect, ResetVpc, Sandbox};
use crate::types::{AccountId, Mode, Region};

/// One reset of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What it is called.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// What the file said when it began.
    pub options: Options,
    /// What comes next.
    pub stage: Stage,
    /// The enabled regions of the account.
    pub regions: Vec<Region>,
    /// What the run must not touch.
    pub reserved: Vec<Reserved>,
    /// The baseline takes default VPCs away, so none are made.
    pub no_default_vpc: bool,
    /// Every (region, type), and what the latest scan said.
    #[serde(with = "pairs")]
    pub cells: BTreeMap<CellKey, Cell>,
    /// What the scan in progress has found.
    pub scan: Vec<Found>,
    /// What is being deleted.
    #[serde(with = "pairs")]
    pub work: BTreeMap<ItemKey, Work>,
    /// What stays, with the reason.
    pub kept: Vec<(Found, String)>,
    /// What turned out to be impossible or forbidden, and is not tried again.
    #[serde(with = "pairs")]
    pub settled: BTreeMap<ItemKey, Settled>,
    /// What is left that should not be, with the reason.
    #[serde(with = "pairs")]
    pub left: BTreeMap<ItemKey, Left>,
    /// What may be deleted, when somebody approved a plan.
    pub approved: Option<BTreeSet<ItemKey>>,
    /// The hash of the plan that the first scan made.
    pub plan: Option<String>,
    /// Complete scans so far.
    pub scans: u32,
    /// Scans in a row that found nothing to delete.
    pub quiet: u32,
    /// Rounds of deleting so far.
    pub rounds: u32,
    /// AWS calls so far.
    pub calls: u64,
    /// What people should know besides the ledger.
    pub notes: Vec<String>,
    /// What else is worth knowing, and takes nothing away from the verdict.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// What the baseline said.
    pub baseline: Option<Handover>,
    /// What the receipt tells beside the ledger.
    #[serde(default)]
    pub diary: Diary,
}

/// What the file said when the run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Whether anything is deleted at all.
    pub mode: Mode,
    /// The hash of the plan that somebody approved.
    pub plan: Option<String>,
    /// The rules that the latest decisions were made by.
    #[serde(default)]
    pub protect: Vec<Protect>,
    /// What becomes of default VPCs.
    pub default_vpc: ResetVpc,
    /// The time between clean scans.
    pub rescan_after: Pause,
    /// How long one thing may stay blocked.
    pub patience: Pause,
    /// How many more rounds after the first.
    pub retries: u32,
    /// The most that may be deleted.
    pub deletes: u32,
}

impl Options {
    /// From the file's section.
    pub fn new(sandbox: &Sandbox, mode: Mode, plan: Option<String>) -> Self {
        Self {
            mode,
            plan,
            protect: sandbox.protect.clone(),
            default_vpc: sandbox.default_vpc,
            rescan_after: sandbox.rescan_after,
            patience: sandbox.patience,
            retries: sandbox.retries,
            deletes: sandbox.limits.deletes,
        }
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Regions and reserved names are looked up.
    Opening,
    /// Everything is listed.
    Scanning,
    /// What was found is deleted.
    Deleting,
    /// Between two clean scans.
    Resting(Timestamp),
    /// Default VPCs are made where they are wanted and absent.
    Vpcs,
    /// The account is handed to the baseline.
    Baseline,
    /// It is over.
    Finished(End),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Scanned clean twice; the ledger tells how clean.
    Done,
    /// Something is left, and all rounds are used up.
    Stuck,
    /// A guard refused.
    Refused(String),
    /// It was only a plan.
    Planned,
}

/// One (region, type).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What the latest scan said.
    pub seen: Seen,
    /// Failed lists in this scan.
    pub tries: u32,
    /// Things that went.
    pub cleaned: u32,
    /// When it is to be listed again, because something behind it is blocked.
    pub refresh_at: Option<Timestamp>,
}

/// What a list said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Not listed yet, or to be tried again then.
    NotYet(Option<Timestamp>),
    /// Listed to the last page.
    Listed,
    /// Not allowed.
    Denied(String),
    /// Not offered here.
    Unavailable(String),
    /// Failed.
    Failed(String),
}

impl Default for Seen {
    fn default() -> Self {
        Self::NotYet(None)
    }
}

/// One resource on its way out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Where calls about it go.
    pub region: Region,
    /// What people call it.
    pub name: String,
    /// What its steps need.
    pub facts: Facts,
    /// Brought back to bare rather than deleted.
    pub trim: bool,
    /// How it stands.
    pub state: WorkState,
    /// Its steps before the delete are done.
    pub prepared: bool,
    /// Attempts and checks so far.
    pub attempts: u32,
    /// Since when it is blocked or deleting.
    pub since: Option<Timestamp>,
    /// Why it is not gone yet.
    pub reason: Option<String>,
    /// What it waits for, as learned from AWS.
    pub behind: Option<ItemKey>,
}

/// How a resource stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkState {
    /// To be deleted as soon as nothing stands before it.
    Todo,
    /// AWS is deleting it; look again then.
    Deleting(Timestamp),
    /// Did not work; try again then.
    Parked(Timestamp),
    /// Gone, kept or given up in this round.
    Closed,
}

/// What is not tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// Something that is kept needs it.
    Kept(String),
    /// Nobody can delete it.
    Undeletable(String),
}

/// Something left that should not be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// What kind of obstacle.
    pub why: LeftAs,
    /// In words.
    pub reason: String,
}

/// Kinds of obstacles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftAs {
    /// Not allowed.
    Denied,
    /// Nobody can delete it.
    Undeletable,
    /// Anything else.
    Error,
}

/// What the baseline said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handover {
    /// In words.
    pub summary: String,
    /// What failed.
    pub failed: Vec<String>,
}

impl Run {
    /// A run that has done nothing yet.
    pub fn new(id: &str, account: &AccountId, options: Options, now: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            account: account.clone(),
            started: now,
            finished: None,
            options,
            stage: Stage::Opening,
            regions: Vec::new(),
            reserved: Vec::new(),
            no_default_vpc: false,
            cells: BTreeMap::new(),
            scan: Vec::new(),
            work: BTreeMap::new(),
            kept: Vec::new(),
            settled: BTreeMap::new(),
            left: BTreeMap::new(),
            approved: None,
            plan: None,
            scans: 0,
            quiet: 0,
            rounds: 0,
            calls: 0,
            notes: Vec::new(),
            remarks: Vec::new(),
            baseline: None,
            diary: Diary::default(),
        }
    }

    /// How it ended, if it did.
    pub fn end(&self) -> Option<&End> {
        match &self.stage {
            Stage::Finished(end) => Some(end),
            _ => None,
        }
    }

    /// Things that went, in all cells.
    pub fn cleaned(&self) -> u32 {
        self.cells.values().map(|cell| cell.cleaned).sum()
    }
}

impl Work {
    /// A resource that a scan found.
    pub fn new(found: &Found, trim: bool) -> Self {
        Self {
            region: found.region.clone(),
            name: found.name.clone(),
            facts: found.facts.clone(),
            trim,
            state: WorkState::Todo,
            prepared: false,
            attempts: 0,
            since: None,
            reason: None,
            behind: None,
        }
    }

    /// Whether anything is still to be done or awaited.
    pub fn open(&self) -> bool {
        self.state != WorkState::Closed
    }
}

/// Maps with keys that are not text, as lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}
