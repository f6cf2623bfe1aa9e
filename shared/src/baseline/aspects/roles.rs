//! IAM roles that people of other accounts come in by.
//!
//! The trust document is compared as a document: decoded, with lists of one and lists in another order counted as
//! equal. Our statement carries a `Sid`, so that a change replaces it, and under `additive` the statements of others
//! stay. A principal that was deleted shows as `AROA…`, which is a difference and is mended.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::global_if;
use super::super::{Aspect, Place, Planned, StepError, Taken, Target};
use super::{counted, list, texts};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::config;
use crate::types::{AccountId, Arn, Region};

/// Marks our statement in a trust document.
const SID: &str = "Forester";

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
    type Facts = BTreeMap<String, Role>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.roles.as_ref().is_some_and(|roles| !roles.is_empty()))
    }

    async fn observe(scope: &Scope, target: &Target) -> Result<BTreeMap<String, Role>, CallError> {
        let mut found = BTreeMap::new();
        for name in target.wanted.roles.iter().flat_map(BTreeMap::keys) {
            if let Some(role) = read(scope, name).await? {
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
        trust: document(role.get("AssumeRolePolicyDocument").unwrap_or(&Value::Null)),
        policies: texts(&attached, "PolicyArn").into_iter().collect(),
        tags: list(&role, "Tags").iter().filter_map(pair).collect(),
    }))
}

/// IAM answers with documents as URL-encoded text.
fn document(answer: &Value) -> Value {
    let Some(text) = answer.as_str() else { return answer.clone() };
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&decoded).unwrap_or(Value::Null)
}

fn wanted(target: &Target, name: &str, declared: &config::Role) -> Result<Role, String> {
    let partition = target.home.partition();
    let who = declared.trust.as_ref().ok_or_else(|| format!("no layer of this account says who may assume {name}"))?;
    let mut principals = BTreeSet::new();
    for who in who {
        let id = who.parse::<AccountId>().ok().or_else(|| target.names.get(who).cloned());
        let id = id.ok_or_else(|| format!("{name} trusts `{who}`, which the organization does not hold (yet)"))?;
        principals.insert(Arn::iam(partition, &id, "root").to_string());
    }
    let policies = declared.policies.iter().flatten();
    let arn = |policy: &String| match policy.parse::<Arn>() {
        Ok(arn) => arn.to_string(),
        Err(_) => Arn::managed_policy(partition, policy).to_string(),
    };
    let mut statement =
        json!({ "Sid": SID, "Effect": "Allow", "Principal": { "AWS": principals }, "Action": "sts:AssumeRole" });
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
    let trust = if target.strict() { trust } else { beside_others(trust, &seen.trust) };
    if canonical(&trust) != canonical(&seen.trust) {
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

/// Our statement in the place of an earlier one of ours, and the statements of others as they are.
fn beside_others(ours: Value, seen: &Value) -> Value {
    let statements = match seen.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(Value::Object(statement)) => vec![Value::Object(statement.clone())],
        _ => Vec::new(),
    };
    let mine = list(&ours, "Statement").first().cloned().unwrap_or_default();
    let same = |statement: &Value| without_sid(&canonical(statement)) == without_sid(&canonical(&mine));
    let old = |statement: &Value| statement.get("Sid") == Some(&SID.into());
    if statements.iter().any(same) && !statements.iter().any(|statement| old(statement) && !same(statement)) {
        return seen.clone();
    }
    let kept = statements.into_iter().filter(|statement| !old(statement) && !same(statement));
    let version = seen.get("Version").cloned().unwrap_or_else(|| "2012-10-17".into());
    json!({ "Version": version, "Statement": kept.chain([mine.clone()]).collect::<Vec<_>>() })
}

fn without_sid(statement: &Value) -> Value {
    let mut statement = statement.clone();
    if let Value::Object(entries) = &mut statement {
        entries.remove("Sid");
    }
    statement
}

/// The same document for every way of writing it: no lists of one, other lists in order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(canonical).collect();
            items.sort_by_key(Value::to_string);
            items.dedup();
            match items.as_slice() {
                [one] => one.clone(),
                _ => Value::Array(items),
            }
        }
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), canonical(value))).collect(),
        Value::Bool(flag) => flag.to_string().into(),
        other => other.clone(),
    }
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
    let mine = statements.filter(|statement| statement.get("Sid") == Some(&SID.into()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": SID, "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::222233334444:root"]}}]})
    }

    #[test]
    fn documents_are_equal_in_any_order_and_with_lists_of_one() {
        let other = json!({"Statement": {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Sid": SID,
            "Principal": {"AWS": ["arn:aws:iam::222233334444:root", "arn:aws:iam::111122223333:root"]}},
            "Version": "2012-10-17"});
        assert_eq!(canonical(&ours()), canonical(&other));
    }

    #[test]
    fn url_encoded_documents_are_decoded() {
        let text = "%7B%22Version%22%3A%222012-10-17%22%7D";
        assert_eq!(document(&text.into()), json!({"Version": "2012-10-17"}));
        assert_eq!(document(&"{\"Version\": 1}".into()), json!({"Version": 1}));
    }

    #[test]
    fn statements_of_others_stay_and_an_old_one_of_ours_goes() {
        let other =
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
        let old = json!({"Sid": SID, "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}});
        let merged = beside_others(ours(), &json!({"Version": "2008-10-17", "Statement": [other, old]}));
        assert_eq!(merged, json!({"Version": "2008-10-17", "Statement": [other, ours()["Statement"][0]]}));
        assert_eq!(beside_others(ours(), &merged), merged);
    }

    #[test]
    fn equal_statement_under_another_name_is_enough() {
        let mut seen = ours();
        seen["Statement"][0]["Sid"] = "Console".into();
        assert_eq!(beside_others(ours(), &seen), seen);
    }
}
