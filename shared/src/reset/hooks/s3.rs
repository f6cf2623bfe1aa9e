//! Buckets: only an empty one can be deleted, and empty means no version, no delete marker and no unfinished upload.
//!
//! `DeleteObjects` answers 200 even where keys fail, so the errors of each key are read
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>). Governance locks are bypassed and legal
//! holds lifted; a compliance lock holds until its date, whoever asks.

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::bucket;
use crate::aws::{CallError, ErrorClass, Scope};
use crate::reset::catalogue::path::{as_text, find};
use crate::reset::item::Outcome;
use crate::reset::steps::Attempt;
use crate::types::Region;

/// Pages of one attempt: the bucket's turn ends then, so that a slice can save and others are not kept waiting.
const PAGES: usize = 40;

/// Pages of objects that are deleted at once, while the next is listed.
const AT_ONCE: usize = 8;

/// Objects on a page: the most that `DeleteObjects` takes.
const PAGE: u64 = 1_000;

/// Empties a bucket as far as one turn goes, and deletes it when it is empty.
pub async fn delete(attempt: &Attempt<'_>) -> Outcome {
    let bucket = attempt.work.facts.get("Name").map(as_text).unwrap_or_default();
    let scope = match home_of(attempt, &bucket).await {
        Ok(scope) => scope,
        Err(error) => return attempt.judge(&error).await,
    };
    match turn(attempt, &scope, &bucket).await {
        Ok(Outcome::Denied(words)) => locked_out(attempt, &scope, &bucket, words).await,
        Ok(outcome) => outcome,
        Err(error) if error.class == ErrorClass::Denied => {
            locked_out(attempt, &scope, &bucket, error.to_string()).await
        }
        Err(error) if error.has_code("BucketNotEmpty") => {
            bucket::stop_writers(&scope, &bucket).await;
            let words = format!("{error}; what writes to it was stopped");
            if attempt.work.attempts == 0 { Outcome::More } else { Outcome::Later(words) }
        }
        Err(error) => attempt.judge(&error).await,
    }
}

/// Not allowed: by MFA delete, by the bucket's policy, which can be taken away, or by something else.
async fn locked_out(attempt: &Attempt<'_>, scope: &Scope, bucket: &str, words: String) -> Outcome {
    if bucket::needs_mfa(scope, bucket).await {
        let words = "has MFA delete: only the account's root user can delete its versions, with the device at hand";
        return Outcome::Undeletable(words.to_owned());
    }
    if let Err(why) = bucket::unlock(attempt, scope, bucket).await {
        return Outcome::Denied(format!("{words}; {why}"));
    }
    match turn(attempt, scope, bucket).await {
        Ok(outcome) => outcome,
        Err(error) if error.has_code("BucketNotEmpty") => Outcome::More,
        Err(error) => attempt.judge(&error).await,
    }
}

async fn turn(attempt: &Attempt<'_>, scope: &Scope, bucket: &str) -> Result<Outcome, CallError> {
    let deleted = u64::from(attempt.work.turns) * PAGE * u64::try_from(PAGES).unwrap_or(u64::MAX);
    if deleted >= attempt.around.objects {
        return bucket::drain(scope, bucket, deleted).await;
    }
    match empty(scope, bucket).await? {
        Some(stop) => Ok(stop),
        None => {
            abort_uploads(scope, bucket).await?;
            scope.call("s3", "DeleteBucket", json!({ "Bucket": bucket })).await?;
            Ok(Outcome::Gone)
        }
    }
}

/// Lists page after page, while those before are deleted. An outcome means that this turn is over, nothing that the
/// bucket is empty.
async fn empty(scope: &Scope, bucket: &str) -> Result<Option<Outcome>, CallError> {
    let mut deleting = FuturesUnordered::new();
    let mut from = Map::new();
    for _ in 0..PAGES {
        let (batch, next) = versions(scope, bucket, &from).await?;
        if !batch.is_empty() {
            deleting.push(delete_batch(scope, bucket, batch).boxed());
        }
        if next.is_none() || deleting.len() >= AT_ONCE {
            while deleting.len() >= AT_ONCE || (next.is_none() && !deleting.is_empty()) {
                if let Some(stop) = deleting.next().await.transpose()?.flatten() {
                    return Ok(Some(stop));
                }
            }
        }
        match next {
            Some(next) => from = next,
            None => return Ok(None),
        }
    }
    while let Some(stop) = deleting.next().await {
        if let Some(stop) = stop? {
            return Ok(Some(stop));
        }
    }
    Ok(Some(Outcome::More))
}

/// A scope in the bucket's own region: elsewhere S3 answers with a redirect.
async fn home_of(attempt: &Attempt<'_>, bucket: &str) -> Result<Scope, CallError> {
    if attempt.work.facts.contains_key("BucketRegion") {
        return Ok(attempt.scope.clone());
    }
    let answer = attempt.scope.call("s3", "GetBucketLocation", json!({ "Bucket": bucket })).await?;
    match Region::of_bucket(answer.get("LocationConstraint").and_then(Value::as_str)) {
        Ok(region) => attempt.accounts.scope(attempt.scope.account(), &region).await,
        Err(_) => Ok(attempt.scope.clone()),
    }
}

/// Up to 1,000 versions and delete markers, as `DeleteObjects` wants them, and where the next page begins.
async fn versions(
    scope: &Scope,
    bucket: &str,
    from: &Map<String, Value>,
) -> Result<(Vec<Value>, Option<Map<String, Value>>), CallError> {
    let mut params = from.clone();
    let fixed = [("Bucket", json!(bucket)), ("MaxKeys", json!(PAGE)), ("EncodingType", json!("url"))];
    params.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
    let answer = scope.call("s3", "ListObjectVersions", Value::Object(params)).await?;
    let found = ["Versions[]", "DeleteMarkers[]"].into_iter().flat_map(|path| find(&answer, path));
    let encoded = answer.get("EncodingType").and_then(Value::as_str) == Some("url");
    let objects = found.map(|version| object(version, encoded)).collect();
    let more = answer.get("IsTruncated").and_then(Value::as_bool) == Some(true);
    let marker = |name: &str| answer.get(name).map(as_text).filter(|text| !text.is_empty());
    let next = marker("NextKeyMarker").filter(|_| more).map(|key| {
        let key = if encoded { decoded(&key) } else { key };
        let version = marker("NextVersionIdMarker").map(|id| ("VersionIdMarker".to_owned(), Value::from(id)));
        std::iter::once(("KeyMarker".to_owned(), Value::from(key))).chain(version).collect()
    });
    Ok((objects, next))
}

fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Keys come URL-encoded, because XML cannot carry every byte that a key may hold.
fn object(version: &Value, encoded: bool) -> Value {
    let key = version.get("Key").map(as_text).unwrap_or_default();
    let key = if encoded { decoded(&key) } else { key };
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
