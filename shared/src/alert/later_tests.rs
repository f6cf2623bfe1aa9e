//! What happens later, under a clock that the tests turn: groups, hours, repetition, escalation, ends.

use std::sync::Mutex;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::super::ack::{Claim, Keys, hex};
use super::super::actions::Actions;
use super::super::fakes::{FakeAws, invocation, sample};
use super::super::incident::Turn;
use super::super::outbox::Delivery;
use super::super::silence::{Stored, keep};
use super::tests::{Stage, sandbox_budget};
use super::*;
use crate::aws::CallError;
use crate::aws::sqs::{Letter, Mailbox};

const CALL: &str = "alarm-fanout/cloudtrail-root-create-access-key";
const SIGN_IN: &str = "alarm-fanout/cloudtrail-root-console-login";
const ALARM: &str = "alarm-fanout/eventbridge-alarm-state-change";
const OVER: &str = "alarm-fanout/sns-cis-root-usage-ok";
const BUDGET_80: &str = "budget-router/actual-monthly-80pct";
const BUDGET_100: &str = "budget-router/actual-monthly-100pct";

fn stage(route: Value, more: Value) -> Stage {
    let hook = json!([{"webhook": {"url": "https://hooks.acme.example/x"}}]);
    let mut alerts = json!({"receivers": {"platform": hook, "security": hook}, "route": {"receiver": "platform"}});
    alerts["route"].as_object_mut().unwrap().extend(route.as_object().unwrap().clone());
    alerts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let found: Vec<(String, String)> =
        serde_json::from_value::<crate::config::Alerts>(alerts.clone()).unwrap().problems();
    assert_eq!(found, [], "the configuration is fine");
    Stage::routed(alerts, FakeAws::answering(&[]), Some(sandbox_budget()))
}

impl Stage {
    async fn hears(&self, name: &str, at: &str) {
        self.router.handle(&invocation(at, 120), &sample(name)[0]).await.unwrap();
    }

    /// The same of somebody who is not the root user, and of an alarm that is no benchmark's: what may be kept waiting.
    async fn hears_plain(&self, name: &str, at: &str) {
        self.router.handle(&invocation(at, 120), &plain(name)).await.unwrap();
    }

    /// A sweep at this time; what was told since the test began.
    async fn sweeps(&self, at: &str) -> Vec<(String, Turn)> {
        let message = Message::direct("s", json!({"forester": "sweep"}).to_string());
        self.router.handle(&invocation(at, 120), &message).await.unwrap();
        self.turns().await
    }

    async fn last(&self) -> Delivery {
        self.deliveries().await.pop().unwrap()
    }
}

fn plain(name: &str) -> Message {
    let mut message = sample(name).remove(0);
    message.text = message.text.replace("\"Root\"", "\"IAMUser\"").replace("CIS-4.3-RootAccountUsage", "disk-full");
    message.text = message.text.replace("CIS 4.3 root usage", "the disk is full");
    message
}

fn platform(turns: &[Turn]) -> Vec<(String, Turn)> {
    turns.iter().map(|turn| ("platform".to_owned(), *turn)).collect()
}

#[tokio::test]
async fn group_waits_and_is_told_together_and_once() {
    let stage = stage(json!({"group_by": ["account.id"], "group_wait": "30s", "group_interval": "5m"}), json!({}));
    stage.hears_plain(CALL, "2026-11-12T05:00:00Z").await;
    stage.hears_plain(SIGN_IN, "2026-11-12T05:00:10Z").await;
    stage.hears_plain(SIGN_IN, "2026-11-12T05:00:11Z").await;
    assert_eq!(stage.sweeps("2026-11-12T05:00:29Z").await, []);
    assert_eq!(stage.sweeps("2026-11-12T05:00:31Z").await, platform(&[Turn::Digest]));
    let digest = stage.last().await.alert;
    assert_eq!((digest.title.as_str(), digest.facts.len()), ("2 matters", 4), "two matters, why, and what for");
    assert_eq!(stage.sweeps("2026-11-12T05:01:00Z").await.len(), 1, "nothing is told twice");
    let mut third = plain(CALL);
    third.text = third.text.replace("bbc4c416", "cccccccc");
    stage.router.handle(&invocation("2026-11-12T05:02:00Z", 120), &third).await.unwrap();
    assert_eq!(stage.sweeps("2026-11-12T05:05:29Z").await.len(), 1, "the group was told five minutes ago, not yet");
    assert_eq!(stage.sweeps("2026-11-12T05:05:33Z").await, platform(&[Turn::Digest, Turn::First]));
}

#[tokio::test]
async fn sweeps_at_the_same_time_tell_once() {
    for turns in [[1, 2, 3], [3, 1, 1], [2, 0, 1]] {
        let stage = stage(json!({"group_by": ["account.id"], "group_wait": "30s"}), json!({}));
        stage.hears_plain(CALL, "2026-11-12T05:00:00Z").await;
        stage.hears_plain(SIGN_IN, "2026-11-12T05:00:00Z").await;
        stage.store.turns.lock().unwrap().extend(turns);
        tokio::join!(stage.sweeps("2026-11-12T05:01:00Z"), stage.sweeps("2026-11-12T05:01:00Z"));
        let mut ids: Vec<String> = stage.deliveries().await.into_iter().map(|delivery| delivery.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1, "SQS drops a second with the same id");
    }
}

#[tokio::test]
async fn what_cannot_be_silenced_waits_for_nothing() {
    let stage = stage(
        json!({"group_by": ["account.id"]}),
        json!({"silence": [{"match": {"kind": "event"},
        "until": "2027-01-31", "because": "x"}]}),
    );
    let mut alert = Alert::new("m", "test", "event", "");
    alert.label("unsilenceable", "true");
    let clock = Clock::new(&invocation("2026-11-12T05:00:00Z", 120));
    stage.router.desk.settle(&Signal::new(alert), &clock).await.unwrap();
    assert_eq!(stage.turns().await, platform(&[Turn::First]));
}

fn nights() -> Value {
    json!({"nights": {"timezone": "Europe/Amsterdam", "when": [{"times": ["22:00-06:00"]}]}})
}

#[tokio::test]
async fn quiet_hours_keep_what_is_not_critical_until_they_are_over() {
    let stage = stage(json!({}), json!({"intervals": nights(), "quiet": {"platform": ["nights"]}}));
    stage.hears(BUDGET_80, "2026-11-12T22:00:00Z").await;
    stage.hears(BUDGET_100, "2026-11-12T23:00:00Z").await;
    assert_eq!(stage.turns().await, []);
    stage.hears(CALL, "2026-11-12T23:30:00Z").await;
    assert_eq!(stage.turns().await, platform(&[Turn::First]), "critical");
    assert_eq!(stage.sweeps("2026-11-13T04:59:59Z").await.len(), 1);
    assert_eq!(stage.sweeps("2026-11-13T05:00:00Z").await, platform(&[Turn::First, Turn::Digest]));
}

#[tokio::test]
async fn route_tells_in_its_hours_only() {
    let stage = stage(json!({"mute_times": ["nights"]}), json!({"intervals": nights()}));
    stage.hears_plain(CALL, "2026-11-12T23:30:00Z").await;
    assert_eq!(stage.sweeps("2026-11-13T04:00:00Z").await, []);
    assert_eq!(stage.sweeps("2026-11-13T05:00:00Z").await, platform(&[Turn::First]));
}

#[tokio::test]
async fn matter_that_lasts_is_told_again_until_it_ends() {
    let stage = stage(json!({"repeat_interval": "4h"}), json!({}));
    stage.hears(ALARM, "2026-11-12T05:00:00Z").await;
    let told = stage.turns().await.len();
    assert_eq!(stage.sweeps("2026-11-12T08:59:00Z").await.len(), told);
    assert_eq!(stage.sweeps("2026-11-12T09:00:02Z").await.len(), told + 1);
    assert_eq!(stage.sweeps("2026-11-12T09:00:02Z").await.len(), told + 1, "once");
    assert_eq!(stage.last().await.turn, Turn::Repeat);
    assert_eq!(stage.sweeps("2026-11-12T13:00:04Z").await.len(), told + 2);
    stage.hears(OVER, "2026-11-12T14:00:00Z").await;
    assert_eq!(stage.sweeps("2026-11-12T17:00:00Z").await.len(), told + 3, "the end, and nothing after it");
}

#[tokio::test]
async fn what_nobody_acknowledges_goes_to_the_next() {
    let stage = stage(json!({"escalate": [{"after": "15m", "to": "security"}]}), json!({}));
    stage.hears(CALL, "2026-11-12T05:00:00Z").await;
    assert_eq!(stage.sweeps("2026-11-12T05:14:59Z").await.len(), 1);
    stage.sweeps("2026-11-12T05:15:02Z").await;
    assert_eq!(stage.sweeps("2026-11-12T05:15:02Z").await[1], ("security".to_owned(), Turn::Escalation));
    let routed = stage.last().await.alert.facts.pop().unwrap();
    assert_eq!(routed.value.as_str(), "to security: nobody acknowledged it within 15m");
    assert_eq!(stage.turns().await.len(), 2);
}

#[tokio::test]
async fn alarm_that_outlasts_its_silence_is_told() {
    let stage = stage(json!({}), json!({}));
    let matchers = crate::config::alerts::Matchers::of_pairs(&[("kind".to_owned(), "alarm".to_owned())]);
    let (since, until) = ("2026-11-12T04:00:00Z".parse().unwrap(), "2026-11-12T06:00:00Z".parse().unwrap());
    let silence = Stored::new(matchers, until, "moving", "ana", since).unwrap();
    keep(stage.store.as_ref(), &silence).await.unwrap();
    stage.hears_plain(ALARM, "2026-11-12T05:00:00Z").await;
    stage.hears_plain(CALL, "2026-11-12T05:00:00Z").await;
    assert_eq!(stage.sweeps("2026-11-12T05:59:00Z").await, platform(&[Turn::First]), "the call is no alarm");
    assert_eq!(stage.sweeps("2026-11-12T06:00:00Z").await, platform(&[Turn::First, Turn::First]));
}

#[tokio::test]
async fn matter_that_says_it_all_inhibits_the_others() {
    let inhibit = json!([{"when": {"threshold": ">= 100"}, "mute": {"kind": "budget"}, "equal": ["budget", "period"]}]);
    let stage = stage(json!({}), json!({"inhibit": inhibit}));
    stage.hears(BUDGET_100, "2026-11-12T05:00:00Z").await;
    let report = stage.handle(&sample(BUDGET_80)[0]).await.unwrap();
    let why = report["alerts"][0]["suppressed_by"].as_str().unwrap();
    assert!(why.starts_with("inhibit[0]: ") && why.contains(" is open (inc_"), "{why}");
    assert_eq!(stage.turns().await.len(), 1);
}

#[tokio::test]
async fn budget_is_over_at_the_end_of_its_period() {
    let stage = stage(json!({}), json!({}));
    stage.hears(BUDGET_100, "2026-11-12T05:00:00Z").await;
    assert_eq!(stage.sweeps("2026-11-30T23:59:00Z").await, platform(&[Turn::First]));
    assert_eq!(stage.sweeps("2026-12-01T00:00:00Z").await, platform(&[Turn::First, Turn::Resolve]));
    assert_eq!(stage.sweeps("2026-12-01T00:01:00Z").await.len(), 2);
}

/// Letters posted.
#[derive(Default)]
struct FakeMailbox(Mutex<Vec<Letter>>);

#[async_trait]
impl Mailbox for FakeMailbox {
    async fn post(&self, letters: &[Letter]) -> Result<(), CallError> {
        self.0.lock().unwrap().extend_from_slice(letters);
        Ok(())
    }
}

#[tokio::test]
async fn message_to_ourselves_wakes_up_for_what_is_soon() {
    let mut stage = stage(json!({"group_by": ["rule"], "group_wait": "30s"}), json!({}));
    let mailbox = Arc::new(FakeMailbox::default());
    stage.router.desk.timers.mailbox = Some(Arc::<FakeMailbox>::clone(&mailbox));
    stage.hears_plain(CALL, "2026-11-12T05:00:00Z").await;
    let letter = mailbox.0.lock().unwrap().pop().unwrap();
    assert!((30..=31).contains(&letter.delay), "{letter:?}");
    let message = Message::direct("w", letter.body);
    stage.router.handle(&invocation("2026-11-12T05:00:10Z", 120), &message).await.unwrap();
    assert_eq!(stage.turns().await, [], "too early: the store knows better");
    stage.router.handle(&invocation("2026-11-12T05:00:31Z", 120), &message).await.unwrap();
    stage.router.handle(&invocation("2026-11-12T05:00:31Z", 120), &message).await.unwrap();
    assert_eq!(stage.turns().await, platform(&[Turn::First]));
}

/// A stage whose links are signed with what every process has in its environment.
fn signed() -> Stage {
    let acknowledge = json!({"url": "https://x.lambda-url.eu-west-1.on.aws/", "key": "env:PATH", "slack": "env:PATH"});
    stage(json!({"escalate": [{"after": "15m", "to": "security"}]}), json!({"acknowledge": acknowledge}))
}

fn actions(stage: &Stage) -> Actions {
    let accounts: Arc<dyn Accounts> = Arc::new(super::super::fakes::FakeAccounts(FakeAws::answering(&[])));
    let secrets = super::super::channels::Secrets::new(accounts, "eu-west-1".parse().unwrap());
    Actions::with(stage.router.desk.clone(), secrets)
}

async fn requested(actions: &Actions, method: &str, query: &str, headers: Value, body: &str) -> (u64, String) {
    let request = json!({"requestContext": {"http": {"method": method}}, "rawQueryString": query, "headers": headers,
        "body": body, "isBase64Encoded": false});
    let message = Message::direct("r", request.to_string());
    let answer = actions.handle(&invocation("2026-11-12T05:01:00Z", 10), &message).await.unwrap();
    (answer["statusCode"].as_u64().unwrap(), answer["body"].as_str().unwrap().to_owned())
}

fn token(delivery: &Delivery) -> String {
    let keys = Keys::of(&std::env::var("PATH").unwrap()).unwrap();
    let until = "2026-11-19T05:00:00Z".parse().unwrap();
    let claim = Claim { incident: delivery.incident.clone(), receiver: delivery.receiver.clone(), until };
    format!("t={}", keys.sign(&claim).unwrap())
}

#[tokio::test]
async fn link_that_is_only_looked_at_does_nothing_and_its_button_stops_the_escalation() {
    let stage = signed();
    stage.hears(CALL, "2026-11-12T05:00:00Z").await;
    let (actions, query) = (actions(&stage), token(&stage.last().await));
    let (status, page) = requested(&actions, "GET", &query, json!({}), "").await;
    assert!(status == 200 && page.contains("<form method=\"post\">"), "{status} {page}");
    assert_eq!(stage.turns().await.len(), 1, "a preview follows links too");
    assert_eq!(requested(&actions, "POST", &query.replace("v1.", "v9."), json!({}), "").await.0, 403);
    assert_eq!(requested(&actions, "POST", &query, json!({}), "").await.0, 200);
    assert_eq!(stage.turns().await, platform(&[Turn::First, Turn::Update]), "told in the thread");
    assert_eq!(stage.last().await.alert.labels["acknowledged"].as_str(), "somebody of platform, by link");
    let (_, page) = requested(&actions, "POST", &query, json!({}), "").await;
    assert!(page.contains("Acknowledged already"), "{page}");
    assert_eq!(stage.sweeps("2026-11-12T05:16:00Z").await.len(), 2, "nobody else is called");
}

/// What Slack's bot posts of a delivery.
fn rendered(delivery: &Delivery) -> Value {
    let slack = json!({"slack": {"channel": "C0123456789", "token": "env:TOKEN"}});
    let slack: crate::config::alerts::Channel = serde_json::from_value(slack).unwrap();
    serde_json::from_str(&super::super::channels::of(&slack).render(delivery)).unwrap()
}

/// What Slack sends when ana presses the first button of a message: `actions` holds the button's id and value
/// (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).
fn pressed(message: &Value) -> String {
    let blocks = message["blocks"].as_array().unwrap();
    let button = &blocks.iter().find(|block| block["type"] == "actions").unwrap()["elements"][0];
    let payload = json!({"type": "block_actions", "user": {"id": "U1", "username": "ana"}, "actions": [
        {"type": button["type"], "action_id": button["action_id"], "value": button["value"], "block_id": "b"}]});
    let payload = payload.to_string();
    format!("payload={}", percent_encoding::utf8_percent_encode(&payload, percent_encoding::NON_ALPHANUMERIC))
}

#[tokio::test]
async fn slack_has_a_button_while_there_is_something_to_take_and_a_link_where_buttons_are_not_set_up() {
    let stage = signed();
    stage.hears(CALL, "2026-11-12T05:00:00Z").await;
    let has = |delivery: &Delivery, what: &str| rendered(delivery).to_string().contains(what);
    let link = Some("https://x.lambda-url.eu-west-1.on.aws/?t=v1".to_owned());
    let linked = Delivery { acknowledge: link, ..stage.last().await };
    assert!(has(&linked, "?t=v1") && !has(&linked, "\"actions\""));
    let mut button = Delivery { button: true, ..linked };
    assert!(has(&button, "\"actions\"") && !has(&button, "?t=v1"), "not both");
    button.alert.label("acknowledged", "ana");
    assert!(!has(&button, "\"actions\""), "somebody has it");
}

#[tokio::test]
async fn button_in_slack_counts_where_slack_signed_it() {
    let stage = signed();
    stage.hears(CALL, "2026-11-12T05:00:00Z").await;
    let delivery = Delivery { button: true, ..stage.last().await };
    let body = pressed(&rendered(&delivery));
    let stamp = "2026-11-12T05:00:30Z".parse::<Timestamp>().unwrap().as_second().to_string();
    let headers = |signature: String| json!({"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature});
    let actions = actions(&stage);
    assert_eq!(requested(&actions, "POST", "", headers("v0=00".to_owned()), &body).await.0, 403);
    assert_eq!(stage.turns().await.len(), 1);
    let mut mac = Hmac::<Sha256>::new_from_slice(std::env::var("PATH").unwrap().trim().as_bytes()).unwrap();
    mac.update(format!("v0:{stamp}:{body}").as_bytes());
    let signature = format!("v0={}", hex(&mac.finalize().into_bytes()));
    assert_eq!(requested(&actions, "POST", "", headers(signature), &body).await.0, 200);
    assert_eq!(stage.last().await.alert.labels["acknowledged"].as_str(), "ana in Slack");
}
