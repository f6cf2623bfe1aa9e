//! IAM of a fake account.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Answer, EXISTS, FakeAccount, GONE, text};

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeRole {
    pub trust: String,
    pub policies: BTreeSet<String>,
    pub tags: BTreeMap<String, String>,
}

pub(super) fn iam(account: &mut FakeAccount, taken: &BTreeSet<String>, operation: &str, params: &Value) -> Answer {
    match operation {
        "GetAccountSummary" => Ok(json!({ "SummaryMap": {} })),
        "ListAccountAliases" => Ok(json!({ "AccountAliases": account.alias.iter().collect::<Vec<_>>() })),
        "CreateAccountAlias" => {
            let alias = text(params, "AccountAlias").to_owned();
            if taken.contains(&alias) || account.alias.as_ref() == Some(&alias) {
                return Err(EXISTS);
            }
            account.alias = Some(alias);
            Ok(json!({}))
        }
        "GetAccountPasswordPolicy" => match &account.password_policy {
            Some(policy) => Ok(json!({ "PasswordPolicy": policy })),
            None => Err(GONE),
        },
        "UpdateAccountPasswordPolicy" => {
            account.password_policy = Some(params.clone());
            Ok(json!({}))
        }
        "CreateRole" => {
            let name = text(params, "RoleName").to_owned();
            if account.roles.contains_key(&name) {
                return Err(EXISTS);
            }
            let trust = text(params, "AssumeRolePolicyDocument").to_owned();
            account.roles.insert(name, FakeRole { trust, tags: tags(&params["Tags"]), ..FakeRole::default() });
            Ok(json!({}))
        }
        _ => {
            let name = text(params, "RoleName");
            let role = account.roles.get_mut(name).ok_or(GONE)?;
            one_role(role, name, operation, params)
        }
    }
}

fn tags(list: &Value) -> BTreeMap<String, String> {
    let pair = |tag: &Value| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned());
    list.as_array().into_iter().flatten().map(pair).collect()
}

fn one_role(role: &mut FakeRole, name: &str, operation: &str, params: &Value) -> Answer {
    match operation {
        "GetRole" => {
            let trust = utf8_percent_encode(&role.trust, NON_ALPHANUMERIC).to_string();
            let tags: Vec<Value> = role.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            return Ok(json!({ "Role": { "RoleName": name, "AssumeRolePolicyDocument": trust, "Tags": tags } }));
        }
        "ListAttachedRolePolicies" => {
            let policies: Vec<Value> = role.policies.iter().map(|arn| json!({ "PolicyArn": arn })).collect();
            return Ok(json!({ "AttachedPolicies": policies }));
        }
        "UpdateAssumeRolePolicy" => role.trust = text(params, "PolicyDocument").to_owned(),
        "AttachRolePolicy" => {
            let policy = text(params, "PolicyArn").to_owned();
            if policy.ends_with("/NoSuchPolicy") {
                return Err(GONE);
            }
            role.policies.insert(policy);
        }
        "DetachRolePolicy" => {
            if !role.policies.remove(text(params, "PolicyArn")) {
                return Err(GONE);
            }
        }
        "TagRole" => role.tags.extend(tags(&params["Tags"])),
        "UntagRole" => {
            for key in params["TagKeys"].as_array().unwrap() {
                role.tags.remove(key.as_str().unwrap());
            }
        }
        _ => panic!("the fake does not know iam:{operation}"),
    }
    Ok(json!({}))
}
