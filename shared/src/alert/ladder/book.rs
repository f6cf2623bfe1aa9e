//! What the ladder did, kept by account and period; and the breaker, which counts accounts.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::digest::digest;
use super::super::spending::Spending;
use crate::config::alerts::{AtMost, Do, Rung};
use crate::store::{Item, Key, Store, StoreError, When};
use crate::types::AccountId;

/// One step of one account in one period of one budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The account.
    pub account: AccountId,
    /// The account that owns the budget.
    pub owner: AccountId,
    /// The budget.
    pub budget: String,
    /// The first day of the period.
    pub start: Date,
    /// When the period is over.
    pub until: Timestamp,
    /// From how many percent on.
    pub at: u32,
    /// What it does.
    pub act: Do,
    /// How it stands.
    pub state: StepState,
    /// When that was.
    pub when: Timestamp,
    /// What was done, or why not.
    pub said: String,
    /// Whether people were told.
    pub told: bool,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Somebody is at it.
    Begun,
    /// Done.
    Done,
    /// Told and not done, because nothing is.
    DryRun,
    /// A guard said no.
    Refused,
    /// The breaker is open.
    Stopped,
    /// A person undid it; it is not done again in this period.
    Undone,
}

/// How many accounts were acted on, and whether that is stopped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Breaker {
    /// The accounts, and when.
    pub acts: Vec<(AccountId, Timestamp)>,
    /// Since when nothing is done any more, and why.
    pub open: Option<(Timestamp, String)>,
}

/// How long steps are remembered: longer than the longest period.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);
/// How long somebody who took a step may be at it.
const LEASE: SignedDuration = SignedDuration::from_mins(3);
/// How often a write that somebody else came before is tried anew.
const TRIES: usize = 8;

impl Step {
    /// A step that somebody begins to take.
    pub fn begun(account: &AccountId, spending: &Spending, rung: &Rung, now: Timestamp) -> Self {
        Self {
            account: account.clone(),
            owner: spending.owner.clone(),
            budget: spending.budget.clone(),
            start: spending.start,
            until: spending.until,
            at: rung.at,
            act: rung.r#do,
            state: StepState::Begun,
            when: now,
            said: String::new(),
            told: false,
        }
    }

    /// Where the steps of an account are kept.
    fn partition(account: &AccountId) -> String {
        format!("ladder#{account}")
    }

    fn key(&self) -> Key {
        let budget = digest(&[self.owner.as_ref(), &self.budget]);
        Key::new(Self::partition(&self.account), format!("{}#{budget}#{:05}-{}", self.start, self.at, self.act.name()))
    }

    /// A name that is the same whenever the same step is taken.
    pub fn name(&self) -> String {
        let budget: String =
            digest(&[self.owner.as_ref(), &self.budget]).chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        format!("ladder-{}-{}-{}-{budget}", self.account, self.start, self.at)
    }

    /// Whether nothing more is to be done about it.
    fn is_over(&self, live: bool, now: Timestamp) -> bool {
        match self.state {
            StepState::Done | StepState::Undone => true,
            StepState::DryRun => !live,
            // Whatever stood in the way may be gone when the next message comes.
            StepState::Refused | StepState::Stopped => false,
            StepState::Begun => now.duration_since(self.when) < LEASE,
        }
    }

    async fn put(&self, store: &dyn Store, when: When, now: Timestamp) -> Result<u64, StoreError> {
        let key = self.key();
        let body = serde_json::to_value(self).map_err(|error| StoreError::corrupt(&key, &error))?;
        store.put(&key, body, now.checked_add(KEPT).ok(), when).await
    }

    /// Claims the step: its version where it is ours to take, or how it stands.
    pub async fn claim(&self, store: &dyn Store, live: bool, now: Timestamp) -> Result<Result<u64, Self>, StoreError> {
        let key = self.key();
        let known = store.get(&key).await?.filter(|item| item.lives(now));
        let when = match known {
            None => When::AbsentAt(now),
            Some(item) => {
                let (step, version) = (item.read::<Self>()?, item.version);
                if step.is_over(live, now) {
                    return Ok(Err(step));
                }
                When::Version(version)
            }
        };
        match self.put(store, when, now).await {
            Ok(version) => Ok(Ok(version)),
            Err(StoreError::Lost { .. }) => Ok(Err(self.clone())),
            Err(error) => Err(error),
        }
    }

    /// Writes down how it stands.
    pub async fn keep(&self, store: &dyn Store, version: u64, now: Timestamp) -> Result<u64, StoreError> {
        self.put(store, When::Version(version), now).await
    }

    /// Writes down that people were told, or that a person undid it; whoever wrote meanwhile knows better.
    pub async fn change(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        self.put(store, When::Always, now).await.map(drop)
    }

    /// Every step of an account, the oldest period first.
    pub async fn all(store: &dyn Store, account: &AccountId) -> Result<Vec<Self>, StoreError> {
        store.list(&Self::partition(account), "").await?.iter().map(Item::read).collect()
    }
}

impl Breaker {
    fn key() -> Key {
        Key::new("ladder-breaker", "-")
    }

    /// How it stands.
    pub async fn load(store: &dyn Store) -> Result<(Self, When), StoreError> {
        match store.get(&Self::key()).await? {
            None => Ok((Self::default(), When::AbsentAt(Timestamp::UNIX_EPOCH))),
            Some(item) => Ok((item.read()?, When::Version(item.version))),
        }
    }

    /// Counts the account in, unless that is one too many: then nothing is done any more until a person says so.
    pub async fn admit(
        store: &dyn Store,
        account: &AccountId,
        limit: AtMost,
        now: Timestamp,
    ) -> Result<Result<(), String>, StoreError> {
        let mut last = None;
        for _ in 0..TRIES {
            let (mut breaker, when) = Self::load(store).await?;
            if let Some((since, why)) = &breaker.open {
                return Ok(Err(format!("the ladder has been stopped since {since}: {why}")));
            }
            breaker.count(account, limit, now);
            let refused = breaker.open.clone().map(|(_, why)| format!("the ladder stops here: {why}"));
            match breaker.save(store, when).await {
                Ok(()) => return Ok(refused.map_or(Ok(()), Err)),
                Err(error @ StoreError::Lost { .. }) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| StoreError::Lost { key: Self::key() }))
    }

    /// Pure: the account among those of the last while, and whether that opens the breaker.
    fn count(&mut self, account: &AccountId, limit: AtMost, now: Timestamp) {
        let within = SignedDuration::try_from(limit.within.length()).unwrap_or(SignedDuration::MAX);
        self.acts.retain(|(_, at)| now.duration_since(*at) < within);
        self.acts.retain(|(known, _)| known != account);
        if self.acts.len() >= limit.accounts {
            let why = format!("{} accounts within {}, and {account} would be one more", self.acts.len(), limit.within);
            self.open = Some((now, why));
            return;
        }
        self.acts.push((account.clone(), now));
    }

    /// Lets the ladder go on, and says what had stopped it.
    pub async fn close(store: &dyn Store) -> Result<Option<(Timestamp, String)>, StoreError> {
        let (breaker, when) = Self::load(store).await?;
        let was = breaker.open.clone();
        if was.is_some() {
            Self::default().save(store, when).await?;
        }
        Ok(was)
    }

    async fn save(&self, store: &dyn Store, when: When) -> Result<(), StoreError> {
        let key = Self::key();
        let body = serde_json::to_value(self).map_err(|error| StoreError::corrupt(&key, &error))?;
        store.put(&key, body, None, when).await.map(drop)
    }
}
