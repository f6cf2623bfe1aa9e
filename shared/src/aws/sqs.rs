//! Queues: the outbox, SQS FIFO with one message a delivery, and the baseline's own, to which work that has to wait goes
//! back.

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry};

use super::{CallError, CallSite, ErrorClass, Sdk, failed};
use crate::types::{AccountId, Malformed, Region};

/// A FIFO queue that deliveries wait in.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends `body` in order within `group`; a second message with the same `deduplication` id within five minutes
    /// is dropped by SQS.
    async fn send(&self, body: &str, group: &str, deduplication: &str) -> Result<(), CallError>;

    /// Hands a message out again after so many seconds, and not when its visibility timeout ends
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>).
    async fn hide(&self, handle: &str, seconds: i32) -> Result<(), CallError>;
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

    async fn hide(&self, handle: &str, seconds: i32) -> Result<(), CallError> {
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(handle);
        let answer = request.visibility_timeout(seconds).send().await;
        answer.map(drop).map_err(|error| failed(self.site("ChangeMessageVisibility"), error))
    }
}

/// A message that the queue gave up on.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The message.
    pub body: String,
    /// Its group.
    pub group: String,
    handle: String,
}

/// The dead-letter queue of a FIFO queue.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    of: SdkQueue,
    url: String,
}

impl SdkQueue {
    /// The queue that takes what this one gives up on, as its redrive policy names it.
    pub async fn dead_letters(&self) -> Result<Option<DeadLetters>, CallError> {
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = request.attribute_names(QueueAttributeName::RedrivePolicy).send().await;
        let answer = answer.map_err(|error| failed(self.site("GetQueueAttributes"), error))?;
        let policy = answer.attributes().and_then(|all| all.get(&QueueAttributeName::RedrivePolicy));
        let policy = policy.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        let arn = policy.and_then(|policy| policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned));
        let Some(name) = arn.as_deref().and_then(|arn| arn.rsplit(':').next()) else { return Ok(None) };
        let request = self.client.get_queue_url().queue_name(name).queue_owner_aws_account_id(self.account.as_ref());
        let answer = request.send().await.map_err(|error| failed(self.site("GetQueueUrl"), error))?;
        Ok(answer.queue_url().map(|url| DeadLetters { of: self.clone(), url: url.to_owned() }))
    }
}

impl DeadLetters {
    /// About how many there are.
    pub async fn count(&self) -> Result<usize, CallError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.of.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        let answer = request.send().await.map_err(|error| failed(self.of.site("GetQueueAttributes"), error))?;
        Ok(answer.attributes().and_then(|all| all.get(&name)?.parse().ok()).unwrap_or_default())
    }

    /// The next of them, ten at most; they are hidden from others for a while.
    pub async fn next(&self) -> Result<Vec<DeadLetter>, CallError> {
        let request = self.of.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        let answer = request.send().await.map_err(|error| failed(self.of.site("ReceiveMessage"), error))?;
        let letter = |message: &Message| {
            let group = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId));
            Some(DeadLetter {
                body: message.body()?.to_owned(),
                group: group.cloned().unwrap_or_default(),
                handle: message.receipt_handle()?.to_owned(),
            })
        };
        Ok(answer.messages().iter().filter_map(letter).collect())
    }

    /// Takes one away that was seen to.
    pub async fn remove(&self, letter: &DeadLetter) -> Result<(), CallError> {
        let request = self.of.client.delete_message().queue_url(&self.url).receipt_handle(&letter.handle);
        let answer = request.send().await;
        answer.map(drop).map_err(|error| failed(self.of.site("DeleteMessage"), error))
    }
}
