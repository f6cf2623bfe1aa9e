//! The outbox's queue: SQS FIFO, one message a delivery.

use async_trait::async_trait;
use aws_sdk_sqs::Client;

use super::{CallError, CallSite, Sdk, failed};
use crate::types::{AccountId, Malformed, Region};

/// A FIFO queue that deliveries wait in.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends `body` in order within `group`; a second message with the same `deduplication` id within five minutes
    /// is dropped by SQS.
    async fn send(&self, body: &str, group: &str, deduplication: &str) -> Result<(), CallError>;
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
