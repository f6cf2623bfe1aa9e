//! Close and create: the account is closed, and a fresh one takes its name, its place and its tags.
//!
//! A run is killed at any call, and asked again. So each step that cannot be repeated is written down before it is taken,
//! and begins with a look at what is so: an account that is closing is not closed once more, and an address is asked for
//! until it is known whose it is. An address belongs to one account for ever, which is what makes a second successor
//! impossible: while a request is open or unclear, the run does not go on to another address.

mod close;
mod create;
mod names;
mod pool;
#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::book::{Lock, Opened};
use super::drive::MARGIN;
use super::freeze::note;
use super::guard::{Gate, Refusal};
use super::slice::{Order, Reset, SliceError};
use super::state::{End, Run, Stage};
use super::verdict::Verdict;
use crate::config::{Fallback, How, Recreate, Sandbox};
use crate::store::StoreError;
use crate::types::AccountId;

pub use pool::Pooled;

/// An account on its way out, and the one that takes its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recreation {
    /// Why.
    pub because: String,
    /// It is what is left to do about an account that could not be emptied.
    pub fallback: bool,
    /// What comes next.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// What the successor is called: the name that the old one had.
    pub name: String,
    /// The address of the old one.
    pub old_email: Option<String>,
    /// The OU that the successor comes to.
    pub place: String,
    /// The tags that it gets.
    pub tags: BTreeMap<String, String>,
    /// Its address, once there is one.
    pub email: Option<String>,
    /// The request for it, once AWS has taken one.
    pub request: Option<String>,
    /// Its id, once it is there.
    pub successor: Option<AccountId>,
    /// It was kept ready.
    pub pooled: bool,
    /// Its baseline was seen in place.
    pub baselined: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// All guards are asked, and what the successor needs is written down.
    Guarding,
    /// A place in the 30-day window is taken.
    Admission,
    /// From here on the account may be closing.
    Closing,
    /// AWS closes it.
    Closed,
    /// One that was kept ready is taken, if there is one.
    Claiming,
    /// An address is chosen.
    Naming,
    /// From here on the successor may be in the making under that address.
    Making,
    /// It gets its tags and its place.
    Settling,
    /// Its baseline is awaited.
    Awaiting,
}

/// What came of one step.
enum Step {
    /// On to this.
    To(Phase),
    /// The same again, in so many seconds.
    Wait(u64),
    /// It ends here.
    End(Ending),
}

/// How it ends.
enum Ending {
    /// The successor is in its place.
    Done,
    /// A guard or AWS said no, and nothing was changed.
    Refused(String),
    /// The account is closed, and nothing has taken its place.
    Incomplete(String),
}

impl Recreation {
    fn new(because: &str, fallback: bool, now: Timestamp) -> Self {
        Self {
            because: because.to_owned(),
            fallback,
            phase: Phase::Guarding,
            since: now,
            name: String::new(),
            old_email: None,
            place: String::new(),
            tags: BTreeMap::new(),
            email: None,
            request: None,
            successor: None,
            pooled: false,
            baselined: false,
        }
    }

    /// Whether the account may be closing, so that it need not be in use any more.
    pub fn past_closing(&self) -> bool {
        !matches!(self.phase, Phase::Guarding | Phase::Admission)
    }

    /// What it proves, once it is done.
    pub fn verdict(&self) -> Verdict {
        if self.baselined { Verdict::Green } else { Verdict::Amber }
    }

    /// One line for people while it goes on.
    pub fn progress(&self) -> String {
        let successor = self.successor.as_ref().map(AccountId::to_string).unwrap_or_default();
        match self.phase {
            Phase::Guarding | Phase::Admission => "may it be closed?".to_owned(),
            Phase::Closing | Phase::Closed => "closing the account".to_owned(),
            Phase::Claiming | Phase::Naming | Phase::Making => {
                format!("making {} anew", self.name)
            }
            Phase::Settling => format!("{successor} takes its place"),
            Phase::Awaiting => format!("waiting for the baseline of {successor}"),
        }
    }
}

impl Run {
    /// Whether the account of the run may be closing.
    pub fn is_closing(&self) -> bool {
        self.recreation.as_ref().is_some_and(Recreation::past_closing)
    }
}

impl Reset {
    /// A new run closes and creates where the file says so.
    pub(super) fn recreates(&self, sandbox: &Sandbox, order: &Order, opened: &mut Opened) -> Result<(), Refusal> {
        if sandbox.how == How::Recreate && opened.head.checkpoint.is_empty() {
            if let Some(plan) = &order.plan {
                let message = format!("plan {plan} lists what is deleted, and the file says `how: recreate`");
                return Err(Refusal::Run(message));
            }
            begin(&mut opened.run, "the file says `how: recreate`", false, (self.clock)());
        }
        Ok(())
    }

    /// Whether a run that got stuck goes on by closing the account.
    pub(super) async fn falls_back(&self, sandbox: &Sandbox, run: &mut Run) -> Result<bool, StoreError> {
        let wanted = sandbox.fallback == Fallback::Recreate && run.recreation.is_none();
        let (Some(recreate), Some(End::Stuck), true) = (&sandbox.recreate, run.end(), wanted) else { return Ok(false) };
        let standing = self.standing(&run.account).await?;
        let failures = standing.failures + u32::from(standing.run != run.id);
        if failures < recreate.after_stuck {
            return Ok(false);
        }
        let because = format!("{failures} runs in a row got stuck, and the file says `fallback: recreate`");
        begin(run, &because, true, (self.clock)());
        run.finished = None;
        Ok(true)
    }

    /// Step after step until the time is up, a wait, or the end. Returns the seconds to wait.
    pub(super) async fn recreate(
        &self,
        sandbox: &Sandbox,
        order: &Order,
        opened: &mut Opened,
        gate: &mut Gate<'_>,
        lock: &mut Lock,
    ) -> Result<u64, SliceError> {
        let until = order.deadline.checked_sub(MARGIN).unwrap_or(order.deadline);
        let mut first = true;
        while opened.run.end().is_none() && (first || (self.clock)() < until) {
            first = false;
            self.book().renew(lock, order.deadline).await?;
            gate.running().await?;
            let before = self.accounts.meter().total();
            let step = self.recreate_step(sandbox, order, &mut opened.run, gate, lock).await;
            let now = (self.clock)();
            opened.run.calls += self.accounts.meter().total().saturating_sub(before);
            opened.run.mark(now);
            let seconds = match step? {
                Step::To(phase) => {
                    if let Some(recreation) = &mut opened.run.recreation {
                        (recreation.phase, recreation.since) = (phase, now);
                    }
                    0
                }
                Step::Wait(seconds) => seconds,
                Step::End(end) => {
                    end_with(&mut opened.run, end, now);
                    0
                }
            };
            if let (true, Ok(until)) = (seconds > 0, now.checked_add(Duration::from_secs(seconds))) {
                opened.run.rests(now, until);
            }
            self.book().save(opened, &order.slice, now).await?;
            if seconds > 0 {
                return Ok(seconds);
            }
        }
        Ok(0)
    }

    async fn recreate_step(
        &self,
        sandbox: &Sandbox,
        order: &Order,
        run: &mut Run,
        gate: &mut Gate<'_>,
        lock: &mut Lock,
    ) -> Result<Step, SliceError> {
        let Some(mut state) = run.recreation.clone() else { return Ok(Step::To(Phase::Guarding)) };
        let Some(rules) = &sandbox.recreate else {
            return Ok(Step::End(Ending::Refused("the file has no `sandbox.recreate` any more".to_owned())));
        };
        let step = match state.phase {
            Phase::Guarding => self.look_before_closing(rules, &mut state, run).await,
            Phase::Admission => self.admit(rules, run).await,
            Phase::Closing => self.close_account(order, run, gate, lock).await,
            Phase::Closed => self.follow_close(&state, run).await,
            Phase::Claiming => self.claim(sandbox, &mut state, run).await,
            Phase::Naming => self.choose_address(rules, &mut state).await,
            Phase::Making => self.make(&mut state).await,
            Phase::Settling => self.settle(&state, run).await,
            Phase::Awaiting => self.await_baseline(rules, &mut state, run).await,
        };
        run.recreation = Some(state);
        step
    }

    /// The successor works without a word in the file; these are the words that make it known there.
    fn tell_successor(&self, state: &Recreation, run: &mut Run) {
        let Some(successor) = &state.successor else { return };
        let address = state.email.as_deref().unwrap_or("an address of its own");
        let account = run.account.clone();
        note(&mut run.remarks, &format!("account {account} is closed; {successor} <{address}> takes its place"));
        let entry = self
            .config
            .accounts
            .iter()
            .find(|(name, entry)| entry.id.as_ref().map_or(**name == state.name, |id| *id == account));
        let todo = match entry {
            Some((name, entry)) if entry.id.is_some() => {
                format!("in the file, at accounts.{name}, put `id: \"{successor}\"` in the place of the old one")
            }
            Some((name, _)) => {
                format!("in the file, at accounts.{name}, put `email: {address}` in the place of the old one")
            }
            None => "the file does not name the account, so nothing has to be changed there".to_owned(),
        };
        note(&mut run.remarks, &todo);
        let billed = "AWS keeps the closed account for 90 days, in which AWS Support can open it again, and goes on to \
                      bill reserved instances, savings plans and Marketplace subscriptions in it";
        note(&mut run.remarks, billed);
    }
}

fn begin(run: &mut Run, because: &str, fallback: bool, now: Timestamp) {
    run.recreation = Some(Recreation::new(because, fallback, now));
    run.stage = Stage::Recreating;
}

/// Nothing was changed when a guard refused; then an account that got stuck is stuck, and says why it was not closed.
fn end_with(run: &mut Run, end: Ending, now: Timestamp) {
    let fallback = run.recreation.as_ref().is_some_and(|recreation| recreation.fallback);
    match end {
        Ending::Refused(reason) if fallback => {
            note(&mut run.notes, &format!("the account could not be emptied, and was not closed: {reason}"));
            run.finish(End::Stuck, now);
        }
        Ending::Incomplete(reason) => {
            note(&mut run.notes, &format!("the account is closed, and nothing has taken its place: {reason}"));
            run.finish(End::Stuck, now);
        }
        Ending::Refused(reason) => run.finish(End::Refused(reason), now),
        Ending::Done => run.finish(End::Done, now),
    }
}

/// How long a phase has lasted.
fn lasted(state: &Recreation, now: Timestamp) -> SignedDuration {
    now.duration_since(state.since)
}

/// Whether a phase has lasted longer than the file allows.
fn overdue(rules: &Recreate, state: &Recreation, now: Timestamp) -> bool {
    lasted(state, now).unsigned_abs() > rules.baseline_within.length()
}
