//! `alerts lint`: the alarms and metric filters of an account that watch over nothing.
//!
//! A wrong alarm looks exactly like a quiet one: an average of ones never reaches five, a topic without subscribers
//! swallows everything. Whether a filter's pattern is the benchmark's own text is not compared in this version.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::model::text;
use crate::aws::{CallError, Scope};

/// What an account has, as read from AWS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lint {
    /// `DescribeAlarms`: metric alarms.
    pub alarms: Vec<Value>,
    /// `DescribeMetricFilters`.
    pub filters: Vec<Value>,
    /// Confirmed subscriptions of each topic that an alarm notifies.
    pub subscribers: BTreeMap<String, usize>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The alarm or metric filter.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub hint: &'static str,
}

impl Lint {
    /// Reads an account in one region.
    pub async fn observe(scope: &Scope) -> Result<Self, CallError> {
        let alarms = scope.pages("cloudwatch", "DescribeAlarms", json!({ "AlarmTypes": ["MetricAlarm"] })).await?;
        let filters = scope.pages("logs", "DescribeMetricFilters", json!({})).await?;
        let topics: BTreeSet<&str> = alarms.iter().flat_map(topics).collect();
        let mut subscribers = BTreeMap::new();
        for topic in topics {
            let answer = scope.pages("sns", "ListSubscriptionsByTopic", json!({ "TopicArn": topic })).await?;
            let confirmed = answer.iter().filter_map(|found| text(found, "/SubscriptionArn"));
            let confirmed = confirmed.filter(|arn| arn.starts_with("arn:")).count();
            subscribers.insert(topic.to_owned(), confirmed);
        }
        Ok(Self { alarms, filters, subscribers })
    }

    /// Everything that is wrong, by name.
    pub fn findings(&self) -> BTreeSet<Finding> {
        let mut found = BTreeSet::new();
        for alarm in &self.alarms {
            let name = text(alarm, "/AlarmName").unwrap_or("(no name)");
            let mut add = |problem: Option<(String, &'static str)>| {
                found.extend(problem.map(|(problem, hint)| Finding { name: name.to_owned(), problem, hint }));
            };
            let fed: Vec<&Value> = self.filters.iter().filter(|filter| feeds(filter, alarm)).collect();
            add(fed.iter().find_map(|filter| can_never_fire(alarm, filter)));
            add(nobody_is_told(alarm));
            topics(alarm).into_iter().for_each(|topic| add(self.nobody_subscribed(topic)));
        }
        let unwatched = |filter: &&Value| !self.alarms.iter().any(|alarm| feeds(filter, alarm) || has_math(alarm));
        found.extend(self.filters.iter().filter(unwatched).map(|filter| Finding {
            name: text(filter, "/filterName").unwrap_or("(no name)").to_owned(),
            problem: "no alarm watches the metric that this filter feeds".to_owned(),
            hint: "add an alarm on it, or delete the filter",
        }));
        found
    }

    fn nobody_subscribed(&self, topic: &str) -> Option<(String, &'static str)> {
        let nobody = self.subscribers.get(topic) == Some(&0);
        nobody.then(|| (format!("nobody is subscribed to {topic}"), "subscribe somebody, and confirm the subscription"))
    }
}

fn topics(alarm: &Value) -> Vec<&str> {
    let actions = alarm.get("AlarmActions").and_then(Value::as_array).into_iter().flatten();
    actions.filter_map(Value::as_str).filter(|arn| arn.split(':').nth(2) == Some("sns")).collect()
}

fn has_math(alarm: &Value) -> bool {
    alarm.get("Metrics").and_then(Value::as_array).is_some_and(|metrics| !metrics.is_empty())
}

fn transformation(filter: &Value) -> Option<&Value> {
    filter.pointer("/metricTransformations/0")
}

fn feeds(filter: &Value, alarm: &Value) -> bool {
    let fed = transformation(filter).and_then(|at| Some((text(at, "/metricNamespace")?, text(at, "/metricName")?)));
    fed.is_some() && fed == text(alarm, "/Namespace").zip(text(alarm, "/MetricName"))
}

/// A filter that emits the same number for every match makes any statistic but the sum that number at most.
fn can_never_fire(alarm: &Value, filter: &Value) -> Option<(String, &'static str)> {
    let value: f64 = text(transformation(filter)?, "/metricValue")?.parse().ok()?;
    let threshold = alarm.get("Threshold")?.as_f64()?;
    let statistic = text(alarm, "/Statistic")?;
    let reached = match text(alarm, "/ComparisonOperator")? {
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "GreaterThanThreshold" => value > threshold,
        _ => return None,
    };
    let flat = matches!(statistic, "Average" | "Minimum" | "Maximum");
    (flat && !reached).then(|| {
        let problem = format!(
            "it can never fire: the {statistic} of a metric that is {value} for each match never gets to {threshold}"
        );
        (problem, "use the statistic Sum")
    })
}

fn nobody_is_told(alarm: &Value) -> Option<(String, &'static str)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:222233334444:security-alarms";

    fn filter(value: &str) -> Value {
        json!({"filterName": "Root", "metricTransformations":
            [{"metricName": "RootAccountUsage", "metricNamespace": "LogMetrics", "metricValue": value}]})
    }

    fn alarm(statistic: &str, threshold: f64) -> Value {
        json!({"AlarmName": "CIS-4.3", "Namespace": "LogMetrics", "MetricName": "RootAccountUsage", "Statistic": statistic,
            "Threshold": threshold, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "AlarmActions": [TOPIC]})
    }

    fn check(alarm: Value, filter: Value, subscribers: usize, expect: &[&str]) {
        let lint = Lint {
            alarms: vec![alarm],
            filters: vec![filter],
            subscribers: BTreeMap::from([(TOPIC.to_owned(), subscribers)]),
        };
        let found: Vec<String> = lint.findings().into_iter().map(|finding| finding.problem).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn sound_alarm_has_no_findings() {
        check(alarm("Sum", 5.0), filter("1"), 1, &[]);
        check(alarm("Average", 1.0), filter("1"), 1, &[]);
    }

    #[test]
    fn average_of_ones_never_reaches_five() {
        let problem = "it can never fire: the Average of a metric that is 1 for each match never gets to 5";
        check(alarm("Average", 5.0), filter("1"), 1, &[problem]);
        check(alarm("Average", 5.0), filter("$.bytes"), 1, &[]);
    }

    #[test]
    fn topic_without_subscribers_is_told() {
        check(alarm("Sum", 1.0), filter("1"), 0, &[&format!("nobody is subscribed to {TOPIC}")]);
    }

    #[test]
    fn filter_without_an_alarm_is_told() {
        let mut other = alarm("Sum", 1.0);
        other["MetricName"] = json!("Other");
        check(other, filter("1"), 1, &["no alarm watches the metric that this filter feeds"]);
    }
}
