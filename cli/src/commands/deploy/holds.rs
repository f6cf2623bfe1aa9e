//! Accounts that people are kept out of: by a reset that is under way or died, by the quarantine after failed resets, by the
//! ladder. All of it is service control policies with a tag of ours, so Organizations knows, whatever the table says.

use std::collections::BTreeSet;

use forester::aws::{CallError, Scope};
use forester::reset::POLICY_TAG;
use serde_json::{Value, json};

use super::site::Site;
use crate::output::Problem;

/// A policy of ours on an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    policy: String,
    /// What the policy is called.
    pub name: String,
    /// The account's id.
    pub account: String,
}

/// The organization, as the management account asks it.
pub struct Holds(Scope);

impl Holds {
    /// `None` where there is no organization, and so no policy.
    pub async fn find(site: &Site) -> Result<Option<Self>, Problem> {
        if site.forest.organization.is_none() {
            return Ok(None);
        }
        let region = site.scope.region().partition().organizations();
        Ok(Some(Self(site.elsewhere(&region).await?)))
    }

    /// Every account that is held now.
    pub async fn all(&self) -> Result<Vec<Hold>, Problem> {
        let mut found = Vec::new();
        let listed = self.pages("ListPolicies", json!({ "Filter": "SERVICE_CONTROL_POLICY" })).await?;
        for policy in listed {
            let word = |name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default();
            // Tags cost a call each, and every name of ours begins so.
            if !word("Name").starts_with("forester-") || !self.is_ours(word("Id")).await? {
                continue;
            }
            for target in self.pages("ListTargetsForPolicy", json!({ "PolicyId": word("Id") })).await? {
                let account = target.get("TargetId").and_then(Value::as_str).unwrap_or_default().to_owned();
                found.push(Hold { policy: word("Id").to_owned(), name: word("Name").to_owned(), account });
            }
        }
        Ok(found)
    }

    /// Takes the policies off the accounts, and deletes them.
    pub async fn let_go(&self, holds: &[Hold]) -> Result<(), Problem> {
        for hold in holds {
            self.call("DetachPolicy", json!({ "PolicyId": hold.policy, "TargetId": hold.account })).await?;
        }
        let policies: BTreeSet<&str> = holds.iter().map(|hold| hold.policy.as_str()).collect();
        for policy in policies {
            self.call("DeletePolicy", json!({ "PolicyId": policy })).await?;
        }
        Ok(())
    }

    async fn is_ours(&self, policy: &str) -> Result<bool, Problem> {
        let tags = self.pages("ListTagsForResource", json!({ "ResourceId": policy })).await?;
        let says = |tag: &Value, member: &str, text: &str| tag.get(member).and_then(Value::as_str) == Some(text);
        Ok(tags.iter().any(|tag| says(tag, "Key", POLICY_TAG.0) && says(tag, "Value", POLICY_TAG.1)))
    }

    async fn pages(&self, operation: &str, params: Value) -> Result<Vec<Value>, Problem> {
        self.0.pages("organizations", operation, params).await.map_err(Problem::failed)
    }

    /// What is gone already needs no undoing.
    async fn call(&self, operation: &str, params: Value) -> Result<(), Problem> {
        match self.0.call("organizations", operation, params).await {
            Err(error) if !CallError::is_gone(&error) => Err(Problem::failed(error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
