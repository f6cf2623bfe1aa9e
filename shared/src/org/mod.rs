//! The organization: its accounts, its OUs, and the mode that Forester runs in.
//!
//! The mode is known here and nowhere else: it decides where accounts are looked up and whether a role is assumed to
//! enter one.

pub(crate) mod creation;
mod file;
mod forest;
mod organizations;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::aws::organizations::OrganizationsClient;
use crate::aws::{Accounts, CallError, Entry, Sdk};
use crate::config::{AccountEntry, Config, OperatingMode, Subject};
use crate::types::{AccountId, OuPath};

pub use file::FileDirectory;
pub use forest::{Forest, Member, Organization};
pub use organizations::{OrganizationsDirectory, namesake};

/// One account of the organization, as Organizations tells it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name: the one in the configuration file where it is listed there, else the one in Organizations; never that
    /// of another account in the file.
    pub name: String,
    /// The root user's e-mail address; unknown outside organization mode.
    pub email: Option<String>,
    /// Where it stands between creation and closure.
    pub state: AccountState,
    /// The OU that holds it.
    pub ou: OuPath,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it came into the organization; unknown outside organization mode.
    #[serde(default)]
    pub joined: Option<Timestamp>,
}

impl Account {
    /// The account in the place and with the tags that its entry in the file gives it, beside those it has.
    pub fn as_declared(mut self, entry: &AccountEntry) -> Self {
        if let Some(ou) = &entry.ou {
            self.ou.clone_from(ou);
        }
        self.tags.extend(entry.tags.clone());
        self
    }

    /// What conditions and templates look at.
    pub fn subject(&self) -> Subject<'_> {
        Subject { id: &self.id, name: &self.name, ou: &self.ou, tags: &self.tags }
    }
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

impl AccountState {
    fn named(text: &str) -> Self {
        match text {
            "PENDING_ACTIVATION" => Self::PendingActivation,
            "ACTIVE" => Self::Active,
            "SUSPENDED" => Self::Suspended,
            "PENDING_CLOSURE" => Self::PendingClosure,
            "CLOSED" => Self::Closed,
            _ => Self::Unknown,
        }
    }
}

impl std::fmt::Display for AccountState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PendingActivation => "pending activation",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::PendingClosure => "closing",
            Self::Closed => "closed",
            Self::Unknown => "in a state this version does not know",
        })
    }
}

/// Where accounts are looked up: AWS Organizations, or the configuration file where there is none.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Every account, to the last page.
    async fn accounts(&self) -> Result<Vec<Account>, CallError>;

    /// One account, or `None` when the organization does not hold it.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError>;

    /// Everything that goes by this id: one account, and several only where several names stand for one.
    async fn behind(&self, id: &AccountId) -> Result<Vec<Account>, CallError> {
        Ok(self.account(id).await?.into_iter().collect())
    }

    /// The whole forest, without its tags.
    async fn forest(&self) -> Result<Forest, CallError> {
        let member = |Account { id, name, email, state, ou, .. }: Account| Member { id, name, email, state, ou };
        Ok(Forest { organization: None, members: self.accounts().await?.into_iter().map(member).collect() })
    }

    /// Accounts that must never be emptied: the management account and every delegated administrator.
    async fn privileged(&self) -> Result<Vec<AccountId>, CallError>;

    /// The ids behind the names of the file, as far as the accounts exist.
    async fn names(&self) -> Result<BTreeMap<String, AccountId>, CallError> {
        Ok(self.accounts().await?.into_iter().map(|account| (account.name, account.id)).collect())
    }
}

/// How accounts are entered in the file's mode.
pub fn entry(config: &Config) -> Entry {
    match config.mode {
        OperatingMode::Organization | OperatingMode::VirtualRoot => Entry::AssumeRole,
        OperatingMode::SingleAccount => Entry::Home,
    }
}

/// Whether the accounts are held together by an organization, whose policies bind them.
pub fn governs(config: &Config) -> bool {
    match config.mode {
        OperatingMode::Organization => true,
        OperatingMode::VirtualRoot | OperatingMode::SingleAccount => false,
    }
}

/// What keeps apart the things of several names in one account: the start of every name that Forester gives there, and
/// nothing where each name has an account of its own.
pub fn label(config: &Config, name: &str) -> String {
    match config.mode {
        OperatingMode::SingleAccount if config.accounts.len() > 1 => format!("{name}-"),
        OperatingMode::SingleAccount | OperatingMode::Organization | OperatingMode::VirtualRoot => String::new(),
    }
}

/// The directory for the file's mode. Calls nothing.
pub fn directory(config: &Arc<Config>, sdk: &Sdk, accounts: &Arc<dyn Accounts>) -> Arc<dyn Directory> {
    match config.mode {
        OperatingMode::Organization => {
            let client = OrganizationsClient::new(sdk, accounts.clone(), config.home_region.clone());
            Arc::new(OrganizationsDirectory::new(config.clone(), Arc::new(client)))
        }
        OperatingMode::VirtualRoot | OperatingMode::SingleAccount => {
            Arc::new(FileDirectory::new(config.clone(), accounts.clone()))
        }
    }
}
