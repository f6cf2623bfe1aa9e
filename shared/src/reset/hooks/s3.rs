//! Buckets: only an empty one can be deleted, and empty means no version, no delete marker and no unfinished upload.
//!
//! `DeleteObjects` answers 200 even where keys fail, so the errors of each key are read
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>). Governance locks are bypassed and legal
//! holds lifted; a compliance lock holds until its date, whoever asks.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::aws::{CallError, ErrorClass, Scope};
use crate::reset::catalogue::path::{as_text, find};
use crate::reset::item::Outcome;
use crate::reset::steps::Attempt;
use crate::types::Region;

/// Batches of one attempt: the bucket's turn ends then, so that a slice can save and others are not kept waiting.
const BATCHES: usize = 20;

/// Empties a bucket as far as one turn goes, and deletes it when it is empty.
pub async fn delete(attempt: &Attempt<'_>) -> Outcome {
    match turn(attempt).await {
        Ok(outcome) => outcome,
        Err(error) if error.has_code("BucketNotEmpty") => Outcome::More,
        Err(error) => attempt.judge(&error).await,
    }
}

async fn turn(attempt: &Attempt<'_>) -> Result<Outcome, CallError> {
    let bucket = attempt.work.facts.get("Name").map(as_text).unwrap_or_default();
    let scope = home_of(attempt, &bucket).await?;
    for _ in 0..BATCHES {
        let batch = versions(&scope, &bucket).await?;
        if batch.is_empty() {
            abort_uploads(&scope, &bucket).await?;
            scope.call("s3", "DeleteBucket", json!({ "Bucket": bucket })).await?;
            return Ok(Outcome::Gone);
        }
        if let Some(stop) = delete_batch(&scope, &bucket, batch).await? {
            return Ok(stop);
        }
    }
    Ok(Outcome::More)
}

/// A scope in the bucket's own region: elsewhere S3 answers with a redirect.
async fn home_of(attempt: &Attempt<'_>, bucket: &str) -> Result<Scope, CallError> {
    if attempt.work.facts.contains_key("BucketRegion") {
        return Ok(attempt.scope.clone());
    }
    let answer = attempt.scope.call("s3", "GetBucketLocation", json!({ "Bucket": bucket })).await?;
    // Two regions are older than the rule: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
    let name = match answer.get("LocationConstraint").and_then(Value::as_str) {
        None | Some("") => "us-east-1",
        Some("EU") => "eu-west-1",
        Some(name) => name,
    };
    match name.parse::<Region>() {
        Ok(region) => attempt.accounts.scope(attempt.scope.account(), &region).await,
        Err(_) => Ok(attempt.scope.clone()),
    }
}

/// Up to 1,000 versions and delete markers, as `DeleteObjects` wants them. Always the first page: what it names is
/// deleted before the next is asked for.
async fn versions(scope: &Scope, bucket: &str) -> Result<Vec<Value>, CallError> {
    let params = json!({ "Bucket": bucket, "MaxKeys": 1000, "EncodingType": "url" });
    let answer = scope.call("s3", "ListObjectVersions", params).await?;
    let found = ["Versions[]", "DeleteMarkers[]"].into_iter().flat_map(|path| find(&answer, path));
    let encoded = answer.get("EncodingType").and_then(Value::as_str) == Some("url");
    Ok(found.map(|version| object(version, encoded)).collect())
}

/// Keys come URL-encoded, because XML cannot carry every byte that a key may hold.
fn object(version: &Value, encoded: bool) -> Value {
    let key = version.get("Key").map(as_text).unwrap_or_default();
    let key = if encoded { percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned() } else { key };
    match version.get("VersionId").filter(|id| id.as_str() != Some("")) {
        Some(id) => json!({ "Key": key, "VersionId": id }),
        None => json!({ "Key": key }),
    }
}

/// Deletes a batch; an outcome means that this turn is over.
async fn delete_batch(scope: &Scope, bucket: &str, batch: Vec<Value>) -> Result<Option<Outcome>, CallError> {
    let size = batch.len();
    let failed = send(scope, bucket, batch, false).await?;
    if failed.is_empty() {
        return Ok(None);
    }
    let held = failed.iter().map(key_of).collect();
    let failed = send(scope, bucket, held, true).await?;
    let Some(first) = failed.first() else { return Ok(None) };
    if release(scope, bucket, &failed).await? || failed.len() < size {
        return Ok(Some(Outcome::More));
    }
    Ok(Some(locked(scope, bucket, first).await))
}

/// One request; returns the errors of single keys that a repetition does not cure.
async fn send(scope: &Scope, bucket: &str, objects: Vec<Value>, bypass: bool) -> Result<Vec<Value>, CallError> {
    let mut params = json!({ "Bucket": bucket, "Delete": { "Objects": objects, "Quiet": true } });
    if let (true, Some(params)) = (bypass, params.as_object_mut()) {
        params.insert("BypassGovernanceRetention".to_owned(), Value::Bool(true));
    }
    let answer = scope.call("s3", "DeleteObjects", params).await?;
    let errors = find(&answer, "Errors[]").into_iter();
    Ok(errors.filter(|error| error.get("Code").and_then(Value::as_str) != Some("NoSuchVersion")).cloned().collect())
}

fn key_of(error: &Value) -> Value {
    object(error, false)
}

/// Lifts the legal holds among what could not be deleted; whether there was one.
async fn release(scope: &Scope, bucket: &str, failed: &[Value]) -> Result<bool, CallError> {
    let mut any = false;
    for error in failed {
        let mut params = key_of(error);
        if let Some(params) = params.as_object_mut() {
            params.insert("Bucket".to_owned(), bucket.into());
        }
        let hold = match scope.call("s3", "GetObjectLegalHold", params.clone()).await {
            Ok(answer) => answer.pointer("/LegalHold/Status").and_then(Value::as_str) == Some("ON"),
            // Without object lock there is no hold to ask for, and the first key tells for all.
            Err(error) if error.class != ErrorClass::Denied => return Ok(any),
            Err(error) => return Err(error),
        };
        if hold && let Some(params) = params.as_object_mut() {
            params.insert("LegalHold".to_owned(), json!({ "Status": "OFF" }));
            scope.call("s3", "PutObjectLegalHold", Value::Object(params.clone())).await?;
            any = true;
        }
    }
    Ok(any)
}

/// Why a key cannot be deleted.
async fn locked(scope: &Scope, bucket: &str, error: &Value) -> Outcome {
    let mut params = key_of(error);
    if let Some(params) = params.as_object_mut() {
        params.insert("Bucket".to_owned(), bucket.into());
    }
    let member = |name: &str| error.get(name).map(as_text).unwrap_or_default();
    let retention = scope.call("s3", "GetObjectRetention", params).await.unwrap_or_default();
    let retention = |name: &str| retention.pointer(&format!("/Retention/{name}")).map(as_text);
    if retention("Mode").as_deref() == Some("COMPLIANCE") {
        let until = retention("RetainUntilDate").unwrap_or_default();
        return Outcome::Undeletable(format!("object {} is under a compliance lock until {until}", member("Key")));
    }
    let words = format!("object {} cannot be deleted: {}: {}", member("Key"), member("Code"), member("Message"));
    match member("Code").as_str() {
        "AccessDenied" => Outcome::Denied(words),
        "InternalError" | "SlowDown" | "ServiceUnavailable" => Outcome::Later(words),
        _ => Outcome::Failed(words),
    }
}

async fn abort_uploads(scope: &Scope, bucket: &str) -> Result<(), CallError> {
    for upload in scope.pages("s3", "ListMultipartUploads", json!({ "Bucket": bucket })).await? {
        let member = |name: &str| upload.get(name).cloned().unwrap_or_default();
        let params = json!({ "Bucket": bucket, "Key": member("Key"), "UploadId": member("UploadId") });
        match scope.call("s3", "AbortMultipartUpload", params).await {
            Err(error) if !error.is_gone() => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}
