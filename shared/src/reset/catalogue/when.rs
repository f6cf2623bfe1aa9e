//! Conditions of an entry on the value at a path.

use globset::{Glob, GlobMatcher};
use serde::Deserialize;
use serde_json::Value;

use super::path::Source;

/// A condition on one value or any of several.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Path of the value.
    pub path: String,
    /// It is one of these.
    #[serde(default)]
    pub is: Vec<Value>,
    /// It matches one of these patterns.
    #[serde(default)]
    pub like: Vec<Pattern>,
    /// It is there, and not empty; or it is not.
    pub exists: Option<bool>,
}

/// A pattern with `*`, `?` and `[!x]`, compiled once.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(GlobMatcher);

impl TryFrom<String> for Pattern {
    type Error = globset::Error;

    fn try_from(text: String) -> Result<Self, globset::Error> {
        Ok(Self(Glob::new(&text)?.compile_matcher()))
    }
}

impl When {
    /// The condition with what its values' placeholders mean; one that means nothing matches nothing.
    pub fn filled(&self, source: &Source<'_>) -> Self {
        Self { is: self.is.iter().filter_map(|value| source.fill(value).ok()).collect(), ..self.clone() }
    }

    /// What it asks for and none of these words is.
    pub fn strangers(&self, words: &[String]) -> Vec<String> {
        let told = self.is.iter().filter_map(Value::as_str).filter(|text| !text.contains('{'));
        let told = told.filter(|text| words.iter().all(|word| word != text)).map(str::to_owned);
        let like = self.like.iter().filter(|one| !words.iter().any(|word| one.0.is_match(word)));
        told.chain(like.map(|one| one.0.glob().to_string())).collect()
    }

    /// Whether the condition holds for what `values` finds at its path.
    pub fn holds(&self, value: Option<&Value>) -> bool {
        let values = match value {
            Some(Value::Array(list)) if self.path.contains("[]") => list.iter().collect(),
            Some(value) => vec![value],
            None => Vec::new(),
        };
        if let Some(expected) = self.exists {
            return values.iter().any(|value| !is_empty(value)) == expected;
        }
        let like = |value: &Value| value.as_str().is_some_and(|text| self.like.iter().any(|one| one.0.is_match(text)));
        values.into_iter().any(|value| self.is.contains(value) || like(value))
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(when: Value, item: Value) -> bool {
        let when: When = serde_json::from_value(when).unwrap();
        when.holds(super::super::path::value_at(&item, &when.path).as_ref())
    }

    #[test]
    fn any_element_is_enough() {
        let main = json!({"path": "Associations[].Main", "is": [true]});
        assert!(holds(main.clone(), json!({"Associations": [{"Main": false}, {"Main": true}]})));
        assert!(!holds(main, json!({"Associations": []})));
    }

    #[test]
    fn empty_counts_as_absent() {
        assert!(holds(json!({"path": "Parent", "exists": false}), json!({"Parent": ""})));
        assert!(holds(json!({"path": "Rules", "exists": true}), json!({"Rules": [1]})));
        assert!(!holds(json!({"path": "Rules", "exists": true}), json!({"Rules": []})));
    }

    #[test]
    fn patterns_match_the_whole_value() {
        assert!(holds(
            json!({"path": "Path", "like": ["/aws-service-role/*"]}),
            json!({"Path": "/aws-service-role/x.com/"})
        ));
        assert!(!holds(json!({"path": "Name", "like": ["StackSet-*"]}), json!({"Name": "my-StackSet-1"})));
    }
}
