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
    /// Whether it counts money, and not usage, utilization or coverage.
    pub is_cost: bool,
    /// When the budget begins.
    pub start: Option<Timestamp>,
    /// When it ends for good; a budget of its own dates has one period, which ends then.
    pub end: Option<Timestamp>,
    /// What it allows.
    pub limit: Option<Spend>,
    /// What is spent in this period.
    pub actual: Option<Spend>,
    /// What will be spent in this period.
    pub forecast: Option<Spend>,
    /// The linked accounts that all of its spend is of; none: any.
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

/// The type of budgets that count money.
const COST: &str = "COST";

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
    let period = budget.time_period.as_ref();
    let instant = |time: &aws_smithy_types::DateTime| Timestamp::from_second(time.secs()).ok();
    let accounts = both(budget.filter_expression.as_ref().and_then(named), legacy(budget));
    BudgetFacts {
        unit: unit(budget.time_unit.as_str()),
        is_cost: budget.budget_type.as_str() == COST,
        start: period.and_then(|period| period.start.as_ref()).and_then(instant),
        end: period.and_then(|period| period.end.as_ref()).and_then(instant),
        limit: budget.budget_limit.as_ref().and_then(spend),
        actual: spent.and_then(|spent| spent.actual_spend.as_ref()).and_then(spend),
        forecast: spent.and_then(|spent| spent.forecasted_spend.as_ref()).and_then(spend),
        accounts: accounts.unwrap_or_default(),
    }
}

/// Accounts that spend must be of; `None`: of any. Spend that may be of others too is nobody's in particular: somebody
/// may lose an account over it.
type Named = Option<BTreeSet<AccountId>>;

/// What is of these and of those.
fn both(these: Named, those: Named) -> Named {
    match (these, those) {
        (Some(these), Some(those)) => Some(these.intersection(&those).cloned().collect()),
        (these, those) => these.or(those),
    }
}

/// What is of these or of those.
fn either(these: Named, those: Named) -> Named {
    these.zip(those).map(|(these, those)| these.union(&those).cloned().collect())
}

/// Ids that are compared as a whole; anything else names nobody.
fn whole<'a>(ids: impl Iterator<Item = &'a str>, options: &[&str]) -> Named {
    if options.iter().any(|option| *option != "EQUALS") {
        return None;
    }
    ids.map(|id| id.parse().ok()).collect()
}

/// The linked accounts that an expression leaves room for.
fn named(expression: &Expression) -> Named {
    let of_dimension = expression.dimensions.as_ref().filter(|d| d.key == Dimension::LinkedAccount).and_then(|d| {
        let options: Vec<&str> = d.match_options.iter().flatten().map(|option| option.as_str()).collect();
        whole(d.values.iter().map(String::as_str), &options)
    });
    let of_all = expression.and.iter().flatten().map(named).fold(None, both);
    let of_any = expression.or.iter().flatten().map(named).reduce(either).flatten();
    both(of_dimension, both(of_all, of_any))
}

/// The linked accounts of budgets made before filter expressions.
#[expect(deprecated, reason = "older budgets still answer with it")]
fn legacy(budget: &Budget) -> Named {
    let ids = budget.cost_filters.as_ref()?.get("LinkedAccount")?;
    whole(ids.iter().map(String::as_str), &[])
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
    let instant = |pointer: &str| text(pointer).and_then(|time| time.parse().ok());
    let filter = budget.get("FilterExpression").and_then(named_members);
    let accounts = both(filter, ids(budget, "/CostFilters/LinkedAccount", &[]));
    BudgetFacts {
        unit: unit(text("/TimeUnit").unwrap_or_default()),
        is_cost: text("/BudgetType") == Some(COST),
        start: instant("/TimePeriod/Start"),
        end: instant("/TimePeriod/End"),
        limit: spend("/BudgetLimit"),
        actual: spend("/CalculatedSpend/ActualSpend"),
        forecast: spend("/CalculatedSpend/ForecastedSpend"),
        accounts: accounts.unwrap_or_default(),
    }
}

fn named_members(expression: &Value) -> Named {
    let list = |pointer: &str| expression.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let of_dimension = match expression.pointer("/Dimensions/Key").and_then(Value::as_str) {
        Some("LINKED_ACCOUNT") => {
            let options: Vec<&str> = list("/Dimensions/MatchOptions").filter_map(Value::as_str).collect();
            ids(expression, "/Dimensions/Values", &options)
        }
        Some(_) | None => None,
    };
    let of_all = list("/And").map(named_members).fold(None, both);
    let of_any = list("/Or").map(named_members).reduce(either).flatten();
    both(of_dimension, both(of_all, of_any))
}

fn ids(of: &Value, pointer: &str, options: &[&str]) -> Named {
    let ids = of.pointer(pointer).and_then(Value::as_array)?;
    whole(ids.iter().filter_map(Value::as_str), options)
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
            "TimeUnit": "MONTHLY", "BudgetType": "COST", "BudgetLimit": {"Amount": "100.0", "Unit": "USD"},
            "CalculatedSpend": {"ActualSpend": {"Amount": "104.62", "Unit": "USD"},
                "ForecastedSpend": {"Amount": "163.9", "Unit": "USD"}},
            "FilterExpression": {"And": [dimension("444455556666"), {"Not": dimension("333344445555")}]},
        });
        let facts = facts(&typed.build().unwrap());
        assert_eq!(facts, member_facts(&members));
        assert_eq!(facts.accounts, BTreeSet::from(["444455556666".parse().unwrap()]));
        assert_eq!(facts.actual.unwrap().amount.to_string(), "104.62");
    }

    fn members_named(filter: Value) -> Vec<String> {
        let facts = member_facts(&json!({ "FilterExpression": filter }));
        facts.accounts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn spend_that_may_be_of_others_too_is_nobodys() {
        let of = |id: &str| json!({"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [id]}});
        let tag = json!({"Tags": {"Key": "team", "Values": ["x"]}});
        let (one, two) = (of("444455556666"), of("555566667777"));
        assert_eq!(members_named(json!({"Or": [one, tag]})), [""; 0], "the tag may be on anybody's things");
        assert_eq!(members_named(json!({"Or": [one, two]})), ["444455556666", "555566667777"]);
        assert_eq!(members_named(json!({"And": [{"Or": [one, two]}, one, tag]})), ["444455556666"]);
        assert_eq!(members_named(json!({"Not": one})), [""; 0]);
        let begins = json!({"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": ["444455556666"], "MatchOptions": ["STARTS_WITH"]}});
        assert_eq!(members_named(begins), [""; 0]);
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
