//! The CloudTrail trail: of all regions, validated, to a bucket for the record and to a log group for the alarms.
//!
//! For the organization, the trail belongs to the management account whoever makes it; bucket, log group and role are in
//! the account that does. That account is the management account or CloudTrail's delegated administrator, which the
//! management account's own baseline registers
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-delegated-administrator.html>).
//!
//! A role that was just made is not known to CloudTrail for some seconds. So the trail is made and started without the
//! log group first, and records whatever happens to that step.

mod plan;
mod selectors;
mod wanted;

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::delegation::{self, Delegation};
use super::{document, list, log_bucket};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::aspect::organization_if;
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::types::Region;
use selectors::Selectors;
use wanted::{Settings, Wanted};
pub(super) use wanted::{administrator, log_group};

/// The trail.
pub struct Trail;

/// What there is.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    /// What the organization says of CloudTrail.
    Organization(Delegation),
    /// What the account holds.
    Account(Box<Found>),
}

/// What an account holds of a trail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    bucket: Option<log_bucket::Found>,
    group: Option<Group>,
    role: Option<Role>,
    trail: Option<Existing>,
    /// For a trail of the organization: whether this account may have it.
    delegation: Delegation,
}

/// The log group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    days: Option<u64>,
}

/// The role that CloudTrail writes events to the log group with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Role {
    trust: Value,
    policy: Value,
}

/// The trail as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Existing {
    described: Value,
    logging: bool,
    selectors: Selectors,
}

/// What can be done about the trail.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes the log group.
    CreateLogGroup {
        /// Its name.
        group: String,
        /// How many days it keeps events.
        days: u32,
    },
    /// Sets how long the log group keeps events.
    SetRetention {
        /// Its name.
        group: String,
        /// How many days.
        days: u32,
    },
    /// Makes the role that CloudTrail writes to the log group with.
    CreateLogRole {
        /// Its name.
        role: String,
        /// Who may assume it.
        trust: Value,
        /// What it may do.
        policy: Value,
    },
    /// Replaces the role's trust document.
    SetTrust {
        /// Its name.
        role: String,
        /// Who may assume it.
        trust: Value,
    },
    /// Replaces what the role may do.
    SetRolePolicy {
        /// Its name.
        role: String,
        /// What it may do.
        policy: Value,
    },
    /// Makes the trail, has it record management events, and starts it.
    CreateTrail(Settings),
    /// Sets the trail.
    UpdateTrail(Settings),
    /// Records management events, beside whatever else is recorded.
    RecordManagementEvents {
        /// The trail's ARN.
        trail: String,
        /// All selectors.
        selectors: Selectors,
    },
    /// Begins to record.
    StartLogging {
        /// The trail's ARN.
        trail: String,
    },
    /// Delivers to the log group as well.
    SendToLogGroup {
        /// The trail's ARN.
        trail: String,
        /// The log group's ARN.
        group: String,
        /// The role's ARN.
        role: String,
    },
    /// Something about the organization.
    #[serde(untagged)]
    Organization(delegation::Action),
    /// Something about the bucket.
    #[serde(untagged)]
    Bucket(log_bucket::Action),
}

/// The types and names of the trail and what belongs to it, as far as the declaration can be filled in.
pub(super) fn names(target: &Target) -> Vec<(&'static str, String)> {
    match Wanted::of(target) {
        Ok(wanted) => vec![
            ("AWS::CloudTrail::Trail", wanted.settings.name),
            ("AWS::IAM::Role", wanted.role),
            ("AWS::Logs::LogGroup", wanted.group),
            ("AWS::S3::Bucket", wanted.bucket.bucket),
        ],
        Err(_) => vec![("AWS::Logs::LogGroup", log_group(target))],
    }
}

#[async_trait]
impl Aspect for Trail {
    const NAME: &'static str = "trail";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        let registers = target.forest.is_management(&target.account.id) && administrator(target).is_some();
        let mut places = organization_if(registers, target);
        if target.wanted.trail.is_some() {
            places.push(Place::Region(target.home().clone()));
        }
        places
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        if *look.place() == Place::Organization {
            return Delegation::read(look, delegation::CLOUDTRAIL).await.map(Facts::Organization);
        }
        let mut found = Found::default();
        if let Ok(wanted) = Wanted::of(target) {
            found.bucket = log_bucket::read(look, &wanted.bucket.bucket).await?;
            found.group = read_group(look, &wanted.group).await?;
            found.role = read_role(look, &wanted.role).await?;
            found.trail = read_trail(look, &wanted).await?;
            if wanted.settings.organization {
                found.delegation = Delegation::from_within(look, target, delegation::CLOUDTRAIL).await?;
            }
        }
        Ok(Facts::Account(Box::new(found)))
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        match (facts, Wanted::of(target)) {
            (Facts::Organization(seen), _) => plan::organization(target, seen),
            (Facts::Account(_), Err(problem)) => Planned::problem(problem),
            (Facts::Account(found), Ok(wanted)) => plan::account(target, wanted, found),
        }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::Organization(action) => return delegation::take(scope, action).await,
            Action::Bucket(action) => return log_bucket::take(scope, action).await,
            Action::CreateLogGroup { group, days } => {
                let outcome = scope.call("logs", "CreateLogGroup", json!({ "logGroupName": group })).await;
                fine_if_there(outcome)?;
                set_retention(scope, group, *days).await?;
            }
            Action::SetRetention { group, days } => set_retention(scope, group, *days).await?,
            Action::CreateLogRole { role, trust, policy } => {
                let params = json!({ "RoleName": role, "AssumeRolePolicyDocument": trust.to_string() });
                if !fine_if_there(scope.call("iam", "CreateRole", params).await)? {
                    set_trust(scope, role, trust).await?;
                }
                set_role_policy(scope, role, policy).await?;
            }
            Action::SetTrust { role, trust } => set_trust(scope, role, trust).await?,
            Action::SetRolePolicy { role, policy } => set_role_policy(scope, role, policy).await?,
            Action::CreateTrail(settings) => create(scope, settings).await?,
            Action::UpdateTrail(settings) => update(scope, settings).await?,
            Action::RecordManagementEvents { trail, selectors } => record(scope, trail, selectors).await?,
            Action::StartLogging { trail } => start(scope, trail).await?,
            Action::SendToLogGroup { trail, group, role } => {
                let params =
                    json!({ "Name": trail, "CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": role });
                scope.call("cloudtrail", "UpdateTrail", params).await.map_err(refused)?;
            }
        }
        Ok(Taken::Done)
    }
}

async fn read_group(scope: &Scope, group: &str) -> Result<Option<Group>, CallError> {
    let groups = scope.pages("logs", "DescribeLogGroups", json!({ "logGroupNamePrefix": group })).await?;
    let found = groups.iter().find(|found| found.get("logGroupName") == Some(&group.into()));
    Ok(found.map(|found| Group { days: found.get("retentionInDays").and_then(Value::as_u64) }))
}

async fn read_role(scope: &Scope, role: &str) -> Result<Option<Role>, CallError> {
    let found = match scope.call("iam", "GetRole", json!({ "RoleName": role })).await {
        Err(error) if error.is_gone() => return Ok(None),
        answer => answer?,
    };
    let policy = match scope.call("iam", "GetRolePolicy", json!({ "RoleName": role, "PolicyName": role })).await {
        Err(error) if error.is_gone() => Value::Null,
        answer => answer?.get("PolicyDocument").map(document::decoded).unwrap_or_default(),
    };
    let trust = found.pointer("/Role/AssumeRolePolicyDocument").map(document::decoded).unwrap_or_default();
    Ok(Some(Role { trust, policy }))
}

async fn read_trail(scope: &Scope, wanted: &Wanted) -> Result<Option<Existing>, CallError> {
    let trails = scope.pages("cloudtrail", "DescribeTrails", json!({})).await?;
    let Some(described) = trails.into_iter().find(|trail| wanted.is(trail, scope.region())) else { return Ok(None) };
    let arn = described.get("TrailARN").cloned().unwrap_or_default();
    let status = scope.call("cloudtrail", "GetTrailStatus", json!({ "Name": arn })).await?;
    let selectors = scope.call("cloudtrail", "GetEventSelectors", json!({ "TrailName": arn })).await?;
    Ok(Some(Existing {
        described,
        logging: status.get("IsLogging") == Some(&true.into()),
        selectors: Selectors {
            basic: list(&selectors, "EventSelectors").to_vec(),
            advanced: list(&selectors, "AdvancedEventSelectors").to_vec(),
        },
    }))
}

/// Whether the call made the thing; a thing that was there already is no failure.
fn fine_if_there(outcome: Result<Value, CallError>) -> Result<bool, CallError> {
    match outcome {
        Err(error) if error.class == ErrorClass::Exists => Ok(false),
        outcome => outcome.map(|_| true),
    }
}

async fn set_retention(scope: &Scope, group: &str, days: u32) -> Result<(), StepError> {
    let params = json!({ "logGroupName": group, "retentionInDays": days });
    scope.call("logs", "PutRetentionPolicy", params).await?;
    Ok(())
}

async fn set_trust(scope: &Scope, role: &str, trust: &Value) -> Result<(), StepError> {
    let params = json!({ "RoleName": role, "PolicyDocument": trust.to_string() });
    scope.call("iam", "UpdateAssumeRolePolicy", params).await?;
    Ok(())
}

async fn set_role_policy(scope: &Scope, role: &str, policy: &Value) -> Result<(), StepError> {
    let params = json!({ "RoleName": role, "PolicyName": role, "PolicyDocument": policy.to_string() });
    scope.call("iam", "PutRolePolicy", params).await?;
    Ok(())
}

async fn create(scope: &Scope, settings: &Settings) -> Result<(), StepError> {
    match scope.call("cloudtrail", "CreateTrail", settings.described(&settings.name)).await {
        // Somebody made it since we looked: bring that one to what is declared.
        Err(error) if error.class == ErrorClass::Exists => update(scope, settings).await?,
        outcome => drop(outcome.map_err(refused)?),
    }
    if let Some(selectors) = Selectors::default().with_management_events() {
        record(scope, &settings.arn, &selectors).await?;
    }
    start(scope, &settings.arn).await
}

async fn record(scope: &Scope, trail: &str, selectors: &Selectors) -> Result<(), StepError> {
    scope.call("cloudtrail", "PutEventSelectors", selectors.described(trail)).await.map_err(refused)?;
    Ok(())
}

async fn start(scope: &Scope, trail: &str) -> Result<(), StepError> {
    scope.call("cloudtrail", "StartLogging", json!({ "Name": trail })).await.map_err(refused)?;
    Ok(())
}

async fn update(scope: &Scope, settings: &Settings) -> Result<(), StepError> {
    scope.call("cloudtrail", "UpdateTrail", settings.described(&settings.arn)).await.map_err(refused)?;
    Ok(())
}

/// What CloudTrail's own errors call for
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html#API_CreateTrail_Errors>).
fn refused(error: CallError) -> StepError {
    let soon = |error, hint: &str| StepError { cause: error, hint: hint.to_owned(), may_pass: true };
    match error.code.as_deref().unwrap_or_default() {
        "InsufficientS3BucketPolicyException" | "S3BucketDoesNotExistException" => soon(
            error,
            "a policy just set takes seconds to hold, and the next run tries again; if it stays, look for a statement \
             in the bucket's policy that denies CloudTrail",
        ),
        "InvalidCloudWatchLogsRoleArnException" | "InvalidCloudWatchLogsLogGroupArnException" => soon(
            error,
            "a role just made takes seconds to be known; the trail records to its bucket, and the next run tries again",
        ),
        "CloudTrailAccessNotEnabledException" | "NotOrganizationMasterAccountException" => soon(
            error,
            "the organization does not let this account keep its trail yet: the baseline of the management account \
             does that",
        ),
        "InsufficientEncryptionPolicyException" | "KmsException" | "KmsKeyNotFoundException" => StepError::lasting(
            error,
            "let cloudtrail.amazonaws.com use the key that `trail.kms` names, in the key's policy",
        ),
        "MaximumNumberOfTrailsExceededException" => {
            StepError::lasting(error, "a region keeps five trails: delete one, or take over one by its `name`")
        }
        _ => error.into(),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |arn: &str| arn.rsplit(['/', ':']).next().unwrap_or(arn).to_owned();
        match self {
            Self::Organization(action) => action.fmt(f),
            Self::Bucket(action) => action.fmt(f),
            Self::CreateLogGroup { group, days } => write!(f, "create log group {group}, kept for {days} days"),
            Self::SetRetention { group, days } => write!(f, "keep log group {group} for {days} days"),
            Self::CreateLogRole { role, .. } => write!(f, "create role {role} for CloudTrail"),
            Self::SetTrust { role, .. } => write!(f, "let CloudTrail assume role {role}"),
            Self::SetRolePolicy { role, .. } => write!(f, "let role {role} write to the log group, and nothing else"),
            Self::CreateTrail(settings) => write!(f, "create {settings}"),
            Self::UpdateTrail(settings) => write!(f, "set {settings}"),
            Self::RecordManagementEvents { trail, .. } => {
                write!(f, "record management events in trail {}", short(trail))
            }
            Self::StartLogging { trail } => write!(f, "start trail {}", short(trail)),
            Self::SendToLogGroup { trail, .. } => write!(f, "deliver trail {} to its log group", short(trail)),
        }
    }
}

#[cfg(test)]
mod tests;
