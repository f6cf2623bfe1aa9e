//! Rules of what is never deleted: a word that is not understood is an error, never a rule that protects nothing.

use std::collections::BTreeMap;

use globset::Glob;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One rule of what is never deleted. Every condition that the rule gives must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protect {
    /// The ARN, with `*` and `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Tags and their values, with `*` and `?`; `>= today` and `> today` compare dates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tag: BTreeMap<String, String>,
    /// The CloudFormation name of the type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name or id, with `*` and `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Protect {
    pub(super) fn problems(&self) -> impl Iterator<Item = (String, String)> {
        let mut found = Vec::new();
        let Self { arn, tag, kind, name } = self;
        if arn.is_none() && tag.is_empty() && kind.is_none() && name.is_none() {
            found.push((
                String::new(),
                "expected arn, tag, or type with name; an empty rule protects nothing".to_owned(),
            ));
        }
        if name.is_some() && kind.is_none() {
            found.push((".name".to_owned(), "expected a type beside the name (type: \"AWS::S3::Bucket\")".to_owned()));
        }
        for (path, pattern) in [(".arn", arn), (".name", name)] {
            if let Some(Err(error)) = pattern.as_deref().map(Glob::new) {
                found.push((path.to_owned(), format!("not a pattern: {error}")));
            }
        }
        if let Some(arn) = arn.as_deref().filter(|arn| !arn.starts_with("arn:") && *arn != "*") {
            found.push((
                ".arn".to_owned(),
                format!("`{arn}` matches no ARN; expected a pattern such as arn:*:iam::*:role/X"),
            ));
        }
        for (key, value) in tag {
            let compares = value.starts_with(['<', '>', '=']);
            if compares && !["> today", ">= today"].contains(&value.as_str()) {
                let message =
                    format!("`{value}` is not understood; expected `>= today`, `> today`, or a value with * and ?");
                found.push((format!(".tag.{key}"), message));
            } else if Glob::new(value).is_err() {
                found.push((format!(".tag.{key}"), format!("`{value}` is not a pattern")));
            }
        }
        found.into_iter()
    }
}
