//! The pipeline's own account: its artifact bucket and key let in the roles of the accounts that it deploys to.
//!
//! A statement names the accounts as principals, and their roles by a condition: a role that does not exist yet would
//! be refused as a principal, and one that was made anew would no longer be the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::super::document;
use super::policies::{BUCKET, KEY, OBJECTS, bucket_arn};
use crate::aws::{CallError, Scope};
use crate::baseline::{Planned, StepError, Taken, Target};
use crate::config::{Resolved, Subject};
use crate::org::{self, AccountState};
use crate::types::{AccountId, Arn};

/// How the `Sid` of each statement begins. The key may be one that Forester keeps by another aspect.
const SID: &str = "SharedByForesterDeploy";

/// Who is let in: the accounts, and how their roles are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Guests {
    accounts: BTreeSet<AccountId>,
    roles: BTreeSet<String>,
}

/// What pipelines in this account need, by bucket and by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Owed {
    pub buckets: BTreeMap<String, Guests>,
    pub keys: BTreeMap<String, Guests>,
}

/// The policies of buckets and keys; none where the thing itself is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    buckets: BTreeMap<String, Option<Value>>,
    /// With the ARN.
    keys: BTreeMap<String, Option<(String, Value)>>,
}

/// What can be done about artifacts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Replaces the policy of a bucket.
    SetBucketPolicy {
        /// The bucket.
        bucket: String,
        /// The document.
        policy: Value,
    },
    /// Replaces the policy of a key.
    SetKeyPolicy {
        /// The key's ARN.
        key: String,
        /// The document.
        policy: Value,
    },
}

impl Owed {
    /// Nothing, unless some layer says that a pipeline is in this account. The forest carries no tags, so those that the
    /// file declares count.
    pub fn of(target: &Target) -> Self {
        let mut owed = Self::default();
        let here = |trust: &String| target.account_of(trust).as_ref() == Some(&target.account.id);
        let config = &target.config;
        let trusts = config.layers.iter().filter_map(|layer| layer.deploy_roles.as_ref()?.trust.as_ref());
        if !trusts.into_iter().any(here) {
            return owed;
        }
        let untagged = BTreeMap::new();
        for member in target.forest.members.iter().filter(|member| member.state == AccountState::Active) {
            let tags = config.accounts.get(&member.name).map_or(&untagged, |entry| &entry.tags);
            let subject = Subject { id: &member.id, name: &member.name, ou: &member.ou, tags };
            let Resolved { wanted, .. } = config.resolve(subject);
            let Some(declared) = wanted.deploy_roles.filter(|declared| declared.trust.iter().any(here)) else {
                continue;
            };
            let label = org::label(config, &member.name);
            let roles: Vec<String> = declared.which().iter().map(|role| format!("{label}{}", role.name())).collect();
            let add = |map: &mut BTreeMap<String, Guests>, name: Option<String>| {
                let Some(name) = name else { return };
                let guests = map.entry(name).or_default();
                guests.accounts.insert(member.id.clone());
                guests.roles.extend(roles.iter().cloned());
            };
            add(&mut owed.buckets, declared.bucket);
            add(&mut owed.keys, declared.key);
        }
        owed
    }

    /// Whether nobody is let in.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty() && self.keys.is_empty()
    }

    /// Reads the policies.
    pub async fn read(&self, scope: &Scope) -> Result<Policies, CallError> {
        let mut found = Policies::default();
        for bucket in self.buckets.keys() {
            let params = json!({ "Bucket": bucket });
            let policy = match scope.call("s3", "GetBucketPolicy", params).await {
                Err(error) if error.has_code("NoSuchBucketPolicy") => Some(Value::Null),
                Err(error) if error.is_gone() => None,
                answer => Some(document::decoded(answer?.get("Policy").unwrap_or(&Value::Null))),
            };
            found.buckets.insert(bucket.clone(), policy);
        }
        for key in self.keys.keys() {
            let policy = match super::arn_of(scope, key).await? {
                None => None,
                Some(arn) => {
                    let params = json!({ "KeyId": arn, "PolicyName": "default" });
                    let answer = scope.call("kms", "GetKeyPolicy", params).await?;
                    Some((arn, document::decoded(answer.get("Policy").unwrap_or(&Value::Null))))
                }
            };
            found.keys.insert(key.clone(), policy);
        }
        Ok(found)
    }

    /// Lets the guests in.
    pub fn plan(&self, target: &Target, seen: &Policies) -> Planned<Action> {
        let mut planned = Planned::nothing();
        for (bucket, guests) in &self.buckets {
            match seen.buckets.get(bucket).cloned().flatten() {
                None => planned.problems.push(format!("there is no bucket {bucket} for the artifacts of pipelines")),
                Some(policy) => planned.steps.extend(guests.bucket_step(target, bucket, &policy)),
            }
        }
        for (key, guests) in &self.keys {
            match seen.keys.get(key).cloned().flatten() {
                None => planned.problems.push(format!("there is no key {key} for the artifacts of pipelines")),
                Some((arn, policy)) => {
                    let ours = document(vec![guests.statement(target, "Key", &KEY, "*")]);
                    let merged = document::beside(SID, ours, &policy);
                    if !document::same(&merged, &policy) {
                        planned.steps.push(Action::SetKeyPolicy { key: arn, policy: merged });
                    }
                }
            }
        }
        planned
    }
}

impl Guests {
    fn bucket_step(&self, target: &Target, bucket: &str, seen: &Value) -> Option<Action> {
        let arn = bucket_arn(target.partition(), bucket);
        let ours = vec![
            self.statement(target, "Objects", &OBJECTS, &format!("{arn}/*")),
            self.statement(target, "Bucket", &BUCKET, &arn),
        ];
        let merged = document::beside(SID, document(ours), seen);
        let bucket = bucket.to_owned();
        (!document::same(&merged, seen)).then_some(Action::SetBucketPolicy { bucket, policy: merged })
    }

    fn statement(&self, target: &Target, name: &str, actions: &[&str], resource: &str) -> Value {
        let partition = target.partition();
        let root = |id: &AccountId| Arn::iam(partition, id, "root").to_string();
        let role = |role: &String| format!("arn:{}:iam::*:role/{role}", partition.id());
        json!({
            "Sid": format!("{SID}{name}"),
            "Effect": "Allow",
            "Principal": { "AWS": self.accounts.iter().map(root).collect::<Vec<_>>() },
            "Action": actions,
            "Resource": resource,
            "Condition": { "ArnLike": { "aws:PrincipalArn": self.roles.iter().map(role).collect::<Vec<_>>() } },
        })
    }
}

fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Does one step.
pub(super) async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
    match action {
        Action::SetBucketPolicy { bucket, policy } => {
            scope.call("s3", "PutBucketPolicy", json!({ "Bucket": bucket, "Policy": policy.to_string() })).await?;
        }
        Action::SetKeyPolicy { key, policy } => {
            let params = json!({ "KeyId": key, "PolicyName": "default", "Policy": policy.to_string() });
            scope.call("kms", "PutKeyPolicy", params).await?;
        }
    }
    Ok(Taken::Done)
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetBucketPolicy { bucket, .. } => write!(f, "let deploy roles use the artifacts in {bucket}"),
            Self::SetKeyPolicy { key, .. } => write!(f, "let deploy roles use {key} for artifacts"),
        }
    }
}
