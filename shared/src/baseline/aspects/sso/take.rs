//! Makes and ends assignments. Both happen in the background, and are followed for a short while.

use std::time::Duration;

use serde_json::{Value, json};

use super::Link;
use crate::aws::{CallError, CallSite, ErrorClass, Scope};
use crate::baseline::{StepError, Taken};

/// How often the status is asked for, and how long each time is waited before.
const ASKED: u32 = 6;
const PAUSE: Duration = if cfg!(test) { Duration::ZERO } else { Duration::from_millis(1500) };

/// Lets a group in. An assignment that is there already counts as made.
pub(super) async fn assign(scope: &Scope, link: &Link) -> Result<Taken, StepError> {
    let way = Way {
        start: "CreateAccountAssignment",
        describe: "DescribeAccountAssignmentCreationStatus",
        request: "AccountAssignmentCreationRequestId",
        status: "AccountAssignmentCreationStatus",
    };
    way.go(scope, link).await
}

/// Lets it in no longer.
pub(super) async fn unassign(scope: &Scope, link: &Link) -> Result<Taken, StepError> {
    let way = Way {
        start: "DeleteAccountAssignment",
        describe: "DescribeAccountAssignmentDeletionStatus",
        request: "AccountAssignmentDeletionRequestId",
        status: "AccountAssignmentDeletionStatus",
    };
    way.go(scope, link).await
}

/// The operations and members of one direction.
struct Way {
    start: &'static str,
    describe: &'static str,
    request: &'static str,
    status: &'static str,
}

impl Way {
    async fn go(&self, scope: &Scope, link: &Link) -> Result<Taken, StepError> {
        let params = json!({ "InstanceArn": link.instance, "TargetId": link.account, "TargetType": "AWS_ACCOUNT",
            "PermissionSetArn": link.set, "PrincipalType": "GROUP", "PrincipalId": link.principal });
        let mut answer = scope.call("sso-admin", self.start, params).await?;
        for _ in 0..ASKED {
            let status = answer.get(self.status).cloned().unwrap_or_default();
            let text = |member: &str| status.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
            match text("Status").as_str() {
                "SUCCEEDED" => return Ok(Taken::Done),
                "FAILED" => return Err(self.failed(scope, link, &text("FailureReason"))),
                _ => tokio::time::sleep(PAUSE).await,
            }
            let params = json!({ "InstanceArn": link.instance, self.request: text("RequestId") });
            answer = scope.call("sso-admin", self.describe, params).await?;
        }
        Err(self.error(scope, ErrorClass::Conflict, "Identity Center is still at it").into())
    }

    fn failed(&self, scope: &Scope, link: &Link, why: &str) -> StepError {
        let hint = format!(
            "look at group {} and permission set {} in Identity Center; a policy that a permission set names must exist in \
             the account",
            link.group, link.permission_set
        );
        StepError::lasting(self.error(scope, ErrorClass::Invalid, why), hint)
    }

    fn error(&self, scope: &Scope, class: ErrorClass, why: &str) -> CallError {
        CallSite::new("sso-admin", self.start, scope.account(), scope.region()).error(class, why)
    }
}
