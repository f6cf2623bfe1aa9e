//! A FIFO queue in this process, and what hands its messages out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use forester::alert::Deliverer;
use forester::aws::CallError;
use forester::aws::sqs::Queue;
use forester::event::Message;
use forester::job::Job;
use tokio::task::JoinSet;

use super::invocation;
use crate::Outcome;

/// Order within a group, one message of a group at a time, and every id once.
#[derive(Debug, Default)]
pub struct Fifo(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    groups: BTreeMap<String, VecDeque<Waiting>>,
    seen: BTreeSet<String>,
    busy: BTreeSet<String>,
    closed: bool,
}

#[derive(Clone, Debug)]
struct Waiting {
    body: String,
    not_before: Instant,
}

/// When a message that was not handled comes back, unless it was hidden for another time.
const VISIBLE: Duration = Duration::from_secs(1);
/// How long nothing is done when there is nothing to do.
const IDLE: Duration = Duration::from_millis(2);

#[async_trait]
impl Queue for Fifo {
    async fn send(&self, body: &str, group: &str, deduplication: &str) -> Result<(), CallError> {
        let mut inside = self.inside();
        if inside.seen.insert(deduplication.to_owned()) {
            let waiting = Waiting { body: body.to_owned(), not_before: Instant::now() };
            inside.groups.entry(group.to_owned()).or_default().push_back(waiting);
        }
        Ok(())
    }

    async fn hide(&self, handle: &str, seconds: i32) -> Result<(), CallError> {
        let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        if let Some(first) = self.inside().groups.get_mut(handle).and_then(VecDeque::front_mut) {
            first.not_before = Instant::now() + seconds;
        }
        Ok(())
    }
}

impl Fifo {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more will be sent from outside.
    pub fn close(&self) {
        self.inside().closed = true;
    }

    /// The first message of every group that is not busy, if it may be handed out now.
    fn ready(&self) -> Vec<(String, String)> {
        let now = Instant::now();
        let mut inside = self.inside();
        let Inside { groups, busy, .. } = &mut *inside;
        let mut ready = Vec::new();
        for (group, waiting) in groups {
            if let Some(first) = waiting.front_mut().filter(|first| first.not_before <= now && !busy.contains(group)) {
                first.not_before = now + VISIBLE;
                busy.insert(group.clone());
                ready.push((group.clone(), first.body.clone()));
            }
        }
        ready
    }

    fn done(&self, group: &str, handled: bool) {
        let mut inside = self.inside();
        inside.busy.remove(group);
        if let Some(waiting) = inside.groups.get_mut(group).filter(|_| handled) {
            waiting.pop_front();
        }
    }

    fn is_over(&self) -> bool {
        let inside = self.inside();
        inside.closed && inside.busy.is_empty() && inside.groups.values().all(VecDeque::is_empty)
    }
}

/// Hands messages out until nothing more comes.
pub async fn pump(queue: &Arc<Fifo>, deliverer: &Deliverer) -> Outcome<()> {
    let mut under_way = JoinSet::new();
    while !queue.is_over() {
        for (group, body) in queue.ready() {
            let (queue, deliverer) = (Arc::clone(queue), deliverer.clone());
            under_way.spawn(async move {
                let message = Message { handle: Some(group.clone()), ..Message::direct("m", body) };
                let handled = deliverer.handle(&invocation("delivery"), &message).await.is_ok();
                queue.done(&group, handled);
            });
        }
        tokio::select! {
            Some(outcome) = under_way.join_next() => outcome?,
            () = tokio::time::sleep(IDLE) => {}
        }
    }
    Ok(())
}
