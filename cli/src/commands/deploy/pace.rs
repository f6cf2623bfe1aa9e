//! How often CloudFormation is asked whether it is done: soon at first, then every few seconds.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::output::Problem;

/// No operation of ours takes longer; CloudFormation itself has no such limit.
const LIMIT: Duration = Duration::from_secs(3600);
const SLOWEST: Duration = Duration::from_secs(5);

/// The time between two questions, and all that was spent.
pub struct Pace {
    began: Instant,
    next: Duration,
}

impl Pace {
    /// From now on.
    pub fn begin() -> Self {
        Self { began: Instant::now(), next: Duration::from_millis(200) }
    }

    /// Waits a while, or says that `what` takes too long.
    pub async fn rest(&mut self, what: &str) -> Result<(), Problem> {
        if self.began.elapsed() > LIMIT {
            return Err(Problem::failed(format_args!(
                "{what} was not done after an hour; it goes on without this command: look at it in the console"
            )));
        }
        sleep(self.next).await;
        self.next = (self.next * 3 / 2).min(SLOWEST);
        Ok(())
    }
}
