//! `alerts.floods`: from how many on refused calls and failed sign-ins are a matter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many within ten minutes are told as one matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Floods {
    /// Refused calls (`cis-4.1`) of one principal in one account.
    pub refused_calls: u32,
    /// Failed sign-ins (`cis-4.6`) in one account.
    pub failed_sign_ins: u32,
}

impl Default for Floods {
    fn default() -> Self {
        Self { refused_calls: 20, failed_sign_ins: 5 }
    }
}

impl Floods {
    /// Whether it is as if nothing were said.
    pub(super) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn problems(self) -> Vec<(String, String)> {
        let numbers = [("refused_calls", self.refused_calls), ("failed_sign_ins", self.failed_sign_ins)];
        let wrong = numbers.into_iter().filter(|(_, n)| *n < 2);
        wrong
            .map(|(name, _)| {
                (
                    format!("floods.{name}"),
                    "expected at least 2: one by itself is told anyway the first time".to_owned(),
                )
            })
            .collect()
    }
}
