//! A service control policy on one account: made, attached, detached and deleted, each so that it can be repeated.
//!
//! These policies come and go with runs. They carry a tag of their own, so that the baseline, which keeps the policies of
//! the file, leaves them alone; and a policy of the same name without that tag is somebody else's and is not touched.

use serde_json::{Value, json};

use crate::aws::{Accounts, CallError, CallSite, ErrorClass, Scope};
use crate::config::NamedPolicy;
use crate::types::{AccountId, Region};

/// The tag, key and value, of every policy by which Forester keeps people out of an account.
const TAG: (&str, &str) = ("forester", "reset");

/// The organization, as the account that Forester runs in.
pub struct Organization(Scope);

/// A policy that is there.
struct Found {
    id: String,
    ours: bool,
}

impl Organization {
    /// Organizations answers in one region, and is asked by the account that Forester runs in.
    pub async fn enter(accounts: &dyn Accounts, home: &Region) -> Result<Self, CallError> {
        Ok(Self(accounts.scope(&accounts.home().await?, &home.partition().organizations()).await?))
    }

    /// See [`Scope::call`].
    pub async fn call(&self, operation: &str, params: Value) -> Result<Value, CallError> {
        self.0.call("organizations", operation, params).await
    }

    /// See [`Scope::pages`].
    pub async fn pages(&self, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        self.0.pages("organizations", operation, params).await
    }

    /// An error about `operation` that AWS did not give.
    pub fn error(&self, operation: &str, class: ErrorClass, message: impl Into<String>) -> CallError {
        CallSite::new("organizations", operation, self.0.account(), self.0.region()).error(class, message)
    }

    /// Puts the policy on the account, whatever was done about that before.
    pub async fn impose(&self, policy: &NamedPolicy, account: &AccountId) -> Result<(), CallError> {
        let id = match self.find(&policy.name).await? {
            Some(Found { id, ours: true }) => {
                let params = json!({ "PolicyId": id, "Content": policy.text(), "Description": policy.description });
                self.call("UpdatePolicy", params).await?;
                id
            }
            Some(Found { ours: false, .. }) => {
                let message = format!(
                    "the organization has a policy {} without the tag {}={}: rename it, or delete it",
                    policy.name, TAG.0, TAG.1
                );
                return Err(self.error("CreatePolicy", ErrorClass::Exists, message));
            }
            None => self.create(policy).await?,
        };
        match self.call("AttachPolicy", json!({ "PolicyId": id, "TargetId": account })).await {
            Err(error) if error.class != ErrorClass::Exists => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn create(&self, policy: &NamedPolicy) -> Result<String, CallError> {
        let tags = json!([{ "Key": TAG.0, "Value": TAG.1 }]);
        let params = json!({ "Name": policy.name, "Type": policy.kind.api(), "Content": policy.text(),
            "Description": policy.description, "Tags": tags });
        let made = self.call("CreatePolicy", params).await?;
        let id = made.pointer("/Policy/PolicySummary/Id").and_then(Value::as_str);
        let unnamed = || self.error("CreatePolicy", ErrorClass::Other, "AWS made a policy and did not say its id");
        id.map(str::to_owned).ok_or_else(unnamed)
    }

    /// Takes the policy of this name off the account, if it is ours and there; `delete` where it was for this account
    /// alone.
    pub async fn lift(&self, name: &str, account: &AccountId, delete: bool) -> Result<(), CallError> {
        let Some(Found { id, .. }) = self.find(name).await?.filter(|found| found.ours) else { return Ok(()) };
        gone(self.call("DetachPolicy", json!({ "PolicyId": id, "TargetId": account })).await)?;
        if delete {
            gone(self.call("DeletePolicy", json!({ "PolicyId": id })).await)?;
        }
        Ok(())
    }

    async fn find(&self, name: &str) -> Result<Option<Found>, CallError> {
        let listed = self.pages("ListPolicies", json!({ "Filter": "SERVICE_CONTROL_POLICY" })).await?;
        let named = |policy: &&Value| policy.get("Name").and_then(Value::as_str) == Some(name);
        let Some(id) = listed.iter().find(named).and_then(|policy| policy.get("Id")?.as_str()) else { return Ok(None) };
        let tags = self.pages("ListTagsForResource", json!({ "ResourceId": id })).await?;
        Ok(Some(Found { id: id.to_owned(), ours: carries_our_tag(&tags) }))
    }
}

/// Whether these are the tags of a policy by which Forester keeps people out of an account.
pub fn carries_our_tag(tags: &[Value]) -> bool {
    let says = |tag: &Value, member: &str, text: &str| tag.get(member).and_then(Value::as_str) == Some(text);
    tags.iter().any(|tag| says(tag, "Key", TAG.0) && says(tag, "Value", TAG.1))
}

/// What is not there needs no undoing.
fn gone(outcome: Result<Value, CallError>) -> Result<(), CallError> {
    match outcome {
        Err(error) if !error.is_gone() => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
