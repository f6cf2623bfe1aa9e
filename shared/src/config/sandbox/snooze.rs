//! How far a reset may be put off by whoever owns the account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Pause;

/// How far a reset may be put off: never without end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snooze {
    /// The longest that one snooze puts a reset off, counted from the time of the reset.
    pub at_most: Pause,
    /// How many snoozes there may be in a row, without a reset between them.
    #[serde(default = "once")]
    pub times: u32,
}

/// Where costs are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Costs {
    /// Cost Explorer, once a run; every page of its answer costs 0.01 USD.
    #[default]
    CostExplorer,
    /// Nowhere.
    None,
}

const fn once() -> u32 {
    1
}

impl Snooze {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if self.at_most.length().is_zero() {
            found.push(("snooze.at_most".to_owned(), "expected a length of time such as 7d".to_owned()));
        }
        if self.times == 0 {
            found.push(("snooze.times".to_owned(), "expected at least 1; leave `snooze` out to allow none".to_owned()));
        }
        found
    }
}
