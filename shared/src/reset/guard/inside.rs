//! What the account itself says: who the credentials are there, what it is called, and what it holds that others need.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::discover::none;
use super::super::engine::global_region;
use super::{Guard, Refusal, unreadable};
use crate::aws::{CallError, Scope};
use crate::types::AccountId;

/// How the description of Forester's own stack begins (`infra/template.yaml`).
const STACK: &str = "Forester keeps the accounts of an organization";

impl Guard<'_> {
    /// The credentials must lead into the account that is meant, whatever the role's name promised.
    pub async fn identity(&self, id: &AccountId) -> Result<(), Refusal> {
        let ask = async { self.home_scope(id).await?.call("sts", "GetCallerIdentity", none()).await };
        let answer = ask.await.map_err(unreadable("identity"))?;
        let found = answer.get("Account").and_then(Value::as_str).unwrap_or("nobody");
        if found == id.as_ref() {
            return Ok(());
        }
        Err(Refusal::Identity { account: id.clone(), found: found.to_owned() })
    }

    /// The names that the account gives itself.
    pub(super) async fn aliases(&self, id: &AccountId) -> Result<Vec<String>, Refusal> {
        let ask = async {
            let scope = self.accounts.scope(id, &global_region(&self.config.home_region)).await?;
            scope.pages("iam", "ListAccountAliases", none()).await
        };
        let answer = ask.await.map_err(unreadable("words"))?;
        Ok(answer.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Nothing in the account may be what others depend on: by the file, or by what is there.
    pub(super) async fn holder(&self, id: &AccountId) -> Result<(), Refusal> {
        let untold = |reason| Refusal::Untold { guard: "holder", reason };
        let mut what = self.baseliner.holds(id).await.map_err(untold)?;
        if what.is_none() {
            let ask = async {
                let scope = self.home_scope(id).await?;
                Ok(match own_stack(&scope).await? {
                    None => trail_bucket(&scope).await?,
                    found => found,
                })
            };
            what = ask.await.map_err(unreadable("holder"))?;
        }
        what.map_or(Ok(()), |what| Err(Refusal::Holder { account: id.clone(), what }))
    }

    async fn home_scope(&self, id: &AccountId) -> Result<Scope, CallError> {
        self.accounts.scope(id, &self.config.home_region).await
    }
}

/// Forester's own stack, told by its description: its name is whoever deployed it's choice.
async fn own_stack(scope: &Scope) -> Result<Option<String>, CallError> {
    let stacks = scope.pages("cloudformation", "DescribeStacks", none()).await?;
    let text = |stack: &Value, name: &str| stack.get(name).and_then(Value::as_str).map(str::to_owned);
    let ours = |stack: &&Value| text(stack, "Description").is_some_and(|about| about.starts_with(STACK));
    let ours = stacks.iter().find(ours);
    Ok(ours.map(|stack| format!("holds Forester's own stack {}", text(stack, "StackName").unwrap_or_default())))
}

/// The bucket of a trail that another account owns. An organization's trail is shown in every member, with its bucket.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html>
async fn trail_bucket(scope: &Scope) -> Result<Option<String>, CallError> {
    let answer = scope.call("cloudtrail", "DescribeTrails", json!({ "includeShadowTrails": true })).await?;
    let account = format!(":{}:", scope.account());
    let foreign = |trail: &&Value| {
        let arn = trail.get("TrailARN").and_then(Value::as_str);
        let organization = trail.get("IsOrganizationTrail").and_then(Value::as_bool).unwrap_or(false);
        organization || arn.is_none_or(|arn| !arn.contains(&account))
    };
    let trails = answer.get("trailList").and_then(Value::as_array).into_iter().flatten().filter(foreign);
    let buckets: BTreeSet<&str> =
        trails.filter_map(|trail| trail.get("S3BucketName").and_then(Value::as_str)).collect();
    if buckets.is_empty() {
        return Ok(None);
    }
    let own = scope.pages("s3", "ListBuckets", none()).await?;
    let held = own.iter().filter_map(|bucket| bucket.get("Name").and_then(Value::as_str));
    let held = held.into_iter().find(|name| buckets.contains(name));
    Ok(held.map(|name| format!("holds {name}, the bucket of the organization's trail")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn stack_is_known_by_its_description() {
        let template = include_str!("../../../../infra/template.yaml");
        assert!(template.contains(&format!("\nDescription: {}", super::STACK)));
    }
}
