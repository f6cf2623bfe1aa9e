//! The shapes of EventBridge (`detail`) and of the Lambda action (`alarmData`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Alarm, Metric, queried};
use crate::alert::model::{account, instant, text};

/// The alarm, if this is one of the two shapes.
pub(super) fn read(json: &Value) -> Option<Alarm> {
    let kind = text(json, "/detail-type");
    let of_bus = text(json, "/source") == Some("aws.cloudwatch") && kind.is_some_and(|kind| kind.contains("Alarm"));
    let data = match json.get("alarmData") {
        Some(data) => data,
        None if of_bus => json.get("detail")?,
        None => return None,
    };
    let owned = |pointer: &str| text(data, pointer).map(str::to_owned);
    let arn = text(json, "/alarmArn").or_else(|| text(json, "/resources/0")).unwrap_or_default();
    let metrics = data.pointer("/configuration/metrics").and_then(Value::as_array);
    let metrics: Vec<&Value> = metrics.into_iter().flatten().collect();
    let reason_data = owned("/state/reasonData");
    let alarm = Alarm {
        name: owned("/alarmName")?,
        arn: arn.to_owned(),
        account: account(json, "/account").or_else(|| account(json, "/accountId")),
        region: text(json, "/region").and_then(|region| region.parse().ok()),
        state: owned("/state/value").unwrap_or_default(),
        previous: owned("/previousState/value").unwrap_or_else(|| "unknown".to_owned()),
        reason: owned("/state/reason").unwrap_or_default(),
        at: text(data, "/state/timestamp").or_else(|| text(json, "/time")).and_then(instant),
        since: text(data, "/previousState/timestamp").and_then(instant),
        description: owned("/configuration/description"),
        metrics: all_metrics(&metrics),
        period: longest_period(&metrics),
        periods: data.pointer("/configuration/evaluationPeriods").and_then(Value::as_i64).unwrap_or(1),
        children: children(reason_data.as_deref()),
        composite: data.pointer("/configuration/alarmRule").is_some(),
        contributor: owned("/alarmContributor/id"),
        attributes: super::pascal::attributes(data.pointer("/alarmContributor/attributes")),
        muted: mute(data),
        operation: owned("/operation"),
        reason_data,
    };
    Some(alarm.located())
}

fn all_metrics(entries: &[&Value]) -> BTreeSet<Metric> {
    let of_entry = |entry: &&Value| {
        let metric = entry.pointer("/metricStat/metric");
        let named = metric.and_then(|metric| {
            Some(Metric {
                namespace: text(metric, "/namespace")?.to_owned(),
                name: text(metric, "/name").or_else(|| text(metric, "/metricName"))?.to_owned(),
            })
        });
        named.or_else(|| queried(text(entry, "/expression")?))
    };
    entries.iter().filter_map(of_entry).collect()
}

fn longest_period(entries: &[&Value]) -> i64 {
    let of_entry = |entry: &&Value| entry.pointer("/metricStat/period").or_else(|| entry.get("period"))?.as_i64();
    entries.iter().filter_map(of_entry).max().unwrap_or(300)
}

fn children(reason_data: Option<&str>) -> Vec<String> {
    let data: Value = reason_data.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let triggering = data.get("triggeringAlarms").and_then(Value::as_array);
    triggering.into_iter().flatten().filter_map(|child| text(child, "/arn")).map(str::to_owned).collect()
}

fn mute(data: &Value) -> Option<String> {
    let by = text(data, "/muteDetail/mutedByArn")?;
    let until = text(data, "/muteDetail/muteWindowEnd").unwrap_or("an unknown time");
    Some(format!("{by} until {until}"))
}
