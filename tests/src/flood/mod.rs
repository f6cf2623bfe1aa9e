//! A flood of alerts: thousands of mixed signals, some of them twice, in any order, through router, outbox and deliverer,
//! to one of every kind of channel: busy, broken, silent, forgetful, dead for a while, or dead for good.
//!
//! Table and queue are those of the deployed template. In `flood` this process routes and delivers with the library's
//! own code, because emulated functions would take an hour for as many; in `deployed` the functions do it themselves.

mod cloud;
mod deployed;
mod ground;
mod lanes;
mod pump;
mod recorder;
mod signals;
mod vendor;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use forester::alert::{Clock, Deliverer, Router, Standing};
use forester::event::Message;
use forester::job::{Invocation, Job};
use futures_util::StreamExt;
use futures_util::stream::iter;
use jiff::{SignedDuration, Timestamp};

pub use deployed::deployed;
pub use ground::Ground;
pub use lanes::{LANES, Lane, Manner, ROOT, Vendor};
pub use recorder::{Arrived, Taken};
pub use signals::{Kind, Signals};

use crate::Outcome;

/// How many routers work at once.
const ROUTERS: usize = 16;
/// How often a signal that could not be handled comes back, as from its queue.
const RETURNS: usize = 20;

/// What came of a flood.
#[derive(Debug)]
pub struct Outflow {
    /// What each lane took, by its name.
    pub taken: BTreeMap<&'static str, Taken>,
    /// How deliveries stand in the end.
    pub standing: Standing,
    /// How long routing took; none where the functions route.
    pub routed: Option<Duration>,
    /// How long it took until nothing was owed any more.
    pub delivered: Duration,
    /// The calls of each kind that went to the stack.
    pub calls: BTreeMap<String, usize>,
}

/// Lets everything through, and waits until nothing is owed.
pub async fn flood(signals: &Signals) -> Outcome<Outflow> {
    let ground = Ground::lay().await?;
    ground.unplug().await?;
    ground.trouble().await?;
    let (router, deliverer) = (Router::new(&ground.router)?, Deliverer::queued(&ground.deliverer)?);
    let (since, began, closed) = (ground.stack.last_call().await?, Instant::now(), Arc::new(AtomicBool::new(false)));
    let routing = async {
        let routed = route(&router, signals).await;
        closed.store(true, Ordering::Release);
        routed.map(|()| began.elapsed())
    };
    let (routed, pumped) = tokio::join!(routing, pump::pump(&ground, &deliverer, &closed));
    pumped?;
    let routed = Some(routed?);
    let outflow = ground.outflow(&deliverer, routed, began, since).await?;
    ground.stack.stop().await?;
    Ok(outflow)
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

impl Ground {
    /// What came of it all, once nothing is owed.
    async fn outflow(
        &self,
        deliverer: &Deliverer,
        routed: Option<Duration>,
        began: Instant,
        since: u64,
    ) -> Outcome<Outflow> {
        let delivered = began.elapsed();
        let calls = self.calls(since).await?;
        self.stack.heal().await?;
        deliverer.watch(&Clock::new(&invocation("watch"))).await?;
        let standing = deliverer.standing(Timestamp::now()).await?;
        Ok(Outflow { taken: self.taken().await?, standing, routed, delivered, calls })
    }
}

impl Outflow {
    /// What a lane took, in order.
    pub fn of(&self, lane: &str) -> &[Arrived] {
        self.taken.get(lane).map(|taken| taken.arrived.as_slice()).unwrap_or_default()
    }

    /// How many messages arrived.
    pub fn count(&self) -> usize {
        self.taken.values().map(|taken| taken.arrived.len()).sum()
    }

    /// Messages that a vendor showed more than once.
    pub fn twice(&self) -> usize {
        let texts =
            |taken: &Taken| taken.arrived.iter().map(|one| one.text.clone()).collect::<BTreeSet<String>>().len();
        self.taken.values().map(|taken| taken.arrived.len() - texts(taken)).sum()
    }

    /// Messages about a beginning that came after the end, or about an end that came before the beginning.
    pub fn out_of_order(&self) -> usize {
        self.taken.values().map(|taken| disorder(&taken.arrived)).sum()
    }

    /// How many different things a lane heard of.
    pub fn matters(&self, lane: &str) -> usize {
        self.of(lane).iter().map(|one| one.matter.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// How many requests were refused, and how many messages were sent again that had arrived.
    pub fn trouble(&self) -> (usize, usize) {
        let sum = |of: fn(&Taken) -> usize| self.taken.values().map(of).sum();
        (sum(|taken| taken.refused), sum(|taken| taken.repeated))
    }

    /// All calls.
    pub fn all_calls(&self) -> usize {
        self.calls.values().sum()
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
