//! The run as a state machine: it asks, somebody answers, it asks again.
//!
//! It never sleeps and never calls: a Lambda slice, the command line and the tests drive it in the same way, with many
//! questions open at once, and any of them may die at any point. Asking twice is harmless: lists are lists, and a delete
//! of what is gone counts as done.

use std::time::Duration;

use jiff::Timestamp;

use super::board::Board;
use super::catalogue::Catalogue;
use super::cloudcontrol::{Registry, Wish};
use super::item::{CellKey, ItemKey, Listing, Outcome};
use super::oracle::{Inquiry, Shown, Testimony, word_of};
use super::protect::{Protection, Reserved};
use super::state::{Cell, End, Handover, Run, Seen, Stage};
use super::task::Task;
use crate::config::ResetVpc;
use crate::types::{Mode, Region};

/// How often a list that may pass is tried before its cell is in error.
const LIST_TRIES: u32 = 4;

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// This is to be done; the next turn may be taken before it is answered.
    Do(Ask),
    /// Nothing until one of the questions is answered, or until then.
    Busy(Option<Timestamp>),
    /// Nothing before this time.
    Wait(Timestamp),
    /// Nothing more.
    Finished,
}

/// What the run wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Look up regions and what the baseline declares.
    Open,
    /// Ask the witnesses.
    Hear(Inquiry),
    /// Ask the registry which types there are.
    Learn(Wish),
    /// List this.
    List(CellKey),
    /// Do this.
    Work(Task),
    /// Make default VPCs in these regions, where there are none.
    MakeVpcs(Vec<Region>),
    /// Hand the account to the baseline.
    Baseline,
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
    /// What the witnesses said: in terms of services, and of resources.
    Heard(Testimony, Vec<Shown>),
    /// What the registry said.
    Learned(Registry),
    /// What is in a cell.
    Listed(CellKey, Listing),
    /// An outcome for each resource of a task.
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
    pub fn turn(&mut self, rules: Rules<'_>, now: Timestamp) -> Turn {
        match &self.stage {
            Stage::Opening => self.alone(Ask::Open),
            Stage::Hearing => self.alone(Ask::Hear(self.inquiry(false, now))),
            Stage::Learning => self.alone(Ask::Learn(self.wish(rules.catalogue))),
            Stage::Verifying(at) if now < *at => Turn::Wait(*at),
            Stage::Verifying(_) => self.alone(Ask::Hear(self.inquiry(true, now))),
            Stage::Scanning => self.turn_of_scan(rules, now),
            Stage::Deleting => self.turn_of_work(rules, now),
            Stage::Resting(until) if now < *until => Turn::Wait(*until),
            Stage::Resting(_) => {
                self.scan_again();
                self.turn_of_scan(rules, now)
            }
            Stage::Vpcs => self.alone(Ask::MakeVpcs(self.regions.clone())),
            Stage::Baseline => self.alone(Ask::Baseline),
            Stage::Recreating | Stage::Finished(_) => Turn::Finished,
        }
    }

    /// A question beside which there is no other.
    fn alone(&mut self, ask: Ask) -> Turn {
        if self.board.flying() > 0 {
            return Turn::Busy(None);
        }
        self.board.take_off();
        Turn::Do(ask)
    }

    fn turn_of_scan(&mut self, rules: Rules<'_>, now: Timestamp) -> Turn {
        if !self.board.is_built() {
            Board::scanning(self);
        }
        if self.board.is_scanned() && self.board.flying() == 0 {
            self.conclude(rules, now);
            return self.turn(rules, now);
        }
        match self.board.next_list(rules.catalogue, now) {
            Some(cell) => Turn::Do(Ask::List(cell)),
            None => self.idle(now),
        }
    }

    fn turn_of_work(&mut self, rules: Rules<'_>, now: Timestamp) -> Turn {
        if !self.board.is_built() {
            Board::deleting(self, rules.catalogue);
        }
        if let Some(cell) = self.board.next_list(rules.catalogue, now) {
            return Turn::Do(Ask::List(cell));
        }
        if let Some(task) = self.board.next_task(&self.work, now) {
            return Turn::Do(Ask::Work(task));
        }
        if self.board.flying() == 0 && !self.board.is_open() {
            self.scan_again();
            return self.turn_of_scan(rules, now);
        }
        if self.board.flying() == 0 && self.board.soonest().is_none() {
            self.board.let_aws_decide();
            let task = self.board.next_task(&self.work, now);
            return task.map_or(Turn::Busy(None), |task| Turn::Do(Ask::Work(task)));
        }
        self.idle(now)
    }

    fn idle(&self, now: Timestamp) -> Turn {
        match self.board.soonest() {
            Some(at) if self.board.flying() == 0 => Turn::Wait(at.max(now)),
            soonest => Turn::Busy(soonest),
        }
    }

    /// Takes in what came of it.
    pub fn answer(&mut self, rules: Rules<'_>, answer: Answer, now: Timestamp) {
        match answer {
            Answer::Opened { regions, reserved, no_default_vpc } => {
                (self.regions, self.reserved, self.no_default_vpc) = (regions, reserved, no_default_vpc);
                let cleaned = |key: &CellKey| self.cells.get(key).map_or(0, |cell| cell.cleaned);
                let fresh = |key: CellKey| (Cell { cleaned: cleaned(&key), ..Cell::default() }, key);
                // What witnesses added stays, whatever they say this time.
                let added = self.cells.keys().filter(|key| self.beyond.contains(&key.kind)).cloned();
                let all = self.all_cells(rules.catalogue).chain(added.collect::<Vec<_>>());
                let cells = all.map(fresh).map(|(cell, key)| (key, cell)).collect();
                self.cells = cells;
                self.scan.clear();
                // Whoever did not answer may answer now.
                self.registry = std::mem::take(&mut self.registry).unless_silent();
                if self.asks_witnesses() {
                    return self.enter(Stage::Hearing);
                }
                self.chosen(rules.catalogue);
            }
            Answer::Heard(testimony, shown) if matches!(self.stage, Stage::Verifying(_)) => {
                self.heard_last(rules.catalogue, testimony, &shown, now);
            }
            Answer::Heard(testimony, _) => self.heard_first(rules.catalogue, testimony),
            Answer::Learned(registry) => self.learned(rules.catalogue, registry),
            Answer::Listed(cell, listing) => {
                self.board.land_list(&cell, rules.catalogue);
                match self.stage {
                    Stage::Scanning => self.scanned(&cell, listing, now),
                    _ => self.looked(rules, &cell, listing, now),
                }
            }
            Answer::Worked(outcomes) => {
                let numbers = outcomes.iter().filter_map(|(key, _)| self.work.get(key)).map(|work| work.number);
                let numbers: Vec<usize> = numbers.collect();
                self.board.land_task(&numbers);
                outcomes.into_iter().for_each(|(key, outcome)| self.worked(rules.catalogue, &key, outcome, now));
            }
            Answer::VpcsMade(notes) => {
                self.notes.extend(notes);
                self.enter(Stage::Baseline);
            }
            Answer::Baselined(handover) => {
                self.baseline = Some(handover);
                self.finish(End::Done, now);
            }
        }
    }

    /// Goes on to another stage; what could be done in the last one is forgotten.
    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.board = Board::default();
    }

    /// Begins again with a look at everything: what was decided is too old, or was decided by other rules.
    pub(super) fn reopen(&mut self) {
        // The round that is cut short counts once.
        self.rounds = self.rounds.saturating_sub(u32::from(self.stage == Stage::Deleting));
        self.enter(Stage::Opening);
    }

    /// Ends the run.
    pub fn finish(&mut self, end: End, now: Timestamp) {
        self.finished = Some(now);
        self.enter(Stage::Finished(end));
    }

    fn all_cells(&self, catalogue: &Catalogue) -> impl Iterator<Item = CellKey> {
        let cells = catalogue.kinds().flat_map(|kind| {
            let global = kind.global.then(|| super::item::GLOBAL.to_owned());
            let regions = self.regions.iter().filter(|_| !kind.global).map(Region::to_string);
            global.into_iter().chain(regions).map(|region| CellKey { region, kind: kind.name.clone() })
        });
        cells.collect::<Vec<_>>().into_iter()
    }

    fn scan_again(&mut self) {
        self.enter(Stage::Scanning);
        self.scan.clear();
        for cell in self.cells.values_mut() {
            (cell.seen, cell.tries, cell.refresh_at) = (Seen::NotYet(None), 0, None);
        }
    }

    fn scanned(&mut self, key: &CellKey, listing: Listing, now: Timestamp) {
        let Some(cell) = self.cells.get_mut(key) else { return };
        // A cell that was answered twice (a slice died after the call) keeps its latest answer.
        self.scan.remove(key);
        cell.tries += 1;
        cell.seen = match listing {
            Listing::Items(items) => {
                self.words.extend(items.iter().filter_map(|item| item.arn.as_deref()).map(word_of));
                if !items.is_empty() {
                    self.scan.insert(key.clone(), items);
                }
                Seen::Listed
            }
            Listing::Denied(reason) => Seen::Denied(reason),
            Listing::Unavailable(reason) => Seen::Unavailable(reason),
            Listing::Failed { may_pass: true, .. } if cell.tries < LIST_TRIES => {
                let at = later(now, backoff(cell.tries));
                self.board.look(key, at);
                Seen::NotYet(Some(at))
            }
            Listing::Failed { reason, .. } => Seen::Failed(reason),
        };
        if !matches!(cell.seen, Seen::NotYet(_)) {
            self.board.scanned();
        }
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
