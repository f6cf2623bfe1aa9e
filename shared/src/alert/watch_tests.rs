//! Deliveries that fail, wait or are forgotten, against endpoints on this machine.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::channels::{Https, Loopback, Tools};
use super::super::fakes::{Endpoint, FakeAccounts, FakeAws, FakeQueue, FakeTopics, config, invocation};
use super::super::model::Alert;
use super::super::outbox::owe;
use super::*;
use crate::alert::{Severity, Text};
use crate::event::Message;
use crate::job::Job;
use crate::store::MemoryStore;

const START: &str = "2026-11-12T04:27:00Z";

struct Stage {
    security: Endpoint,
    platform: Endpoint,
    queue: Arc<FakeQueue>,
    deliverer: Deliverer,
    delivery: Delivery,
}

impl Stage {
    /// A critical delivery is owed to `security`; `platform` is the root's receiver.
    async fn new(security: &[&str], platform: &[&str]) -> Self {
        let (security, platform) = (Endpoint::answering(security).await, Endpoint::answering(platform).await);
        let hook = |endpoint: &Endpoint| json!([{"webhook": {"url": endpoint.url}}]);
        let alerts = json!({"receivers": {"security": hook(&security), "platform": hook(&platform)},
            "route": {"receiver": "platform"}});
        let (queue, store) = (Arc::new(FakeQueue::default()), Arc::new(MemoryStore::default()));
        let mut alert = Alert::new("m1", "cloudtrail", "event", "raw");
        alert.title = Text::line("Root signed in");
        alert.severity = Severity::Critical;
        let delivery = Delivery::new(&alert, "e", "security", 0, "webhook");
        owe(store.as_ref(), &delivery, START.parse().unwrap()).await.unwrap();
        let deliverer = Deliverer::with(config(alerts), store, tools(Loopback::Allowed));
        Self { security, platform, queue, deliverer, delivery }
    }

    /// The same with a queue, from which nothing is delivered by itself.
    async fn queued(security: &[&str]) -> Self {
        let stage = Self::new(security, &[]).await;
        let deliverer = stage.deliverer.clone().through(Arc::<FakeQueue>::clone(&stage.queue));
        Self { deliverer, ..stage }
    }

    async fn deliver(&self, at: &str) -> State {
        self.deliverer.deliver(&self.delivery.ticket(), &clock(at)).await.unwrap()
    }

    async fn watch(&self, at: &str) -> Watched {
        self.deliverer.watch(&clock(at)).await.unwrap()
    }

    async fn standing(&self, at: &str) -> Standing {
        self.deliverer.standing(at.parse().unwrap()).await.unwrap()
    }

    fn queued_ids(&self) -> Vec<String> {
        self.queue.0.lock().unwrap().iter().map(|(_, _, once)| once.clone()).collect()
    }
}

fn clock(at: &str) -> Clock {
    Clock::new(&invocation(at, 60))
}

fn tools(loopback: Loopback) -> Tools {
    let accounts = Arc::new(FakeAccounts(FakeAws::answering(&[])));
    Tools::new(Https::new(loopback), Arc::new(FakeTopics::default()), accounts, "eu-west-1".parse().unwrap())
}

fn first_fact(endpoint: &Endpoint) -> String {
    let body: Value = serde_json::from_str(&endpoint.requests()[0].body).unwrap();
    let fact = &body["data"]["facts"][0];
    format!("{}: {}", fact["name"].as_str().unwrap(), fact["value"].as_str().unwrap())
}

#[tokio::test]
async fn what_a_channel_refuses_is_told_to_the_fallback_which_learns_why() {
    let stage = Stage::new(&["410 Gone\r\n"], &[]).await;
    assert!(matches!(stage.deliver(START).await, State::Dead { .. }));
    assert_eq!(stage.platform.requests().len(), 1);
    let expect = "instead of: security by webhook, which did not get this: the endpoint answered 410";
    assert_eq!(first_fact(&stage.platform), expect);
    let standing = stage.standing(START).await;
    assert_eq!((standing.open.len(), standing.dead.len(), standing.lost), (0, 1, 0), "{standing:?}");
    stage.deliver(START).await;
    assert_eq!(stage.platform.requests().len(), 1, "told once");
}

#[tokio::test]
async fn what_reaches_nobody_is_lost_until_it_is_sent_again() {
    let stage = Stage::new(&["410 Gone\r\n"], &["404 Not Found\r\n"]).await;
    stage.deliver(START).await;
    let standing = stage.standing(START).await;
    assert_eq!((standing.dead.len(), standing.lost), (2, 1), "the second stood in for the first: {standing:?}");
    let sent = stage.deliverer.redrive(Some("security"), &clock(START)).await.unwrap();
    assert!(matches!(&sent[..], [(_, State::Sent { .. })]), "{sent:?}");
    let standing = stage.standing(START).await;
    assert_eq!((standing.dead.len(), standing.lost, standing.open.len()), (1, 0, 0), "{standing:?}");
    assert_eq!(stage.security.requests().len(), 2);
}

#[tokio::test]
async fn what_takes_too_long_is_told_to_the_fallback_once() {
    let stage = Stage::queued(&[]).await;
    assert_eq!(stage.watch("2026-11-12T04:28:59Z").await, Watched { open: 1, ..Watched::default() });
    assert_eq!(stage.watch("2026-11-12T04:29:00Z").await.instead, 1);
    assert_eq!(stage.watch("2026-11-12T04:30:00Z").await, Watched { open: 2, ..Watched::default() });
    let [(body, group, _)] = &stage.queue.0.lock().unwrap().clone()[..] else { panic!("not one message") };
    assert!(body.contains(r#""receiver":"platform""#) && group == "platform-webhook-0", "{body} {group}");
    assert!(matches!(stage.deliver("2026-11-12T04:30:00Z").await, State::Sent { .. }), "it may still arrive");
}

#[tokio::test]
async fn what_the_queue_forgot_is_put_into_it_again() {
    let stage = Stage::queued(&[]).await;
    stage.watch("2026-11-12T04:29:00Z").await;
    assert_eq!(stage.watch("2026-11-12T04:57:00Z").await.again, 1);
    assert_eq!(stage.watch("2026-11-12T05:20:00Z").await.again, 1, "the other one, which is younger");
    let ids = stage.queued_ids();
    assert!(ids[1].starts_with(&format!("{}-", stage.delivery.id)), "under another id: {ids:?}");
    assert_eq!(stage.watch("2026-11-12T10:26:59Z").await.lost, 0);
    assert_eq!(stage.watch("2026-11-12T10:27:00Z").await.lost, 1, "after six hours it counts");
    stage.deliver("2026-11-12T10:28:00Z").await;
    assert_eq!(stage.watch("2026-11-12T10:28:30Z").await.lost, 0);
}

#[tokio::test]
async fn entry_that_a_crash_left_behind_is_struck_out() {
    let stage = Stage::queued(&[]).await;
    stage.deliver(START).await;
    let store = stage.deliverer.store.as_ref();
    open::note(store, &stage.delivery, START.parse().unwrap()).await.unwrap();
    assert_eq!(stage.watch("2026-11-12T04:40:00Z").await, Watched::default());
    assert!(open::all(store, START.parse().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn receiver_with_one_dead_channel_hears_by_its_others() {
    let (dead, alive) = (Endpoint::answering(&["410 Gone\r\n"]).await, Endpoint::answering(&[]).await);
    let alerts = json!({"receivers": {"platform": [{"webhook": {"url": dead.url}}, {"webhook": {"url": alive.url}}]},
        "route": {"receiver": "platform"}});
    let store = Arc::new(MemoryStore::default());
    let delivery = Delivery::new(&Alert::new("m1", "t", "event", "raw"), "e", "platform", 0, "webhook");
    owe(store.as_ref(), &delivery, START.parse().unwrap()).await.unwrap();
    let deliverer = Deliverer::with(config(alerts), store, tools(Loopback::Allowed));
    deliverer.deliver(&delivery.ticket(), &clock(START)).await.unwrap();
    assert_eq!((dead.requests().len(), alive.requests().len()), (1, 1));
    assert_eq!(deliverer.standing(START.parse().unwrap()).await.unwrap().lost, 0);
}

#[tokio::test]
async fn message_that_must_wait_is_hidden_for_that_long() {
    let stage = Stage::queued(&["429 Too Many Requests\r\nretry-after: 600\r\n"]).await;
    let text = json!({ "delivery": stage.delivery.ticket() }).to_string();
    let message = Message { handle: Some("h-1".to_owned()), ..Message::direct("m", text) };
    assert!(stage.deliverer.handle(&invocation(START, 60), &message).await.is_err(), "it goes back to the queue");
    let [(hidden, _, seconds)] = &stage.queue.0.lock().unwrap().clone()[..] else { panic!("not one call") };
    assert_eq!(hidden, "hide h-1");
    let seconds: i32 = seconds.parse().unwrap();
    assert!((599..=601).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn watch_is_asked_for_by_its_word() {
    let stage = Stage::queued(&[]).await;
    let asked = |text: &'static str| stage.deliverer.handle_text(text);
    assert_eq!(asked(r#"{"action":"watch"}"#).await.unwrap()["open"], 1);
    assert!(asked(r#"{"action":"sweep"}"#).await.is_err());
}

impl Deliverer {
    async fn handle_text(&self, text: &str) -> Result<Value, Failure> {
        self.handle(&invocation(START, 60), &Message::direct("m", text)).await
    }
}
