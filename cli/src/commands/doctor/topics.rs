//! Whether notifications can reach Forester: subscriptions, and the topics that budgets publish to.

use std::collections::BTreeSet;

use forester::Forester;
use forester::aws::{CallError, Scope};
use forester::types::Arn;
use serde_json::{Value, json};

use super::finding::Finding;

/// Whom AWS Budgets publishes as (<https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html>).
const BUDGETS: &str = "budgets.amazonaws.com";

/// A subscription that nobody confirmed delivers nothing.
pub async fn subscriptions(home: &Scope) -> Finding {
    let what = "every topic subscription of this account is confirmed";
    match home.pages("sns", "ListSubscriptions", json!({})).await {
        Ok(subscriptions) => {
            let pending =
                |subscription: &&Value| subscription.get("SubscriptionArn") == Some(&json!("PendingConfirmation"));
            let waiting: Vec<&str> =
                subscriptions.iter().filter(pending).filter_map(|one| one.get("TopicArn")?.as_str()).collect();
            match waiting.as_slice() {
                [] => Finding::ok(what),
                waiting => Finding::missing(what, format_args!("unconfirmed: {}", waiting.join(", "))),
            }
        }
        Err(error) => Finding::unknown(what, &error),
    }
}

/// Whether Budgets may publish to the topics that this account's budgets name. Where it may not, nobody is told.
pub async fn of_budgets(forester: &Forester, home: &Scope) -> Vec<Finding> {
    let named = match topics(home).await {
        Ok(named) => named,
        Err(error) => {
            return vec![Finding::unknown("the topics of this account's budgets can be published to", &error)];
        }
    };
    let mut findings = Vec::new();
    for topic in named {
        let what = format!("Budgets can publish to {topic}");
        findings.push(match reached(forester, home, &topic).await {
            Ok(None) => Finding::ok(what),
            Ok(Some(hint)) => Finding::missing(what, hint),
            Err(error) => Finding::unknown(what, &error),
        });
    }
    findings
}

/// The topics that subscribe to any notification of any budget.
async fn topics(home: &Scope) -> Result<BTreeSet<String>, CallError> {
    let account = json!(home.account());
    let mut found = BTreeSet::new();
    for budget in home.pages("budgets", "DescribeBudgets", json!({ "AccountId": account })).await? {
        let of = json!({ "AccountId": account, "BudgetName": budget.get("BudgetName") });
        for notification in home.pages("budgets", "DescribeNotificationsForBudget", of.clone()).await? {
            let mut of = of.clone();
            if let Some(of) = of.as_object_mut() {
                of.insert("Notification".to_owned(), asked(&notification));
            }
            let subscribers = home.pages("budgets", "DescribeSubscribersForNotification", of).await?;
            let is_topic = |one: &&Value| one.get("SubscriptionType") == Some(&json!("SNS"));
            let addresses = subscribers.iter().filter(is_topic).filter_map(|one| one.get("Address")?.as_str());
            found.extend(addresses.map(str::to_owned));
        }
    }
    Ok(found)
}

/// A notification without its state, which changes.
fn asked(notification: &Value) -> Value {
    let mut notification = notification.clone();
    if let Some(members) = notification.as_object_mut() {
        members.remove("NotificationState");
    }
    notification
}

/// Why what Budgets publishes to a topic would be lost in silence.
async fn reached(forester: &Forester, home: &Scope, topic: &str) -> Result<Option<String>, CallError> {
    let region = topic.parse::<Arn>().ok().and_then(|arn| arn.region().parse().ok());
    let Some(region) = region else { return Ok(Some("it is no topic's ARN".to_owned())) };
    let scope = forester.accounts.scope(home.account(), &region).await?;
    let answer = match scope.call("sns", "GetTopicAttributes", json!({ "TopicArn": topic })).await {
        Ok(answer) => answer,
        Err(error) if error.is_gone() => return Ok(Some("there is no such topic".to_owned())),
        Err(error) => return Err(error),
    };
    let attribute = |name: &str| answer.pointer(&format!("/Attributes/{name}")).and_then(Value::as_str);
    let policy = serde_json::from_str(attribute("Policy").unwrap_or_default()).unwrap_or_default();
    if let Some(hint) = refused(&policy) {
        return Ok(Some(hint));
    }
    let Some(key) = attribute("KmsMasterKeyId").filter(|key| !key.is_empty()) else { return Ok(None) };
    if key == "alias/aws/sns" {
        let hint = "it is encrypted with AWS's own key, which lets no service publish: take a key of yours";
        return Ok(Some(hint.to_owned()));
    }
    let key = scope.call("kms", "GetKeyPolicy", json!({ "KeyId": key, "PolicyName": "default" })).await?;
    let may = key.get("Policy").and_then(Value::as_str).is_some_and(|policy| policy.contains(BUDGETS));
    Ok((!may).then(|| format!("its key does not let {BUDGETS} in: allow kms:GenerateDataKey* and kms:Decrypt")))
}

/// What is wrong with a topic's policy: nobody is let in, or a service for whoever it acts.
fn refused(policy: &Value) -> Option<String> {
    let statements = policy.get("Statement").map(listed).unwrap_or_default();
    let lets = |statement: &&&Value| {
        let services = statement.pointer("/Principal/Service").map(listed).unwrap_or_default();
        let actions = statement.get("Action").map(listed).unwrap_or_default();
        let publishes = |action: &&Value| {
            let action = action.as_str().unwrap_or_default().to_ascii_lowercase();
            action == "sns:publish" || action == "sns:*"
        };
        statement.get("Effect") == Some(&json!("Allow"))
            && services.iter().any(|service| service.as_str() == Some(BUDGETS))
            && actions.iter().any(publishes)
    };
    match statements.iter().find(lets) {
        None => Some(format!("its policy does not let {BUDGETS} publish")),
        Some(statement) => {
            let conditions = statement.get("Condition").map(Value::to_string).unwrap_or_default().to_ascii_lowercase();
            let named = ["aws:sourceaccount", "aws:sourcearn"].iter().any(|key| conditions.contains(key));
            (!named).then(|| {
                format!("its policy lets {BUDGETS} publish for any account: add a condition on aws:SourceAccount")
            })
        }
    }
}

/// One or several, as policies write both.
fn listed(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(statement: Value, expect: Option<&str>) {
        let found = refused(&json!({ "Statement": statement }));
        assert_eq!(found.is_some(), expect.is_some(), "{statement}: {found:?}");
        assert!(found.unwrap_or_default().contains(expect.unwrap_or_default()), "{statement}");
    }

    #[test]
    fn topic_needs_a_statement_for_budgets_that_names_the_account() {
        let allow = json!({"Effect": "Allow", "Principal": {"Service": BUDGETS}, "Action": "SNS:Publish"});
        let mut safe = allow.clone();
        safe["Condition"] = json!({"StringEquals": {"aws:SourceAccount": "111122223333"}});
        let other =
            json!({"Effect": "Allow", "Principal": {"Service": "costalerts.amazonaws.com"}, "Action": "sns:Publish"});
        check(safe.clone(), None);
        check(json!([other, safe]), None);
        check(json!([allow]), Some("for any account"));
        check(json!([other]), Some("does not let budgets.amazonaws.com publish"));
        check(json!([]), Some("does not let"));
    }
}
