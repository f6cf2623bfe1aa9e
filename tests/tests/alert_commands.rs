//! `forester alerts`: what each command says, in text and in JSON, and its exit codes.
//!
//! Without a deployment: the store is a file, the channels are endpoints of this process, and AWS refuses everything, so
//! that what a command does by itself is what is seen.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forester_e2e::command::{Ran, Terminal};
use forester_e2e::http::{Response, Server};
use forester_e2e::local::eventually;
use forester_e2e::stack::Stack;
use forester_e2e::webhook::Webhook;
use forester_e2e::world::World;
use forester_e2e::{Outcome, environment};
use serde_json::{Value, json};

/// A terminal, the receiver that is told, and the one whose channel refuses for good until it is mended.
struct Desk {
    terminal: Terminal,
    people: Webhook,
    is_gone: Arc<AtomicBool>,
    broken: Webhook,
    _aws: Server,
}

impl Desk {
    async fn open(name: &str, terms: &str) -> Outcome<Self> {
        let aws = Server::start(|_| async { Response::json(403, r#"{"__type":"AccessDeniedException"}"#) }).await?;
        let is_gone = Arc::new(AtomicBool::new(true));
        let gone = Arc::clone(&is_gone);
        let refuse = move |_| ready(gone.load(Ordering::Relaxed).then(|| Response::json(410, "{}")));
        let (people, broken) = (Webhook::listen().await?, Webhook::answering(refuse).await?);
        let config = format!(
            "version: 1\nmode: virtual-root\nhome_region: us-east-1\nregions: {{govern: [us-east-1]}}\naccess: {{role: R}}\n\
             accounts:\n  root: {{id: \"111122223333\"}}\n  sbx: {{id: \"444455556666\"}}\n\
             alerts:\n  receivers:\n    people: [{{webhook: {{url: \"{}\"}}}}]\n    broken: [{{webhook: {{url: \"{}\"}}}}]\n\
             \x20 route: {{receiver: people{terms}, routes: [{{match: {{kind: anomaly}}, receiver: broken}}]}}\n",
            people.url, broken.url
        );
        let terminal = Terminal::open(name, &config, None)?.reaching(&aws.url());
        Ok(Self { terminal, people, is_gone, broken, _aws: aws })
    }

    async fn run(&self, arguments: &[&str]) -> Outcome<Ran> {
        let all: Vec<&str> = ["alerts"].iter().chain(arguments).copied().collect();
        self.terminal.run(&all).await
    }

    /// The JSON of a command that ends like this.
    async fn json(&self, code: i32, arguments: &[&str]) -> Outcome<Value> {
        let all: Vec<&str> = arguments.iter().copied().chain(["--output", "json"]).collect();
        let ran = self.run(&all).await?;
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        ran.json()
    }

    /// The text of a command that ends like this.
    async fn text(&self, code: i32, arguments: &[&str]) -> Outcome<String> {
        let ran = self.run(arguments).await?;
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        Ok(ran.stdout)
    }

    async fn send(&self, event: &str, code: i32) -> Outcome<Value> {
        self.json(code, &["send", &sample(event)?, "--yes"]).await
    }
}

const BUDGET: &str = "budget-router/actual-monthly-80pct.json";
const ANOMALY: &str = "budget-router/cost-eventbridge-anomaly-detected.json";

fn sample(name: &str) -> Outcome<String> {
    Ok(environment::root()?.join("events").join(name).display().to_string())
}

fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn event_is_explained_in_words_and_delivers_nothing() -> Outcome<()> {
    let desk = Desk::open("explained", "").await?;
    let text = desk.text(0, &["explain", &sample(BUDGET)?]).await?;
    for said in ["kind budget", "route -> people", "to people by webhook", "label       budget = sandbox-444455556666"]
    {
        assert!(text.contains(said), "{said} is missing in:\n{text}");
    }
    let missing = desk.run(&["explain", "nowhere.json"]).await?;
    assert!(missing.code == 1 && missing.stderr.contains("nowhere.json"), "{missing:?}");
    assert_eq!(desk.people.received(), []);
    Ok(())
}

#[tokio::test]
async fn matter_is_sent_once_listed_and_acknowledged() -> Outcome<()> {
    let desk = Desk::open("matter", "").await?;
    assert_eq!(desk.text(0, &["incidents"]).await?.trim(), "nothing is open");
    let refused = desk.run(&["send", &sample(BUDGET)?]).await?;
    assert_eq!((refused.code, desk.people.received().len()), (3, 0), "nobody said yes: {refused:?}");
    let sent = desk.send(BUDGET, 0).await?;
    assert_eq!(sent["reports"][0]["alerts"][0]["deliveries"][0]["state"]["state"], json!("SENT"), "{sent}");
    let again = desk.send(BUDGET, 0).await?;
    assert_eq!(again["reports"][0]["alerts"][0]["suppressed_by"], json!("it was delivered before"), "{again}");
    assert_eq!(desk.people.received().len(), 1);
    let open = desk.json(0, &["incidents"]).await?;
    let id = open["incidents"][0]["id"].as_str().ok_or_else(|| format!("no matter in {open}"))?.to_owned();
    assert_eq!((count(&open["incidents"]), &open["incidents"][0]["signals"]), (1, &json!(2)), "{open}");
    assert!(desk.text(0, &["incidents"]).await?.contains("told people; nobody has taken it"));
    assert!(desk.text(0, &["ack", &id, "--by", "ana"]).await?.starts_with("acknowledged: "));
    let before = desk.json(0, &["ack", &id, "--by", "bob"]).await?;
    assert!(before["told"].as_str().is_some_and(|told| told.starts_with("acknowledged before, by ana")), "{before}");
    assert_eq!(desk.people.received().len(), 2, "whoever was told hears who has taken it, once");
    let unknown = desk.run(&["ack", "inc_0"]).await?;
    assert!(unknown.code == 1 && unknown.stderr.contains("no matter is called inc_0"), "{unknown:?}");
    Ok(())
}

#[tokio::test]
async fn silence_keeps_back_until_it_is_ended() -> Outcome<()> {
    let desk = Desk::open("silence", "").await?;
    let words = ["silence", "kind=budget", "--until", "2h", "--because", "planned load test", "--by", "ana"];
    let refused = desk.run(&words).await?;
    assert_eq!(refused.code, 3, "nobody said yes: {refused:?}");
    assert_eq!(desk.text(0, &["silences"]).await?.trim(), "no silence holds");
    let kept = desk.json(0, &[&words[..], &["--yes"]].concat()).await?;
    let id = kept["id"].as_str().ok_or_else(|| format!("no id in {kept}"))?.to_owned();
    let sent = desk.send(BUDGET, 0).await?;
    let why = sent["reports"][0]["alerts"][0]["suppressed_by"].as_str().unwrap_or_default();
    assert!(why.contains("planned load test") && why.contains("ana"), "{sent}");
    assert_eq!(desk.people.received(), []);
    assert!(desk.text(0, &["silences"]).await?.contains("planned load test"));
    assert_eq!(desk.json(0, &["unsilence", &id]).await?["ended"], json!(id));
    assert_eq!(desk.run(&["unsilence", &id]).await?.code, 1, "it is over");
    let wrong = desk.run(&["silence", "kind=budget", "--until", "soon", "--because", "x", "--yes"]).await?;
    assert!(wrong.code == 1 && wrong.stderr.contains("`soon` is neither"), "{wrong:?}");
    assert_eq!(desk.run(&["silence", "kind", "--until", "2h", "--because", "x"]).await?.code, 2, "no label=value");
    Ok(())
}

#[tokio::test]
async fn what_did_not_arrive_is_shown_and_sent_once_more() -> Outcome<()> {
    let desk = Desk::open("redriven", "").await?;
    assert!(desk.text(0, &["status"]).await?.contains("Everything that was owed has arrived."));
    desk.send(ANOMALY, 4).await?;
    let standing = desk.json(0, &["status"]).await?;
    let dead = count(&standing["dead"]);
    assert!(dead > 0 && standing["lost"] == json!(0), "{standing}");
    assert_eq!(desk.people.received().len(), dead, "the root's receiver stands in");
    assert!(desk.text(0, &["status"]).await?.contains("forester alerts redrive"));
    let still = desk.json(4, &["redrive", "--yes"]).await?;
    assert_eq!(still["deliveries"][0]["state"]["state"], json!("DEAD"), "the channel is not mended: {still}");
    desk.is_gone.store(false, Ordering::Relaxed);
    let strange = desk.run(&["redrive", "--receiver", "nobody", "--yes"]).await?;
    assert!(strange.code == 1 && strange.stderr.contains("no receiver `nobody`"), "{strange:?}");
    let sent = desk.json(0, &["redrive", "--receiver", "broken", "--yes"]).await?;
    assert_eq!((count(&sent["deliveries"]), desk.broken.received().len()), (dead, dead), "{sent}");
    assert_eq!(count(&desk.json(0, &["status"]).await?["dead"]), 0);
    Ok(())
}

#[tokio::test]
async fn sweep_tells_the_group_that_has_waited() -> Outcome<()> {
    let desk = Desk::open("swept", ", group_by: [kind], group_wait: 1s").await?;
    assert_eq!(desk.json(0, &["sweep"]).await?, json!({ "due": 0, "done": 0 }));
    desk.send(BUDGET, 0).await?;
    assert_eq!(desk.people.received(), [], "the group waits for more");
    let swept = async || {
        let told = desk.text(0, &["sweep"]).await?;
        Ok(told.contains("1 things were due, 1 are done").then_some(()))
    };
    eventually(Duration::from_secs(30), "a sweep that finds the group due", swept).await?;
    assert_eq!(desk.people.received().len(), 1);
    assert_eq!(desk.text(0, &["sweep"]).await?.trim(), "0 things were due, 0 are done");
    Ok(())
}

#[tokio::test]
async fn test_message_reaches_each_channel_or_says_why_not() -> Outcome<()> {
    let desk = Desk::open("tested", "").await?;
    let sent = desk.json(0, &["test", "people", "--yes"]).await?;
    assert_eq!(sent["channels"][0]["state"]["state"], json!("SENT"), "{sent}");
    assert!(desk.text(4, &["test", "broken", "--yes"]).await?.contains("broken by webhook: refused"));
    let strange = desk.run(&["test", "nobody", "--yes"]).await?;
    assert!(strange.code == 1 && strange.stderr.contains("no receiver `nobody`"), "{strange:?}");
    Ok(())
}

#[tokio::test]
async fn ladder_and_lint_look_into_the_stack() -> Outcome<()> {
    let stack = Stack::start().await?;
    let world = World::create(&stack).await?;
    let terminal = Terminal::open("looked", &environment::configuration()?, Some(&stack))?;
    let audit = world.scope("audit", "us-east-1").await?;
    let none = terminal.run(&["alerts", "lint", "audit", "--output", "json"]).await?;
    assert_eq!((none.code, count(&none.json()?["findings"])), (0, 0), "{none:?}");
    let alarm = json!({
        "AlarmName": "nobody-hears", "MetricName": "NeverWritten", "Namespace": "LogMetrics", "Statistic": "Sum",
        "Period": 300, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    });
    audit.call("cloudwatch", "PutMetricAlarm", alarm).await?;
    let found = terminal.run(&["alerts", "lint", "audit", "--output", "json"]).await?;
    assert!(found.code == 4 && found.json()?["findings"][0]["name"] == json!("nobody-hears"), "{found:?}");
    let told = terminal.run(&["alerts", "lint", "audit"]).await?;
    assert!(told.code == 4 && told.stdout.contains("nobody-hears"), "{told:?}");
    let strange = terminal.run(&["alerts", "lint", "atlantis"]).await?;
    assert!(strange.code == 1 && strange.stderr.contains("no account is called atlantis"), "{strange:?}");
    let ladder = terminal.run(&["alerts", "ladder", "sbx-ana", "--output", "json"]).await?;
    assert_eq!((ladder.code, &ladder.json()?["steps"]), (0, &json!([])), "{ladder:?}");
    let asked = terminal.run(&["alerts", "unfreeze", "sbx-ana", "--because", "the bill is paid"]).await?;
    assert_eq!(asked.code, 3, "nobody said yes: {asked:?}");
    let done =
        terminal.run(&["alerts", "unfreeze", "sbx-ana", "--because", "paid", "--yes", "--output", "json"]).await?;
    assert_eq!((done.code, &done.json()?["unfrozen"]), (0, &json!(false)), "{done:?}");
    stack.stop().await
}
