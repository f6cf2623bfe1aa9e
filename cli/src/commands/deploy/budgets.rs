//! Budgets in members publish to a topic of the member, which member.yaml makes and which lets our queue be subscribed. The
//! owner of the queue subscribes it, which nobody has to confirm
//! (<https://docs.aws.amazon.com/sns/latest/dg/sns-send-message-to-sqs-cross-account.html>).

use forester::aws::Scope;
use forester::types::{AccountId, Arn};
use serde::Serialize;
use serde_json::json;

use crate::output::note;

/// What member.yaml calls the topic.
const TOPIC: &str = "forester-budgets";

/// How many topics lead to the queue, and why others do not.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Subscribed {
    topics: usize,
    /// A line an account.
    pub failed: Vec<String>,
}

/// Subscribes the queue to the topic of each account; once more changes nothing
/// (<https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>).
pub async fn subscribe(home: &Scope, queue: &str, accounts: &[AccountId]) -> Subscribed {
    let mut subscribed = Subscribed::default();
    for account in accounts {
        let region = home.region();
        let topic = Arn::of(region.partition(), "sns", region.as_ref(), account, TOPIC);
        let wanted = json!({ "TopicArn": topic, "Protocol": "sqs", "Endpoint": queue });
        match home.call("sns", "Subscribe", wanted).await {
            Ok(_) => subscribed.topics += 1,
            Err(error) => {
                let failure = format!("budgets of {account} are not heard: {error}");
                note(format_args!("  {failure}"));
                subscribed.failed.push(failure);
            }
        }
    }
    subscribed
}

#[cfg(test)]
mod tests {
    use forester::aws::ErrorClass;

    use super::super::fake::{Answers, scope};
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:budgets";

    #[tokio::test]
    async fn topic_of_each_member_leads_to_the_queue() {
        let accounts = ["222233334444", "333344445555"].map(|id| id.parse().unwrap());
        let answers = Answers::new();
        let told = subscribe(&scope(answers.clone()), QUEUE, &accounts).await;
        assert_eq!(told, Subscribed { topics: 2, failed: Vec::new() });
        let topics: Vec<String> =
            answers.asked().iter().map(|(_, params)| params["TopicArn"].as_str().unwrap().to_owned()).collect();
        assert_eq!(
            topics,
            ["222233334444", "333344445555"].map(|id| format!("arn:aws:sns:us-east-1:{id}:forester-budgets"))
        );
        let none = Answers::new().refusing("Subscribe", ErrorClass::Gone, "NotFound");
        assert_eq!(subscribe(&scope(none), QUEUE, &accounts).await.failed.len(), 2);
    }
}
