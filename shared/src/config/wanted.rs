//! What a layer can declare: one key an aspect, one type a key. Everything is optional, because layers merge.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Match;

/// Declares the aspects once: `Layer` carries them beside its `match`, `Wanted` carries what the layers came to.
macro_rules! aspects {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// A `match`, and what holds for the accounts that fit it.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Layer {
            /// The accounts it is for.
            #[serde(rename = "match")]
            pub matches: Match,
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )*
        }

        /// What the layers of one account came to.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Wanted {
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )*
        }
    };
}

aspects! {
    /// How far Forester goes in these accounts. Default: `additive`.
    enforce: Enforce,
    /// The account alias; `{name}`, `{id}` and `{tag.KEY}` stand for the account's own.
    alias: String,
    /// The password policy of IAM users.
    password_policy: PasswordPolicy,
    /// Defaults of services, account by account and region by region.
    defaults: Defaults,
    /// What becomes of the VPC that AWS puts into every region.
    default_vpc: DefaultVpc,
    /// IAM roles, by name.
    roles: BTreeMap<String, Role>,
    /// The monthly cost budget, kept in the account itself.
    budget: Budget,
}

/// How far Forester goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enforce {
    /// Makes what is declared true, and leaves everything else.
    #[default]
    Additive,
    /// Also removes what is not declared, within the things that are: a policy on a declared role, an alert on a
    /// declared budget, an alias beside the declared one.
    Strict,
    /// Reports, and writes nothing.
    Observe,
}

/// What becomes of default VPCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultVpc {
    /// Deleted with its subnets and gateways where nothing uses it; kept, with the reason, where something does.
    DeleteIfUnused,
    /// Left alone.
    Keep,
}

/// The password policy of IAM users. What is not said stays as it is in the account, or as AWS's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordPolicy {
    /// The least number of characters, 6 to 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// How many earlier passwords may not be used again, 1 to 24.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<u32>,
    /// After how many days a password must be changed, 1 to 1095.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<u32>,
    /// Whether a symbol is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<bool>,
    /// Whether a digit is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<bool>,
    /// Whether an upper-case letter is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uppercase: Option<bool>,
    /// Whether a lower-case letter is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowercase: Option<bool>,
    /// Whether users may change their own password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_may_change: Option<bool>,
    /// Drops the policy that an earlier layer declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// Defaults of services. `false` leaves the account as it is: a default is never switched off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Whether S3 refuses public access in the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_block_public: Option<bool>,
    /// Whether new EBS volumes are encrypted, in every enabled region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebs_encryption: Option<bool>,
    /// Drops the defaults that an earlier layer declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// An IAM role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// AWS's managed policies by name (`ReadOnlyAccess`, `job-function/Billing`), or any managed policy by ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// Who may assume it: accounts by name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Vec<String>>,
    /// Whether it may be assumed only by somebody who signed in with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Drops the role that an earlier layer declared; a role that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

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

/// Who is told about a budget; `{name}`, `{id}` and `{tag.KEY}` stand for the account's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// E-mail addresses, ten at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Vec<String>>,
    /// The ARN of an SNS topic that `budgets.amazonaws.com` may publish to.
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
