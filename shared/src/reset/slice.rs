//! One slice: guards, lock, checkpoint, then question after question until the time is up or there is nothing to do now.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::book::{Book, Busy, Head, Lock, Opened};
use super::catalogue::{Catalogue, Unreadable};
use super::drive::{Drive, Keeper};
use super::engine::{Baseliner, Engine, EngineError};
use super::guard::{Gate, Guard, Pinned, Refusal};
use super::people::People;
use super::protect::Protection;
use super::receipt::Receipt;
use super::state::{End, Options, Run};
use super::verdict::Verdict;
use crate::Forester;
use crate::aws::Accounts;
use crate::config::{Config, How, Sandbox};
use crate::org::Directory;
use crate::store::{Objects, Store, StoreError};
use crate::types::{AccountId, Mode};

/// How old decisions may be when a run goes on: people tag and use things meanwhile.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything that a reset works with.
#[derive(Clone)]
pub struct Reset {
    /// The file.
    pub config: Arc<Config>,
    /// Ways into accounts.
    pub accounts: Arc<dyn Accounts>,
    /// The organization.
    pub directory: Arc<dyn Directory>,
    /// Heads and locks.
    pub store: Arc<dyn Store>,
    /// Checkpoints and receipts.
    pub objects: Arc<dyn Objects>,
    /// The baseline.
    pub baseliner: Arc<dyn Baseliner>,
    /// The way to people.
    pub people: Arc<dyn People>,
    /// The types.
    pub catalogue: &'static Catalogue,
    /// The time.
    pub clock: Clock,
}

/// What is asked of one slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Whose run.
    pub account: AccountId,
    /// The run, new or not.
    pub run: String,
    /// The hash of the plan that somebody approved; counts when the run is new.
    pub plan: Option<String>,
    /// Who works: no two slices may bear the same name.
    pub slice: String,
    /// When the slice must be over.
    pub deadline: Timestamp,
    /// Somebody insists: outside of `sandbox.windows`, too.
    pub insists: bool,
}

/// What comes after a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Next {
    /// Another slice at once.
    Continue,
    /// Another slice after so many seconds.
    Wait,
    /// It is over.
    Done,
    /// It is over, and something is left.
    Stuck,
    /// A guard said no.
    Refused,
}

/// What a slice says: the state machine chooses by it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SliceReport {
    /// The run.
    pub run: String,
    /// Its account.
    pub account: AccountId,
    /// What comes next.
    pub next: Next,
    /// How long to wait before.
    pub seconds: u64,
    /// One line for people.
    pub progress: String,
    /// What was proved, at the end.
    pub verdict: Option<Verdict>,
    /// Where the receipt is, at the end.
    pub receipt: Option<String>,
    /// The same for a browser.
    pub html: Option<String>,
}

/// Why a slice could not work. The checkpoint is as good as before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SliceError {
    /// A guard said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed, or somebody else took over.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A call failed that the whole run depends on.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<Busy> for SliceError {
    fn from(busy: Busy) -> Self {
        match busy {
            Busy::Refused(refusal) => Self::Refused(refusal),
            Busy::Store(error) => Self::Store(error),
        }
    }
}

impl Reset {
    /// From the wired parts.
    pub fn new(
        forester: &Forester,
        baseliner: Arc<dyn Baseliner>,
        people: Arc<dyn People>,
    ) -> Result<Self, Unreadable> {
        let Forester { config, accounts, directory, store, objects, .. } = forester.clone();
        let (catalogue, clock) = (Catalogue::embedded()?, Arc::new(Timestamp::now));
        Ok(Self { config, accounts, directory, store, objects, baseliner, people, catalogue, clock })
    }

    /// A run as it was saved last, as a report.
    pub async fn receipt(&self, run: &str) -> Result<Option<Receipt>, StoreError> {
        Ok(self.book().load(run).await?.as_ref().map(Receipt::of))
    }

    /// The store and the objects.
    pub fn book(&self) -> Book<'_> {
        Book { store: &*self.store, objects: &*self.objects }
    }

    /// The file's section, if it is right.
    pub(super) fn section(&self) -> Result<&Sandbox, Refusal> {
        self.guard().section()
    }

    pub(super) fn guard(&self) -> Guard<'_> {
        Guard {
            config: &self.config,
            directory: &*self.directory,
            accounts: &*self.accounts,
            catalogue: self.catalogue,
            baseliner: &*self.baseliner,
        }
    }

    /// Works until the deadline, a wait, or the end.
    pub async fn slice(&self, order: &Order) -> Result<SliceReport, SliceError> {
        order.sound()?;
        let worked = self.guarded(order).await;
        if let Err(SliceError::Refused(refusal)) = &worked {
            self.thaw_refused(&order.account, refusal).await;
        }
        worked
    }

    async fn guarded(&self, order: &Order) -> Result<SliceReport, SliceError> {
        let head = self.book().head(&order.run).await?;
        let closing = head.is_some_and(|head| head.closing && head.account == order.account);
        let checked = match closing {
            true => self.guard_closing(&order.account).await,
            false => self.guard().check(&order.account).await,
        };
        let sandbox = checked?;
        let gate = Gate::new(self.guard(), sandbox, &order.account, order.insists);
        gate.running().await?;
        if let Some(until) = gate.closed_until((self.clock)()) {
            return Ok(resting(order, until, (self.clock)()));
        }
        let book = self.book();
        let mut lock = book.lock(&order.account, &order.slice, order.deadline, (self.clock)()).await?;
        let worked = self.locked(sandbox, order, gate, &mut lock).await;
        book.release(lock).await;
        worked
    }

    async fn locked(
        &self,
        sandbox: &Sandbox,
        order: &Order,
        mut gate: Gate<'_>,
        lock: &mut Lock,
    ) -> Result<SliceReport, SliceError> {
        let now = (self.clock)();
        let options = Options::new(sandbox, self.mode(sandbox, order).await?, order.plan.clone());
        let mut opened = self.book().open(Run::new(&order.run, &order.account, options, now)).await?;
        opened.belongs_to(&order.run, &order.account)?;
        opened.is_of_one_piece()?;
        if let Some(plan) = order.plan.as_ref().filter(|plan| opened.run.options.plan.as_ref() != Some(plan)) {
            let began =
                opened.run.options.plan.as_ref().map_or("without a plan".to_owned(), |old| format!("with plan {old}"));
            let message = format!(
                "run {} of {} began {began}, and plan {plan} was approved after that; let the run end without `--plan`, \
                 then make a new plan",
                order.run, order.account
            );
            return Err(Refusal::Run(message).into());
        }
        if opened.head.end.is_some() && opened.head.receipt.is_some() {
            return Ok(report(&opened.head, Next::of(&opened.run), 0));
        }
        gate.approved(opened.run.options.plan.as_deref())?;
        if opened.run.options.mode == Mode::Apply {
            self.recreates(sandbox, order, &mut opened)?;
        }
        if opened.run.recreation.is_some() {
            return self.recreated(sandbox, order, &mut opened, &mut gate, lock).await;
        }
        let stale = now.duration_since(opened.head.updated) > FRESH || opened.run.options.protect != sandbox.protect;
        if stale && opened.run.end().is_none() {
            opened.run.options.protect.clone_from(&sandbox.protect);
            opened.run.reopen();
        }
        let seconds = self.drive(sandbox, order, gate, &mut opened, lock).await?;
        if self.falls_back(sandbox, &mut opened.run).await? {
            self.book().save(&mut opened, &order.slice, now).await?;
        }
        self.reported(sandbox, order, &mut opened, seconds).await
    }

    /// The part of a slice that closes the account and makes another.
    async fn recreated(
        &self,
        sandbox: &Sandbox,
        order: &Order,
        opened: &mut Opened,
        gate: &mut Gate<'_>,
        lock: &mut Lock,
    ) -> Result<SliceReport, SliceError> {
        let seconds = self.recreate(sandbox, order, opened, gate, lock).await?;
        self.reported(sandbox, order, opened, seconds).await
    }

    async fn reported(
        &self,
        sandbox: &Sandbox,
        order: &Order,
        opened: &mut Opened,
        seconds: u64,
    ) -> Result<SliceReport, SliceError> {
        if opened.run.end().is_some() {
            self.conclude(sandbox, order, opened).await?;
            return Ok(report(&opened.head, Next::of(&opened.run), 0));
        }
        Ok(report(&opened.head, if seconds > 0 { Next::Wait } else { Next::Continue }, seconds))
    }

    /// Goes on with the run until the time is up; returns the seconds to wait before the next slice.
    async fn drive(
        &self,
        sandbox: &Sandbox,
        order: &Order,
        gate: Gate<'_>,
        opened: &mut Opened,
        lock: &mut Lock,
    ) -> Result<u64, SliceError> {
        let pinned = Pinned { accounts: &*self.accounts, account: &order.account };
        let engine = self.engine(&pinned, &self.protection(sandbox, &opened.run)?);
        if opened.run.stage.is_open() && engine.declared(&order.account).await?.0 != opened.run.reserved {
            // What the baseline declares is another thing now: what was decided by the old one is decided again.
            opened.run.reopen();
        }
        let keeper = Keeper::new(self.book(), &order.slice, order.deadline, lock, self.accounts.meter());
        let drive = Drive { reset: self, sandbox, engine, deadline: order.deadline };
        drive.go(opened, keeper, gate).await
    }

    pub(super) fn protection(&self, sandbox: &Sandbox, run: &Run) -> Result<Protection, Refusal> {
        Protection::new(sandbox, run.reserved.clone()).map_err(Refusal::Section)
    }

    fn engine<'a>(&'a self, accounts: &'a Pinned<'_>, protection: &Protection) -> Engine<'a> {
        Engine {
            accounts,
            reports: &*self.accounts,
            catalogue: self.catalogue,
            baseliner: &*self.baseliner,
            home: &self.config.home_region,
            want_tags: protection.wants_tags(),
            want_details: protection.wants_details(),
            access: &self.config.access,
        }
    }

    /// What a reset would do now: scans once, keeps nothing, deletes nothing.
    pub async fn plan(&self, account: &AccountId) -> Result<Run, SliceError> {
        let sandbox = self.guard().check(account).await?;
        let options = Options::new(sandbox, Mode::DryRun, None);
        let mut run = Run::new("plan", account, options, (self.clock)());
        if sandbox.how == How::Recreate {
            let message =
                "the file says `how: recreate`: the account would be closed with everything in it, kept or not";
            run.notes.push(message.to_owned());
        }
        let pinned = Pinned { accounts: &*self.accounts, account };
        let engine = self.engine(&pinned, &self.protection(sandbox, &run)?);
        let deadline = Timestamp::MAX;
        Drive { reset: self, sandbox, engine, deadline }.look(&mut run).await?;
        Ok(run)
    }
}

impl Next {
    fn of(run: &Run) -> Self {
        match run.end() {
            Some(End::Done | End::Planned) => Self::Done,
            Some(End::Stuck) => Self::Stuck,
            Some(End::Refused(_)) => Self::Refused,
            None => Self::Continue,
        }
    }
}

impl Order {
    /// Names become parts of keys and paths, so they are held to what Forester itself would call them.
    fn sound(&self) -> Result<(), Refusal> {
        let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        for name in [&self.run, &self.slice] {
            if name.is_empty() || name.len() > 128 || name.contains("..") || !name.bytes().all(letter) {
                let message = format!("`{name}` is not the name of a run; `forester reset status` lists them");
                return Err(Refusal::Run(message));
            }
        }
        Ok(())
    }
}

/// Whole seconds until then, and one more: a clock that is a little behind must not ask too early.
pub(super) fn seconds(now: Timestamp, at: Timestamp) -> u64 {
    u64::try_from(at.duration_since(now).as_secs()).unwrap_or(0) + 1
}

/// Outside of the windows nothing is opened, nor locked.
fn resting(order: &Order, until: Timestamp, now: Timestamp) -> SliceReport {
    SliceReport {
        run: order.run.clone(),
        account: order.account.clone(),
        next: Next::Wait,
        seconds: seconds(now, until),
        progress: Refusal::Window { until }.to_string(),
        verdict: None,
        receipt: None,
        html: None,
    }
}

fn report(head: &Head, next: Next, seconds: u64) -> SliceReport {
    SliceReport {
        run: head.run.clone(),
        account: head.account.clone(),
        next,
        seconds,
        progress: head.progress.clone(),
        verdict: head.verdict,
        receipt: head.receipt.clone(),
        html: head.html.clone(),
    }
}
