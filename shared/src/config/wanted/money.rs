//! What an account may cost, and who is told.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A monthly cost budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Its name. Default: `forester-monthly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The amount a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Money>,
    /// The currency. Default: `USD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Percentages of the amount at which actual spend is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<Vec<u32>>,
    /// Percentages at which the forecast is told. AWS forecasts after about five weeks of history, so a new account
    /// needs `actual` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Vec<u32>>,
    /// Who is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// Drops the budget that an earlier layer declared; a budget that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// A watch over unusual spend. In an organization the management account watches each account, elsewhere the account
/// watches its own services.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anomaly {
    /// From which impact in USD on somebody is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_usd: Option<Money>,
    /// Who is told: a topic at once, addresses once a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// Drops the watch that an earlier layer declared; one that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// Who is told; `{name}`, `{id}` and `{tag.KEY}` stand for the account's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// E-mail addresses, ten at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Vec<String>>,
    /// The ARN of an SNS topic that the service may publish to: `budgets.amazonaws.com` for budgets,
    /// `costalerts.amazonaws.com` for anomalies, `cloudwatch.amazonaws.com` for alarms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sns: Option<String>,
}

/// An amount of money, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "serde_json::Number")]
#[schemars(with = "f64")]
pub struct Money(Decimal);

impl Money {
    /// The amount as a decimal number.
    pub fn amount(self) -> Decimal {
        self.0
    }
}

impl TryFrom<f64> for Money {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        match Decimal::try_from(number) {
            Ok(amount) if amount > Decimal::ZERO => Ok(Self(amount.normalize())),
            _ => Err(format!("`{number}` is not an amount of money greater than 0")),
        }
    }
}

impl From<Money> for serde_json::Number {
    /// Whole amounts as whole numbers, as people write them.
    fn from(money: Money) -> Self {
        let whole = i64::try_from(money.0).ok().filter(|_| money.0.fract().is_zero());
        let exact = || Self::from_f64(money.0.try_into().unwrap_or_default());
        whole.map(Self::from).or_else(exact).unwrap_or_else(|| 0.into())
    }
}
