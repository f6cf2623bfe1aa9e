//! Which keys there are, by alias; where the alias is missing, by the tag that holds it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::texts;
use super::TAG;
use crate::aws::{CallError, ErrorClass, Scope};

/// A key as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// Whether it has its alias.
    pub aliased: bool,
    /// KMS's word for its state.
    pub state: String,
    /// Whether AWS gives it new material every year.
    pub rotates: bool,
    /// Who may use it.
    pub policy: Value,
}

/// The keys of `wanted`, which are aliases.
pub(super) async fn keys(scope: &Scope, wanted: &[String]) -> Result<BTreeMap<String, Key>, CallError> {
    let aliases = scope.pages("kms", "ListAliases", json!({})).await?;
    let behind = |alias: &String| {
        let found = aliases.iter().find(|found| found.get("AliasName").and_then(Value::as_str) == Some(alias))?;
        found.get("TargetKeyId")?.as_str()
    };
    let mut keys = BTreeMap::new();
    for alias in wanted {
        if let Some(id) = behind(alias) {
            keys.insert(alias.clone(), read(scope, id, true).await?);
        }
    }
    let missing: BTreeSet<&str> =
        wanted.iter().filter(|alias| !keys.contains_key(*alias)).map(String::as_str).collect();
    if !missing.is_empty() {
        let known = texts(&aliases, "TargetKeyId").into_iter().collect();
        let left = left_behind(scope, &missing, &known).await?;
        keys.extend(left);
    }
    Ok(keys)
}

/// Keys without any alias that were made for one of `missing`.
async fn left_behind(
    scope: &Scope,
    missing: &BTreeSet<&str>,
    known: &BTreeSet<String>,
) -> Result<BTreeMap<String, Key>, CallError> {
    let mut found = BTreeMap::new();
    for id in texts(&scope.pages("kms", "ListKeys", json!({})).await?, "KeyId") {
        if known.contains(&id) {
            continue;
        }
        let tags = match scope.pages("kms", "ListResourceTags", json!({ "KeyId": id })).await {
            // A key that the account itself may not look at is none of ours: ours let the account do everything.
            Err(error) if error.is_gone() || error.class == ErrorClass::Denied => continue,
            tags => tags?,
        };
        let tag = tags.iter().find(|tag| tag.get("TagKey") == Some(&TAG.into()));
        let Some(alias) = tag.and_then(|tag| tag.get("TagValue")?.as_str()).filter(|alias| missing.contains(alias))
        else {
            continue;
        };
        let key = read(scope, &id, false).await?;
        if key.state == "Enabled" {
            found.entry(alias.to_owned()).or_insert(key);
        }
    }
    Ok(found)
}

async fn read(scope: &Scope, id: &str, aliased: bool) -> Result<Key, CallError> {
    let params = json!({ "KeyId": id });
    let answer = scope.call("kms", "DescribeKey", params.clone()).await?;
    let state = answer.pointer("/KeyMetadata/KeyState").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut key = Key { id: id.to_owned(), aliased, state, rotates: false, policy: Value::Null };
    if key.state == "Enabled" {
        let answer = scope.call("kms", "GetKeyRotationStatus", params).await?;
        key.rotates = answer.get("KeyRotationEnabled") == Some(&Value::Bool(true));
        let params = json!({ "KeyId": id, "PolicyName": "default" });
        let answer = scope.call("kms", "GetKeyPolicy", params).await?;
        key.policy = policy(&answer);
    }
    Ok(key)
}

fn policy(answer: &Value) -> Value {
    let text = answer.get("Policy").and_then(Value::as_str);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
