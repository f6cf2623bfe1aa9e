//! IAM of a fake account.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Answer, EXISTS, FakeAccount, GONE, text};
use crate::aws::ErrorClass;

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeRole {
    pub trust: String,
    pub policies: BTreeSet<String>,
    pub inline: BTreeMap<String, String>,
    pub boundary: Option<String>,
    pub session: Option<u64>,
    pub tags: BTreeMap<String, String>,
}

/// An identity provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeProvider {
    pub clients: BTreeSet<String>,
    pub thumbprints: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeGroup {
    pub policies: BTreeSet<String>,
    pub inline: BTreeMap<String, String>,
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
        _ if operation.contains("OpenIDConnectProvider") => providers(account, operation, params),
        _ if params.get("GroupName").is_some() => groups(account, operation, params),
        _ => roles(account, operation, params),
    }
}

fn strings(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn providers(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    if operation == "CreateOpenIDConnectProvider" {
        let host = text(params, "Url").strip_prefix("https://").unwrap().to_owned();
        if account.providers.contains_key(&host) {
            return Err(EXISTS);
        }
        let (clients, thumbprints) = (strings(&params["ClientIDList"]), strings(&params["ThumbprintList"]));
        account.providers.insert(host, FakeProvider { clients, thumbprints });
        return Ok(json!({}));
    }
    let (_, host) = text(params, "OpenIDConnectProviderArn").split_once(":oidc-provider/").unwrap();
    let provider = account.providers.get_mut(host).ok_or(GONE)?;
    match operation {
        "GetOpenIDConnectProvider" => {
            return Ok(
                json!({ "Url": host, "ClientIDList": provider.clients, "ThumbprintList": provider.thumbprints }),
            );
        }
        "AddClientIDToOpenIDConnectProvider" => {
            provider.clients.insert(text(params, "ClientID").to_owned());
        }
        "RemoveClientIDFromOpenIDConnectProvider" => {
            provider.clients.remove(text(params, "ClientID"));
        }
        "UpdateOpenIDConnectProviderThumbprint" => provider.thumbprints = strings(&params["ThumbprintList"]),
        _ => panic!("the fake does not know iam:{operation}"),
    }
    Ok(json!({}))
}

fn groups(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    let name = text(params, "GroupName");
    if operation != "CreateGroup" {
        return one_group(account.groups.get_mut(name).ok_or(GONE)?, operation, params);
    }
    if account.groups.contains_key(name) {
        return Err(EXISTS);
    }
    account.groups.insert(name.to_owned(), FakeGroup::default());
    Ok(json!({}))
}

fn roles(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    match operation {
        "CreateServiceLinkedRole" => {
            let name = match text(params, "AWSServiceName") {
                "config.amazonaws.com" => "AWSServiceRoleForConfig",
                "access-analyzer.amazonaws.com" => "AWSServiceRoleForAccessAnalyzer",
                other => panic!("the fake does not know the role of {other}"),
            };
            match account.roles.insert(name.to_owned(), FakeRole::default()) {
                Some(_) => Err((ErrorClass::Invalid, "InvalidInput: the name has been taken in this account")),
                None => Ok(json!({})),
            }
        }
        "ListRoles" => {
            Ok(json!({ "Roles": account.roles.keys().map(|name| json!({ "RoleName": name })).collect::<Vec<_>>() }))
        }
        "CreateRole" => {
            let name = text(params, "RoleName").to_owned();
            if account.roles.contains_key(&name) {
                return Err(EXISTS);
            }
            let role = FakeRole {
                trust: text(params, "AssumeRolePolicyDocument").to_owned(),
                boundary: params["PermissionsBoundary"].as_str().map(policy).transpose()?,
                session: params["MaxSessionDuration"].as_u64(),
                tags: tags(&params["Tags"]),
                ..FakeRole::default()
            };
            account.roles.insert(name, role);
            Ok(json!({}))
        }
        "DeleteRole" => {
            let name = text(params, "RoleName");
            let role = account.roles.get(name).ok_or(GONE)?;
            if !role.policies.is_empty() || !role.inline.is_empty() {
                return Err((ErrorClass::Conflict, "DeleteConflict"));
            }
            account.roles.remove(name);
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

/// A policy's ARN, when there is a policy of that name.
fn policy(arn: &str) -> Result<String, (ErrorClass, &'static str)> {
    if arn.ends_with("/NoSuchPolicy") { Err(GONE) } else { Ok(arn.to_owned()) }
}

fn one_group(group: &mut FakeGroup, operation: &str, params: &Value) -> Answer {
    match operation {
        "ListAttachedGroupPolicies" => {
            let policies: Vec<Value> = group.policies.iter().map(|arn| json!({ "PolicyArn": arn })).collect();
            return Ok(json!({ "AttachedPolicies": policies }));
        }
        "ListGroupPolicies" => return Ok(json!({ "PolicyNames": group.inline.keys().collect::<Vec<_>>() })),
        "GetGroupPolicy" => {
            let document = group.inline.get(text(params, "PolicyName")).ok_or(GONE)?;
            let document = utf8_percent_encode(document, NON_ALPHANUMERIC).to_string();
            return Ok(json!({ "PolicyDocument": document }));
        }
        "AttachGroupPolicy" => {
            group.policies.insert(policy(text(params, "PolicyArn"))?);
        }
        "DetachGroupPolicy" => {
            if !group.policies.remove(text(params, "PolicyArn")) {
                return Err(GONE);
            }
        }
        "PutGroupPolicy" => {
            group.inline.insert(text(params, "PolicyName").to_owned(), text(params, "PolicyDocument").to_owned());
        }
        "DeleteGroupPolicy" => {
            group.inline.remove(text(params, "PolicyName")).ok_or(GONE)?;
        }
        _ => panic!("the fake does not know iam:{operation}"),
    }
    Ok(json!({}))
}

fn one_role(role: &mut FakeRole, name: &str, operation: &str, params: &Value) -> Answer {
    match operation {
        "GetRole" => {
            let trust = utf8_percent_encode(&role.trust, NON_ALPHANUMERIC).to_string();
            let tags: Vec<Value> = role.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            let mut answer = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust, "Tags": tags,
                "MaxSessionDuration": role.session.unwrap_or(3600) });
            if let Some(boundary) = &role.boundary {
                answer["PermissionsBoundary"] = json!({ "PermissionsBoundaryArn": boundary });
            }
            return Ok(json!({ "Role": answer }));
        }
        "ListAttachedRolePolicies" => {
            let policies: Vec<Value> = role.policies.iter().map(|arn| json!({ "PolicyArn": arn })).collect();
            return Ok(json!({ "AttachedPolicies": policies }));
        }
        "UpdateAssumeRolePolicy" => role.trust = text(params, "PolicyDocument").to_owned(),
        "AttachRolePolicy" => {
            role.policies.insert(policy(text(params, "PolicyArn"))?);
        }
        "ListRolePolicies" => return Ok(json!({ "PolicyNames": role.inline.keys().collect::<Vec<_>>() })),
        "GetRolePolicy" => {
            let document = role.inline.get(text(params, "PolicyName")).ok_or(GONE)?;
            let document = utf8_percent_encode(document, NON_ALPHANUMERIC).to_string();
            return Ok(json!({ "PolicyDocument": document }));
        }
        "PutRolePolicy" => {
            role.inline.insert(text(params, "PolicyName").to_owned(), text(params, "PolicyDocument").to_owned());
        }
        "DeleteRolePolicy" => {
            role.inline.remove(text(params, "PolicyName")).ok_or(GONE)?;
        }
        "PutRolePermissionsBoundary" => role.boundary = Some(policy(text(params, "PermissionsBoundary"))?),
        "UpdateRole" => role.session = params["MaxSessionDuration"].as_u64(),
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
