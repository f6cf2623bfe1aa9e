//! Hands out what the stack's outbox holds, as an event source mapping does: groups beside each other, each in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forester::alert::Deliverer;
use forester::aws::Scope;
use forester::event::{Batch, Message, open};
use forester::job::Job;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::ground::Ground;
use super::invocation;
use crate::Outcome;

/// How long nothing is done when there is nothing to do.
const IDLE: Duration = Duration::from_millis(100);

/// Hands messages out until nothing more comes: `closed` says that nothing more is sent from outside.
pub async fn pump(ground: &Ground, deliverer: &Deliverer, closed: &Arc<AtomicBool>) -> Outcome<()> {
    let url = ground.outbox()?.to_owned();
    let mut under_way: JoinSet<Outcome<()>> = JoinSet::new();
    loop {
        let was_closed = closed.load(Ordering::Acquire);
        let groups = received(&ground.home, &url).await?;
        let is_idle = groups.is_empty();
        for messages in groups {
            under_way.spawn(in_order(ground.home.clone(), url.clone(), deliverer.clone(), messages));
        }
        while let Some(outcome) = under_way.try_join_next() {
            outcome??;
        }
        if is_idle && was_closed && under_way.is_empty() && ground.depth(&url).await? == 0 {
            return Ok(());
        }
        if is_idle {
            tokio::select! {
                Some(outcome) = under_way.join_next() => outcome??,
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }
}

/// The messages of one group in their order. After one that is not handled the rest is handed back, which keeps it so.
async fn in_order(home: Scope, url: String, deliverer: Deliverer, messages: Vec<Message>) -> Outcome<()> {
    let mut is_held = false;
    for message in messages {
        let handle = message.handle.clone().ok_or("a message without a receipt")?;
        if is_held {
            let now = json!({ "QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0 });
            home.call("sqs", "ChangeMessageVisibility", now).await?;
            continue;
        }
        match deliverer.handle(&invocation("delivery"), &message).await {
            Ok(_) => {
                drop(home.call("sqs", "DeleteMessage", json!({ "QueueUrl": url, "ReceiptHandle": handle })).await?)
            }
            Err(_) => is_held = true,
        }
    }
    Ok(())
}

/// The next messages, by group, out of the envelope that a function would get them in.
async fn received(home: &Scope, url: &str) -> Outcome<Vec<Vec<Message>>> {
    let wanted = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"] });
    let answer = home.call("sqs", "ReceiveMessage", wanted).await?;
    let records: Vec<Value> = answer["Messages"].as_array().into_iter().flatten().map(record).collect();
    let Batch::Queue(messages) = open(&json!({ "Records": records }), "pump") else { return Ok(Vec::new()) };
    let mut groups: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    for message in messages {
        groups.entry(message.group.clone().unwrap_or_default()).or_default().push(message);
    }
    Ok(groups.into_values().collect())
}

fn record(message: &Value) -> Value {
    json!({
        "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
        "attributes": message["Attributes"], "messageAttributes": {}, "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:forester-outbox.fifo",
        "awsRegion": "us-east-1",
    })
}
