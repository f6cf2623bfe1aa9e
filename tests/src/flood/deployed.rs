//! The same through the deployed functions: topics, rules, queues and event source mappings of the template.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use forester::alert::Deliverer;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Outflow;
use super::ground::Ground;
use super::signals::Signals;
use crate::Outcome;
use crate::local::eventually;

/// How long the functions may take.
const LIMIT: Duration = Duration::from_secs(400);

/// The event as one that a rule of the template takes: not every call is worth a function.
fn caught(event: &str) -> String {
    event
        .replace("iam.amazonaws.com", "cloudtrail.amazonaws.com")
        .replace("aws.iam", "aws.cloudtrail")
        .replace("CreateAccessKey", "StopLogging")
}

/// Publishes every signal where AWS would, and waits until nothing is owed.
pub async fn deployed(signals: &Signals) -> Outcome<Outflow> {
    let ground = Ground::lay().await?;
    ground.trouble().await?;
    let deliverer = Deliverer::queued(&ground.deliverer)?;
    let (since, began) = (ground.stack.last_call().await?, Instant::now());
    let mut published = BTreeSet::new();
    for message in &signals.messages {
        // A text that nobody reads has no content to be known by: published anew, it is another message.
        if !published.insert(&message.id) && message.id.starts_with("Unknown") {
            continue;
        }
        match message.topic {
            Some(_) => {
                let topic = ground.deployment.output("BudgetTopicArn")?;
                ground.home.call("sns", "Publish", json!({ "TopicArn": topic, "Message": message.text })).await?;
            }
            None => ground.put_event(&serde_json::from_str::<Value>(&caught(&message.text))?).await?,
        }
    }
    let queues = ["BudgetQueue", "AlarmQueue", "OutboxQueue"].map(|name| ground.deployment.resource(name));
    let settled = async || {
        let mut depth = 0;
        for queue in &queues {
            depth += ground.depth(queue.as_ref().map_err(ToString::to_string)?).await?;
        }
        let is_over = depth == 0 && deliverer.standing(Timestamp::now()).await?.open.is_empty();
        Ok(is_over.then_some(()))
    };
    eventually(LIMIT, "empty queues", settled).await?;
    let outflow = ground.outflow(&deliverer, None, began, since).await?;
    ground.stack.stop().await?;
    Ok(outflow)
}
