//! Endpoints that record what they took, each in the way of its vendor and with a manner of its own.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::lanes::{LANES, Lane, Manner, ROOT};
use super::vendor::{Memory, Message};
use crate::Outcome;
use crate::http::{Request, Response, Server};

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The thing that it is about, by the name that its signal gave it.
    pub matter: String,
    /// Whether it tells of an end.
    pub resolved: bool,
    /// Whether it was meant for somebody else.
    pub instead: bool,
    /// What it says; twice the same is once too often.
    pub text: String,
}

/// Everything that a lane took.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// In order.
    pub arrived: Vec<Arrived>,
    /// How often the vendor knew a message by its key and showed nothing new.
    pub repeated: usize,
    /// How many requests were refused or left without an answer.
    pub refused: usize,
}

/// A listening endpoint.
#[derive(Debug)]
pub struct Recorder {
    taken: Arc<Mutex<Inside>>,
    server: Server,
}

#[derive(Debug, Default)]
struct Inside {
    taken: Taken,
    keys: BTreeSet<String>,
    memory: Memory,
}

/// What becomes of a request.
enum Fate {
    /// It is answered as the vendor does.
    Taken,
    /// It is taken, and nobody hears that it was.
    TakenInSilence,
    /// It is answered like this.
    Refused(Response),
    /// Nobody answers.
    Silence,
}

/// How long an endpoint is dead that comes back.
const DEAD: Duration = Duration::from_secs(6);
/// Longer than anybody waits for an answer.
const FOR_EVER: Duration = Duration::from_secs(60);
/// Every so many requests meet somebody who is busy or broken.
const OFTEN: usize = 16;
/// The requests that meet silence.
const SILENT: [usize; 2] = [12, 200];

impl Recorder {
    /// Listens on a free port.
    pub async fn listen(lane: Lane) -> Outcome<Self> {
        let taken: Arc<Mutex<Inside>> = Arc::default();
        let (inside, requests, first) = (Arc::clone(&taken), AtomicUsize::new(0), OnceLock::new());
        let server = Server::start(move |request: Request| {
            let fate =
                fate(lane.manner, requests.fetch_add(1, Ordering::Relaxed) + 1, *first.get_or_init(Instant::now));
            let inside = Arc::clone(&inside);
            async move {
                let (answer, is_silent) = match fate {
                    Fate::Taken => (take(lane, &request, &inside), false),
                    Fate::TakenInSilence => (take(lane, &request, &inside), true),
                    Fate::Refused(answer) => (refuse(answer, &inside), false),
                    Fate::Silence => (refuse(Response::json(504, "{}"), &inside), true),
                };
                if is_silent {
                    tokio::time::sleep(FOR_EVER).await;
                }
                answer
            }
        });
        Ok(Self { taken, server: server.await? })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Everything taken so far.
    pub fn taken(&self) -> Taken {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).taken.clone()
    }
}

fn fate(manner: Manner, n: usize, first: Instant) -> Fate {
    let later = |status| {
        let mut answer = Response::json(status, "{}");
        answer.headers.push(("retry-after", "1".to_owned()));
        Fate::Refused(answer)
    };
    match manner {
        Manner::Busy if n.is_multiple_of(OFTEN) => later(429),
        Manner::Broken if n.is_multiple_of(OFTEN) => later(500),
        Manner::DeadForAWhile if first.elapsed() < DEAD => Fate::Refused(Response::json(503, "{}")),
        Manner::Silent if SILENT.contains(&n) => Fate::Silence,
        Manner::Forgetful if SILENT.contains(&n) => Fate::TakenInSilence,
        Manner::Gone => Fate::Refused(Response::json(410, "{}")),
        Manner::Good
        | Manner::Busy
        | Manner::Broken
        | Manner::DeadForAWhile
        | Manner::Silent
        | Manner::Forgetful
        | Manner::Throttled => Fate::Taken,
    }
}

fn take(lane: Lane, request: &Request, inside: &Mutex<Inside>) -> Response {
    let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = lane.vendor.answer(request, &mut inside.memory);
    if let Some(Message { text, key }) = answer.message {
        let is_new = key.is_none_or(|key| inside.keys.insert(key));
        match is_new {
            true => inside.taken.arrived.push(Arrived::read(text)),
            false => inside.taken.repeated += 1,
        }
    }
    answer.response
}

fn refuse(answer: Response, inside: &Mutex<Inside>) -> Response {
    inside.lock().unwrap_or_else(PoisonError::into_inner).taken.refused += 1;
    answer
}

impl Arrived {
    /// What a message is about, by what stands in it.
    pub fn read(text: String) -> Self {
        let matter = matter(&text).unwrap_or_else(|| "(nothing of ours)".to_owned());
        let ends = ["RESOLVED", "forester.alert.resolved", "\"turn\":\"resolve\""];
        let resolved = ends.iter().any(|end| text.contains(end));
        Self { matter, resolved, instead: text.contains("instead of"), text }
    }
}

/// The first name of the form kind-lane-number in a text; a pattern of names has no number.
fn matter(text: &str) -> Option<String> {
    let kinds = ["budget", "event", "anomaly", "alarm", "unknown"];
    let lanes = || LANES.iter().chain([&ROOT]);
    let names = kinds.iter().flat_map(|kind| lanes().map(move |lane| format!("{kind}-{}-", lane.name)));
    let found = names.filter_map(|name| {
        let numbered = |(at, _): (usize, &str)| {
            let digits: String = text.get(at + name.len()..)?.chars().take_while(char::is_ascii_digit).collect();
            (!digits.is_empty()).then(|| (at, format!("{name}{digits}")))
        };
        text.match_indices(&name).find_map(numbered)
    });
    found.min().map(|(_, name)| name)
}
