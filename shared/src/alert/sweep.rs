//! Doing what is due: woken for one errand, or looking through all of them.

use serde_json::{Value, json};

use super::delivery::Clock;
use super::router::Router;
use super::timer::{Due, Errand};
use crate::job::{Failure, Invocation};
use crate::store::Key;

impl Router {
    /// Does everything that is due. What fails stays due, and does not keep the rest from being done.
    pub async fn sweep(&self, invocation: &Invocation) -> Result<Value, Failure> {
        let clock = &Clock::new(invocation);
        let began = clock.now();
        let all = self.desk.timers.all(began).await?;
        let (mut done, mut failed) = (0_usize, Vec::new());
        for (key, due) in &all {
            match self.perform(key, due, invocation, clock).await {
                Ok(()) => done += 1,
                Err(failure) => {
                    tracing::warn!("what was due at {} is not done: {failure}", due.at);
                    failed.push(failure.to_string());
                }
            }
        }
        if !failed.is_empty() {
            return Err(Failure::Partial(format!("{done} of {} done; {}", all.len(), failed.join("; "))));
        }
        self.desk.timers.swept(began).await?;
        Ok(json!({ "due": all.len(), "done": done }))
    }

    /// Does one thing, if it is still there and due.
    pub(super) async fn wake(&self, key: &Key, invocation: &Invocation) -> Result<Value, Failure> {
        let clock = Clock::new(invocation);
        let Some(due) = self.desk.timers.get(key).await? else { return Ok(json!({ "due": 0, "done": 0 })) };
        if due.at > clock.now() {
            return Ok(json!({ "due": 1, "done": 0, "at": due.at }));
        }
        self.perform(key, &due, invocation, &clock).await?;
        Ok(json!({ "due": 1, "done": 1 }))
    }

    async fn perform(&self, key: &Key, due: &Due, invocation: &Invocation, clock: &Clock) -> Result<(), Failure> {
        match &due.errand {
            Errand::Search { place, nth } => self.search(place, *nth, invocation, clock).await?,
            other => self.desk.perform(other, clock).await?,
        }
        Ok(self.desk.timers.done(key).await?)
    }
}
