//! Writes roles.
//!
//! A new role is complete in as few calls as there are: trust, boundary, session and tags come with `CreateRole`
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>), so that it never stands without its
//! boundary.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::fine_if_gone;
use super::action::Action;
use super::model::Role;
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::{StepError, Taken};

/// Does one step.
pub(in crate::baseline::aspects) async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
    match action {
        Action::CreateRole { role, wanted, known } => create(scope, role, wanted, *known).await?,
        Action::SetTrust { role, trust, known } => set_trust(scope, role, trust, *known).await?,
        Action::AttachPolicy { role, policy } => attach(scope, role, policy).await?,
        Action::DetachPolicy { role, policy } => {
            return already_gone(scope, "DetachRolePolicy", json!({ "RoleName": role, "PolicyArn": policy })).await;
        }
        Action::PutPolicy { role, policy, document } => put(scope, role, policy, document).await?,
        Action::DeletePolicy { role, policy } => {
            return already_gone(scope, "DeleteRolePolicy", json!({ "RoleName": role, "PolicyName": policy })).await;
        }
        Action::SetBoundary { role, boundary } => bound(scope, role, boundary).await?,
        Action::SetSession { role, seconds } => set_session(scope, role, *seconds).await?,
        Action::TagRole { role, tags } => tag(scope, role, tags).await?,
        Action::UntagRole { role, keys } => {
            scope.call("iam", "UntagRole", json!({ "RoleName": role, "TagKeys": keys })).await?;
        }
        Action::RemoveRole { role, policies, inline } => return remove(scope, role, policies, inline).await,
    }
    Ok(Taken::Done)
}

async fn create(scope: &Scope, role: &str, wanted: &Role, known: bool) -> Result<(), StepError> {
    let mut params = json!({ "RoleName": role, "AssumeRolePolicyDocument": wanted.trust.to_string() });
    if let Value::Object(params) = &mut params {
        params.extend((!wanted.tags.is_empty()).then(|| ("Tags".to_owned(), pairs(&wanted.tags))));
        params.extend(wanted.boundary.as_ref().map(|arn| ("PermissionsBoundary".to_owned(), arn.as_str().into())));
        params.extend(wanted.session.map(|seconds| ("MaxSessionDuration".to_owned(), seconds.into())));
    }
    match scope.call("iam", "CreateRole", params).await {
        // Somebody made it since we looked: bring that one to what is declared, its boundary first.
        Err(error) if error.class == ErrorClass::Exists => converge(scope, role, wanted, known).await?,
        Err(error) => return Err(refused(error, role, wanted.boundary.as_deref(), known)),
        Ok(_) => {}
    }
    for policy in &wanted.policies {
        attach(scope, role, policy).await?;
    }
    for (policy, document) in &wanted.inline {
        put(scope, role, policy, document).await?;
    }
    Ok(())
}

async fn converge(scope: &Scope, role: &str, wanted: &Role, known: bool) -> Result<(), StepError> {
    if let Some(boundary) = &wanted.boundary {
        bound(scope, role, boundary).await?;
    }
    set_trust(scope, role, &wanted.trust, known).await?;
    if let Some(seconds) = wanted.session {
        set_session(scope, role, seconds).await?;
    }
    if wanted.tags.is_empty() { Ok(()) } else { tag(scope, role, &wanted.tags).await }
}

async fn set_trust(scope: &Scope, role: &str, trust: &Value, known: bool) -> Result<(), StepError> {
    let params = json!({ "RoleName": role, "PolicyDocument": trust.to_string() });
    let outcome = scope.call("iam", "UpdateAssumeRolePolicy", params).await;
    outcome.map(|_| ()).map_err(|error| refused(error, role, None, known))
}

/// IAM refuses a trust document whose principal it does not know
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_policies.html>).
fn refused(error: CallError, role: &str, boundary: Option<&str>, known: bool) -> StepError {
    match boundary {
        _ if error.has_code("MalformedPolicyDocument") && known => StepError {
            hint: format!(
                "nothing to do: somebody that {role} trusts is too new for IAM to know; the next run tries again"
            ),
            may_pass: true,
            cause: error,
        },
        _ if error.has_code("MalformedPolicyDocument") => {
            StepError::lasting(error, format!("somebody that {role} trusts does not exist: look at `trust`"))
        }
        Some(boundary) if error.is_gone() => {
            StepError::lasting(error, format!("there is no policy {boundary}: look at `boundary` of {role}"))
        }
        _ => error.into(),
    }
}

async fn bound(scope: &Scope, role: &str, boundary: &str) -> Result<(), StepError> {
    let params = json!({ "RoleName": role, "PermissionsBoundary": boundary });
    let outcome = scope.call("iam", "PutRolePermissionsBoundary", params).await;
    outcome.map(|_| ()).map_err(|error| refused(error, role, Some(boundary), false))
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

async fn put(scope: &Scope, role: &str, policy: &str, document: &Value) -> Result<(), StepError> {
    let params = json!({ "RoleName": role, "PolicyName": policy, "PolicyDocument": document.to_string() });
    match scope.call("iam", "PutRolePolicy", params).await {
        Ok(_) => Ok(()),
        Err(error) if error.has_code("MalformedPolicyDocument") => {
            Err(StepError::lasting(error, format!("AWS does not take the policy {policy}: look at `inline` of {role}")))
        }
        Err(error) => Err(error.into()),
    }
}

async fn set_session(scope: &Scope, role: &str, seconds: u64) -> Result<(), StepError> {
    scope.call("iam", "UpdateRole", json!({ "RoleName": role, "MaxSessionDuration": seconds })).await?;
    Ok(())
}

async fn tag(scope: &Scope, role: &str, tags: &BTreeMap<String, String>) -> Result<(), StepError> {
    scope.call("iam", "TagRole", json!({ "RoleName": role, "Tags": pairs(tags) })).await?;
    Ok(())
}

fn pairs(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

async fn already_gone(scope: &Scope, operation: &str, params: Value) -> Result<Taken, StepError> {
    match scope.call("iam", operation, params).await {
        Err(error) if error.is_gone() => Ok(Taken::AlreadySo),
        outcome => Ok(outcome.map(|_| Taken::Done)?),
    }
}

/// A role goes only when nothing hangs on it any more
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>). What it can be assumed for goes first.
async fn remove(
    scope: &Scope,
    role: &str,
    policies: &BTreeSet<String>,
    inline: &BTreeSet<String>,
) -> Result<Taken, StepError> {
    for policy in policies {
        let params = json!({ "RoleName": role, "PolicyArn": policy });
        fine_if_gone(scope.call("iam", "DetachRolePolicy", params).await)?;
    }
    for policy in inline {
        let params = json!({ "RoleName": role, "PolicyName": policy });
        fine_if_gone(scope.call("iam", "DeleteRolePolicy", params).await)?;
    }
    already_gone(scope, "DeleteRole", json!({ "RoleName": role })).await
}
