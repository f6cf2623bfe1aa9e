//! ECR of a fake account.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::types::{AccountId, Region};

/// The registry of a region.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeRegistry {
    pub repositories: BTreeMap<String, FakeRepository>,
    pub policy: Option<Value>,
    pub rules: Vec<Value>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeRepository {
    pub policy: Option<Value>,
    pub key: Option<String>,
}

impl FakeRegistry {
    /// The `Sid`s of a repository's policy.
    pub fn sids(&self, repository: &str) -> Vec<String> {
        let statements = self.repositories[repository].policy.iter().flat_map(|policy| policy["Statement"].as_array());
        statements.flatten().map(|statement| text(statement, "Sid").to_owned()).collect()
    }
}

const INVALID: (ErrorClass, &str) = (ErrorClass::Invalid, "InvalidParameterException");
const NO_REPOSITORY: (ErrorClass, &str) = (ErrorClass::Gone, "RepositoryNotFoundException");
const NO_REPOSITORY_POLICY: (ErrorClass, &str) = (ErrorClass::Gone, "RepositoryPolicyNotFoundException");
const NO_REGISTRY_POLICY: (ErrorClass, &str) = (ErrorClass::Gone, "RegistryPolicyNotFoundException");

pub(super) fn ecr(
    (id, account): (&AccountId, &mut FakeAccount),
    region: &Region,
    operation: &str,
    params: &Value,
) -> Answer {
    let registry = account.registries.entry(region.clone()).or_default();
    match operation {
        "DescribeRepositories" => {
            let shown = |(name, repository): (&String, &FakeRepository)| {
                let encryption = match &repository.key {
                    Some(key) => json!({ "encryptionType": "KMS", "kmsKey": key }),
                    None => json!({ "encryptionType": "AES256" }),
                };
                json!({ "repositoryName": name, "encryptionConfiguration": encryption })
            };
            Ok(json!({ "repositories": registry.repositories.iter().map(shown).collect::<Vec<_>>() }))
        }
        "DescribeRegistry" => Ok(json!({ "registryId": id, "replicationConfiguration": { "rules": registry.rules } })),
        "PutReplicationConfiguration" => {
            let rules = params["replicationConfiguration"]["rules"].as_array().unwrap();
            let places = rules.iter().flat_map(|rule| rule["destinations"].as_array().unwrap());
            let places: BTreeSet<String> = places.map(Value::to_string).collect();
            let own = json!({ "region": region, "registryId": id }).to_string();
            if rules.len() > 10 || places.len() > 25 || places.contains(&own) {
                return Err((ErrorClass::Invalid, "ValidationException"));
            }
            registry.rules = rules.clone();
            Ok(json!({}))
        }
        "GetRegistryPolicy" => shown(&registry.policy, NO_REGISTRY_POLICY),
        "PutRegistryPolicy" => put(&mut registry.policy, params),
        "DeleteRegistryPolicy" => delete(&mut registry.policy, NO_REGISTRY_POLICY),
        _ => {
            let repository = registry.repositories.get_mut(text(params, "repositoryName")).ok_or(NO_REPOSITORY)?;
            match operation {
                "GetRepositoryPolicy" => shown(&repository.policy, NO_REPOSITORY_POLICY),
                "SetRepositoryPolicy" => put(&mut repository.policy, params),
                "DeleteRepositoryPolicy" => delete(&mut repository.policy, NO_REPOSITORY_POLICY),
                _ => panic!("the fake does not know ecr:{operation}"),
            }
        }
    }
}

fn shown(policy: &Option<Value>, none: (ErrorClass, &'static str)) -> Answer {
    policy.as_ref().map(|policy| json!({ "policyText": policy.to_string() })).ok_or(none)
}

fn put(policy: &mut Option<Value>, params: &Value) -> Answer {
    let new: Value = serde_json::from_str(text(params, "policyText")).unwrap();
    if new["Statement"].as_array().is_none_or(Vec::is_empty) {
        return Err(INVALID);
    }
    *policy = Some(new);
    Ok(json!({}))
}

fn delete(policy: &mut Option<Value>, none: (ErrorClass, &'static str)) -> Answer {
    policy.take().map(|_| json!({})).ok_or(none)
}
