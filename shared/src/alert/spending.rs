//! What a budget says about itself, as AWS answered it: the one thing about an alert that somebody may act on.
//!
//! Nothing here comes from a message. A notification is text that anybody may send who may publish to the topic; what
//! is acted on is what `DescribeBudget` answered, for the account that all of the budget's spend is of.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::AccountId;

/// The spend of one period of a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// The account that owns the budget.
    pub owner: AccountId,
    /// The budget, exactly as AWS knows it.
    pub budget: String,
    /// The one account that all of its spend is of.
    pub account: Option<AccountId>,
    /// The first day of the period.
    pub start: Date,
    /// When the period is over.
    pub until: Timestamp,
    /// What is spent, in percent of what the budget allows.
    pub percent: Option<Decimal>,
    /// Whether it counts money.
    pub is_cost: bool,
    /// Whether the message told of spend that has happened, and not of a forecast.
    pub is_actual: bool,
    /// Whether the budget bears the message out.
    pub confirmed: Confirmation,
}

/// Whether a budget bears out what a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// The actual spend is over the threshold.
    Yes,
    /// It is over the threshold, on the first day of a period: the sum may still be that of the period before.
    TooEarly,
    /// The period has just begun and its spend is lower: the message is about the period before.
    Late,
    /// The period that the message is about is over.
    Over,
    /// The actual spend is below the threshold.
    Below,
    /// There is nothing to compare.
    Unknown,
}

impl Confirmation {
    /// The label's value: routes match on it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::TooEarly => "too-early",
            Self::Late | Self::Over | Self::Below => "no",
            Self::Unknown => "unknown",
        }
    }

    /// What people read.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Yes => "yes: the actual spend is over the threshold",
            Self::TooEarly => "not yet: on the first day of a period the sum may still be that of the period before",
            Self::Late => {
                "no: the period has just begun and its spend is lower; the message is about the period before"
            }
            Self::Over => "no: the period that the message is about is over",
            Self::Below => "no: the actual spend is below the threshold",
            Self::Unknown => "unknown: only actual spend over a threshold can be confirmed",
        }
    }
}
