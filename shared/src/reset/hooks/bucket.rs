//! What stands in the way of emptying a bucket, beside its objects: a policy that denies, what goes on writing, MFA
//! delete, and sheer size.

use serde_json::{Value, json};

use crate::aws::{CallError, RootTask, Scope};
use crate::reset::item::Outcome;
use crate::reset::steps::Attempt;

/// The name of the rules that drain a bucket.
const DRAIN: &str = "forester-drain";

/// Takes away a policy that denies us. Where it denies that, too, the account's root user is entered for this one task:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>
///
/// The error tells both refusals, and what to do.
pub async fn unlock(attempt: &Attempt<'_>, scope: &Scope, bucket: &str) -> Result<(), String> {
    let params = || json!({ "Bucket": bucket });
    let Err(denied) = scope.call("s3", "DeleteBucketPolicy", params()).await else { return Ok(()) };
    if denied.is_gone() {
        return Ok(());
    }
    let root = async {
        let root = attempt.accounts.root_scope(scope.account(), scope.region(), RootTask::UnlockBucket).await?;
        root.call("s3", "DeleteBucketPolicy", params()).await
    };
    root.await.map(|_| ()).map_err(|error| {
        format!(
            "{denied}; and the account's root user could not take the policy away: {error}; enable central root access \
             (iam:EnableOrganizationsRootSessions), or delete the policy of {bucket} as the account's root user"
        )
    })
}

/// Stops what fills the bucket again while it is emptied: replication, logs, and everybody else. Whatever of it fails
/// shows itself when the bucket is still not empty.
pub async fn stop_writers(scope: &Scope, bucket: &str) {
    let resource = format!("arn:{}:s3:::{bucket}/*", scope.region().partition().id());
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Sid": "BeingEmptied", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": resource }],
    });
    let calls = [
        ("DeleteBucketReplication", json!({ "Bucket": bucket })),
        ("PutBucketLogging", json!({ "Bucket": bucket, "BucketLoggingStatus": {} })),
        ("PutBucketPolicy", json!({ "Bucket": bucket, "Policy": policy.to_string() })),
    ];
    for (operation, params) in calls {
        if let Err(error) = scope.call("s3", operation, params).await {
            tracing::debug!(%error, bucket, "what writes to the bucket was not stopped");
        }
    }
}

/// Whether versions can only be deleted by the root user with a second factor: then nobody here can.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html>
pub async fn needs_mfa(scope: &Scope, bucket: &str) -> bool {
    let answer = scope.call("s3", "GetBucketVersioning", json!({ "Bucket": bucket })).await;
    answer.is_ok_and(|answer| answer.get("MFADelete").and_then(Value::as_str) == Some("Enabled"))
}

/// Lets S3 itself empty a bucket: what has expired is not paid for, and no function runs meanwhile.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html>
pub async fn drain(scope: &Scope, bucket: &str, deleted: u64) -> Result<Outcome, CallError> {
    let rule = |id: String, rest: Value| {
        let mut rule = json!({ "ID": id, "Status": "Enabled", "Filter": { "Prefix": "" } });
        if let (Some(rule), Value::Object(rest)) = (rule.as_object_mut(), rest) {
            rule.extend(rest);
        }
        rule
    };
    // Days and delete markers cannot stand in one rule.
    let rules = [
        rule(
            DRAIN.to_owned(),
            json!({
                "Expiration": { "Days": 1 },
                "NoncurrentVersionExpiration": { "NoncurrentDays": 1 },
                "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 1 },
            }),
        ),
        rule(format!("{DRAIN}-markers"), json!({ "Expiration": { "ExpiredObjectDeleteMarker": true } })),
    ];
    let params = json!({ "Bucket": bucket, "LifecycleConfiguration": { "Rules": rules } });
    scope.call("s3", "PutBucketLifecycleConfiguration", params).await?;
    Ok(Outcome::Undeletable(format!(
        "is draining: about {deleted} objects were deleted and more are left than limits.objects allows for one run, so a \
         lifecycle rule expires the rest from midnight UTC on; the next run goes on with it"
    )))
}
