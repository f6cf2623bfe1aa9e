//! AWS Budgets of a fake account.

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeBudget {
    pub budget: Value,
    pub alerts: Vec<(Value, Vec<Value>)>,
}

pub(super) fn budgets(account: &mut FakeAccount, operation: &str, params: &Value) -> Answer {
    const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "NotFoundException");
    if operation == "CreateBudget" {
        let name = text(&params["Budget"], "BudgetName").to_owned();
        if account.budgets.contains_key(&name) {
            return Err((ErrorClass::Exists, "DuplicateRecordException"));
        }
        let alert = |alert: &Value| {
            let subscribers = alert["Subscribers"].as_array().unwrap().clone();
            (alert["Notification"].clone(), subscribers)
        };
        let alerts = params["NotificationsWithSubscribers"].as_array().into_iter().flatten().map(alert).collect();
        account.budgets.insert(name, FakeBudget { budget: params["Budget"].clone(), alerts });
        return Ok(json!({}));
    }
    if operation == "UpdateBudget" {
        let new = &params["NewBudget"];
        let says = |members: [&str; 2]| members.iter().any(|member| new.get(*member).is_some());
        if says(["FilterExpression", "Metrics"]) && says(["CostFilters", "CostTypes"]) {
            return Err((ErrorClass::Invalid, "InvalidParameterException"));
        }
        account.budgets.get_mut(text(new, "BudgetName")).ok_or(GONE)?.budget = new.clone();
        return Ok(json!({}));
    }
    let budget = account.budgets.get_mut(text(params, "BudgetName")).ok_or(GONE)?;
    let at = budget.alerts.iter().position(|(alert, _)| *alert == params["Notification"]);
    match (operation, at) {
        ("DescribeBudget", _) => return Ok(json!({ "Budget": budget.budget })),
        ("DescribeNotificationsForBudget", _) => {
            let alerts: Vec<&Value> = budget.alerts.iter().map(|(alert, _)| alert).collect();
            return Ok(json!({ "Notifications": alerts }));
        }
        ("CreateNotification", Some(_)) => return Err((ErrorClass::Exists, "DuplicateRecordException")),
        ("CreateNotification", None) => {
            if budget.alerts.len() == 5 {
                return Err((ErrorClass::Invalid, "CreationLimitExceededException"));
            }
            let subscribers = params["Subscribers"].as_array().unwrap().clone();
            budget.alerts.push((params["Notification"].clone(), subscribers));
        }
        (_, None) => return Err(GONE),
        ("DeleteNotification", Some(at)) => drop(budget.alerts.remove(at)),
        (_, Some(at)) => return subscribers(&mut budget.alerts[at].1, operation, params),
    }
    Ok(json!({}))
}

fn subscribers(all: &mut Vec<Value>, operation: &str, params: &Value) -> Answer {
    match operation {
        "DescribeSubscribersForNotification" => return Ok(json!({ "Subscribers": all })),
        "CreateSubscriber" => all.push(params["Subscriber"].clone()),
        "DeleteSubscriber" => all.retain(|who| *who != params["Subscriber"]),
        "UpdateSubscriber" => {
            all.retain(|who| *who != params["OldSubscriber"]);
            all.push(params["NewSubscriber"].clone());
        }
        _ => panic!("the fake does not know budgets:{operation}"),
    }
    Ok(json!({}))
}
