//! The ends that are in the stack: topics and a bus with a queue behind each, and SES.

use std::collections::BTreeMap;

use forester::aws::Scope;
use serde_json::{Value, json};

use super::lanes::{LANES, Lane, Vendor};
use super::recorder::{Arrived, Taken};
use crate::Outcome;
use crate::stack::Stack;
use crate::world::text;

/// Where the lanes of the stack end.
#[derive(Debug, Default)]
pub struct Cloud {
    /// What the configuration names, by lane.
    pub ends: BTreeMap<&'static str, String>,
    queues: BTreeMap<&'static str, String>,
}

impl Cloud {
    /// Makes them, and a secret for every other lane whose end is at `urls`.
    pub async fn make(home: &Scope, urls: &BTreeMap<&'static str, String>) -> Outcome<Self> {
        let mut cloud = Self::default();
        for lane in LANES {
            match lane.vendor {
                Vendor::Email => {
                    drop(home.call("sesv2", "CreateEmailIdentity", json!({ "EmailIdentity": "acme.example" })).await?)
                }
                Vendor::Sns => cloud.topic(home, lane, ".fifo").await?,
                Vendor::AmazonQ => cloud.topic(home, lane, "").await?,
                Vendor::Eventbridge => cloud.bus(home, lane).await?,
                Vendor::Pagerduty | Vendor::Jsm => {
                    let secret = json!({ "Name": format!("forester/{}", lane.name), "SecretString": "k-secret" });
                    home.call("secretsmanager", "CreateSecret", secret).await?;
                }
                Vendor::Slack | Vendor::SlackWebhook | Vendor::Teams | Vendor::Jira | Vendor::Webhook => {
                    keep(home, lane, urls).await?;
                }
            }
        }
        keep(home, super::lanes::ROOT, urls).await?;
        Ok(cloud)
    }

    async fn topic(&mut self, home: &Scope, lane: Lane, suffix: &str) -> Outcome<()> {
        let mut topic = json!({ "Name": format!("flood-{}{suffix}", lane.name) });
        if !suffix.is_empty() {
            topic["Attributes"] = json!({ "FifoTopic": "true" });
        }
        let topic = text(&home.call("sns", "CreateTopic", topic).await?, "/TopicArn")?;
        let queue = self.queue(home, lane, suffix).await?;
        let subscription = json!({ "TopicArn": topic, "Protocol": "sqs", "Endpoint": queue,
            "Attributes": { "RawMessageDelivery": "true" } });
        home.call("sns", "Subscribe", subscription).await?;
        self.ends.insert(lane.name, topic);
        Ok(())
    }

    async fn bus(&mut self, home: &Scope, lane: Lane) -> Outcome<()> {
        let name = format!("flood-{}", lane.name);
        let bus = text(&home.call("events", "CreateEventBus", json!({ "Name": name })).await?, "/EventBusArn")?;
        let queue = self.queue(home, lane, "").await?;
        let pattern = json!({ "source": ["forester.alerts"] }).to_string();
        home.call("events", "PutRule", json!({ "Name": name, "EventBusName": name, "EventPattern": pattern })).await?;
        let targets = json!([{ "Id": "queue", "Arn": queue }]);
        home.call("events", "PutTargets", json!({ "Rule": name, "EventBusName": name, "Targets": targets })).await?;
        self.ends.insert(lane.name, bus);
        Ok(())
    }

    /// Makes the queue that records a lane, and returns its ARN.
    async fn queue(&mut self, home: &Scope, lane: Lane, suffix: &str) -> Outcome<String> {
        let mut queue = json!({ "QueueName": format!("flood-{}{suffix}", lane.name) });
        if !suffix.is_empty() {
            queue["Attributes"] = json!({ "FifoQueue": "true" });
        }
        let url = text(&home.call("sqs", "CreateQueue", queue).await?, "/QueueUrl")?;
        let wanted = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
        let arn = text(&home.call("sqs", "GetQueueAttributes", wanted).await?, "/Attributes/QueueArn")?;
        self.queues.insert(lane.name, url);
        Ok(arn)
    }

    /// What a lane took since it was asked last.
    pub async fn taken(&self, home: &Scope, stack: &Stack, lane: Lane) -> Outcome<Taken> {
        let texts = match self.queues.get(lane.name) {
            Some(url) => emptied(home, url).await?,
            None => mail(stack).await?,
        };
        Ok(Taken { arrived: texts.into_iter().map(Arrived::read).collect(), ..Taken::default() })
    }
}

/// Keeps the secret of a lane: its address, its token or what its messages are signed with.
async fn keep(home: &Scope, lane: Lane, urls: &BTreeMap<&'static str, String>) -> Outcome<()> {
    let url = urls.get(lane.name).cloned().unwrap_or_default();
    let value = match lane.vendor {
        Vendor::SlackWebhook | Vendor::Teams => url,
        Vendor::Webhook => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
        _ => "t-secret".to_owned(),
    };
    let parameter = json!({ "Name": format!("/forester/{}", lane.name), "Value": value, "Type": "SecureString" });
    home.call("ssm", "PutParameter", parameter).await?;
    Ok(())
}

async fn emptied(home: &Scope, url: &str) -> Outcome<Vec<String>> {
    let mut texts = Vec::new();
    loop {
        let wanted = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
        let answer = home.call("sqs", "ReceiveMessage", wanted).await?;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            return Ok(texts);
        }
        for message in messages {
            texts.push(text(&message, "/Body")?);
            let handle = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
            home.call("sqs", "DeleteMessage", handle).await?;
        }
    }
}

/// The mail that SES took, whole as it was asked for.
async fn mail(stack: &Stack) -> Outcome<Vec<String>> {
    let sent = stack.mail().await?;
    Ok(sent.iter().map(Value::to_string).collect())
}
