//! The ports to AWS accounts: `Accounts` hands out a `Scope`, a `Scope` makes calls.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use super::{CallError, CallSite, ErrorClass};
use crate::types::{AccountId, Arn, Partition, Region};

/// Makes one call: `service` by its SDK directory name (`ec2`, `s3control`, `logs`), `operation` and members as in the
/// service model. Blobs travel as base64 text, timestamps as RFC 3339 text (numbers of epoch seconds are taken too).
#[async_trait]
pub trait Call: Send + Sync {
    /// Calls `service:operation` with `params` and returns the output's members.
    async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError>;

    /// Calls until the last page and returns the members of every page's result lists, joined.
    /// An operation without a paginator is called once.
    async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError>;
}

/// One account in one region: what every aspect, hook and lookup works on.
#[derive(Clone)]
pub struct Scope {
    account: AccountId,
    region: Region,
    client: Arc<dyn Call>,
}

impl Scope {
    /// A scope over a client that already carries credentials and region.
    pub fn new(account: AccountId, region: Region, client: Arc<dyn Call>) -> Self {
        Self { account, region, client }
    }

    /// The account that calls go to.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The region that calls go to.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// See [`Call::call`].
    pub async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError> {
        self.client.call(service, operation, params).await
    }

    /// See [`Call::pages`].
    pub async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        self.client.pages(service, operation, params).await
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({}/{})", self.account, self.region)
    }
}

/// What is done as a root user. AWS has a policy for each task, and holds a session to one of them:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootTask {
    /// Looking at which credentials there are.
    Audit,
    /// Deleting them.
    Delete,
    /// Taking away a bucket policy that denies everybody.
    UnlockBucket,
    /// Taking away a queue policy that denies everybody.
    UnlockQueue,
}

impl RootTask {
    /// The policy that a session for this task is held to.
    pub fn policy(self, partition: Partition) -> Arn {
        let name = match self {
            Self::Audit => "root-task/IAMAuditRootUserCredentials",
            Self::Delete => "root-task/IAMDeleteRootUserCredentials",
            Self::UnlockBucket => "root-task/S3UnlockBucketPolicy",
            Self::UnlockQueue => "root-task/SQSUnlockQueuePolicy",
        };
        Arn::managed_policy(partition, name)
    }
}

/// Hands out scopes: the home account as it is, members through the configured role and its fallbacks.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// A scope on `account` in `region`, with credentials that renew themselves.
    async fn scope(&self, account: &AccountId, region: &Region) -> Result<Scope, CallError>;

    /// A scope on a member account as its root user, for one task and for a quarter of an hour at most.
    async fn root_scope(&self, account: &AccountId, region: &Region, _: RootTask) -> Result<Scope, CallError> {
        let site = CallSite::new("sts", "AssumeRoot", account, region);
        Err(site.error(ErrorClass::Unavailable, "root users are not entered in this mode"))
    }

    /// The account whose credentials this process was started with.
    async fn home(&self) -> Result<AccountId, CallError>;

    /// Counts every call made through this port.
    fn meter(&self) -> &Meter;
}

/// Counts calls by service and operation. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<BTreeMap<(String, String), u64>>>);

impl Meter {
    /// Counts one call.
    pub fn count(&self, service: &str, operation: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((service.to_owned(), operation.to_owned())).or_default() += 1;
    }

    /// All calls so far.
    pub fn total(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Calls so far, keyed `service:Operation`.
    pub fn by_operation(&self) -> BTreeMap<String, u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((service, operation), n)| (format!("{service}:{operation}"), *n)).collect()
    }
}
