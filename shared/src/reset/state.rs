//! The checkpoint of a run: everything that a slice needs to go on where another stopped, or was killed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::board::Board;
use super::catalogue::TypeName;
use super::catalogue::path::Facts;
use super::cloudcontrol::{Registry, Request};
use super::diary::Diary;
use super::item::{CellKey, Found, ItemKey};
use super::oracle::{Testimony, Uncovered};
use super::protect::Reserved;
use super::recreate::Recreation;
use crate::config::{CloudControl, Pause, Protect, ResetVpc, Sandbox, Witnesses};
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
    #[serde(with = "pairs")]
    pub scan: BTreeMap<CellKey, Vec<Found>>,
    /// What is being deleted.
    #[serde(with = "grouped")]
    pub work: BTreeMap<ItemKey, Work>,
    /// What stays, with the reason.
    pub kept: Vec<(Found, String)>,
    /// What turned out to be impossible or forbidden, and is not tried again.
    #[serde(with = "grouped")]
    pub settled: BTreeMap<ItemKey, Settled>,
    /// What is left that should not be, with the reason.
    #[serde(with = "grouped")]
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
    /// What the witnesses said.
    #[serde(default)]
    pub testimony: Testimony,
    /// What CloudFormation's registry said about types that are newer than this version.
    #[serde(default)]
    pub registry: Registry,
    /// Types that Cloud Control lists in this run.
    #[serde(default)]
    pub beyond: BTreeSet<TypeName>,
    /// `service:word` of the ARNs that scans found: what a witness calls such things is known by them.
    #[serde(default)]
    pub words: BTreeSet<String>,
    /// What went, as short as it can be told.
    #[serde(default)]
    pub departed: BTreeSet<u64>,
    /// Names of everything that the last scan found and left.
    #[serde(default)]
    pub remaining: BTreeSet<String>,
    /// How often the witnesses were asked since.
    #[serde(default)]
    pub hearings: u32,
    /// What is in use and not covered, or still shown by a witness.
    #[serde(default)]
    pub uncovered: BTreeSet<Uncovered>,
    /// What the receipt tells beside the ledger.
    #[serde(default)]
    pub diary: Diary,
    /// What can be done now; made from the rest when it is needed.
    #[serde(skip)]
    pub(super) board: Board,
    /// The account is closed and another one takes its place.
    #[serde(default)]
    pub recreation: Option<Recreation>,
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
    /// The most objects of one bucket that are deleted one by one.
    #[serde(default = "many")]
    pub objects: u64,
    /// Where types without an entry are listed.
    #[serde(default)]
    pub cloud_control: CloudControl,
    /// Who is asked what is in use.
    #[serde(default)]
    pub witnesses: Witnesses,
}

fn many() -> u64 {
    crate::config::Limits::default().objects
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
            objects: sandbox.limits.objects,
            cloud_control: sandbox.cloud_control,
            witnesses: sandbox.witnesses.clone(),
        }
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Regions and reserved names are looked up.
    Opening,
    /// Witnesses are asked what is in use.
    Hearing,
    /// The registry is asked for types that are newer than this version.
    Learning,
    /// Everything is listed.
    Scanning,
    /// What was found is deleted.
    Deleting,
    /// Between two clean scans.
    Resting(Timestamp),
    /// Witnesses are asked again, not before this time: they may contradict.
    Verifying(Timestamp),
    /// Default VPCs are made where they are wanted and absent.
    Vpcs,
    /// The account is handed to the baseline.
    Baseline,
    /// The account is closed and another one made.
    Recreating,
    /// It is over.
    Finished(End),
}

impl Stage {
    /// Whether anything is still decided about: what was found is not all dealt with.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Scanning | Self::Deleting | Self::Resting(_))
    }
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
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What its steps need.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: Facts,
    /// The ids of what else goes and is named by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<String>,
    /// Brought back to bare rather than deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trim: bool,
    /// How it stands.
    #[serde(default, skip_serializing_if = "is_default")]
    pub state: WorkState,
    /// Its steps before the delete are done.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prepared: bool,
    /// A call for many failed because of it, or of one of the others: it goes alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alone: bool,
    /// Attempts and checks so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attempts: u32,
    /// Attempts that achieved something and left something to do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub turns: u32,
    /// Since when it is blocked or deleting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why it is not gone yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it waits for, as learned from AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<ItemKey>,
    /// What Cloud Control was asked and has not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// Its place on the board.
    #[serde(skip)]
    pub(super) number: usize,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How a resource stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkState {
    /// To be deleted as soon as nothing stands before it.
    #[default]
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
            scan: BTreeMap::new(),
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
            testimony: Testimony::default(),
            registry: Registry::default(),
            beyond: BTreeSet::new(),
            words: BTreeSet::new(),
            departed: BTreeSet::new(),
            remaining: BTreeSet::new(),
            hearings: 0,
            uncovered: BTreeSet::new(),
            diary: Diary::default(),
            board: Board::default(),
            recreation: None,
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
            refs: Vec::new(),
            trim,
            state: WorkState::Todo,
            prepared: false,
            alone: false,
            attempts: 0,
            turns: 0,
            since: None,
            reason: None,
            behind: None,
            request: None,
            number: usize::MAX,
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

/// Maps by resource, with the cell written once for all of its resources: at 100,000 of them, that is most of the text.
mod grouped {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::super::item::{CellKey, ItemKey};

    pub fn serialize<V: Serialize, S: Serializer>(map: &BTreeMap<ItemKey, V>, to: S) -> Result<S::Ok, S::Error> {
        let mut groups: Vec<(&CellKey, Vec<(&str, &V)>)> = Vec::new();
        for (key, value) in map {
            match groups.last_mut() {
                Some((cell, group)) if **cell == key.cell => group.push((&key.id, value)),
                _ => groups.push((&key.cell, vec![(&key.id, value)])),
            }
        }
        to.collect_seq(groups)
    }

    pub fn deserialize<'de, V, D>(from: D) -> Result<BTreeMap<ItemKey, V>, D::Error>
    where
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        let groups = Vec::<(CellKey, Vec<(String, V)>)>::deserialize(from)?;
        let items = groups.into_iter().flat_map(|(cell, group)| {
            group.into_iter().map(move |(id, value)| (ItemKey { cell: cell.clone(), id }, value))
        });
        Ok(items.collect())
    }
}
