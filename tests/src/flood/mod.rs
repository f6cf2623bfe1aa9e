//! A flood of alerts: thousands of mixed signals, some of them twice, in any order, through the real router, outbox and
//! deliverer, to channels that are busy, broken, silent, dead for a while, or dead for good.
//!
//! The queue is one of this process, with what SQS FIFO promises: order within a group, a message at a time, handed out
//! again when it was not handled. Emulated Lambdas would take an hour for as many.

mod channel;
mod queue;
mod signals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use forester::alert::{Deliverer, Out, Router, Standing};
use forester::aws::{AccessRoles, Accounts, Entry, Sdk, SdkAccounts};
use forester::config::Config;
use forester::event::Message;
use forester::job::{Invocation, Job};
use forester::store::{DirectoryObjects, MemoryStore};
use forester::{Forester, Settings, org};
use futures_util::StreamExt;
use futures_util::stream::iter;
use jiff::{SignedDuration, Timestamp};

pub use channel::{Arrived, Manner, Recorder};
use queue::Fifo;
pub use signals::{Kind, Signals};

use crate::Outcome;
use crate::http::{Response, Server};

/// How many routers work at once.
const ROUTERS: usize = 16;
/// How often a signal that could not be handled comes back, as from its queue.
const RETURNS: usize = 20;

/// What came of a flood.
#[derive(Debug)]
pub struct Outflow {
    /// What each endpoint took, by receiver.
    pub arrived: BTreeMap<String, Vec<Arrived>>,
    /// How deliveries stand in the end.
    pub standing: Standing,
    /// How long routing took.
    pub routed: Duration,
    /// How long it took until nothing was owed any more.
    pub delivered: Duration,
}

/// The receivers, and how their endpoints behave.
pub const RECEIVERS: [(&str, Manner); 6] = [
    ("platform", Manner::Good),
    ("money", Manner::Busy),
    ("trail", Manner::Broken),
    ("costs", Manner::DeadForAWhile),
    ("ops", Manner::Silent),
    ("security", Manner::Gone),
];

/// Lets everything through, and waits until nothing is owed.
pub async fn flood(signals: &Signals) -> Outcome<Outflow> {
    let mut recorders = BTreeMap::new();
    for (name, manner) in RECEIVERS {
        recorders.insert(name.to_owned(), Recorder::listen(manner).await?);
    }
    // An AWS that refuses everything: nothing is looked up, and nothing may be held up by that.
    let refusing = Server::start(|_| async { Response::json(403, r#"{"__type":"AccessDeniedException"}"#) }).await?;
    let forester = wired(&refusing.url(), &recorders).await?;
    let queue = Arc::new(Fifo::default());
    let router = Router::delivering(&forester, Out::Queue(Arc::<Fifo>::clone(&queue)));
    let deliverer = Deliverer::new(&forester).through(Arc::<Fifo>::clone(&queue));
    let began = Instant::now();
    let pumping = queue::pump(&queue, &deliverer);
    let routing = async {
        let routed = route(&router, signals).await;
        queue.close();
        routed.map(|()| began.elapsed())
    };
    let (routed, pumped) = tokio::join!(routing, pumping);
    pumped?;
    let (routed, delivered) = (routed?, began.elapsed());
    deliverer.watch(&forester::alert::Clock::new(&invocation("watch"))).await?;
    let standing = deliverer.standing(Timestamp::now()).await?;
    let arrived = recorders.into_iter().map(|(name, recorder)| (name, recorder.arrived())).collect();
    Ok(Outflow { arrived, standing, routed, delivered })
}

/// Routes every signal; what fails comes back, as it would from its queue.
async fn route(router: &Router, signals: &Signals) -> Outcome<()> {
    let mut outcomes = iter(&signals.messages).map(|message| handle(router, message)).buffer_unordered(ROUTERS);
    while let Some(outcome) = outcomes.next().await {
        outcome?;
    }
    Ok(())
}

async fn handle(router: &Router, message: &Message) -> Outcome<()> {
    let mut last = None;
    for _ in 0..RETURNS {
        match router.handle(&invocation(&message.id), message).await {
            Ok(_) => return Ok(()),
            Err(failure) => last = Some(failure),
        }
    }
    Err(format!("{} was not handled: {last:?}", message.id).into())
}

fn invocation(id: &str) -> Invocation {
    let started = Timestamp::now();
    let deadline = started.checked_add(SignedDuration::from_secs(60)).unwrap_or(started);
    Invocation { request_id: id.to_owned(), started, deadline }
}

async fn wired(endpoint: &str, recorders: &BTreeMap<String, Recorder>) -> Outcome<Forester> {
    let config = Arc::new(Config::parse(&configuration(recorders), "flood")?);
    let sdk = Sdk::at(endpoint, "111122223333", &config.home_region).await;
    let roles = AccessRoles { role: "R".to_owned(), fallback: Vec::new() };
    let accounts: Arc<dyn Accounts> = Arc::new(SdkAccounts::new(&sdk, roles, Entry::AssumeRole));
    let directory = org::directory(&config, &sdk, &accounts);
    let settings = Settings::from_env(|name| (name == "FORESTER_ALLOW_LOOPBACK").then(|| "1".to_owned()))?;
    let objects = Arc::new(DirectoryObjects::new(std::env::temp_dir()));
    let store = Arc::new(MemoryStore::default());
    Ok(Forester { settings, config, sdk, accounts, directory, store, objects, mailbox: None, timers: None })
}

fn configuration(recorders: &BTreeMap<String, Recorder>) -> String {
    let receivers: Vec<String> = recorders
        .iter()
        .map(|(name, recorder)| format!("    {name}: [{{webhook: {{url: \"{}\"}}}}]", recorder.url()))
        .collect();
    format!(
        "version: 1\nmode: virtual-root\nhome_region: us-east-1\nregions: {{govern: [us-east-1]}}\naccess: {{role: R}}\n\
         accounts:\n  root: {{id: \"111122223333\"}}\n  sbx: {{id: \"444455556666\"}}\n\
         alerts:\n  receivers:\n{}\n  route:\n    receiver: platform\n    routes:\n\
         \x20     - {{match: {{kind: budget}}, receiver: money}}\n\
         \x20     - {{match: {{kind: event}}, receiver: trail}}\n\
         \x20     - {{match: {{kind: anomaly}}, receiver: costs}}\n\
         \x20     - {{match: {{kind: alarm}}, receiver: security, continue: true}}\n\
         \x20     - {{match: {{kind: alarm}}, receiver: ops}}\n",
        receivers.join("\n")
    )
}

impl Outflow {
    /// How many deliveries arrived.
    pub fn count(&self) -> usize {
        self.arrived.values().map(Vec::len).sum()
    }

    /// Deliveries that were taken more than once.
    pub fn twice(&self) -> usize {
        let ids: BTreeSet<&str> = self.arrived.values().flatten().map(|arrived| arrived.id.as_str()).collect();
        self.count() - ids.len()
    }

    /// Messages about a beginning that came after the end, or about an end that came before the beginning.
    pub fn out_of_order(&self) -> usize {
        self.arrived.values().map(|arrived| disorder(arrived)).sum()
    }
}

fn disorder(arrived: &[Arrived]) -> usize {
    let (mut begun, mut ended) = (BTreeSet::new(), BTreeSet::new());
    let mut wrong = 0;
    for one in arrived {
        let (is_early, is_late) = (one.resolved && !begun.contains(&one.matter), ended.contains(&one.matter));
        wrong += usize::from(is_early || is_late);
        if one.resolved { &mut ended } else { &mut begun }.insert(&one.matter);
    }
    wrong
}
