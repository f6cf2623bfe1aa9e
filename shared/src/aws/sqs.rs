//! Queues: the outbox, SQS FIFO with one message a delivery, and the baseline's own, to which work that has to wait goes
//! back.

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use super::{CallError, CallSite, ErrorClass, Sdk, failed};
use crate::types::{AccountId, Malformed, Region};

/// A FIFO queue that deliveries wait in.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends `body` in order within `group`; a second message with the same `deduplication` id within five minutes
    /// is dropped by SQS.
    async fn send(&self, body: &str, group: &str, deduplication: &str) -> Result<(), CallError>;
}

/// A standard queue that takes messages to be seen now or later.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// Posts every letter; each is seen after its delay, 15 minutes at most
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
    async fn post(&self, letters: &[Letter]) -> Result<(), CallError>;
}

/// A message, and when it is to be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// The message.
    pub body: String,
    /// After how many seconds.
    pub delay: i32,
}

/// SQS takes ten messages a call.
const BATCH: usize = 10;
/// How often the rest of a batch that was taken in part is sent again.
const TRIES: usize = 4;

#[async_trait]
impl Mailbox for SdkQueue {
    async fn post(&self, letters: &[Letter]) -> Result<(), CallError> {
        for batch in letters.chunks(BATCH) {
            let mut left: Vec<&Letter> = batch.iter().collect();
            for _ in 0..TRIES {
                left = self.post_batch(&left).await?;
                if left.is_empty() {
                    break;
                }
            }
            if !left.is_empty() {
                let message = format!("the queue did not take {} of {} messages", left.len(), batch.len());
                return Err(self.site("SendMessageBatch").error(ErrorClass::Transient, message));
            }
        }
        Ok(())
    }
}

impl SdkQueue {
    fn site(&self, operation: &str) -> CallSite {
        CallSite::new("sqs", operation, &self.account, &self.region)
    }

    /// Sends a batch and returns what the queue did not take.
    async fn post_batch<'a>(&self, letters: &[&'a Letter]) -> Result<Vec<&'a Letter>, CallError> {
        let site = || self.site("SendMessageBatch");
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for (n, letter) in letters.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(&letter.body);
            let entry = entry.delay_seconds(letter.delay).build();
            request = request.entries(entry.map_err(|error| site().error(ErrorClass::Invalid, error.to_string()))?);
        }
        let answer = request.send().await.map_err(|error| failed(site(), error))?;
        let refused = answer.failed().iter().filter_map(|entry| entry.id().parse::<usize>().ok());
        Ok(refused.filter_map(|n| letters.get(n).copied()).collect())
    }
}

/// A queue over the typed client.
#[derive(Clone, Debug)]
pub struct SdkQueue {
    client: Client,
    url: String,
    account: AccountId,
    region: Region,
}

impl SdkQueue {
    /// The queue at `url`, in `region`.
    pub fn new(sdk: &Sdk, url: &str, region: Region) -> Result<Self, Malformed> {
        let account = url.rsplit('/').nth(1).and_then(|account| account.parse().ok());
        let wrong = || Malformed::new(url, "the URL of an SQS queue (https://sqs.region.amazonaws.com/account/name)");
        let config = aws_sdk_sqs::config::Builder::from(sdk.config()).interceptor(sdk.counter());
        Ok(Self {
            client: Client::from_conf(config.build()),
            url: url.to_owned(),
            account: account.ok_or_else(wrong)?,
            region,
        })
    }
}

#[async_trait]
impl Queue for SdkQueue {
    async fn send(&self, body: &str, group: &str, deduplication: &str) -> Result<(), CallError> {
        let site = CallSite::new("sqs", "SendMessage", &self.account, &self.region);
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let request = request.message_group_id(group).message_deduplication_id(deduplication);
        request.send().await.map(drop).map_err(|error| failed(site, error))
    }
}
