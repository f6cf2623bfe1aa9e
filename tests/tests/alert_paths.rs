//! The paths of alerts that people and schedules take, each from what sets it off to what is different afterwards:
//! links and buttons, the sweep and the watch, the heartbeat, a channel that comes back, the ladder.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forester_e2e::Outcome;
use forester_e2e::http::Response;
use forester_e2e::jobs::budget;
use forester_e2e::local::{Local, eventually};
use forester_e2e::paths::{KEY, Paths, SLACK, arrives, between, signed};
use forester_e2e::webhook::Webhook;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Mutex;

/// One stack at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

const LIMIT: Duration = Duration::from_secs(90);

/// Two receivers, of which the second hears when nobody takes a matter in time.
fn escalating(after: &str, second: &Webhook) -> String {
    format!(
        "  acknowledge: {{url: \"https://actions.acme.example/\", key: \"ssm:/forester/key\", slack: \"ssm:/forester/slack\"}}\n\
        \x20 receivers:\n    platform: [{{slack_webhook: {{url: \"ssm:/forester/hook\"}}}}]\n\
        \x20   oncall: [{{webhook: {{url: \"{}\"}}}}]\n\
        \x20 route: {{receiver: platform, escalate: [{{after: {after}, to: oncall}}]}}\n",
        second.url
    )
}

async fn with_escalation(after: &str, first: &Webhook, second: &Webhook) -> Outcome<Paths> {
    let kept = [("/forester/hook", first.url.as_str()), ("/forester/key", KEY), ("/forester/slack", SLACK)];
    Paths::lay(&escalating(after, second), &kept, &[]).await
}

fn titles(webhook: &Webhook) -> String {
    webhook.received().into_iter().map(|one| one.body).collect()
}

#[tokio::test]
async fn signed_link_acknowledges_and_nobody_else_is_called() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let (first, second) = (Webhook::listen().await?, Webhook::listen().await?);
    let paths = with_escalation("25s", &first, &second).await?;
    paths.alarm("queue-taken").await?;
    let told = arrives(&first, &["queue-taken", "https://actions.acme.example/"]).await?;
    let query = format!("?t={}", between(&told.body, "https://actions.acme.example/?t=", "\"")?);
    let changed = query.replacen("inc_", "inc_0", 1);
    for (method, query) in [("GET", changed.as_str()), ("POST", &changed), ("POST", "?t=junk"), ("POST", "")] {
        let (status, page) = paths.ask(method, query, &[], "").await?;
        assert_eq!(status, 403, "{method} {query}: {page}");
    }
    let (status, page) = paths.ask("GET", &query, &[], "").await?;
    assert!(
        status == 200 && page.contains("<button>Acknowledge</button>"),
        "looking does nothing yet: {status} {page}"
    );
    let (status, page) = paths.ask("POST", &query, &[], "").await?;
    assert!(status == 200 && page.contains("nobody else is called for it"), "{status} {page}");
    let (_, page) = paths.ask("POST", &query, &[], "").await?;
    assert!(page.contains("Acknowledged already"), "{page}");
    arrives(&first, &["queue-taken", "somebody of platform, by link"]).await?;
    // One that nobody takes: when its time has come, that of the first has come before.
    paths.alarm("queue-left").await?;
    arrives(&second, &["queue-left"]).await?;
    assert!(!titles(&second).contains("queue-taken"), "somebody was called for a matter that was taken");
    paths.stack.stop().await
}

#[tokio::test]
async fn button_in_slack_acknowledges_when_slack_signed_it() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let (first, second) = (Webhook::listen().await?, Webhook::listen().await?);
    let paths = with_escalation("1h", &first, &second).await?;
    paths.alarm("queue-pressed").await?;
    let told = arrives(&first, &["queue-pressed", "inc_"]).await?;
    let incident = format!("inc_{}", between(&told.body, "inc_", "\"")?);
    let incident = incident.split('.').next().unwrap_or_default();
    let pressed =
        json!({ "user": { "username": "ana" }, "actions": [{ "action_id": "acknowledge", "value": incident }] });
    let body = format!("payload={}", pressed.to_string().replace('"', "%22").replace(' ', "%20"));
    let now = Timestamp::now().as_second();
    let old = (now - 600).to_string();
    let now = now.to_string();
    let good = signed(SLACK, &now, &body).await?;
    let refused = [
        (now.as_str(), signed("another secret", &now, &body).await?),
        (&now, signed(SLACK, &now, &body.replace("ana", "eve")).await?),
        (&old, signed(SLACK, &old, &body).await?),
    ];
    for (stamp, signature) in &refused {
        let headers = [("x-slack-request-timestamp", *stamp), ("x-slack-signature", signature)];
        assert_eq!(paths.ask("POST", "", &headers, &body).await?.0, 403, "{stamp} {signature}");
    }
    let headers = [("x-slack-request-timestamp", now.as_str()), ("x-slack-signature", &good)];
    assert_eq!(paths.ask("POST", "", &headers, &body).await?.0, 200);
    arrives(&first, &["queue-pressed", "ana in Slack"]).await?;
    assert!(!titles(&first).contains("eve in Slack"), "what was not signed counted");
    paths.stack.stop().await
}

#[tokio::test]
async fn sweep_does_what_the_lost_message_should_have_woken_up_for() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let (first, second) = (Webhook::listen().await?, Webhook::listen().await?);
    let paths = with_escalation("12s", &first, &second).await?;
    paths.alarm("queue-late").await?;
    arrives(&first, &["queue-late"]).await?;
    // The message that would wake up in time is lost; what is due stands in the table all the same.
    let queue = json!({ "QueueUrl": paths.deployment.resource("AlarmQueue")? });
    paths.home.call("sqs", "PurgeQueue", queue).await?;
    paths.fire("AlertSweep", 14).await?;
    arrives(&second, &["queue-late", "nobody acknowledged it within 12s"]).await?;
    paths.stack.stop().await
}

#[tokio::test]
async fn watch_tells_another_when_a_channel_takes_too_long() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let busy = || {
        let mut answer = Response::json(503, "{}");
        answer.headers.push(("retry-after", "600".to_owned()));
        answer
    };
    let (slow, other) = (Webhook::answering(move |_| ready(Some(busy()))).await?, Webhook::listen().await?);
    let alerts = format!(
        "  receivers:\n    slow: [{{webhook: {{url: \"{}\"}}}}]\n    other: [{{webhook: {{url: \"{}\"}}}}]\n\
        \x20 fallback: {{receiver: other, after: {{critical: 3s, high: 3s, medium: 3s, low: 3s, info: 3s}}}}\n\
        \x20 route: {{receiver: slow}}\n",
        slow.url, other.url
    );
    let paths = Paths::lay(&alerts, &[], &[]).await?;
    paths.alarm("queue-slow").await?;
    let late = async || {
        let told = paths.said("AlertDelivery", "did not reach slow").await?;
        Ok((!told.is_empty()).then_some(()))
    };
    eventually(LIMIT, "a delivery that did not arrive", late).await?;
    paths.fire("WatchTimer", 4).await?;
    arrives(&other, &["queue-slow", "instead of", "slow by webhook"]).await?;
    paths.stack.stop().await
}

#[tokio::test]
async fn heartbeat_reaches_nobody_and_its_absence_reaches_people() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let webhook = Webhook::listen().await?;
    let alerts = format!(
        "  receivers: {{platform: [{{webhook: {{url: \"{}\"}}}}]}}\n  route: {{receiver: platform}}\n",
        webhook.url
    );
    let topic = "arn:aws:sns:us-east-1:111122223333:pagers";
    let paths = Paths::lay(&alerts, &[], &["--parameter", &format!("AlarmTopic={topic}")]).await?;
    let queue = paths.listening_to("pagers").await?;
    paths.fire("HeartbeatTimer", 2).await?;
    let counted = async || Ok(paths.said("AlertDelivery", "\"Heartbeat\":1").await?.into_iter().next());
    let line = eventually(LIMIT, "a heartbeat that went through", counted).await?;
    assert!(line.contains("HeartbeatTook"), "{line}");
    assert_eq!(webhook.received(), [], "nobody is told of a heart that beats");
    // CloudWatch counts a quarter of an hour without a beat as breaching; the emulated one judges only what it is given.
    let alarm = paths.deployment.resource("AlertPathAlarm")?;
    let missing = json!({ "AlarmName": alarm, "StateValue": "ALARM", "StateReason": "no datapoints were received" });
    paths.home.call("cloudwatch", "SetAlarmState", missing).await?;
    let told = async || paths.heard(&queue).await;
    let told = eventually(LIMIT, "a message on the topic for pagers", told).await?;
    assert!(told.contains("No heartbeat came through the path of alerts"), "{told}");
    paths.stack.stop().await
}

#[tokio::test]
async fn what_a_dead_channel_missed_is_sent_once_more_when_it_is_back() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let gone = Arc::new(AtomicBool::new(true));
    let is_gone = Arc::clone(&gone);
    let refuse = move |_| ready(is_gone.load(Ordering::Relaxed).then(|| Response::json(410, "{}")));
    let (dead, other) = (Webhook::answering(refuse).await?, Webhook::listen().await?);
    let alerts = format!(
        "  receivers:\n    dead: [{{webhook: {{url: \"{}\"}}}}]\n    other: [{{webhook: {{url: \"{}\"}}}}]\n\
        \x20 fallback: {{receiver: other}}\n  route: {{receiver: dead}}\n",
        dead.url, other.url
    );
    let paths = Paths::lay(&alerts, &[], &[]).await?;
    let terminal = paths.terminal("redrive")?;
    paths.alarm("queue-unheard").await?;
    arrives(&other, &["queue-unheard", "instead of", "dead by webhook"]).await?;
    let status = async || {
        let told = terminal.run(&["alerts", "status", "--output", "json"]).await?.json()?;
        let (open, dead) = (told["open"].as_array().map_or(1, Vec::len), told["dead"].as_array().map_or(0, Vec::len));
        Ok((open == 0 && dead > 0).then_some((dead, told)))
    };
    let (missed, told) = eventually(LIMIT, "deliveries that are over", status).await?;
    assert_eq!(told["lost"], json!(0), "somebody heard: {told}");
    gone.store(false, Ordering::Relaxed);
    let asked = terminal.run(&["alerts", "redrive", "--receiver", "dead"]).await?;
    assert_eq!(asked.code, 3, "nobody said yes: {asked:?}");
    let sent = terminal.run(&["alerts", "redrive", "--receiver", "dead", "--yes", "--output", "json"]).await?;
    assert_eq!((sent.code, sent.json()?["deliveries"].as_array().map_or(0, Vec::len)), (0, missed), "{sent:?}");
    let back = async || Ok((dead.received().len() >= missed).then_some(()));
    eventually(LIMIT, "what was missed", back).await?;
    let again = terminal.run(&["alerts", "redrive", "--yes", "--output", "json"]).await?;
    assert_eq!((again.code, &again.json()?["deliveries"]), (0, &json!([])), "{again:?}");
    assert_eq!(dead.received().len(), missed, "each arrives once");
    paths.stack.stop().await
}

#[tokio::test]
async fn spend_of_a_sandbox_beyond_its_budget_starts_its_reset_once() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let ladder = "alerts:\n  ladder: {act: live, steps: [{at: 120, do: reset}]}";
    let local = Local::start_with(&[], &|_| (), |config| config.replace("alerts:", ladder)).await?;
    budget::overspend(&local, "sbx-ana", "125").await?;
    let home = local.home().await?;
    let machine = local.deployment.output("ResetMachineArn")?;
    let executions = async || {
        let found = home.call("stepfunctions", "ListExecutions", json!({ "stateMachineArn": machine })).await?;
        Ok(found["executions"].as_array().cloned().filter(|all| !all.is_empty()))
    };
    let started = eventually(LIMIT, "an execution of the state machine", executions).await?;
    let told = json!({ "executionArn": started[0]["executionArn"] });
    let told = home.call("stepfunctions", "DescribeExecution", told).await?;
    let sandbox = local.world.ids.get("sbx-ana").ok_or("there is no sandbox")?;
    let input = told["input"].as_str().unwrap_or_default();
    assert!(input.contains("\"reset\"") && input.contains(sandbox.as_ref()), "{told}");
    let heard = arrives(&local.webhook, &["\"ladder\"", "the state machine empties it"]).await?;
    assert!(heard.body.contains("125"), "{}", heard.body);
    // The same notification once more is the same step.
    budget::overspend(&local, "sbx-ana", "126").await?;
    budget::drained(&local).await?;
    assert_eq!(eventually(LIMIT, "executions", executions).await?.len(), 1, "a step is taken once a period");
    local.stack.stop().await
}
