use std::sync::Arc;

use serde_json::json;
use tokio::time::{Duration, Instant};

use super::*;
use crate::alert::fakes::{FakeAccounts, FakeAws, FakeBudgets, FakeDirectory};
use crate::alert::noise::Noise;
use crate::alert::sources::Alarm;
use crate::alert::{Severity, Status};

/// A call of this name and source, by a role in the account.
fn call(id: &str, source: &str, name: &str, more: Value) -> Value {
    let mut record = json!({"eventVersion": "1.11", "eventTime": "2026-11-12T04:21:37Z", "eventID": id, "eventName": name,
        "eventSource": format!("{source}.amazonaws.com"), "awsRegion": "us-east-1", "recipientAccountId": "444455556666",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Ops_1/ana"}});
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn sign_in(id: &str) -> Value {
    call(id, "signin", "ConsoleLogin", json!({"responseElements": {"ConsoleLogin": "Success"}}))
}

/// The alerts of an alarm of this name and state, behind which these calls are.
async fn of(name: &str, state: &str, calls: &[Value]) -> (Vec<Alert>, Arc<FakeAws>) {
    let events: Vec<Value> = calls.iter().map(|call| json!({ "message": call.to_string() })).collect();
    let filter = json!({"filterPattern": "{ x }", "logGroupName": "trail", "metricTransformations": []});
    let aws = FakeAws::answering(&[
        ("DescribeMetricFilters", json!({"metricFilters": [filter]})),
        ("FilterLogEvents", json!({ "events": events })),
    ]);
    let world = World {
        accounts: Arc::new(FakeAccounts(Arc::clone(&aws))),
        budgets: Arc::new(FakeBudgets(None)),
        directory: Arc::new(FakeDirectory),
        noise: Noise::of(&[]),
        now: "2026-11-12T05:00:00Z".parse().unwrap(),
        until: Instant::now() + Duration::from_secs(60),
    };
    let metric = Metric { namespace: "CIS".to_owned(), name: "m".to_owned() };
    let alarm = Alarm {
        name: name.to_owned(),
        account: Some("222233334444".parse().unwrap()),
        region: Some("us-east-1".parse().unwrap()),
        state: state.to_owned(),
        at: Some("2026-11-12T04:26:51Z".parse().unwrap()),
        since: Some("2026-11-12T02:00:00Z".parse().unwrap()),
        reason: "[1.0 (12/11/26 04:20:00)]".to_owned(),
        metrics: BTreeSet::from([metric]),
        period: 300,
        periods: 1,
        ..Alarm::default()
    };
    let mut alert = Alert::new("m", "cloudwatch-alarm", "alarm", "");
    alert.severity = Severity::Critical;
    alert.status = if state == "OK" { Status::Resolved } else { Status::Firing };
    alert.label("rule", crate::alert::cis::rule(name).unwrap_or_default());
    (found(alert, &alarm, &world).await.alerts, aws)
}

#[tokio::test]
async fn noise_behind_an_alarm_is_counted_and_left_out() {
    let policy = call("3", "iam", "PutRolePolicy", json!({}));
    let scaling = |id| call(id, "autoscaling", "DeletePolicy", json!({}));
    let (alerts, _) = of("CIS-4.4-x", "ALARM", &[scaling("1"), scaling("2"), policy]).await;
    assert_eq!((alerts.len(), alerts[0].evidence.len()), (1, 1), "{alerts:?}");
    let note = "2 events left out by the noise rule scaling-policy: a policy of Auto Scaling is none of IAM, though its \
                deletion is called the same";
    assert_eq!(alerts[0].notes[0].as_str(), note);
    assert_eq!(alerts[0].noise, None, "there is something else");
}

#[tokio::test]
async fn alarm_with_nothing_but_noise_behind_it_is_kept_from_people_and_says_why() {
    let (alerts, _) = of("CIS-3.2-x", "ALARM", &[sign_in("1"), sign_in("1"), sign_in("2")]).await;
    let why = alerts[0].noise.as_ref().unwrap().as_str();
    assert!(why.starts_with("the noise rule federated-sign-in: "), "{why}");
    assert!(
        alerts[0].notes[0].as_str().starts_with("2 events left out"),
        "an event counts once: {:?}",
        alerts[0].notes
    );
}

#[tokio::test]
async fn severity_follows_what_was_done() {
    let severity = async |name: &str, calls: &[Value]| {
        let (alerts, _) = of(name, "ALARM", calls).await;
        (alerts[0].severity, alerts[0].labels.contains_key("unsilenceable"))
    };
    let trail = |id, name| call(id, "cloudtrail", name, json!({}));
    assert_eq!(severity("CIS-4.5-x", &[trail("1", "StartLogging")]).await, (Severity::Low, false));
    let both = [trail("1", "StartLogging"), trail("2", "StopLogging")];
    assert_eq!(severity("CIS-4.5-x", &both).await, (Severity::Critical, true));
    let failed = |n: usize| -> Vec<Value> {
        let event =
            |id| call(&format!("{id}"), "signin", "ConsoleLogin", json!({"errorMessage": "Failed authentication"}));
        (0..n).map(event).collect()
    };
    assert_eq!(severity("CIS-4.6-x", &failed(4)).await.0, Severity::Low);
    assert_eq!(severity("CIS-4.6-x", &failed(5)).await.0, Severity::High);
    let unknown = call("1", "ec2", "DescribeInstances", json!({}));
    assert_eq!(severity("own-alarm", &[unknown]).await.0, Severity::Critical, "what no rule knows changes nothing");
}

#[tokio::test]
async fn end_of_an_alarm_shows_what_came_while_it_was_on() {
    let (alerts, aws) = of("CIS-4.5-x", "OK", &[call("1", "cloudtrail", "StopLogging", json!({}))]).await;
    assert_eq!((alerts[0].status, alerts[0].evidence.len()), (Status::Resolved, 1));
    let asked = aws.asked("FilterLogEvents");
    let times = (&asked[0]["startTime"], &asked[0]["endTime"]);
    let at = |text: &str| json!(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    assert_eq!(times, (&at("2026-11-12T01:40:00Z"), &at("2026-11-12T04:28:51Z")));
    let (alerts, _) = of("CIS-4.5-x", "OK", &[sign_in("1")]).await;
    assert_eq!(alerts[0].noise, None, "that it is over is told to whoever heard of it");
}

#[tokio::test]
async fn kind_of_principal_is_a_label() {
    let (alerts, _) = of("CIS-4.4-x", "ALARM", &[call("1", "iam", "PutRolePolicy", json!({}))]).await;
    assert_eq!(alerts[0].labels["principal.kind"].as_str(), "sso");
}
