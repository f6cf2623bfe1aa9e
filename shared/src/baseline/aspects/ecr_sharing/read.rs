//! Reads repositories, registries and keys.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::super::super::Target;
use super::super::super::observe::side_by_side;
use super::super::{document, list};
use super::{Facts, Key, Repository, Rule, owned, received};
use crate::aws::{CallError, Scope};
use crate::config::wildcard;

/// How many repositories are asked for their policies at the same time.
const AT_ONCE: usize = 8;

pub(super) async fn facts(scope: &Scope, target: &Target) -> Result<Facts, CallError> {
    let repositories = match owned(target).next() {
        Some(_) => repositories(scope, target).await?,
        None => BTreeMap::new(),
    };
    let shared = |name: &str| owned(target).any(|share| share.key_grant && wildcard(&share.repos, name));
    let used: BTreeSet<&String> =
        repositories.iter().filter(|(name, _)| shared(name)).filter_map(|(_, found)| found.key.as_ref()).collect();
    let mut keys = BTreeMap::new();
    for id in used {
        keys.insert(id.clone(), key(scope, id).await?);
    }
    Ok(Facts {
        region: scope.region().clone(),
        keys,
        rules: match owned(target).any(|share| share.replicate_to.is_some()) {
            true => rules(scope).await?,
            false => Vec::new(),
        },
        registry: match received(target).next() {
            Some(_) => policy(scope, "GetRegistryPolicy", json!({})).await?,
            None => Value::Null,
        },
        repositories,
    })
}

async fn repositories(scope: &Scope, target: &Target) -> Result<BTreeMap<String, Repository>, CallError> {
    let all = scope.pages("ecr", "DescribeRepositories", json!({})).await?;
    let named = all.iter().filter_map(|found| Some((found.get("repositoryName")?.as_str()?.to_owned(), found)));
    let meant = named.filter(|(name, _)| owned(target).any(|share| wildcard(&share.repos, name)));
    let look = |(name, found): (String, &Value)| {
        let key = found.pointer("/encryptionConfiguration/kmsKey").and_then(Value::as_str).map(str::to_owned);
        async move {
            let policy = policy(scope, "GetRepositoryPolicy", json!({ "repositoryName": name })).await;
            policy.map(|policy| (name, Repository { policy, key }))
        }
        .boxed()
    };
    side_by_side(AT_ONCE, meant.map(look).collect()).await.into_iter().collect()
}

/// A policy document of ECR, or null where there is none.
async fn policy(scope: &Scope, operation: &str, params: Value) -> Result<Value, CallError> {
    match scope.call("ecr", operation, params).await {
        Ok(answer) => Ok(document::decoded(answer.get("policyText").unwrap_or(&Value::Null))),
        Err(error) if error.is_gone() => Ok(Value::Null),
        Err(error) => Err(error),
    }
}

async fn rules(scope: &Scope) -> Result<Vec<Rule>, CallError> {
    let answer = scope.call("ecr", "DescribeRegistry", json!({})).await?;
    let configuration = answer.get("replicationConfiguration").unwrap_or(&Value::Null);
    Ok(list(configuration, "rules").iter().map(Rule::read).collect())
}

async fn key(scope: &Scope, id: &str) -> Result<Key, CallError> {
    let answer = match scope.call("kms", "DescribeKey", json!({ "KeyId": id })).await {
        Err(error) if error.is_gone() => return Ok(Key::Other("there is no such key any more".to_owned())),
        answer => answer?,
    };
    let told = |member: &str| answer.pointer(&format!("/KeyMetadata/{member}")).and_then(Value::as_str);
    match (told("KeyManager"), told("AWSAccountId")) {
        (Some("AWS"), _) => Ok(Key::Other("AWS manages it, and other accounts can never use it".to_owned())),
        (_, Some(owner)) if owner != scope.account().as_ref() => Ok(Key::Other(format!("it belongs to {owner}"))),
        _ => {
            let answer = scope.call("kms", "GetKeyPolicy", json!({ "KeyId": id, "PolicyName": "default" })).await?;
            Ok(Key::Own(document::decoded(answer.get("Policy").unwrap_or(&Value::Null))))
        }
    }
}
