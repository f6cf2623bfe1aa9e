//! What a run writes down for its receipt, beside the ledger: what went, when it did what, and what people were told.
//!
//! A run may delete a hundred thousand things, and its checkpoint is saved again and again, so only so many are kept by
//! name; the rest is counted, by region and type, and the receipt says so.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cost::Asked;
use super::item::ItemKey;
use super::recreate::Recreation;
use super::snooze::Snoozed;
use super::state::{Run, Stage, Work};

/// How many things that went are kept by name.
pub const NAMED: usize = 2_000;

/// The most moments of a timeline.
const MOMENTS: usize = 300;

/// The most characters of an id or a name.
const LONGEST: usize = 256;

/// What a run writes down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diary {
    /// What went, the first of it.
    pub went: Vec<Went>,
    /// How much more went.
    pub unnamed: u32,
    /// What the run did when.
    pub moments: Vec<Moment>,
    /// What the account cost a day; absent: not asked yet.
    pub spend: Option<Asked>,
    /// How the reset was put off before.
    pub snoozes: Vec<Snoozed>,
    /// Whether the owner was told how it ended; absent: not tried yet.
    pub told: Option<Told>,
    waits_until: Option<Timestamp>,
}

/// Something that went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Went {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What people called it.
    pub name: String,
    /// Where it was.
    pub region: String,
    /// When it was seen gone.
    pub at: Timestamp,
    /// Only brought back to bare.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trim: bool,
}

/// A stretch of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When it began.
    pub at: Timestamp,
    /// What was done.
    pub what: String,
    /// How many seconds of it nothing was to be done but to wait.
    #[serde(default)]
    pub waited: u64,
}

/// Whether the owner was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Handed to the receivers of the file's `alerts`.
    Delivered,
    /// The file names nobody.
    Nobody,
    /// It failed, with the reason.
    Failed(String),
}

impl Told {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Delivered => "the receivers of the file's `alerts` were told".to_owned(),
            Self::Nobody => "nobody was told: the file has no `alerts` section".to_owned(),
            Self::Failed(why) => format!("nobody could be told: {why}"),
        }
    }
}

impl Diary {
    /// Something is gone.
    pub fn gone(&mut self, key: &ItemKey, work: &Work, at: Timestamp) {
        if self.went.len() >= NAMED {
            self.unnamed = self.unnamed.saturating_add(1);
            return;
        }
        let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
        self.went.push(Went {
            kind: key.cell.kind.to_string(),
            id: short(&key.id),
            name: short(&work.name),
            region: work.region.to_string(),
            at,
            trim: work.trim,
        });
    }
}

impl Run {
    /// Writes down what the run is at, when that has changed.
    pub fn mark(&mut self, now: Timestamp) {
        let what = match &self.stage {
            Stage::Hearing | Stage::Verifying(_) => "witnesses are asked".to_owned(),
            Stage::Learning => "CloudFormation is asked which types there are".to_owned(),
            Stage::Opening => "regions and what the baseline declares".to_owned(),
            Stage::Scanning => format!("scan {}", self.scans + 1),
            Stage::Deleting => format!("round {} of deleting", self.rounds),
            Stage::Resting(_) => "rest before the next scan".to_owned(),
            Stage::Vpcs => "default VPCs".to_owned(),
            Stage::Baseline => "baseline".to_owned(),
            Stage::Recreating => self.recreation.as_ref().map(Recreation::progress).unwrap_or_default(),
            Stage::Finished(_) => "end".to_owned(),
        };
        let moments = &mut self.diary.moments;
        if moments.last().is_none_or(|last| last.what != what) && moments.len() < MOMENTS {
            moments.push(Moment { at: now, what, waited: 0 });
        }
    }

    /// Writes down that nothing is to be done before `until`.
    pub fn rests(&mut self, now: Timestamp, until: Timestamp) {
        let from = self.diary.waits_until.map_or(now, |before| before.max(now));
        if let Some(last) = self.diary.moments.last_mut() {
            last.waited += u64::try_from(until.duration_since(from).as_secs()).unwrap_or(0);
        }
        self.diary.waits_until = Some(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reset::catalogue::path::Facts;
    use crate::reset::item::CellKey;
    use crate::reset::state::WorkState;

    #[test]
    fn what_is_kept_by_name_is_bounded_and_the_rest_is_counted() {
        let cell = CellKey { region: "eu-west-1".into(), kind: "AWS::DynamoDB::Table".parse().unwrap() };
        let work = Work {
            region: "eu-west-1".parse().unwrap(),
            name: "x".repeat(5_000),
            facts: Facts::default(),
            trim: false,
            state: WorkState::Todo,
            refs: Vec::new(),
            prepared: false,
            alone: false,
            turns: 0,
            number: 0,
            request: None,
            attempts: 0,
            since: None,
            reason: None,
            behind: None,
        };
        let mut diary = Diary::default();
        for n in 0..100_000 {
            diary.gone(&ItemKey { cell: cell.clone(), id: n.to_string() }, &work, Timestamp::UNIX_EPOCH);
        }
        assert_eq!((diary.went.len(), diary.unnamed), (NAMED, 98_000));
        assert!(serde_json::to_vec(&diary).unwrap().len() < 1_000_000);
    }
}
