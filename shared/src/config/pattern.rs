//! Patterns over names and over OU paths.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pattern::Glob;
use crate::types::{Malformed, OuPath};

/// A pattern over OU paths: `Sandbox` is that OU alone, `Workloads/*` the OUs directly in it,
/// `Workloads/**` the OU and everything below.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct OuPattern(String);

impl OuPattern {
    /// Whether the OU is one of those meant.
    pub fn holds(&self, ou: &OuPath) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let path: Vec<&str> = ou.as_ref().split('/').filter(|name| !name.is_empty()).collect();
        below(&pattern, &path)
    }

    /// Whether the OU is one of those meant, or lies below one of them.
    pub fn covers(&self, ou: &OuPath) -> bool {
        let names: Vec<&str> = ou.as_ref().split('/').filter(|name| !name.is_empty()).collect();
        let above = (0..names.len()).filter_map(|n| names.get(..n)?.join("/").parse().ok());
        self.holds(ou) || above.into_iter().any(|above: OuPath| self.holds(&above))
    }
}

fn below(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|n| path.get(n..).is_some_and(|tail| below(rest, tail))),
        (Some((name, rest)), Some((first, tail))) => wildcard(name, first) && below(rest, tail),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

impl FromStr for OuPattern {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.split('/').all(|name| !name.trim().is_empty()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new(text, "a pattern of OU names such as Sandbox, Workloads/* or Workloads/**"))
        }
    }
}

impl TryFrom<String> for OuPattern {
    type Error = Malformed;
    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<OuPattern> for String {
    fn from(pattern: OuPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for OuPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any number of characters.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    Glob::plain(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a wildcard means, without a thought for time.
    fn naive(pattern: &str, text: &str) -> bool {
        let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
        let Some(text) = text.strip_prefix(head) else { return false };
        let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        starts.any(|at| naive(rest, &text[at..]))
    }

    proptest! {
        #[test]
        fn wildcard_fits_what_it_says(pattern in "[abé*]{0,8}", text in "[abé*]{0,10}") {
            prop_assert_eq!(wildcard(&pattern, &text), naive(&pattern, &text));
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let (pattern, text) = ("a*".repeat(200) + "b", "a".repeat(2_000));
        assert!(!wildcard(&pattern, &text) && wildcard(&pattern, &(text.clone() + "b")));
    }

    fn check(pattern: &str, ou: &str, expect: bool) {
        let holds = pattern.parse::<OuPattern>().unwrap().holds(&ou.parse().unwrap());
        assert_eq!(holds, expect, "{pattern} on {ou}");
    }

    #[test]
    fn plain_path_is_that_ou_alone() {
        check("Sandbox", "Sandbox", true);
        check("Sandbox", "Sandbox/Ana", false);
        check("Sandbox", "Sandboxes", false);
        check("Sandbox", "", false);
    }

    #[test]
    fn two_stars_are_the_ou_and_everything_below() {
        check("Workloads/**", "Workloads", true);
        check("Workloads/**", "Workloads/Prod/EU", true);
        check("Workloads/**", "Shared", false);
        check("**/Prod", "Workloads/Prod", true);
        check("**", "", true);
    }

    #[test]
    fn one_star_stays_within_a_name() {
        check("Workloads/*", "Workloads/Prod", true);
        check("Workloads/*", "Workloads", false);
        check("Work*/Non*", "Workloads/NonProd", true);
    }

    #[test]
    fn ou_covers_what_lies_below_it() {
        let covers = |pattern: &str, ou: &str| pattern.parse::<OuPattern>().unwrap().covers(&ou.parse().unwrap());
        assert!(covers("Workloads", "Workloads/Prod/EU") && covers("*", "Workloads/Prod") && covers("**", ""));
        assert!(!covers("Workloads/Prod", "Workloads") && !covers("*", ""));
    }

    #[test]
    fn wildcard_meets_the_end() {
        assert!(wildcard("sbx-*", "sbx-") && wildcard("*", "") && wildcard("a*b*c", "a-b-b-c"));
        assert!(!wildcard("a*b", "a-c") && !wildcard("a", "ab"));
    }
}
