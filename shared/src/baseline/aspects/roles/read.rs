//! Reads roles.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{document, list, texts};
use super::model::{Found, Role, Wishes};
use crate::aws::{CallError, Scope};

/// The wanted roles as they are. A role's own policies are read only where one is declared or could be too much.
pub(in crate::baseline::aspects) async fn observe(
    scope: &Scope,
    strict: bool,
    wishes: &Wishes,
) -> Result<Found, CallError> {
    let mut found = Found::new();
    for (name, wish) in wishes {
        let inline = strict || wish.as_ref().is_ok_and(|role| !role.inline.is_empty());
        if let Some(role) = read(scope, name, inline).await? {
            found.insert(name.clone(), role);
        }
    }
    Ok(found)
}

/// One role; `None` when there is none of the name.
pub(in crate::baseline::aspects) async fn read(
    scope: &Scope,
    name: &str,
    inline: bool,
) -> Result<Option<Role>, CallError> {
    let answer = match scope.call("iam", "GetRole", json!({ "RoleName": name })).await {
        Err(error) if error.is_gone() => return Ok(None),
        answer => answer?,
    };
    let role = answer.get("Role").cloned().unwrap_or_default();
    let attached = scope.pages("iam", "ListAttachedRolePolicies", json!({ "RoleName": name })).await?;
    let text = |path: &str| role.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Ok(Some(Role {
        trust: document::decoded(role.get("AssumeRolePolicyDocument").unwrap_or(&Value::Null)),
        policies: texts(&attached, "PolicyArn").into_iter().collect(),
        inline: if inline { own_policies(scope, name).await? } else { BTreeMap::new() },
        boundary: text("/PermissionsBoundary/PermissionsBoundaryArn"),
        session: role.get("MaxSessionDuration").and_then(Value::as_u64),
        tags: list(&role, "Tags").iter().filter_map(pair).collect(),
    }))
}

fn pair(tag: &Value) -> Option<(String, String)> {
    Some((tag.get("Key")?.as_str()?.to_owned(), tag.get("Value")?.as_str()?.to_owned()))
}

async fn own_policies(scope: &Scope, role: &str) -> Result<BTreeMap<String, Value>, CallError> {
    let mut policies = BTreeMap::new();
    for name in scope.pages("iam", "ListRolePolicies", json!({ "RoleName": role })).await? {
        let Some(name) = name.as_str() else { continue };
        match scope.call("iam", "GetRolePolicy", json!({ "RoleName": role, "PolicyName": name })).await {
            Err(error) if error.is_gone() => {}
            answer => {
                let document = document::decoded(answer?.get("PolicyDocument").unwrap_or(&Value::Null));
                policies.insert(name.to_owned(), document);
            }
        }
    }
    Ok(policies)
}
