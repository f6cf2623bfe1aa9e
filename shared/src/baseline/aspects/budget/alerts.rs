//! Alerts of a budget and who is told, in our form and in the one of AWS.

use std::fmt;

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::aws::Scope;

/// What an alert looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Spend {
    /// What was spent.
    Actual,
    /// What AWS expects to be spent.
    Forecasted,
}

/// An alert: "more than so many per cent".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Alert {
    /// What it looks at.
    pub spend: Spend,
    /// Per cent of the amount.
    pub percent: u32,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Subscriber {
    /// An address.
    Email(String),
    /// A topic's ARN.
    Sns(String),
}

impl Alert {
    /// `None` for an alert of another form than ours.
    pub(super) fn read(notification: &Value) -> Option<Self> {
        let text = |member: &str| notification.get(member).and_then(Value::as_str);
        let spend = match text("NotificationType")? {
            "ACTUAL" => Spend::Actual,
            "FORECASTED" => Spend::Forecasted,
            _ => return None,
        };
        let percentage = text("ThresholdType").is_none_or(|kind| kind == "PERCENTAGE");
        let threshold = Decimal::try_from(notification.get("Threshold")?.as_f64()?).ok()?;
        let ours = percentage && text("ComparisonOperator") == Some("GREATER_THAN") && threshold.fract().is_zero();
        let percent = u32::try_from(threshold).ok().filter(|_| ours)?;
        Some(Self { spend, percent })
    }

    pub(super) fn described(self) -> Value {
        json!({ "NotificationType": self.spend, "ComparisonOperator": "GREATER_THAN", "Threshold": self.percent,
            "ThresholdType": "PERCENTAGE" })
    }
}

impl Subscriber {
    pub(super) fn read(answer: &Value) -> Option<Self> {
        let address = answer.get("Address")?.as_str()?.to_owned();
        match answer.get("SubscriptionType")?.as_str()? {
            "EMAIL" => Some(Self::Email(address)),
            "SNS" => Some(Self::Sns(address)),
            _ => None,
        }
    }

    pub(super) fn described(&self) -> Value {
        match self {
            Self::Email(address) => json!({ "SubscriptionType": "EMAIL", "Address": address }),
            Self::Sns(topic) => json!({ "SubscriptionType": "SNS", "Address": topic }),
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spend {
            Spend::Actual => write!(f, "{}% spent", self.percent),
            Spend::Forecasted => write!(f, "{}% forecast", self.percent),
        }
    }
}

impl fmt::Display for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(to) | Self::Sns(to) => f.write_str(to),
        }
    }
}

/// The parameters that every call about an alert has.
pub(super) fn about(scope: &Scope, budget: &str, notification: &Value) -> Value {
    json!({ "AccountId": scope.account(), "BudgetName": budget, "Notification": notification })
}

/// Adds a member to the parameters.
pub(super) fn with(params: &mut Value, member: &str, value: Value) {
    if let Value::Object(params) = params {
        params.insert(member.to_owned(), value);
    }
}
