//! Cost anomalies of a fake account. Names may be taken twice.

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;

pub(super) fn ce(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    const INVALID: (ErrorClass, &str) = (ErrorClass::Invalid, "ValidationException");
    match operation {
        "GetAnomalyMonitors" => Ok(json!({ "AnomalyMonitors": account.monitors })),
        "CreateAnomalyMonitor" => {
            let mut monitor = params["AnomalyMonitor"].clone();
            let dimensional = |monitor: &Value| monitor["MonitorType"] == "DIMENSIONAL";
            if dimensional(&monitor) && account.monitors.iter().any(dimensional) {
                return Err(INVALID);
            }
            let arn = format!("arn:aws:ce::monitor/{}", account.monitors.len());
            monitor["MonitorArn"] = arn.clone().into();
            account.monitors.push(monitor);
            Ok(json!({ "MonitorArn": arn }))
        }
        "GetAnomalySubscriptions" => {
            let of = |one: &&Value| one["MonitorArnList"].as_array().unwrap().contains(&params["MonitorArn"]);
            Ok(json!({ "AnomalySubscriptions": account.subscriptions.iter().filter(of).collect::<Vec<_>>() }))
        }
        "CreateAnomalySubscription" => {
            let mut subscription = params["AnomalySubscription"].clone();
            let arn = format!("arn:aws:ce::subscription/{}", account.subscriptions.len());
            subscription["SubscriptionArn"] = arn.clone().into();
            let topic = subscription["Subscribers"].as_array().unwrap().iter().any(|who| who["Type"] == "SNS");
            if topic != (subscription["Frequency"] == "IMMEDIATE") {
                return Err(INVALID);
            }
            account.subscriptions.push(subscription);
            Ok(json!({ "SubscriptionArn": arn }))
        }
        "UpdateAnomalySubscription" => {
            let arn = text(params, "SubscriptionArn");
            let found = account.subscriptions.iter_mut().find(|one| one["SubscriptionArn"] == arn);
            let found = found.ok_or((ErrorClass::Gone, "UnknownSubscriptionException"))?;
            for (member, value) in params.as_object().unwrap() {
                found[member] = value.clone();
            }
            Ok(json!({}))
        }
        _ => panic!("the fake does not know ce:{operation}"),
    }
}
