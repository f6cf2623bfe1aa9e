//! S3 of a fake account: the settings of its buckets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::types::Region;

#[derive(Clone, Debug, PartialEq)]
pub(in crate::baseline) struct FakeBucket {
    pub region: Region,
    /// By setting (`PublicAccessBlockConfiguration`, `Policy`, …), as it was last put.
    pub settings: BTreeMap<String, Value>,
}

/// A setting: the operation that reads it, the one that writes it, its member, and the code where it was never set.
const SETTINGS: &[(&str, &str, &str, &str)] = &[
    (
        "GetPublicAccessBlock",
        "PutPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
    ),
    ("GetBucketOwnershipControls", "PutBucketOwnershipControls", "OwnershipControls", "OwnershipControlsNotFoundError"),
    ("GetBucketVersioning", "PutBucketVersioning", "VersioningConfiguration", ""),
    (
        "GetBucketEncryption",
        "PutBucketEncryption",
        "ServerSideEncryptionConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    ),
    (
        "GetBucketLifecycleConfiguration",
        "PutBucketLifecycleConfiguration",
        "LifecycleConfiguration",
        "NoSuchLifecycleConfiguration",
    ),
    ("GetBucketPolicy", "PutBucketPolicy", "Policy", "NoSuchBucketPolicy"),
];

pub(super) fn s3(
    account: &mut FakeAccount,
    taken: &BTreeSet<String>,
    region: &Region,
    operation: &str,
    params: &Value,
) -> Answer {
    match operation {
        "ListBuckets" => {
            let fits = |name: &&String| name.starts_with(params["Prefix"].as_str().unwrap_or_default());
            let bucket = |name: &String| json!({ "Name": name, "BucketRegion": account.buckets[name].region });
            return Ok(json!({ "Buckets": account.buckets.keys().filter(fits).map(bucket).collect::<Vec<_>>() }));
        }
        "CreateBucket" => return create(account, taken, region, params),
        _ => {}
    }
    let bucket = account.buckets.get_mut(text(params, "Bucket")).ok_or((ErrorClass::Gone, "NoSuchBucket"))?;
    if bucket.region != *region {
        return Err((ErrorClass::Invalid, "PermanentRedirect"));
    }
    let setting = SETTINGS.iter().find(|(get, put, ..)| *get == operation || *put == operation);
    let (get, _, member, missing) = setting.unwrap_or_else(|| panic!("the fake does not know s3:{operation}"));
    if operation != *get {
        bucket.settings.insert((*member).to_owned(), params[*member].clone());
        return Ok(json!({}));
    }
    match (bucket.settings.get(*member), *member) {
        // These two are answered without their outer member.
        (Some(value), "VersioningConfiguration" | "LifecycleConfiguration") => Ok(value.clone()),
        (Some(value), _) => Ok(json!({ *member: value })),
        (None, "VersioningConfiguration") => Ok(json!({})),
        (None, _) => Err((ErrorClass::Gone, missing)),
    }
}

fn create(account: &mut FakeAccount, taken: &BTreeSet<String>, region: &Region, params: &Value) -> Answer {
    let name = text(params, "Bucket").to_owned();
    let place = params.pointer("/CreateBucketConfiguration/LocationConstraint");
    let expected = (region.as_ref() != "us-east-1").then(|| Value::from(region.as_ref()));
    if place != expected.as_ref() {
        return Err((ErrorClass::Invalid, "IllegalLocationConstraintException"));
    }
    if taken.contains(&name) {
        return Err((ErrorClass::Exists, "BucketAlreadyExists"));
    }
    if account.buckets.contains_key(&name) {
        return Err((ErrorClass::Exists, "BucketAlreadyOwnedByYou"));
    }
    account.buckets.insert(name, FakeBucket { region: region.clone(), settings: BTreeMap::new() });
    Ok(json!({}))
}
