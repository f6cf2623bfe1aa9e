//! Budget notification text on a topic -> queue -> `budget-router` -> outbox -> `alert-delivery` -> the webhook, once.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Clock, Effect};
use crate::local::{Local, eventually};
use crate::webhook::Received;
use crate::{Outcome, environment};

/// Publishes one notification twice, as SNS may, and waits for the one message that comes of it.
pub async fn run(local: &Local) -> Outcome<Effect> {
    let clock = Clock::start(local).await?;
    let sandbox = local.world.ids.get("sbx-ana").ok_or("there is no sandbox")?.to_string();
    let budget = format!("sandbox-{sandbox}");
    create_budget(local, &budget, &sandbox).await?;
    let before = local.webhook.received().len();
    let mut published = Vec::new();
    for _ in 0..2 {
        published.push(publish(local, &notification(local, &sandbox)?).await?);
    }
    for id in &published {
        local.handled("BudgetRouter", id).await?;
    }
    let message = delivered(local, before, &budget).await?;
    let changes = vec![
        format!("1 message for 2 notifications: {}", title(&message)?),
        "confirmed through DescribeBudget; owner ana@acme.example".to_owned(),
    ];
    for expected in ["ana@acme.example", sandbox.as_str(), "83.17"] {
        if !message.body.contains(expected) {
            return Err(format!("the message does not say {expected}: {}", message.body).into());
        }
    }
    clock.stop(local, "AWS Budgets notification", "budget-router, alert-delivery", changes).await
}

/// Lets the account called `name` have spent so many percent of its budget, and publishes the notification of today.
pub async fn overspend(local: &Local, name: &str, actual: &str) -> Outcome<()> {
    let account = local.world.ids.get(name).ok_or_else(|| format!("there is no {name}"))?.to_string();
    let (management, budget) = (local.stack.management.to_string(), format!("sandbox-{account}"));
    let home = local.home().await?;
    let described = json!({ "AccountId": management, "BudgetName": budget });
    if home.call("budgets", "DescribeBudget", described).await.is_err() {
        // A year has one first day, on which the ladder waits.
        let budget = json!({
            "BudgetName": budget, "BudgetType": "COST", "TimeUnit": "ANNUALLY",
            "BudgetLimit": { "Amount": "100", "Unit": "USD" }, "CostFilters": { "LinkedAccount": [account] },
        });
        home.call("budgets", "CreateBudget", json!({ "AccountId": management, "Budget": budget })).await?;
    }
    let spend = json!({ "account": management, "budget": budget, "actual": actual, "forecast": actual });
    local.stack.control("spend", &spend).await?;
    let today = jiff::Timestamp::now().strftime("%B %d, %Y").to_string();
    let text = notification(local, &account)?.replace("November 14, 2026", &today).replace("83.17", actual);
    let id = publish(local, &text).await?;
    local.handled("BudgetRouter", &id).await
}

async fn create_budget(local: &Local, name: &str, linked: &str) -> Outcome<()> {
    let home = local.home().await?;
    let account = local.stack.management.to_string();
    let budget = json!({
        "AccountId": account,
        "Budget": {
            "BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY",
            "BudgetLimit": { "Amount": "100", "Unit": "USD" }, "CostFilters": { "LinkedAccount": [linked] },
        },
    });
    home.call("budgets", "CreateBudget", budget).await?;
    let spend = json!({ "account": account, "budget": name, "actual": "83.17", "forecast": "163.9" });
    local.stack.control("spend", &spend).await?;
    Ok(())
}

/// The sample notification, about this stack's accounts.
fn notification(local: &Local, sandbox: &str) -> Outcome<String> {
    let sample = environment::root()?.join("events/budget-router/actual-monthly-80pct.json");
    let event: Value = serde_json::from_str(&std::fs::read_to_string(sample)?)?;
    let text = event.pointer("/Records/0/Sns/Message").and_then(Value::as_str).ok_or("the sample has no message")?;
    Ok(text.replace("111122223333", local.stack.management.as_ref()).replace("444455556666", sandbox))
}

async fn publish(local: &Local, text: &str) -> Outcome<String> {
    let topic = local.deployment.output("BudgetTopicArn")?;
    let request = json!({ "TopicArn": topic, "Message": text, "Subject": "AWS Budgets: sandbox has exceeded your alert threshold" });
    let answer = local.home().await?.call("sns", "Publish", request).await?;
    crate::world::text(&answer, "/MessageId")
}

/// The one message that names `about`. Waits for it, then makes sure that the outbox owes nothing more.
pub(super) async fn delivered(local: &Local, before: usize, about: &str) -> Outcome<Received> {
    match delivered_in_turn(local, before, about).await?.as_slice() {
        [message] => Ok(message.clone()),
        messages => Err(format!("{} messages arrived where 1 was due: {messages:?}", messages.len()).into()),
    }
}

/// The messages about something that arrived since there were `before`, in order.
pub(super) async fn delivered_in_turn(local: &Local, before: usize, about: &str) -> Outcome<Vec<Received>> {
    let arrived = async || Ok((local.webhook.received().len() > before).then_some(()));
    eventually(Duration::from_secs(60), "a message at the webhook", arrived).await?;
    drained(local).await?;
    let received = local.webhook.received();
    Ok(received.into_iter().skip(before).filter(|message| message.body.contains(about)).collect())
}

/// Waits until the outbox queue is empty, messages in flight included.
pub async fn drained(local: &Local) -> Outcome<()> {
    let home = local.home().await?;
    let queue = json!({ "QueueUrl": local.deployment.output("OutboxUrl")?, "AttributeNames": ["All"] });
    let empty = async || {
        let answer = home.call("sqs", "GetQueueAttributes", queue.clone()).await?;
        let count = |name: &str| answer["Attributes"][name].as_str().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        let left = count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible");
        Ok((left == 0).then_some(()))
    };
    eventually(Duration::from_secs(60), "an empty outbox", empty).await
}

/// The title of a delivered alert.
pub(super) fn title(message: &Received) -> Outcome<String> {
    let body: Value = serde_json::from_str(&message.body)?;
    crate::world::text(&body, "/data/title")
}
