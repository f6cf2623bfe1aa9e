//! What is remembered of each account: against which declaration it was last held, when, and with what result.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Report, Target};
use crate::store::{Key, Store, StoreError, When};
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
    /// What failed, a line each.
    pub failed: Vec<String>,
}

/// How a look at an account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Everything is as declared.
    Held,
    /// Something differs and was only reported.
    Drifted,
    /// Something failed.
    Incomplete,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::Drifted => "drifted",
            Self::Incomplete => "incomplete",
        })
    }
}

impl Ledger {
    /// What is to be remembered of a report.
    pub fn of(target: &Target, report: &Report, now: Timestamp) -> Self {
        let state = match (report.is_clean(), report.done.len() + unneeded(report) == report.steps.len()) {
            (false, _) => State::Incomplete,
            (true, true) => State::Held,
            (true, false) => State::Drifted,
        };
        let failed = report.complaints();
        Self { name: report.name.clone(), at: now, digest: digest(target), state, done: report.done.len(), failed }
    }

    /// Remembers it; the last look wins.
    pub async fn save(&self, store: &dyn Store, account: &AccountId) -> Result<(), StoreError> {
        let key = key(account, &self.name);
        let body = serde_json::to_value(self)
            .map_err(|error| StoreError::Corrupt { key: key.clone(), message: error.to_string() })?;
        store.put(&key, body, None, When::Always).await.map(|_| ())
    }

    /// The last look at an account, if there was one.
    pub async fn load(store: &dyn Store, account: &AccountId, name: &str) -> Result<Option<Self>, StoreError> {
        let key = key(account, name);
        let Some(item) = store.get(&key).await? else { return Ok(None) };
        serde_json::from_value(item.body)
            .map(Some)
            .map_err(|error| StoreError::Corrupt { key, message: error.to_string() })
    }
}

fn unneeded(report: &Report) -> usize {
    report.skipped.iter().filter(|skipped| skipped.reason == "already so").count()
}

/// In single-account mode one id carries several names, so the name is part of the key.
fn key(account: &AccountId, name: &str) -> Key {
    Key::new(format!("account#{account}"), format!("baseline#{name}"))
}

fn digest(target: &Target) -> String {
    let declared = serde_json::to_string(&target.wanted).unwrap_or_default();
    let hash = Sha256::digest(declared.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
