//! KMS of a fake account.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::types::{AccountId, Region};

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeKey {
    pub policy: Value,
    pub rotates: bool,
    pub state: String,
    pub tags: BTreeMap<String, String>,
    /// Whether it is one that AWS made for a service.
    pub by_aws: bool,
}

const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "NotFoundException");

impl FakeKey {
    /// As somebody makes one without saying anything.
    pub fn fresh() -> Self {
        Self { state: "Enabled".to_owned(), policy: json!({}), ..Self::default() }
    }
}

pub(super) fn kms(
    account: &mut FakeAccount,
    owner: &AccountId,
    region: &Region,
    operation: &str,
    params: &Value,
) -> Answer {
    let here = |name: &str| (region.clone(), name.to_owned());
    match operation {
        "ListAliases" => {
            let only = params.get("KeyId").and_then(Value::as_str);
            let aliases =
                account.aliases.iter().filter(|((at, _), key)| at == region && only.is_none_or(|k| k == *key));
            let mine = aliases.map(|((_, alias), key)| json!({ "AliasName": alias, "TargetKeyId": key }));
            // Aliases of AWS's own keys have no target until the key is used.
            let aws = only.is_none().then(|| json!({ "AliasName": "alias/aws/ebs" }));
            Ok(json!({ "Aliases": aws.into_iter().chain(mine).collect::<Vec<_>>() }))
        }
        "ListKeys" => {
            let ids = account.keys.keys().filter(|(at, _)| at == region);
            Ok(json!({ "Keys": ids.map(|(_, id)| json!({ "KeyId": id })).collect::<Vec<_>>() }))
        }
        "CreateKey" => {
            let id = format!("key-{}", account.keys.len());
            let policy = serde_json::from_str(text(params, "Policy")).unwrap();
            let tag = |tag: &Value| (text(tag, "TagKey").to_owned(), text(tag, "TagValue").to_owned());
            let tags = params["Tags"].as_array().unwrap().iter().map(tag).collect();
            account.keys.insert(here(&id), FakeKey { policy, tags, ..FakeKey::fresh() });
            Ok(json!({ "KeyMetadata": { "KeyId": id } }))
        }
        "CreateAlias" => {
            let (alias, key) = (here(text(params, "AliasName")), text(params, "TargetKeyId"));
            if account.aliases.contains_key(&alias) {
                return Err((ErrorClass::Exists, "AlreadyExistsException"));
            }
            account.keys.get(&here(key)).filter(|key| key.state == "Enabled").ok_or(GONE)?;
            account.aliases.insert(alias, key.to_owned());
            Ok(json!({}))
        }
        _ => {
            let name = text(params, "KeyId").rsplit("key/").next().unwrap();
            let id = account.aliases.get(&here(name)).map_or(name, String::as_str).to_owned();
            let key = account.keys.get_mut(&here(&id)).ok_or(GONE)?;
            one_key(key, &format!("arn:aws:kms:{region}:{owner}:key/{id}"), &id, operation, params)
        }
    }
}

fn one_key(key: &mut FakeKey, arn: &str, id: &str, operation: &str, params: &Value) -> Answer {
    match operation {
        "DescribeKey" => {
            let manager = if key.by_aws { "AWS" } else { "CUSTOMER" };
            return Ok(
                json!({ "KeyMetadata": { "Arn": arn, "KeyId": id, "KeyState": key.state, "KeyManager": manager } }),
            );
        }
        "ListResourceTags" => {
            let tags = key.tags.iter().map(|(name, value)| json!({ "TagKey": name, "TagValue": value }));
            return Ok(json!({ "Tags": tags.collect::<Vec<_>>() }));
        }
        "GetKeyRotationStatus" => return Ok(json!({ "KeyRotationEnabled": key.rotates })),
        "GetKeyPolicy" => return Ok(json!({ "Policy": key.policy.to_string() })),
        _ if key.state != "Enabled" => return Err((ErrorClass::Conflict, "KMSInvalidStateException")),
        "PutKeyPolicy" => key.policy = serde_json::from_str(text(params, "Policy")).unwrap(),
        "EnableKeyRotation" => key.rotates = true,
        _ => panic!("the fake does not know kms:{operation}"),
    }
    Ok(json!({}))
}
