//! Prowler as a judge of baselines: which checks are asked of which account, what they find, and what that means.
//!
//! The list is `shared/src/baseline/checks.toml`, kept beside the aspects.

mod declared;
mod scan;
mod table;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{Outcome, environment};

pub use declared::declared;
pub use scan::{Answer, Answers, Finding, scan};
pub use table::{Row, table};
pub use verdict::{Verdict, judge};

/// The accounts that are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judged {
    /// A member account like any other, new.
    #[default]
    Member,
    /// The management account.
    Management,
    /// The member account that trails and alarms are declared for.
    Audit,
}

impl Judged {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Member, Self::Management, Self::Audit];

    /// The account's name in the emulated organization and in `infra/judge/forester.yaml`.
    pub fn account(self) -> &'static str {
        match self {
            Self::Member => "dev",
            Self::Management => "management",
            Self::Audit => "audit",
        }
    }
}

/// What a check is expected to say after the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// It passes wherever it looks.
    Pass,
    /// What it found before is not there any more.
    Gone,
}

/// One check of an aspect.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Written")]
pub struct Check {
    /// What it is expected to say.
    pub expect: Expect,
    /// Where it is asked.
    pub judged: Judged,
    /// Why it cannot be expected to, on the local stack or at all.
    pub excuse: Option<String>,
}

/// A check as the file has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Short(Expect),
    Long(Long),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    expect: Expect,
    #[serde(default)]
    account: Judged,
    excuse: Option<String>,
}

impl From<Written> for Check {
    fn from(written: Written) -> Self {
        match written {
            Written::Short(expect) => Self { expect, judged: Judged::Member, excuse: None },
            Written::Long(Long { expect, account, excuse }) => Self { expect, judged: account, excuse },
        }
    }
}

/// The checks by aspect and name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Catalogue(pub BTreeMap<String, BTreeMap<String, Check>>);

impl Catalogue {
    /// The file beside the aspects.
    pub fn load() -> Outcome<Self> {
        let path = environment::root()?.join("shared/src/baseline/checks.toml");
        let text =
            std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// Only the sections of these aspects.
    pub fn only(&self, aspects: &BTreeSet<String>) -> Self {
        let kept = self.0.iter().filter(|(aspect, _)| aspects.contains(*aspect));
        Self(kept.map(|(aspect, checks)| (aspect.clone(), checks.clone())).collect())
    }

    /// The names of the checks that are asked of an account.
    pub fn asked(&self, judged: Judged) -> BTreeSet<&str> {
        let all = self.0.values().flatten();
        all.filter(|(_, check)| check.judged == judged).map(|(name, _)| name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str =
        "[budget]\n[roles]\na = \"pass\"\nb = {expect = \"gone\", account = \"audit\", excuse = \"no\"}\n";

    #[test]
    fn a_check_is_a_word_or_a_table() {
        let catalogue: Catalogue = toml::from_str(TWO).unwrap();
        let roles = &catalogue.0["roles"];
        assert_eq!(roles["a"], Check { expect: Expect::Pass, judged: Judged::Member, excuse: None });
        assert_eq!(roles["b"], Check { expect: Expect::Gone, judged: Judged::Audit, excuse: Some("no".to_owned()) });
        assert_eq!(catalogue.asked(Judged::Audit), BTreeSet::from(["b"]));
    }

    #[test]
    fn a_word_too_many_is_refused() {
        assert!(toml::from_str::<Catalogue>("[roles]\na = \"green\"\n").is_err());
        assert!(toml::from_str::<Catalogue>("[roles]\na = {expect = \"pass\", acount = \"audit\"}\n").is_err());
    }

    #[test]
    fn the_file_beside_the_aspects_can_be_read() {
        let catalogue: Catalogue = toml::from_str(include_str!("../../../shared/src/baseline/checks.toml")).unwrap();
        assert!(catalogue.asked(Judged::Member).contains("s3_account_level_public_access_blocks"));
    }
}
