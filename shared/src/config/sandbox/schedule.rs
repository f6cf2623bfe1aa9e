//! When sandboxes are reset.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cron::Cron;

/// When sandboxes are reset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Six fields, as EventBridge Scheduler writes them: `0 2 ? * SUN *`.
    pub cron: String,
    /// An IANA name; default UTC.
    #[serde(default = "utc")]
    pub timezone: String,
}

pub(super) fn utc() -> String {
    "UTC".to_owned()
}

impl Schedule {
    /// The first time at or after `from` at which sandboxes are reset; `None`: never again.
    pub fn at_or_after(&self, from: Timestamp) -> Option<Timestamp> {
        self.cron.parse::<Cron>().ok()?.at_or_after(&self.zone()?, from)
    }

    /// The time zone that it is meant in.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.timezone).ok()
    }

    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if let Err(message) = self.cron.parse::<Cron>() {
            found.push(("schedule.cron".to_owned(), message));
        }
        if self.zone().is_none() {
            let message = format!("`{}` is not a time zone such as Europe/Amsterdam", self.timezone);
            found.push(("schedule.timezone".to_owned(), message));
        }
        found
    }
}
