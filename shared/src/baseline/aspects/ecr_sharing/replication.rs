//! What a registry copies. The configuration is one list for the whole registry and replaced whole: ours go between the
//! rules of others, and limits hold for all of them together
//! (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html>).

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::super::list;
use crate::types::Region;

/// The most rules of a registry.
const RULES: usize = 10;
/// The most places that a registry copies to, all rules together.
const DESTINATIONS: usize = 25;

/// A rule: where to, and the start of the names that are copied; without any, all are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Region and account.
    destinations: BTreeSet<(String, String)>,
    /// What the names start with.
    prefixes: BTreeSet<String>,
}

impl Rule {
    /// As ECR tells it.
    pub(super) fn read(rule: &Value) -> Self {
        let text = |item: &Value, member: &str| item.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let destinations = list(rule, "destinations").iter();
        Self {
            destinations: destinations.map(|place| (text(place, "region"), text(place, "registryId"))).collect(),
            prefixes: list(rule, "repositoryFilters").iter().map(|filter| text(filter, "filter")).collect(),
        }
    }

    /// As ECR takes it. There is one type of filter.
    pub(super) fn told(&self) -> Value {
        let place = |(region, registry): &(String, String)| json!({ "region": region, "registryId": registry });
        let filter = |prefix: &String| json!({ "filter": prefix, "filterType": "PREFIX_MATCH" });
        let mut rule = json!({ "destinations": self.destinations.iter().map(place).collect::<Vec<_>>() });
        if let (false, Value::Object(rule)) = (self.prefixes.is_empty(), &mut rule) {
            rule.insert("repositoryFilters".to_owned(), self.prefixes.iter().map(filter).collect());
        }
        rule
    }

    fn copies(&self, prefix: &str, to: &(String, String)) -> bool {
        let named = self.prefixes.is_empty() || self.prefixes.iter().any(|other| prefix.starts_with(other.as_str()));
        named && self.destinations.contains(to)
    }
}

/// The rules with ours among them. `strictly` is the account itself, and given where other accounts that our rule names
/// are to be taken out of it; copies into other regions are somebody else's.
pub(super) fn merged(
    rules: &[Rule],
    prefix: &str,
    (region, accounts): (&Region, BTreeSet<String>),
    strictly: Option<&str>,
) -> Vec<Rule> {
    let mut rules = rules.to_vec();
    let wanted: BTreeSet<_> = accounts.into_iter().map(|account| (region.to_string(), account)).collect();
    let missing: BTreeSet<_> =
        wanted.iter().filter(|to| !rules.iter().any(|rule| rule.copies(prefix, to))).cloned().collect();
    let prefixes: BTreeSet<String> = [prefix].into_iter().filter(|p| !p.is_empty()).map(str::to_owned).collect();
    // Nothing keeps a registry from having the same rule twice.
    let mut same = rules.iter_mut().filter(|rule| rule.prefixes == prefixes).peekable();
    if let Some(first) = same.peek_mut() {
        first.destinations.extend(missing);
        let extra = |(at, to): &(String, String)| at == region.as_ref() && strictly.is_some_and(|own| to != own);
        same.for_each(|rule| rule.destinations.retain(|place| wanted.contains(place) || !extra(place)));
    } else if !missing.is_empty() {
        rules.push(Rule { destinations: missing, prefixes });
    }
    rules.retain(|rule| !rule.destinations.is_empty());
    rules
}

/// Every place that the rules name.
pub(super) fn destinations(rules: &[Rule]) -> BTreeSet<&(String, String)> {
    rules.iter().flat_map(|rule| &rule.destinations).collect()
}

/// What AWS would say to so many rules.
pub(super) fn too_many(rules: &[Rule]) -> Option<String> {
    let (n, places) = (rules.len(), destinations(rules).len());
    match (n > RULES, places > DESTINATIONS) {
        (true, _) => {
            Some(format!("the registry would have {n} replication rules, those of others included; AWS keeps {RULES}"))
        }
        (_, true) => Some(format!(
            "the registry would copy to {places} places, those of others included; AWS allows {DESTINATIONS}: let fewer \
             accounts have copies, and the others pull"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(prefixes: &[&str], places: &[(&str, &str)]) -> Rule {
        Rule {
            destinations: places.iter().map(|(region, to)| ((*region).to_owned(), (*to).to_owned())).collect(),
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        }
    }

    fn check(rules: &[Rule], prefix: &str, accounts: &[&str], strictly: Option<&str>, expect: &[Rule]) {
        let accounts = accounts.iter().map(|account| (*account).to_owned()).collect();
        let region = "eu-west-1".parse().unwrap();
        assert_eq!(merged(rules, prefix, (&region, accounts), strictly), expect);
    }

    const A: (&str, &str) = ("eu-west-1", "a");
    const B: (&str, &str) = ("eu-west-1", "b");
    const FAR: (&str, &str) = ("us-east-1", "me");

    #[test]
    fn rules_of_others_stay() {
        let other = || rule(&["team/"], &[FAR]);
        check(&[other()], "", &["a"], None, &[other(), rule(&[], &[A])]);
    }

    #[test]
    fn wider_rule_of_others_is_enough() {
        let wide = [rule(&["ap"], &[A])];
        check(&wide, "app/", &["a"], Some("me"), &wide);
    }

    #[test]
    fn our_rule_grows_and_shrinks_only_when_strict() {
        let mine = [rule(&["app/"], &[A, FAR])];
        check(&mine, "app/", &["b"], None, &[rule(&["app/"], &[A, B, FAR])]);
        check(&mine, "app/", &["b"], Some("me"), &[rule(&["app/"], &[B, FAR])]);
    }

    #[test]
    fn rule_that_is_there_twice_shrinks_in_both_places() {
        let twice = [rule(&["app/"], &[A]), rule(&["app/"], &[A, B])];
        check(&twice, "app/", &["b"], Some("me"), &[rule(&["app/"], &[B])]);
    }

    #[test]
    fn limits_count_the_rules_of_others() {
        let places: Vec<String> = (0..26).map(|n| n.to_string()).collect();
        let places: Vec<(&str, &str)> = places.iter().map(|to| ("eu-west-1", to.as_str())).collect();
        assert!(too_many(&[rule(&[], &places)]).unwrap().contains("26 places"));
        assert_eq!(too_many(&[rule(&[], &places[1..])]), None);
        assert!(too_many(&vec![rule(&[], &[A]); 11]).unwrap().contains("11 replication rules"));
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let places = prop::collection::btree_set(("(eu-west-1|us-east-1)", "[a-d]"), 1..4);
        let prefixes = prop::collection::btree_set("(a|ab|b/)", 0..3);
        (places, prefixes).prop_map(|(destinations, prefixes)| Rule { destinations, prefixes })
    }

    proptest! {
        #[test]
        fn merging_repeats_without_a_change_and_additive_loses_nothing(
            rules in prop::collection::vec(any_rule(), 0..4),
            prefix in "(|a|ab|b/c)",
            accounts in prop::collection::btree_set("[a-d]", 1..4),
            strict: bool,
        ) {
            let region: Region = "eu-west-1".parse().unwrap();
            let strictly = strict.then_some("d");
            let once = merged(&rules, &prefix, (&region, accounts.clone()), strictly);
            prop_assert_eq!(&merged(&once, &prefix, (&region, accounts.clone()), strictly), &once);
            for account in &accounts {
                let place = (region.to_string(), account.clone());
                prop_assert!(once.iter().any(|rule| rule.copies(&prefix, &place)));
            }
            if !strict {
                for old in &rules {
                    let kept = |new: &Rule| new.prefixes == old.prefixes && new.destinations.is_superset(&old.destinations);
                    prop_assert!(once.iter().any(kept));
                }
            }
            prop_assert_eq!(once.iter().map(|rule| Rule::read(&rule.told())).collect::<Vec<_>>(), once);
        }
    }
}
