//! How the run takes in scans, looks and outcomes: what is decided, what is learned, and when it is enough.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::board::Board;
use super::catalogue::{Catalogue, SpareAs};
use super::cloudcontrol::Request;
use super::item::{CellKey, Decision, Found, GLOBAL, Holder, ItemKey, Listing, Outcome};
use super::machine::{Rules, backoff, later};
use super::state::{End, Left, LeftAs, Run, Seen, Settled, Stage, Work, WorkState};
use super::{order, unread};
use crate::types::{AccountId, Mode};

/// How many scans in a row must find nothing.
const QUIET_SCANS: u32 = 2;

/// How long after a conflict the types in front are listed again.
const REFRESH: std::time::Duration = std::time::Duration::from_secs(20);

/// How often a resource that came back from being deleted is deleted again in one round.
const COMEBACKS: u32 = 6;

/// Attempts behind something that was given up.
const FUTILE: u32 = 4;

/// What makes two plans the same plan.
pub fn plan_hash<'k>(account: &AccountId, doomed: impl Iterator<Item = &'k ItemKey>) -> String {
    let mut hash = Sha256::new();
    hash.update(account.as_ref());
    for key in doomed.collect::<BTreeSet<_>>() {
        hash.update(format!("\n{}\t{}\t{}", key.cell.region, key.cell.kind, key.id));
    }
    hash.finalize().get(..8).map(hex).unwrap_or_default()
}

/// Bytes as people write them.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Run {
    /// A scan is complete: decide what goes, and what comes next.
    pub(super) fn conclude(&mut self, rules: Rules<'_>, now: Timestamp) {
        let found: Vec<Found> = std::mem::take(&mut self.scan).into_values().flatten().collect();
        let decisions = self.decide(rules, &found, now);
        self.scans += 1;
        if self.quiet + 1 >= QUIET_SCANS {
            self.remember(&found);
        }
        self.weigh(rules.catalogue, &BTreeSet::new());
        let old = std::mem::take(&mut self.left);
        self.kept.clear();
        for (key, _) in std::mem::take(&mut self.work).into_iter().filter(|(_, work)| work.open()) {
            let reason = "was being deleted when its list stopped answering".to_owned();
            match self.cells.get(&key.cell).map(|cell| &cell.seen) {
                Some(Seen::Listed) => {}
                Some(Seen::Denied(words)) => {
                    let reason = format!("{reason}: {words}");
                    self.left.insert(key, Left { why: LeftAs::Denied, reason });
                }
                _ => _ = self.left.insert(key, Left { why: LeftAs::Error, reason }),
            }
        }
        let goes = |decision: &Decision| matches!(decision, Decision::Delete | Decision::Trim);
        let doomed = found.iter().zip(&decisions).filter(|(_, decision)| goes(decision)).map(|(found, _)| found);
        let refs = order::refs(doomed, std::iter::empty());
        for (found, decision) in found.into_iter().zip(decisions) {
            self.place(found, decision, now);
        }
        self.link(refs);
        // What a former round learned about what is still there, or may be, stays known.
        for (key, left) in old {
            let unread = self.cells.get(&key.cell).is_none_or(|cell| cell.seen != Seen::Listed);
            if unread || self.work.contains_key(&key) {
                self.left.insert(key, left);
            }
        }
        if self.pinned(now) && self.within_limits(now) {
            self.go_on(now);
        }
    }

    /// Notes in each resource what else it names.
    fn link(&mut self, refs: Vec<(ItemKey, Vec<String>)>) {
        for (key, refs) in refs {
            self.work.get_mut(&key).into_iter().for_each(|work| work.refs.clone_from(&refs));
        }
    }

    /// What becomes of each; what something unread may need is not decided about.
    fn decide(&self, rules: Rules<'_>, found: &[Found], now: Timestamp) -> Vec<Decision> {
        let mut decisions = rules.protection.decide(found, now);
        if unread::doubt(&self.cells, rules, found, &mut decisions) {
            rules.protection.settle(found, &mut decisions);
        }
        decisions
    }

    fn place(&mut self, found: Found, decision: Decision, now: Timestamp) {
        let key = found.key.clone();
        match (decision, self.settled.get(&key)) {
            (Decision::Ignore(_), _) => {}
            (Decision::Keep(why), _) => self.kept.push((found, why)),
            (Decision::Delete | Decision::Trim, Some(Settled::Kept(why))) => self.kept.push((found, why.clone())),
            (Decision::Delete | Decision::Trim, Some(Settled::Undeletable(reason))) => {
                self.left.insert(key, Left { why: LeftAs::Undeletable, reason: reason.clone() });
            }
            (Decision::Unknown(reason), _) => {
                self.left.insert(key, Left { why: LeftAs::Error, reason: reason.clone() });
                self.kept.push((found, reason));
            }
            (Decision::Barred(reason), _) => {
                self.left.insert(key, Left { why: LeftAs::Denied, reason: reason.clone() });
                self.kept.push((found, reason));
            }
            (Decision::Delete, None) if found.undeletable.is_some() => {
                let reason = found.undeletable.unwrap_or_default();
                self.left.insert(key, Left { why: LeftAs::Undeletable, reason });
            }
            (Decision::Delete | Decision::Trim, None) if !self.may_go(&key) => {
                let reason = "was not there when the plan was made; make a new plan".to_owned();
                self.left.insert(key, Left { why: LeftAs::Error, reason });
            }
            (decision @ (Decision::Delete | Decision::Trim), None) => {
                let mut work = Work::new(&found, decision == Decision::Trim);
                if found.spare == Some(SpareAs::Busy) {
                    (work.state, work.since) = (WorkState::Deleting(later(now, backoff(1))), Some(now));
                }
                self.work.insert(key, work);
            }
        }
    }

    fn may_go(&self, key: &ItemKey) -> bool {
        self.approved.as_ref().is_none_or(|approved| approved.contains(key))
    }

    /// The first scan makes the plan; a plan that was approved must be the same.
    fn pinned(&mut self, now: Timestamp) -> bool {
        if self.plan.is_some() {
            return true;
        }
        let hash = plan_hash(&self.account, self.work.keys());
        self.plan = Some(hash.clone());
        match &self.options.plan {
            Some(approved) if *approved != hash => {
                let reason = format!(
                    "the account is not as it was when plan {approved} was made: the plan is {hash} now; \
                     look at it with `forester reset plan {}` and approve that one",
                    self.account
                );
                self.finish(End::Refused(reason), now);
                false
            }
            Some(_) => {
                self.approved = Some(self.work.keys().cloned().collect());
                true
            }
            None => true,
        }
    }

    fn within_limits(&mut self, now: Timestamp) -> bool {
        let wanted = self.cleaned().saturating_add(u32::try_from(self.work.len()).unwrap_or(u32::MAX));
        if wanted <= self.options.deletes || self.options.mode == Mode::DryRun {
            return true;
        }
        let reason = format!(
            "{wanted} things would be deleted, more than sandbox.limits.deletes ({}) allows; \
             look at `forester reset plan {}` and raise the limit if that is right",
            self.options.deletes, self.account
        );
        self.finish(End::Refused(reason), now);
        false
    }

    fn go_on(&mut self, now: Timestamp) {
        if self.options.mode == Mode::DryRun {
            return self.finish(End::Planned, now);
        }
        if self.work.is_empty() {
            self.quiet += 1;
            if self.quiet < QUIET_SCANS {
                self.enter(Stage::Resting(later(now, self.options.rescan_after.length())));
            } else {
                self.enter(match (self.asks_witnesses(), self.wants_vpcs()) {
                    (true, _) => Stage::Verifying(now),
                    (false, true) => Stage::Vpcs,
                    (false, false) => Stage::Baseline,
                });
            }
            return;
        }
        (self.quiet, self.rounds) = (0, self.rounds + 1);
        if self.rounds > self.options.retries.saturating_add(1) {
            for key in self.work.keys() {
                let left = || Left { why: LeftAs::Error, reason: "came back after every round".to_owned() };
                self.left.entry(key.clone()).or_insert_with(left);
            }
            return self.finish(End::Stuck, now);
        }
        self.enter(Stage::Deleting);
    }

    /// A cell was listed again while deleting.
    pub(super) fn looked(&mut self, rules: Rules<'_>, cell: &CellKey, listing: Listing, now: Timestamp) {
        let refreshed = self.cells.get_mut(cell).is_some_and(|cell| cell.refresh_at.take().is_some());
        let items = match listing {
            Listing::Items(items) => items,
            Listing::Denied(reason) => return self.unseen(cell, &reason, LeftAs::Denied, now),
            Listing::Unavailable(reason) | Listing::Failed { reason, .. } => {
                return self.unseen(cell, &reason, LeftAs::Error, now);
            }
        };
        self.board.looked(cell, items.len(), now);
        let again = rules.catalogue.kind(&cell.kind).is_some_and(super::catalogue::Kind::tells_busy);
        let there: HashMap<&ItemKey, &Found> = items.iter().map(|found| (&found.key, found)).collect();
        for (key, due) in self.vanishing(cell, now) {
            match there.get(&key).filter(|found| found.spare != Some(SpareAs::Gone)) {
                None => self.gone(&key, now),
                Some(found) if again && found.spare != Some(SpareAs::Busy) => self.came_back(&key, found, now),
                Some(_) if due => self.wait_on(&key, "is still being deleted", LeftAs::Error, now),
                // Others of the cell were due: its own time comes.
                Some(_) => self.file(&key),
            }
        }
        if refreshed {
            self.discovered(rules, items, now);
        }
    }

    /// What of a cell is being deleted, and whether it should be gone by now.
    fn vanishing(&self, cell: &CellKey, now: Timestamp) -> Vec<(ItemKey, bool)> {
        let first = ItemKey { cell: cell.clone(), id: String::new() };
        let here = self.work.range(first..).take_while(|(key, _)| key.cell == *cell);
        let waiting = here.filter_map(|(key, work)| match work.state {
            WorkState::Deleting(at) => Some((key.clone(), at <= now)),
            WorkState::Todo | WorkState::Parked(_) | WorkState::Closed => None,
        });
        waiting.collect()
    }

    /// What has become deletable since the scan joins the work, under the same rules.
    fn discovered(&mut self, rules: Rules<'_>, items: Vec<Found>, now: Timestamp) {
        let new: Vec<Found> = items.into_iter().filter(|found| !self.work.contains_key(&found.key)).collect();
        if new.is_empty() {
            return;
        }
        let known = self.kept.len();
        let all: Vec<Found> = self.kept.iter().map(|(found, _)| found.clone()).chain(new).collect();
        let decisions = self.decide(rules, &all, now);
        let kept: HashSet<ItemKey> = self.kept.iter().map(|(kept, _)| kept.key.clone()).collect();
        let mut spent = self.cleaned() as usize + self.work.len();
        let mut joined = Vec::new();
        for (found, decision) in all.into_iter().zip(decisions).skip(known) {
            if !kept.contains(&found.key) && spent < self.options.deletes as usize && decision == Decision::Delete {
                joined.push(found.clone());
                self.place(found, decision, now);
                spent += 1;
            }
        }
        if !joined.is_empty() {
            let refs = order::refs(joined.iter(), self.work.keys().map(|key| key.id.as_str()));
            self.link(refs);
            Board::deleting(self, rules.catalogue);
        }
    }

    fn unseen(&mut self, cell: &CellKey, reason: &str, why: LeftAs, now: Timestamp) {
        for (key, due) in self.vanishing(cell, now) {
            if due {
                self.wait_on(&key, reason, why, now);
            } else {
                self.file(&key);
            }
        }
    }

    /// A delete did not last (a stack that failed to delete, an instance that AWS could not stop): once more.
    fn came_back(&mut self, key: &ItemKey, found: &Found, now: Timestamp) {
        let Some(work) = self.work.get_mut(key) else { return };
        work.facts.clone_from(&found.facts);
        work.attempts += 1;
        if work.attempts > COMEBACKS {
            return self.give_up(key, LeftAs::Error, "it was deleted again and again, and is still there");
        }
        work.state = WorkState::Parked(later(now, backoff(work.attempts)));
        self.file(key);
    }

    /// Puts a resource where its state belongs.
    fn file(&mut self, key: &ItemKey) {
        if let Some(work) = self.work.get(key) {
            self.board.file(work);
        }
    }

    fn gone(&mut self, key: &ItemKey, now: Timestamp) {
        if let Some(work) = self.work.get_mut(key).filter(|work| work.open()) {
            work.state = WorkState::Closed;
            self.diary.gone(key, work, now);
            self.departs(key);
            if let Some(cell) = self.cells.get_mut(&key.cell) {
                cell.cleaned += 1;
            }
        }
        self.left.remove(key);
        self.file(key);
    }

    fn give_up(&mut self, key: &ItemKey, why: LeftAs, reason: &str) {
        if let Some(work) = self.work.get_mut(key) {
            work.state = WorkState::Closed;
        }
        self.left.insert(key.clone(), Left { why, reason: reason.to_owned() });
        self.file(key);
    }

    /// One attempt is over.
    pub(super) fn worked(&mut self, catalogue: &Catalogue, key: &ItemKey, outcome: Outcome, now: Timestamp) {
        if let Some(work) = self.work.get_mut(key) {
            work.request = None;
        }
        match outcome {
            Outcome::Gone => self.gone(key, now),
            Outcome::Accepted => self.wait_on(key, "is being deleted", LeftAs::Error, now),
            Outcome::Requested { request, until } => self.request(key, request, until, now),
            Outcome::Prepared => self.change(key, |work| (work.prepared, work.state) = (true, WorkState::Todo)),
            Outcome::More => self.change(key, |work| {
                (work.attempts, work.since, work.turns, work.state) = (0, None, work.turns + 1, WorkState::Todo);
            }),
            Outcome::Alone => self.change(key, |work| (work.alone, work.state) = (true, WorkState::Todo)),
            Outcome::Later(reason) => self.park(key, &reason, None, now),
            Outcome::Blocked { reason, holders } => self.blocked(catalogue, key, &reason, &holders, now),
            Outcome::Kept(why) => {
                self.change(key, |work| work.state = WorkState::Closed);
                self.settled.insert(key.clone(), Settled::Kept(why));
            }
            Outcome::Denied(reason) => self.give_up(key, LeftAs::Denied, &reason),
            Outcome::Undeletable(reason) => {
                self.give_up(key, LeftAs::Undeletable, &reason);
                self.settled.insert(key.clone(), Settled::Undeletable(reason));
            }
            Outcome::Failed(reason) => self.give_up(key, LeftAs::Error, &reason),
        }
    }

    fn change(&mut self, key: &ItemKey, change: impl FnOnce(&mut Work)) {
        if let Some(work) = self.work.get_mut(key) {
            change(work);
            self.board.file(work);
        }
    }

    /// AWS said that something holds it. What it names is waited for, and what stands before it is listed again.
    fn blocked(&mut self, catalogue: &Catalogue, key: &ItemKey, reason: &str, holders: &[Holder], now: Timestamp) {
        let behind = self.holder(key, reason, holders);
        // Who holds it is known: nothing new has to be looked for.
        for kind in catalogue.after(&key.cell.kind).filter(|_| behind.is_none()) {
            let cell = CellKey { region: key.cell.region.clone(), kind: kind.clone() };
            if let Some(state) = self.cells.get_mut(&cell) {
                let at = *state.refresh_at.get_or_insert(later(now, REFRESH));
                self.board.look(&cell, at);
            }
        }
        let stuck =
            self.given_up_before(catalogue, key).map(|first| format!("{reason}; {first} should have gone first"));
        if let Some(words) = stuck.filter(|_| self.work.get(key).is_some_and(|work| work.attempts >= FUTILE)) {
            return self.give_up(key, LeftAs::Error, &words);
        }
        let held: Vec<&str> = holders.iter().map(|holder| holder.text.as_str()).collect();
        let words = if held.is_empty() { reason.to_owned() } else { format!("held by {}: {reason}", held.join(", ")) };
        self.park(key, &words, behind, now);
    }

    /// The open resource that AWS's words or the holders name, if the run knows it.
    fn holder(&self, key: &ItemKey, reason: &str, holders: &[Holder]) -> Option<ItemKey> {
        let told: BTreeSet<&str> = holders.iter().flat_map(|holder| &holder.ids).map(String::as_str).collect();
        let words = words(reason);
        let names = told.into_iter().chain(words);
        let cells: Vec<&CellKey> =
            self.board.open_cells(&key.cell.region).chain(self.board.open_cells(GLOBAL)).collect();
        names.into_iter().find_map(|name| {
            let keys = cells.iter().map(|cell| ItemKey { cell: (*cell).clone(), id: name.to_owned() });
            keys.into_iter().find(|other| other != key && self.work.get(other).is_some_and(Work::open))
        })
    }

    /// Something near that should have gone first and was given up: waiting for it is futile in this round.
    fn given_up_before(&self, catalogue: &Catalogue, key: &ItemKey) -> Option<&ItemKey> {
        catalogue.after(&key.cell.kind).find_map(|kind| {
            let cell = CellKey { region: key.cell.region.clone(), kind: kind.clone() };
            let first = ItemKey { cell: cell.clone(), id: String::new() };
            self.left.range(first..).next().map(|(left, _)| left).filter(|left| left.cell == cell)
        })
    }

    fn park(&mut self, key: &ItemKey, reason: &str, behind: Option<ItemKey>, now: Timestamp) {
        let chain = behind.as_ref().map(|behind| format!(", behind {}", self.chain(behind))).unwrap_or_default();
        let reason = format!("{reason}{chain}");
        if self.patient(key, &reason, LeftAs::Error, now) {
            let leader = behind.as_ref().and_then(|behind| self.work.get(behind)).map(|leader| leader.number);
            let follower = self.work.get(key).map(|work| work.number);
            self.change(key, |work| {
                work.state = WorkState::Parked(later(now, backoff(work.attempts)));
                work.behind = behind;
            });
            if let (Some(follower), Some(leader)) = (follower, leader) {
                self.board.follow(follower, leader);
            }
        }
    }

    /// A request is under way: its token is kept, and it is asked for when AWS says, or a little later each time.
    fn request(&mut self, key: &ItemKey, request: Request, until: Option<Timestamp>, now: Timestamp) {
        if self.patient(key, "is being deleted through Cloud Control", LeftAs::Error, now) {
            let soonest = later(now, backoff(1));
            self.change(key, |work| {
                let at = until.unwrap_or_else(|| later(now, backoff(work.attempts)));
                (work.state, work.request) = (WorkState::Parked(at.max(soonest)), Some(request));
            });
        }
    }

    fn wait_on(&mut self, key: &ItemKey, reason: &str, why: LeftAs, now: Timestamp) {
        if self.patient(key, reason, why, now) {
            self.change(key, |work| work.state = WorkState::Deleting(later(now, backoff(work.attempts))));
        }
    }

    /// Counts the attempt; gives the resource up when it has been in the way for longer than allowed.
    fn patient(&mut self, key: &ItemKey, reason: &str, why: LeftAs, now: Timestamp) -> bool {
        let patience = self.options.patience.length();
        let Some(work) = self.work.get_mut(key) else { return false };
        work.attempts += 1;
        work.reason = Some(reason.to_owned());
        let since = *work.since.get_or_insert(now);
        if now < later(since, patience) || work.attempts <= 2 {
            return true;
        }
        let words = format!("{reason} (for {:#})", now.duration_since(since));
        self.give_up(key, why, &words);
        false
    }

    /// The resource, and what it is behind in turn.
    fn chain(&self, key: &ItemKey) -> String {
        let mut text = key.to_string();
        let mut seen = BTreeSet::from([key]);
        let mut here = key;
        while let Some(next) = self.work.get(here).and_then(|work| work.behind.as_ref()) {
            if !seen.insert(next) {
                break;
            }
            let _ = write!(text, ", which is behind {next}");
            here = next;
        }
        text
    }
}

/// What may be an id in a sentence of AWS's: words, and for ARNs what is behind the last slash or colon, too.
fn words(reason: &str) -> BTreeSet<&str> {
    let apart = |c: char| c.is_whitespace() || "()[]{}<>,;'\"`".contains(c);
    let words = reason.split(apart).map(|word| word.trim_end_matches(['.', ':', '!', '?']));
    let words = words.filter(|word| word.len() > 3);
    words.flat_map(|word| [Some(word), word.rsplit(['/', ':']).next()].into_iter().flatten()).collect()
}
