//! A delete through Cloud Control: a request with a token, whose state is asked for until it ends. The token is in the
//! checkpoint, so another slice goes on where this one stopped; a slice that died before it saved asks with the same
//! client token again and gets the same request.
//! <https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-manage-requests.html>

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::list::properties;
use super::{Doing, Request};
use crate::aws::ErrorClass;
use crate::reset::item::Outcome;
use crate::reset::progress::hex;
use crate::reset::steps::Attempt;

/// Words by which a failed delete tells of a protection.
const PROTECTED: &[&str] = &[
    "deletion protection",
    "deletionprotection",
    "delete protection",
    "termination protection",
    "terminationprotection",
];

/// Words by which a handler tells of something in the way, whatever its code.
const HELD: &[&str] = &["dependen", "in use", "being used", "not empty", "still has", "still have", "associated with"];

/// Attempts that end with an error which may mean anything, before it counts.
const GENERAL_TRIES: u32 = 4;

/// Begins the delete, or asks how it stands.
pub async fn delete(attempt: &Attempt<'_>) -> Outcome {
    match &attempt.work.request {
        None => ask(attempt, Doing::Delete, false).await,
        Some(request) => follow(attempt, request).await,
    }
}

async fn follow(attempt: &Attempt<'_>, request: &Request) -> Outcome {
    let params = json!({ "RequestToken": request.token });
    match attempt.scope.call("cloudcontrol", "GetResourceRequestStatus", params).await {
        Ok(answer) => progress(attempt, &answer, request.doing, request.lifted).await,
        // Forgotten after seven days: whether the resource is still there, a new request will tell.
        Err(error) if error.is_gone() => ask(attempt, Doing::Delete, request.lifted).await,
        Err(error) if error.may_pass() => Outcome::Requested { request: request.clone(), until: None },
        Err(error) => attempt.judge(&error).await,
    }
}

/// Makes a request. The client token is the same until an outcome of the attempt was saved.
async fn ask(attempt: &Attempt<'_>, doing: Doing, lifted: bool) -> Outcome {
    let (operation, mut params) = match doing {
        Doing::Delete => ("DeleteResource", target(attempt)),
        Doing::Lift => match patch(attempt).await {
            Ok(params) => ("UpdateResource", params),
            Err(outcome) => return outcome,
        },
    };
    if let Some(params) = params.as_object_mut() {
        params.insert("ClientToken".to_owned(), Value::from(client_token(attempt, doing, lifted)));
    }
    match attempt.scope.call("cloudcontrol", operation, params).await {
        Ok(answer) => Box::pin(progress(attempt, &answer, doing, lifted)).await,
        Err(error) if error.class == ErrorClass::Denied => Outcome::Denied(error.to_string()),
        Err(error) => {
            let code = error.code.as_deref().unwrap_or_default();
            let (code, text) = (code.trim_end_matches("Exception"), error.to_string());
            match Box::pin(failed(attempt, code, &text, doing, lifted)).await {
                Outcome::Failed(_) if error.is_gone() => Outcome::Gone,
                Outcome::Failed(text) if error.may_pass() => Outcome::Later(text),
                outcome => outcome,
            }
        }
    }
}

fn target(attempt: &Attempt<'_>) -> Value {
    json!({ "TypeName": attempt.kind.name, "Identifier": attempt.work.facts.get("Identifier") })
}

fn client_token(attempt: &Attempt<'_>, doing: Doing, lifted: bool) -> String {
    let mut hash = Sha256::new();
    let Attempt { around, kind, work, scope, .. } = attempt;
    let seed = &around.seed;
    let id = work.facts.get("Identifier").and_then(Value::as_str).unwrap_or_default();
    hash.update(format!("{seed}\n{}\n{}\n{id}\n{}\n{doing:?}\n{lifted}", scope.region(), kind.name, work.attempts));
    hex(&hash.finalize())
}

/// What a request's state means.
async fn progress(attempt: &Attempt<'_>, answer: &Value, doing: Doing, lifted: bool) -> Outcome {
    let event = answer.get("ProgressEvent").unwrap_or(answer);
    let text = |member: &str| event.get(member).and_then(Value::as_str).unwrap_or_default();
    match (text("OperationStatus"), doing) {
        ("SUCCESS", Doing::Delete) => Outcome::Gone,
        ("SUCCESS", Doing::Lift) => Box::pin(ask(attempt, Doing::Delete, true)).await,
        ("PENDING" | "IN_PROGRESS" | "CANCEL_IN_PROGRESS", _) => Outcome::Requested {
            request: Request { token: text("RequestToken").to_owned(), doing, lifted },
            until: text("RetryAfter").parse().ok(),
        },
        ("CANCEL_COMPLETE", _) => Outcome::Later("somebody cancelled the request".to_owned()),
        ("FAILED", _) => failed(attempt, text("ErrorCode"), text("StatusMessage"), doing, lifted).await,
        (state, _) => Outcome::Later(format!("Cloud Control says `{state}`, which is not known")),
    }
}

/// What the handler's code means.
/// <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>
async fn failed(attempt: &Attempt<'_>, code: &str, message: &str, doing: Doing, lifted: bool) -> Outcome {
    let told = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| told.contains(word));
    let text = format!("{code}: {message}").trim_start_matches(": ").to_owned();
    if doing == Doing::Delete && !lifted && says(PROTECTED) {
        return Box::pin(ask(attempt, Doing::Lift, false)).await;
    }
    match code {
        "NotFound" | "ResourceNotFound" => Outcome::Gone,
        "AccessDenied" | "UnauthorizedTaggingOperation" => Outcome::Denied(text),
        "ResourceConflict" => Outcome::Blocked { reason: text, holders: Vec::new() },
        // One request at a time is under way for a resource, and this one is not ours.
        "ConcurrentOperation" | "ClientTokenConflict" => Outcome::Later(text),
        "NotStabilized" | "Throttling" | "InvalidCredentials" | "ServiceLimitExceeded" => Outcome::Later(text),
        "InternalFailure" | "HandlerInternalFailure" | "HandlerFailure" => Outcome::Later(text),
        "NetworkFailure" | "ServiceInternalError" | "ServiceTimeout" => Outcome::Later(text),
        _ if says(HELD) => Outcome::Blocked { reason: text, holders: Vec::new() },
        // Handlers say this of what they have no other word for, passing or not.
        "GeneralServiceException" | "GeneralService" if attempt.work.attempts < GENERAL_TRIES => Outcome::Later(text),
        _ => Outcome::Failed(text),
    }
}

/// The change that lifts the protections which the resource itself shows.
async fn patch(attempt: &Attempt<'_>) -> Result<Value, Outcome> {
    let answer = match attempt.scope.call("cloudcontrol", "GetResource", target(attempt)).await {
        Ok(answer) => answer,
        Err(error) => return Err(attempt.judge(&error).await),
    };
    let all = answer.get("ResourceDescription").and_then(properties).unwrap_or_default();
    let changes = lifts(&all);
    if changes.is_empty() {
        return Err(Outcome::Failed("it is protected, and shows no protection that could be lifted".to_owned()));
    }
    let mut params = target(attempt);
    if let Some(params) = params.as_object_mut() {
        params.insert("PatchDocument".to_owned(), Value::from(Value::Array(changes).to_string()));
    }
    Ok(params)
}

/// `DeletionProtection` and kin, where they are on.
fn lifts(all: &Map<String, Value>) -> Vec<Value> {
    let lift = |(name, value): (&String, &Value)| {
        let plain = name.to_ascii_lowercase();
        let protects = ["deletionprotection", "deleteprotection", "terminationprotection"];
        protects.iter().any(|word| plain.contains(word)).then_some(())?;
        let off = match value {
            Value::Bool(true) => Value::Bool(false),
            Value::String(word) => match word.as_str() {
                "ACTIVE" => "INACTIVE".into(),
                "ENABLED" => "DISABLED".into(),
                "true" => "false".into(),
                _ => return None,
            },
            _ => return None,
        };
        Some(json!({ "op": "replace", "path": format!("/{name}"), "value": off }))
    };
    all.iter().filter_map(lift).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_protections_that_are_on_are_lifted() {
        let all = json!({"DeletionProtection": true, "TerminationProtectionMode": "ENABLED", "DeleteProtection": false, "Name": "x"});
        let changes = lifts(all.as_object().unwrap());
        assert_eq!(
            changes,
            [
                json!({"op": "replace", "path": "/DeletionProtection", "value": false}),
                json!({"op": "replace", "path": "/TerminationProtectionMode", "value": "DISABLED"}),
            ]
        );
    }
}
