//! A policy document in the file: a mapping, or JSON as text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A policy document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct PolicyDocument(Value);

impl TryFrom<Value> for PolicyDocument {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let document = match value {
            Value::String(text) => {
                serde_json::from_str(&text).map_err(|error| format!("the text is no JSON document: {error}"))?
            }
            value => value,
        };
        match document {
            Value::Object(_) => Ok(Self(document)),
            _ => {
                Err("expected a policy document: a mapping with `Version` and `Statement`, or the same as JSON"
                    .to_owned())
            }
        }
    }
}

impl From<PolicyDocument> for Value {
    fn from(document: PolicyDocument) -> Self {
        document.0
    }
}

impl JsonSchema for PolicyDocument {
    fn schema_name() -> Cow<'static, str> {
        "PolicyDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A policy document: a mapping, or JSON as text.", "type": ["object", "string"] })
    }
}

impl PolicyDocument {
    /// What is wrong with it as the policy of an identity, which says what may be done to which resources.
    pub(super) fn problems(&self) -> Vec<String> {
        if self.drops() {
            return Vec::new();
        }
        let statements = match self.0.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.clone(),
            Some(Value::Object(statement)) => vec![Value::Object(statement.clone())],
            _ => return vec!["`Statement` is missing; expected what the policy allows or denies".to_owned()],
        };
        statements.iter().enumerate().filter_map(|(n, statement)| wrong(n, statement)).collect()
    }

    /// The letters that count for its size: without white space.
    pub(super) fn size(&self) -> usize {
        if self.drops() { 0 } else { self.0.to_string().len() }
    }

    fn drops(&self) -> bool {
        self.0.get("remove") == Some(&Value::Bool(true))
    }
}

fn wrong(n: usize, statement: &Value) -> Option<String> {
    let has = |names: [&str; 2]| names.iter().any(|name| statement.get(name).is_some());
    let effect = statement.get("Effect").and_then(Value::as_str);
    let problem = match effect {
        Some("Allow" | "Deny") if !has(["Action", "NotAction"]) => "`Action` is missing",
        Some("Allow" | "Deny") if !has(["Resource", "NotResource"]) => "`Resource` is missing",
        Some("Allow" | "Deny") if has(["Principal", "NotPrincipal"]) => {
            "`Principal` has no place in it: a role's policy holds for the role"
        }
        Some("Allow" | "Deny") => return None,
        _ => "`Effect` must be Allow or Deny",
    };
    Some(format!("Statement[{n}]: {problem}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value, expect: &[&str]) {
        let document = PolicyDocument::try_from(value.clone()).unwrap();
        assert_eq!(document.problems(), expect, "{value}");
    }

    #[test]
    fn mapping_and_text_are_the_same_document() {
        let mapping = json!({"Version": "2012-10-17", "Statement": []});
        assert_eq!(PolicyDocument::try_from(json!(mapping.to_string())), PolicyDocument::try_from(mapping));
        assert!(PolicyDocument::try_from(json!("{")).unwrap_err().contains("no JSON document"));
        assert!(PolicyDocument::try_from(json!([])).unwrap_err().contains("expected a policy document"));
    }

    #[test]
    fn statement_says_what_may_be_done_to_what() {
        check(json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}), &[]);
        check(json!({"Statement": {"Effect": "allow"}}), &["Statement[0]: `Effect` must be Allow or Deny"]);
        check(json!({"Statement": [{"Effect": "Deny", "Action": "*"}]}), &["Statement[0]: `Resource` is missing"]);
        check(json!({"remove": true}), &[]);
        let trust = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}});
        assert!(PolicyDocument::try_from(trust).unwrap().problems()[0].contains("no place in it"));
    }
}
