//! A bucket that AWS services deliver logs to: closed to the public, versioned, encrypted, emptied after its time.
//!
//! Not an aspect: what the aspects that need such a bucket share. Lifecycle and policy are replaced as a whole by their
//! calls, so the rules and statements of others are sent back with ours
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>).

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::{document, list};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::{Planned, StepError, Taken};
use crate::types::Region;

/// The id of our lifecycle rule.
const RULE: &str = "forester-retention";

/// A bucket as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub bucket: String,
    /// After how many days its objects are deleted; never when absent.
    pub days: Option<u32>,
    /// Our statements of its policy.
    pub policy: Value,
}

/// A bucket as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The region, when it is another one than ours; then nothing else was read.
    elsewhere: Option<String>,
    blocked: bool,
    owner_enforced: bool,
    versioned: bool,
    encrypted: bool,
    rules: Vec<Value>,
    /// A setting beside the rules, sent back with them.
    smallest_transition: Option<String>,
    policy: Value,
}

/// What can be done about a bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes it, closed, versioned and encrypted as all the others below together.
    CreateBucket {
        /// Its name.
        bucket: String,
        /// After how many days objects are deleted.
        days: Option<u32>,
        /// Its policy.
        policy: Value,
    },
    /// Refuses public access to it.
    BlockPublicAccess {
        /// Its name.
        bucket: String,
    },
    /// Makes the account the owner of every object, whoever wrote it.
    EnforceOwner {
        /// Its name.
        bucket: String,
    },
    /// Keeps what is overwritten or deleted.
    KeepVersions {
        /// Its name.
        bucket: String,
    },
    /// Encrypts what comes without a key of its own.
    EncryptBucket {
        /// Its name.
        bucket: String,
    },
    /// Replaces the lifecycle rules.
    SetLifecycle {
        /// Its name.
        bucket: String,
        /// After how many days objects are deleted.
        days: u32,
        /// All rules.
        rules: Vec<Value>,
        /// What is sent back unchanged.
        smallest_transition: Option<String>,
    },
    /// Replaces the policy.
    SetBucketPolicy {
        /// Its name.
        bucket: String,
        /// The whole document.
        policy: Value,
    },
}

/// What every log bucket says: nobody comes in without TLS.
pub(super) fn tls_only(bucket: &str) -> Value {
    json!({ "Sid": format!("{}TlsOnly", document::SID), "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [bucket, format!("{bucket}/*")], "Condition": { "Bool": { "aws:SecureTransport": "false" } } })
}

/// Reads the bucket of this name, if it is the account's; a bucket of somebody else is not seen. `scope` is in the
/// bucket's region.
pub(super) async fn read(scope: &Scope, bucket: &str) -> Result<Option<Found>, CallError> {
    let buckets = scope.pages("s3", "ListBuckets", json!({ "Prefix": bucket })).await?;
    let Some(listed) = buckets.iter().find(|found| found.get("Name") == Some(&bucket.into())) else { return Ok(None) };
    let region = listed.get("BucketRegion").and_then(Value::as_str).filter(|found| *found != scope.region().as_ref());
    if let Some(region) = region {
        return Ok(Some(Found { elsewhere: Some(region.to_owned()), ..Found::default() }));
    }
    let public = ask(scope, bucket, "GetPublicAccessBlock").await?;
    let public = public.get("PublicAccessBlockConfiguration").cloned().unwrap_or_default();
    let owner = ask(scope, bucket, "GetBucketOwnershipControls").await?;
    let versioning = ask(scope, bucket, "GetBucketVersioning").await?;
    let encryption = ask(scope, bucket, "GetBucketEncryption").await?;
    let lifecycle = ask(scope, bucket, "GetBucketLifecycleConfiguration").await?;
    let policy = ask(scope, bucket, "GetBucketPolicy").await?;
    let smallest = lifecycle.get("TransitionDefaultMinimumObjectSize").and_then(Value::as_str);
    Ok(Some(Found {
        elsewhere: None,
        blocked: SETTINGS.iter().all(|setting| public.get(setting) == Some(&true.into())),
        owner_enforced: owner.pointer("/OwnershipControls/Rules/0/ObjectOwnership") == Some(&ENFORCED.into()),
        versioned: versioning.get("Status") == Some(&"Enabled".into()),
        encrypted: encryption.pointer("/ServerSideEncryptionConfiguration/Rules/0").is_some(),
        rules: list(&lifecycle, "Rules").to_vec(),
        smallest_transition: smallest.map(str::to_owned),
        policy: policy.get("Policy").map(document::decoded).unwrap_or_default(),
    }))
}

const SETTINGS: [&str; 4] = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
const ENFORCED: &str = "BucketOwnerEnforced";

/// A setting of the bucket; null where it was never set.
async fn ask(scope: &Scope, bucket: &str, operation: &str) -> Result<Value, CallError> {
    let params = json!({ "Bucket": bucket, "ExpectedBucketOwner": scope.account() });
    match scope.call("s3", operation, params).await {
        Err(error) if error.is_gone() => Ok(Value::Null),
        answer => answer,
    }
}

/// What to do about the bucket; nothing but a problem when it stands in another region than `home`.
pub(super) fn plan(wanted: Wanted, seen: Option<&Found>, home: &Region, strict: bool) -> Planned<Action> {
    let bucket = || wanted.bucket.clone();
    let Some(found) = seen else {
        let Wanted { bucket, days, policy } = wanted;
        return Planned::steps(vec![Action::CreateBucket { bucket, days, policy }]);
    };
    if let Some(region) = &found.elsewhere {
        return Planned::problem(format!(
            "the bucket {} is in {region}; expected one in {home}, or a name that is free",
            wanted.bucket
        ));
    }
    let mut steps = Vec::new();
    if !found.blocked {
        steps.push(Action::BlockPublicAccess { bucket: bucket() });
    }
    if !found.owner_enforced {
        steps.push(Action::EnforceOwner { bucket: bucket() });
    }
    if !found.versioned {
        steps.push(Action::KeepVersions { bucket: bucket() });
    }
    if !found.encrypted {
        steps.push(Action::EncryptBucket { bucket: bucket() });
    }
    let policy =
        if strict { wanted.policy.clone() } else { document::beside_others(wanted.policy.clone(), &found.policy) };
    if !document::same(&policy, &found.policy) {
        steps.push(Action::SetBucketPolicy { bucket: bucket(), policy });
    }
    let mut planned = Planned::steps(steps);
    if let Some(days) = wanted.days {
        let others = found.rules.iter().filter(|rule| !is_ours(rule));
        let early = others.clone().filter(|rule| !strict && deletes_before(rule, days));
        planned.kept.extend(early.map(|rule| (rule_name(rule), too_early(days))));
        if !found.rules.iter().any(|rule| is_ours(rule) && holds(rule, days)) || strict && others.clone().count() > 0 {
            let others = others.filter(|_| !strict).cloned();
            planned.steps.push(Action::SetLifecycle {
                bucket: bucket(),
                days,
                rules: others.chain([rule(days)]).collect(),
                smallest_transition: found.smallest_transition.clone(),
            });
        }
    }
    planned
}

/// Our rule. Versions that nobody sees any more go a month later,
/// uploads that nobody finished after a week.
fn rule(days: u32) -> Value {
    json!({ "ID": RULE, "Status": "Enabled", "Filter": { "Prefix": "" }, "Expiration": { "Days": days },
        "NoncurrentVersionExpiration": { "NoncurrentDays": 30 },
        "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 } })
}

fn is_ours(rule: &Value) -> bool {
    rule.get("ID") == Some(&RULE.into())
}

/// AWS writes a filter for everything in several ways, so that the rule is compared by what counts.
fn holds(rule: &Value, days: u32) -> bool {
    let number = |path: &str| rule.pointer(path).and_then(Value::as_u64);
    rule.get("Status") == Some(&"Enabled".into())
        && number("/Expiration/Days") == Some(days.into())
        && number("/NoncurrentVersionExpiration/NoncurrentDays") == Some(30)
        && covers_everything(rule)
}

fn covers_everything(rule: &Value) -> bool {
    let filter = rule.get("Filter").and_then(Value::as_object);
    let empty = |value: &Value| value.is_null() || value == "";
    filter.is_none_or(|filter| filter.values().all(empty)) && rule.get("Prefix").is_none_or(empty)
}

fn deletes_before(rule: &Value, days: u32) -> bool {
    let after = rule.pointer("/Expiration/Days").and_then(Value::as_u64);
    rule.get("Status") == Some(&"Enabled".into()) && after.is_some_and(|after| after < u64::from(days))
}

fn rule_name(rule: &Value) -> String {
    format!("the lifecycle rule {}", rule.get("ID").and_then(Value::as_str).unwrap_or("without a name"))
}

fn too_early(days: u32) -> String {
    format!("it is not ours, and deletes before the {days} days are over: change it, or say `enforce: strict`")
}

/// Takes one step.
pub(super) async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
    let Action::CreateBucket { bucket, days, policy } = action else { return set(scope, action).await };
    create(scope, bucket).await?;
    let bucket = || bucket.clone();
    let mut rest = vec![
        Action::BlockPublicAccess { bucket: bucket() },
        Action::EnforceOwner { bucket: bucket() },
        Action::KeepVersions { bucket: bucket() },
        Action::EncryptBucket { bucket: bucket() },
        Action::SetBucketPolicy { bucket: bucket(), policy: policy.clone() },
    ];
    rest.extend(days.map(|days| Action::SetLifecycle {
        bucket: bucket(),
        days,
        rules: vec![rule(days)],
        smallest_transition: None,
    }));
    for action in &rest {
        set(scope, action).await?;
    }
    Ok(Taken::Done)
}

/// Sets one thing on a bucket that is there.
async fn set(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
    let owner = scope.account();
    let on: Value = SETTINGS.iter().map(|setting| ((*setting).to_owned(), Value::Bool(true))).collect();
    let (operation, params) = match action {
        Action::CreateBucket { bucket, .. } => return create(scope, bucket).await,
        Action::BlockPublicAccess { bucket } => (
            "PutPublicAccessBlock",
            json!({ "Bucket": bucket, "ExpectedBucketOwner": owner, "PublicAccessBlockConfiguration": on }),
        ),
        Action::EnforceOwner { bucket } => (
            "PutBucketOwnershipControls",
            json!({ "Bucket": bucket, "ExpectedBucketOwner": owner,
                "OwnershipControls": { "Rules": [{ "ObjectOwnership": ENFORCED }] } }),
        ),
        Action::KeepVersions { bucket } => (
            "PutBucketVersioning",
            json!({ "Bucket": bucket, "ExpectedBucketOwner": owner, "VersioningConfiguration": { "Status": "Enabled" } }),
        ),
        Action::EncryptBucket { bucket } => (
            "PutBucketEncryption",
            json!({ "Bucket": bucket, "ExpectedBucketOwner": owner, "ServerSideEncryptionConfiguration":
                { "Rules": [{ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }] } }),
        ),
        Action::SetLifecycle { bucket, rules, smallest_transition, .. } => {
            let mut params = json!({ "Bucket": bucket, "ExpectedBucketOwner": owner,
                "LifecycleConfiguration": { "Rules": rules } });
            if let (Some(smallest), Value::Object(params)) = (smallest_transition, &mut params) {
                params.insert("TransitionDefaultMinimumObjectSize".to_owned(), smallest.clone().into());
            }
            ("PutBucketLifecycleConfiguration", params)
        }
        Action::SetBucketPolicy { bucket, policy } => {
            ("PutBucketPolicy", json!({ "Bucket": bucket, "ExpectedBucketOwner": owner, "Policy": policy.to_string() }))
        }
    };
    scope.call("s3", operation, params).await?;
    Ok(Taken::Done)
}

/// us-east-1 is named by naming nothing: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>
async fn create(scope: &Scope, bucket: &str) -> Result<Taken, StepError> {
    let mut params = json!({ "Bucket": bucket, "ObjectOwnership": ENFORCED });
    if let (true, Value::Object(params)) = (scope.region().as_ref() != "us-east-1", &mut params) {
        let place = json!({ "LocationConstraint": scope.region() });
        params.insert("CreateBucketConfiguration".to_owned(), place);
    }
    match scope.call("s3", "CreateBucket", params).await {
        Err(error) if error.has_code("BucketAlreadyOwnedByYou") => Ok(Taken::AlreadySo),
        Err(error) if error.class == ErrorClass::Exists => Err(StepError::lasting(
            error,
            format!("the bucket {bucket} belongs to somebody else: names are shared by all of AWS; choose another one"),
        )),
        outcome => Ok(outcome.map(|_| Taken::Done)?),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBucket { bucket, days, .. } => {
                write!(f, "create bucket {bucket}: closed, versioned, encrypted")?;
                days.map_or(Ok(()), |days| write!(f, ", emptied after {days} days"))
            }
            Self::BlockPublicAccess { bucket } => write!(f, "block public access to bucket {bucket}"),
            Self::EnforceOwner { bucket } => write!(f, "own every object in bucket {bucket}"),
            Self::KeepVersions { bucket } => write!(f, "keep versions in bucket {bucket}"),
            Self::EncryptBucket { bucket } => write!(f, "encrypt bucket {bucket}"),
            Self::SetLifecycle { bucket, days, .. } => write!(f, "delete from bucket {bucket} after {days} days"),
            Self::SetBucketPolicy { bucket, .. } => write!(f, "set the policy of bucket {bucket}"),
        }
    }
}
