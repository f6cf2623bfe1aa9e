//! Queues: a policy that denies everybody is taken away as the account's root user, who alone still may.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>

use serde_json::json;

use crate::aws::{CallError, ErrorClass, RootTask};
use crate::reset::catalogue::path::as_text;
use crate::reset::item::Outcome;
use crate::reset::steps::Attempt;

/// Deletes a queue; where its policy denies that, without its policy.
pub async fn delete(attempt: &Attempt<'_>) -> Outcome {
    let url = attempt.work.facts.get("$").map(as_text).unwrap_or_default();
    let denied = match remove(attempt, &url).await {
        Ok(()) => return Outcome::Accepted,
        Err(error) if error.class == ErrorClass::Denied => error,
        Err(error) if error.is_gone() => return Outcome::Accepted,
        Err(error) => return attempt.judge(&error).await,
    };
    if let Err(error) = unlock(attempt, &url).await {
        return Outcome::Denied(format!(
            "{denied}; and the account's root user could not take its policy away: {error}; enable central root access \
             (iam:EnableOrganizationsRootSessions), or delete the queue as the account's root user"
        ));
    }
    match remove(attempt, &url).await {
        Ok(()) => Outcome::Accepted,
        Err(error) => attempt.judge(&error).await,
    }
}

async fn remove(attempt: &Attempt<'_>, url: &str) -> Result<(), CallError> {
    attempt.scope.call("sqs", "DeleteQueue", json!({ "QueueUrl": url })).await.map(|_| ())
}

async fn unlock(attempt: &Attempt<'_>, url: &str) -> Result<(), CallError> {
    let (account, region) = (attempt.scope.account(), attempt.scope.region());
    let root = attempt.accounts.root_scope(account, region, RootTask::UnlockQueue).await?;
    let params = json!({ "QueueUrl": url, "Attributes": { "Policy": "" } });
    root.call("sqs", "SetQueueAttributes", params).await.map(|_| ())
}
