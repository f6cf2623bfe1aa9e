use std::sync::Arc;

use super::*;
use crate::alert::fakes::{FakeAccounts, FakeAws};
use crate::aws::Accounts;
use crate::cis::CONTROLS;

const TOPIC: &str = "arn:aws:sns:us-east-1:222233334444:security-alarms";
const ROOT: &str = CONTROLS[2].pattern;

fn filter(value: &str, pattern: &str) -> Value {
    json!({"filterName": "Root", "filterPattern": pattern, "logGroupName": "trail-logs", "metricTransformations":
        [{"metricName": "RootAccountUsage", "metricNamespace": "LogMetrics", "metricValue": value}]})
}

fn alarm(statistic: &str, threshold: f64) -> Value {
    json!({"AlarmName": "root", "Namespace": "LogMetrics", "MetricName": "RootAccountUsage", "Statistic": statistic,
        "Threshold": threshold, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "AlarmActions": [TOPIC],
        "Period": 300, "EvaluationPeriods": 1, "TreatMissingData": "notBreaching"})
}

fn lint(alarm: Value, filter: Value) -> Lint {
    Lint {
        alarms: vec![alarm],
        filters: vec![filter],
        subscribers: BTreeMap::from([(TOPIC.to_owned(), 1)]),
        ..Lint::default()
    }
}

fn check(lint: &Lint, expect: &[&str]) {
    let found: Vec<String> = lint.findings().into_iter().map(|finding| finding.problem).collect();
    assert_eq!(found, expect);
}

/// An alarm with one thing other than it should be.
fn with(name: &str, value: Value) -> Value {
    let mut alarm = alarm("Sum", 1.0);
    alarm[name] = value;
    alarm
}

#[test]
fn sound_alarm_has_no_findings() {
    check(&lint(alarm("Sum", 1.0), filter("1", ROOT)), &[]);
    check(&lint(alarm("Average", 1.0), filter("1", ROOT)), &[]);
    check(&lint(alarm("Average", 5.0), filter("$.bytes", "{ $.bytes = * }")), &[]);
}

#[test]
fn every_filter_that_forester_makes_is_sound() {
    for control in &CONTROLS {
        for text in control.texts() {
            assert_eq!(filter::findings(text, Some(&control.rule())), [], "{text}");
        }
    }
}

#[test]
fn average_of_ones_never_reaches_five() {
    let problem = "it can never fire: the Average of a metric that is 1 for each match never gets to 5";
    check(&lint(alarm("Average", 5.0), filter("1", ROOT)), &[problem]);
}

#[test]
fn zeros_between_the_matches_pull_the_average_down() {
    let mut watered = filter("1", ROOT);
    watered["metricTransformations"][0]["defaultValue"] = json!(0.0);
    let problem = "it hardly ever fires: 0 for every minute without a match pulls the Average down";
    check(&lint(alarm("Average", 1.0), watered.clone()), &[problem]);
    check(&lint(alarm("Sum", 1.0), watered), &[]);
}

#[test]
fn alarm_that_one_event_does_not_fire_is_told() {
    let root = |threshold: f64| {
        let mut alarm = alarm("Sum", threshold);
        alarm["AlarmName"] = json!("CIS-4.3-RootUsage");
        lint(alarm, filter("1", ROOT))
    };
    check(&root(1.0), &[]);
    check(&root(5.0), &["one event does not fire it: the sum has to reach 5 within one period"]);
    let several = "one event does not fire it: it wants 3 periods of 3 with events";
    check(&lint(with("EvaluationPeriods", json!(3)), filter("1", ROOT)), &[several]);
    let mut enough = with("EvaluationPeriods", json!(3));
    enough["DatapointsToAlarm"] = json!(1);
    check(&lint(enough, filter("1", ROOT)), &[]);
}

#[test]
fn alarm_that_fires_at_nothing_or_only_once_is_told() {
    let of = |name, value| lint(with(name, value), filter("1", ROOT));
    let breaching = "it fires when nothing happens: missing data counts as breaching";
    check(&of("TreatMissingData", json!("breaching")), &[breaching]);
    let sticks = "it fires once and never again: missing data is ignored, so it stays in alarm";
    check(&of("TreatMissingData", json!("ignore")), &[sticks]);
    let downwards = "it fires when nothing happens: it compares downwards";
    check(&of("ComparisonOperator", json!("LessThanThreshold")), &[downwards]);
    let day =
        "its period is 86400 s: it tells of the first event up to that much late, and of none after it for as long";
    check(&of("Period", json!(86_400)), &[day]);
}

#[test]
fn topic_without_subscribers_is_told() {
    let mut lint = lint(alarm("Sum", 1.0), filter("1", ROOT));
    lint.subscribers.insert(TOPIC.to_owned(), 0);
    check(&lint, &[&format!("nobody is subscribed to {TOPIC}")]);
}

#[test]
fn filter_without_an_alarm_and_alarm_without_a_filter_are_told() {
    check(
        &lint(with("MetricName", json!("Other")), filter("1", ROOT)),
        &[
            "no alarm watches the metric that this filter feeds",
            "it can never fire: no metric filter feeds LogMetrics/Other",
        ],
    );
}

fn of_pattern(pattern: &str, rule: Option<&str>) -> String {
    filter::findings(pattern, rule).into_iter().map(|(problem, _)| problem).collect::<Vec<_>>().join("\n")
}

#[test]
fn pattern_that_cannot_be_read_or_that_nothing_fits_is_told() {
    let unread = "its pattern cannot be read: at character 18: expected `}`, found the end; close the pattern with }, or \
                  join the conditions with && or ||";
    assert_eq!(of_pattern("{ $.eventName = x", None), unread);
    let never = "no event ever fits its pattern: `$.eventName = \"a\"` and `$.eventName = \"b\"` cannot both be so";
    assert_eq!(of_pattern("{ $.eventName = a && $.eventName = b }", None), never);
}

#[test]
fn pattern_that_everything_fits_is_told() {
    let benchmark =
        "{ ($.errorCode = \"*UnauthorizedOperation\") || ($.sourceIPAddress != \"delivery.logs.amazonaws.com\") }";
    let problem = "an ordinary call fits its pattern, so it counts nearly everything";
    assert_eq!(of_pattern(benchmark, None), problem);
}

#[test]
fn other_pattern_than_the_benchmarks_is_told_with_the_difference() {
    let spaced = ROOT.replace(" && ", "&&").replace(" = ", "=");
    assert_eq!(of_pattern(&spaced, Some("cis-4.3")), "");
    let narrowed = ROOT.replace(" }", " && $.sourceIPAddress != \"10.*\" }");
    let adds = "its pattern is not the benchmark's for cis-4.3: it adds $.sourceIPAddress != \"10.*\"";
    assert_eq!(of_pattern(&narrowed, Some("cis-4.3")), adds);
    assert_eq!(of_pattern(&narrowed, None), adds, "it is known by what it says as well");
    let lacking = "{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) || ($.eventName = StartLogging) }";
    let lacks = "its pattern is not the benchmark's for cis-4.5: it lacks $.eventName = \"StopLogging\"";
    assert_eq!(of_pattern(lacking, None), lacks);
    assert_eq!(of_pattern("{ $.eventName = RunInstances }", None), "", "an own filter has no benchmark");
}

async fn observe(aws: Arc<FakeAws>) -> Lint {
    let (account, region) = ("222233334444".parse().unwrap(), "us-east-1".parse().unwrap());
    Lint::observe(&FakeAccounts(aws).scope(&account, &region).await.unwrap()).await.unwrap()
}

/// An account whose trail delivers to `group`, with this status.
async fn observed(group: &str, status: Value) -> Lint {
    let trail = json!({"TrailARN": "arn:aws:cloudtrail:us-east-1:222233334444:trail/t",
        "CloudWatchLogsLogGroupArn": format!("arn:aws:logs:us-east-1:222233334444:log-group:{group}:*")});
    let aws = FakeAws::answering(&[
        ("DescribeAlarms", json!({"MetricAlarms": [alarm("Sum", 1.0)]})),
        ("DescribeMetricFilters", json!({"metricFilters": [filter("1", ROOT)]})),
        (
            "ListSubscriptionsByTopic",
            json!({"Subscriptions": [{"SubscriptionArn": "arn:aws:sns:x"}, {"SubscriptionArn": "PendingConfirmation"}]}),
        ),
        ("DescribeTrails", json!({"trailList": [trail]})),
        ("GetTrailStatus", status),
    ]);
    observe(aws).await
}

#[tokio::test]
async fn filter_where_no_trail_delivers_is_told() {
    check(&observed("trail-logs", json!({"IsLogging": true})).await, &[]);
    let other = "no trail delivers to its log group trail-logs, so it never sees an event";
    check(&observed("other", json!({"IsLogging": true})).await, &[other]);
    let stopped = "the trail that feeds trail-logs does not log";
    check(&observed("trail-logs", json!({"IsLogging": false})).await, &[stopped]);
    let failing = json!({"IsLogging": true, "LatestCloudWatchLogsDeliveryError": "AccessDenied"});
    check(&observed("trail-logs", failing).await, &["the trail that feeds trail-logs fails to deliver: AccessDenied"]);
}

#[tokio::test]
async fn what_could_not_be_looked_at_is_said() {
    let aws = FakeAws::answering(&[
        ("DescribeAlarms", json!({"MetricAlarms": [alarm("Sum", 1.0)]})),
        ("DescribeMetricFilters", json!({"metricFilters": [filter("1", ROOT)]})),
    ]);
    let lint = observe(aws).await;
    check(&lint, &[]);
    assert_eq!(lint.unseen.len(), 2, "{:?}", lint.unseen);
    assert!(lint.unseen[1].starts_with("which log groups a trail feeds: "), "{:?}", lint.unseen);
}
