//! Accounts that people are kept out of: by a reset that is under way or died, by the quarantine after failed resets, by the
//! ladder. All of it is service control policies with a tag of ours, so Organizations knows, whatever the table says.

use std::collections::BTreeSet;
use std::time::Duration;

use forester::aws::{CallError, Scope};
use forester::reset::carries_our_tag;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::site::Site;
use crate::answer::word;
use crate::output::Problem;

/// Organizations takes one change of policies at a time, each of a moment.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

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
            let (id, name) = (word(&policy, "Id"), word(&policy, "Name"));
            // Tags cost a call each, and every name of ours begins so.
            if !name.starts_with("forester-") || !self.is_ours(id).await? {
                continue;
            }
            for target in self.pages("ListTargetsForPolicy", json!({ "PolicyId": id })).await? {
                let account = word(&target, "TargetId").to_owned();
                found.push(Hold { policy: id.to_owned(), name: name.to_owned(), account });
            }
        }
        Ok(found)
    }

    /// Takes the policies off the accounts, and deletes them; goes on past failures, and returns them.
    pub async fn let_go(&self, holds: &[Hold]) -> Vec<String> {
        let mut failed = Vec::new();
        for hold in holds {
            let detached =
                self.patiently("DetachPolicy", json!({ "PolicyId": hold.policy, "TargetId": hold.account })).await;
            failed.extend(
                detached.err().map(|error| format!("{} is still held by {}: {error}", hold.account, hold.name)),
            );
        }
        let policies: BTreeSet<(&str, &str)> =
            holds.iter().map(|hold| (hold.policy.as_str(), hold.name.as_str())).collect();
        for (policy, name) in policies {
            let deleted = self.patiently("DeletePolicy", json!({ "PolicyId": policy })).await;
            failed.extend(deleted.err().map(|error| format!("the policy {name} is left: {error}")));
        }
        failed
    }

    async fn is_ours(&self, policy: &str) -> Result<bool, Problem> {
        Ok(carries_our_tag(&self.pages("ListTagsForResource", json!({ "ResourceId": policy })).await?))
    }

    async fn pages(&self, operation: &str, params: Value) -> Result<Vec<Value>, Problem> {
        self.0.pages("organizations", operation, params).await.map_err(Problem::failed)
    }

    /// What is gone already needs no undoing; functions may be changing policies at the same time.
    async fn patiently(&self, operation: &str, params: Value) -> Result<(), CallError> {
        let mut left = TRIES;
        loop {
            left -= 1;
            match self.0.call("organizations", operation, params.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_gone() => return Ok(()),
                Err(error) if error.may_pass() && left > 0 => sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use forester::aws::ErrorClass;

    use super::super::fake::{Answers, scope};
    use super::*;

    fn hold(number: u8) -> Hold {
        Hold {
            policy: format!("p-{number}"),
            name: format!("forester-{number}"),
            account: format!("22223333444{number}"),
        }
    }

    #[tokio::test]
    async fn one_that_cannot_be_let_go_keeps_no_other_shut() {
        let answers = Answers::new().refusing("DetachPolicy", ErrorClass::Invalid, "ConstraintViolationException");
        let failed = Holds(scope(answers.clone())).let_go(&[hold(1), hold(2)]).await;
        assert_eq!(failed.len(), 2, "{failed:?}");
        assert!(failed.iter().all(|failure| failure.contains("is still held by forester-")), "{failed:?}");
        let tried = answers.asked().into_iter().filter(|(operation, _)| operation == "DetachPolicy").count();
        assert_eq!(tried, 2);
    }
}
