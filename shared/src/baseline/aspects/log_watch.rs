//! Metric filters on the log group of a trail, each with an alarm: what is watched for, whoever wants it watched.
//!
//! Both calls replace the whole thing, so both are compared first, and actions that others put on an alarm are sent
//! back. Forester hears of an alarm from EventBridge; the trail's `notify` tells somebody beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::{counted, list, texts, trail};
use crate::aws::{CallError, Scope};
use crate::baseline::{Planned, StepError, Taken, Target};
use crate::types::Arn;

/// An alarm tells five at most: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
const ACTIONS: usize = 5;

/// Something to watch for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watch {
    /// The name of the filter, of the metric and of the alarm.
    pub name: String,
    /// What the alarm says of itself.
    pub about: String,
    /// The pattern over CloudTrail events.
    pub pattern: String,
    /// The namespace of the metric.
    pub namespace: &'static str,
}

/// What there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// By name.
    filters: BTreeMap<String, Value>,
    /// By name.
    alarms: BTreeMap<String, Value>,
    /// Addresses subscribed to the topic, confirmed or not; `None` when there is no topic.
    subscribed: Option<BTreeSet<String>>,
}

/// What can be done about the alarms.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes the topic that addresses are subscribed to.
    CreateTopic {
        /// Its name.
        topic: String,
    },
    /// Asks an address to confirm a subscription.
    Subscribe {
        /// The topic's ARN.
        topic: String,
        /// The address.
        email: String,
    },
    /// Makes or replaces metric filters.
    PutFilters {
        /// The log group.
        group: String,
        /// What is watched for.
        watches: Vec<Watch>,
    },
    /// Makes or replaces alarms.
    PutAlarms {
        /// The alarms.
        alarms: Vec<Alarm>,
    },
}

/// An alarm as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alarm {
    /// What is watched for.
    watch: Watch,
    /// What it does when it fires.
    actions: BTreeSet<String>,
    /// What others want of it in its other states, sent back.
    others: BTreeMap<&'static str, Value>,
}

/// Reads the filters, the alarms and the topic.
pub(super) async fn observe(scope: &Scope, target: &Target, watches: &[Watch]) -> Result<Found, CallError> {
    let params = json!({ "logGroupName": trail::log_group(target) });
    let filters = match scope.pages("logs", "DescribeMetricFilters", params).await {
        // The trail's own steps make it.
        Err(error) if error.is_gone() => Vec::new(),
        filters => filters?,
    };
    let names: Vec<&str> = watches.iter().map(|watch| watch.name.as_str()).collect();
    let mut alarms = Vec::new();
    // The call takes a hundred names.
    for names in names.chunks(100) {
        let params = json!({ "AlarmNames": names, "AlarmTypes": ["MetricAlarm"] });
        alarms.extend(scope.pages("cloudwatch", "DescribeAlarms", params).await?);
    }
    let subscribed = if emails(target).is_empty() { None } else { subscribed(scope, &topic(target)).await? };
    Ok(Found { filters: named(filters, "filterName"), alarms: named(alarms, "AlarmName"), subscribed })
}

/// Decides what to do.
pub(super) fn plan(target: &Target, found: &Found, watches: &[Watch]) -> Planned<Action> {
    let told = match told(target) {
        Ok(told) => told,
        Err(problem) => return Planned::problem(problem),
    };
    let mut planned = Planned::steps(topic_steps(target, found, &told.emails));
    let (mut filters, mut alarms) = (Vec::new(), Vec::new());
    for watch in watches {
        if !found.filters.get(&watch.name).is_some_and(|filter| filters_so(filter, watch)) {
            filters.push(watch.clone());
        }
        let seen = found.alarms.get(&watch.name);
        let mut actions = told.topics.clone();
        if !target.strict() {
            actions.extend(seen.map(|alarm| actions_of(alarm, "AlarmActions")).unwrap_or_default());
        }
        if actions.len() > ACTIONS {
            let reason = format!("it tells {} topics already, and an alarm tells {ACTIONS}", actions.len() - 1);
            planned.kept.push((format!("alarm {}", watch.name), reason));
        } else if !seen.is_some_and(|alarm| watches_so(alarm, watch, &actions)) {
            let others = seen.map(others).unwrap_or_default();
            alarms.push(Alarm { watch: watch.clone(), actions, others });
        }
    }
    if !filters.is_empty() {
        planned.steps.push(Action::PutFilters { group: trail::log_group(target), watches: filters });
    }
    if !alarms.is_empty() {
        planned.steps.push(Action::PutAlarms { alarms });
    }
    planned
}

/// Does one step. One filter or alarm that fails keeps none of the others from being set.
pub(super) async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
    let calls: Vec<(&str, &str, Value)> = match action {
        Action::CreateTopic { topic } => vec![("sns", "CreateTopic", json!({ "Name": topic }))],
        Action::Subscribe { topic, email } => {
            vec![("sns", "Subscribe", json!({ "TopicArn": topic, "Protocol": "email", "Endpoint": email }))]
        }
        Action::PutFilters { group, watches } => {
            watches.iter().map(|watch| ("logs", "PutMetricFilter", watch.filter(group))).collect()
        }
        Action::PutAlarms { alarms } => {
            alarms.iter().map(|alarm| ("cloudwatch", "PutMetricAlarm", alarm.described())).collect()
        }
    };
    let mut failed = None;
    for (service, operation, params) in calls {
        failed = failed.or(scope.call(service, operation, params).await.err());
    }
    failed.map_or(Ok(Taken::Done), |error| Err(error.into()))
}

/// Who is told: topics, ours among them when there are addresses.
#[derive(Default)]
struct Told {
    topics: BTreeSet<String>,
    emails: BTreeSet<String>,
}

fn told(target: &Target) -> Result<Told, String> {
    let subject = target.account.subject();
    let notify = target.wanted.trail.as_ref().and_then(|trail| trail.notify.clone()).unwrap_or_default();
    let mut told = Told::default();
    if let Some(topic) = &notify.sns {
        told.topics.insert(subject.fill(topic)?);
    }
    for email in emails(target) {
        told.emails.insert(subject.fill(email)?);
        told.topics.insert(topic(target));
    }
    Ok(told)
}

fn emails(target: &Target) -> &[String] {
    let notify = target.wanted.trail.as_ref().and_then(|trail| trail.notify.as_ref());
    notify.and_then(|notify| notify.email.as_deref()).unwrap_or_default()
}

/// The ARN of the topic that addresses are subscribed to.
fn topic(target: &Target) -> String {
    let (account, name) = (&target.account.id, topic_name(target));
    Arn::of(target.partition(), "sns", target.home().as_ref(), account, &name).to_string()
}

/// The name of the topic that addresses are subscribed to.
pub(super) fn topic_name(target: &Target) -> String {
    target.labelled("forester-alarms")
}

/// Who is subscribed. A subscription that waits for its confirmation counts: it is asked for once.
async fn subscribed(scope: &Scope, topic: &str) -> Result<Option<BTreeSet<String>>, CallError> {
    match scope.pages("sns", "ListSubscriptionsByTopic", json!({ "TopicArn": topic })).await {
        Err(error) if error.is_gone() => Ok(None),
        found => Ok(Some(texts(&found?, "Endpoint").into_iter().collect())),
    }
}

fn topic_steps(target: &Target, found: &Found, emails: &BTreeSet<String>) -> Vec<Action> {
    let mut steps = Vec::new();
    if !emails.is_empty() && found.subscribed.is_none() {
        steps.push(Action::CreateTopic { topic: topic_name(target) });
    }
    let missing = emails.iter().filter(|email| !found.subscribed.iter().flatten().any(|known| known == *email));
    steps.extend(missing.map(|email| Action::Subscribe { topic: topic(target), email: email.clone() }));
    steps
}

fn named(items: Vec<Value>, member: &str) -> BTreeMap<String, Value> {
    let name = |item: Value| Some((item.get(member)?.as_str()?.to_owned(), item));
    items.into_iter().filter_map(name).collect()
}

fn filters_so(filter: &Value, watch: &Watch) -> bool {
    let metric = |member: &str| filter.pointer(&format!("/metricTransformations/0/{member}")).and_then(Value::as_str);
    filter.get("filterPattern") == Some(&watch.pattern.as_str().into())
        && metric("metricName") == Some(&watch.name)
        && metric("metricNamespace") == Some(watch.namespace)
        && metric("metricValue") == Some("1")
}

fn watches_so(seen: &Value, watch: &Watch, actions: &BTreeSet<String>) -> bool {
    let wanted = Alarm { watch: watch.clone(), actions: actions.clone(), others: BTreeMap::new() }.described();
    let same = |(member, value): (&String, &Value)| match (value.as_f64(), seen.get(member)) {
        (Some(number), Some(found)) => found.as_f64() == Some(number),
        (_, found) => found == Some(value),
    };
    let plain = wanted.as_object().into_iter().flatten().filter(|(member, _)| *member != "AlarmActions");
    plain.into_iter().all(same) && actions_of(seen, "AlarmActions") == *actions
}

fn actions_of(alarm: &Value, member: &str) -> BTreeSet<String> {
    list(alarm, member).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn others(seen: &Value) -> BTreeMap<&'static str, Value> {
    let members = ["OKActions", "InsufficientDataActions"];
    let set = members.into_iter().filter(|member| !list(seen, member).is_empty());
    set.filter_map(|member| Some((member, seen.get(member)?.clone()))).collect()
}

impl Watch {
    fn filter(&self, group: &str) -> Value {
        let Self { name, namespace, pattern, .. } = self;
        let metric = json!({ "metricName": name, "metricNamespace": namespace, "metricValue": "1" });
        json!({ "logGroupName": group, "filterName": name, "filterPattern": pattern,
            "metricTransformations": [metric] })
    }
}

impl Alarm {
    fn described(&self) -> Value {
        let Self { watch: Watch { name, about, namespace, .. }, actions, others } = self;
        let mut alarm = json!({ "AlarmName": name, "AlarmDescription": about, "ActionsEnabled": true,
            "MetricName": name, "Namespace": namespace, "Statistic": "Sum", "Period": 300,
            "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching" });
        if let Value::Object(alarm) = &mut alarm {
            // The call replaces everything, so that what is left out is gone.
            if !actions.is_empty() {
                alarm.insert("AlarmActions".to_owned(), json!(actions));
            }
            alarm.extend(others.iter().map(|(member, value)| ((*member).to_owned(), value.clone())));
        }
        alarm
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateTopic { topic } => write!(f, "create topic {topic}"),
            Self::Subscribe { email, .. } => write!(f, "ask {email} to confirm a subscription to the alarms"),
            Self::PutFilters { group, watches } => {
                let all = counted(watches.len(), "metric filter");
                write!(f, "set {all} on log group {group}: {}", names(watches.iter()))
            }
            Self::PutAlarms { alarms } => {
                let topics = alarms.iter().flat_map(|alarm| &alarm.actions);
                let topics: BTreeSet<&str> = topics.filter_map(|arn| arn.rsplit(':').next()).collect();
                let told = topics.into_iter().collect::<Vec<_>>().join(", ");
                let all = counted(alarms.len(), "alarm");
                write!(f, "set {all}: {}", names(alarms.iter().map(|alarm| &alarm.watch)))?;
                if told.is_empty() { Ok(()) } else { write!(f, ", telling {told}") }
            }
        }
    }
}

/// Names, or the first and the last where there are too many for a line.
fn names<'a>(watches: impl Iterator<Item = &'a Watch>) -> String {
    let names: Vec<&str> = watches.map(|watch| watch.name.as_str()).collect();
    match names.as_slice() {
        [first, _, _, .., last] => format!("{first} … {last}"),
        few => few.join(", "),
    }
}
