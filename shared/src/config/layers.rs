//! Which accounts a layer or a section is for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OuPattern, wildcard};
use crate::types::{AccountId, OuPath};

/// Conditions on an account. All that are given must hold; none given holds for no account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Every account.
    #[serde(default)]
    pub all: bool,
    /// Its name; `*` stands for any characters.
    #[serde(default)]
    pub account: Option<String>,
    /// The OU that holds it: `Sandbox` alone, `Workloads/*` one level, `Workloads/**` everything below as well.
    #[serde(default)]
    pub ou: Option<OuPattern>,
    /// Its tags; `*` in a value stands for any characters.
    #[serde(default)]
    pub tag: BTreeMap<String, String>,
}

/// What conditions and templates look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject<'a> {
    /// The account's id.
    pub id: &'a AccountId,
    /// Its name.
    pub name: &'a str,
    /// The OU that holds it.
    pub ou: &'a OuPath,
    /// Its tags.
    pub tags: &'a BTreeMap<String, String>,
}

impl Match {
    /// Whether no condition is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every condition holds for the account.
    pub fn holds(&self, subject: Subject<'_>) -> bool {
        let tag = |(key, value): (&String, &String)| subject.tags.get(key).is_some_and(|found| wildcard(value, found));
        !self.is_empty()
            && self.account.as_ref().is_none_or(|name| wildcard(name, subject.name))
            && self.ou.as_ref().is_none_or(|ou| ou.holds(subject.ou))
            && self.tag.iter().all(tag)
    }
}

impl Subject<'_> {
    /// Puts the account's own values in the place of `{name}`, `{id}` and `{tag.KEY}`.
    pub fn fill(&self, template: &str) -> Result<String, String> {
        let mut text = String::new();
        for part in parts(template)? {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Name => text.push_str(self.name),
                Part::Id => text.push_str(self.id.as_ref()),
                Part::Tag(key) => match self.tags.get(key) {
                    Some(value) => text.push_str(value),
                    None => return Err(format!("`{template}` needs the tag `{key}`, and the account has none")),
                },
            }
        }
        Ok(text)
    }
}

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Name,
    Id,
    Tag(&'a str),
}

/// Takes a template apart.
pub(super) fn parts(template: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let unclosed = || format!("`{template}` opens a `{{` that nothing closes");
        let (word, tail) = after.split_once('}').ok_or_else(unclosed)?;
        parts.push(Part::Text(before));
        parts.push(match (word, word.strip_prefix("tag.")) {
            ("name", _) => Part::Name,
            ("id", _) => Part::Id,
            (_, Some(key)) if !key.is_empty() => Part::Tag(key),
            _ => return Err(format!("`{{{word}}}` stands for nothing; expected {{name}}, {{id}} or {{tag.KEY}}")),
        });
        rest = tail;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with<T>(check: impl FnOnce(Subject<'_>) -> T) -> T {
        let tags = BTreeMap::from([("stage".to_owned(), "prod".to_owned())]);
        let (id, ou) = ("444455556666".parse().unwrap(), "Workloads/Prod".parse().unwrap());
        check(Subject { id: &id, name: "shop-prod", ou: &ou, tags: &tags })
    }

    fn check(matches: serde_json::Value, expect: bool) {
        let conditions: Match = serde_json::from_value(matches.clone()).unwrap();
        assert_eq!(with(|subject| conditions.holds(subject)), expect, "{matches}");
    }

    #[test]
    fn every_condition_must_hold() {
        check(json!({"ou": "Workloads/**", "tag": {"stage": "prod"}}), true);
        check(json!({"ou": "Workloads/**", "tag": {"stage": "test"}}), false);
        check(json!({"ou": "Sandbox", "tag": {"stage": "prod"}}), false);
        check(json!({"all": true, "account": "pay-*"}), false);
        check(json!({"account": "shop-*"}), true);
    }

    #[test]
    fn no_condition_holds_for_nothing() {
        check(json!({}), false);
        check(json!({"all": false}), false);
    }

    #[test]
    fn templates_take_the_accounts_own_values() {
        with(|subject| {
            assert_eq!(subject.fill("acme-{name}-{tag.stage}-{id}").unwrap(), "acme-shop-prod-prod-444455556666");
            assert!(subject.fill("{tag.owner}").unwrap_err().contains("the tag `owner`"));
            assert!(subject.fill("{nmae}").unwrap_err().contains("expected {name}"));
            assert!(subject.fill("{name").unwrap_err().contains("nothing closes"));
        });
    }
}
