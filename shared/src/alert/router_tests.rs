//! Messages routed against a made-up organization, from the text to what is owed.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::super::fakes::{
    FakeAccounts, FakeAws, FakeBudgets, FakeDirectory, FakeQueue, FlakyStore, config, invocation, sample,
};
use super::super::incident::Turn;
use super::super::outbox::{Delivery, Ticket};
use super::super::timer::Timers;
use super::*;
use crate::aws::budgets::{BudgetFacts, Spend, TimeUnit};
use crate::store::{Key, Store};

const NOW: &str = "2026-11-12T04:27:00Z";

pub(super) struct Stage {
    aws: Arc<FakeAws>,
    pub queue: Arc<FakeQueue>,
    pub store: Arc<FlakyStore>,
    pub router: Router,
}

impl Stage {
    pub fn new(aws: Arc<FakeAws>, facts: Option<BudgetFacts>) -> Self {
        let hook = json!([{"webhook": {"url": "https://hooks.acme.example/x"}}]);
        let alerts = json!({
            "receivers": {"platform": hook, "security": hook, "owner": hook},
            "route": {"receiver": "platform", "routes": [
                {"match": {"severity": "critical"}, "receiver": "security"},
                {"match": {"kind": "budget", "ou": "Sandbox/**"}, "receiver": "owner"}]},
            "silence": [{"match": {"alarm": "quiet*"}, "until": "2027-01-31", "because": "moving"}],
        });
        Self::routed(alerts, aws, facts)
    }

    /// The same with another `alerts` section.
    pub fn routed(alerts: Value, aws: Arc<FakeAws>, facts: Option<BudgetFacts>) -> Self {
        let (queue, store) = (Arc::new(FakeQueue::default()), Arc::new(FlakyStore::default()));
        let router = Router {
            noise: Noise::of(&[]),
            ladder: None,
            accounts: Arc::new(FakeAccounts(Arc::clone(&aws))),
            budgets: Arc::new(FakeBudgets(facts)),
            directory: Arc::new(FakeDirectory),
            contacts: Contacts::new(Arc::new(FakeAccounts(Arc::clone(&aws))), "eu-west-1".parse().unwrap()),
            desk: Desk {
                config: config(alerts),
                store: Arc::<FlakyStore>::clone(&store),
                out: Out::Queue(Arc::<FakeQueue>::clone(&queue)),
                timers: Timers { store: Arc::<FlakyStore>::clone(&store), mailbox: None },
            },
        };
        Self { aws, queue, store, router }
    }

    /// How often the log was searched.
    pub fn aws_asked(&self) -> usize {
        self.aws.asked("FilterLogEvents").len()
    }

    pub async fn handle(&self, message: &Message) -> Result<Value, Failure> {
        self.router.handle(&invocation(NOW, 120), message).await
    }

    /// The report on the first alert of a sample's first message.
    async fn report(&self, name: &str) -> Value {
        let report = self.handle(&sample(name)[0]).await.unwrap();
        report["alerts"][0].clone()
    }

    /// The alerts owed, in the order in which they were queued.
    async fn owed(&self) -> Vec<Alert> {
        self.deliveries().await.into_iter().map(|delivery| delivery.alert).collect()
    }

    /// What each delivery is to its matter, in the order in which they were queued.
    pub async fn turns(&self) -> Vec<(String, Turn)> {
        self.deliveries().await.into_iter().map(|delivery| (delivery.receiver, delivery.turn)).collect()
    }

    pub async fn deliveries(&self) -> Vec<Delivery> {
        let sent = self.queue.0.lock().unwrap().clone();
        let mut deliveries = Vec::new();
        for (body, _, _) in sent {
            let body: Value = serde_json::from_str(&body).unwrap();
            let ticket: Ticket = serde_json::from_value(body["delivery"].clone()).unwrap();
            let key = Key::new(format!("outbox#{}", ticket.receiver), ticket.delivery);
            let item = self.store.get(&key).await.unwrap().unwrap();
            deliveries.push(serde_json::from_value::<Delivery>(item.body).unwrap());
        }
        deliveries
    }

    pub fn receivers(&self) -> Vec<String> {
        let sent = self.queue.0.lock().unwrap();
        sent.iter().map(|(_, group, _)| group.trim_end_matches("-webhook-0").to_owned()).collect()
    }
}

pub(super) fn sandbox_budget() -> BudgetFacts {
    let spend = |amount: &str| Some(Spend { amount: amount.parse().unwrap(), unit: "USD".to_owned() });
    BudgetFacts {
        unit: TimeUnit::Monthly,
        actual: spend("104.62"),
        forecast: spend("163.9"),
        limit: spend("100.0"),
        accounts: BTreeSet::from(["444455556666".parse().unwrap()]),
        ..BudgetFacts::default()
    }
}

fn fact(alert: &Alert, name: &str) -> String {
    alert.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.to_string()).unwrap_or_default()
}

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// An account with one metric filter and its events: an empty page first, then one with two.
pub(super) fn trail() -> Vec<(&'static str, Value)> {
    vec![
        ("DescribeMetricFilters", fixture(include_str!("fixtures/describe-metric-filters-response.json"))),
        ("FilterLogEvents", fixture(include_str!("fixtures/filter-log-events-page1-empty.json"))),
        ("FilterLogEvents", fixture(include_str!("fixtures/filter-log-events-page2.json"))),
    ]
}

/// One page of log events.
fn page(records: &[&str]) -> Value {
    json!({"events": records.iter().map(|record| json!({"message": record})).collect::<Vec<_>>()})
}

const CROSS_ACCOUNT: &str = include_str!("fixtures/record-cross-account-put-bucket-policy.json");
const HOSTILE: &str = include_str!("fixtures/record-stop-logging-hostile-user-agent.json");

#[tokio::test]
async fn budget_goes_to_the_owner_of_the_account_that_spends() {
    let stage = Stage::new(FakeAws::answering(&[]), Some(sandbox_budget()));
    let report = stage.report("budget-router/actual-monthly-100pct").await;
    assert_eq!((&report["account"], &report["turn"]), (&json!("444455556666"), &json!("first")));
    assert_eq!(stage.receivers(), ["owner"]);
    let owed = stage.owed().await;
    assert_eq!(fact(&owed[0], "confirmed"), "yes: the actual spend is over the threshold");
    assert_eq!(fact(&owed[0], "owner"), "ana@acme.example, by tag owner=ana@acme.example of the account");
    assert_eq!(fact(&owed[0], "account"), "sbx-ana (444455556666) in Sandbox");
    assert_eq!(owed[0].labels["period"].as_str(), "2026-11-01");
}

#[tokio::test]
async fn anomaly_of_two_accounts_is_a_matter_for_each() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    let report = stage.handle(&sample("budget-router/cost-sns-anomaly")[0]).await.unwrap();
    let accounts: Vec<&Value> = report["alerts"].as_array().unwrap().iter().map(|alert| &alert["account"]).collect();
    assert_eq!(accounts, ["444455556666", "555566667777"]);
    let owed = stage.owed().await;
    assert!(fact(&owed[0], "root cause").contains("444455556666"), "{:?}", owed[0].facts);
    assert!(
        owed[0].facts.iter().all(|fact| fact.name != "root cause" || !fact.value.as_str().contains("555566667777"))
    );
    let again = stage.handle(&sample("budget-router/cost-eventbridge-anomaly-detected")[0]).await.unwrap();
    assert_eq!((&again["alerts"][0]["turn"], &again["alerts"][1]["turn"]), (&json!("known"), &json!("known")));
}

/// The anomaly of one account with this impact.
fn anomaly(impact: f64) -> Message {
    let body = json!({"anomalyId": "a-1", "accountId": "111122223333", "dimensionalValue": "Amazon SageMaker",
        "impact": {"totalImpact": impact}, "rootCauses": [{"linkedAccount": "444455556666", "service": "Amazon SageMaker"}]});
    Message::direct(format!("m-{impact}"), body.to_string())
}

#[tokio::test]
async fn anomaly_that_grows_by_a_fifth_is_told_again_in_its_thread() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    for impact in [100.0, 119.0, 120.0, 143.0, 150.5, 150.5, 90.0] {
        stage.handle(&anomaly(impact)).await.unwrap();
    }
    let turns: Vec<Turn> = stage.turns().await.into_iter().map(|(_, turn)| turn).collect();
    assert_eq!(turns, [Turn::First, Turn::Update, Turn::Update], "less than a fifth more is not told, nor less");
    let owed = stage.owed().await;
    assert_eq!(owed[1].title.as_str(), "Cost anomaly in Amazon SageMaker: 120.0 more than expected");
    assert_eq!(fact(&owed[1], "grown"), "impact from 100.0 to 120.0 since it was told last");
    assert_eq!((fact(&owed[2], "impact"), owed[2].labels["impact"].as_str()), ("150.5".to_owned(), "150.5"));
    assert_eq!(owed[2].facts.iter().filter(|fact| fact.name == "impact").count(), 1, "only what is so now");
}

#[tokio::test]
async fn budget_that_cannot_be_read_holds_nothing_up() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    stage.report("budget-router/actual-monthly-100pct").await;
    assert_eq!(stage.receivers(), ["platform"]);
    let notes: Vec<String> = stage.owed().await[0].notes.iter().map(ToString::to_string).collect();
    assert!(notes[0].starts_with("enrichment: partial (budgets:DescribeBudget"), "{notes:?}");
    assert_eq!(notes[1], "enrichment: partial (account 111122223333 is not in the organization)");
}

#[tokio::test]
async fn same_message_twice_is_delivered_once() {
    let stage = Stage::new(FakeAws::answering(&[]), Some(sandbox_budget()));
    stage.report("budget-router/actual-monthly-100pct").await;
    let again = stage.report("budget-router/sqs-raw-delivery-budget").await;
    assert_eq!((&again["turn"], &again["suppressed_by"]), (&json!("known"), &json!("it was delivered before")));
    assert_eq!(stage.receivers(), ["owner"]);
    stage.report("budget-router/actual-monthly-80pct").await;
    assert_eq!(stage.receivers(), ["owner", "owner"], "another threshold is another matter");
}

#[tokio::test]
async fn forecast_that_comes_again_in_the_period_is_a_repetition() {
    let stage = Stage::new(FakeAws::answering(&[]), Some(sandbox_budget()));
    assert_eq!(stage.report("budget-router/forecasted-monthly-100pct").await["turn"], "first");
    assert_eq!(stage.report("budget-router/forecasted-repeat-same-period").await["turn"], "known");
}

/// The writes of one budget notification, each of which the process may not survive.
#[tokio::test]
async fn run_that_died_at_any_write_is_taken_up_and_nothing_is_told_twice() {
    for write in 1..=4 {
        let stage = Stage::new(FakeAws::answering(&[]), Some(sandbox_budget()));
        stage.store.refuse.store(write, Ordering::Relaxed);
        stage.store.times.store(1, Ordering::Relaxed);
        let message = &sample("budget-router/actual-monthly-100pct")[0];
        assert!(matches!(stage.handle(message).await, Err(Failure::Retryable(_))), "write {write}");
        stage.handle(message).await.unwrap();
        let sent = stage.queue.0.lock().unwrap().clone();
        let ids: BTreeSet<&String> = sent.iter().map(|(_, _, id)| id).collect();
        assert_eq!(ids.len(), 1, "SQS drops a second by its deduplication id; write {write}");
        assert_eq!(stage.store.list("outbox#owner", "").await.unwrap().len(), 1, "one delivery is owed; write {write}");
    }
}

#[tokio::test]
async fn alarm_carries_who_what_where_and_when() {
    let stage = Stage::new(FakeAws::answering(&trail()), None);
    let report = stage.report("alarm-fanout/eventbridge-alarm-state-change").await;
    assert_eq!(report["account"], "555566667777", "the account concerned, not the alarm's");
    let security = |turn| ("security".to_owned(), turn);
    assert_eq!(stage.turns().await, [security(Turn::First), security(Turn::Update)], "at once, and then the causes");
    let deliveries = stage.deliveries().await;
    assert_eq!(deliveries[0].incident, deliveries[1].incident, "in the same thread");
    let owed = stage.owed().await;
    assert!(owed[0].evidence.is_empty());
    let told: Vec<String> = owed[1]
        .evidence
        .iter()
        .map(|e| format!("{} {} {} {} {}", e.when.unwrap(), e.who, e.what, e.r#where, e.from))
        .collect();
    let root = "arn:aws:iam::555566667777:root (Root)";
    assert_eq!(
        told,
        [
            format!("2026-11-12T04:21:37Z {root} iam:CreateAccessKey us-east-1 203.0.113.64"),
            format!("2026-11-12T04:21:37Z {root} signin:ConsoleLogin us-east-1 203.0.113.64"),
        ]
    );
    assert!(owed[1].title.as_str().starts_with("CIS-4.3-RootAccountUsage: iam:CreateAccessKey by arn:"));
}

#[tokio::test]
async fn log_is_searched_with_the_filters_own_pattern_to_the_last_page() {
    let stage = Stage::new(FakeAws::answering(&trail()), None);
    stage.report("alarm-fanout/eventbridge-alarm-state-change").await;
    let asked = stage.aws.asked("FilterLogEvents");
    assert_eq!(asked.len(), 2, "an empty page has a successor");
    let pattern =
        r#"{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}"#;
    assert_eq!(
        (&asked[0]["filterPattern"], &asked[0]["logGroupName"]),
        (&json!(pattern), &json!("aws-controltower/CloudTrailLogs"))
    );
    assert_eq!(
        (&asked[0]["startTime"], &asked[0]["endTime"]),
        (&json!(1_794_456_300_000_i64), &json!(1_794_457_731_118_i64))
    );
    assert_eq!((asked[0].get("nextToken"), &asked[1]["nextToken"]), (None, &json!("Bxkq6kVGFtq2y_EXAMPLE")));
    let metric = json!({"metricNamespace": "LogMetrics", "metricName": "RootAccountUsage"});
    assert_eq!(stage.aws.asked("DescribeMetricFilters"), [metric]);
}

#[tokio::test]
async fn one_alarm_about_two_accounts_is_two_matters() {
    let mut answers = trail();
    answers.pop();
    answers.push(("FilterLogEvents", page(&[CROSS_ACCOUNT, HOSTILE, "no json", "{}"])));
    let stage = Stage::new(FakeAws::answering(&answers), None);
    stage.report("alarm-fanout/sns-cis-root-usage-alarm").await;
    let owed = stage.owed().await;
    let accounts: Vec<String> = owed.iter().map(|alert| alert.account.as_ref().unwrap().to_string()).collect();
    assert_eq!(
        accounts,
        ["222233334444", "444455556666", "555566667777"],
        "the alarm's own at once, then each concerned"
    );
    let actor = owed[2].evidence[0].actor.as_ref().unwrap();
    assert_eq!(actor.as_ref(), "444455556666", "who did it belongs to another account");
    let agent = owed[1].evidence[0].agent.as_str();
    assert!(agent.ends_with("@everyone  X-Injected: 1"), "line breaks are gone: {agent}");
}

#[tokio::test]
async fn every_filter_of_a_metric_is_searched_and_events_count_once() {
    let filter = |group: &str| json!({"filterPattern": "{ x }", "logGroupName": group});
    let filters = json!({"metricFilters": [filter("a"), filter("b"), filter("a")]});
    let answers = [("DescribeMetricFilters", filters), ("FilterLogEvents", page(&[CROSS_ACCOUNT, CROSS_ACCOUNT]))];
    let stage = Stage::new(FakeAws::answering(&answers), None);
    stage.report("alarm-fanout/sns-metric-math").await;
    assert_eq!(stage.aws.asked("DescribeMetricFilters").len(), 2, "both metrics of the math");
    assert_eq!(stage.aws.asked("FilterLogEvents").len(), 4, "both groups for each");
    assert_eq!(stage.owed().await[1].evidence[0].count, 1);
}

#[tokio::test]
async fn composite_is_followed_to_its_children() {
    let child = json!({"AlarmName": "CIS-4.3-RootAccountUsage", "StateValue": "ALARM", "Namespace": "LogMetrics",
        "MetricName": "RootAccountUsage", "StateReasonData":
        "{\"startDate\":\"2026-11-12T04:20:00.000+0000\",\"queryDate\":\"2026-11-12T04:26:51.118+0000\"}"});
    let mut answers = trail();
    answers.push(("DescribeAlarms", json!({"MetricAlarms": [child], "CompositeAlarms": []})));
    for name in ["eventbridge-composite", "sns-composite", "lambda-action-composite-no-suppressor"] {
        let stage = Stage::new(FakeAws::answering(&answers), None);
        stage.report(&format!("alarm-fanout/{name}")).await;
        assert_eq!(stage.aws.asked("DescribeAlarms")[0]["AlarmNames"], json!(["CIS-4.3-RootAccountUsage"]));
        assert_eq!(stage.owed().await[1].evidence.len(), 2, "{name}");
    }
}

#[tokio::test]
async fn alarm_without_events_goes_out_at_once_and_says_so() {
    let answers = [("DescribeMetricFilters", trail()[0].1.clone()), ("FilterLogEvents", page(&[]))];
    let stage = Stage::new(FakeAws::answering(&answers), None);
    let report = stage.report("alarm-fanout/eventbridge-alarm-state-change").await;
    assert_eq!(
        report["notes"][0],
        "no event was found yet in aws-controltower/CloudTrailLogs; it is searched again for a quarter of an hour"
    );
    let owed = stage.owed().await;
    let told = |alert: &Alert| alert.notes.iter().any(|note| note.as_str().starts_with("no event was found yet"));
    assert!(!told(&owed[0]) && told(&owed[1]), "told before anything was looked for, and what came of it");
    stage.report("alarm-fanout/eventbridge-alarm-state-change").await;
    assert_eq!(stage.receivers(), ["security", "security"], "and once");
}

#[tokio::test]
async fn log_that_may_not_be_read_is_said() {
    let stage = Stage::new(FakeAws::answering(&trail()[..1]), None);
    let report = stage.report("alarm-fanout/eventbridge-alarm-state-change").await;
    let note = report["notes"][0].as_str().unwrap();
    assert!(note.starts_with("enrichment: partial (logs:FilterLogEvents"), "{note}");
    assert!(stage.owed().await[1].notes.iter().any(|told| told.as_str() == note));
}

#[tokio::test]
async fn recovery_reaches_everybody_who_heard_of_the_alarm() {
    let mut answers = trail();
    answers.pop();
    answers.push(("FilterLogEvents", page(&[CROSS_ACCOUNT, HOSTILE])));
    let stage = Stage::new(FakeAws::answering(&answers), None);
    stage.report("alarm-fanout/eventbridge-alarm-state-change").await;
    let over = stage.handle(&sample("alarm-fanout/sns-cis-root-usage-ok")[0]).await.unwrap();
    let reports = over["alerts"].as_array().unwrap().iter().filter(|report| report["turn"] != "known");
    let turns: Vec<(&Value, &Value)> = reports.map(|report| (&report["account"], &report["turn"])).collect();
    let resolve = json!("resolve");
    let accounts = [json!("444455556666"), json!("555566667777"), json!("222233334444")];
    assert_eq!(turns, [(&accounts[0], &resolve), (&accounts[1], &resolve), (&accounts[2], &resolve)]);
    assert_eq!(stage.receivers().len(), 4, "at once, two accounts, and one end in the one thread");
    let again = stage.report("alarm-fanout/sns-cis-root-usage-ok").await;
    assert_eq!((&again["turn"], stage.receivers().len()), (&json!("stale"), 4));
}

#[tokio::test]
async fn silenced_alarm_is_remembered_and_not_delivered() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    let mut message = sample("alarm-fanout/eventbridge-contributor-state-change").remove(0);
    message.text = message.text.replace("denied-by-account", "quiet-alarm");
    let report = stage.handle(&message).await.unwrap();
    assert_eq!(report["alerts"][0]["suppressed_by"], "a silence until 2027-01-31: moving");
    assert!(stage.receivers().is_empty());
}

#[tokio::test]
async fn batch_fails_only_for_what_nobody_knows_and_delivers_even_that() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    let mut failed = Vec::new();
    for message in sample("budget-router/sqs-sns-envelope-batch-mixed") {
        if stage.handle(&message).await.is_err() {
            failed.push(json!({"itemIdentifier": message.item}));
        }
    }
    let expect = fixture(include_str!("fixtures/sqs-partial-batch-response-expected.json"));
    assert_eq!(json!({"batchItemFailures": failed}), expect);
    let first = stage.deliveries().await.into_iter().filter(|delivery| delivery.turn == Turn::First);
    let raw: Vec<String> = first.map(|delivery| delivery.alert.raw.to_string()).collect();
    assert_eq!(raw.len(), 5, "the anomaly concerns two accounts");
    assert!(raw.contains(&"not json at all".to_owned()));
}

#[tokio::test]
async fn text_that_a_person_sent_to_the_topic_is_simply_delivered() {
    let stage = Stage::new(FakeAws::answering(&[]), None);
    stage.report("budget-router/unknown-text").await;
    assert_eq!(stage.receivers(), ["platform"]);
}

#[tokio::test]
async fn configuration_without_alerts_is_said() {
    let mut stage = Stage::new(FakeAws::answering(&[]), None);
    let mut without = (*stage.router.desk.config).clone();
    without.alerts = None;
    stage.router.desk.config = Arc::new(without);
    let told = stage.handle(&sample("budget-router/actual-daily")[0]).await;
    assert!(matches!(told, Err(Failure::Config(_))), "{told:?}");
}
