//! Roles by which a pipeline in another account deploys, and, in the pipeline's account, the bucket and the key of its
//! artifacts that let these roles in.

mod artifacts;
mod policies;
#[cfg(test)]
mod tests;

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::roles::{self, Found, Wishes};
use crate::aws::{CallError, Scope};
use crate::baseline::aspect::global_if;
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target, Unmet};
use crate::types::{AccountId, Arn, Region};
use artifacts::Owed;
pub use artifacts::Policies;
use policies::Artifacts;

/// What pipelines need.
pub struct DeployRoles;

/// What an account has for pipelines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Its roles.
    roles: Found,
    /// The ARN of the key that encrypts the artifacts.
    key: Option<String>,
    /// The policies of the artifacts' buckets and keys, where this is the pipeline's account.
    policies: Policies,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Action {
    /// About a role.
    Role(roles::Action),
    /// About artifacts.
    Artifacts(artifacts::Action),
}

/// The roles of pipelines; `key` is the ARN of the key that encrypts the artifacts.
pub(super) fn wishes(target: &Target, key: Option<&str>) -> Wishes {
    let mut wishes = Wishes::new();
    let Some(declared) = &target.wanted.deploy_roles else { return wishes };
    for which in declared.which() {
        let wish = pipeline(target).and_then(|pipeline| {
            let artifacts = Artifacts { bucket: declared.bucket.as_deref(), key };
            Ok(policies::role(target, declared, &pipeline, which, &artifacts)?)
        });
        wishes.insert(target.labelled(which.name()), wish);
    }
    wishes
}

/// The account that the pipeline is in.
fn pipeline(target: &Target) -> Result<AccountId, Unmet> {
    let trust = target.wanted.deploy_roles.as_ref().and_then(|declared| declared.trust.as_deref());
    let trust = trust.ok_or("no layer of this account says where the pipeline is (`deploy_roles.trust`)")?;
    target.expect(trust, "the pipeline is there (`deploy_roles.trust`)")
}

/// The ARN of a key, which may be given by alias; `None` when there is no such key.
async fn arn_of(scope: &Scope, key: &str) -> Result<Option<String>, CallError> {
    if key.parse::<Arn>().is_ok() {
        return Ok(Some(key.to_owned()));
    }
    match scope.call("kms", "DescribeKey", json!({ "KeyId": key })).await {
        Err(error) if error.is_gone() => Ok(None),
        answer => Ok(answer?.pointer("/KeyMetadata/Arn").and_then(Value::as_str).map(str::to_owned)),
    }
}

#[async_trait]
impl Aspect for DeployRoles {
    const NAME: &'static str = "deploy-roles";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.deploy_roles.is_some() || !Owed::of(target).is_empty())
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        let key = target.wanted.deploy_roles.as_ref().and_then(|declared| declared.key.as_deref());
        let key = match (key, pipeline(target)) {
            (Some(key), Ok(_)) if key.parse::<Arn>().is_ok() => Some(key.to_owned()),
            (Some(key), Ok(pipeline)) => arn_of(&look.elsewhere(&pipeline, target.home()).await?, key).await?,
            (None, _) | (_, Err(_)) => None,
        };
        let wishes = wishes(target, key.as_deref());
        let roles = roles::observe(look, target.strict(), &wishes).await?;
        Ok(Facts { roles, key, policies: Owed::of(target).read(look).await? })
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let mut planned = Owed::of(target).plan(target, &facts.policies).map(Action::Artifacts);
        let declared = target.wanted.deploy_roles.as_ref();
        let key = declared.and_then(|declared| declared.key.as_deref());
        if let (Some(key), None, Ok(pipeline)) = (key, &facts.key, pipeline(target)) {
            let what = format!("the roles of pipelines need the ARN of {key}, which does not exist there");
            planned.awaits.push((what, pipeline));
            return planned;
        }
        planned.and(roles::plan(target, wishes(target, facts.key.as_deref()), &facts.roles).map(Action::Role))
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::Role(action) => roles::take(scope, action).await,
            Action::Artifacts(action) => artifacts::take(scope, action).await,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(action) => action.fmt(f),
            Self::Artifacts(action) => action.fmt(f),
        }
    }
}
