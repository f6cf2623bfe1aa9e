//! From an alarm to the CloudTrail events behind it, by the alarm's own metric filters.
//!
//! Alarm -> its metrics (through metric math, and the children of a composite) -> every metric filter that feeds them,
//! because several may feed one -> the log events that match exactly the filter's pattern, to the last page: a page may
//! be empty and still have a successor
//! (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Text;
use super::enrich::World;
use super::model::{Alert, Evidence, text};
use super::record::{capped, evidence, grouped};
use super::sources::{Alarm, Metric, short};
use super::window::Window;
use crate::aws::{CallError, Scope};
use crate::types::AccountId;

/// The most log events that are read for one alarm.
const EVENTS: usize = 5_000;
/// How deep composite alarms are followed.
const DEPTH: usize = 5;

/// The alert, once for each account that the events happened to; as it was, where none were found.
pub(super) async fn found(mut alert: Alert, alarm: &Alarm, world: &World) -> Vec<Alert> {
    let (Some(account), Some(region)) = (&alarm.account, &alarm.region) else {
        alert.partial("the alarm names neither its account nor its region");
        return vec![alert];
    };
    let scope = match world.accounts.scope(account, region).await {
        Ok(scope) => scope,
        Err(error) => {
            alert.partial(error);
            return vec![alert];
        }
    };
    let mut search = Search { scope, world, problems: Vec::new(), looked: BTreeSet::new(), events: Vec::new() };
    search.run(alarm).await;
    search.alerts(alert, alarm)
}

struct Search<'a> {
    scope: Scope,
    world: &'a World,
    /// Why something may be missing.
    problems: Vec<String>,
    /// The log groups that were searched.
    looked: BTreeSet<String>,
    events: Vec<Evidence>,
}

/// A metric filter: where it looks, and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Filter {
    group: String,
    pattern: String,
}

impl Search<'_> {
    async fn run(&mut self, alarm: &Alarm) {
        for (metric, window) in self.targets(alarm).await {
            for filter in self.filters(&metric).await {
                self.read(&filter, window).await;
            }
        }
    }

    /// The metrics to look for, each with its window.
    async fn targets(&mut self, alarm: &Alarm) -> BTreeMap<Metric, Window> {
        let window = Window::of(alarm);
        match window {
            Some(window) if !alarm.composite && !alarm.metrics.is_empty() => {
                alarm.metrics.iter().map(|metric| (metric.clone(), window)).collect()
            }
            _ => {
                let names = match alarm.children.as_slice() {
                    [] => vec![alarm.name.clone()],
                    children => children.iter().map(|arn| short(arn)).collect(),
                };
                self.described(alarm, names).await
            }
        }
    }

    /// The metrics of alarms as `DescribeAlarms` tells them, composite ones followed down to those in alarm.
    async fn described(&mut self, alarm: &Alarm, mut names: Vec<String>) -> BTreeMap<Metric, Window> {
        let mut targets: BTreeMap<Metric, Window> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for _ in 0..DEPTH {
            names.retain(|name| seen.insert(name.clone()));
            let mut below = Vec::new();
            for known in self.describe(&names).await {
                if known.get("AlarmRule").is_some() {
                    below.extend(rule_names(text(&known, "/AlarmRule").unwrap_or_default()));
                    continue;
                }
                let own = text(&known, "/AlarmName") == Some(alarm.name.as_str());
                if !own && text(&known, "/StateValue").is_some_and(|state| state != "ALARM") {
                    continue;
                }
                let reckoned = || Some(Window::reckoned(alarm.at?, alarm.period, alarm.periods));
                let Some(window) = Window::described(&known).or_else(reckoned) else { continue };
                for metric in described_metrics(&known) {
                    let joined = targets.get(&metric).map_or(window, |other| other.joined(window));
                    targets.insert(metric, joined);
                }
            }
            names = below;
            if names.is_empty() {
                break;
            }
        }
        targets
    }

    async fn describe(&mut self, names: &[String]) -> Vec<Value> {
        let mut alarms = Vec::new();
        for some in names.chunks(100) {
            let params = json!({ "AlarmNames": some, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"] });
            let answer = self.scope.pages("cloudwatch", "DescribeAlarms", params).await;
            alarms.extend(self.kept(answer));
        }
        alarms
    }

    async fn filters(&mut self, metric: &Metric) -> BTreeSet<Filter> {
        let params = json!({ "metricNamespace": metric.namespace, "metricName": metric.name });
        let answer = self.scope.pages("logs", "DescribeMetricFilters", params).await;
        let filters = self.kept(answer);
        let filter = |found: &Value| {
            let pattern = text(found, "/filterPattern").unwrap_or_default().to_owned();
            Some(Filter { group: text(found, "/logGroupName")?.to_owned(), pattern })
        };
        filters.iter().filter_map(filter).collect()
    }

    /// Reads a filter's events, page by page, until the last one, the deadline, or too many.
    async fn read(&mut self, filter: &Filter, window: Window) {
        self.looked.insert(filter.group.clone());
        let mut token: Option<String> = None;
        loop {
            let mut params = json!({
                "logGroupName": filter.group,
                "filterPattern": filter.pattern,
                "startTime": window.from.as_millisecond(),
                "endTime": window.to.as_millisecond(),
            });
            if let (Some(token), Some(members)) = (&token, params.as_object_mut()) {
                members.insert("nextToken".to_owned(), token.as_str().into());
            }
            let call = self.scope.call("logs", "FilterLogEvents", params);
            let page = match tokio::time::timeout_at(self.world.until, call).await {
                Ok(Ok(page)) => page,
                Ok(Err(error)) => return self.problems.push(error.to_string()),
                Err(_) => return self.problems.push(format!("no time was left to read all of {}", filter.group)),
            };
            let events = page.get("events").and_then(Value::as_array).into_iter().flatten();
            self.events.extend(events.filter_map(|event| record(text(event, "/message")?)));
            let next = text(&page, "/nextToken").map(str::to_owned);
            if next.is_none() || next == token {
                return;
            }
            if self.events.len() >= EVENTS {
                return self.problems.push(format!("more than {EVENTS} events; the rest was not read"));
            }
            token = next;
        }
    }

    fn kept(&mut self, answer: Result<Vec<Value>, CallError>) -> Vec<Value> {
        answer.unwrap_or_else(|error| {
            self.problems.push(error.to_string());
            Vec::new()
        })
    }

    /// One alert for each account concerned.
    fn alerts(self, mut alert: Alert, alarm: &Alarm) -> Vec<Alert> {
        for problem in &self.problems {
            alert.partial(problem);
        }
        let groups = grouped(of_contributor(self.events, alarm));
        if groups.is_empty() {
            alert.note(match self.looked.len() {
                0 => "no metric filter feeds this alarm's metrics, so there are no events to show".to_owned(),
                _ => format!("no event was found yet in {}", joined(&self.looked)),
            });
            return vec![alert];
        }
        let mut by_account: BTreeMap<Option<AccountId>, Vec<Evidence>> = BTreeMap::new();
        for group in groups {
            by_account.entry(group.account.clone()).or_default().push(group);
        }
        by_account.into_iter().map(|(account, groups)| concerning(alert.clone(), alarm, account, groups)).collect()
    }
}

/// The alert as it concerns one account.
fn concerning(mut alert: Alert, alarm: &Alarm, account: Option<AccountId>, groups: Vec<Evidence>) -> Alert {
    let events: u64 = groups.iter().map(|group| group.count).sum();
    let (shown, left) = capped(groups);
    if let Some(first) = shown.first() {
        let more = if events > 1 { format!(", and {} more", events - 1) } else { String::new() };
        alert.title = Text::line(&format!("{}: {} by {}{more}", alarm.name, first.what, first.who));
        alert.label("event", first.what.as_str());
        alert.label("principal", first.who.as_str());
    }
    if left > 0 {
        alert.note(format!("{left} more kinds of events are left out"));
    }
    alert.account = account.or(alert.account);
    alert.evidence = shown;
    alert
}

/// A contributor's alarm is about that contributor's events, where its attributes name an account.
fn of_contributor(events: Vec<Evidence>, alarm: &Alarm) -> Vec<Evidence> {
    let named: BTreeSet<AccountId> = alarm.attributes.values().filter_map(|value| value.parse().ok()).collect();
    let concerned = |event: &Evidence| event.account.as_ref().is_some_and(|account| named.contains(account));
    if named.is_empty() { events } else { events.into_iter().filter(concerned).collect() }
}

fn record(message: &str) -> Option<Evidence> {
    evidence(&serde_json::from_str(message).ok()?)
}

/// The names in a composite alarm's rule: `ALARM("a") OR ALARM(b)`, ARNs included.
fn rule_names(rule: &str) -> Vec<String> {
    let inner = rule.split("ALARM(").skip(1).filter_map(|rest| rest.split_once(')')).map(|(inner, _)| inner);
    inner.map(|name| short(name.trim().trim_matches(['"', '\'']))).collect()
}

fn described_metrics(alarm: &Value) -> BTreeSet<Metric> {
    let metric = |at: &Value| {
        let (namespace, name) = (text(at, "/Namespace")?, text(at, "/MetricName")?);
        Some(Metric { namespace: namespace.to_owned(), name: name.to_owned() })
    };
    let entries = alarm.get("Metrics").and_then(Value::as_array).into_iter().flatten();
    let math = entries.filter_map(|entry| entry.pointer("/MetricStat/Metric").and_then(metric));
    metric(alarm).into_iter().chain(math).collect()
}

fn joined(groups: &BTreeSet<String>) -> String {
    groups.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
