//! What no function may choke on: the real binaries, fed with what they cannot use. Nothing is lost, nothing panics.

use std::collections::BTreeMap;
use std::path::PathBuf;

use forester_e2e::deploy::FUNCTIONS;
use forester_e2e::runtime_api::{Answer, Function};
use forester_e2e::stack::Stack;
use forester_e2e::webhook::Webhook;
use forester_e2e::world::World;
use forester_e2e::{Outcome, environment};
use serde_json::{Value, json};

/// A stack with an organization, a configuration, and functions that run outside the emulated Lambda.
struct Bench {
    stack: Stack,
    world: World,
    webhook: Webhook,
    directory: PathBuf,
}

impl Bench {
    async fn set_up(name: &str, change: impl Fn(String) -> String) -> Outcome<Self> {
        let stack = Stack::start().await?;
        let world = World::create(&stack).await?;
        let webhook = Webhook::listen().await?;
        let directory = std::env::temp_dir().join(format!("forester-bad-input-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory)?;
        let config = environment::configuration()?;
        let config = change(config.replace("http://127.0.0.1:1/hook", &webhook.url));
        std::fs::write(directory.join("forester.yaml"), config)?;
        Ok(Self { stack, world, webhook, directory })
    }

    async fn function(&self, name: &str) -> Outcome<Function> {
        let file = |name: &str| self.directory.join(name).display().to_string();
        let environment = BTreeMap::from([
            ("FORESTER_CONFIG", file("forester.yaml")),
            ("FORESTER_STATE", file("state")),
            ("FORESTER_ALLOW_LOOPBACK", "1".to_owned()),
            ("AWS_ENDPOINT_URL", self.stack.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", self.stack.management.to_string()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_SESSION_TOKEN", String::new()),
        ]);
        Ok(Function::start(&environment::binaries()?.join(name), environment).await?)
    }

    async fn tear_down(self) -> Outcome<()> {
        std::fs::remove_dir_all(&self.directory)?;
        self.stack.stop().await
    }
}

/// An SQS batch of these bodies; message ids are `m0`, `m1` and so on.
fn batch(bodies: &[&str]) -> Value {
    let record = |(n, body): (usize, &&str)| {
        json!({ "messageId": format!("m{n}"), "receiptHandle": "r", "body": body, "attributes": {},
            "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:q" })
    };
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

fn failed_items(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Response(value) => {
            let failures = value["batchItemFailures"].as_array().cloned().unwrap_or_default();
            failures.iter().filter_map(|item| item["itemIdentifier"].as_str()).map(str::to_owned).collect()
        }
        Answer::Error { kind, message } => vec![format!("{kind}: {message}")],
    }
}

#[tokio::test]
async fn malformed_json_is_an_error_and_the_next_event_is_taken() -> Outcome<()> {
    let bench = Bench::set_up("malformed", |config| config).await?;
    for name in FUNCTIONS {
        let mut function = bench.function(name).await?;
        let outcome = function.invoke_bytes("{\"Records\": [").await;
        assert!(matches!(outcome.answer, Answer::Error { .. }), "{name}: {outcome:?}");
        let next = function.invoke(&batch(&[])).await;
        assert!(!matches!(&next.answer, Answer::Error { kind, .. } if kind == "Runtime.ExitError"), "{name}: {next:?}");
        assert!(!function.log().contains("panicked"), "{name}: {}", function.log());
        function.stop().await;
    }
    bench.tear_down().await
}

#[tokio::test]
async fn events_of_another_kind_go_back_to_the_queue_with_a_reason() -> Outcome<()> {
    let bench = Bench::set_up("kind", |config| config).await?;
    for name in ["account-baseline", "sandbox-reset", "alert-delivery"] {
        let mut function = bench.function(name).await?;
        let outcome =
            function.invoke(&batch(&[r#"{"id":"e1","detail-type":"Scheduled Event","source":"acme.example"}"#])).await;
        assert_eq!(failed_items(&outcome.answer), ["m0"], "{name}: {}", function.log());
        let log = function.stop().await;
        let line =
            log.lines().find(|line| line.contains("could not handle")).ok_or(format!("{name} said nothing: {log}"))?;
        let line: Value = serde_json::from_str(line)?;
        assert_eq!(
            (&line["level"], &line["error.kind"], &line["service"]),
            (&json!("ERROR"), &json!("BadEvent"), &json!(name))
        );
        assert!(log.contains("\"BadEvent\":1"), "{name} counted nothing: {log}");
    }
    bench.tear_down().await
}

#[tokio::test]
async fn one_bad_message_does_not_hold_up_its_neighbours() -> Outcome<()> {
    let bench = Bench::set_up("neighbours", |config| config).await?;
    let dev = bench.world.ids.get("dev").ok_or("no account dev")?.to_string();
    let good = json!({ "account": dev }).to_string();
    let mut function = bench.function("account-baseline").await?;
    let outcome = function.invoke(&batch(&["not json", &good, "{}"])).await;
    assert_eq!(failed_items(&outcome.answer), ["m0", "m2"], "{}", function.stop().await);
    bench.tear_down().await
}

#[tokio::test]
async fn an_unknown_account_is_named_and_kept() -> Outcome<()> {
    let bench = Bench::set_up("unknown", |config| config).await?;
    let mut function = bench.function("account-baseline").await?;
    let outcome = function.invoke(&batch(&[r#"{"account":"999988887777"}"#])).await;
    let log = function.stop().await;
    assert_eq!(failed_items(&outcome.answer), ["m0"], "{log}");
    assert!(log.contains("999988887777"), "{log}");
    bench.tear_down().await
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_named_and_the_message_kept() -> Outcome<()> {
    let bench =
        Bench::set_up("role", |config| config.replace("role: OrganizationAccountAccessRole", "role: NoSuchRole"))
            .await?;
    let dev = bench.world.ids.get("dev").ok_or("no account dev")?.to_string();
    let mut function = bench.function("account-baseline").await?;
    let outcome = function.invoke(&batch(&[&json!({ "account": dev }).to_string()])).await;
    let log = function.stop().await;
    assert_eq!(failed_items(&outcome.answer), ["m0"], "{log}");
    assert!(log.contains("NoSuchRole"), "{log}");
    bench.tear_down().await
}

#[tokio::test]
async fn a_truncated_budget_text_is_delivered_all_the_same() -> Outcome<()> {
    let bench = Bench::set_up("truncated", |config| config).await?;
    let sample = environment::root()?.join("events/budget-router/truncated-body.json");
    let event: Value = serde_json::from_str(&std::fs::read_to_string(sample)?)?;
    let text = event.pointer("/Records/0/Sns/Message").and_then(Value::as_str).ok_or("the sample has no message")?;
    let mut function = bench.function("budget-router").await?;
    let outcome = function.invoke(&batch(&[text])).await;
    let log = function.stop().await;
    assert_eq!(failed_items(&outcome.answer), Vec::<String>::new(), "{log}");
    let received = bench.webhook.received();
    assert_eq!(received.len(), 1, "{received:?} {log}");
    bench.tear_down().await
}
