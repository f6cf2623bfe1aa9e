//! The file as directory, where there is no organization to ask: virtual-root and single-account modes.
//!
//! Makes no Organizations call. In single-account mode every name is the home account; so one id may carry several
//! names, each with an OU and tags of its own.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Account, AccountState, Directory};
use crate::aws::{Accounts, CallError};
use crate::config::{AccountEntry, Config, OperatingMode};
use crate::types::AccountId;

/// The accounts that the file names.
pub struct FileDirectory {
    config: Arc<Config>,
    accounts: Arc<dyn Accounts>,
}

impl FileDirectory {
    /// The directory of `config`; `accounts` tells the home account.
    pub fn new(config: Arc<Config>, accounts: Arc<dyn Accounts>) -> Self {
        Self { config, accounts }
    }

    async fn id(&self, entry: &AccountEntry) -> Result<AccountId, CallError> {
        match (&entry.id, self.config.mode) {
            (Some(id), OperatingMode::VirtualRoot | OperatingMode::Organization) => Ok(id.clone()),
            // The check of the file has made sure that an id is given in virtual-root mode.
            (_, OperatingMode::SingleAccount) | (None, _) => self.accounts.home().await,
        }
    }
}

#[async_trait]
impl Directory for FileDirectory {
    async fn accounts(&self) -> Result<Vec<Account>, CallError> {
        let mut accounts = Vec::new();
        for (name, entry) in &self.config.accounts {
            accounts.push(Account {
                id: self.id(entry).await?,
                name: name.clone(),
                email: entry.email.clone(),
                state: AccountState::Active,
                ou: entry.ou.clone().unwrap_or_default(),
                tags: entry.tags.clone(),
                joined: None,
            });
        }
        Ok(accounts)
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError> {
        Ok(self.accounts().await?.into_iter().find(|account| account.id == *id))
    }

    async fn behind(&self, id: &AccountId) -> Result<Vec<Account>, CallError> {
        Ok(self.accounts().await?.into_iter().filter(|account| account.id == *id).collect())
    }

    async fn privileged(&self) -> Result<Vec<AccountId>, CallError> {
        Ok(vec![self.accounts.home().await?])
    }
}
