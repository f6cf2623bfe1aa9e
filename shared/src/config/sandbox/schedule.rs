//! When sandboxes are reset.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

fn utc() -> String {
    "UTC".to_owned()
}

impl Schedule {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if self.cron.split_whitespace().count() != 6 {
            let message = "expected six fields: minutes hours day-of-month month day-of-week year (0 2 ? * SUN *)";
            found.push(("schedule.cron".to_owned(), message.to_owned()));
        }
        if jiff::tz::TimeZone::get(&self.timezone).is_err() {
            let message = format!("`{}` is not a time zone such as Europe/Amsterdam", self.timezone);
            found.push(("schedule.timezone".to_owned(), message));
        }
        found
    }
}
