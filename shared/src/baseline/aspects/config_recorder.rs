//! AWS Config: a recorder, a channel to the bucket, and the recorder started, in this order, because each call needs the
//! one before (<https://docs.aws.amazon.com/config/latest/developerguide/gs-cli-subscribe.html>).
//!
//! A region has one recorder and one channel, so those that are there are used under their names. Global resources are
//! recorded in one region only, or each of them would be paid for in every region
//! (<https://docs.aws.amazon.com/config/latest/developerguide/select-resources.html>). What Control Tower made is left
//! to Control Tower.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::access_analyzer::is_taken;
use super::config_bucket::{CONFIG, bucket, owner, pick};
use super::document;
use super::services::Part;
use crate::aws::{CallError, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::types::{Arn, Region};

const ROLE: &str = "AWSServiceRoleForConfig";
/// What the recorder and the channel are called, where there are none yet.
pub(super) const NAME: &str = "forester";

/// The recorder.
pub struct ConfigRecorder;

/// What there is in a region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    region: Option<Region>,
    /// As AWS describes it.
    recorder: Option<Value>,
    recording: bool,
    /// As AWS describes it.
    channel: Option<Value>,
    /// Whether the service has its role; looked at only where there is no recorder.
    role: bool,
    /// Whether the bucket, of another account, lets the service write; looked at only where there is no channel.
    open: bool,
}

/// What can be done about AWS Config.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Gives the service its role.
    CreateServiceRole,
    /// Makes or sets the recorder.
    PutRecorder {
        /// Its name.
        recorder: String,
        /// The role's ARN.
        role: String,
        /// Whether it records global resources.
        global: bool,
        /// How often it records, where somebody has said so, sent back.
        mode: Option<Value>,
    },
    /// Makes or sets the channel.
    PutChannel {
        /// The channel as AWS wants it.
        channel: Value,
    },
    /// Starts the recorder.
    StartRecorder {
        /// Its name.
        recorder: String,
    },
}

#[async_trait]
impl Aspect for ConfigRecorder {
    const NAME: &'static str = "config-recorder";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        Part { appoints: None, ..Part::of(target, pick) }.regions(target, enabled)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        let recorders = look.pages("config", "DescribeConfigurationRecorders", json!({})).await?;
        // Recorders of services, such as Security Hub's, are beside the one of the region.
        let recorder = recorders.into_iter().find(|found| found.get("servicePrincipal").is_none_or(Value::is_null));
        let status = look.pages("config", "DescribeConfigurationRecorderStatus", json!({})).await?;
        let named = |found: &&Value| recorder.as_ref().is_some_and(|one| one.get("name") == found.get("name"));
        let recording = status.iter().find(named).is_some_and(|found| found.get("recording") == Some(&true.into()));
        let channels = look.pages("config", "DescribeDeliveryChannels", json!({})).await?;
        let mut facts = Facts {
            region: Some(look.region().clone()),
            recording,
            channel: channels.into_iter().next(),
            ..Facts::default()
        };
        if recorder.is_none() {
            facts.role = match look.call("iam", "GetRole", json!({ "RoleName": ROLE })).await {
                Err(error) if error.is_gone() => false,
                answer => answer.map(|_| true)?,
            };
        }
        if facts.channel.is_none() {
            facts.open = is_open(look, target).await?;
        }
        Ok(Facts { recorder, ..facts })
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let bucket = match bucket(target) {
            Ok(bucket) => bucket,
            Err(problem) => return Planned::problem(problem),
        };
        let name = |found: &Value| found.get("name").and_then(Value::as_str).unwrap_or(NAME).to_owned();
        let recorder = facts.recorder.as_ref().map_or_else(|| NAME.to_owned(), name);
        if recorder.starts_with("aws-controltower-") {
            let kept = vec![(format!("recorder {recorder}"), "it is Control Tower's".to_owned())];
            return Planned { kept, ..Planned::nothing() };
        }
        let mut planned = plan_recorder(target, facts, &recorder);
        let told = |channel: &Value| channel.get("s3BucketName").and_then(Value::as_str).map(str::to_owned);
        match &facts.channel {
            Some(channel) if told(channel).as_ref() == Some(&bucket) => {}
            Some(channel) if !target.strict() => {
                let elsewhere = told(channel).unwrap_or_default();
                let reason = format!("it delivers to {elsewhere}, not to {bucket}; `enforce: strict` would change it");
                planned.kept.push((format!("channel {}", name(channel)), reason));
            }
            None if !facts.open => {
                planned.awaits.push(("delivery of AWS Config".to_owned(), owner(target)));
                return planned;
            }
            found => planned.steps.push(Action::PutChannel { channel: channel(found.as_ref(), &bucket) }),
        }
        if !facts.recording {
            planned.steps.push(Action::StartRecorder { recorder });
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let outcome = match action {
            Action::CreateServiceRole => {
                let outcome = scope.call("iam", "CreateServiceLinkedRole", json!({ "AWSServiceName": CONFIG })).await;
                match outcome {
                    Err(error) if is_taken(&error) => return Ok(Taken::AlreadySo),
                    outcome => outcome,
                }
            }
            Action::PutRecorder { recorder, role, global, mode } => {
                let group = json!({ "allSupported": true, "includeGlobalResourceTypes": global });
                let mut described = json!({ "name": recorder, "roleARN": role, "recordingGroup": group });
                if let (Some(mode), Value::Object(described)) = (mode, &mut described) {
                    described.insert("recordingMode".to_owned(), mode.clone());
                }
                scope.call("config", "PutConfigurationRecorder", json!({ "ConfigurationRecorder": described })).await
            }
            Action::PutChannel { channel } => {
                scope.call("config", "PutDeliveryChannel", json!({ "DeliveryChannel": channel })).await
            }
            Action::StartRecorder { recorder } => {
                let params = json!({ "ConfigurationRecorderName": recorder });
                scope.call("config", "StartConfigurationRecorder", params).await
            }
        };
        outcome.map(|_| Taken::Done).map_err(refused)
    }
}

fn plan_recorder(target: &Target, facts: &Facts, recorder: &str) -> Planned<Action> {
    let role = Arn::iam(target.partition(), &target.account.id, &format!("role/aws-service-role/{CONFIG}/{ROLE}"));
    let global = facts.region.as_ref() == global_region(target);
    // The call replaces the recorder: its role, which may be the only one there is, and how often it records, which
    // is a matter of money, stay.
    let seen =
        |member: &str| facts.recorder.as_ref().and_then(|found| found.get(member)).filter(|seen| !seen.is_null());
    let put = || Action::PutRecorder {
        recorder: recorder.to_owned(),
        role: seen("roleARN").and_then(Value::as_str).map_or_else(|| role.to_string(), str::to_owned),
        global,
        mode: seen("recordingMode").cloned(),
    };
    let mut planned = Planned::nothing();
    match &facts.recorder {
        None => {
            let role = (!facts.role).then_some(Action::CreateServiceRole);
            planned.steps.extend(role.into_iter().chain([put()]));
        }
        Some(found) if records_all(found, global) => {}
        // Ours has drifted; what somebody else records is theirs to say, unless the layer is strict.
        Some(_) if recorder == NAME || target.strict() => planned.steps.push(put()),
        Some(_) => {
            let reason =
                "it is not ours, and does not record what this region should; `enforce: strict` would change it";
            planned.kept.push((format!("recorder {recorder}"), reason.to_owned()));
        }
    }
    planned
}

/// The region that records global resources: the home region, or the first governed one.
fn global_region(target: &Target) -> Option<&Region> {
    let governed = &target.config.regions.govern;
    governed.iter().find(|region| *region == target.home()).or(governed.first())
}

fn records_all(recorder: &Value, global: bool) -> bool {
    let on = |member: &str| recorder.pointer(&format!("/recordingGroup/{member}")) == Some(&true.into());
    on("allSupported") && on("includeGlobalResourceTypes") == global
}

/// The channel with our bucket, and what was set on it before.
fn channel(found: Option<&Value>, bucket: &str) -> Value {
    let mut channel = found.cloned().unwrap_or_else(|| json!({ "name": NAME }));
    if let Some(channel) = channel.as_object_mut() {
        channel.insert("s3BucketName".to_owned(), bucket.into());
    }
    channel
}

/// Whether the bucket of another account lets the service write; the account's own is made by the step before.
async fn is_open(look: &Look<'_>, target: &Target) -> Result<bool, CallError> {
    let (owner, Ok(bucket)) = (owner(target), bucket(target)) else { return Ok(true) };
    if owner == target.account.id {
        return Ok(true);
    }
    let there = look.elsewhere(&owner, target.home()).await?;
    match there.call("s3", "GetBucketPolicy", json!({ "Bucket": bucket, "ExpectedBucketOwner": owner })).await {
        Err(error) if error.is_gone() => Ok(false),
        answer => {
            let policy = answer?.get("Policy").map(document::decoded).unwrap_or_default();
            let lets = |statement: &Value| statement.pointer("/Principal/Service") == Some(&CONFIG.into());
            Ok(document::statements(&policy).iter().any(lets))
        }
    }
}

/// <https://docs.aws.amazon.com/config/latest/APIReference/API_PutDeliveryChannel.html>
fn refused(error: CallError) -> StepError {
    let soon = |error, hint: &str| StepError { cause: error, hint: hint.to_owned(), may_pass: true };
    match error.code.as_deref().unwrap_or_default() {
        "InsufficientDeliveryPolicyException" | "NoSuchBucketException" => soon(
            error,
            "a bucket or a policy just made takes seconds to be known, and the next run tries again; if it stays, look \
             for what in the bucket's policy denies config.amazonaws.com",
        ),
        "MaxNumberOfConfigurationRecordersExceededException"
        | "MaxNumberOfDeliveryChannelsExceededException"
        | "NoAvailableDeliveryChannelException"
        | "NoAvailableConfigurationRecorderException" => {
            soon(error, "somebody else is at work on AWS Config here; the next run looks again")
        }
        "InvalidRoleException" => soon(error, "a role just made takes seconds to be known; the next run tries again"),
        _ => error.into(),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateServiceRole => write!(f, "create the role of {CONFIG}"),
            Self::PutRecorder { recorder, global, .. } => {
                let beyond = if *global { ", global ones too" } else { "" };
                write!(f, "record all resources{beyond} with {recorder}")
            }
            Self::PutChannel { channel } => {
                let bucket = channel.get("s3BucketName").and_then(Value::as_str).unwrap_or_default();
                write!(f, "deliver what AWS Config records to {bucket}")
            }
            Self::StartRecorder { recorder } => write!(f, "start recorder {recorder}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::fake::FakeMember;
    use crate::baseline::world::{World, audit, id};

    fn own(enforce: &str) -> World {
        let text = format!(
            "version: 1\nmode: virtual-root\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1, us-east-1]}}\n\
             access: {{role: A}}\naccounts: {{dev: {{id: \"444455556666\"}}}}\nlayers:\n\
             - {{match: {{all: true}}, enforce: {enforce}, services: {{config: auto}}}}\n"
        );
        World::of(&text, "444455556666")
    }

    #[tokio::test]
    async fn every_region_records_to_the_accounts_bucket_and_one_of_them_what_is_global() {
        let world = own("additive");
        assert_eq!(world.apply().await.complaints(), Vec::<String>::new());
        let account = world.cloud.account(&id());
        assert_eq!(account.recording.len(), 2);
        let global = |region: &str| {
            account.recorders[&region.parse().unwrap()]["recordingGroup"]["includeGlobalResourceTypes"].clone()
        };
        assert_eq!((global("eu-west-1"), global("us-east-1")), (true.into(), false.into()));
        assert!(account.channels.values().all(|channel| channel["s3BucketName"] == "forester-config-444455556666"));
        world.cloud.writes();
        assert!(world.apply().await.is_clean());
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    fn with_theirs(world: &World, name: &str) {
        world.cloud.change(&id(), |account| {
            let region: Region = "eu-west-1".parse().unwrap();
            account.recorders.insert(
                region.clone(),
                json!({ "name": name, "roleARN": "arn:aws:iam::444455556666:role/theirs",
                    "recordingMode": { "recordingFrequency": "DAILY" }, "recordingGroup": { "allSupported": false } }),
            );
            account
                .channels
                .insert(region.clone(), json!({ "name": name, "s3BucketName": "theirs", "snsTopicARN": "t" }));
            account.recording.insert(region);
        });
    }

    #[tokio::test]
    async fn recorder_of_somebody_else_is_kept_and_told_unless_strict() {
        let world = own("additive");
        with_theirs(&world, "default");
        let report = world.apply().await;
        assert_eq!(report.skipped.len(), 2, "{report}");
        assert_eq!(world.cloud.account(&id()).channels[&"eu-west-1".parse().unwrap()]["s3BucketName"], "theirs");

        let world = own("strict");
        with_theirs(&world, "default");
        assert!(world.apply().await.is_clean());
        let account = world.cloud.account(&id());
        let channel = &account.channels[&"eu-west-1".parse().unwrap()];
        assert_eq!((&channel["name"], &channel["snsTopicARN"]), (&"default".into(), &"t".into()));
        assert_eq!(channel["s3BucketName"], "forester-config-444455556666");
        let recorder = &account.recorders[&"eu-west-1".parse().unwrap()];
        assert_eq!(recorder["recordingGroup"]["allSupported"], true);
        assert_eq!(recorder["roleARN"], "arn:aws:iam::444455556666:role/theirs");
        assert_eq!(recorder["recordingMode"]["recordingFrequency"], "DAILY");
    }

    #[tokio::test]
    async fn what_control_tower_made_is_left_alone() {
        let world = own("strict");
        with_theirs(&world, "aws-controltower-BaselineConfigRecorder");
        let report = world.apply().await;
        assert!(report.skipped.iter().any(|left| left.reason == "it is Control Tower's"), "{report}");
        assert_eq!(world.cloud.account(&id()).channels[&"eu-west-1".parse().unwrap()]["s3BucketName"], "theirs");
    }

    #[tokio::test]
    async fn members_deliver_to_the_administrators_bucket_once_it_is_open() {
        let world = World::served("config: auto", &[(id(), FakeMember::new("dev", "Workloads"))]);
        let first = world.apply_to(&id()).await;
        assert_eq!(first.waiting[0].on, Some(audit()), "{first}");
        assert!(world.cloud.account(&id()).recording.is_empty());
        for account in [audit(), id()] {
            assert_eq!(world.apply_to(&account).await.complaints(), Vec::<String>::new());
        }
        let account = world.cloud.account(&id());
        assert!(account.buckets.is_empty() && account.recording.len() == 1);
        assert!(account.channels.values().all(|channel| channel["s3BucketName"] == "forester-config-222233334444"));
        let buckets = world.cloud.account(&audit()).buckets;
        let policy = buckets["forester-config-222233334444"].settings["Policy"].as_str().unwrap().to_owned();
        assert!(policy.contains("\"aws:SourceOrgID\":\"o-exampleorgid\""), "{policy}");
        world.cloud.writes();
        for account in [audit(), id()] {
            assert!(world.apply_to(&account).await.is_clean());
        }
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }
}
