//! What is wrong with an alarm on a metric that a filter feeds.

use serde_json::Value;

use super::{Wrong, transformation};
use crate::alert::cis;
use crate::alert::model::text;

/// A day; an alarm over so long a period says nothing of what comes after its first event.
const LONG: i64 = 6 * 60 * 60;
/// Controls of which one event is no matter yet.
const COUNTED: [&str; 2] = ["cis-4.1", "cis-4.6"];

/// Everything wrong with an alarm, given the filters that feed its metric; `ours`: other filters feed its namespace.
pub(super) fn findings(alarm: &Value, fed: &[&Value], ours: bool) -> Vec<Wrong> {
    let mut found: Vec<Wrong> = nobody_is_told(alarm).into_iter().collect();
    match fed {
        [] => found.extend(ours.then(|| no_data(alarm)).flatten()),
        fed => {
            found.extend(fed.iter().find_map(|filter| can_never_fire(alarm, filter)));
            found.extend(fed.iter().find_map(|filter| is_watered_down(alarm, filter)));
            let of_metric =
                [fires_on_nothing, needs_several_periods, needs_several_events, sees_the_first_only, sticks];
            found.extend(of_metric.iter().filter_map(|check| check(alarm)));
        }
    }
    found
}

/// The topics that an alarm notifies.
pub(super) fn topics(alarm: &Value) -> Vec<&str> {
    let actions = alarm.get("AlarmActions").and_then(Value::as_array).into_iter().flatten();
    actions.filter_map(Value::as_str).filter(|arn| arn.split(':').nth(2) == Some("sns")).collect()
}

/// Whether an alarm goes by metric math, whose metrics are not looked into.
pub(super) fn has_math(alarm: &Value) -> bool {
    alarm.get("Metrics").and_then(Value::as_array).is_some_and(|metrics| !metrics.is_empty())
}

fn number(alarm: &Value, name: &str) -> Option<i64> {
    alarm.get(name)?.as_i64()
}

fn no_data(alarm: &Value) -> Option<Wrong> {
    let (namespace, name) = text(alarm, "/Namespace").zip(text(alarm, "/MetricName"))?;
    let problem = format!("it can never fire: no metric filter feeds {namespace}/{name}");
    Some((problem, "name the metric of a filter, or add the filter"))
}

/// What a filter emits for each match, where that is always the same.
fn each(filter: &Value) -> Option<f64> {
    text(transformation(filter)?, "/metricValue")?.parse().ok()
}

fn statistic(alarm: &Value) -> Option<&str> {
    text(alarm, "/Statistic").filter(|statistic| matches!(*statistic, "Average" | "Minimum" | "Maximum"))
}

/// Whether a metric's value gets an alarm to fire.
fn reaches(alarm: &Value, value: f64) -> Option<bool> {
    let threshold = alarm.get("Threshold")?.as_f64()?;
    match text(alarm, "/ComparisonOperator")? {
        "GreaterThanOrEqualToThreshold" => Some(value >= threshold),
        "GreaterThanThreshold" => Some(value > threshold),
        _ => None,
    }
}

/// A filter that emits the same number for every match makes any statistic but the sum that number at most.
fn can_never_fire(alarm: &Value, filter: &Value) -> Option<Wrong> {
    let value = each(filter)?;
    let (statistic, threshold) = (statistic(alarm)?, alarm.get("Threshold")?.as_f64()?);
    (!reaches(alarm, value)?).then(|| {
        let problem = format!(
            "it can never fire: the {statistic} of a metric that is {value} for each match never gets to {threshold}"
        );
        (problem, "use the statistic Sum")
    })
}

/// Zeros between the matches pull the average, and the minimum, below what one match would reach.
fn is_watered_down(alarm: &Value, filter: &Value) -> Option<Wrong> {
    let usual = transformation(filter)?.get("defaultValue")?.as_f64()?;
    let statistic = statistic(alarm).filter(|statistic| *statistic != "Maximum")?;
    (reaches(alarm, each(filter)?)? && !reaches(alarm, usual)?).then(|| {
        let problem =
            format!("it hardly ever fires: {usual} for every minute without a match pulls the {statistic} down");
        (problem, "use the statistic Sum")
    })
}

fn fires_on_nothing(alarm: &Value) -> Option<Wrong> {
    if text(alarm, "/ComparisonOperator")?.starts_with("LessThan") {
        return Some((
            "it fires when nothing happens: it compares downwards".to_owned(),
            "use GreaterThanOrEqualToThreshold",
        ));
    }
    let breaching = text(alarm, "/TreatMissingData") == Some("breaching");
    let wrong = || ("it fires when nothing happens: missing data counts as breaching".to_owned(), "use notBreaching");
    breaching.then(wrong)
}

/// One event is one data point.
fn needs_several_periods(alarm: &Value) -> Option<Wrong> {
    let periods = number(alarm, "EvaluationPeriods")?;
    let points = number(alarm, "DatapointsToAlarm").unwrap_or(periods);
    (points > 1).then(|| {
        let problem = format!("one event does not fire it: it wants {points} periods of {periods} with events");
        (problem, "let one data point be enough")
    })
}

fn needs_several_events(alarm: &Value) -> Option<Wrong> {
    let rule = cis::rule(text(alarm, "/AlarmName")?).filter(|rule| !COUNTED.contains(&rule.as_str()))?;
    let threshold = alarm.get("Threshold")?.as_f64()?;
    (text(alarm, "/Statistic") == Some("Sum") && reaches(alarm, 1.0) == Some(false)).then(|| {
        let problem = format!("one event does not fire it: the sum has to reach {threshold} within one period");
        (
            problem,
            if rule == "cis-4.3" { "the root user is never used twice before it matters: use 1" } else { "use 1" },
        )
    })
}

/// An alarm tells of a change of its state; what comes while it is in alarm is told to nobody.
fn sees_the_first_only(alarm: &Value) -> Option<Wrong> {
    let period = number(alarm, "Period").filter(|period| *period >= LONG)?;
    let problem = format!(
        "its period is {period} s: it tells of the first event up to that much late, and of none after it for as long"
    );
    Some((problem, "use a period of 300 s or less"))
}

/// With missing data ignored nothing ever ends the alarm, so it never begins again.
fn sticks(alarm: &Value) -> Option<Wrong> {
    (text(alarm, "/TreatMissingData") == Some("ignore")).then(|| {
        let problem = "it fires once and never again: missing data is ignored, so it stays in alarm".to_owned();
        (problem, "use notBreaching")
    })
}

fn nobody_is_told(alarm: &Value) -> Option<Wrong> {
    let actions = alarm.get("AlarmActions").and_then(Value::as_array).is_some_and(|actions| !actions.is_empty());
    let enabled = alarm.get("ActionsEnabled").and_then(Value::as_bool).unwrap_or(true);
    match (actions, enabled) {
        (true, true) => None,
        (true, false) => Some(("its actions are disabled".to_owned(), "enable them")),
        (false, _) => Some((
            "it notifies nobody by itself".to_owned(),
            "fine if an EventBridge rule forwards its state changes; Security Hub wants a subscribed topic as well",
        )),
    }
}
