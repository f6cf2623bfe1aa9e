//! What can be done now, kept up to date by what happens.
//!
//! The board is not part of the checkpoint: it is made from it when a slice begins, and from then on every change costs
//! about the same, however many resources there are. An item is offered when what stands before it is gone; of those that
//! are free, what makes other things again and what costs money by the hour comes first, and cells take turns.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::catalogue::{Catalogue, Kind, Phase};
use super::item::{CellKey, ItemKey};
use super::machine::later;
use super::order::{self, Edges};
use super::state::{Run, Seen, Work, WorkState};
use super::task::{Action, Around, Task};

/// Questions about one service in one region that are open at once: a slow service must not take every place.
const LANE: usize = 16;

/// After so many attempts nobody waits any longer for what only may be in the way.
const HOPELESS: u32 = 4;

/// How long a cell is not listed again while it still has things to delete.
const BUSY_LOOK: Duration = Duration::from_secs(30);

/// The board.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    built: bool,
    slots: Vec<Slot>,
    cells: Vec<Place>,
    by_cell: BTreeMap<CellKey, usize>,
    lanes: BTreeMap<(String, String), usize>,
    ready: BTreeSet<(Phase, u64, usize)>,
    parked: BTreeSet<(Timestamp, usize)>,
    looks: BTreeSet<(Timestamp, CellKey)>,
    look_at: BTreeMap<CellKey, Timestamp>,
    looked: BTreeMap<CellKey, (Timestamp, usize)>,
    lists: VecDeque<CellKey>,
    unlisted: usize,
    turn: u64,
    flying: usize,
    open: usize,
    around: Arc<Around>,
}

/// One item.
#[derive(Clone, Debug, PartialEq)]
struct Slot {
    key: ItemKey,
    cell: usize,
    /// How many items that must go first are still there.
    before: usize,
    /// Those that wait for this one.
    then: Vec<usize>,
    /// Those that AWS said wait for this one.
    followers: Vec<usize>,
    open: bool,
    hopeful: bool,
    prepared: bool,
    flying: bool,
    parked: Option<Timestamp>,
}

/// One cell that has items.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    key: CellKey,
    rank: Phase,
    lane: (String, String),
    prepare_all: bool,
    batch: usize,
    every: Duration,
    /// Does not wait for what is hopeless.
    impatient: bool,
    open: usize,
    hopeful: usize,
    unprepared: usize,
    flying: usize,
    /// Cells that must be empty first, and those that wait for this one to be.
    gates: Vec<usize>,
    then: Vec<usize>,
    ready: BTreeSet<usize>,
    held: BTreeSet<usize>,
    turn: u64,
    free_at: Option<Timestamp>,
}

impl Board {
    /// Makes the board for deleting.
    pub fn deleting(run: &mut Run, catalogue: &Catalogue) {
        let around = Arc::new(Around::of(run, catalogue));
        let mut board = Self { built: true, around, ..Self::default() };
        let old = std::mem::take(&mut run.board);
        (board.lanes, board.flying, board.looked) = (old.lanes, old.flying, old.looked);
        let flying: BTreeSet<ItemKey> = old.slots.into_iter().filter(|slot| slot.flying).map(|slot| slot.key).collect();
        for (number, (key, work)) in run.work.iter_mut().enumerate() {
            work.number = number;
            let cell = board.place(key, catalogue);
            board.add(key, work, cell, flying.contains(key));
        }
        let edges = order::edges(&run.work, catalogue);
        board.connect(edges);
        for work in run.work.values() {
            if let Some(leader) = work.behind.as_ref().and_then(|key| run.work.get(key)).filter(|leader| leader.open())
                && let Some(slot) = board.slots.get_mut(leader.number)
            {
                slot.followers.push(work.number);
            }
        }
        for (key, cell) in &run.cells {
            cell.refresh_at.iter().for_each(|at| board.look(key, *at));
        }
        for work in run.work.values() {
            board.file(work);
        }
        run.board = board;
    }

    /// Makes the board for scanning. Kinds before regions, so that every region is asked at once.
    pub fn scanning(run: &mut Run) {
        let mut board = Self { built: true, around: Arc::clone(&run.board.around), ..Self::default() };
        for (key, cell) in &run.cells {
            match cell.seen {
                Seen::NotYet(at) => {
                    board.unlisted += 1;
                    match at {
                        Some(at) => board.look(key, at),
                        None => board.lists.push_back(key.clone()),
                    }
                }
                Seen::Listed | Seen::Denied(_) | Seen::Unavailable(_) | Seen::Failed(_) => {}
            }
        }
        board.lists.make_contiguous().sort_by(|a, b| (&a.kind, &a.region).cmp(&(&b.kind, &b.region)));
        run.board = board;
    }

    /// Whether it was made for what the run does now.
    pub fn is_built(&self) -> bool {
        self.built
    }

    /// Whether nothing is to be listed any more.
    pub fn is_scanned(&self) -> bool {
        self.unlisted == 0
    }

    /// Questions without an answer yet.
    pub fn flying(&self) -> usize {
        self.flying
    }

    /// Whether any item is still there.
    pub fn is_open(&self) -> bool {
        self.open > 0
    }

    /// A question that belongs to no cell is asked.
    pub fn take_off(&mut self) {
        self.flying += 1;
    }

    /// It was answered.
    pub fn land(&mut self) {
        self.flying = self.flying.saturating_sub(1);
    }

    fn add(&mut self, key: &ItemKey, work: &Work, cell: usize, flying: bool) {
        let open = work.open();
        let slot = Slot {
            key: key.clone(),
            cell,
            before: 0,
            then: Vec::new(),
            followers: Vec::new(),
            open,
            hopeful: open && is_hopeful(work),
            prepared: work.prepared,
            flying,
            parked: None,
        };
        self.open += usize::from(open);
        if let Some(place) = self.cells.get_mut(cell) {
            place.open += usize::from(open);
            place.hopeful += usize::from(slot.hopeful);
            place.unprepared += usize::from(open && !work.prepared);
            place.flying += usize::from(flying);
        }
        self.slots.push(slot);
    }

    /// The place of an item's cell, made where it is new.
    fn place(&mut self, key: &ItemKey, catalogue: &Catalogue) -> usize {
        if let Some(at) = self.by_cell.get(&key.cell) {
            return *at;
        }
        let kind = catalogue.kind(&key.cell.kind);
        let at = self.cells.len();
        self.by_cell.insert(key.cell.clone(), at);
        self.cells.push(Place {
            key: key.cell.clone(),
            rank: kind.map_or(Phase::Logs, order::rank),
            lane: lane(&key.cell, kind),
            prepare_all: kind.is_some_and(|kind| kind.prepare_all),
            batch: kind.map_or(1, batch_of),
            every: Duration::from_secs(kind.and_then(|kind| kind.every).unwrap_or(0).into()),
            impatient: kind.is_some_and(order::is_forgiving),
            open: 0,
            hopeful: 0,
            unprepared: 0,
            flying: 0,
            gates: Vec::new(),
            then: Vec::new(),
            ready: BTreeSet::new(),
            held: BTreeSet::new(),
            turn: 0,
            free_at: None,
        });
        at
    }

    fn connect(&mut self, edges: Edges) {
        for (first, then) in edges.items {
            if !self.slots.get(first).is_some_and(|slot| slot.open) {
                continue;
            }
            if let Some(slot) = self.slots.get_mut(then) {
                slot.before += 1;
            }
            if let Some(slot) = self.slots.get_mut(first) {
                slot.then.push(then);
            }
        }
        for (first, then) in edges.cells {
            let (Some(&first), Some(&then)) = (self.by_cell.get(&first), self.by_cell.get(&then)) else { continue };
            if let Some(place) = self.cells.get_mut(then) {
                place.gates.push(first);
            }
            if let Some(place) = self.cells.get_mut(first) {
                place.then.push(then);
            }
        }
    }

    /// Puts an item where its state belongs. To be called after every change of a [`Work`].
    pub fn file(&mut self, work: &Work) {
        let number = work.number;
        self.take_down(number);
        let Some(slot) = self.slots.get_mut(number) else { return };
        let cell = slot.cell;
        let was = (slot.open, slot.hopeful, slot.prepared);
        (slot.open, slot.prepared) = (work.open(), work.prepared);
        slot.hopeful = slot.open && is_hopeful(work);
        let is = (slot.open, slot.hopeful, slot.prepared);
        self.count(cell, was, is);
        match &work.state {
            WorkState::Closed if was.0 => self.closed(number),
            WorkState::Closed => {}
            WorkState::Deleting(at) => {
                if let Some(key) = self.cells.get(cell).map(|place| place.key.clone()) {
                    self.look(&key, *at);
                }
            }
            WorkState::Parked(at) => {
                if let Some(slot) = self.slots.get_mut(number) {
                    slot.parked = Some(*at);
                }
                self.parked.insert((*at, number));
            }
            WorkState::Todo => self.offer(number),
        }
        self.opened_gates(cell, was, is);
    }

    fn take_down(&mut self, number: usize) {
        let Some(slot) = self.slots.get_mut(number) else { return };
        let cell = slot.cell;
        if let Some(at) = slot.parked.take() {
            self.parked.remove(&(at, number));
        }
        let Some(place) = self.cells.get_mut(cell) else { return };
        place.held.remove(&number);
        if place.ready.remove(&number) && place.ready.is_empty() {
            self.ready.remove(&(place.rank, place.turn, cell));
        }
    }

    fn count(&mut self, cell: usize, was: (bool, bool, bool), is: (bool, bool, bool)) {
        let Some(place) = self.cells.get_mut(cell) else { return };
        let step = |count: &mut usize, was: bool, is: bool| *count = (*count + usize::from(is)) - usize::from(was);
        step(&mut place.open, was.0, is.0);
        step(&mut place.hopeful, was.1, is.1);
        step(&mut place.unprepared, was.0 && !was.2, is.0 && !is.2);
        step(&mut self.open, was.0, is.0);
    }

    /// Items and cells that waited for what has just changed are offered.
    fn opened_gates(&mut self, cell: usize, was: (bool, bool, bool), is: (bool, bool, bool)) {
        let Some(place) = self.cells.get(cell) else { return };
        let unprepared = |(open, _, prepared): (bool, bool, bool)| open && !prepared;
        let prepared = place.prepare_all && place.unprepared == 0 && unprepared(was) && !unprepared(is);
        let passed = (place.open == 0 && was.0 && !is.0) || (place.hopeful == 0 && was.1 && !is.1);
        let mut offered = if passed { place.then.clone() } else { Vec::new() };
        offered.extend(prepared.then_some(cell));
        for cell in offered {
            let held = self.cells.get_mut(cell).map(|place| std::mem::take(&mut place.held)).unwrap_or_default();
            held.into_iter().for_each(|number| self.offer(number));
        }
    }

    fn closed(&mut self, number: usize) {
        let Some(slot) = self.slots.get_mut(number) else { return };
        let (then, followers) = (std::mem::take(&mut slot.then), std::mem::take(&mut slot.followers));
        for number in then {
            if let Some(slot) = self.slots.get_mut(number) {
                slot.before = slot.before.saturating_sub(1);
            }
            self.offer_held(number);
        }
        for number in followers {
            self.wake_one(number);
        }
    }

    fn offer_held(&mut self, number: usize) {
        let Some(slot) = self.slots.get(number) else { return };
        if self.cells.get_mut(slot.cell).is_some_and(|place| place.held.remove(&number)) {
            self.offer(number);
        }
    }

    fn wake_one(&mut self, number: usize) {
        let Some(at) = self.slots.get_mut(number).and_then(|slot| slot.parked.take()) else { return };
        self.parked.remove(&(at, number));
        self.offer(number);
    }

    /// Offers an item, or holds it back as long as something stands before it.
    fn offer(&mut self, number: usize) {
        let Some(slot) = self.slots.get(number) else { return };
        if slot.flying || !slot.open {
            return;
        }
        let (cell, free) = (slot.cell, self.is_free(slot));
        let Some(place) = self.cells.get_mut(cell) else { return };
        if !free {
            place.held.insert(number);
            return;
        }
        if place.ready.is_empty() {
            self.turn += 1;
            place.turn = self.turn;
            self.ready.insert((place.rank, place.turn, cell));
        }
        place.ready.insert(number);
    }

    fn is_free(&self, slot: &Slot) -> bool {
        let Some(place) = self.cells.get(slot.cell) else { return false };
        let gone = |gate: &usize| {
            let gate = self.cells.get(*gate);
            gate.is_none_or(|gate| if place.impatient { gate.hopeful == 0 } else { gate.open == 0 })
        };
        // What is done to all before the first is deleted need not wait for single items.
        let first = place.prepare_all && !slot.prepared;
        place.gates.iter().all(gone) && (first || (slot.before == 0 && (!place.prepare_all || place.unprepared == 0)))
    }

    /// AWS said that one item waits for another.
    pub fn follow(&mut self, follower: usize, leader: usize) {
        if let Some(slot) = self.slots.get_mut(leader).filter(|slot| slot.open) {
            slot.followers.push(follower);
        }
    }

    /// A cell is to be listed again then, or sooner if that was said before.
    pub fn look(&mut self, cell: &CellKey, at: Timestamp) {
        let at = self.looked.get(cell).map_or(at, |(looked, size)| at.max(later(*looked, pause(*size))));
        match self.look_at.get(cell) {
            Some(old) if *old <= at => return,
            Some(old) => {
                self.looks.remove(&(*old, cell.clone()));
            }
            None => {}
        }
        self.look_at.insert(cell.clone(), at);
        self.looks.insert((at, cell.clone()));
    }

    /// A cell was listed, with so many items.
    pub fn looked(&mut self, cell: &CellKey, size: usize, now: Timestamp) {
        self.looked.insert(cell.clone(), (now, size));
    }

    /// A cell needs no further list in this scan.
    pub fn scanned(&mut self) {
        self.unlisted = self.unlisted.saturating_sub(1);
    }

    /// The next cell to list, if there is one whose service has a place free.
    pub fn next_list(&mut self, catalogue: &Catalogue, now: Timestamp) -> Option<CellKey> {
        while let Some((at, _)) = self.looks.first().filter(|(at, _)| *at <= now) {
            let at = *at;
            let Some((_, cell)) = self.looks.pop_first() else { break };
            self.look_at.remove(&cell);
            match self.put_off(&cell, at, now) {
                Some(then) => self.look(&cell, then),
                None => self.lists.push_back(cell),
            }
        }
        let free = |cell: &CellKey| self.has_room(&lane(cell, catalogue.kind(&cell.kind)));
        let at = self.lists.iter().position(free)?;
        let cell = self.lists.remove(at)?;
        self.flying += 1;
        *self.lanes.entry(lane(&cell, catalogue.kind(&cell.kind))).or_default() += 1;
        Some(cell)
    }

    /// While a cell is still being worked on, a list tells little, and a long one costs much.
    fn put_off(&self, cell: &CellKey, at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let place = self.by_cell.get(cell).and_then(|at| self.cells.get(*at))?;
        let (looked, _) = self.looked.get(cell)?;
        let then = later(*looked, BUSY_LOOK).max(at);
        (!place.ready.is_empty() && then > now).then_some(then)
    }

    /// A list was answered.
    pub fn land_list(&mut self, cell: &CellKey, catalogue: &Catalogue) {
        self.land();
        self.leave(&lane(cell, catalogue.kind(&cell.kind)));
    }

    /// The next task, if there is one whose service has a place free.
    pub fn next_task(&mut self, work: &BTreeMap<ItemKey, Work>, now: Timestamp) -> Option<Task> {
        self.wake(now);
        let may = |cell: &usize| {
            let place = self.cells.get(*cell)?;
            let free = place.free_at.is_none_or(|at| at <= now) && (place.every.is_zero() || place.flying == 0);
            (free && self.has_room(&place.lane)).then_some(*cell)
        };
        let cell = self.ready.iter().find_map(|(_, _, cell)| may(cell))?;
        let place = self.cells.get_mut(cell)?;
        let (numbers, action) = pick(place, &self.slots, work)?;
        self.ready.remove(&(place.rank, place.turn, cell));
        numbers.iter().for_each(|number| _ = place.ready.remove(number));
        if !place.ready.is_empty() {
            self.turn += 1;
            place.turn = self.turn;
            self.ready.insert((place.rank, place.turn, cell));
        }
        place.flying += numbers.len();
        place.free_at = (!place.every.is_zero()).then(|| later(now, place.every));
        *self.lanes.entry(place.lane.clone()).or_default() += 1;
        self.flying += 1;
        let mut items = Vec::with_capacity(numbers.len());
        for number in numbers {
            let Some(slot) = self.slots.get_mut(number) else { continue };
            slot.flying = true;
            items.extend(work.get(&slot.key).map(|work| (slot.key.clone(), work.clone())));
        }
        Some(Task { action, items, around: Arc::clone(&self.around) })
    }

    fn wake(&mut self, now: Timestamp) {
        while let Some((_, number)) = self.parked.first().filter(|(at, _)| *at <= now).copied() {
            self.wake_one(number);
        }
    }

    /// A task was answered; its items are filed afterwards.
    pub fn land_task(&mut self, numbers: &[usize]) {
        self.land();
        let cell = numbers.first().and_then(|number| self.slots.get(*number)).map(|slot| slot.cell);
        for number in numbers {
            self.slots.get_mut(*number).into_iter().for_each(|slot| slot.flying = false);
        }
        let Some(place) = cell.and_then(|cell| self.cells.get_mut(cell)) else { return };
        place.flying = place.flying.saturating_sub(numbers.len());
        let lane = place.lane.clone();
        self.leave(&lane);
    }

    fn has_room(&self, lane: &(String, String)) -> bool {
        self.lanes.get(lane).is_none_or(|flying| *flying < LANE)
    }

    fn leave(&mut self, lane: &(String, String)) {
        if let Some(flying) = self.lanes.get_mut(lane) {
            *flying = flying.saturating_sub(1);
        }
    }

    /// When the next thing falls due by itself.
    pub fn soonest(&self) -> Option<Timestamp> {
        let spaced = self.ready.iter().filter_map(|(_, _, cell)| self.cells.get(*cell)?.free_at);
        let parked = self.parked.first().map(|(at, _)| *at);
        let look = self.looks.first().map(|(at, _)| *at);
        parked.into_iter().chain(look).chain(spaced).min()
    }

    /// Nothing is free and nothing is awaited: what stands before what contradicts itself, so AWS decides.
    pub fn let_aws_decide(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.before = 0);
        let held: Vec<BTreeSet<usize>> = self
            .cells
            .iter_mut()
            .map(|place| {
                (place.prepare_all, place.gates) = (false, Vec::new());
                std::mem::take(&mut place.held)
            })
            .collect();
        held.into_iter().flatten().for_each(|number| self.offer(number));
    }

    /// Cells of a region that have open items.
    pub fn open_cells<'b>(&'b self, region: &'b str) -> impl Iterator<Item = &'b CellKey> {
        let here = move |place: &&Place| place.open > 0 && place.key.region == region;
        self.cells.iter().filter(here).map(|place| &place.key)
    }
}

/// What one turn of a cell takes: one item, or as many as one call can delete.
fn pick(place: &Place, slots: &[Slot], work: &BTreeMap<ItemKey, Work>) -> Option<(Vec<usize>, Action)> {
    let of = |number: &usize| slots.get(*number).and_then(|slot| work.get(&slot.key));
    let first = *place.ready.first()?;
    let action = match of(&first)? {
        work if work.trim => Action::Trim,
        work if place.prepare_all && !work.prepared => Action::Prepare,
        work if place.batch > 1 && !work.alone => Action::Batch,
        _ => Action::Delete,
    };
    if action != Action::Batch {
        return Some((vec![first], action));
    }
    let together = |number: &&usize| of(number).is_some_and(|work| !work.trim && !work.alone);
    let numbers: Vec<usize> = place.ready.iter().filter(together).take(place.batch).copied().collect();
    let action = if numbers.len() > 1 { Action::Batch } else { Action::Delete };
    Some((numbers, action))
}

/// How many go in one call: only where a delete is nothing but a call.
fn batch_of(kind: &Kind) -> usize {
    let plain = kind.hook.is_none() && kind.prepare.is_empty() && kind.clear.is_empty();
    kind.batch.as_ref().filter(|_| plain).map_or(1, |batch| batch.size.max(1))
}

fn is_hopeful(work: &Work) -> bool {
    !matches!(work.state, WorkState::Parked(_)) || work.attempts < HOPELESS
}

fn lane(cell: &CellKey, kind: Option<&Kind>) -> (String, String) {
    (kind.map(|kind| kind.service.clone()).unwrap_or_default(), cell.region.clone())
}

/// How long a list of so many items is not repeated: long lists take many calls.
fn pause(size: usize) -> Duration {
    Duration::from_secs(u64::try_from(size / 500).unwrap_or(60).clamp(1, 60))
}
