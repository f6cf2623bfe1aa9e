//! Notices before a scheduled reset: what will go, told to the owner in good time, each once.
//!
//! A notice is an item of the store: it is taken before the account is scanned, and closed once it was handed on, so that
//! two wakers do not both send it and one that died is followed by the next. One that is late still goes, but never
//! after the reset, and never two of them at once: the nearest speaks for those before it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::due::Skipped;
use super::engine::EngineError;
use super::letter::{Announced, announcement};
use super::plan::PlanReport;
use super::slice::{Reset, SliceError};
use super::snooze::{Snoozed, Snoozes, Tagged};
use crate::config::{Pause, Sandbox, Schedule};
use crate::org::Account;
use crate::store::{Item, Key, StoreError, When};
use crate::types::AccountId;

/// What telling takes after the scan.
const TELLING: SignedDuration = SignedDuration::from_secs(45);

/// How long a notice is taken for: longer than any function runs.
const TAKEN: SignedDuration = SignedDuration::from_mins(20);

/// How long a closed notice is remembered after its reset.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 90);

/// After so many scans that did not come to an end, a notice goes without its list.
const SCANS: u32 = 2;

/// How late a timer may go off and still mean the time that the file names.
const LATE: SignedDuration = SignedDuration::from_hours(12);

/// How long a run that says nothing holds the notices of its account back.
const SILENT: SignedDuration = SignedDuration::from_hours(6);

/// What became of the notices of one waking.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NoticeReport {
    /// Every sandbox account: when it is reset, and what was told.
    pub accounts: Vec<Upcoming>,
    /// Accounts in the OU that may not be emptied.
    pub skipped: Vec<Skipped>,
}

/// One account's next reset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Upcoming {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// When it is reset; `None`: the schedule has ended.
    pub reset: Option<Timestamp>,
    /// The snooze that puts it off.
    pub snoozed: Option<Snoozed>,
    /// The notice that is due.
    pub due: Option<Pause>,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// What else is worth knowing.
    pub note: Option<String>,
}

/// What became of a notice that was due.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was handed on.
    Sent,
    /// The file names nobody who would hear it.
    Unheard,
    /// Somebody else is at it.
    Taken,
    /// Its reset came first.
    Late,
    /// It is tried again when the function wakes next, with the reason.
    Later(String),
}

/// How a notice stands in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    /// Somebody is at it until then.
    Taken { until: Timestamp, scans: u32 },
    /// It was handed on, or nobody is there to hear it.
    Closed { at: Timestamp, heard: bool },
}

/// A notice that was taken.
struct Claim {
    key: Key,
    version: u64,
    scans: u32,
}

/// What came of the scan for a letter.
enum Listed {
    /// The letter can be written: with the plan, or with the reason why there is none.
    Plan(Result<PlanReport, String>),
    /// Another try is worth it.
    NotYet(String),
}

fn may_pass(error: &SliceError) -> bool {
    match error {
        SliceError::Refused(refusal) => refusal.may_pass(),
        SliceError::Engine(EngineError::Call(error)) => error.may_pass(),
        SliceError::Store(_) | SliceError::Engine(_) => true,
    }
}

/// The notice that is due: the nearest whose time has come, unless it, or a nearer one, is closed.
fn due(notices: &[Pause], reset: Timestamp, now: Timestamp, closed: impl Fn(Pause) -> bool) -> Option<Pause> {
    if now >= reset {
        return None;
    }
    let come = |notice: &&Pause| reset.checked_sub(notice.length()).is_ok_and(|time| time <= now);
    let nearest = notices.iter().filter(come).min().copied()?;
    let spoken = notices.iter().filter(|notice| **notice <= nearest).any(|notice| closed(*notice));
    (!spoken).then_some(nearest)
}

impl Reset {
    /// Sends every notice that is due, until the deadline; `send` off: only tells which would be.
    pub async fn notices(&self, deadline: Timestamp, send: bool) -> Result<NoticeReport, SliceError> {
        let sandbox = self.section()?;
        let mut report = NoticeReport::default();
        let Some(schedule) = &sandbox.schedule else { return Ok(report) };
        let (accounts, skipped) = self.sandboxes(sandbox).await?;
        report.skipped = skipped;
        let at_once = usize::try_from(sandbox.limits.accounts_at_once).unwrap_or(1).max(1);
        let one = |account| self.upcoming(sandbox, schedule, account, deadline, send).boxed();
        let all: Vec<Result<Upcoming, SliceError>> =
            stream::iter(accounts.into_iter().map(one).collect::<Vec<_>>()).buffered(at_once).collect().await;
        report.accounts = all.into_iter().collect::<Result<_, _>>()?;
        Ok(report)
    }

    async fn upcoming(
        &self,
        sandbox: &Sandbox,
        schedule: &Schedule,
        account: Account,
        deadline: Timestamp,
        send: bool,
    ) -> Result<Upcoming, SliceError> {
        let now = (self.clock)();
        // What fires this second is not announced any more.
        let soon = now.checked_add(SignedDuration::from_secs(1)).unwrap_or(now);
        let mut snoozes = self.book().snoozes(&account.id).await?;
        let mut note = None;
        if let Some(next) = snoozes.next_reset(schedule, soon) {
            (snoozes, note) = self.take_tag(sandbox, &account, snoozes, next, send).await?;
        }
        let mut upcoming = Upcoming {
            account: account.id.clone(),
            name: account.name.clone(),
            reset: snoozes.next_reset(schedule, soon),
            snoozed: snoozes.standing(now).cloned(),
            due: None,
            outcome: None,
            note,
        };
        let Some(reset) = upcoming.reset else { return Ok(upcoming) };
        if let Some(run) = self.at_work(&account.id, now).await? {
            upcoming.note = Some(format!("run {run} is at work; notices wait until it is over"));
            return Ok(upcoming);
        }
        let known = self.known(&account.id, reset).await?;
        let closed = |notice| matches!(known.get(&place(reset, notice)), Some((Standing::Closed { .. }, _)));
        upcoming.due = due(&sandbox.notice, reset, now, closed);
        if let (Some(notice), true) = (upcoming.due, send) {
            let announced = Announced { account: &account, sandbox, schedule, snoozes: &snoozes, reset, notice, now };
            upcoming.outcome = Some(self.announce(&announced, &known, deadline).await?);
        }
        Ok(upcoming)
    }

    /// The time that the account's owner was told, where that is another one than now: a timer that goes off at a time
    /// that the file does not name would empty an account before its announced time.
    pub(super) async fn announced(
        &self,
        sandbox: &Sandbox,
        account: &AccountId,
        time: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(schedule) = &sandbox.schedule else { return Ok(None) };
        let since = time.checked_sub(LATE).unwrap_or(time);
        if schedule.at_or_after(since).is_some_and(|at| at <= time) {
            return Ok(None);
        }
        let Some(reset) = schedule.at_or_after(time) else { return Ok(None) };
        let known = self.known(account, reset).await?;
        let heard = known.values().any(|(standing, _)| matches!(standing, Standing::Closed { heard: true, .. }));
        Ok(heard.then_some(reset))
    }

    /// Takes in what a tag asks for, and writes it down, unless somebody only looks. The same tag counts once.
    pub(super) async fn take_tag(
        &self,
        sandbox: &Sandbox,
        account: &Account,
        snoozes: Snoozes,
        next: Timestamp,
        write: bool,
    ) -> Result<(Snoozes, Option<String>), StoreError> {
        let now = (self.clock)();
        let zone = sandbox.schedule.as_ref().and_then(Schedule::zone).unwrap_or(jiff::tz::TimeZone::UTC);
        match snoozes.tagged(account, sandbox.snooze.as_ref(), &zone, next, now) {
            Tagged::Nothing => Ok((snoozes, None)),
            Tagged::Ignored(why) => Ok((snoozes, Some(why))),
            Tagged::New(new) if write => Ok((self.book().snooze(&account.id, &snoozes, new).await?, None)),
            Tagged::New(new) => Ok((snoozes.with(new), None)),
        }
    }

    /// A run that is emptying the account right now: what would be announced is going anyway.
    async fn at_work(&self, account: &AccountId, now: Timestamp) -> Result<Option<String>, StoreError> {
        let head = self.book().unfinished(account).await?;
        Ok(head.filter(|head| now.duration_since(head.updated) < SILENT).map(|head| head.run))
    }

    async fn known(
        &self,
        account: &AccountId,
        reset: Timestamp,
    ) -> Result<BTreeMap<String, (Standing, u64)>, StoreError> {
        let items = self.store.list(&partition(account), &format!("{reset}#")).await?;
        let read = |item: Item| {
            let standing = item.read()?;
            Ok((item.key.sort, (standing, item.version)))
        };
        items.into_iter().map(read).collect()
    }

    async fn announce(
        &self,
        announced: &Announced<'_>,
        known: &BTreeMap<String, (Standing, u64)>,
        deadline: Timestamp,
    ) -> Result<Outcome, SliceError> {
        let now = (self.clock)();
        let left = deadline.duration_since(now) - TELLING;
        if !left.is_positive() {
            return Ok(Outcome::Later("no time was left; the function goes on when it wakes next".to_owned()));
        }
        let Some(claim) = self.take(announced, known, now).await? else { return Ok(Outcome::Taken) };
        let scans = claim.scans;
        let plan = match self.list(announced, scans, left).await {
            Listed::Plan(plan) => plan,
            Listed::NotYet(why) => {
                self.give_back(claim, scans).await?;
                return Ok(Outcome::Later(why));
            }
        };
        let page = match &plan {
            Err(_) => None,
            Ok(plan) => match self.keep_page(announced, plan).await {
                Ok(page) => Some(page),
                Err(error) => {
                    self.give_back(claim, 0).await?;
                    return Ok(Outcome::Later(format!("its page could not be written: {error}")));
                }
            },
        };
        if (self.clock)() >= announced.reset {
            self.close(claim, announced, false).await?;
            return Ok(Outcome::Late);
        }
        let letter = announcement(announced, self.catalogue, plan.as_ref().map_err(String::as_str), page);
        match self.people.tell(&letter).await {
            Ok(heard) => {
                self.close(claim, announced, heard).await?;
                Ok(if heard { Outcome::Sent } else { Outcome::Unheard })
            }
            Err(why) => {
                self.give_back(claim, 0).await?;
                Ok(Outcome::Later(format!("it could not be told: {why}")))
            }
        }
    }

    /// What will go: a plan, or why there is none and the letter goes without it.
    async fn list(&self, announced: &Announced<'_>, scans: u32, left: SignedDuration) -> Listed {
        if scans > SCANS {
            return Listed::Plan(Err("the scan of the account did not come to an end in time".to_owned()));
        }
        let limit = Duration::try_from(left).unwrap_or_default();
        match tokio::time::timeout(limit, self.plan(&announced.account.id)).await {
            Ok(Ok(run)) => Listed::Plan(Ok(PlanReport::of(&run))),
            Ok(Err(error)) if may_pass(&error) && scans < SCANS => Listed::NotYet(error.to_string()),
            Ok(Err(error)) => Listed::Plan(Err(error.to_string())),
            Err(_) => Listed::NotYet("the scan was not over in time; it is tried again".to_owned()),
        }
    }

    /// The whole list, as a page.
    async fn keep_page(&self, announced: &Announced<'_>, plan: &PlanReport) -> Result<String, StoreError> {
        let (account, day) = (&announced.account.id, announced.reset.strftime("%Y%m%dT%H%M%SZ"));
        let name = format!("resets/{account}/notices/{day}-{}.html", announced.notice.length().as_secs());
        let page = super::html::plan_page(announced, plan);
        self.objects.put(&name, page.as_bytes(), "text/html; charset=utf-8").await
    }

    /// Takes a notice, unless somebody else has it.
    async fn take(
        &self,
        announced: &Announced<'_>,
        known: &BTreeMap<String, (Standing, u64)>,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        let place = place(announced.reset, announced.notice);
        let (when, scans) = match known.get(&place) {
            None => (When::AbsentAt(now), 1),
            Some((Standing::Taken { until, .. }, _)) if *until > now => return Ok(None),
            Some((Standing::Taken { scans, .. }, version)) => (When::Version(*version), scans + 1),
            Some((Standing::Closed { .. }, _)) => return Ok(None),
        };
        let key = Key::new(partition(&announced.account.id), place);
        let until = now.checked_add(TAKEN).unwrap_or(Timestamp::MAX);
        let forgotten = announced.reset.checked_add(REMEMBERED).ok();
        match self.store.put(&key, body(&Standing::Taken { until, scans }), forgotten, when).await {
            Ok(version) => Ok(Some(Claim { key, version, scans })),
            Err(StoreError::Lost { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Leaves it to whoever comes next.
    async fn give_back(&self, claim: Claim, scans: u32) -> Result<(), StoreError> {
        let standing = Standing::Taken { until: (self.clock)(), scans };
        let forgotten = (self.clock)().checked_add(REMEMBERED).ok();
        self.store.put(&claim.key, body(&standing), forgotten, When::Version(claim.version)).await?;
        Ok(())
    }

    async fn close(&self, claim: Claim, announced: &Announced<'_>, heard: bool) -> Result<(), StoreError> {
        let standing = Standing::Closed { at: (self.clock)(), heard };
        let forgotten = announced.reset.checked_add(REMEMBERED).ok();
        self.store.put(&claim.key, body(&standing), forgotten, When::Version(claim.version)).await?;
        Ok(())
    }
}

fn partition(account: &AccountId) -> String {
    format!("reset-notices#{account}")
}

/// A notice of one reset; a snooze makes another reset of it, and so fresh notices.
fn place(reset: Timestamp, notice: Pause) -> String {
    format!("{reset}#{:010}", notice.length().as_secs())
}

fn body(standing: &Standing) -> Value {
    json!(standing)
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
