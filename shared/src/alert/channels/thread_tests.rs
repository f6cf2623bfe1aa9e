//! One incident, one thread: what a channel gave as a place comes back with what follows.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::samples::hostile;
use super::*;
use crate::alert::delivery::{Clock, Deliverer};
use crate::alert::fakes::{Endpoint, FakeAccounts, FakeAws, FakeTopics, FlakyStore, config, invocation};
use crate::alert::incident::Turn;
use crate::alert::outbox::{State, Ticket, owe};

const START: &str = "2026-11-12T04:27:00Z";
const POSTED: &str = "200 OK\r\n\r\n{\"ok\":true,\"channel\":\"C0123456789\",\"ts\":\"1794457612.000200\"}";

struct Stage {
    endpoint: Endpoint,
    store: Arc<FlakyStore>,
    deliverer: Deliverer,
}

impl Stage {
    async fn new(answers: &[&str]) -> Self {
        let endpoint = Endpoint::answering(answers).await;
        let slack = json!([{"slack": {"channel": "C0123456789", "token": "ssm:/token", "api": endpoint.url}}]);
        let config = config(json!({"receivers": {"platform": slack}, "route": {"receiver": "platform"}}));
        let token = json!({"Parameter": {"Value": "xoxb-token"}});
        let accounts = Arc::new(FakeAccounts(FakeAws::answering(&[("GetParameter", token)])));
        let https = Https::new(Loopback::Allowed);
        let tools = Tools::new(https, Arc::new(FakeTopics::default()), accounts, "eu-west-1".parse().unwrap());
        let store = Arc::new(FlakyStore::default());
        let deliverer = Deliverer::with(config, Arc::<FlakyStore>::clone(&store), tools);
        Self { endpoint, store, deliverer }
    }

    /// Owes one telling of the incident of an episode.
    async fn owe(&self, episode: &str, turn: Turn) -> Ticket {
        let mut delivery = Delivery::new(&hostile(), episode, "platform", 0, "slack");
        delivery.id = format!("{}-{}", delivery.id, turn.name());
        delivery.turn = turn;
        owe(self.store.as_ref(), &delivery, START.parse().unwrap()).await.unwrap();
        delivery.ticket()
    }

    async fn deliver(&self, ticket: &Ticket, at: &str) -> State {
        self.deliverer.deliver(ticket, &Clock::new(&invocation(at, 60))).await.unwrap()
    }

    /// The thread that each posted message stands in.
    fn threads(&self) -> Vec<Value> {
        let posted = self.endpoint.requests().into_iter().filter(|seen| seen.head.contains("chat.postMessage"));
        posted.map(|seen| serde_json::from_str::<Value>(&seen.body).unwrap()["thread_ts"].clone()).collect()
    }
}

#[tokio::test]
async fn what_follows_stands_in_the_thread_of_its_incident() {
    let stage = Stage::new(&[POSTED; 8]).await;
    for (episode, turn) in [("1", Turn::First), ("2", Turn::First), ("1", Turn::Update), ("1", Turn::Repeat)] {
        let ticket = stage.owe(episode, turn).await;
        assert!(matches!(stage.deliver(&ticket, START).await, State::Sent { .. }));
    }
    let thread = json!("1794457612.000200");
    assert_eq!(stage.threads(), [Value::Null, Value::Null, thread.clone(), thread]);
}

/// The sender dies after Slack took the message and the thread is remembered, and before the delivery is written down.
#[tokio::test]
async fn message_that_is_in_its_thread_is_not_posted_again() {
    let stage = Stage::new(&[POSTED; 8]).await;
    let ticket = stage.owe("1", Turn::First).await;
    stage.store.refuse.store(3, Ordering::Relaxed);
    stage.store.times.store(4, Ordering::Relaxed);
    let died = stage.deliverer.deliver(&ticket, &Clock::new(&invocation(START, 60))).await;
    assert!(died.is_err(), "what was sent could not be written down: {died:?}");
    let after = stage.deliver(&ticket, "2026-11-12T04:40:00Z").await;
    assert!(matches!(&after, State::Sent { answer, .. } if answer == "it had arrived before"), "{after:?}");
    assert_eq!(stage.threads().len(), 1);
}

/// The place cannot be remembered: the next message stands alone, and is sent all the same.
#[tokio::test]
async fn forgotten_thread_holds_nothing_up() {
    let stage = Stage::new(&[POSTED; 8]).await;
    let ticket = stage.owe("1", Turn::First).await;
    stage.store.refuse.store(2, Ordering::Relaxed);
    stage.store.times.store(1, Ordering::Relaxed);
    assert!(matches!(stage.deliver(&ticket, START).await, State::Sent { .. }));
    let ticket = stage.owe("1", Turn::Update).await;
    assert!(matches!(stage.deliver(&ticket, START).await, State::Sent { .. }));
    assert_eq!(stage.threads(), [Value::Null, Value::Null]);
}

#[tokio::test]
async fn thread_is_forgotten_when_it_is_old() {
    let stage = Stage::new(&[POSTED; 8]).await;
    let ticket = stage.owe("1", Turn::First).await;
    stage.deliver(&ticket, START).await;
    let ticket = stage.owe("1", Turn::Repeat).await;
    stage.deliver(&ticket, "2026-12-20T04:27:00Z").await;
    assert_eq!(stage.threads(), [Value::Null, Value::Null]);
}
