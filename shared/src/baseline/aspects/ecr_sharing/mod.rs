//! Container images for other accounts: who may pull from a repository, and which accounts get copies.
//!
//! The owner lets pull and sends copies; an account that gets copies lets the owner write into its registry. All of
//! these documents are replaced whole by AWS, so what others wrote into them is read first and stays.
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html>

mod policies;
mod read;
mod replication;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::regions_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{counted, document, sharing};
use crate::aws::{CallError, Scope};
use crate::config::shares::EcrShare;
use crate::config::wildcard;
use crate::types::{AccountId, Region};
use replication::Rule;

/// Repositories, registries and keys.
pub struct EcrSharing;

/// What there is in one region.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    region: Region,
    /// The owner's repositories that an entry means, by name.
    repositories: BTreeMap<String, Repository>,
    /// The keys behind them that are to be shared.
    keys: BTreeMap<String, Key>,
    /// What the owner's registry copies.
    rules: Vec<Rule>,
    /// Who may write into the receiver's registry.
    registry: Value,
}

/// A repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    /// Its policy; null when it has none.
    policy: Value,
    /// The key it is encrypted with, unless that is one of ECR's own.
    key: Option<String>,
}

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// One whose policy can be changed here, and the policy.
    Own(Value),
    /// One that cannot, and why.
    Other(String),
}

/// What can be done about images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Replaces the policy of a repository.
    SetRepositoryPolicy {
        /// The repository.
        repository: String,
        /// The policy, with the statements of others.
        policy: Value,
    },
    /// Replaces the policy of a key.
    ShareKey {
        /// The key.
        key: String,
        /// The policy, with the statements of others.
        policy: Value,
    },
    /// Replaces what the registry copies.
    SetReplication {
        /// All rules, those of others too.
        rules: Vec<Rule>,
    },
    /// Replaces the policy of the registry.
    SetRegistryPolicy {
        /// The policy, with the statements of others.
        policy: Value,
    },
}

fn owned(target: &Target) -> impl Iterator<Item = &EcrShare> {
    let shares = target.config.shares.iter().filter_map(|share| share.ecr.as_ref());
    shares.filter(|share| sharing::is(target, &share.owner))
}

/// The entries of others that this account gets copies by.
fn received(target: &Target) -> impl Iterator<Item = &EcrShare> {
    let shares = target.config.shares.iter().filter_map(|share| share.ecr.as_ref());
    let meant = |share: &EcrShare| share.replicate_to.as_ref().is_some_and(|to| to.covers(&target.account.ou));
    let other = |share: &EcrShare| target.account_of(&share.owner).as_ref() != Some(&target.account.id);
    shares.filter(move |share| meant(share) && other(share))
}

#[async_trait]
impl Aspect for EcrSharing {
    const NAME: &'static str = "ecr-sharing";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        let concerned = owned(target).next().is_some() || received(target).next().is_some();
        regions_if(concerned, sharing::regions(target, enabled))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        read::facts(look, target).await
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let mut planned = Planned::nothing();
        pulls(target, facts, &mut planned);
        keys(target, facts, &mut planned);
        copies(target, facts, &mut planned);
        let registry = policies::registry(target, &facts.region, received(target));
        if let Some(policy) = changed(document::beside_others(registry, &facts.registry), &facts.registry) {
            planned.steps.push(Action::SetRegistryPolicy { policy });
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (service, operation, params) = match action {
            Action::SetRepositoryPolicy { repository, policy } if says_nothing(policy) => {
                ("ecr", "DeleteRepositoryPolicy", json!({ "repositoryName": repository }))
            }
            Action::SetRepositoryPolicy { repository, policy } => {
                let params = json!({ "repositoryName": repository, "policyText": policy.to_string() });
                ("ecr", "SetRepositoryPolicy", params)
            }
            Action::ShareKey { key, policy } => {
                let params = json!({ "KeyId": key, "PolicyName": "default", "Policy": policy.to_string() });
                ("kms", "PutKeyPolicy", params)
            }
            Action::SetReplication { rules } => {
                let rules: Vec<Value> = rules.iter().map(Rule::told).collect();
                ("ecr", "PutReplicationConfiguration", json!({ "replicationConfiguration": { "rules": rules } }))
            }
            Action::SetRegistryPolicy { policy } if says_nothing(policy) => ("ecr", "DeleteRegistryPolicy", json!({})),
            Action::SetRegistryPolicy { policy } => {
                ("ecr", "PutRegistryPolicy", json!({ "policyText": policy.to_string() }))
            }
        };
        match scope.call(service, operation, params).await {
            Err(error) if error.is_gone() && operation.starts_with("Delete") => Ok(Taken::AlreadySo),
            outcome => Ok(outcome.map(|_| Taken::Done)?),
        }
    }
}

/// ECR takes no policy without statements: it is deleted instead.
fn says_nothing(policy: &Value) -> bool {
    document::statements(policy).is_empty()
}

/// The document, if it says something else than the one that is there.
fn changed(document: Value, seen: &Value) -> Option<Value> {
    (!document::same(&document, seen)).then_some(document)
}

fn pulls(target: &Target, facts: &Facts, planned: &mut Planned<Action>) {
    for (name, repository) in &facts.repositories {
        let entries = owned(target).filter(|share| wildcard(&share.repos, name));
        match policies::pull(target, entries) {
            Ok(policy) => {
                let policy = document::beside_others(policy, &repository.policy);
                let policy = changed(policy, &repository.policy);
                let set = |policy| Action::SetRepositoryPolicy { repository: name.clone(), policy };
                planned.steps.extend(policy.map(set));
            }
            Err(problem) if planned.problems.contains(&problem) => {}
            Err(problem) => planned.problems.push(problem),
        }
    }
}

fn keys(target: &Target, facts: &Facts, planned: &mut Planned<Action>) {
    for (id, key) in &facts.keys {
        let uses = |name: &str| facts.repositories.get(name).is_some_and(|found| found.key.as_ref() == Some(id));
        let meant = |share: &&EcrShare| {
            share.key_grant && facts.repositories.keys().any(|name| uses(name) && wildcard(&share.repos, name))
        };
        match (key, policies::decrypt(target, &facts.region, owned(target).filter(meant))) {
            (Key::Other(reason), Ok(Some(_))) => planned.kept.push((format!("the key {id}"), reason.clone())),
            (Key::Own(seen), Ok(Some(policy))) => {
                let policy = changed(document::beside(policies::KEY_SID, policy, seen), seen);
                planned.steps.extend(policy.map(|policy| Action::ShareKey { key: id.clone(), policy }));
            }
            // The pattern's problem has been told with the repositories.
            (_, Ok(None) | Err(_)) => {}
        }
    }
}

fn copies(target: &Target, facts: &Facts, planned: &mut Planned<Action>) {
    let mut rules = facts.rules.clone();
    for share in owned(target) {
        let Some(to) = &share.replicate_to else { continue };
        let accounts: Vec<&AccountId> = sharing::active(target, to).collect();
        if accounts.is_empty() {
            let why = format!("`{to}` holds no other account");
            planned.kept.push((format!("copies of {}", share.repos), why));
            continue;
        }
        let own = target.account.id.as_ref();
        let accounts = accounts.into_iter().map(AccountId::to_string).collect();
        rules = replication::merged(&rules, share.prefix(), (&facts.region, accounts), target.strict().then_some(own));
    }
    match replication::too_many(&rules) {
        Some(problem) if rules != facts.rules => planned.problems.push(problem),
        _ if rules != facts.rules => planned.steps.push(Action::SetReplication { rules }),
        _ => {}
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetRepositoryPolicy { repository, policy } => {
                write!(f, "let {} pull from repository {repository}", policies::who(policy))
            }
            Self::ShareKey { key, policy } => write!(f, "let {} decrypt images with key {key}", policies::who(policy)),
            Self::SetReplication { rules } => {
                let n = replication::destinations(rules).len();
                write!(f, "copy images by {} to {}", counted(rules.len(), "rule"), counted(n, "destination"))
            }
            Self::SetRegistryPolicy { policy } => write!(f, "let {} copy images here", policies::who(policy)),
        }
    }
}
