//! The run as a state machine: it asks, somebody answers, it asks again.
//!
//! It never sleeps and never calls: a Lambda slice, the command line and the tests drive it in the same way, and any of
//! them may die between an answer and the next question. Asking twice is harmless: lists are lists, and a delete of what
//! is gone counts as done.

use std::time::Duration;

use jiff::Timestamp;

use super::catalogue::Catalogue;
use super::item::{CellKey, ItemKey, Listing, Outcome};
use super::order::{self, Task};
use super::protect::{Protection, Reserved};
use super::state::{Cell, End, Handover, Run, Seen, Stage};
use crate::config::ResetVpc;
use crate::types::{Mode, Region};

/// How many cells or resources one question names: the most that a kill can repeat.
pub const BATCH: usize = 96;

/// How often a list that may pass is tried before its cell is in error.
const LIST_TRIES: u32 = 4;

/// What the run wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Look up regions and what the baseline declares.
    Open,
    /// List these.
    List(Vec<CellKey>),
    /// Do these.
    Work(Vec<Task>),
    /// Nothing before this time.
    Wait(Timestamp),
    /// Make default VPCs where there are none.
    MakeVpcs,
    /// Hand the account to the baseline.
    Baseline,
    /// Nothing more.
    Finished,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The account's regions, what the baseline declares, and whether it takes default VPCs away.
    Opened {
        /// Enabled regions.
        regions: Vec<Region>,
        /// Never to be touched.
        reserved: Vec<Reserved>,
        /// No default VPCs wanted.
        no_default_vpc: bool,
    },
    /// A listing a cell.
    Listed(Vec<(CellKey, Listing)>),
    /// An outcome a task.
    Worked(Vec<(ItemKey, Outcome)>),
    /// What to tell about it.
    VpcsMade(Vec<String>),
    /// What the baseline said.
    Baselined(Handover),
}

/// What the run decides with.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The types.
    pub catalogue: &'a Catalogue,
    /// What is never deleted.
    pub protection: &'a Protection,
}

impl Run {
    /// What is to be done now.
    pub fn ask(&mut self, rules: Rules<'_>, now: Timestamp) -> Ask {
        match &self.stage {
            Stage::Opening => Ask::Open,
            Stage::Scanning => self.ask_scan(now),
            Stage::Deleting => match order::next(self, rules.catalogue, now) {
                Some(ask) => ask,
                None => {
                    self.scan_again();
                    self.ask_scan(now)
                }
            },
            Stage::Resting(until) if now < *until => Ask::Wait(*until),
            Stage::Resting(_) => {
                self.scan_again();
                self.ask_scan(now)
            }
            Stage::Vpcs => Ask::MakeVpcs,
            Stage::Baseline => Ask::Baseline,
            Stage::Finished(_) => Ask::Finished,
        }
    }

    /// Takes in what came of it.
    pub fn answer(&mut self, rules: Rules<'_>, answer: Answer, now: Timestamp) {
        match answer {
            Answer::Opened { regions, reserved, no_default_vpc } => {
                (self.regions, self.reserved, self.no_default_vpc) = (regions, reserved, no_default_vpc);
                let cleaned = |key: &CellKey| self.cells.get(key).map_or(0, |cell| cell.cleaned);
                let fresh = |key: CellKey| (Cell { cleaned: cleaned(&key), ..Cell::default() }, key);
                let cells = self.all_cells(rules.catalogue).map(fresh).map(|(cell, key)| (key, cell)).collect();
                self.cells = cells;
                self.scan.clear();
                self.stage = Stage::Scanning;
            }
            Answer::Listed(listings) if self.stage == Stage::Scanning => {
                listings.into_iter().for_each(|(cell, listing)| self.scanned(&cell, listing, now));
                if !self.cells.values().any(|cell| matches!(cell.seen, Seen::NotYet(_))) {
                    self.conclude(rules, now);
                }
            }
            Answer::Listed(listings) => {
                listings.into_iter().for_each(|(cell, listing)| self.looked(rules, &cell, listing, now));
            }
            Answer::Worked(outcomes) => {
                outcomes.into_iter().for_each(|(key, outcome)| self.worked(rules.catalogue, &key, outcome, now));
            }
            Answer::VpcsMade(notes) => {
                self.notes.extend(notes);
                self.stage = Stage::Baseline;
            }
            Answer::Baselined(handover) => {
                self.baseline = Some(handover);
                self.finish(End::Done, now);
            }
        }
    }

    /// Begins again with a look at everything: what was decided is too old, or was decided by other rules.
    pub(super) fn reopen(&mut self) {
        // The round that is cut short counts once.
        self.rounds = self.rounds.saturating_sub(u32::from(self.stage == Stage::Deleting));
        self.stage = Stage::Opening;
    }

    /// Ends the run.
    pub fn finish(&mut self, end: End, now: Timestamp) {
        self.finished = Some(now);
        self.stage = Stage::Finished(end);
    }

    fn all_cells(&self, catalogue: &Catalogue) -> impl Iterator<Item = CellKey> {
        let cells = catalogue.kinds().flat_map(|kind| {
            let global = kind.global.then(|| super::item::GLOBAL.to_owned());
            let regions = self.regions.iter().filter(|_| !kind.global).map(Region::to_string);
            global.into_iter().chain(regions).map(|region| CellKey { region, kind: kind.name.clone() })
        });
        cells.collect::<Vec<_>>().into_iter()
    }

    fn ask_scan(&self, now: Timestamp) -> Ask {
        let mut ready = Vec::new();
        let mut soonest = None;
        for (key, cell) in &self.cells {
            match cell.seen {
                Seen::NotYet(Some(at)) if at > now => soonest = Some(soonest.map_or(at, |s: Timestamp| s.min(at))),
                Seen::NotYet(_) => ready.push(key.clone()),
                Seen::Listed | Seen::Denied(_) | Seen::Unavailable(_) | Seen::Failed(_) => {}
            }
        }
        ready.truncate(BATCH);
        match soonest {
            Some(at) if ready.is_empty() => Ask::Wait(at),
            _ => Ask::List(ready),
        }
    }

    fn scan_again(&mut self) {
        self.stage = Stage::Scanning;
        self.scan.clear();
        for cell in self.cells.values_mut() {
            (cell.seen, cell.tries, cell.refresh_at) = (Seen::NotYet(None), 0, None);
        }
    }

    fn scanned(&mut self, key: &CellKey, listing: Listing, now: Timestamp) {
        let Some(cell) = self.cells.get_mut(key) else { return };
        // A cell that was answered twice (a slice died after the call) keeps its latest answer.
        self.scan.retain(|found| found.key.cell != *key);
        cell.tries += 1;
        cell.seen = match listing {
            Listing::Items(items) => {
                self.scan.extend(items);
                Seen::Listed
            }
            Listing::Denied(reason) => Seen::Denied(reason),
            Listing::Unavailable(reason) => Seen::Unavailable(reason),
            Listing::Failed { may_pass: true, .. } if cell.tries < LIST_TRIES => {
                Seen::NotYet(Some(later(now, backoff(cell.tries))))
            }
            Listing::Failed { reason, .. } => Seen::Failed(reason),
        };
    }

    /// Whether default VPCs are made at the end.
    pub(super) fn wants_vpcs(&self) -> bool {
        self.options.default_vpc == ResetVpc::Recreate && !self.no_default_vpc && self.options.mode == Mode::Apply
    }
}

/// How long to wait before attempt `n` (from 1): 1, 2, 4 … 60 seconds.
pub(super) fn backoff(n: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(n.saturating_sub(1)).unwrap_or(60).clamp(1, 60))
}

pub(super) fn later(now: Timestamp, pause: Duration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}
