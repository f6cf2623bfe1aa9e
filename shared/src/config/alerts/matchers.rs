//! What a route, a silence or an inhibition matches: labels and what their values must be.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{OuPattern, wildcard, words};
use crate::types::{OuPath, Severity};

/// Labels that must all match.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Matchers(BTreeMap<String, Matcher>);

/// What a label's value must be: a pattern in which `*` stands for anything (`**` for OUs and what is below them), a
/// comparison (`>= 100`; severities compare too), `!` before either to turn it around, or a list of which one is enough,
/// while none of those with `!` may be so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Matcher {
    /// One.
    One(String),
    /// One of several.
    Any(Vec<String>),
}

/// The labels that alerts carry; `tag.…` names any tag of the account.
const LABELS: &[&str] = &[
    "account.email",
    "account.id",
    "account.name",
    "alarm",
    "alert_type",
    "budget",
    "budget.type",
    "confirmed",
    "event",
    "impact",
    "instance",
    "kind",
    "muted",
    "notice",
    "ou",
    "owner",
    "period",
    "principal",
    "principal.kind",
    "region",
    "rule",
    "service",
    "severity",
    "source",
    "state",
    "status",
    "threshold",
    "unsilenceable",
    "until",
];

impl Matchers {
    /// Whether all match; `value` gives a label's value.
    pub fn fit<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|(label, matcher)| matcher.fits(label, value(label)))
    }

    /// Whether nothing need match.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels with what they must be, for people.
    pub fn told(&self) -> String {
        let told = |(label, matcher): (&String, &Matcher)| format!("{label} is {}", matcher.all().join(" or "));
        self.0.iter().map(told).collect::<Vec<_>>().join(", ")
    }

    /// Matchers of `label=value` pairs, as the command line gives them.
    pub fn of_pairs(pairs: &[(String, String)]) -> Self {
        let mut matchers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (label, value) in pairs {
            matchers.entry(label.clone()).or_default().push(value.clone());
        }
        Self(matchers.into_iter().map(|(label, values)| (label, Matcher::Any(values))).collect())
    }

    /// Whether every alert that `other` matches is matched by these too, as far as the words show.
    pub fn cover(&self, other: &Self) -> bool {
        self.0.iter().all(|(label, matcher)| {
            let Some(theirs) = other.0.get(label) else { return false };
            let values = theirs.all();
            matcher == theirs || values.iter().all(|value| is_literal(value) && matcher.fits(label, Some(*value)))
        })
    }

    /// The first label that can never be as both want it, as far as the words show.
    pub fn contradict(&self, other: &Self) -> Option<&str> {
        let never = |label: &str, a: &Matcher, b: &Matcher| {
            let values = a.all();
            values.iter().all(|value| is_literal(value) && !b.fits(label, Some(*value)))
        };
        let both = self.0.iter().filter_map(|(label, ours)| Some((label, ours, other.0.get(label)?)));
        let mut clash = both.filter(|(label, a, b)| never(label, a, b) || never(label, b, a));
        clash.next().map(|(label, _, _)| label.as_str())
    }

    /// What is wrong with them: below `path`, by label.
    pub fn problems(&self, path: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (label, matcher) in &self.0 {
            let path = format!("{path}.match.{label}");
            found.extend(label_problem(label).map(|problem| (path.clone(), problem)));
            if matcher.all().is_empty() {
                found.push((path.clone(), "an empty list matches nothing; give at least one value".to_owned()));
            }
            found.extend(matcher.all().into_iter().filter_map(|word| Some((path.clone(), word_problem(label, word)?))));
        }
        found
    }
}

/// What is wrong with a label's name, if anything.
pub(super) fn label_problem(label: &str) -> Option<String> {
    if LABELS.contains(&label) || label.strip_prefix("tag.").is_some_and(|key| !key.is_empty()) {
        return None;
    }
    let known = format!("{}, tag.<name>", LABELS.join(", "));
    Some(match words::nearest(label, LABELS) {
        Some(near) => format!("no alert has this label; did you mean `{near}`? Known: {known}"),
        None => format!("no alert has this label; known: {known}"),
    })
}

fn word_problem(label: &str, word: &str) -> Option<String> {
    let word = word.strip_prefix('!').unwrap_or(word);
    match comparison(word) {
        Some((_, limit)) => {
            let severity = label == "severity" && Severity::named(limit).is_some();
            let comparable = severity || (label != "severity" && number(limit).is_some());
            (!comparable).then(|| match label {
                "severity" => format!("`{limit}` is not a severity; known: info, low, medium, high, critical"),
                _ => format!("`{limit}` is not a number"),
            })
        }
        None if label == "ou" => word.parse::<OuPattern>().err().map(|error| error.to_string()),
        None if label == "severity" && is_literal(word) && Severity::named(word).is_none() => {
            Some(format!("`{word}` is not a severity; known: info, low, medium, high, critical"))
        }
        None => None,
    }
}

impl Matcher {
    fn all(&self) -> Vec<&str> {
        match self {
            Self::One(word) => vec![word],
            Self::Any(words) => words.iter().map(String::as_str).collect(),
        }
    }

    /// Whether the label's value is as it must be. A label that is not there is none of those that are wanted, and none
    /// of those that are not.
    fn fits(&self, label: &str, value: Option<&str>) -> bool {
        let (not, wanted): (Vec<&str>, Vec<&str>) = self.all().into_iter().partition(|word| word.starts_with('!'));
        let is = |word: &str| value.is_some_and(|value| is_like(label, word, value));
        let some = wanted.iter().any(|word| is(word)) || (wanted.is_empty() && !not.is_empty());
        some && !not.iter().any(|word| is(word.trim_start_matches('!')))
    }
}

/// Whether a label's value fits a word: OUs are matched as layers match them, everything else by plain wildcards.
fn is_like(label: &str, word: &str, value: &str) -> bool {
    if let Some((operator, limit)) = comparison(word) {
        return compares(label, operator, value, limit);
    }
    if label != "ou" {
        return wildcard(word, value);
    }
    let (pattern, ou) = (word.parse::<OuPattern>(), value.parse::<OuPath>());
    pattern.is_ok_and(|pattern| ou.is_ok_and(|ou| pattern.holds(&ou)))
}

/// `>= 100` as `>=` and `100`.
fn comparison(word: &str) -> Option<(&str, &str)> {
    let operator = [">=", "<=", ">", "<"].into_iter().find(|operator| word.starts_with(operator))?;
    Some((operator, word.strip_prefix(operator)?.trim()))
}

fn compares(label: &str, operator: &str, value: &str, limit: &str) -> bool {
    let order = match label {
        "severity" => Severity::named(value).zip(Severity::named(limit)).map(|(a, b)| a.cmp(&b)),
        _ => number(value).zip(number(limit)).map(|(a, b)| a.cmp(&b)),
    };
    order.is_some_and(|order| match operator {
        ">=" => order.is_ge(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_lt(),
    })
}

/// A number as labels have it: `100`, `104.62`, `80%`, `$1,000.00`.
fn number(text: &str) -> Option<rust_decimal::Decimal> {
    let plain: String =
        text.trim().trim_start_matches('$').trim_end_matches('%').chars().filter(|c| *c != ',').collect();
    plain.parse().ok()
}

fn is_literal(word: &str) -> bool {
    !word.contains('*') && !word.starts_with('!') && comparison(word).is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(matchers: serde_json::Value, labels: &[(&str, &str)], expect: bool) {
        let read: Matchers = serde_json::from_value(matchers.clone()).unwrap();
        let value = |label: &str| labels.iter().find(|(name, _)| *name == label).map(|(_, value)| *value);
        assert_eq!(read.fit(value), expect, "{matchers} on {labels:?}");
    }

    #[test]
    fn values_are_compared_as_numbers() {
        check(json!({"threshold": ">= 100"}), &[("threshold", "100")], true);
        check(json!({"threshold": ">= 100"}), &[("threshold", "80%")], false);
        check(json!({"threshold": "< 1000.5"}), &[("threshold", "$1,000.00")], true);
        check(json!({"threshold": "!>= 100"}), &[("threshold", "80")], true);
        check(json!({"threshold": ">= 100"}), &[], false);
        check(json!({"threshold": ">= 100"}), &[("threshold", "much")], false);
    }

    #[test]
    fn severities_have_an_order() {
        check(json!({"severity": ">= high"}), &[("severity", "critical")], true);
        check(json!({"severity": ">= high"}), &[("severity", "medium")], false);
    }

    #[test]
    fn lists_want_one_and_forbid_each() {
        check(json!({"rule": ["cis-4.1", "cis-4.3"]}), &[("rule", "cis-4.3")], true);
        check(json!({"rule": ["cis-*", "!cis-4.1"]}), &[("rule", "cis-4.1")], false);
        check(json!({"rule": ["cis-*", "!cis-4.1"]}), &[("rule", "cis-4.2")], true);
        check(json!({"rule": ["!cis-4.1", "!cis-4.2"]}), &[("rule", "cis-4.2")], false);
        check(json!({"rule": "!cis-4.1"}), &[], true);
        check(json!({"rule": []}), &[("rule", "x")], false);
    }

    #[test]
    fn ous_are_matched_as_layers_match_them() {
        check(json!({"ou": "!Sandbox/**"}), &[("ou", "Sandbox/A")], false);
        check(json!({"ou": "Sandbox/**"}), &[("ou", "Sandbox")], true);
    }

    #[test]
    fn what_can_never_match_is_told() {
        let problems = |value: serde_json::Value| {
            let matchers: Matchers = serde_json::from_value(value).unwrap();
            let told = matchers.problems("route").into_iter().map(|(path, message)| format!("{path}: {message}"));
            told.collect::<Vec<_>>().join("\n")
        };
        assert!(
            problems(json!({"acount.id": "1"})).contains("did you mean `account.id`?"),
            "{}",
            problems(json!({"acount.id": "1"}))
        );
        assert_eq!(problems(json!({"threshold": "> lots"})), "route.match.threshold: `lots` is not a number");
        assert!(problems(json!({"severity": "fatal"})).contains("`fatal` is not a severity"));
        assert_eq!(problems(json!({"tag.team": "*", "severity": ">= low", "ou": "!A/**"})), "");
    }

    #[test]
    fn coverage_and_contradiction_show_in_the_words() {
        let of = |value: serde_json::Value| serde_json::from_value::<Matchers>(value).unwrap();
        assert!(of(json!({"kind": "budget"})).cover(&of(json!({"kind": "budget", "ou": "A"}))));
        assert!(of(json!({"severity": ">= high"})).cover(&of(json!({"severity": "critical"}))));
        assert!(!of(json!({"kind": "budget"})).cover(&of(json!({"ou": "A"}))));
        assert_eq!(of(json!({"kind": "budget"})).contradict(&of(json!({"kind": "alarm"}))), Some("kind"));
        assert_eq!(of(json!({"kind": "a*"})).contradict(&of(json!({"kind": "alarm"}))), None);
    }
}
