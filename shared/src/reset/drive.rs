//! Drives a run: keeps many questions open at once, takes answers in as they come, and saves now and then.
//!
//! There are no rounds in which one slow call holds all others back, and nothing sleeps while something could be done.
//! What is lost when a slice is killed is what was answered since the last save; asking again is harmless.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};

use super::book::{Book, Lock, Opened};
use super::catalogue::Catalogue;
use super::cloudcontrol::Registry;
use super::engine::{Engine, EngineError};
use super::flight::Flight;
use super::guard::Gate;
use super::machine::{Answer, Ask, Rules, Turn};
use super::protect::Protection;
use super::slice::{Reset, SliceError, seconds};
use super::state::{Run, Stage};
use crate::aws::Meter;
use crate::config::Sandbox;
use crate::types::Mode;

/// Questions that are open at once; the AWS layer bounds calls further by account, region and service.
const AT_ONCE: usize = 64;

/// What a slice leaves of its time: nothing is asked after that.
pub const MARGIN: SignedDuration = SignedDuration::from_secs(45);

/// What is not answered by then is asked again in the next slice.
const LAST: SignedDuration = SignedDuration::from_secs(15);

/// A checkpoint is saved this often, but is never more than a twentieth of the work.
const SAVE_EVERY: Duration = Duration::from_secs(4);
const SAVE_SHARE: u32 = 20;

/// Less is not waited for.
const SHORTEST: Duration = Duration::from_millis(10);

/// Drives one run.
pub struct Drive<'a> {
    /// The parts.
    pub reset: &'a Reset,
    /// The rules.
    pub sandbox: &'a Sandbox,
    /// Answers.
    pub engine: Engine<'a>,
    /// When it must be over.
    pub deadline: Timestamp,
}

/// Keeps what was done.
pub struct Keeper<'a> {
    book: Book<'a>,
    slice: &'a str,
    deadline: Timestamp,
    lock: &'a mut Lock,
    meter: &'a Meter,
    last: Instant,
    pause: Duration,
    counted: u64,
}

/// Why the loop stopped.
enum Stop {
    /// The time is up.
    Time,
    /// Nothing is to be done before then.
    Wait(Timestamp),
    /// It is over.
    Finished,
}

impl Drive<'_> {
    /// Goes on until the time is up; returns the seconds to wait before the next slice.
    pub async fn go(self, opened: &mut Opened, mut keeper: Keeper<'_>, mut gate: Gate<'_>) -> Result<u64, SliceError> {
        let stop = self.work(opened, &mut keeper, &mut gate).await?;
        let now = (self.reset.clock)();
        keeper.save(opened, now).await?;
        Ok(match stop {
            Stop::Finished | Stop::Time => 0,
            Stop::Wait(at) => seconds(now, at),
        })
    }

    async fn work(
        &self,
        opened: &mut Opened,
        keeper: &mut Keeper<'_>,
        gate: &mut Gate<'_>,
    ) -> Result<Stop, SliceError> {
        let mut shelf = Shelf::new(self, &opened.run)?;
        let mut flying = Flight::default();
        let (mut asked, mut held) = (false, None);
        loop {
            shelf.renew(self, &opened.run)?;
            let now = (self.reset.clock)();
            if let Some(until) = gate.closed_until(now) {
                return Ok(Stop::Wait(until));
            }
            let_through(opened, &mut flying, keeper, gate, now).await?;
            if let Some(ask) = held.take() {
                self.begin(&opened.run, &shelf, &mut flying, ask);
            }
            // However late it is, a slice asks something: a run always goes on.
            let turn = match self.is_late(now) {
                true if asked => Turn::Busy(None),
                late => self.fill(&mut opened.run, &shelf, &mut flying, if late { 1 } else { AT_ONCE }, now),
            };
            opened.run.mark(now);
            asked |= !flying.is_empty();
            match turn {
                Turn::Finished if flying.is_empty() => return Ok(Stop::Finished),
                Turn::Wait(at) if flying.is_empty() => {
                    opened.run.rests(now, at);
                    return Ok(Stop::Wait(at));
                }
                _ if flying.is_empty() && self.is_late(now) => return Ok(Stop::Time),
                Turn::Do(ask) => {
                    // A new stage has its first question. What was decided is on record before it is done, and the
                    // guards are asked about the new stage before anything is begun in it.
                    flying.during(keeper.save(opened, now)).await?;
                    held = Some(ask);
                    continue;
                }
                // The board says that something is under way, and nothing is: the next slice makes another board.
                _ if flying.is_empty() => return Ok(Stop::Wait(now)),
                _ => {}
            }
            // What was decided was progress enough for a slice that came late.
            if opened.run.stage != shelf.stage && self.is_late(now) {
                return Ok(Stop::Time);
            }
            if opened.run.stage != shelf.stage || keeper.is_due() {
                flying.during(keeper.save(opened, now)).await?;
            }
            let Some(answer) = self.next(&mut flying, &turn, now).await else {
                if self.left(LAST).is_zero() && asked {
                    return Ok(Stop::Time);
                }
                continue;
            };
            let opening = opened.run.stage == Stage::Opening;
            gate.count();
            opened.run.answer(shelf.rules(), answer?, (self.reset.clock)());
            if opening {
                flying.during(self.freeze(&mut opened.run)).await?;
            }
            opened.run.mark((self.reset.clock)());
        }
    }

    /// Keeps everybody else out, where something is to be deleted.
    async fn freeze(&self, run: &mut Run) -> Result<(), SliceError> {
        match run.options.mode {
            Mode::Apply => Ok(self.reset.freeze(self.sandbox, run).await?),
            Mode::DryRun => Ok(()),
        }
    }

    /// Asks as much as may be open at once; returns the first turn that is no question, or the first question of another
    /// stage, which nobody has let through yet.
    fn fill<'f>(
        &'f self,
        run: &mut Run,
        shelf: &Shelf,
        flying: &mut Flight<'f>,
        at_once: usize,
        now: Timestamp,
    ) -> Turn {
        let stage = run.stage.clone();
        while flying.len() < at_once {
            match run.turn(shelf.rules(), now) {
                Turn::Do(ask) if run.stage == stage => self.begin(run, shelf, flying, ask),
                turn => return turn,
            }
        }
        Turn::Busy(None)
    }

    fn begin<'f>(&'f self, run: &Run, shelf: &Shelf, flying: &mut Flight<'f>, ask: Ask) {
        let (account, catalogue) = (run.account.clone(), Arc::clone(&shelf.catalogue));
        let answer = async move { Engine { catalogue: &catalogue, ..self.engine }.carry_out(&account, ask).await };
        flying.push(answer.boxed());
    }

    /// The next answer; nothing when something else falls due before, or the time is up.
    async fn next(&self, flying: &mut Flight<'_>, turn: &Turn, now: Timestamp) -> Option<Result<Answer, EngineError>> {
        let due = match turn {
            Turn::Busy(Some(at)) | Turn::Wait(at) => at.duration_since(now).unsigned_abs(),
            Turn::Busy(None) | Turn::Do(_) | Turn::Finished => Duration::MAX,
        };
        let patience = due.min(self.left(LAST)).max(SHORTEST);
        tokio::time::timeout(patience, flying.next()).await.ok().flatten()
    }

    fn is_late(&self, now: Timestamp) -> bool {
        self.deadline.checked_sub(MARGIN).is_ok_and(|until| now >= until)
    }

    fn left(&self, margin: SignedDuration) -> Duration {
        let until = self.deadline.checked_sub(margin).unwrap_or(self.deadline);
        let left = until.duration_since((self.reset.clock)());
        if left.is_negative() { Duration::ZERO } else { left.unsigned_abs() }
    }

    /// Works without keeping anything, until it is over: for plans, which delete nothing.
    pub async fn look(&self, run: &mut Run) -> Result<(), SliceError> {
        let before = self.reset.accounts.meter().total();
        let mut flying = Flight::default();
        let mut shelf = Shelf::new(self, run)?;
        loop {
            shelf.renew(self, run)?;
            let now = (self.reset.clock)();
            let turn = self.fill(run, &shelf, &mut flying, AT_ONCE, now);
            match turn {
                Turn::Do(ask) => {
                    self.begin(run, &shelf, &mut flying, ask);
                    continue;
                }
                Turn::Finished if flying.is_empty() => break,
                // A list that was throttled is due again in seconds; nothing is locked meanwhile.
                Turn::Wait(at) if flying.is_empty() => {
                    tokio::time::sleep(at.duration_since(now).unsigned_abs()).await;
                    continue;
                }
                _ => {}
            }
            if let Some(answer) = self.next(&mut flying, &turn, now).await {
                run.answer(shelf.rules(), answer?, (self.reset.clock)());
            }
        }
        run.calls += self.reset.accounts.meter().total().saturating_sub(before);
        Ok(())
    }
}

/// Asks the guards about the stage, where their last yes is not good any more.
async fn let_through(
    opened: &mut Opened,
    flying: &mut Flight<'_>,
    keeper: &mut Keeper<'_>,
    gate: &mut Gate<'_>,
    now: Timestamp,
) -> Result<(), SliceError> {
    if gate.is_fresh(&opened.run.stage) {
        return Ok(());
    }
    flying.during(keeper.prove()).await?;
    if let Err(refusal) = flying.during(gate.pass(&opened.run.stage)).await {
        // What was answered is put on record; what is under way is asked again, should the run go on.
        flying.during(keeper.save(opened, now)).await?;
        return Err(refusal.into());
    }
    Ok(())
}

/// What a run decides with: the rules, and the types with those that it has learned of. Questions under way keep the
/// types that they were asked by.
struct Shelf {
    stage: Stage,
    catalogue: Arc<Catalogue>,
    registry: Registry,
    protection: Protection,
}

impl Shelf {
    fn new(drive: &Drive<'_>, run: &Run) -> Result<Self, SliceError> {
        let catalogue = Arc::new(drive.reset.catalogue.with(&run.registry));
        let protection = drive.reset.protection(drive.sandbox, run)?;
        Ok(Self { stage: run.stage.clone(), catalogue, registry: run.registry.clone(), protection })
    }

    /// What changes it comes with another stage of the run.
    fn renew(&mut self, drive: &Drive<'_>, run: &Run) -> Result<(), SliceError> {
        if self.stage == run.stage {
            return Ok(());
        }
        self.stage = run.stage.clone();
        if self.registry != run.registry {
            *self = Self::new(drive, run)?;
        }
        self.protection = drive.reset.protection(drive.sandbox, run)?;
        Ok(())
    }

    fn rules(&self) -> Rules<'_> {
        Rules { catalogue: &self.catalogue, protection: &self.protection }
    }
}

impl<'a> Keeper<'a> {
    /// Keeps a run for a slice.
    pub fn new(book: Book<'a>, slice: &'a str, deadline: Timestamp, lock: &'a mut Lock, meter: &'a Meter) -> Self {
        let counted = meter.total();
        Self { book, slice, deadline, lock, meter, last: Instant::now(), pause: SAVE_EVERY, counted }
    }

    fn is_due(&self) -> bool {
        self.last.elapsed() >= self.pause
    }

    /// Proves that the account is still ours: a slice that lost it asks nothing more.
    async fn prove(&mut self) -> Result<(), SliceError> {
        Ok(self.book.renew(self.lock, self.deadline).await?)
    }

    /// Proves that the account is still ours, and saves.
    async fn save(&mut self, opened: &mut Opened, now: Timestamp) -> Result<(), SliceError> {
        let start = Instant::now();
        let total = self.meter.total();
        opened.run.calls += total.saturating_sub(self.counted);
        self.counted = total;
        self.book.renew(self.lock, self.deadline).await?;
        self.book.save(opened, self.slice, now).await?;
        (self.last, self.pause) = (Instant::now(), SAVE_EVERY.max(start.elapsed() * SAVE_SHARE));
        Ok(())
    }
}
