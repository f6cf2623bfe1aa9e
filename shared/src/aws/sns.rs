//! Publishing to SNS topics, each in the region of its ARN.

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Region as SdkRegion};

use super::{CallError, CallSite, Sdk, failed};
use crate::types::TopicArn;

/// What is published.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication<'a> {
    /// The topic.
    pub topic: &'a TopicArn,
    /// At most 100 characters of printable ASCII.
    pub subject: &'a str,
    /// The text.
    pub message: &'a str,
    /// The same when it is published again: the deduplication id on FIFO topics.
    pub id: &'a str,
    /// The message group on FIFO topics.
    pub group: &'a str,
}

/// Publishes.
#[async_trait]
pub trait Topics: Send + Sync {
    /// Publishes and returns the message id.
    async fn publish(&self, publication: Publication<'_>) -> Result<String, CallError>;
}

/// Topics over the typed client.
#[derive(Clone, Debug)]
pub struct SdkTopics {
    sdk: Sdk,
}

impl SdkTopics {
    /// Publishes with the credentials of this process.
    pub fn new(sdk: &Sdk) -> Self {
        Self { sdk: sdk.clone() }
    }
}

#[async_trait]
impl Topics for SdkTopics {
    async fn publish(&self, publication: Publication<'_>) -> Result<String, CallError> {
        let topic = publication.topic;
        let site = CallSite::new("sns", "Publish", topic.account(), topic.region());
        let config = Builder::from(self.sdk.config())
            .region(SdkRegion::new(topic.region().to_string()))
            .interceptor(self.sdk.counter())
            .build();
        let request = Client::from_conf(config).publish().topic_arn(topic.to_string());
        let request = request.subject(publication.subject).message(publication.message);
        let request = if topic.is_fifo() {
            request.message_group_id(publication.group).message_deduplication_id(publication.id)
        } else {
            request
        };
        let answer = request.send().await.map_err(|error| failed(site, error))?;
        Ok(answer.message_id.unwrap_or_default())
    }
}
