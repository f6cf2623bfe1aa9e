//! What a run has proved: one state for every (region, type), and a colour for the whole.
//!
//! Green is a claim, so it is only made when every list was read to its end, twice, and nothing was left. What could not
//! be read is not empty; it is denied, or in error.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::item::{CellKey, GLOBAL};
use super::recreate::Recreation;
use super::state::{Cell, End, Left, LeftAs, Run, Seen, Stage};

/// The colour of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Empty, proved twice, and the baseline is in place.
    Green,
    /// Nothing more can be done, but something could not be looked at, or cannot be deleted by anybody.
    Amber,
    /// Something is left that should not be, or the baseline failed.
    Red,
}

/// The state of one (region, type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// There was nothing.
    Empty,
    /// There was something, and it is gone.
    Cleaned,
    /// What is there is kept on purpose.
    Protected,
    /// What is there cannot be deleted by anybody for now.
    Undeletable,
    /// Looking or deleting was not allowed.
    Denied,
    /// The service is not offered there.
    Unavailable,
    /// Looking or deleting failed.
    Error,
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// A region code, or `global`.
    pub region: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its state.
    pub state: State,
    /// How many things the state is about.
    pub count: u32,
    /// What else is worth knowing.
    pub note: String,
}

/// Something left that should not be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftLine {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Where it is.
    pub region: String,
    /// Why it is still there.
    pub reason: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Cleaned => "cleaned",
            Self::Protected => "protected",
            Self::Undeletable => "undeletable",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Error => "error",
        })
    }
}

impl Run {
    /// The ledger: every (region, type), in exactly one state.
    pub fn ledger(&self) -> Vec<Line> {
        let mut kept: BTreeMap<&CellKey, u32> = BTreeMap::new();
        for (found, _) in &self.kept {
            *kept.entry(&found.key.cell).or_default() += 1;
        }
        let mut left: BTreeMap<&CellKey, Vec<&Left>> = BTreeMap::new();
        for (key, reason) in &self.left {
            left.entry(&key.cell).or_default().push(reason);
        }
        let line = |(key, cell): (&CellKey, &Cell)| {
            let none = Vec::new();
            let (state, count, note) = judge(cell, left.get(key).unwrap_or(&none), kept.get(key).copied().unwrap_or(0));
            Line { region: key.region.clone(), kind: key.kind.to_string(), state, count, note }
        };
        self.cells.iter().map(line).collect()
    }

    /// What is left that should not be.
    pub fn leftovers(&self) -> Vec<LeftLine> {
        let line = |(key, left): (&super::item::ItemKey, &Left)| LeftLine {
            kind: key.cell.kind.to_string(),
            id: key.id.clone(),
            region: self.work.get(key).map_or_else(|| key.cell.region.clone(), |work| work.region.to_string()),
            reason: left.reason.clone(),
        };
        self.left.iter().map(line).collect()
    }

    /// The colour; `None` while the run goes on, and for a mere plan.
    pub fn verdict(&self) -> Option<Verdict> {
        match self.end()? {
            End::Planned => return None,
            End::Stuck | End::Refused(_) => return Some(Verdict::Red),
            End::Done => {}
        }
        if let Some(recreation) = &self.recreation {
            return Some(recreation.verdict());
        }
        if self.baseline.as_ref().is_none_or(|handover| !handover.failed.is_empty()) {
            return Some(Verdict::Red);
        }
        let worst = self.ledger().iter().map(|line| self.colour(line)).max();
        let noted = if self.notes.is_empty() && self.uncovered.is_empty() { Verdict::Green } else { Verdict::Amber };
        worst.map(|worst| worst.max(noted))
    }

    /// The colour of a line. A list of Cloud Control that fails says as little as one that is denied: handlers of some
    /// types fail for reasons of their own, and then nobody knows of anything that is left.
    fn colour(&self, line: &Line) -> Verdict {
        let unread = line.state == State::Error && line.count == 0;
        let beyond = || self.beyond.iter().any(|kind| kind.as_ref() == line.kind);
        if unread && beyond() { Verdict::Amber } else { line.state.colour() }
    }

    /// One line for people while it goes on.
    pub fn progress(&self) -> String {
        let open = self.work.values().filter(|work| work.open()).count();
        let unseen = self.cells.values().filter(|cell| matches!(cell.seen, Seen::NotYet(_))).count();
        let gone = self.cleaned();
        match &self.stage {
            Stage::Opening => "looking up regions".to_owned(),
            Stage::Hearing => "asking what is in use".to_owned(),
            Stage::Learning => "asking which types there are".to_owned(),
            Stage::Verifying(_) => "asking who might contradict".to_owned(),
            Stage::Scanning => format!("scan {}: {unseen} of {} lists to go", self.scans + 1, self.cells.len()),
            Stage::Deleting => {
                let waiting = self.work.values().filter(|work| work.since.is_some() && work.open()).count();
                format!("round {}: {open} to go ({waiting} waiting), {gone} gone", self.rounds)
            }
            Stage::Resting(until) => format!("clean; looking again at {}", until.strftime("%H:%M:%S UTC")),
            Stage::Vpcs => "making default VPCs".to_owned(),
            Stage::Baseline => "applying the baseline".to_owned(),
            Stage::Recreating => self.recreation.as_ref().map(Recreation::progress).unwrap_or_default(),
            Stage::Finished(End::Done) => format!("done: {gone} gone, {} left", self.left.len()),
            Stage::Finished(End::Stuck) => format!("stuck: {gone} gone, {} left", self.left.len()),
            Stage::Finished(End::Refused(reason)) => format!("refused: {reason}"),
            Stage::Finished(End::Planned) => {
                format!("only planned: {} to delete, nothing deleted; the next run deletes", self.work.len())
            }
        }
    }
}

impl State {
    fn colour(self) -> Verdict {
        match self {
            Self::Empty | Self::Cleaned | Self::Protected | Self::Unavailable => Verdict::Green,
            Self::Undeletable | Self::Denied => Verdict::Amber,
            Self::Error => Verdict::Red,
        }
    }
}

fn judge(cell: &Cell, left: &[&Left], kept: u32) -> (State, u32, String) {
    // What is known to be left counts even where nothing could be read this time: the worse of the two is told.
    match (judge_left(left), judge_seen(&cell.seen)) {
        (Some(known), Some(unread)) if unread.0.colour() > known.0.colour() => return unread,
        (Some(line), _) | (None, Some(line)) => return line,
        (None, None) => {}
    }
    let keeps = if kept > 0 { format!("{kept} kept") } else { String::new() };
    match (cell.cleaned, kept) {
        (0, 0) => (State::Empty, 0, String::new()),
        (0, kept) => (State::Protected, kept, String::new()),
        (cleaned, _) => (State::Cleaned, cleaned, keeps),
    }
}

fn judge_seen(seen: &Seen) -> Option<(State, u32, String)> {
    let (state, reason) = match seen {
        Seen::Failed(reason) => (State::Error, reason.as_str()),
        Seen::Denied(reason) => (State::Denied, reason.as_str()),
        Seen::Unavailable(reason) => (State::Unavailable, reason.as_str()),
        Seen::NotYet(_) => (State::Error, "was not listed to the end"),
        Seen::Listed => return None,
    };
    Some((state, 0, reason.to_owned()))
}

fn judge_left(left: &[&Left]) -> Option<(State, u32, String)> {
    let many = |list: Vec<&&Left>| u32::try_from(list.len()).unwrap_or(u32::MAX);
    let of = |why: LeftAs| left.iter().filter(|left| left.why == why).collect::<Vec<_>>();
    let reason = |list: &[&&Left]| list.first().map(|left| left.reason.clone()).unwrap_or_default();
    for (why, state) in
        [(LeftAs::Error, State::Error), (LeftAs::Denied, State::Denied), (LeftAs::Undeletable, State::Undeletable)]
    {
        let list = of(why);
        if !list.is_empty() {
            let note = reason(&list);
            return Some((state, many(list), note));
        }
    }
    None
}

/// Lines in the order people read: regions by name, global last.
pub fn by_region(lines: &mut [Line]) {
    lines.sort_by(|a, b| (a.region == GLOBAL, &a.region, &a.kind).cmp(&(b.region == GLOBAL, &b.region, &b.kind)));
}
