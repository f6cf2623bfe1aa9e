//! What a search for the causes of an alarm came to, held against what the alarm counted.

use std::collections::BTreeSet;

use serde_json::Value;

use super::causes::EVENTS;
use super::model::{Alert, text};
use super::sources::Alarm;

/// What was found behind an alarm.
pub(super) struct Found {
    /// The alert, once for each account that the events happened to; as it was, where none were found.
    pub alerts: Vec<Alert>,
    /// How many events there were, noise included.
    pub events: usize,
    /// The log groups that were searched.
    pub looked: BTreeSet<String>,
}

impl Found {
    /// Of a search that came to nothing.
    pub fn nothing(alert: Alert) -> Self {
        Self::of(vec![alert])
    }

    /// Of what no log was searched for.
    pub fn of(alerts: Vec<Alert>) -> Self {
        Self { alerts, events: 0, looked: BTreeSet::new() }
    }

    /// Whether it is less than the alarm counted, and may still come.
    pub fn lacks(&self, alarm: &Alarm) -> bool {
        alarm.state == "ALARM" && !self.looked.is_empty() && self.events < counted(alarm).unwrap_or(1)
    }

    /// What to say of what is missing, and where to look.
    pub fn rest(&self, alarm: &Alarm) -> String {
        let groups = joined(&self.looked);
        let account = alarm.account.as_ref().map(|account| format!(" of account {account}")).unwrap_or_default();
        let what = match (self.events, counted(alarm)) {
            (0, _) => "nothing was found behind the alarm within a quarter of an hour".to_owned(),
            (found, counted) => {
                format!("{found} of the {} events that the alarm counted were found", counted.unwrap_or(found))
            }
        };
        format!("{what}; look in {groups}{account} with the metric filter's pattern, and in CloudTrail's event history")
    }
}

/// How many events made the alarm fire, where its evaluation says so: a sum of ones is a count.
fn counted(alarm: &Alarm) -> Option<usize> {
    let data: Value = serde_json::from_str(alarm.reason_data.as_deref()?).ok()?;
    if !matches!(text(&data, "/statistic"), Some("Sum" | "SampleCount")) || alarm.composite || alarm.metrics.len() != 1
    {
        return None;
    }
    let points = data.get("recentDatapoints")?.as_array()?.iter().filter_map(Value::as_f64);
    let sum: f64 = points.sum();
    (sum <= EVENTS as f64).then(|| (sum.ceil() as usize).max(1))
}

/// The groups, for people.
pub(super) fn joined(groups: &BTreeSet<String>) -> String {
    groups.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
