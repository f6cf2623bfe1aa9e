//! The bucket that AWS Config delivers to: one for the organization, in the account that administers its services, or
//! one in each account. Its own aspect, before the recorders, because every region of the account needs it.
//!
//! Members deliver as the service itself; which accounts' deliveries are taken is said by `aws:SourceOrgID`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceorgid>)
//! or `aws:SourceAccount` (<https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html>).

use async_trait::async_trait;
use serde_json::json;

use super::services::{Part, administrator};
use super::{document, log_bucket};
use crate::aws::{CallError, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config::{Service, Services, Subject};
use crate::types::{AccountId, Arn, OuPath, Region};

/// What AWS Config calls itself.
pub(super) const CONFIG: &str = "config.amazonaws.com";

/// The bucket.
pub struct ConfigBucket;

/// AWS Config in the file.
pub(super) fn pick(services: &Services) -> Option<Service> {
    services.config
}

/// The account whose bucket this account's recorders deliver to.
pub(super) fn owner(target: &Target) -> AccountId {
    let services = target.wanted.services.as_ref();
    let shared = services.and_then(pick) == Some(Service::Auto);
    administrator(target).filter(|_| shared).unwrap_or_else(|| target.account.id.clone())
}

/// The bucket's name; an error when the declaration cannot be filled in.
pub(super) fn bucket(target: &Target) -> Result<String, String> {
    let owner = owner(target);
    let services = target.wanted.services.as_ref();
    let template = services.and_then(|services| services.config_bucket.as_deref()).unwrap_or("forester-config-{id}");
    if owner == target.account.id {
        return target.account.subject().fill(template);
    }
    // Of another account the forest holds no tags; the file may.
    let member = target.forest.members.iter().find(|member| member.id == owner);
    let (name, root) = (member.map_or_else(|| owner.to_string(), |member| member.name.clone()), OuPath::default());
    let tags = target.config.accounts.get(&name).map(|entry| entry.tags.clone()).unwrap_or_default();
    let ou = member.map_or(&root, |member| &member.ou);
    Subject { id: &owner, name: &name, ou, tags: &tags }.fill(template)
}

fn wanted(target: &Target) -> Result<log_bucket::Wanted, String> {
    let bucket = bucket(target)?;
    let arn = Arn::bucket(target.partition(), &bucket).to_string();
    let whole = target.forest.organization.as_ref().filter(|_| Part::of(target, pick).runs);
    let from = match whole {
        Some(organization) => json!({ "aws:SourceOrgID": organization.id }),
        None => json!({ "aws:SourceAccount": target.account.id }),
    };
    let mut delivers = from.clone();
    if let Some(delivers) = delivers.as_object_mut() {
        delivers.insert("s3:x-amz-acl".to_owned(), "bucket-owner-full-control".into());
    }
    let accounts = if whole.is_some() { "*" } else { target.account.id.as_ref() };
    let sid = |name: &str| format!("{}{name}", document::SID);
    let service = json!({ "Service": CONFIG });
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        log_bucket::tls_only(&arn),
        { "Sid": sid("ConfigAsks"), "Effect": "Allow", "Principal": service,
            "Action": ["s3:GetBucketAcl", "s3:ListBucket"], "Resource": arn, "Condition": { "StringEquals": from } },
        { "Sid": sid("ConfigWrites"), "Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
            "Resource": format!("{arn}/AWSLogs/{accounts}/Config/*"), "Condition": { "StringEquals": delivers } },
    ] });
    let days = target.wanted.services.as_ref().and_then(|services| services.config_days);
    Ok(log_bucket::Wanted { bucket, days, policy })
}

#[async_trait]
impl Aspect for ConfigBucket {
    const NAME: &'static str = "config-bucket";
    type Facts = Option<log_bucket::Found>;
    type Action = log_bucket::Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        let keeps = Part::of(target, pick).own && owner(target) == target.account.id;
        keeps.then(|| Place::Region(target.home().clone())).into_iter().collect()
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Self::Facts, CallError> {
        match bucket(target) {
            Ok(bucket) => log_bucket::read(look, &bucket).await,
            Err(_) => Ok(None),
        }
    }

    fn plan(target: &Target, found: &Self::Facts) -> Planned<log_bucket::Action> {
        match wanted(target) {
            Ok(wanted) => log_bucket::plan(wanted, found.as_ref(), target.home(), target.strict()),
            Err(problem) => Planned::problem(problem),
        }
    }

    async fn take(scope: &Scope, action: &log_bucket::Action) -> Result<Taken, StepError> {
        log_bucket::take(scope, action).await
    }
}
