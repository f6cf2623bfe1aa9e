//! Alarm state change -> rule -> queue -> `alarm-fanout` -> the CloudTrail events behind it -> the
//! alarm at once, then its causes.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::budget::{delivered_in_turn, title};
use super::{Clock, Effect};
use crate::local::Local;
use crate::{Outcome, environment};

const LOG_GROUP: &str = "aws-controltower/CloudTrailLogs";
const ALARM: &str = "CIS-4.3-RootAccountUsage";
const PATTERN: &str =
    r#"{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}"#;

/// How long ago the root user acted. People heard of the rule a moment before, because the organization itself was made by a
/// root user; an alarm that cannot be silenced does not wait for that.
const AGO: SignedDuration = SignedDuration::from_mins(3);

/// Lets the root user act in an account, raises the alarm, and waits for the message that says who did what.
pub async fn run(local: &Local) -> Outcome<Effect> {
    let clock = Clock::start(local).await?;
    let acted = Timestamp::now() - AGO;
    let affected = local.world.ids.get("dev").ok_or("there is no workload account")?.to_string();
    watch(local).await?;
    record(local, acted, &affected).await?;
    let before = local.webhook.received().len();
    let id = local.put_event(&alarm(local, acted)?).await?;
    local.handled("AlarmFanout", &id).await?;
    let messages = delivered_in_turn(local, before, ALARM).await?;
    let [at_once, message] = messages.as_slice() else {
        return Err(format!("{} messages arrived where 2 were due: {messages:?}", messages.len()).into());
    };
    if at_once.body.contains("CreateAccessKey") {
        return Err(format!("the first message waited for the causes: {}", at_once.body).into());
    }
    for (what, expected) in
        [("who", "Root"), ("what", "CreateAccessKey"), ("where", affected.as_str()), ("from", "203.0.113.64")]
    {
        if !message.body.contains(expected) {
            return Err(format!("the message does not say {what} ({expected}): {}", message.body).into());
        }
    }
    if message.body.contains("ListBuckets") {
        return Err("the message names an event that the alarm's filter does not match".into());
    }
    let changes = vec![
        format!("2 messages: the alarm at once, then {}", title(message)?),
        "the event behind it found by the alarm's own filter".into(),
    ];
    clock.stop(local, "CloudWatch Alarm State Change", "alarm-fanout, alert-delivery", changes).await
}

/// The metric filter and the alarm of the audit account, as the CIS benchmark asks for them.
async fn watch(local: &Local) -> Outcome<()> {
    let audit = local.world.scope("audit", "us-east-1").await?;
    audit.call("logs", "CreateLogGroup", json!({ "logGroupName": LOG_GROUP })).await?;
    let filter = json!({
        "logGroupName": LOG_GROUP, "filterName": "RootAccountUsage", "filterPattern": PATTERN,
        "metricTransformations": [{ "metricName": "RootAccountUsage", "metricNamespace": "LogMetrics", "metricValue": "1" }],
    });
    audit.call("logs", "PutMetricFilter", filter).await?;
    let alarm = json!({
        "AlarmName": ALARM, "AlarmDescription": "CIS 4.3 root usage. severity=critical", "MetricName": "RootAccountUsage",
        "Namespace": "LogMetrics", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
    });
    audit.call("cloudwatch", "PutMetricAlarm", alarm).await?;
    Ok(())
}

/// Two CloudTrail records in the audit account's log group: what the root user did, and what somebody else did.
async fn record(local: &Local, at: Timestamp, affected: &str) -> Outcome<()> {
    let audit = local.world.scope("audit", "us-east-1").await?;
    let stream = json!({ "logGroupName": LOG_GROUP, "logStreamName": "cloudtrail" });
    audit.call("logs", "CreateLogStream", stream).await?;
    let root = json!({ "type": "Root", "principalId": affected, "arn": format!("arn:aws:iam::{affected}:root"), "accountId": affected });
    let user = json!({ "type": "IAMUser", "userName": "ci", "arn": format!("arn:aws:iam::{affected}:user/ci"), "accountId": affected });
    let record = |id: &str, name: &str, source: &str, identity: Value| {
        json!({
            "eventVersion": "1.11", "userIdentity": identity, "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": source, "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.64",
            "userAgent": "aws-cli/2.28.1", "requestParameters": null, "responseElements": null, "eventID": id,
            "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": affected,
        })
    };
    let records = [
        record("f4a0d7b7-319e-5259-a128-e505b691e42c", "ListBuckets", "s3.amazonaws.com", user),
        record("bbc4c416-a7e7-556d-b1b7-48904c48a3f9", "CreateAccessKey", "iam.amazonaws.com", root),
    ];
    let millisecond = at.as_millisecond();
    let events: Vec<Value> =
        records.iter().map(|record| json!({ "timestamp": millisecond, "message": record.to_string() })).collect();
    let put = json!({ "logGroupName": LOG_GROUP, "logStreamName": "cloudtrail", "logEvents": events });
    audit.call("logs", "PutLogEvents", put).await?;
    Ok(())
}

/// The sample event, about this stack's audit account: the alarm changes two minutes after the act.
fn alarm(local: &Local, acted: Timestamp) -> Outcome<Value> {
    let sample = environment::root()?.join("events/alarm-fanout/eventbridge-alarm-state-change.json");
    let audit = local.world.ids.get("audit").ok_or("there is no audit account")?;
    let stamp = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
    let (start, changed) =
        (stamp(acted - SignedDuration::from_secs(60)), stamp(acted + SignedDuration::from_secs(120)));
    let text = std::fs::read_to_string(sample)?
        .replace("222233334444", audit.as_ref())
        .replace("2026-11-12T04:20:00.000+0000", &start)
        .replace("2026-11-12T04:26:51.118+0000", &changed)
        .replace("2026-11-12T04:26:51.123+0000", &changed);
    Ok(serde_json::from_str(&text)?)
}
