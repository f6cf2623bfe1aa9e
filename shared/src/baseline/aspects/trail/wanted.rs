//! What a declared trail comes to: names, ARNs and documents.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::{document, log_bucket};
use crate::baseline::Target;
use crate::types::{AccountId, Arn, Region};

/// A trail with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub bucket: log_bucket::Wanted,
    pub group: String,
    pub group_arn: String,
    pub days: u32,
    pub role: String,
    pub role_arn: String,
    pub trust: Value,
    pub role_policy: Value,
    pub settings: Settings,
}

/// What is set on a trail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Its ARN: what calls about a trail of the organization name it by.
    pub arn: String,
    /// The bucket for log files.
    pub bucket: String,
    /// The key that log files are encrypted with.
    pub kms: Option<String>,
    /// Whether it records every account of the organization.
    pub organization: bool,
}

/// The log group that the trail of an account delivers to.
pub(in crate::baseline::aspects) fn log_group(target: &Target) -> String {
    target.labelled("forester-trail")
}

/// The account that keeps the organization's trail, by what the layers say.
pub(in crate::baseline::aspects) fn administrator(target: &Target) -> Option<&str> {
    let keeps = |layer: &&crate::config::Layer| {
        layer.trail.as_ref().is_some_and(|trail| trail.organization == Some(true) && trail.remove != Some(true))
    };
    target.config.layers.iter().filter(keeps).find_map(|layer| layer.matches.account.as_deref())
}

impl Wanted {
    /// The trail of this account; an error when the declaration cannot be filled in.
    pub(super) fn of(target: &Target) -> Result<Self, String> {
        let declared = target.wanted.trail.as_ref().ok_or("no layer of this account declares a trail")?;
        let template = declared.bucket.as_ref();
        let bucket = template.ok_or("no layer of this account says which bucket the log files go to (`bucket`)")?;
        let bucket = target.account.subject().fill(bucket)?;
        let (partition, account, home) = (target.partition(), &target.account.id, target.home());
        let organization = declared.organization == Some(true);
        let whole = target.forest.organization.as_ref().filter(|_| organization);
        // Whoever makes it, a trail of the organization belongs to the management account.
        let owner = whole.map_or(account, |whole| &whole.management);
        let name = target.labelled(declared.name.as_deref().unwrap_or("forester"));
        let of = |service: &str, resource: String| Arn::of(partition, service, home.as_ref(), account, &resource);
        let arn = Arn::of(partition, "cloudtrail", home.as_ref(), owner, &format!("trail/{name}")).to_string();
        let (group, role) = (log_group(target), target.labelled("ForesterTrailLogs"));
        let writers = writers(&[account, owner], whole.map(|whole| whole.id.as_str()), home);
        let streams = writers.iter().map(|stream| of("logs", format!("log-group:{group}:log-stream:{stream}")));
        let streams: Vec<String> = streams.map(|stream| stream.to_string()).collect();
        let owners = [Some(owner.to_string()), whole.map(|whole| whole.id.clone())];
        Ok(Self {
            bucket: log_bucket::Wanted {
                policy: bucket_policy(target, &bucket, &arn, &owners),
                days: declared.retention_days,
                bucket: bucket.clone(),
            },
            group_arn: of("logs", format!("log-group:{group}:*")).to_string(),
            group,
            days: declared.log_days.unwrap_or(365),
            role_arn: Arn::iam(partition, account, &format!("role/{role}")).to_string(),
            role,
            trust: trust(),
            role_policy: json!({ "Version": "2012-10-17", "Statement": [{ "Sid": document::SID, "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": streams }] }),
            settings: Settings { name, arn, bucket, kms: declared.kms.clone(), organization },
        })
    }

    /// Whether AWS describes this trail. A trail of the organization shows in every member under its name.
    pub(super) fn is(&self, described: &Value, home: &Region) -> bool {
        let whole = described.get("IsOrganizationTrail") == Some(&true.into());
        described.get("Name") == Some(&self.settings.name.as_str().into())
            && described.get("HomeRegion") == Some(&home.as_ref().into())
            && (self.settings.organization || !whole)
    }
}

impl Settings {
    /// The parameters that create or set the trail; `name` is its name or its ARN.
    pub(super) fn described(&self, name: &str) -> Value {
        let mut params = json!({ "Name": name, "S3BucketName": self.bucket, "IsMultiRegionTrail": true,
            "IncludeGlobalServiceEvents": true, "EnableLogFileValidation": true,
            "IsOrganizationTrail": self.organization });
        if let (Some(key), Value::Object(params)) = (&self.kms, &mut params) {
            params.insert("KmsKeyId".to_owned(), key.clone().into());
        }
        params
    }

    /// Whether they hold for the trail that AWS describes.
    pub(super) fn hold(&self, described: &Value) -> bool {
        let on = |member: &str| described.get(member) == Some(&true.into());
        let text = |member: &str| described.get(member).and_then(Value::as_str);
        text("S3BucketName") == Some(&self.bucket)
            && on("IsMultiRegionTrail")
            && on("IncludeGlobalServiceEvents")
            && on("LogFileValidationEnabled")
            && on("IsOrganizationTrail") == self.organization
            && (self.kms.is_none() || text("KmsKeyId") == self.kms.as_deref())
    }
}

/// What CloudTrail calls the streams that it writes: of the accounts concerned, and of the whole organization
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html>).
fn writers(accounts: &[&AccountId], organization: Option<&str>, home: &Region) -> BTreeSet<String> {
    let of_accounts = accounts.iter().map(|account| format!("{account}_CloudTrail_{home}*"));
    of_accounts.chain(organization.map(|id| format!("{id}_*"))).collect()
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html>
fn bucket_policy(target: &Target, bucket: &str, trail: &str, owners: &[Option<String>]) -> Value {
    let bucket = Arn::bucket(target.partition(), bucket).to_string();
    let files = owners.iter().flatten().map(|owner| format!("{bucket}/AWSLogs/{owner}/*"));
    let cloudtrail = json!({ "Service": super::delegation::CLOUDTRAIL });
    let sid = |name: &str| format!("{}{name}", document::SID);
    json!({ "Version": "2012-10-17", "Statement": [
        log_bucket::tls_only(&bucket),
        { "Sid": sid("TrailAsks"), "Effect": "Allow", "Principal": cloudtrail, "Action": "s3:GetBucketAcl",
            "Resource": bucket, "Condition": { "StringEquals": { "aws:SourceArn": trail } } },
        { "Sid": sid("TrailWrites"), "Effect": "Allow", "Principal": cloudtrail, "Action": "s3:PutObject",
            "Resource": files.collect::<Vec<_>>(), "Condition": { "StringEquals":
                { "aws:SourceArn": trail, "s3:x-amz-acl": "bucket-owner-full-control" } } },
    ] })
}

fn trust() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Sid": document::SID, "Effect": "Allow",
        "Principal": { "Service": super::delegation::CLOUDTRAIL }, "Action": "sts:AssumeRole" }] })
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, bucket, kms, organization, .. } = self;
        let whole = if *organization { " of the organization" } else { "" };
        write!(f, "trail {name}{whole}: all regions, validated, to bucket {bucket}")?;
        kms.as_ref().map_or(Ok(()), |key| write!(f, ", encrypted with {key}"))
    }
}
