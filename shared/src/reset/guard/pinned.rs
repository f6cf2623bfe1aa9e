//! Ways into one account and no other: whatever a checkpoint, a catalogue entry or a hook asks for, a run that is pinned
//! to its account cannot leave it.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::aws::{Accounts, Call, CallError, CallSite, ErrorClass, Meter, RootTask, Scope};
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
        Ok(Owned::around(scope))
    }

    async fn root_scope(&self, account: &AccountId, region: &Region, task: RootTask) -> Result<Scope, CallError> {
        self.admit(account, region)?;
        let scope = self.accounts.root_scope(account, region, task).await?;
        self.admit(scope.account(), region)?;
        Ok(Owned::around(scope))
    }

    async fn home(&self) -> Result<AccountId, CallError> {
        self.accounts.home().await
    }

    fn meter(&self) -> &Meter {
        self.accounts.meter()
    }
}

/// Calls that reach no bucket of another account. The names of buckets are one space for the whole world: what was listed
/// here may have been deleted and made by somebody else by the time that it is emptied, and that bucket's policy may let us
/// in. So S3 is told whose bucket is meant, and refuses any other.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>
struct Owned(Scope);

impl Owned {
    fn around(scope: Scope) -> Scope {
        let (account, region) = (scope.account().clone(), scope.region().clone());
        Scope::new(account, region, Arc::new(Self(scope)))
    }

    fn told(&self, service: &str, mut params: Value) -> Value {
        let named = params.as_object_mut().filter(|params| service == "s3" && params.contains_key("Bucket"));
        if let Some(params) = named {
            params.insert("ExpectedBucketOwner".to_owned(), json!(self.0.account()));
        }
        params
    }
}

#[async_trait]
impl Call for Owned {
    async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError> {
        self.0.call(service, operation, self.told(service, params)).await
    }

    async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        self.0.pages(service, operation, self.told(service, params)).await
    }
}
