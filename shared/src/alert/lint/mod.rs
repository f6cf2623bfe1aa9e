//! `alerts lint`: the alarms and metric filters of an account that watch over nothing.
//!
//! A wrong alarm looks exactly like a quiet one: an average of ones never reaches five, a topic without subscribers
//! swallows everything, a filter over a log group that no trail feeds never sees an event.

mod alarm;
mod filter;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::cis;
use super::model::text;
use crate::aws::{CallError, Scope};
use crate::pattern::Pattern;
use crate::types::Arn;

/// What an account has, as read from AWS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lint {
    /// `DescribeAlarms`: metric alarms.
    pub alarms: Vec<Value>,
    /// `DescribeMetricFilters`.
    pub filters: Vec<Value>,
    /// Confirmed subscriptions of each topic that an alarm notifies.
    pub subscribers: BTreeMap<String, usize>,
    /// The log groups here that a trail feeds, and what keeps the trail from it; `None` where trails could not be read.
    pub fed: Option<BTreeMap<String, Option<String>>>,
    /// What could not be looked at, and why.
    pub unseen: Vec<String>,
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

/// What is wrong with something, and what to do.
type Wrong = (String, &'static str);

impl Lint {
    /// Reads an account in one region.
    pub async fn observe(scope: &Scope) -> Result<Self, CallError> {
        let alarms = scope.pages("cloudwatch", "DescribeAlarms", json!({ "AlarmTypes": ["MetricAlarm"] })).await?;
        let filters = scope.pages("logs", "DescribeMetricFilters", json!({})).await?;
        let mut lint = Self { alarms, filters, ..Self::default() };
        let topics: BTreeSet<String> = lint.alarms.iter().flat_map(alarm::topics).map(str::to_owned).collect();
        for topic in topics {
            match scope.pages("sns", "ListSubscriptionsByTopic", json!({ "TopicArn": topic })).await {
                Ok(found) => {
                    let confirmed = found.iter().filter_map(|found| text(found, "/SubscriptionArn"));
                    let confirmed = confirmed.filter(|arn| arn.starts_with("arn:")).count();
                    lint.subscribers.insert(topic, confirmed);
                }
                Err(error) => lint.unseen.push(format!("the subscribers of {topic}: {error}")),
            }
        }
        match fed(scope).await {
            Ok(groups) => lint.fed = Some(groups),
            Err(error) => lint.unseen.push(format!("which log groups a trail feeds: {error}")),
        }
        Ok(lint)
    }

    /// Everything that is wrong, by name.
    pub fn findings(&self) -> BTreeSet<Finding> {
        let of_alarms = self.alarms.iter().flat_map(|alarm| {
            let name = text(alarm, "/AlarmName").unwrap_or("(no name)");
            self.of_alarm(alarm).into_iter().map(move |wrong| (name, wrong))
        });
        let of_filters = self.filters.iter().flat_map(|filter| {
            let name = text(filter, "/filterName").unwrap_or("(no name)");
            self.of_filter(filter).into_iter().map(move |wrong| (name, wrong))
        });
        let found = of_alarms.chain(of_filters);
        found.map(|(name, (problem, hint))| Finding { name: name.to_owned(), problem, hint }).collect()
    }

    fn of_alarm(&self, alarm: &Value) -> Vec<Wrong> {
        let fed: Vec<&Value> = self.filters.iter().filter(|filter| feeds(filter, alarm)).collect();
        let mut found =
            alarm::findings(alarm, &fed, self.namespaces().contains(text(alarm, "/Namespace").unwrap_or("")));
        for topic in alarm::topics(alarm) {
            if self.subscribers.get(topic) == Some(&0) {
                let hint = "subscribe somebody, and confirm the subscription";
                found.push((format!("nobody is subscribed to {topic}"), hint));
            }
        }
        found
    }

    fn of_filter(&self, filter: &Value) -> Vec<Wrong> {
        let watching: Vec<&Value> = self.alarms.iter().filter(|alarm| feeds(filter, alarm)).collect();
        let names = watching.iter().filter_map(|alarm| text(alarm, "/AlarmName")).chain(text(filter, "/filterName"));
        let control = names.filter_map(cis::rule).next();
        let mut found = filter::findings(text(filter, "/filterPattern").unwrap_or_default(), control.as_deref());
        found.extend(self.unfed(filter));
        if watching.is_empty() && !self.alarms.iter().any(alarm::has_math) {
            let hint = "add an alarm on it, or delete the filter";
            found.push(("no alarm watches the metric that this filter feeds".to_owned(), hint));
        }
        found
    }

    /// A filter for CloudTrail's events where none come.
    fn unfed(&self, filter: &Value) -> Option<Wrong> {
        let (fed, group) = (self.fed.as_ref()?, text(filter, "/logGroupName")?);
        let pattern = Pattern::parse(text(filter, "/filterPattern")?).ok()?;
        if !filter::is_of_cloudtrail(&pattern) {
            return None;
        }
        match fed.get(group) {
            Some(None) => None,
            Some(Some(why)) => Some((format!("the trail that feeds {group} {why}"), "mend the trail")),
            None => Some((
                format!("no trail delivers to its log group {group}, so it never sees an event"),
                "let a trail deliver there, or move the filter to the trail's log group",
            )),
        }
    }

    fn namespaces(&self) -> BTreeSet<&str> {
        let all = self.filters.iter().filter_map(transformation);
        all.filter_map(|transformation| text(transformation, "/metricNamespace")).collect()
    }
}

/// The log groups of this account and region that trails feed, and why one may not.
async fn fed(scope: &Scope) -> Result<BTreeMap<String, Option<String>>, CallError> {
    let mut groups: BTreeMap<String, Option<String>> = BTreeMap::new();
    for trail in scope.pages("cloudtrail", "DescribeTrails", json!({})).await? {
        let Some((group, name)) = group_here(&trail, scope).zip(text(&trail, "/TrailARN")) else { continue };
        let status = scope.call("cloudtrail", "GetTrailStatus", json!({ "Name": name })).await?;
        let why = match status.get("IsLogging").and_then(Value::as_bool) {
            Some(false) => Some("does not log".to_owned()),
            _ => text(&status, "/LatestCloudWatchLogsDeliveryError").map(|error| format!("fails to deliver: {error}")),
        };
        let known = groups.entry(group).or_insert_with(|| why.clone());
        *known = known.take().and(why);
    }
    Ok(groups)
}

fn group_here(trail: &Value, scope: &Scope) -> Option<String> {
    let arn: Arn = text(trail, "/CloudWatchLogsLogGroupArn")?.parse().ok()?;
    let here = arn.account() == scope.account().as_ref() && arn.region() == scope.region().as_ref();
    let name = arn.resource().strip_prefix("log-group:")?;
    here.then(|| name.strip_suffix(":*").unwrap_or(name).to_owned())
}

fn transformation(filter: &Value) -> Option<&Value> {
    filter.pointer("/metricTransformations/0")
}

fn feeds(filter: &Value, alarm: &Value) -> bool {
    let fed = transformation(filter).and_then(|at| Some((text(at, "/metricNamespace")?, text(at, "/metricName")?)));
    fed.is_some() && fed == text(alarm, "/Namespace").zip(text(alarm, "/MetricName"))
}

#[cfg(test)]
mod tests;
