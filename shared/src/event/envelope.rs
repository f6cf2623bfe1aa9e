//! Opens envelopes: SQS batches, SNS records, SNS inside SQS (raw delivery included), or the bare event.

use aws_lambda_events::event::sns::SnsEvent;
use aws_lambda_events::event::sqs::SqsEvent;
use serde_json::Value;

use super::subscription;

/// One thing to handle, with its raw text kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The SQS message id, for partial batch answers; absent outside SQS.
    pub item: Option<String>,
    /// An id that stays the same when the same message is delivered again.
    pub id: String,
    /// The innermost text as it arrived.
    pub text: String,
    /// The SNS topic it came through.
    pub topic: Option<String>,
    /// The SNS subject.
    pub subject: Option<String>,
    /// The message group of a FIFO queue, within which order is kept.
    pub group: Option<String>,
    /// What SQS knows this handing out by, to hide the message longer.
    pub handle: Option<String>,
    /// How often SQS has handed it out, this time included; 1 outside SQS.
    pub attempt: u32,
}

impl Message {
    /// A message that came by itself.
    pub fn direct(id: impl Into<String>, text: impl Into<String>) -> Self {
        let (id, text) = (id.into(), text.into());
        Self { item: None, id, text, topic: None, subject: None, group: None, handle: None, attempt: 1 }
    }

    /// The text as JSON, if it is.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok()
    }
}

/// What one invocation brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Batch {
    /// From a queue: each message succeeds or fails alone.
    Queue(Vec<Message>),
    /// From a topic, or a log group's subscription: failing one fails the invocation, and SNS or Lambda repeats it.
    Topic(Vec<Message>),
    /// One event handed over directly (EventBridge, an alarm action, a state machine, a person).
    Direct(Message),
}

impl Batch {
    /// The messages, whatever brought them.
    pub fn messages(self) -> Vec<Message> {
        match self {
            Self::Queue(messages) | Self::Topic(messages) => messages,
            Self::Direct(message) => vec![message],
        }
    }
}

/// Opens the invocation's payload. `invocation` names a bare event that carries no id of its own.
pub fn open(payload: &Value, invocation: &str) -> Batch {
    let source = payload.pointer("/Records/0/eventSource").or_else(|| payload.pointer("/Records/0/EventSource"));
    if let Some(messages) = subscription::open(payload) {
        return Batch::Topic(messages);
    }
    match source.and_then(Value::as_str) {
        Some("aws:sqs") => queue(payload).unwrap_or_else(|| bare(payload, invocation)),
        Some("aws:sns") => topic(payload).unwrap_or_else(|| bare(payload, invocation)),
        _ => bare(payload, invocation),
    }
}

fn queue(payload: &Value) -> Option<Batch> {
    let event: SqsEvent = serde_json::from_value(payload.clone()).ok()?;
    let messages = event.records.into_iter().map(|record| {
        let item = record.message_id.clone();
        let count = record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
        // Whoever holds it was handed it at least once, whatever the count says.
        let attempt = count.unwrap_or(1).max(1);
        let body = record.body.unwrap_or_default();
        let group = record.attributes.get("MessageGroupId").cloned();
        let id = item.clone().unwrap_or_default();
        let handle = record.receipt_handle.clone();
        Message { item, group, handle, attempt, ..inner(&body, id) }
    });
    Some(Batch::Queue(messages.collect()))
}

/// A queue's body is the message itself, or an SNS notification around it. Read leniently: a notification whose
/// signature fields are missing or odd must not turn into an unreadable message. What carries an id of its own
/// (a notification, an EventBridge event) keeps it, because a second delivery has another SQS id.
fn inner(body: &str, id: String) -> Message {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let field = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    match (field("Type").as_deref(), field("Message")) {
        (Some("Notification"), Some(text)) => Message {
            topic: field("TopicArn"),
            subject: field("Subject"),
            ..Message::direct(field("MessageId").unwrap_or(id), text)
        },
        _ => {
            let own = field("detail-type").and_then(|_| field("id"));
            Message::direct(own.unwrap_or(id), body)
        }
    }
}

fn topic(payload: &Value) -> Option<Batch> {
    let event: SnsEvent = serde_json::from_value(payload.clone()).ok()?;
    let messages = event.records.into_iter().map(|record| Message {
        topic: Some(record.sns.topic_arn),
        subject: record.sns.subject,
        ..Message::direct(record.sns.message_id, record.sns.message)
    });
    Some(Batch::Topic(messages.collect()))
}

fn bare(payload: &Value, invocation: &str) -> Batch {
    let id = payload.get("id").and_then(Value::as_str).unwrap_or(invocation).to_owned();
    Batch::Direct(Message::direct(id, payload.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn raw_delivery_keeps_the_body_as_it_is() {
        let payload = json!({"Records": [{"messageId": "m1", "body": "AWS Budget Notification", "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": "3"}, "messageAttributes": {}}]});
        let Batch::Queue(messages) = open(&payload, "r") else { panic!("not a queue") };
        assert_eq!((messages[0].text.as_str(), messages[0].attempt), ("AWS Budget Notification", 3));
        assert_eq!(messages[0].item.as_deref(), Some("m1"));
    }

    #[test]
    fn message_that_is_here_was_handed_out_at_least_once() {
        for (count, expect) in [("0", 1), ("-3", 1), ("often", 1), ("2", 2)] {
            let payload = json!({"Records": [{"messageId": "m1", "body": "b", "eventSource": "aws:sqs",
                "attributes": {"ApproximateReceiveCount": count}, "messageAttributes": {}}]});
            assert_eq!(open(&payload, "r").messages()[0].attempt, expect, "{count}");
        }
    }

    #[test]
    fn notification_inside_a_queue_is_opened() {
        let body =
            json!({"Type": "Notification", "MessageId": "n1", "TopicArn": "arn:aws:sns:us-east-1:111122223333:t",
            "Message": "text"})
            .to_string();
        let payload = json!({"Records": [{"messageId": "m1", "body": body, "eventSource": "aws:sqs", "attributes": {},
            "messageAttributes": {}}]});
        let Batch::Queue(messages) = open(&payload, "r") else { panic!("not a queue") };
        assert_eq!((messages[0].id.as_str(), messages[0].text.as_str()), ("n1", "text"));
        assert_eq!(messages[0].item.as_deref(), Some("m1"));
    }

    #[test]
    fn event_in_a_queue_keeps_its_own_id() {
        let body = json!({"id": "e1", "detail-type": "AWS Service Event via CloudTrail"}).to_string();
        let payload = json!({"Records": [{"messageId": "m1", "body": body, "eventSource": "aws:sqs", "attributes": {},
            "messageAttributes": {}}]});
        let Batch::Queue(messages) = open(&payload, "r") else { panic!("not a queue") };
        assert_eq!((messages[0].id.as_str(), messages[0].item.as_deref()), ("e1", Some("m1")));
    }

    #[test]
    fn bare_event_is_named_by_its_own_id() {
        let Batch::Direct(message) = open(&json!({"id": "e1", "source": "aws.organizations"}), "r") else { panic!() };
        assert_eq!(message.id, "e1");
    }
}
