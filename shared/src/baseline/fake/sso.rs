//! Identity Center of a fake organization: one instance in one region, assignments that take their time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, FakeOrganization, text};
use crate::aws::ErrorClass;
use crate::types::Region;

const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "ResourceNotFoundException");

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeCenter {
    /// Where it is; nowhere when it was never enabled.
    pub region: Option<Region>,
    /// Ids by name.
    pub groups: BTreeMap<String, String>,
    /// ARNs by name.
    pub sets: BTreeMap<String, String>,
    /// Account, permission set, kind and id of the principal.
    pub assigned: BTreeSet<(String, String, String, String)>,
    /// How often a status is answered with "in progress".
    pub slow: usize,
    /// Why assignments fail.
    pub fails: Option<String>,
    /// What is under way: the request, whether it makes an assignment, and which.
    pub under_way: Option<(bool, (String, String, String, String))>,
}

pub(super) fn identitystore(organization: Option<&mut FakeOrganization>, operation: &str, params: &Value) -> Answer {
    let center = &organization.ok_or(GONE)?.center;
    match operation {
        "GetGroupId" => {
            let name = text(&params["AlternateIdentifier"]["UniqueAttribute"], "AttributeValue");
            Ok(json!({ "GroupId": center.groups.get(name).ok_or(GONE)? }))
        }
        "ListGroups" => {
            let groups = center.groups.keys().map(|name| json!({ "DisplayName": name }));
            Ok(json!({ "Groups": groups.collect::<Vec<_>>() }))
        }
        _ => panic!("the fake does not know identitystore:{operation}"),
    }
}

pub(super) fn sso(
    organization: Option<&mut FakeOrganization>,
    region: &Region,
    operation: &str,
    params: &Value,
) -> Answer {
    let organization = organization.ok_or(GONE)?;
    let management = organization.management.clone();
    let center = &mut organization.center;
    if operation == "ListInstances" {
        let there = center.region.as_ref() == Some(region);
        let instance = json!({ "InstanceArn": "arn:aws:sso:::instance/ssoins-1", "IdentityStoreId": "d-1", "OwnerAccountId": management });
        return Ok(json!({ "Instances": there.then_some(instance).into_iter().collect::<Vec<_>>() }));
    }
    match operation {
        "ListPermissionSets" => Ok(json!({ "PermissionSets": center.sets.values().collect::<Vec<_>>() })),
        "ListPermissionSetsProvisionedToAccount" => {
            let here = center.assigned.iter().filter(|(account, ..)| account == text(params, "AccountId"));
            let sets: BTreeSet<&String> = here.map(|(_, set, ..)| set).collect();
            Ok(json!({ "PermissionSets": sets }))
        }
        "DescribePermissionSet" => {
            let (name, _) = center.sets.iter().find(|(_, arn)| *arn == text(params, "PermissionSetArn")).ok_or(GONE)?;
            Ok(json!({ "PermissionSet": { "Name": name } }))
        }
        "ListAccountAssignments" => {
            let here = center.assigned.iter().filter(|(account, set, ..)| {
                account == text(params, "AccountId") && set == text(params, "PermissionSetArn")
            });
            let one = |(_, _, kind, id): &(String, String, String, String)| json!({ "PrincipalType": kind, "PrincipalId": id });
            Ok(json!({ "AccountAssignments": here.map(one).collect::<Vec<_>>() }))
        }
        _ => change(center, operation, params),
    }
}

fn change(center: &mut FakeCenter, operation: &str, params: &Value) -> Answer {
    let start = |made: bool| {
        let members = ["TargetId", "PermissionSetArn", "PrincipalType", "PrincipalId"];
        let [account, set, kind, id] = members.map(|member| text(params, member).to_owned());
        (made, (account, set, kind, id))
    };
    let member = if operation.contains("Deletion") || operation.starts_with("Delete") {
        "AccountAssignmentDeletionStatus"
    } else {
        "AccountAssignmentCreationStatus"
    };
    match operation {
        "CreateAccountAssignment" => center.under_way = Some(start(true)),
        "DeleteAccountAssignment" => center.under_way = Some(start(false)),
        "DescribeAccountAssignmentCreationStatus" | "DescribeAccountAssignmentDeletionStatus" => {
            if let Some(why) = &center.fails {
                return Ok(json!({ member: { "Status": "FAILED", "FailureReason": why } }));
            }
            if center.slow > 0 {
                center.slow -= 1;
            } else if let Some((made, link)) = center.under_way.take() {
                if made {
                    center.assigned.insert(link)
                } else {
                    center.assigned.remove(&link)
                };
                return Ok(json!({ member: { "Status": "SUCCEEDED" } }));
            }
        }
        _ => panic!("the fake does not know sso-admin:{operation}"),
    }
    Ok(json!({ member: { "Status": "IN_PROGRESS", "RequestId": "r-1" } }))
}
