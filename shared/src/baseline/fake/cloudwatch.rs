//! CloudWatch and SNS of a fake account: alarms, and topics with their subscriptions.

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::types::{AccountId, Region};

pub(super) fn cloudwatch(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    match operation {
        "DescribeAlarms" => {
            let names = params["AlarmNames"].as_array().unwrap();
            let alarms = account.alarms.iter().filter(|(name, _)| names.contains(&name.as_str().into()));
            Ok(json!({ "MetricAlarms": alarms.map(|(_, alarm)| alarm).collect::<Vec<_>>() }))
        }
        // Replaces the whole alarm.
        "PutMetricAlarm" => {
            account.alarms.insert(text(params, "AlarmName").to_owned(), params.clone());
            Ok(json!({}))
        }
        _ => panic!("the fake does not know cloudwatch:{operation}"),
    }
}

pub(super) fn sns(
    account: &mut FakeAccount,
    (id, region): (&AccountId, &Region),
    operation: &str,
    params: &Value,
) -> Answer {
    if operation == "CreateTopic" {
        let arn = format!("arn:aws:sns:{region}:{id}:{}", text(params, "Name"));
        account.topics.entry(arn.clone()).or_default();
        return Ok(json!({ "TopicArn": arn }));
    }
    let endpoints = account.topics.get_mut(text(params, "TopicArn")).ok_or((ErrorClass::Gone, "NotFound"))?;
    match operation {
        "ListSubscriptionsByTopic" => {
            let waiting = |email: &String| json!({ "Endpoint": email, "SubscriptionArn": "PendingConfirmation" });
            Ok(json!({ "Subscriptions": endpoints.iter().map(waiting).collect::<Vec<_>>() }))
        }
        "Subscribe" => {
            endpoints.insert(text(params, "Endpoint").to_owned());
            Ok(json!({}))
        }
        _ => panic!("the fake does not know sns:{operation}"),
    }
}
