//! IAM roles that people of other accounts come in by.
//!
//! The trust document is compared as a document: decoded, with lists of one and lists in another order counted as
//! equal. Our statement carries a `Sid`, so that a change replaces it, and under `additive` the statements of others
//! stay. A principal that was deleted shows as `AROA…`, which is a difference and is mended.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::global_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{counted, document, list, texts};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::config;
use crate::types::{Arn, Region};

/// The declared roles.
pub struct Roles;

/// A role as it is, or as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Who may assume it.
    pub trust: Value,
    /// The ARNs of its managed policies.
    pub policies: BTreeSet<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What can be done about roles.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes the role and attaches its policies.
    CreateRole {
        /// Its name.
        role: String,
        /// Its trust document.
        trust: Value,
        /// The ARNs of its policies.
        policies: BTreeSet<String>,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// Replaces the trust document.
    SetTrust {
        /// The role.
        role: String,
        /// The document.
        trust: Value,
    },
    /// Attaches a policy.
    AttachPolicy {
        /// The role.
        role: String,
        /// The policy's ARN.
        policy: String,
    },
    /// Takes a policy away.
    DetachPolicy {
        /// The role.
        role: String,
        /// The policy's ARN.
        policy: String,
    },
    /// Sets tags.
    TagRole {
        /// The role.
        role: String,
        /// The tags.
        tags: BTreeMap<String, String>,
    },
    /// Takes tags away.
    UntagRole {
        /// The role.
        role: String,
        /// Their keys.
        keys: BTreeSet<String>,
    },
}

#[async_trait]
impl Aspect for Roles {
    const NAME: &'static str = "roles";
    const GUARD: bool = true;
    type Facts = BTreeMap<String, Role>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.roles.as_ref().is_some_and(|roles| !roles.is_empty()))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<BTreeMap<String, Role>, CallError> {
        let mut found = BTreeMap::new();
        for name in target.wanted.roles.iter().flat_map(BTreeMap::keys) {
            if let Some(role) = read(look, name).await? {
                found.insert(name.clone(), role);
            }
        }
        Ok(found)
    }

    fn plan(target: &Target, seen: &BTreeMap<String, Role>) -> Planned<Action> {
        let mut planned = Planned::nothing();
        for (name, declared) in target.wanted.roles.iter().flatten() {
            match wanted(target, name, declared) {
                Ok(role) => planned.steps.extend(steps(target, name, role, seen.get(name))),
                Err(problem) => planned.problems.push(problem),
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::CreateRole { role, trust, policies, tags } => {
                create(scope, role, trust, tags).await?;
                for policy in policies {
                    attach(scope, role, policy).await?;
                }
            }
            Action::SetTrust { role, trust } => set_trust(scope, role, trust).await?,
            Action::AttachPolicy { role, policy } => attach(scope, role, policy).await?,
            Action::DetachPolicy { role, policy } => {
                let params = json!({ "RoleName": role, "PolicyArn": policy });
                match scope.call("iam", "DetachRolePolicy", params).await {
                    Err(error) if error.is_gone() => return Ok(Taken::AlreadySo),
                    outcome => outcome?,
                };
            }
            Action::TagRole { role, tags } => tag(scope, role, tags).await?,
            Action::UntagRole { role, keys } => {
                scope.call("iam", "UntagRole", json!({ "RoleName": role, "TagKeys": keys })).await?;
            }
        }
        Ok(Taken::Done)
    }
}

async fn read(scope: &Scope, name: &str) -> Result<Option<Role>, CallError> {
    let answer = match scope.call("iam", "GetRole", json!({ "RoleName": name })).await {
        Err(error) if error.is_gone() => return Ok(None),
        answer => answer?,
    };
    let role = answer.get("Role").cloned().unwrap_or_default();
    let attached = scope.pages("iam", "ListAttachedRolePolicies", json!({ "RoleName": name })).await?;
    let pair = |tag: &Value| Some((tag.get("Key")?.as_str()?.to_owned(), tag.get("Value")?.as_str()?.to_owned()));
    Ok(Some(Role {
        trust: document::decoded(role.get("AssumeRolePolicyDocument").unwrap_or(&Value::Null)),
        policies: texts(&attached, "PolicyArn").into_iter().collect(),
        tags: list(&role, "Tags").iter().filter_map(pair).collect(),
    }))
}

fn wanted(target: &Target, name: &str, declared: &config::Role) -> Result<Role, String> {
    let partition = target.partition();
    let who = declared.trust.as_ref().ok_or_else(|| format!("no layer of this account says who may assume {name}"))?;
    let mut principals = BTreeSet::new();
    for who in who {
        let id = target
            .account_of(who)
            .ok_or_else(|| format!("{name} trusts `{who}`, which the organization does not hold (yet)"))?;
        principals.insert(Arn::iam(partition, &id, "root").to_string());
    }
    let policies = declared.policies.iter().flatten();
    let arn = |policy: &String| match policy.parse::<Arn>() {
        Ok(arn) => arn.to_string(),
        Err(_) => Arn::managed_policy(partition, policy).to_string(),
    };
    let mut statement = json!({ "Sid": document::SID, "Effect": "Allow", "Principal": { "AWS": principals }, "Action": "sts:AssumeRole" });
    if let (Some(true), Value::Object(statement)) = (declared.mfa, &mut statement) {
        statement.insert("Condition".to_owned(), json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }));
    }
    Ok(Role {
        trust: json!({ "Version": "2012-10-17", "Statement": [statement] }),
        policies: policies.map(arn).collect(),
        tags: declared.tags.clone(),
    })
}

fn steps(target: &Target, name: &str, wanted: Role, seen: Option<&Role>) -> Vec<Action> {
    let role = || name.to_owned();
    let Role { trust, policies, tags } = wanted;
    let Some(seen) = seen else {
        return vec![Action::CreateRole { role: role(), trust, policies, tags }];
    };
    let mut steps = Vec::new();
    let trust = if target.strict() { trust } else { document::beside_others(trust, &seen.trust) };
    if !document::same(&trust, &seen.trust) {
        steps.push(Action::SetTrust { role: role(), trust });
    }
    let missing = policies.difference(&seen.policies);
    steps.extend(missing.map(|policy| Action::AttachPolicy { role: role(), policy: policy.clone() }));
    let differing: BTreeMap<String, String> = tags
        .iter()
        .filter(|(key, value)| seen.tags.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !differing.is_empty() {
        steps.push(Action::TagRole { role: role(), tags: differing });
    }
    if target.strict() {
        let extra = seen.policies.difference(&policies);
        steps.extend(extra.map(|policy| Action::DetachPolicy { role: role(), policy: policy.clone() }));
        let keys: BTreeSet<String> =
            seen.tags.keys().filter(|key| !tags.contains_key(*key) && !key.starts_with("aws:")).cloned().collect();
        if !keys.is_empty() {
            steps.push(Action::UntagRole { role: role(), keys });
        }
    }
    steps
}

async fn create(scope: &Scope, role: &str, trust: &Value, tags: &BTreeMap<String, String>) -> Result<(), StepError> {
    let mut params = json!({ "RoleName": role, "AssumeRolePolicyDocument": trust.to_string() });
    if let (false, Value::Object(params)) = (tags.is_empty(), &mut params) {
        params.insert("Tags".to_owned(), pairs(tags));
    }
    match scope.call("iam", "CreateRole", params).await {
        // Somebody made it since we looked: bring that one to what is declared.
        Err(error) if error.class == ErrorClass::Exists => {
            set_trust(scope, role, trust).await?;
            if tags.is_empty() { Ok(()) } else { tag(scope, role, tags).await }
        }
        outcome => outcome.map(|_| ()).map_err(|error| refused_trust(error, role)),
    }
}

async fn set_trust(scope: &Scope, role: &str, trust: &Value) -> Result<(), StepError> {
    let params = json!({ "RoleName": role, "PolicyDocument": trust.to_string() });
    let outcome = scope.call("iam", "UpdateAssumeRolePolicy", params).await;
    outcome.map(|_| ()).map_err(|error| refused_trust(error, role))
}

fn refused_trust(error: CallError, role: &str) -> StepError {
    match error.has_code("MalformedPolicyDocument") {
        true => StepError::lasting(error, format!("an account that {role} trusts does not exist: look at `trust`")),
        false => error.into(),
    }
}

async fn attach(scope: &Scope, role: &str, policy: &str) -> Result<(), StepError> {
    let params = json!({ "RoleName": role, "PolicyArn": policy });
    match scope.call("iam", "AttachRolePolicy", params).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_gone() => Err(StepError::lasting(
            error,
            format!("there is no policy {policy}, or no role {role}: look at `policies`"),
        )),
        Err(error) => Err(error.into()),
    }
}

async fn tag(scope: &Scope, role: &str, tags: &BTreeMap<String, String>) -> Result<(), StepError> {
    scope.call("iam", "TagRole", json!({ "RoleName": role, "Tags": pairs(tags) })).await?;
    Ok(())
}

fn pairs(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// The account ids that a trust document lets in.
fn trusted(trust: &Value) -> String {
    let statements = list(trust, "Statement").iter();
    let mine = statements.filter(|statement| statement.get("Sid") == Some(&document::SID.into()));
    let arns = mine.flat_map(|s| s.pointer("/Principal/AWS").and_then(Value::as_array).into_iter().flatten());
    let ids: Vec<&str> = arns.filter_map(|arn| arn.as_str()?.split(':').nth(4)).collect();
    ids.join(", ")
}

fn short(policy: &str) -> &str {
    policy.split_once(":policy/").map_or(policy, |(_, name)| name)
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateRole { role, trust, policies, .. } => {
                let policies: Vec<&str> = policies.iter().map(|policy| short(policy)).collect();
                write!(f, "create role {role} with {}, for {}", policies.join(", "), trusted(trust))
            }
            Self::SetTrust { role, trust } => write!(f, "let {} assume role {role}", trusted(trust)),
            Self::AttachPolicy { role, policy } => write!(f, "attach {} to role {role}", short(policy)),
            Self::DetachPolicy { role, policy } => write!(f, "detach {} from role {role}", short(policy)),
            Self::TagRole { role, tags } => write!(f, "set {} on role {role}", counted(tags.len(), "tag")),
            Self::UntagRole { role, keys } => write!(f, "remove {} from role {role}", counted(keys.len(), "tag")),
        }
    }
}
