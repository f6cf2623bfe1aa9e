//! Asks Identity Center about an account.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Center, Facts, declared};
use crate::aws::{CallError, Scope};
use crate::baseline::Target;

/// What it knows of the account.
pub(super) async fn center(scope: &Scope, target: &Target) -> Result<Facts, CallError> {
    let Some((instance, store)) = instance(scope, target).await? else { return Ok(Facts::Absent) };
    let mut center = Center { instance, ..Center::default() };
    center.groups = groups(scope, target, &store).await?;
    if declared(target).iter().any(|wanted| !center.groups.contains_key(&wanted.group)) {
        let all = scope.pages("identitystore", "ListGroups", json!({ "IdentityStoreId": store })).await?;
        center.known_groups = super::super::texts(&all, "DisplayName");
    }
    center.sets = sets(scope, target, &center.instance).await?;
    let mut asked: BTreeSet<&String> =
        declared(target).iter().filter_map(|a| center.sets.get(&a.permission_set)).collect();
    if target.strict() {
        asked.extend(center.sets.values());
    }
    for set in asked {
        let params = json!({ "InstanceArn": center.instance, "AccountId": target.account.id, "PermissionSetArn": set });
        for one in scope.pages("sso-admin", "ListAccountAssignments", params).await? {
            let id = one.get("PrincipalId").and_then(Value::as_str).unwrap_or_default();
            if one.get("PrincipalType") == Some(&"GROUP".into()) {
                center.assigned.insert((set.clone(), id.to_owned()));
            }
        }
    }
    Ok(Facts::Seen(center))
}

/// The organization's instance and its identity store. An account may have one of its own beside it.
async fn instance(scope: &Scope, target: &Target) -> Result<Option<(String, String)>, CallError> {
    let found = scope.pages("sso-admin", "ListInstances", json!({})).await?;
    let text = |instance: &Value, member: &str| instance.get(member).and_then(Value::as_str).map(str::to_owned);
    let management = target.forest.organization.as_ref().map(|organization| organization.management.to_string());
    let of_organization = |instance: &&Value| text(instance, "OwnerAccountId").is_none_or(|id| Some(id) == management);
    let pair = |instance: &Value| Some((text(instance, "InstanceArn")?, text(instance, "IdentityStoreId")?));
    Ok(found.iter().find(of_organization).and_then(pair))
}

async fn groups(scope: &Scope, target: &Target, store: &str) -> Result<BTreeMap<String, String>, CallError> {
    let mut found = BTreeMap::new();
    let names: BTreeSet<&String> = declared(target).iter().map(|wanted| &wanted.group).collect();
    for name in names {
        let by = json!({ "UniqueAttribute": { "AttributePath": "displayName", "AttributeValue": name } });
        let params = json!({ "IdentityStoreId": store, "AlternateIdentifier": by });
        match scope.call("identitystore", "GetGroupId", params).await {
            Err(error) if error.is_gone() => {}
            answer => {
                let id = answer?.get("GroupId").and_then(Value::as_str).unwrap_or_default().to_owned();
                found.insert(name.clone(), id);
            }
        }
    }
    Ok(found)
}

/// Permission sets by name. A set is described one by one, so looking ends with the last that is declared; under
/// `strict` those that the account has are named as well.
async fn sets(scope: &Scope, target: &Target, instance: &str) -> Result<BTreeMap<String, String>, CallError> {
    let mut found = BTreeMap::new();
    let mut arns = Vec::new();
    if target.strict() {
        let params = json!({ "InstanceArn": instance, "AccountId": target.account.id });
        arns.extend(scope.pages("sso-admin", "ListPermissionSetsProvisionedToAccount", params).await?);
    }
    for arn in arns.iter().filter_map(Value::as_str) {
        found.insert(name(scope, instance, arn).await?, arn.to_owned());
    }
    let all_found = |found: &BTreeMap<String, String>| {
        declared(target).iter().all(|wanted| found.contains_key(&wanted.permission_set))
    };
    if all_found(&found) {
        return Ok(found);
    }
    let all = scope.pages("sso-admin", "ListPermissionSets", json!({ "InstanceArn": instance })).await?;
    for arn in all.iter().filter(|arn| !arns.contains(arn)).filter_map(Value::as_str) {
        found.insert(name(scope, instance, arn).await?, arn.to_owned());
        if all_found(&found) {
            break;
        }
    }
    Ok(found)
}

async fn name(scope: &Scope, instance: &str, arn: &str) -> Result<String, CallError> {
    let params = json!({ "InstanceArn": instance, "PermissionSetArn": arn });
    let answer = scope.call("sso-admin", "DescribePermissionSet", params).await?;
    Ok(answer.pointer("/PermissionSet/Name").and_then(Value::as_str).unwrap_or_default().to_owned())
}
