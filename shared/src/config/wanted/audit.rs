//! What an account records of itself, and of the organization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Notify;

/// A CloudTrail trail of all regions, with the bucket and the log group that it delivers to. They stand in the home
/// region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// Its name. Default: `forester`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it records every account of the organization. The layer then names one account: the management account,
    /// or the one that becomes CloudTrail's delegated administrator. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<bool>,
    /// The bucket for the log files, in the account itself; `{name}`, `{id}` and `{tag.KEY}` stand for the account's
    /// own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// After how many days log files are deleted. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// How many days the log group keeps events; one of the numbers that CloudWatch Logs knows. Default: 365.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_days: Option<u32>,
    /// The ARN of a KMS key that log files are encrypted with; its policy must let CloudTrail use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms: Option<String>,
    /// Which alarms watch the log group. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<LogAlarms>,
    /// Who the alarms tell, beside Forester itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// Drops the trail that an earlier layer declared; a trail that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// A set of alarms on CloudTrail events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogAlarms {
    /// The fifteen of the CIS AWS Foundations Benchmark.
    Cis,
}
