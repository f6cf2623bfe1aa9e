//! CloudTrail of a fake account.

use serde_json::{Value, json};

use super::{Answer, FakeAccount, FakeOrganization, text};
use crate::aws::ErrorClass;
use crate::types::{AccountId, Region};

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeTrail {
    pub described: Value,
    pub selectors: Value,
    pub logging: bool,
}

pub(super) fn cloudtrail(
    account: &mut FakeAccount,
    organization: Option<&mut FakeOrganization>,
    (caller, region): (&AccountId, &Region),
    operation: &str,
    params: &Value,
) -> Answer {
    match operation {
        "DescribeTrails" => {
            let all: Vec<&Value> = account.trails.values().map(|trail| &trail.described).collect();
            return Ok(json!({ "trailList": all }));
        }
        "RegisterOrganizationDelegatedAdmin" => return register(organization, caller, params),
        "CreateTrail" => {
            let owner = owner(organization.as_deref(), caller, params)?;
            let name = text(params, "Name");
            let arn = format!("arn:aws:cloudtrail:{region}:{owner}:trail/{name}");
            if account.trails.contains_key(&arn) {
                return Err((ErrorClass::Exists, "TrailAlreadyExistsException"));
            }
            let described = json!({ "Name": name, "TrailARN": arn, "HomeRegion": region });
            let trail = FakeTrail { described: described.clone(), ..FakeTrail::default() };
            account.trails.insert(arn.clone(), trail);
            let outcome = set(account, &arn, params);
            if outcome.is_err() {
                account.trails.remove(&arn);
            }
            return outcome;
        }
        _ => {}
    }
    let name = params["Name"].as_str().or(params["TrailName"].as_str()).unwrap().to_owned();
    let trail = account.trails.get_mut(&name).ok_or((ErrorClass::Gone, "TrailNotFoundException"))?;
    match operation {
        "GetTrailStatus" => return Ok(json!({ "IsLogging": trail.logging })),
        "GetEventSelectors" => return Ok(trail.selectors.clone()),
        "PutEventSelectors" => trail.selectors = params.clone(),
        "StartLogging" => trail.logging = true,
        "UpdateTrail" => return set(account, &name, params),
        _ => panic!("the fake does not know cloudtrail:{operation}"),
    }
    Ok(json!({}))
}

fn register(organization: Option<&mut FakeOrganization>, caller: &AccountId, params: &Value) -> Answer {
    let organization = organization.ok_or((ErrorClass::Other, "OrganizationsNotInUseException"))?;
    if *caller != organization.management {
        return Err((ErrorClass::Other, "NotOrganizationManagementAccountException"));
    }
    if !organization.services.contains(CLOUDTRAIL) {
        return Err((ErrorClass::Other, "CloudTrailAccessNotEnabledException"));
    }
    let account: AccountId = text(params, "MemberAccountId").parse().unwrap();
    match organization.administrators.insert((CLOUDTRAIL.to_owned(), account)) {
        true => Ok(json!({})),
        false => Err((ErrorClass::Exists, "AccountRegisteredException")),
    }
}

/// The account that a new trail belongs to.
fn owner(
    organization: Option<&FakeOrganization>,
    caller: &AccountId,
    params: &Value,
) -> Result<AccountId, (ErrorClass, &'static str)> {
    if params["IsOrganizationTrail"] != true {
        return Ok(caller.clone());
    }
    let organization = organization.ok_or((ErrorClass::Other, "OrganizationsNotInUseException"))?;
    if !organization.services.contains(CLOUDTRAIL) {
        return Err((ErrorClass::Other, "CloudTrailAccessNotEnabledException"));
    }
    let delegated = organization.administrators.contains(&(CLOUDTRAIL.to_owned(), caller.clone()));
    if *caller != organization.management && !delegated {
        return Err((ErrorClass::Other, "NotOrganizationMasterAccountException"));
    }
    Ok(organization.management.clone())
}

/// Sets what is given and leaves the rest, after looking at bucket, log group and role as CloudTrail does.
fn set(account: &mut FakeAccount, arn: &str, params: &Value) -> Answer {
    if let Some(bucket) = params["S3BucketName"].as_str() {
        let bucket = account.buckets.get(bucket).ok_or((ErrorClass::Other, "S3BucketDoesNotExistException"))?;
        let policy = bucket.settings.get("Policy").and_then(Value::as_str).unwrap_or_default();
        let says = |what: &str| policy.contains(what);
        if !(says(CLOUDTRAIL) && says(arn) && says("s3:GetBucketAcl") && says("s3:PutObject")) {
            return Err((ErrorClass::Other, "InsufficientS3BucketPolicyException"));
        }
    }
    if let Some(group) = params["CloudWatchLogsLogGroupArn"].as_str() {
        let there = account.log_groups.keys().any(|(_, name)| group.ends_with(&format!(":log-group:{name}:*")));
        let role = text(params, "CloudWatchLogsRoleArn").rsplit('/').next().unwrap();
        let lets =
            account.roles.get(role).is_some_and(|role| role.trust.contains(CLOUDTRAIL) && !role.inline.is_empty());
        if !there {
            return Err((ErrorClass::Invalid, "InvalidCloudWatchLogsLogGroupArnException"));
        }
        if !lets {
            return Err((ErrorClass::Invalid, "InvalidCloudWatchLogsRoleArnException"));
        }
    }
    let trail = account.trails.get_mut(arn).ok_or((ErrorClass::Gone, "TrailNotFoundException"))?;
    for (member, value) in params.as_object().unwrap().iter().filter(|(member, _)| *member != "Name") {
        // The one that is written under another name than it is read.
        let member = if member == "EnableLogFileValidation" { "LogFileValidationEnabled" } else { member };
        trail.described[member] = value.clone();
    }
    Ok(json!({}))
}
