//! Putting a reset off: by command or by a tag on the account, within what the file allows, and never for ever.
//!
//! A snooze counts from the time of the reset that it puts off, so that `--for 3d` means three days later than announced.
//! What makes it end is that snoozes in a row are counted: only a reset that came to its end lets the count begin anew.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::book::{Book, Head};
use super::guard::{Refusal, belongs, unreadable};
use super::slice::Reset;
use super::state::End;
use crate::aws::CallError;
use crate::config::{Pause, Schedule, Snooze};
use crate::org::Account;
use crate::store::{Key, StoreError, When};
use crate::types::AccountId;

/// The tag of an account that puts its reset off until the start of a day.
pub const TAG: &str = "forester-snooze-until";

/// The partition of all snoozes.
const SNOOZES: &str = "reset-snoozes";

/// The most characters of a reason.
const WORDS: usize = 500;

/// How many snoozes of an account are remembered.
const REMEMBERED: usize = 50;

/// A reset that was put off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snoozed {
    /// Who did it.
    pub who: String,
    /// When it was done.
    pub when: Timestamp,
    /// No scheduled reset before this time.
    pub until: Timestamp,
    /// Why.
    pub because: String,
}

impl std::fmt::Display for Snoozed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "snoozed until {} by {}: {}", self.until, self.who, self.because)
    }
}

/// Until when somebody wants it put off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    /// So long after the time of the reset.
    For(Pause),
    /// Until this time.
    Until(Timestamp),
}

/// Why a reset is not put off.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoSnooze {
    /// The file allows none.
    #[error("the file allows no snooze; whoever keeps it can add `snooze: {{at_most: 7d}}` to its `sandbox` section")]
    NotAllowed,
    /// It is never reset.
    #[error("{0}")]
    NotSandbox(Refusal),
    /// There is nothing to put off.
    #[error("no reset of {0} is scheduled, so there is nothing to put off")]
    NoReset(AccountId),
    /// It has begun.
    #[error("run {0} has begun and is not over; what is half emptied is not put off")]
    Running(String),
    /// Too often.
    #[error(
        "{account} was put off {used} times since its last reset, and the file allows {times} (sandbox.snooze.times); \
         it will be reset at {next}: save what you need, or ask whoever keeps the file to protect it"
    )]
    Spent {
        /// The account.
        account: AccountId,
        /// How often it was.
        used: usize,
        /// How often it may be.
        times: u32,
        /// When it will be reset.
        next: Timestamp,
    },
    /// Too far.
    #[error(
        "the reset of {next} may be put off by {at_most} at most (sandbox.snooze.at_most): until {latest}, not {until}"
    )]
    TooFar {
        /// The time of the reset.
        next: Timestamp,
        /// How far it may be.
        at_most: Pause,
        /// That is until then.
        latest: Timestamp,
        /// What was wished.
        until: Timestamp,
    },
    /// Before the reset.
    #[error("the next reset is at {next}, which is not before {until}, so nothing would be put off")]
    TooEarly {
        /// The time of the reset.
        next: Timestamp,
        /// What was wished.
        until: Timestamp,
    },
    /// Without a reason.
    #[error("a snooze needs a reason that others understand: --because TEXT")]
    NoReason,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The snoozes of one account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snoozes {
    /// Those since the last reset, the oldest first.
    pub row: Vec<Snoozed>,
    all: Vec<Snoozed>,
    version: u64,
    running: Option<String>,
}

/// What the tag of an account comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Tagged {
    /// Nothing: no tag, a day that is over or that changes nothing, or known already.
    Nothing,
    /// A snooze that is to be written down.
    New(Snoozed),
    /// It does not count, with the reason.
    Ignored(String),
}

impl Snoozes {
    /// The snooze that holds at this time.
    pub fn standing(&self, at: Timestamp) -> Option<&Snoozed> {
        self.row.iter().filter(|snoozed| snoozed.until > at).max_by_key(|snoozed| snoozed.until)
    }

    /// When the account is reset next, as far as the schedule and the snoozes tell.
    pub fn next_reset(&self, schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
        schedule.at_or_after(self.standing(now).map_or(now, |snoozed| snoozed.until))
    }

    /// These and another one.
    pub fn with(mut self, new: Snoozed) -> Self {
        self.all.push(new.clone());
        self.row.push(new);
        self.all.drain(..self.all.len().saturating_sub(REMEMBERED));
        self
    }

    /// Whether a run of the account has begun and is not over.
    pub fn running(&self) -> Option<&str> {
        self.running.as_deref()
    }

    /// How many more times it may be put off.
    pub fn open(&self, limits: &Snooze) -> usize {
        usize::try_from(limits.times).unwrap_or(usize::MAX).saturating_sub(self.row.len())
    }

    /// Until when a wish puts the reset of `next` off, if the file allows that.
    pub fn allow(
        &self,
        account: &AccountId,
        limits: Option<&Snooze>,
        next: Option<Timestamp>,
        wish: Wish,
    ) -> Result<Timestamp, NoSnooze> {
        let limits = limits.ok_or(NoSnooze::NotAllowed)?;
        let next = next.ok_or_else(|| NoSnooze::NoReset(account.clone()))?;
        if let Some(run) = &self.running {
            return Err(NoSnooze::Running(run.clone()));
        }
        if self.open(limits) == 0 {
            let (account, used, times) = (account.clone(), self.row.len(), limits.times);
            return Err(NoSnooze::Spent { account, used, times, next });
        }
        let until = match wish {
            Wish::For(pause) => after(next, pause),
            Wish::Until(until) => until,
        };
        let (latest, at_most) = (after(next, limits.at_most), limits.at_most);
        match until {
            _ if until <= next => Err(NoSnooze::TooEarly { next, until }),
            _ if until > latest => Err(NoSnooze::TooFar { next, at_most, latest, until }),
            _ => Ok(until),
        }
    }

    /// What the tag says about the reset of `next`. A wish beyond the bound, or one that nobody can read, puts it off as
    /// far as the bound: deleting because of a typing error would be worse, and the count ends it.
    pub fn tagged(
        &self,
        account: &Account,
        limits: Option<&Snooze>,
        zone: &TimeZone,
        next: Timestamp,
        now: Timestamp,
    ) -> Tagged {
        let Some(value) = account.tags.get(TAG) else { return Tagged::Nothing };
        let who = format!("the account's tag {TAG}={value}");
        let Some(limits) = limits else {
            return Tagged::Ignored(format!("{who} does not count: the file allows no snooze"));
        };
        let latest = after(next, limits.at_most);
        let (until, because) = match day(value, zone) {
            Ok(until) if until <= next => return Tagged::Nothing,
            Ok(until) if until > latest => (latest, format!("as far as the file allows ({})", limits.at_most)),
            Ok(until) => (until, "by tag".to_owned()),
            Err(problem) => (latest, format!("{problem}; put off as far as the file allows ({})", limits.at_most)),
        };
        if self.row.iter().any(|known| known.who == who) {
            return Tagged::Nothing;
        }
        if self.open(limits) == 0 {
            let (used, times) = (self.row.len(), limits.times);
            return Tagged::Ignored(format!(
                "{who} does not count: put off {used} times of {times} since the last reset"
            ));
        }
        Tagged::New(Snoozed { who, when: now, until, because })
    }
}

/// The start of a day.
pub fn day(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || format!("`{text}` is not a day such as 2027-01-10");
    let date: Date = text.trim().parse().map_err(|_| wrong())?;
    date.to_zoned(zone.clone()).map(|start| start.timestamp()).map_err(|_| wrong())
}

fn after(time: Timestamp, pause: Pause) -> Timestamp {
    let pause = SignedDuration::try_from(pause.length()).unwrap_or(SignedDuration::MAX);
    time.checked_add(pause).unwrap_or(Timestamp::MAX)
}

/// What a snooze came to.
#[derive(Clone, Debug, PartialEq)]
pub struct PutOff {
    /// The snooze.
    pub snoozed: Snoozed,
    /// When the account is reset after all.
    pub next: Option<Timestamp>,
}

impl Reset {
    /// Puts the next scheduled reset of an account off.
    pub async fn snooze(&self, account: &AccountId, wish: Wish, who: &str, because: &str) -> Result<PutOff, NoSnooze> {
        let because = because.trim();
        if because.is_empty() {
            return Err(NoSnooze::NoReason);
        }
        let sandbox = self.config.sandbox.as_ref().ok_or(NoSnooze::NotAllowed)?;
        let known =
            self.directory.account(account).await.map_err(unreadable("member")).map_err(NoSnooze::NotSandbox)?;
        let known = known.ok_or_else(|| NoSnooze::NotSandbox(Refusal::Unknown(account.clone())))?;
        belongs(sandbox, &known).map_err(NoSnooze::NotSandbox)?;
        let now = (self.clock)();
        let snoozes = self.book().snoozes(account).await?;
        let schedule = sandbox.schedule.as_ref();
        let next = schedule.and_then(|schedule| snoozes.next_reset(schedule, now));
        let until = snoozes.allow(account, sandbox.snooze.as_ref(), next, wish)?;
        let because = because.chars().take(WORDS).collect();
        let snoozed = Snoozed { who: who.to_owned(), when: now, until, because };
        let after = self.book().snooze(account, &snoozes, snoozed.clone()).await?;
        Ok(PutOff { snoozed, next: schedule.and_then(|schedule| after.next_reset(schedule, now)) })
    }

    /// Who works at the command line, as AWS knows them.
    pub async fn caller(&self) -> Result<String, CallError> {
        let home = self.accounts.scope(&self.accounts.home().await?, &self.config.home_region).await?;
        let answer = home.call("sts", "GetCallerIdentity", json!({})).await?;
        Ok(answer.get("Arn").and_then(Value::as_str).unwrap_or("somebody whom AWS does not name").to_owned())
    }

    /// The snoozes that hold at this time, of all accounts.
    pub async fn snoozed(&self, at: Timestamp) -> Result<Vec<(AccountId, Snoozed)>, StoreError> {
        let mut all = Vec::new();
        for item in self.store.list(SNOOZES, "").await? {
            let Ok(account) = item.key.sort.parse::<AccountId>() else { continue };
            let snoozes = self.book().snoozes(&account).await?;
            all.extend(snoozes.standing(at).cloned().map(|snoozed| (account, snoozed)));
        }
        Ok(all)
    }
}

impl Book<'_> {
    /// The snoozes of an account.
    pub async fn snoozes(&self, account: &AccountId) -> Result<Snoozes, StoreError> {
        self.snoozes_before(account, "").await
    }

    /// The snoozes of an account as if `run` had not been.
    pub async fn snoozes_before(&self, account: &AccountId, run: &str) -> Result<Snoozes, StoreError> {
        let key = Key::new(SNOOZES, account.as_ref());
        let item = self.store.get(&key).await?;
        let mut heads = self.heads(account.as_ref()).await?;
        heads.retain(|head| head.run != run);
        let (all, version) = match item {
            None => (Vec::new(), 0),
            Some(item) => {
                let all = item.body.get("snoozes").cloned().unwrap_or_default();
                (serde_json::from_value(all).map_err(|error| StoreError::corrupt(&key, &error))?, item.version)
            }
        };
        Ok(Snoozes { row: in_a_row(&all, &heads), all, version, running: running(&heads) })
    }

    /// Writes a snooze down, unless somebody else has done so meanwhile.
    pub async fn snooze(&self, account: &AccountId, known: &Snoozes, new: Snoozed) -> Result<Snoozes, StoreError> {
        let mut after = known.clone().with(new.clone());
        let when = if known.version == 0 { When::AbsentAt(new.when) } else { When::Version(known.version) };
        let body = json!({ "snoozes": after.all });
        after.version = self.store.put(&Key::new(SNOOZES, account.as_ref()), body, None, when).await?;
        Ok(after)
    }
}

/// The snoozes since the last reset that came to an end of its own; a refusal is none.
fn in_a_row(all: &[Snoozed], heads: &[Head]) -> Vec<Snoozed> {
    let ended = heads.iter().filter(|head| matches!(head.end, Some(End::Done | End::Stuck)));
    let last = ended.map(|head| head.started).max();
    all.iter().filter(|snoozed| last.is_none_or(|last| snoozed.when > last)).cloned().collect()
}

fn running(heads: &[Head]) -> Option<String> {
    heads.iter().rfind(|head| head.end.is_none()).map(|head| head.run.clone())
}

#[cfg(test)]
#[path = "snooze_tests.rs"]
mod tests;
