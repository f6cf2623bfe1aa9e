//! Alarms on what CloudTrail records: a metric filter and an alarm for each control of the CIS benchmark, once, where
//! the trail's log group is; with a trail of the organization they watch every account.
//!
//! Both calls replace the whole thing, so both are compared first, and actions that others put on an alarm are sent
//! back. Forester hears of an alarm from EventBridge; `notify` tells somebody beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::{list, texts, trail};
use crate::aws::{CallError, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::cis::{CONTROLS, Control};
use crate::config;
use crate::types::{Arn, Region};

/// The namespace of the metrics.
const NAMESPACE: &str = "Forester/CIS";
/// An alarm tells five at most: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
const ACTIONS: usize = 5;

/// The alarms on the trail's log group.
pub struct LogAlarms;

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
    /// Makes or replaces a metric filter.
    PutFilter {
        /// The log group.
        group: String,
        /// The filter's name, and the metric's.
        name: String,
        /// The pattern.
        pattern: &'static str,
    },
    /// Makes or replaces an alarm.
    PutAlarm {
        /// Its name, and the metric's.
        name: String,
        /// What it says of itself.
        description: String,
        /// What it does when it fires.
        actions: BTreeSet<String>,
        /// What others want of it in its other states, sent back.
        others: BTreeMap<&'static str, Value>,
    },
}

fn declared(target: &Target) -> Option<&config::Trail> {
    target.wanted.trail.as_ref().filter(|trail| trail.alarms == Some(config::LogAlarms::Cis))
}

#[async_trait]
impl Aspect for LogAlarms {
    const NAME: &'static str = "log-alarms";
    type Facts = Found;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        declared(target).map(|_| Place::Region(target.home().clone())).into_iter().collect()
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Found, CallError> {
        let params = json!({ "logGroupName": trail::log_group(target) });
        let filters = match look.pages("logs", "DescribeMetricFilters", params).await {
            // The trail's own steps make it.
            Err(error) if error.is_gone() => Vec::new(),
            filters => filters?,
        };
        let names: Vec<String> = CONTROLS.iter().map(|control| target.labelled(&control.alarm())).collect();
        let params = json!({ "AlarmNames": names, "AlarmTypes": ["MetricAlarm"] });
        let alarms = look.pages("cloudwatch", "DescribeAlarms", params).await?;
        let subscribed = if emails(target).is_empty() { None } else { subscribed(look, &topic(target)).await? };
        Ok(Found { filters: named(filters, "filterName"), alarms: named(alarms, "AlarmName"), subscribed })
    }

    fn plan(target: &Target, found: &Found) -> Planned<Action> {
        let told = match told(target) {
            Ok(told) => told,
            Err(problem) => return Planned::problem(problem),
        };
        let mut planned = Planned::steps(topic_steps(target, found, &told.emails));
        for control in &CONTROLS {
            let name = target.labelled(&control.alarm());
            let group = trail::log_group(target);
            if !found.filters.get(&name).is_some_and(|filter| filters_so(filter, control, &name)) {
                planned.steps.push(Action::PutFilter { group, name: name.clone(), pattern: control.pattern });
            }
            let seen = found.alarms.get(&name);
            let mut actions = told.topics.clone();
            if !target.strict() {
                actions.extend(seen.map(|alarm| actions_of(alarm, "AlarmActions")).unwrap_or_default());
            }
            if actions.len() > ACTIONS {
                let reason = format!("it tells {} topics already, and an alarm tells {ACTIONS}", actions.len() - 1);
                planned.kept.push((format!("alarm {name}"), reason));
            } else if !seen.is_some_and(|alarm| watches_so(alarm, control, &name, &actions)) {
                let others = seen.map(others).unwrap_or_default();
                planned.steps.push(Action::PutAlarm { name, description: description(control), actions, others });
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (service, operation, params) = match action {
            Action::CreateTopic { topic } => ("sns", "CreateTopic", json!({ "Name": topic })),
            Action::Subscribe { topic, email } => {
                ("sns", "Subscribe", json!({ "TopicArn": topic, "Protocol": "email", "Endpoint": email }))
            }
            Action::PutFilter { group, name, pattern } => {
                let metric = json!({ "metricName": name, "metricNamespace": NAMESPACE, "metricValue": "1" });
                let params = json!({ "logGroupName": group, "filterName": name, "filterPattern": pattern,
                    "metricTransformations": [metric] });
                ("logs", "PutMetricFilter", params)
            }
            Action::PutAlarm { name, description, actions, others } => {
                ("cloudwatch", "PutMetricAlarm", alarm(name, description, actions, others))
            }
        };
        scope.call(service, operation, params).await?;
        Ok(Taken::Done)
    }
}

/// Who is told: topics, ours among them when there are addresses.
#[derive(Default)]
struct Told {
    topics: BTreeSet<String>,
    emails: BTreeSet<String>,
}

fn told(target: &Target) -> Result<Told, String> {
    let subject = target.account.subject();
    let notify = declared(target).and_then(|trail| trail.notify.clone()).unwrap_or_default();
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
    let notify = declared(target).and_then(|trail| trail.notify.as_ref());
    notify.and_then(|notify| notify.email.as_deref()).unwrap_or_default()
}

/// The ARN of the topic that addresses are subscribed to.
fn topic(target: &Target) -> String {
    let (account, name) = (&target.account.id, topic_name(target));
    Arn::of(target.partition(), "sns", target.home().as_ref(), account, &name).to_string()
}

fn topic_name(target: &Target) -> String {
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

fn filters_so(filter: &Value, control: &Control, name: &str) -> bool {
    let metric = |member: &str| filter.pointer(&format!("/metricTransformations/0/{member}")).and_then(Value::as_str);
    filter.get("filterPattern") == Some(&control.pattern.into())
        && metric("metricName") == Some(name)
        && metric("metricNamespace") == Some(NAMESPACE)
        && metric("metricValue") == Some("1")
}

fn watches_so(seen: &Value, control: &Control, name: &str, actions: &BTreeSet<String>) -> bool {
    let wanted = alarm(name, &description(control), actions, &BTreeMap::new());
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
    members.into_iter().filter_map(|member| Some((member, seen.get(member)?.clone()))).collect()
}

fn description(control: &Control) -> String {
    format!("CIS 4.{}: {}", control.number, control.about)
}

fn alarm(name: &str, description: &str, actions: &BTreeSet<String>, others: &BTreeMap<&'static str, Value>) -> Value {
    let mut alarm = json!({ "AlarmName": name, "AlarmDescription": description, "ActionsEnabled": true,
        "MetricName": name, "Namespace": NAMESPACE, "Statistic": "Sum", "Period": 300,
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

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateTopic { topic } => write!(f, "create topic {topic}"),
            Self::Subscribe { email, .. } => write!(f, "ask {email} to confirm a subscription to the alarms"),
            Self::PutFilter { group, name, .. } => write!(f, "set metric filter {name} on log group {group}"),
            Self::PutAlarm { name, actions, .. } => {
                let topics: Vec<&str> = actions.iter().filter_map(|topic| topic.rsplit(':').next()).collect();
                let told = if topics.is_empty() { String::new() } else { format!(", telling {}", topics.join(", ")) };
                write!(f, "set alarm {name}{told}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ErrorClass;
    use crate::baseline::world::{World, id};

    const LAYER: &str = "- {match: {all: true}, enforce: ENFORCE, trail: {bucket: acme-trail, alarms: cis, \
                         notify: {email: [ops@acme.example]}}}";

    fn world() -> World {
        World::fresh(LAYER)
    }

    #[tokio::test]
    async fn every_control_has_its_filter_and_its_alarm() {
        let world = world();
        assert_eq!(world.apply().await.complaints(), Vec::<String>::new());
        let account = world.cloud.account(&id());
        let group = account.log_groups.values().next().unwrap();
        assert_eq!((group.filters.len(), account.alarms.len()), (15, 15));
        for control in &CONTROLS {
            let filter = &group.filters[&control.alarm()];
            assert_eq!(filter["filterPattern"], control.pattern);
            let metric = &filter["metricTransformations"][0];
            let alarm = &account.alarms[&control.alarm()];
            assert_eq!(
                (&alarm["MetricName"], &alarm["Namespace"]),
                (&metric["metricName"], &metric["metricNamespace"])
            );
            assert_eq!(
                (&alarm["Statistic"], &alarm["Threshold"], &alarm["Period"]),
                (&"Sum".into(), &1.0.into(), &300.into())
            );
            assert_eq!(alarm["AlarmActions"], json!(["arn:aws:sns:eu-west-1:444455556666:forester-alarms"]));
        }
    }

    #[tokio::test]
    async fn second_apply_writes_nothing_and_asks_no_address_again() {
        let world = world();
        world.apply().await;
        world.cloud.writes();
        world.apply().await;
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn only_what_drifted_is_put_and_actions_of_others_stay() {
        let world = world();
        world.apply().await;
        world.cloud.change(&id(), |account| {
            let alarm = account.alarms.get_mut("CIS-4.3-RootUsage").unwrap();
            alarm["Threshold"] = 100.into();
            alarm["OKActions"] = json!(["arn:aws:sns:eu-west-1:444455556666:calm"]);
            alarm["AlarmActions"] = json!(["arn:aws:sns:eu-west-1:444455556666:theirs"]);
        });
        world.cloud.writes();
        world.apply().await;
        assert_eq!(world.cloud.writes(), ["PutMetricAlarm"]);
        let alarm = world.cloud.account(&id()).alarms["CIS-4.3-RootUsage"].clone();
        assert_eq!(alarm["Threshold"], 1.0);
        assert_eq!(alarm["OKActions"][0], "arn:aws:sns:eu-west-1:444455556666:calm");
        assert_eq!(alarm["AlarmActions"].as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn alarm_that_may_not_be_set_stops_no_other() {
        let world = world();
        world.cloud.fail("PutMetricFilter", None, ErrorClass::Denied, "AccessDeniedException");
        let report = world.apply().await;
        assert_eq!(report.failed.len(), 15, "{report}");
        assert_eq!(world.cloud.account(&id()).alarms.len(), 15);
    }
}
