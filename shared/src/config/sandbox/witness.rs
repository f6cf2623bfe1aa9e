//! Who is asked what is in use in an account, and where Cloud Control lists what has no entry in the catalogue.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where types are listed through Cloud Control that have no entry in the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CloudControl {
    /// Types of the services that a witness saw in use, in the regions where it saw them.
    #[default]
    Used,
    /// Every type in every region: some hundred lists a region more, at the pace that Cloud Control allows.
    All,
    /// Nowhere.
    Off,
}

/// Who knows what is in use, besides the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// The tagging API, in every region: what has tags, or once had.
    Tags,
    /// Resource Explorer, where the account has a view.
    Explorer,
    /// IAM's report of the services that an account has talked to, from the management account.
    AccessReport,
    /// Cost Explorer: what was billed. A request costs $0.01: ten at most a run, as a rule one.
    Costs,
    /// CloudTrail's event history: what was made, and by whom.
    Trail,
}

impl Witness {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] = [Self::Tags, Self::Explorer, Self::AccessReport, Self::Costs, Self::Trail];

    /// Those who cost nothing, need nothing to be set up, and are asked where the file names nobody.
    pub const FREE: [Self; 3] = [Self::Tags, Self::AccessReport, Self::Trail];
}

/// The witnesses of a reset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Witnesses {
    /// Who is asked; absent: tags, access-report and trail, which cost nothing. An empty list asks nobody.
    pub ask: BTreeSet<Witness>,
    /// How many days back use counts, for those that know when it was.
    pub days: u32,
}

impl Default for Witnesses {
    fn default() -> Self {
        Self { ask: Witness::FREE.into(), days: 14 }
    }
}

impl Witnesses {
    pub(super) fn problems(&self) -> Option<(String, String)> {
        // CloudTrail's event history goes back so far, and Cost Explorer further.
        let message = format!("expected 1 to 90, found {}: CloudTrail keeps 90 days of events", self.days);
        (!(1..=90).contains(&self.days)).then(|| ("witnesses.days".to_owned(), message))
    }
}
