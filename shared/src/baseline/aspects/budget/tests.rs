use serde_json::{Value, json};

use crate::baseline::world::{World, id};

const LAYER: &str = "- {match: {all: true}, budget: {monthly: 100, actual: [80], notify: {email: [ops@acme.example]}}}";

/// What is left of a budget that told `seen` beside its amount, once the amount was mended.
async fn mended(seen: Value) -> Value {
    let world = World::fresh(LAYER);
    world.apply().await;
    world.cloud.change(&id(), |account| {
        let budget = account.budgets.get_mut("forester-monthly").unwrap();
        budget.budget["BudgetLimit"]["Amount"] = "7.0".into();
        budget.budget.as_object_mut().unwrap().extend(seen.as_object().unwrap().clone());
    });
    assert_eq!(world.apply().await.complaints(), Vec::<String>::new());
    let mut budget = world.cloud.account(&id()).budgets["forester-monthly"].budget.clone();
    assert_eq!(budget["BudgetLimit"], json!({ "Amount": "100", "Unit": "USD" }));
    for ours in ["BudgetName", "BudgetLimit", "TimeUnit", "BudgetType"] {
        budget.as_object_mut().unwrap().remove(ours);
    }
    budget
}

#[tokio::test]
async fn what_a_budget_counts_stays_and_is_said_in_one_way() {
    let old = json!({ "CostFilters": { "Service": ["Amazon EC2"] }, "CostTypes": { "IncludeTax": false } });
    let new = json!({ "FilterExpression": { "Dimensions": { "Key": "SERVICE", "Values": ["Amazon EC2"] } },
        "Metrics": ["NetUnblendedCost"] });
    assert_eq!(mended(old.clone()).await, old);
    assert_eq!(mended(new.clone()).await, new);
    let mut both = old.clone();
    both.as_object_mut().unwrap().extend(new.as_object().unwrap().clone());
    assert_eq!(mended(both.clone()).await, new);
    both.as_object_mut().unwrap().remove("Metrics");
    assert_eq!(mended(both).await, old);
}

#[tokio::test]
async fn second_apply_writes_nothing() {
    let world = World::fresh(LAYER);
    assert!(world.apply().await.is_clean());
    world.cloud.writes();
    assert!(world.apply().await.is_clean());
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}
