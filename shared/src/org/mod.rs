//! The organization: its accounts, its OUs, and the mode that Forester runs in.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::aws::CallError;
use crate::types::{AccountId, OuPath};

/// One account of the organization, as Organizations tells it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name: the one in the configuration file where it is listed there, else the one in Organizations.
    pub name: String,
    /// The root user's e-mail address; unknown outside organization mode.
    pub email: Option<String>,
    /// Where it stands between creation and closure.
    pub state: AccountState,
    /// The OU that holds it.
    pub ou: OuPath,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The life of an account (`Account.State`, with the older `Status` as fallback).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountState {
    /// Created, not yet usable.
    PendingActivation,
    /// In use.
    Active,
    /// Suspended by AWS or closed less than 90 days ago.
    Suspended,
    /// Closing.
    PendingClosure,
    /// Gone for good.
    Closed,
    /// A state this version does not know; treated as not active.
    Unknown,
}

/// Where accounts are looked up: AWS Organizations, or the configuration file where there is none.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Every account, to the last page.
    async fn accounts(&self) -> Result<Vec<Account>, CallError>;

    /// One account, or `None` when the organization does not hold it.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError>;

    /// Accounts that must never be emptied: the management account and every delegated administrator.
    async fn privileged(&self) -> Result<Vec<AccountId>, CallError>;
}
