//! The shape of SNS messages.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Alarm, Metric, queried};
use crate::alert::model::{account, instant, text};

/// The alarm, if this is the shape.
pub(super) fn read(json: &Value) -> Option<Alarm> {
    let owned = |pointer: &str| text(json, pointer).map(str::to_owned);
    let state = owned("/NewStateValue")?;
    let trigger = json.get("Trigger");
    let number = |name: &str| trigger.and_then(|trigger| trigger.get(name)).and_then(Value::as_i64);
    let alarm = Alarm {
        name: owned("/AlarmName")?,
        arn: owned("/AlarmArn").unwrap_or_default(),
        account: account(json, "/AWSAccountId"),
        region: None,
        state,
        previous: owned("/OldStateValue").unwrap_or_else(|| "unknown".to_owned()),
        reason: owned("/NewStateReason").unwrap_or_default(),
        reason_data: owned("/NewStateReasonData"),
        at: text(json, "/StateChangeTime").and_then(instant),
        since: None,
        description: owned("/AlarmDescription"),
        metrics: trigger.map(all_metrics).unwrap_or_default(),
        period: number("Period").unwrap_or(300),
        periods: number("EvaluationPeriods").unwrap_or(1),
        children: children(json),
        composite: json.get("AlarmRule").is_some(),
        contributor: owned("/AlarmContributorId"),
        attributes: attributes(json.get("AlarmContributorAttributes")),
        muted: None,
        operation: None,
    };
    Some(alarm.located())
}

/// The attributes of a contributor: what it was grouped by.
pub(super) fn attributes(value: Option<&Value>) -> BTreeMap<String, String> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The trigger's own metric, and those of its metric math.
fn all_metrics(trigger: &Value) -> BTreeSet<Metric> {
    let metric = |at: &Value| {
        let (namespace, name) = (text(at, "/Namespace")?, text(at, "/MetricName")?);
        Some(Metric { namespace: namespace.to_owned(), name: name.to_owned() })
    };
    let entries = trigger.get("Metrics").and_then(Value::as_array).into_iter().flatten();
    let of_entry = |entry: &Value| {
        let stat = entry.pointer("/MetricStat/Metric").and_then(metric);
        stat.or_else(|| queried(text(entry, "/Expression")?))
    };
    metric(trigger).into_iter().chain(entries.filter_map(of_entry)).collect()
}

fn children(json: &Value) -> Vec<String> {
    let triggering = json.get("TriggeringChildren").and_then(Value::as_array);
    triggering.into_iter().flatten().filter_map(|child| text(child, "/Arn")).map(str::to_owned).collect()
}
