//! Endpoints that record what they took, each with a manner of its own.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;
use crate::http::Response;
use crate::webhook::{Received, Webhook};

/// How an endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes everything.
    Good,
    /// Every fifth request is one too many: 429, and come back at once.
    Busy,
    /// Every seventh request is answered 500.
    Broken,
    /// It answers 503 for its first seconds.
    DeadForAWhile,
    /// Two requests get no answer at all.
    Silent,
    /// It is gone for good: 410.
    Gone,
}

/// What an endpoint took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The id of the delivery.
    pub id: String,
    /// The matter: the thing, the time that it is, the account.
    pub matter: String,
    /// Whether it tells of an end.
    pub resolved: bool,
    /// In whose place it came, if it was meant for somebody else.
    pub instead: bool,
}

/// A listening endpoint.
#[derive(Debug)]
pub struct Recorder {
    webhook: Webhook,
}

/// How long an endpoint is dead that comes back.
const DEAD: Duration = Duration::from_secs(4);
/// Longer than anybody waits for an answer.
const FOR_EVER: Duration = Duration::from_secs(60);

impl Recorder {
    /// Listens on a free port.
    pub async fn listen(manner: Manner) -> Outcome<Self> {
        let began = OnceLock::new();
        let refuse = move |n| refusal(manner, n, *began.get_or_init(Instant::now));
        Ok(Self { webhook: Webhook::answering(refuse).await? })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.webhook.url
    }

    /// Everything taken so far, in order.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.webhook.received().iter().filter_map(read).collect()
    }
}

/// What the `n`th request is answered, if it is not taken.
async fn refusal(manner: Manner, n: usize, first: Instant) -> Option<Response> {
    let later = |status, seconds: u32| {
        let mut answer = Response::json(status, "{}");
        answer.headers.push(("retry-after", seconds.to_string()));
        Some(answer)
    };
    match manner {
        Manner::Busy if n.is_multiple_of(5) => later(429, 0),
        Manner::Broken if n.is_multiple_of(7) => later(500, 0),
        Manner::DeadForAWhile if first.elapsed() < DEAD => later(503, 1),
        Manner::Silent if n == 100 || n == 500 => {
            tokio::time::sleep(FOR_EVER).await;
            Some(Response::json(504, "{}"))
        }
        Manner::Gone => Some(Response::json(410, "{}")),
        Manner::Good | Manner::Busy | Manner::Broken | Manner::DeadForAWhile | Manner::Silent => None,
    }
}

fn read(received: &Received) -> Option<Arrived> {
    let body: Value = serde_json::from_str(&received.body).ok()?;
    let data = &body["data"];
    let (account, identity) = (&data["account"], &data["identity"]);
    let facts = data["facts"].as_array()?;
    Some(Arrived {
        id: received.headers.get("webhook-id")?.clone(),
        matter: format!("{identity} {account}"),
        resolved: body["type"] == "forester.alert.resolved",
        instead: facts.iter().any(|fact| fact["name"] == "instead of"),
    })
}
