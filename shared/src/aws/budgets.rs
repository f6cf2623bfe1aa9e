//! AWS Budgets: reads one budget of one account.
//!
//! The service is global; the account that owns a budget is a member of the request, and only its own credentials will
//! do (<https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeBudget.html>). The typed
//! client has those of the home account; a member's budget is read by the way into that member.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_budgets::Client;
use aws_sdk_budgets::types::{Budget, Dimension, Expression, Spend as SdkSpend};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Accounts, CallError, CallSite, Sdk, failed};
use crate::types::{AccountId, Region};

/// What a budget says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BudgetFacts {
    /// How long a period is.
    pub unit: TimeUnit,
    /// When the budget begins.
    pub start: Option<Timestamp>,
    /// What it allows.
    pub limit: Option<Spend>,
    /// What is spent in this period.
    pub actual: Option<Spend>,
    /// What will be spent in this period.
    pub forecast: Option<Spend>,
    /// The linked accounts that it is filtered by; none: all.
    pub accounts: BTreeSet<AccountId>,
}

/// An amount in a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spend {
    /// How much.
    pub amount: Decimal,
    /// Of what (`USD`, `GB`).
    pub unit: String,
}

/// The length of a budget's period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// A day.
    Daily,
    /// A calendar month.
    Monthly,
    /// A quarter of a calendar year.
    Quarterly,
    /// A calendar year.
    Annually,
    /// The budget's own dates, or a unit that this version does not know.
    #[default]
    Other,
}

impl TimeUnit {
    /// The word in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Annually => "annual",
            Self::Other => "custom",
        }
    }
}

/// Reads budgets.
#[async_trait]
pub trait Budgets: Send + Sync {
    /// The budget called `name` of `owner`.
    async fn describe(&self, owner: &AccountId, name: &str) -> Result<BudgetFacts, CallError>;
}

/// Budgets of the home account and of members.
#[derive(Clone)]
pub struct SdkBudgets {
    client: Client,
    accounts: Arc<dyn Accounts>,
    region: Region,
}

impl SdkBudgets {
    /// A reader with the credentials of this process, and of members by `accounts`.
    pub fn new(sdk: &Sdk, accounts: Arc<dyn Accounts>, home: Region) -> Self {
        let config = aws_sdk_budgets::config::Builder::from(sdk.config()).interceptor(sdk.counter());
        Self { client: Client::from_conf(config.build()), accounts, region: home }
    }
}

impl fmt::Debug for SdkBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkBudgets")
    }
}

#[async_trait]
impl Budgets for SdkBudgets {
    async fn describe(&self, owner: &AccountId, name: &str) -> Result<BudgetFacts, CallError> {
        if self.accounts.home().await? != *owner {
            let scope = self.accounts.scope(owner, &self.region).await?;
            let params = json!({ "AccountId": owner, "BudgetName": name, "ShowFilterExpression": true });
            let answer = scope.call("budgets", "DescribeBudget", params).await?;
            return Ok(answer.get("Budget").map(member_facts).unwrap_or_default());
        }
        let site = CallSite::new("budgets", "DescribeBudget", owner, &self.region);
        let request = self.client.describe_budget().account_id(owner.as_ref()).budget_name(name);
        let answer = request.show_filter_expression(true).send().await.map_err(|error| failed(site, error))?;
        Ok(answer.budget.as_ref().map(facts).unwrap_or_default())
    }
}

fn facts(budget: &Budget) -> BudgetFacts {
    let spent = budget.calculated_spend.as_ref();
    let start = budget.time_period.as_ref().and_then(|period| period.start.as_ref());
    let mut accounts = BTreeSet::new();
    if let Some(expression) = &budget.filter_expression {
        collect(expression, &mut accounts);
    }
    accounts.extend(legacy(budget));
    BudgetFacts {
        unit: unit(budget.time_unit.as_str()),
        start: start.and_then(|start| Timestamp::from_second(start.secs()).ok()),
        limit: budget.budget_limit.as_ref().and_then(spend),
        actual: spent.and_then(|spent| spent.actual_spend.as_ref()).and_then(spend),
        forecast: spent.and_then(|spent| spent.forecasted_spend.as_ref()).and_then(spend),
        accounts,
    }
}

/// The linked accounts that an expression asks for; what it excludes names nobody.
fn collect(expression: &Expression, accounts: &mut BTreeSet<AccountId>) {
    if let Some(dimension) = expression.dimensions.as_ref().filter(|d| d.key == Dimension::LinkedAccount) {
        accounts.extend(dimension.values.iter().filter_map(|id| id.parse().ok()));
    }
    for inner in expression.and.iter().flatten().chain(expression.or.iter().flatten()) {
        collect(inner, accounts);
    }
}

/// The linked accounts of budgets made before filter expressions.
#[expect(deprecated, reason = "older budgets still answer with it")]
fn legacy(budget: &Budget) -> Vec<AccountId> {
    let filters = budget.cost_filters.iter().flatten().filter(|(key, _)| key.as_str() == "LinkedAccount");
    filters.flat_map(|(_, ids)| ids).filter_map(|id| id.parse().ok()).collect()
}

fn unit(unit: &str) -> TimeUnit {
    match unit {
        "DAILY" => TimeUnit::Daily,
        "MONTHLY" => TimeUnit::Monthly,
        "QUARTERLY" => TimeUnit::Quarterly,
        "ANNUALLY" => TimeUnit::Annually,
        _ => TimeUnit::Other,
    }
}

fn spend(spend: &SdkSpend) -> Option<Spend> {
    amount(&spend.amount, &spend.unit)
}

fn amount(amount: &str, unit: &str) -> Option<Spend> {
    Some(Spend { amount: amount.parse().ok()?, unit: unit.to_owned() })
}

/// The same from the members of an answer.
fn member_facts(budget: &Value) -> BudgetFacts {
    let text = |pointer: &str| budget.pointer(pointer).and_then(Value::as_str);
    let spend = |path: &str| amount(text(&format!("{path}/Amount"))?, text(&format!("{path}/Unit"))?);
    let mut accounts = BTreeSet::new();
    collect_members(budget.get("FilterExpression").unwrap_or(&Value::Null), &mut accounts);
    accounts.extend(ids(budget, "/CostFilters/LinkedAccount"));
    BudgetFacts {
        unit: unit(text("/TimeUnit").unwrap_or_default()),
        start: text("/TimePeriod/Start").and_then(|start| start.parse().ok()),
        limit: spend("/BudgetLimit"),
        actual: spend("/CalculatedSpend/ActualSpend"),
        forecast: spend("/CalculatedSpend/ForecastedSpend"),
        accounts,
    }
}

fn collect_members(expression: &Value, accounts: &mut BTreeSet<AccountId>) {
    if expression.pointer("/Dimensions/Key").and_then(Value::as_str) == Some("LINKED_ACCOUNT") {
        accounts.extend(ids(expression, "/Dimensions/Values"));
    }
    for list in ["And", "Or"] {
        let inner = expression.get(list).and_then(Value::as_array).into_iter().flatten();
        inner.for_each(|inner| collect_members(inner, accounts));
    }
}

fn ids(of: &Value, pointer: &str) -> Vec<AccountId> {
    let ids = of.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    ids.filter_map(|id| id.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_budgets::types::{BudgetType, CalculatedSpend, ExpressionDimensionValues, TimeUnit as SdkUnit};

    use super::*;

    fn named(ids: &[&str]) -> Expression {
        let values = ExpressionDimensionValues::builder().key(Dimension::LinkedAccount);
        let values = values.set_values(Some(ids.iter().map(|id| (*id).to_owned()).collect())).build().unwrap();
        Expression::builder().dimensions(values).build()
    }

    fn sdk_spend(amount: &str) -> SdkSpend {
        SdkSpend::builder().amount(amount).unit("USD").build().unwrap()
    }

    #[test]
    fn both_ways_tell_the_same() {
        let excluded = Expression::builder().not(named(&["333344445555"])).build();
        let filter = Expression::builder().and(named(&["444455556666"])).and(excluded).build();
        let spent = CalculatedSpend::builder().actual_spend(sdk_spend("104.62")).forecasted_spend(sdk_spend("163.9"));
        let typed = Budget::builder().budget_name("b").budget_type(BudgetType::Cost).time_unit(SdkUnit::Monthly);
        let typed = typed.budget_limit(sdk_spend("100.0")).calculated_spend(spent.build()).filter_expression(filter);
        let dimension = |id: &str| json!({"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [id]}});
        let members = json!({
            "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "100.0", "Unit": "USD"},
            "CalculatedSpend": {"ActualSpend": {"Amount": "104.62", "Unit": "USD"},
                "ForecastedSpend": {"Amount": "163.9", "Unit": "USD"}},
            "FilterExpression": {"And": [dimension("444455556666"), {"Not": dimension("333344445555")}]},
        });
        let facts = facts(&typed.build().unwrap());
        assert_eq!(facts, member_facts(&members));
        assert_eq!(facts.accounts, BTreeSet::from(["444455556666".parse().unwrap()]));
        assert_eq!(facts.actual.unwrap().amount.to_string(), "104.62");
    }

    #[test]
    fn filters_of_older_budgets_are_read_too() {
        let members = json!({"TimeUnit": "DAILY", "CostFilters": {"LinkedAccount": ["444455556666"], "Region": ["x"]}});
        let facts = member_facts(&members);
        assert_eq!((facts.unit, facts.accounts.len(), facts.actual), (TimeUnit::Daily, 1, None));
    }

    #[test]
    fn nothing_known_is_no_error() {
        assert_eq!(member_facts(&Value::Null), BudgetFacts::default());
    }
}
