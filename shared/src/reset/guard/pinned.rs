//! Ways into one account and no other: whatever a checkpoint, a catalogue entry or a hook asks for, a run that is pinned
//! to its account cannot leave it.

use async_trait::async_trait;

use crate::aws::{Accounts, CallError, CallSite, ErrorClass, Meter, RootTask, Scope};
use crate::types::{AccountId, Region};

/// Ways into one account.
pub struct Pinned<'a> {
    /// All ways.
    pub accounts: &'a dyn Accounts,
    /// The one that is let through.
    pub account: &'a AccountId,
}

impl Pinned<'_> {
    fn admit(&self, account: &AccountId, region: &Region) -> Result<(), CallError> {
        if account == self.account {
            return Ok(());
        }
        let message = format!("guard `identity`: this run works in {} and enters no other account", self.account);
        Err(CallSite::new("sts", "AssumeRole", account, region).error(ErrorClass::Denied, message))
    }
}

#[async_trait]
impl Accounts for Pinned<'_> {
    async fn scope(&self, account: &AccountId, region: &Region) -> Result<Scope, CallError> {
        self.admit(account, region)?;
        let scope = self.accounts.scope(account, region).await?;
        self.admit(scope.account(), region)?;
        Ok(scope)
    }

    async fn root_scope(&self, account: &AccountId, region: &Region, task: RootTask) -> Result<Scope, CallError> {
        self.admit(account, region)?;
        self.accounts.root_scope(account, region, task).await
    }

    async fn home(&self) -> Result<AccountId, CallError> {
        self.accounts.home().await
    }

    fn meter(&self) -> &Meter {
        self.accounts.meter()
    }
}
