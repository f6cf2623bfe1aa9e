//! Stacks. What keeps one from being deleted: termination protection, another stack that imports from it, a role that is
//! gone, or a resource of its own that CloudFormation could not delete.
//!
//! A stack that failed to be deleted is deleted with force: it leaves behind what it cannot delete, and the other
//! entries find that (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>).

use serde_json::{Map, Value, json};

use crate::aws::{CallError, ErrorClass};
use crate::reset::catalogue::path::as_text;
use crate::reset::item::{Holder, Outcome};
use crate::reset::steps::Attempt;

/// Asks CloudFormation to delete the stack.
pub async fn delete(attempt: &Attempt<'_>) -> Outcome {
    let fact = |path: &str| attempt.work.facts.get(path).map(as_text).unwrap_or_default();
    let failed = fact("StackStatus") == "DELETE_FAILED";
    // It was asked before and is still there: another stack may import what it exports, and must go first.
    if attempt.work.attempts > 0 && !failed {
        let importers = importers(attempt, &fact("StackId")).await;
        if !importers.is_empty() {
            let names = importers.join(", ");
            let reason = format!("what it exports is imported by {names}");
            let holders = importers.into_iter().map(|name| Holder { ids: vec![name.clone()], text: name }).collect();
            return Outcome::Blocked { reason, holders };
        }
    }
    match ask(attempt, failed).await {
        Ok(()) => Outcome::Accepted,
        Err(error) if error.is_gone() => Outcome::Gone,
        Err(error) if protected(&error) => match unprotect(attempt).await {
            Ok(()) => ask(attempt, failed).await.map_or_else(|error| judge(attempt, &error), |()| Outcome::Accepted),
            Err(error) => judge(attempt, &error),
        },
        Err(error) => judge(attempt, &error),
    }
}

async fn ask(attempt: &Attempt<'_>, force: bool) -> Result<(), CallError> {
    let mut params = named(attempt);
    if force {
        params.insert("DeletionMode".to_owned(), "FORCE_DELETE_STACK".into());
    }
    attempt.scope.call("cloudformation", "DeleteStack", Value::Object(params)).await.map(|_| ())
}

async fn unprotect(attempt: &Attempt<'_>) -> Result<(), CallError> {
    let mut params = named(attempt);
    params.insert("EnableTerminationProtection".to_owned(), false.into());
    attempt.scope.call("cloudformation", "UpdateTerminationProtection", Value::Object(params)).await.map(|_| ())
}

fn named(attempt: &Attempt<'_>) -> Map<String, Value> {
    let id = attempt.work.facts.get("StackId").cloned().unwrap_or_default();
    std::iter::once(("StackName".to_owned(), id)).collect()
}

/// The names of the stacks that import what this one exports. What cannot be read shows itself in the next attempt.
async fn importers(attempt: &Attempt<'_>, stack: &str) -> Vec<String> {
    let exports = attempt.scope.pages("cloudformation", "ListExports", json!({})).await.unwrap_or_default();
    let ours = exports.iter().filter(|export| export.get("ExportingStackId").and_then(Value::as_str) == Some(stack));
    let mut names = Vec::new();
    for name in ours.filter_map(|export| export.get("Name")) {
        // CloudFormation calls an export that nobody imports an error.
        let imports = attempt.scope.pages("cloudformation", "ListImports", json!({ "ExportName": name })).await;
        names.extend(imports.unwrap_or_default().iter().map(as_text));
    }
    names.sort();
    names.dedup();
    names
}

fn protected(error: &CallError) -> bool {
    error.to_string().to_lowercase().contains("terminationprotection")
}

/// CloudFormation calls almost everything a `ValidationError`; what the words tell apart is told apart.
fn judge(attempt: &Attempt<'_>, error: &CallError) -> Outcome {
    let told = error.to_string().to_lowercase();
    if told.contains("role") && told.contains("cannot be assumed") {
        let role = attempt.work.facts.get("RoleARN").map(as_text).unwrap_or_default();
        return Outcome::Failed(format!(
            "{error}; the stack's role {role} is gone: make a role of that name that cloudformation.amazonaws.com may \
             assume, and the next run deletes the stack with it"
        ));
    }
    match error.class {
        ErrorClass::Denied => Outcome::Denied(error.to_string()),
        ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::NotReady => Outcome::Later(error.to_string()),
        _ if told.contains("_in_progress") || told.contains("in use by") || error.class == ErrorClass::Conflict => {
            Outcome::Blocked { reason: error.to_string(), holders: Vec::new() }
        }
        _ => Outcome::Failed(error.to_string()),
    }
}
