//! Questions under way. They are kept moving whatever else is waited for: a question that has begun holds its place in
//! the queue for the account, and what waits for such a place while nobody moves the question would wait for ever.

use std::collections::VecDeque;
use std::pin::pin;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, Either, select};
use futures_util::stream::FuturesUnordered;

use super::engine::EngineError;
use super::machine::Answer;

type Heard = Result<Answer, EngineError>;

/// Questions under way, and answers that nobody has taken in yet.
#[derive(Default)]
pub struct Flight<'f> {
    flying: FuturesUnordered<BoxFuture<'f, Heard>>,
    landed: VecDeque<Heard>,
}

impl<'f> Flight<'f> {
    /// Begins one.
    pub fn push(&mut self, question: BoxFuture<'f, Heard>) {
        self.flying.push(question);
    }

    /// How many have begun and were not taken in.
    pub fn len(&self) -> usize {
        self.flying.len() + self.landed.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next answer; nothing when there is no question.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.landed.pop_front() {
            Some(answer) => Some(answer),
            None => self.flying.next().await,
        }
    }

    /// Waits for something else, and keeps the questions moving meanwhile.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        while !self.flying.is_empty() {
            match select(&mut work, self.flying.next()).await {
                Either::Left((done, _)) => return done,
                Either::Right((answer, _)) => self.landed.extend(answer),
            }
        }
        work.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_place_gets_it_from_a_question_under_way() {
        let places = Arc::new(Semaphore::new(1));
        let mut flight = Flight::default();
        let held = Arc::clone(&places);
        flight.push(
            async move {
                let _held = held.acquire().await;
                tokio::task::yield_now().await;
                Ok(Answer::VpcsMade(Vec::new()))
            }
            .boxed(),
        );
        // The question has its place now, and is not done.
        assert!(flight.next().now_or_never().is_none());
        drop(flight.during(places.acquire()).await);
        assert!(flight.next().await.is_some(), "its answer was kept");
        assert!(flight.is_empty());
    }
}
