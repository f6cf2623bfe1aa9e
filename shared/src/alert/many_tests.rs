//! Many calls and few messages: floods, regions nobody governs, and causes that come late.

use serde_json::Value;

use super::super::fakes::{FakeAws, invocation, sample};
use super::super::incident::Turn;
use super::tests::{Stage, trail};
use super::*;

const ALARM: &str = "alarm-fanout/eventbridge-alarm-state-change";
const OVER: &str = "alarm-fanout/sns-cis-root-usage-ok";

/// A bare record as a subscription hands it over, with these members changed.
fn record(n: usize, at: &str, source: &str, name: &str, more: &Value) -> Message {
    let mut record = json!({"eventVersion": "1.11", "eventTime": at, "eventID": format!("e-{n}"), "eventName": name,
        "eventSource": format!("{source}.amazonaws.com"), "awsRegion": "eu-west-1", "recipientAccountId": "444455556666",
        "eventType": "AwsApiCall", "userIdentity": {"type": "IAMUser", "accountId": "444455556666",
            "arn": "arn:aws:iam::444455556666:user/ci"}});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Message::direct(format!("m-{n}"), record.to_string())
}

fn refused(n: usize, at: &str, name: &str) -> Message {
    record(n, at, "s3", name, &json!({"errorCode": "AccessDenied", "sourceIPAddress": "192.0.2.1"}))
}

impl Stage {
    async fn hear(&self, message: &Message, at: &str) -> Value {
        self.router.handle(&invocation(at, 120), message).await.unwrap()["alerts"][0].clone()
    }

    async fn sweep(&self, at: &str) {
        let message = Message::direct("s", json!({"forester": "sweep"}).to_string());
        self.router.handle(&invocation(at, 120), &message).await.unwrap();
    }

    /// Turn and title of everything owed.
    async fn said(&self) -> Vec<(Turn, String)> {
        let deliveries = self.deliveries().await.into_iter();
        deliveries.map(|delivery| (delivery.turn, delivery.alert.title.to_string())).collect()
    }
}

#[tokio::test]
async fn refused_call_is_told_the_first_time_and_then_counted() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    for n in 0..5 {
        stage.hear(&refused(n, "2026-11-12T05:00:00Z", "ListBuckets"), "2026-11-12T05:00:30Z").await;
    }
    let other = stage.hear(&refused(9, "2026-11-12T05:01:00Z", "GetObject"), "2026-11-12T05:01:30Z").await;
    assert_eq!((&other["turn"], stage.said().await.len()), (&json!("first"), 2), "what is new is told");
    let known = stage.hear(&refused(10, "2026-11-12T05:02:00Z", "GetObject"), "2026-11-12T05:02:30Z").await;
    let why = "counted: 7 within 10 minutes, and told from 20 on; it was told before that this principal does so";
    assert_eq!(known["suppressed_by"], why);
    let again = stage.hear(&refused(9, "2026-11-12T05:01:00Z", "GetObject"), "2026-11-12T05:03:30Z").await;
    assert_eq!(again["turn"], "known", "a message that comes twice counts once");
}

#[tokio::test]
async fn flood_of_refused_calls_is_one_matter_with_a_count_and_an_end() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    for n in 0..90 {
        let at = format!("2026-11-12T05:0{}:{:02}Z", n / 60, n % 60);
        // Each call is another one: who tries all there are must not send a message for each.
        stage.hear(&refused(n, &at, &format!("Get{n}")), &at).await;
    }
    let said = stage.said().await;
    let single = said.iter().take_while(|(_, title)| !title.contains("refused calls")).count();
    assert_eq!(
        (single, said.len()),
        (19, 22),
        "those before it was a flood, the flood, and twice that it doubled: {said:#?}"
    );
    let counts: Vec<&str> = said[19..].iter().map(|(_, title)| title.split(' ').next().unwrap()).collect();
    assert_eq!(counts, ["20", "40", "80"]);
    assert_eq!(said[19].0, Turn::First);
    let incidents: BTreeSet<String> =
        stage.deliveries().await.into_iter().skip(19).map(|delivery| delivery.incident).collect();
    assert_eq!(incidents.len(), 1, "in one thread");
    stage.sweep("2026-11-12T05:11:30Z").await;
    assert_eq!(stage.said().await.len(), 22, "the last came ten minutes ago, not more");
    stage.sweep("2026-11-12T05:12:30Z").await;
    let (turn, title) = stage.said().await.pop().unwrap();
    assert_eq!(turn, Turn::Resolve);
    assert!(title.ends_with("over after 90 in all, nothing came for ten minutes"), "{title}");
}

#[tokio::test]
async fn failed_sign_ins_count_by_account_whoever_it_was() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    for n in 0..5 {
        let who = json!({"errorMessage": "Failed authentication", "userIdentity": {"type": "IAMUser",
            "userName": format!("user{n}"), "accountId": "444455556666"}});
        stage.hear(&record(n, "2026-11-12T05:00:00Z", "signin", "ConsoleLogin", &who), "2026-11-12T05:00:30Z").await;
    }
    let (turn, title) = stage.said().await.pop().unwrap();
    assert_eq!(turn, Turn::First);
    assert!(title.starts_with("5 failed sign-ins in 444455556666 since "), "{title}");
}

#[tokio::test]
async fn calls_far_apart_are_no_flood() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    for n in 0..40 {
        let at = format!("2026-11-12T{:02}:{:02}:00Z", n / 2, (n % 2) * 30);
        stage.hear(&refused(n, &at, "ListBuckets"), &at).await;
    }
    assert_eq!(stage.said().await.len(), 1, "the first only");
}

#[tokio::test]
async fn first_work_of_the_day_in_a_region_that_nobody_governs_is_told_once() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    let run = |n, at, region: &str| record(n, at, "lambda", "CreateFunction20150331", &json!({"awsRegion": region}));
    let told = |report: &Value| report["title"].as_str().unwrap_or_default().to_owned();
    let first = stage.hear(&run(1, "2026-11-12T05:00:00Z", "ap-south-1"), "2026-11-12T05:00:30Z").await;
    assert_eq!(first["suppressed_by"], "no rule knows it, and a subscription hands over everything");
    let said = stage.said().await;
    assert_eq!(said.len(), 1, "{said:?}");
    let why = "ap-south-1 is in use, which nobody governs: lambda:CreateFunction20150331 by arn:aws:iam::444455556666:user/ci";
    assert!(said[0].1.starts_with(why), "{said:?}");
    stage.hear(&run(1, "2026-11-12T05:00:00Z", "ap-south-1"), "2026-11-12T05:00:40Z").await;
    stage.hear(&run(2, "2026-11-12T23:00:00Z", "ap-south-1"), "2026-11-12T23:00:30Z").await;
    assert_eq!(stage.said().await.len(), 1, "once a day");
    stage.hear(&run(3, "2026-11-13T00:00:00Z", "ap-south-1"), "2026-11-13T00:00:30Z").await;
    stage.hear(&run(4, "2026-11-12T05:00:00Z", "ap-south-2"), "2026-11-12T05:00:30Z").await;
    assert_eq!(stage.said().await.len(), 3, "and each region: {}", told(&first));
}

#[tokio::test]
async fn what_makes_nothing_is_no_sign_of_a_new_region() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    let there = |more: Value| {
        let mut all = json!({"awsRegion": "ap-south-1"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let own = json!({"type": "AssumedRole", "arn": "arn:aws:sts::444455556666:assumed-role/R/forester"});
    let quiet = [
        record(1, "2026-11-12T05:00:00Z", "ec2", "DescribeInstances", &there(json!({"readOnly": true}))),
        record(
            2,
            "2026-11-12T05:00:00Z",
            "ec2",
            "RunInstances",
            &there(json!({"errorCode": "Client.DryRunOperation"})),
        ),
        record(3, "2026-11-12T05:00:00Z", "cloudfront", "CreateInvalidation", &there(json!({}))),
        record(4, "2026-11-12T05:00:00Z", "lambda", "CreateAlias", &there(json!({"userIdentity": own}))),
        record(
            5,
            "2026-11-12T05:00:00Z",
            "logs",
            "CreateLogStream",
            &there(json!({"userIdentity": {"type": "AWSService"}})),
        ),
    ];
    for message in quiet {
        stage.hear(&message, "2026-11-12T05:00:30Z").await;
    }
    assert_eq!(stage.said().await, []);
}

/// An alarm whose log shows its event only in the `n`th search.
fn late(n: usize) -> Arc<FakeAws> {
    let mut answers = trail();
    answers.truncate(1);
    answers.extend(std::iter::repeat_n(("FilterLogEvents", json!({"events": []})), n));
    let mut found = trail().pop().unwrap();
    found.1.as_object_mut().unwrap().remove("nextToken");
    answers.push(found);
    FakeAws::answering(&answers)
}

#[tokio::test]
async fn cause_that_comes_late_is_found_and_told_in_the_thread() {
    let stage = Stage::new(late(2), None);
    stage.hear(&sample(ALARM)[0], "2026-11-12T04:27:00Z").await;
    assert_eq!(stage.said().await.len(), 2, "at once, and that nothing was found yet");
    stage.sweep("2026-11-12T04:27:30Z").await;
    assert_eq!(stage.aws_asked(), 1, "not before a minute has passed");
    stage.sweep("2026-11-12T04:28:05Z").await;
    assert_eq!((stage.aws_asked(), stage.said().await.len()), (2, 2), "still nothing, and nothing to tell");
    stage.sweep("2026-11-12T04:31:10Z").await;
    let deliveries = stage.deliveries().await;
    let last = deliveries.last().unwrap();
    assert_eq!((deliveries.len(), last.turn, last.alert.evidence.len()), (3, Turn::Update, 2));
    assert_eq!(last.incident, deliveries[0].incident, "in the alarm's thread");
    stage.sweep("2026-11-12T05:30:00Z").await;
    assert_eq!(stage.aws_asked(), 3, "what is found is not searched for again");
}

#[tokio::test]
async fn last_search_says_that_nothing_was_found_and_where_to_look() {
    let stage = Stage::new(late(9), None);
    stage.hear(&sample(ALARM)[0], "2026-11-12T04:27:00Z").await;
    for at in ["2026-11-12T04:28:05Z", "2026-11-12T04:31:10Z", "2026-11-12T04:41:15Z", "2026-11-12T06:00:00Z"] {
        stage.sweep(at).await;
    }
    assert_eq!(stage.aws_asked(), 4, "at once, and after one, three and ten minutes");
    let deliveries = stage.deliveries().await;
    assert_eq!(deliveries.len(), 3);
    let note = deliveries[2].alert.notes.last().unwrap().to_string();
    let expect = "nothing was found behind the alarm within a quarter of an hour; look in \
                  aws-controltower/CloudTrailLogs of account 222233334444 with the metric filter's pattern, and in \
                  CloudTrail's event history";
    assert_eq!(note, expect);
}

#[tokio::test]
async fn alarm_that_is_over_is_not_searched_for_again() {
    let stage = Stage::new(late(9), None);
    stage.hear(&sample(ALARM)[0], "2026-11-12T04:27:00Z").await;
    stage.hear(&sample(OVER)[0], "2026-11-12T04:27:30Z").await;
    let (asked, said) = (stage.aws_asked(), stage.said().await.len());
    stage.sweep("2026-11-12T05:30:00Z").await;
    assert_eq!((stage.aws_asked(), stage.said().await.len()), (asked, said));
}
