//! What is remembered of each account: against which declaration it was last held, when, with what result, and what
//! was still open. So that the next try looks at what failed alone, and a new account is told from one that was held.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ASPECTS, Report, Target};
use crate::store::{Item, Key, Store, StoreError, When};
use crate::types::AccountId;

/// The last look at one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The account's name at that time.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// Tells one declaration from another.
    pub digest: String,
    /// How it ended.
    pub state: State,
    /// How many steps were taken.
    pub done: usize,
    /// What failed or has to wait, a line each.
    pub failed: Vec<String>,
    /// The parts (`ebs-encryption eu-west-1`) that are not as declared.
    #[serde(default)]
    pub open: BTreeSet<String>,
    /// When every guard held for the first time.
    #[serde(default)]
    pub guarded: Option<Timestamp>,
}

/// How a look at an account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Everything is as declared.
    Held,
    /// Something differs and was only reported.
    Drifted,
    /// Something failed, or has to wait.
    Incomplete,
    /// The account is closed, or no longer of the organization.
    Departed,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::Drifted => "drifted",
            Self::Incomplete => "incomplete",
            Self::Departed => "departed",
        })
    }
}

impl Ledger {
    /// What is to be remembered of a report; `earlier` is what was remembered before it.
    pub fn of(target: &Target, report: &Report, earlier: Option<&Self>, now: Timestamp) -> Self {
        let state = match (report.is_clean(), report.done.len() + unneeded(report) == report.steps.len()) {
            (false, _) => State::Incomplete,
            (true, true) => State::Held,
            (true, false) => State::Drifted,
        };
        let open = report.open();
        let guards = ASPECTS.iter().filter(|kind| kind.guards()).map(|kind| kind.name());
        let unguarded = |name: &str| open.iter().any(|part| part.split(' ').next() == Some(name));
        let entered = !open.contains(ENTRY);
        let guarded = entered && state != State::Drifted && !guards.into_iter().any(unguarded);
        let guarded = earlier.and_then(|earlier| earlier.guarded).or_else(|| guarded.then_some(now));
        let failed = report.complaints();
        let done = report.done.len();
        Self { name: report.name.clone(), at: now, digest: digest(target), state, done, failed, open, guarded }
    }

    /// What is to be remembered of an account that is no longer kept. When it comes back it is a new one: nobody knows
    /// what was done to its guards meanwhile.
    pub fn departed(earlier: Self, now: Timestamp) -> Self {
        let (failed, open) = (Vec::new(), BTreeSet::new());
        Self { at: now, state: State::Departed, done: 0, failed, open, guarded: None, ..earlier }
    }

    /// The parts that another try has to look at; none where it has to look at everything, because nothing is known to
    /// be open, the account itself was, a region was on its way, in which nobody has looked yet, or something else is
    /// declared now.
    pub fn worth_another_look(&self, target: &Target) -> Option<BTreeSet<String>> {
        let vague = [ENTRY, REGIONS].iter().any(|part| self.open.contains(*part));
        let known = !self.open.is_empty() && !vague && self.digest == digest(target);
        known.then(|| self.open.clone())
    }

    /// Remembers it; the last look wins.
    pub async fn save(&self, store: &dyn Store, account: &AccountId) -> Result<(), StoreError> {
        let key = key(account, &self.name);
        let body = serde_json::to_value(self).map_err(|error| StoreError::corrupt(&key, &error))?;
        store.put(&key, body, None, When::Always).await.map(|_| ())
    }

    /// The last look at an account, if there was one.
    pub async fn load(store: &dyn Store, account: &AccountId, name: &str) -> Result<Option<Self>, StoreError> {
        store.get(&key(account, name)).await?.map(|item| item.read()).transpose()
    }
}

impl Ledger {
    /// What is remembered of an account under each of its names.
    pub async fn all(store: &dyn Store, account: &AccountId) -> Result<Vec<Self>, StoreError> {
        store.list(&format!("account#{account}"), "baseline#").await?.iter().map(Item::read).collect()
    }
}

/// The part that stands for the account as a whole.
const ENTRY: &str = "account global";
/// The part that decides which regions there are.
const REGIONS: &str = "regions global";

fn unneeded(report: &Report) -> usize {
    report.skipped.iter().filter(|skipped| skipped.reason == "already so").count()
}

/// In single-account mode one id carries several names, so the name is part of the key.
fn key(account: &AccountId, name: &str) -> Key {
    Key::new(format!("account#{account}"), format!("baseline#{name}"))
}

/// What an aspect may plan from: the layers, and what the file says beside them.
fn digest(target: &Target) -> String {
    let declared = serde_json::to_string(&(&target.wanted, &target.entry)).unwrap_or_default();
    let hash = Sha256::digest(declared.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
