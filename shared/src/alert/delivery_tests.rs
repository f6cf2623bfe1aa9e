//! Deliveries against an endpoint on this machine.

use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::super::fakes::{Endpoint, FakeAccounts, FakeAws, FakeTopics, FlakyStore, Seen, config, invocation};
use super::super::model::Alert;
use super::super::outbox::LEASE;
use super::*;

const START: &str = "2026-11-12T04:27:00Z";

struct Stage {
    endpoint: Endpoint,
    topics: Arc<FakeTopics>,
    store: Arc<FlakyStore>,
    deliverer: Deliverer,
    ticket: Ticket,
}

impl Stage {
    async fn new(answers: &[&str]) -> Self {
        let endpoint = Endpoint::answering(answers).await;
        let alerts = endpoint.alerts(Some("ssm:/forester/hook"));
        Self::with(endpoint, alerts, Loopback::Allowed).await
    }

    /// A stage on which one delivery is owed.
    async fn with(endpoint: Endpoint, alerts: Value, loopback: Loopback) -> Self {
        let secret = json!({"Parameter": {"Value": format!("whsec_{}", STANDARD.encode("a signing secret"))}});
        let accounts = Arc::new(FakeAccounts(FakeAws::answering(&[("GetParameter", secret)])));
        let (topics, store) = (Arc::new(FakeTopics::default()), Arc::new(FlakyStore::default()));
        let kept = Arc::<FakeTopics>::clone(&topics);
        let tools = Tools::new(Https::new(loopback), kept, accounts, "eu-west-1".parse().unwrap());
        let config = config(alerts);
        let kind = config.alerts.as_ref().unwrap().receivers["platform"][0].kind();
        let mut alert = Alert::new("m1", "aws-budgets", "budget", "AWS Budget Notification");
        alert.title = crate::alert::Text::line("Budget <!channel>\u{202e}\r\nX: over $80.00");
        let delivery = Delivery::new(&alert, "2026-11-01", "platform", 0, kind);
        owe(store.as_ref(), &delivery, START.parse().unwrap()).await.unwrap();
        let deliverer = Deliverer::with(config, Arc::<FlakyStore>::clone(&store), tools);
        Self { endpoint, topics, store, deliverer, ticket: delivery.ticket() }
    }

    /// Delivers at a time, as one invocation of a minute would.
    async fn deliver(&self, at: &str) -> Result<State, Failure> {
        self.deliverer.deliver(&self.ticket, &Clock::new(&invocation(at, 60))).await
    }

    fn requests(&self) -> Vec<Seen> {
        self.endpoint.requests()
    }
}

/// HMAC by its definition (RFC 2104), so that the signature is not checked by the code that made it.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

#[tokio::test]
async fn webhook_is_signed_and_a_cloud_event() {
    let stage = Stage::new(&[]).await;
    assert!(matches!(stage.deliver(START).await, Ok(State::Sent { .. })));
    let [request] = &stage.requests()[..] else { panic!("not one request") };
    let (id, stamp) = (request.header("webhook-id").unwrap(), request.header("webhook-timestamp").unwrap());
    let signed = hmac(b"a signing secret", format!("{id}.{stamp}.{}", request.body).as_bytes());
    assert_eq!(request.header("webhook-signature").unwrap(), format!("v1,{}", STANDARD.encode(signed)));
    assert_eq!((id, stamp), (stage.ticket.delivery.as_str(), "1794457620"));
    assert_eq!(request.header("content-type"), Some("application/cloudevents+json"));
    let event: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["data"]["title"], "Budget <!channel>  X: over $80.00");
    assert!(!request.body.contains('\u{202e}'), "hidden characters never leave");
}

#[tokio::test]
async fn second_message_for_a_delivery_sends_nothing() {
    let stage = Stage::new(&[]).await;
    let first = stage.deliver(START).await;
    assert_eq!(stage.deliver(START).await, first);
    assert_eq!(stage.requests().len(), 1);
}

#[tokio::test]
async fn outcome_whose_answer_got_lost_counts_when_the_sdk_repeats_it() {
    let (stage, now) = (Stage::new(&[]).await, START.parse().unwrap());
    let store = stage.store.as_ref();
    let (owed, version) = super::super::outbox::load(store, &stage.ticket).await.unwrap().unwrap();
    let sent = |answer: &str| Delivery { state: State::Sent { at: now, answer: answer.to_owned() }, ..owed.clone() };
    assert_eq!(settle(store, &sent("ours"), version, now).await, Ok(version + 1));
    assert_eq!(settle(store, &sent("ours"), version, now).await, Ok(version + 1), "the same once more");
    let other = settle(store, &sent("another's"), version, now).await;
    assert!(matches!(other, Err(StoreError::Lost { .. })), "{other:?}");
}

#[tokio::test]
async fn short_wait_is_waited_for() {
    let stage = Stage::new(&["429 Too Many Requests\r\nretry-after: 0\r\n"]).await;
    assert!(matches!(stage.deliver(START).await, Ok(State::Sent { .. })));
    assert_eq!(stage.requests().len(), 2);
}

#[tokio::test]
async fn long_wait_is_kept_across_invocations() {
    let stage = Stage::new(&["429 Too Many Requests\r\nretry-after: 600\r\n"]).await;
    let again = Failure::Retryable(format!("{} must wait until 2026-11-12T04:37:00", stage.ticket.delivery));
    let told = stage.deliver(START).await.unwrap_err();
    assert!(told.to_string().starts_with(&again.to_string()), "{told}");
    assert!(stage.deliver("2026-11-12T04:32:00Z").await.is_err(), "too early");
    assert_eq!(stage.requests().len(), 1);
    assert!(matches!(stage.deliver("2026-11-12T04:38:00Z").await, Ok(State::Sent { .. })));
    assert_eq!(stage.requests().len(), 2);
}

async fn dies(answer: &str, expect: &str) {
    let stage = Stage::new(&[answer]).await;
    let dead = State::Dead { reason: expect.to_owned() };
    assert_eq!(stage.deliver(START).await, Ok(dead.clone()), "it does not block its channel");
    assert_eq!(stage.deliver(START).await, Ok(dead));
    assert_eq!(stage.requests().len(), 1, "it is not tried again");
}

#[tokio::test]
async fn permanent_answers_end_a_delivery() {
    dies("410 Gone\r\n", "the endpoint answered 410").await;
    dies("403 Forbidden\r\n", "the endpoint answered 403").await;
    dies("400 Bad Request\r\n", "the endpoint answered 400").await;
}

#[tokio::test]
async fn redirects_are_refused_and_not_followed() {
    let elsewhere = Endpoint::answering(&[]).await;
    let answer = format!("302 Found\r\nlocation: {}\r\n", elsewhere.url);
    dies(&answer, "the endpoint answered 302, and redirects are not followed; name the new address").await;
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn server_errors_are_given_up_after_eight_attempts() {
    let stage = Stage::new(&["503 Service Unavailable\r\n"; 8]).await;
    for attempt in 1..8 {
        let at = format!("2026-11-12T{:02}:00:00Z", 4 + attempt);
        let told = stage.deliverer.deliver(&stage.ticket, &Clock::new(&invocation(&at, 21))).await;
        assert!(matches!(told, Err(Failure::Retryable(_))), "attempt {attempt}: {told:?}");
    }
    let reason = "given up after 8 attempts: the endpoint answered 503".to_owned();
    assert_eq!(stage.deliver("2026-11-13T00:00:00Z").await, Ok(State::Dead { reason }));
}

#[tokio::test]
async fn loopback_is_refused_unless_it_is_allowed() {
    let endpoint = Endpoint::answering(&[]).await;
    let url = endpoint.url.replace("http://", "https://");
    let alerts = json!({"receivers": {"platform": [{"webhook": {"url": url}}]}, "route": {"receiver": "platform"}});
    let stage = Stage::with(endpoint, alerts, Loopback::Refused).await;
    let reason = "the address is not allowed: it is private".to_owned();
    assert_eq!(stage.deliver(START).await, Ok(State::Dead { reason }));
    assert!(stage.requests().is_empty());
}

/// The sender dies after the endpoint took the message and before that is written down. Nobody sends while the lease
/// lasts; afterwards the same id goes out again, by which the endpoint knows it.
#[tokio::test]
async fn sender_that_died_is_followed_by_the_same_id_only() {
    let stage = Stage::new(&[]).await;
    stage.store.refuse.store(2, Ordering::Relaxed);
    stage.store.times.store(4, Ordering::Relaxed);
    assert!(stage.deliver(START).await.is_err(), "what was sent could not be written down");
    assert_eq!(stage.requests().len(), 1);
    assert!(stage.deliver("2026-11-12T04:27:30Z").await.is_err(), "the lease holds");
    assert_eq!(stage.requests().len(), 1);
    let after: Timestamp = START.parse::<Timestamp>().unwrap().checked_add(LEASE * 2).unwrap();
    assert!(matches!(stage.deliver(&after.to_string()).await, Ok(State::Sent { .. })));
    let ids: Vec<String> = stage.requests().iter().map(|r| r.header("webhook-id").unwrap().to_owned()).collect();
    assert_eq!(ids, [stage.ticket.delivery.clone(), stage.ticket.delivery.clone()]);
    assert!(matches!(stage.deliver(&after.to_string()).await, Ok(State::Sent { .. })));
    assert_eq!(stage.requests().len(), 2, "and then it is over");
}

#[tokio::test]
async fn topic_gets_plain_text_under_a_printable_subject() {
    let alerts = json!({"receivers": {"platform": [{"sns": {"topic": "arn:aws:sns:eu-west-1:111122223333:t"}}]},
        "route": {"receiver": "platform"}});
    let stage = Stage::with(Endpoint::answering(&[]).await, alerts, Loopback::Refused).await;
    assert!(matches!(stage.deliver(START).await, Ok(State::Sent { .. })));
    let published = stage.topics.0.lock().unwrap().clone();
    let [(_, subject, message)] = &published[..] else { panic!("not one publication") };
    assert_eq!(subject, "MEDIUM Budget <!channel>  X: over $80.00");
    assert!(message.starts_with(subject.as_str()), "{message}");
}

#[tokio::test]
async fn unknown_delivery_is_a_bad_event() {
    let stage = Stage::new(&[]).await;
    let ticket = Ticket { receiver: "platform".to_owned(), delivery: "msg_x".to_owned() };
    let told = stage.deliverer.deliver(&ticket, &Clock::new(&invocation(START, 60))).await;
    assert!(matches!(told, Err(Failure::BadEvent(_))), "{told:?}");
}

#[tokio::test]
async fn test_messages_say_that_they_are_tests() {
    let stage = Stage::new(&[]).await;
    let sent = stage.deliverer.test("platform", &invocation(START, 60)).await.unwrap();
    assert!(matches!(&sent[..], [(kind, State::Sent { .. })] if kind == "webhook"), "{sent:?}");
    assert!(stage.requests()[0].body.contains("Nothing is wrong"));
    let unknown = stage.deliverer.test("nobody", &invocation(START, 60)).await;
    assert!(matches!(unknown, Err(Failure::Config(_))));
}

/// What a bot of Slack is sent, where people acknowledge by `acknowledge`.
async fn posted_to_slack(acknowledge: Value) -> Value {
    let endpoint = Endpoint::answering(&["200 OK\r\n\r\n{\"ok\":true,\"channel\":\"C1\",\"ts\":\"1.2\"}"]).await;
    let slack = json!([{"slack": {"channel": "C1", "token": "ssm:/forester/slack", "api": endpoint.url}}]);
    let alerts =
        json!({"receivers": {"platform": slack}, "route": {"receiver": "platform"}, "acknowledge": acknowledge});
    let stage = Stage::with(endpoint, alerts, Loopback::Allowed).await;
    assert!(matches!(stage.deliver(START).await, Ok(State::Sent { .. })), "{:?}", stage.requests());
    serde_json::from_str(&stage.requests()[0].body).unwrap()
}

#[tokio::test]
async fn slack_gets_a_button_where_its_signing_secret_is_known_and_else_a_signed_link() {
    let (url, key) = ("https://x.lambda-url.eu-west-1.on.aws/", "ssm:/forester/acknowledge");
    let linked = posted_to_slack(json!({"url": url, "key": key})).await.to_string();
    assert!(linked.contains("on.aws/?t=v1.") && !linked.contains("\"actions\""), "{linked}");
    let message = posted_to_slack(json!({"url": url, "key": key, "slack": "ssm:/forester/signing"})).await;
    let actions = message["blocks"].as_array().unwrap().iter().find(|block| block["type"] == "actions").unwrap();
    let button = &actions["elements"][0];
    assert_eq!(button["action_id"], "acknowledge");
    assert!(button["value"].as_str().unwrap().starts_with("inc_"), "{button}");
    assert!(!message.to_string().contains("?t=v1."), "one way is enough: {message}");
}
