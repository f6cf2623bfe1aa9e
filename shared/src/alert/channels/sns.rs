//! SNS topics: plain text for people. Subjects are printable ASCII of at most 100 characters, so nothing in an alert
//! can add a header to the mail that SNS makes of it
//! (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).

use async_trait::async_trait;
use jiff::Timestamp;

use super::page::{Limits, Page};
use super::{Channel, Outcome, Thread, Tools};
use crate::alert::outbox::Delivery;
use crate::config::alerts::channels::Sns;

/// A message may have 262,144 bytes, and mail of that length is read by nobody.
const LIMITS: Limits = Limits { value: 2_000, rows: 400, total: 40_000 };

#[async_trait]
impl Channel for Sns {
    fn render(&self, delivery: &Delivery) -> String {
        Page::of(delivery).fit(LIMITS).plain()
    }

    async fn send(&self, delivery: &Delivery, _thread: Option<&Thread>, tools: &Tools, _now: Timestamp) -> Outcome {
        tools.publish(delivery, &self.topic, &Page::of(delivery).headline.ascii(100), &self.render(delivery)).await
    }
}
