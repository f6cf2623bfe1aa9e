//! Which resource comes next: what stands before it in the catalogue is gone, what AWS said holds it is gone, and of
//! those that are free, what costs money comes first.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::catalogue::{Catalogue, Kind, Phase, TypeName};
use super::item::{CellKey, GLOBAL, ItemKey};
use super::machine::{Ask, BATCH};
use super::state::{Run, Work, WorkState};

/// One thing to do to one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Which.
    pub key: ItemKey,
    /// What.
    pub action: Action,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The steps before the delete.
    Prepare,
    /// The delete, with what comes before it where that is not done.
    Delete,
    /// Bringing it back to bare.
    Trim,
}

/// The regions in which something of a type is still open.
type Open<'a> = BTreeMap<&'a TypeName, BTreeSet<&'a str>>;

/// What is to be done now in the stage of deleting; `None` when nothing is open any more.
pub fn next(run: &Run, catalogue: &Catalogue, now: Timestamp) -> Option<Ask> {
    let looks = due_looks(run, now);
    if !looks.is_empty() {
        return Some(Ask::List(looks));
    }
    let open = open(run);
    if open.is_empty() {
        return None;
    }
    let mut ready = ready(run, catalogue, &open, now);
    if ready.is_empty() {
        match soonest(run) {
            Some(at) => return Some(Ask::Wait(at.max(now))),
            // Nothing is free and nothing is awaited: the edges contradict each other, so AWS decides.
            None => {
                ready = run.work.iter().filter(|(_, work)| work.open()).map(|(key, work)| task(key, work)).collect()
            }
        }
    }
    ready.truncate(BATCH);
    Some(Ask::Work(ready))
}

/// Cells to list again: something in them should have vanished by now, or may have become deletable.
fn due_looks(run: &Run, now: Timestamp) -> Vec<CellKey> {
    let vanishing = run.work.iter().filter(|(_, work)| matches!(work.state, WorkState::Deleting(at) if at <= now));
    let mut cells: BTreeSet<&CellKey> = vanishing.map(|(key, _)| &key.cell).collect();
    let refresh = run.cells.iter().filter(|(_, cell)| cell.refresh_at.is_some_and(|at| at <= now));
    cells.extend(refresh.map(|(key, _)| key));
    cells.into_iter().take(BATCH).cloned().collect()
}

fn open(run: &Run) -> Open<'_> {
    let mut open = Open::new();
    for (key, _) in run.work.iter().filter(|(_, work)| work.open()) {
        open.entry(&key.cell.kind).or_default().insert(&key.cell.region);
    }
    open
}

fn ready(run: &Run, catalogue: &Catalogue, open: &Open<'_>, now: Timestamp) -> Vec<Task> {
    let unprepared: BTreeSet<&CellKey> =
        run.work.iter().filter(|(_, work)| work.open() && !work.prepared).map(|(key, _)| &key.cell).collect();
    let mut found: Vec<(Phase, Task)> = Vec::new();
    for (key, work) in &run.work {
        let Some(kind) = catalogue.kind(&key.cell.kind) else { continue };
        if !awake(run, work, now) || waits(catalogue, open, key) {
            continue;
        }
        let all_first = kind.prepare_all && unprepared.contains(&key.cell);
        match (all_first, work.prepared) {
            (true, true) => {}
            (true, false) => found.push((kind.phase, prepare(key, work))),
            (false, _) => found.push((rank(kind), task(key, work))),
        }
    }
    found.sort_by_key(|(phase, _)| *phase);
    found.into_iter().map(|(_, task)| task).collect()
}

fn rank(kind: &Kind) -> Phase {
    if kind.hourly { Phase::Rebuilders } else { kind.phase }
}

fn prepare(key: &ItemKey, work: &Work) -> Task {
    let action = if work.trim { Action::Trim } else { Action::Prepare };
    Task { key: key.clone(), action }
}

fn task(key: &ItemKey, work: &Work) -> Task {
    let action = if work.trim { Action::Trim } else { Action::Delete };
    Task { key: key.clone(), action }
}

/// Whether it is this resource's time: new, or parked long enough, or what it waited for is gone.
fn awake(run: &Run, work: &Work, now: Timestamp) -> bool {
    match work.state {
        WorkState::Todo => true,
        WorkState::Parked(until) if until <= now => true,
        WorkState::Parked(_) => {
            let holder = work.behind.as_ref().and_then(|behind| run.work.get(behind));
            holder.is_some_and(|holder| !holder.open())
        }
        WorkState::Deleting(_) | WorkState::Closed => false,
    }
}

/// Whether something of a type that goes first is still open within reach.
fn waits(catalogue: &Catalogue, open: &Open<'_>, key: &ItemKey) -> bool {
    let region = key.cell.region.as_str();
    catalogue
        .after(&key.cell.kind)
        .filter_map(|first| open.get(first))
        .any(|regions| region == GLOBAL || regions.contains(GLOBAL) || regions.contains(region))
}

/// When the next thing falls due.
fn soonest(run: &Run) -> Option<Timestamp> {
    let work = run.work.values().filter_map(|work| match work.state {
        WorkState::Deleting(at) | WorkState::Parked(at) => Some(at),
        WorkState::Todo | WorkState::Closed => None,
    });
    work.chain(run.cells.values().filter_map(|cell| cell.refresh_at)).min()
}
