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
use super::found::{Found, joined};
use super::model::{Alert, Evidence, Severity, text};
use super::noise::{self, LeftOut};
use super::record::{capped, evidence, grouped};
use super::rules::{Judgement, judge, principal_kind};
use super::sources::{Alarm, Metric, short};
use super::window::Window;
use crate::aws::{CallError, Scope};
use crate::types::AccountId;

/// The most log events that are read for one alarm.
pub(super) const EVENTS: usize = 5_000;
/// How deep composite alarms are followed.
const DEPTH: usize = 5;

/// Looks for what is behind the alarm.
pub(super) async fn found(mut alert: Alert, alarm: &Alarm, world: &World) -> Found {
    let (Some(account), Some(region)) = (&alarm.account, &alarm.region) else {
        alert.partial("the alarm names neither its account nor its region");
        return Found::nothing(alert);
    };
    let scope = match world.accounts.scope(account, region).await {
        Ok(scope) => scope,
        Err(error) => {
            alert.partial(error);
            return Found::nothing(alert);
        }
    };
    let mut search = Search::new(scope, world);
    search.run(alarm).await;
    let (events, looked) = (search.events(), search.looked.clone());
    Found { alerts: search.alerts(alert, alarm), events, looked }
}

struct Search<'a> {
    scope: Scope,
    world: &'a World,
    /// Why something may be missing.
    problems: Vec<String>,
    /// The log groups that were searched.
    looked: BTreeSet<String>,
    /// The ids of the events so far: filters overlap.
    seen: BTreeSet<String>,
    causes: Vec<Cause>,
    /// What noise rules left out.
    left_out: BTreeMap<LeftOut, u64>,
}

/// One event behind an alarm, and what it is.
struct Cause {
    evidence: Evidence,
    judged: Option<Judgement>,
    kind: &'static str,
}

/// A metric filter: where it looks, and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Filter {
    group: String,
    pattern: String,
}

impl<'a> Search<'a> {
    fn new(scope: Scope, world: &'a World) -> Self {
        Self {
            scope,
            world,
            problems: Vec::new(),
            looked: BTreeSet::new(),
            seen: BTreeSet::new(),
            causes: Vec::new(),
            left_out: BTreeMap::new(),
        }
    }

    fn events(&self) -> usize {
        let left_out: u64 = self.left_out.values().sum();
        self.causes.len() + usize::try_from(left_out).unwrap_or(usize::MAX)
    }

    async fn run(&mut self, alarm: &Alarm) {
        for (metric, window) in self.targets(alarm).await {
            for filter in self.filters(&metric).await {
                self.read(&filter, window).await;
            }
        }
    }

    /// The metrics to look for, each with its window.
    async fn targets(&mut self, alarm: &Alarm) -> BTreeMap<Metric, Window> {
        let window = if alarm.state == "OK" { Window::episode(alarm) } else { Window::of(alarm) };
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
            events.filter_map(|event| text(event, "/message")).for_each(|message| self.add(message));
            let next = text(&page, "/nextToken").map(str::to_owned);
            if next.is_none() || next == token {
                return;
            }
            if self.seen.len() >= EVENTS {
                return self.problems.push(format!("more than {EVENTS} events; the rest was not read"));
            }
            token = next;
        }
    }

    /// Takes in a log event, unless it is no record, was there already or is noise.
    fn add(&mut self, message: &str) {
        let Some((record, evidence)) = record(message) else { return };
        if !evidence.id.is_empty() && !self.seen.insert(evidence.id.clone()) {
            return;
        }
        let judged = judge(&record);
        match self.world.noise.leaves_out(judged.as_ref(), &record, self.world.now) {
            Some(rule) => *self.left_out.entry(rule).or_default() += 1,
            None => self.causes.push(Cause { evidence, judged, kind: principal_kind(&record) }),
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
        noise::count(&self.left_out);
        for (rule, events) in &self.left_out {
            alert.note(format!("{events} events left out by the noise rule {}: {}", rule.name, rule.because));
        }
        let causes = of_contributor(self.causes, alarm);
        if causes.is_empty() {
            return vec![without(
                alert,
                alarm,
                &self.looked,
                self.left_out.first_key_value(),
                self.problems.is_empty(),
            )];
        }
        let mut by_account: BTreeMap<Option<AccountId>, Vec<Cause>> = BTreeMap::new();
        for cause in causes {
            by_account.entry(cause.evidence.account.clone()).or_default().push(cause);
        }
        by_account.into_iter().map(|(account, causes)| concerning(alert.clone(), alarm, account, causes)).collect()
    }
}

/// The alert of an alarm behind which nothing is to be shown. Where all that was found is noise, nobody needs to hear.
fn without(
    mut alert: Alert,
    alarm: &Alarm,
    looked: &BTreeSet<String>,
    left_out: Option<(&LeftOut, &u64)>,
    whole: bool,
) -> Alert {
    match left_out {
        Some((rule, _)) => {
            if whole && alarm.state == "ALARM" && !alert.labels.contains_key("unsilenceable") {
                rule.hush(&mut alert);
            }
        }
        None if looked.is_empty() => {
            alert.note("no metric filter feeds this alarm's metrics, so there are no events to show");
        }
        None if alarm.state == "ALARM" => {
            alert.note(format!(
                "no event was found yet in {}; it is searched again for a quarter of an hour",
                joined(looked)
            ));
        }
        None => alert.note(format!("no event was found in {}", joined(looked))),
    }
    alert
}

/// The alert as it concerns one account.
fn concerning(mut alert: Alert, alarm: &Alarm, account: Option<AccountId>, causes: Vec<Cause>) -> Alert {
    weigh(&mut alert, alarm, &causes);
    if let Some(cause) = causes.iter().min_by_key(|cause| cause.evidence.when) {
        alert.label("principal.kind", cause.kind);
    }
    let groups = grouped(causes.into_iter().map(|cause| cause.evidence).collect());
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

/// How bad the alarm is, by what was done: an alarm on CloudTrail means less when logging was started. What a description
/// says stands.
fn weigh(alert: &mut Alert, alarm: &Alarm, causes: &[Cause]) {
    if causes.iter().any(|cause| cause.judged.as_ref().is_some_and(|judged| judged.unsilenceable)) {
        alert.label("unsilenceable", "true");
    }
    let mut worst: Option<&Judgement> = None;
    for judged in causes.iter().filter_map(|cause| cause.judged.as_ref()) {
        worst = worst.filter(|known| known.severity >= judged.severity).or(Some(judged));
    }
    let judged_all = causes.iter().all(|cause| cause.judged.is_some());
    let Some(worst) = worst.filter(|worst| judged_all || worst.severity > alert.severity) else { return };
    if alarm.said().is_some() {
        return;
    }
    let many = is_guessing(alert, causes.len());
    alert.severity = if many { worst.severity.max(Severity::High) } else { worst.severity };
    match worst.because {
        _ if many => alert.fact("severity", format!("high, because {} sign-ins failed", causes.len())),
        Some(because) => alert.fact("severity", format!("{}, because {because}", worst.severity.name())),
        None => {}
    }
}

/// Failed sign-ins in a number that no typing mistake explains.
fn is_guessing(alert: &Alert, events: usize) -> bool {
    events >= 5 && alert.labels.get("rule").is_some_and(|rule| rule.as_str() == "cis-4.6")
}

/// A contributor's alarm is about that contributor's events, where its attributes name an account.
fn of_contributor(causes: Vec<Cause>, alarm: &Alarm) -> Vec<Cause> {
    let named: BTreeSet<AccountId> = alarm.attributes.values().filter_map(|value| value.parse().ok()).collect();
    let concerned = |cause: &Cause| cause.evidence.account.as_ref().is_some_and(|account| named.contains(account));
    if named.is_empty() { causes } else { causes.into_iter().filter(concerned).collect() }
}

fn record(message: &str) -> Option<(Value, Evidence)> {
    let record: Value = serde_json::from_str(message).ok()?;
    let evidence = evidence(&record)?;
    Some((record, evidence))
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

#[cfg(test)]
#[path = "causes_tests.rs"]
mod tests;
