//! A budget as AWS describes it.

use std::collections::BTreeMap;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Found;

impl Found {
    /// Its alerts are read apart.
    pub(super) fn read(budget: &Value) -> Self {
        let text = |path: &str| budget.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let said = |member: &str| {
            let value = budget.get(member)?;
            let empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
            (!empty && !value.is_null()).then(|| (member.to_owned(), value.clone()))
        };
        // AWS takes the one pair or the other, and may tell of both. A filter expression needs its metrics.
        // <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html>
        let pair = match said("Metrics").is_some() || said("CostFilters").is_none() && said("CostTypes").is_none() {
            true => ["FilterExpression", "Metrics"],
            false => ["CostFilters", "CostTypes"],
        };
        let kept = pair.into_iter().filter_map(said);
        Self {
            amount: Decimal::from_str(text("/BudgetLimit/Amount")).ok().map(|amount| amount.normalize()),
            unit: text("/BudgetLimit/Unit").to_owned(),
            monthly_cost: text("/TimeUnit") == "MONTHLY" && text("/BudgetType") == "COST",
            rest: kept.collect(),
            alerts: BTreeMap::new(),
            other_alerts: Vec::new(),
        }
    }
}
