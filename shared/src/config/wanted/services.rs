//! AWS's own services that look after an account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Security services, in every governed region. One that is not named is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// The account that runs them for the organization, by name or id: their delegated administrator, with the bucket
    /// that all accounts' recorders deliver to. Every layer names the same one. Without it each account is on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<String>,
    /// IAM Access Analyzer: which resources others may reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_analyzer: Option<Service>,
    /// GuardDuty: what looks like an attack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardduty: Option<Service>,
    /// Security Hub, with AWS's default standards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub securityhub: Option<Service>,
    /// AWS Config: what resources were and are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Service>,
    /// The bucket that AWS Config delivers to, in the home region, of `admin` or of each account; `{name}`, `{id}` and
    /// `{tag.KEY}` stand for its owner's own. Default: `forester-config-{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_bucket: Option<String>,
    /// After how many days what AWS Config delivered is deleted. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_days: Option<u32>,
    /// Drops what an earlier layer declared; what is switched on stays on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// How far a service reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// The whole organization, where `admin` is named and there is one; otherwise the account alone.
    Auto,
    /// The account alone.
    Account,
    /// Left as it is.
    Off,
}
