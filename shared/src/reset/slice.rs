//! One slice: guards, lock, checkpoint, then question after question until the time is up or there is nothing to do now.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::book::{Book, Busy, Head, Lock, Opened};
use super::catalogue::{Catalogue, Unreadable};
use super::drive::{Drive, Keeper};
use super::engine::{Baseliner, Engine, EngineError};
use super::guard::{Guard, Refusal, unreadable};
use super::people::People;
use super::protect::Protection;
use super::receipt::Receipt;
use super::state::{End, Options, Run};
use super::verdict::Verdict;
use crate::Forester;
use crate::aws::Accounts;
use crate::config::{Config, How, Sandbox};
use crate::org::{Account, Directory};
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
        }
    }

    /// Works until the deadline, a wait, or the end.
    pub async fn slice(&self, order: &Order) -> Result<SliceReport, SliceError> {
        let head = self.book().head(&order.run).await?;
        let closing = head.is_some_and(|head| head.closing && head.account == order.account);
        let checked = match closing {
            true => self.guard_closing(&order.account).await,
            false => self.guard().check(&order.account).await,
        };
        let sandbox = match checked {
            Ok(sandbox) => sandbox,
            Err(refusal) => {
                self.thaw_refused(&order.account, &refusal).await;
                return Err(refusal.into());
            }
        };
        let book = self.book();
        let mut lock = book.lock(&order.account, &order.slice, order.deadline, (self.clock)()).await?;
        let worked = self.locked(sandbox, order, &mut lock).await;
        book.release(lock).await;
        worked
    }

    async fn locked(&self, sandbox: &Sandbox, order: &Order, lock: &mut Lock) -> Result<SliceReport, SliceError> {
        let now = (self.clock)();
        let options = Options::new(sandbox, Mode::Apply, order.plan.clone());
        let mut opened = self.book().open(Run::new(&order.run, &order.account, options, now)).await?;
        if opened.run.account != order.account {
            let message = format!("run {} belongs to account {}", order.run, opened.run.account);
            return Err(Refusal::Run(message).into());
        }
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
        if opened.head.end.is_some() && opened.head.verdict.is_some() {
            return Ok(report(&opened.head, Next::of(&opened.run), 0));
        }
        self.recreates(sandbox, order, &mut opened)?;
        if opened.run.recreation.is_some() {
            return self.recreated(sandbox, order, &mut opened, lock).await;
        }
        let stale = now.duration_since(opened.head.updated) > FRESH || opened.run.options.protect != sandbox.protect;
        if stale && opened.run.end().is_none() {
            opened.run.options.protect.clone_from(&sandbox.protect);
            opened.run.reopen();
        }
        let seconds = self.drive(sandbox, order, &mut opened, lock).await?;
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
        lock: &mut Lock,
    ) -> Result<SliceReport, SliceError> {
        let seconds = self.recreate(sandbox, order, opened, lock).await?;
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
        opened: &mut Opened,
        lock: &mut Lock,
    ) -> Result<u64, SliceError> {
        let engine = self.engine(&self.protection(sandbox, &opened.run)?);
        if opened.run.stage.is_open() && engine.declared(&order.account).await?.0 != opened.run.reserved {
            // What the baseline declares is another thing now: what was decided by the old one is decided again.
            opened.run.reopen();
        }
        let keeper = Keeper::new(self.book(), &order.slice, order.deadline, lock, self.accounts.meter());
        let drive = Drive { reset: self, sandbox, engine, deadline: order.deadline };
        drive.go(opened, keeper).await
    }

    pub(super) fn protection(&self, sandbox: &Sandbox, run: &Run) -> Result<Protection, Refusal> {
        Protection::new(sandbox, run.reserved.clone()).map_err(Refusal::Section)
    }

    fn engine<'a>(&'a self, protection: &Protection) -> Engine<'a> {
        Engine {
            accounts: &*self.accounts,
            catalogue: self.catalogue,
            baseliner: &*self.baseliner,
            home: &self.config.home_region,
            want_tags: protection.wants_tags(),
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
        let engine = self.engine(&self.protection(sandbox, &run)?);
        let deadline = Timestamp::MAX;
        Drive { reset: self, sandbox, engine, deadline }.look(&mut run).await?;
        Ok(run)
    }

    /// What the run of this account is called: the unfinished one, or a new one named after `time`.
    pub async fn run_for(&self, account: &AccountId, time: Timestamp) -> Result<String, StoreError> {
        let unfinished = self.book().unfinished(account).await?;
        Ok(unfinished.map_or_else(|| format!("{account}-{}", time.strftime("%Y%m%dT%H%M%SZ")), |head| head.run))
    }

    /// The accounts that are due, and those that look like sandboxes but are not emptied now, with the reason.
    pub async fn due(&self, time: Timestamp) -> Result<Due, SliceError> {
        let sandbox = self.section()?;
        self.thaw_left_over().await?;
        if let Err(error) = self.tend_pool().await {
            tracing::warn!(%error, "the pool is not tended this time: {error}");
        }
        let (accounts, skipped) = self.sandboxes(sandbox).await?;
        let mut due = Due { at_once: sandbox.limits.accounts_at_once, skipped, ..Due::default() };
        for account in accounts {
            match self.put_off(sandbox, &account, time, &mut due.notes).await? {
                Some(reason) => due.skipped.push(Skipped { account: account.id, reason }),
                None => {
                    let run = self.run_for(&account.id, time).await?;
                    due.accounts.push(DueAccount { account: account.id, run });
                }
            }
        }
        for (account, run) in self.half_done().await? {
            due.skipped.retain(|skipped| skipped.account != account);
            if !due.accounts.iter().any(|known| known.account == account) {
                due.accounts.push(DueAccount { account, run });
            }
        }
        Ok(due)
    }

    /// Why an account is not emptied at this time after all: a snooze, or that its owner was told another time. A run that
    /// has begun goes on: what is half emptied is not put off.
    async fn put_off(
        &self,
        sandbox: &Sandbox,
        account: &Account,
        time: Timestamp,
        notes: &mut Vec<String>,
    ) -> Result<Option<String>, SliceError> {
        let snoozes = self.book().snoozes(&account.id).await?;
        if snoozes.running().is_some() {
            return Ok(None);
        }
        let (snoozes, note) = match snoozes.standing(time) {
            Some(_) => (snoozes, None),
            None => self.take_tag(sandbox, account, snoozes, time, true).await?,
        };
        notes.extend(note.map(|note| format!("{}: {note}", account.id)));
        if let Some(snoozed) = snoozes.standing(time) {
            return Ok(Some(snoozed.to_string()));
        }
        let told = self.announced(sandbox, &account.id, time).await?;
        Ok(told.map(|at| {
            format!(
                "its owner was told that it is emptied at {at}, as sandbox.schedule says, and not at {time}; let the timer \
                 (the stack's parameter ResetSchedule) say the same as the file"
            )
        }))
    }

    /// The accounts in the OU: those that may be emptied, and those that may not, with the reason.
    pub(super) async fn sandboxes(&self, sandbox: &Sandbox) -> Result<(Vec<Account>, Vec<Skipped>), SliceError> {
        let privileged = self.directory.privileged().await.map_err(unreadable("privileged"))?;
        let (mut fit, mut skipped) = (Vec::new(), Vec::new());
        for account in self.directory.accounts().await.map_err(unreadable("member"))? {
            if !sandbox.matches.takes_ou(&account.ou) {
                continue;
            }
            let fits = super::guard::belongs(sandbox, &account);
            let fits = fits.and_then(|()| match privileged.contains(&account.id) {
                true => Err(Refusal::Privileged(account.id.clone())),
                false => Ok(()),
            });
            let held = self.standing(&account.id).await?.held;
            match fits {
                Ok(()) if held.is_some() => {
                    let reason = held.map(|held| held.reason).unwrap_or_default();
                    let release = format!("forester reset release {} --because TEXT", account.id);
                    let reason = format!("it is in quarantine: {reason}; look at the receipt, then `{release}`");
                    skipped.push(Skipped { account: account.id, reason });
                }
                Ok(()) => fit.push(account),
                Err(refusal) => skipped.push(Skipped { account: account.id, reason: refusal.to_string() }),
            }
        }
        Ok((fit, skipped))
    }
}

/// What is due.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Due {
    /// Accounts and the names of their runs.
    pub accounts: Vec<DueAccount>,
    /// How many the file wants at the same time.
    pub at_once: u32,
    /// Accounts in the OU that are not emptied now.
    pub skipped: Vec<Skipped>,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// An account to reset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DueAccount {
    /// The account.
    pub account: AccountId,
    /// Its run.
    pub run: String,
}

/// An account that is not reset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// The account.
    pub account: AccountId,
    /// Why.
    pub reason: String,
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
