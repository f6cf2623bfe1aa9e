//! Rules of what is never deleted: a word that is not understood is an error, never a rule that protects nothing.

use std::collections::BTreeMap;

use globset::Glob;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::Pause;

/// One rule of what is never deleted, or a part of one. Every condition that it gives must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protect {
    /// The ARN, with `*` and `?`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Tags and their values, with `*` and `?`; `>= today` and `> today` compare dates.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub tag: Option<BTreeMap<String, String>>,
    /// The CloudFormation name of the type.
    #[serde(default, deserialize_with = "given", rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name or id, with `*` and `?`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The region, with `*` and `?`; what is in no region is in `global`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Made less than this long ago. What tells no creation time is kept where this decides.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub younger_than: Option<Pause>,
    /// Made at least this long ago. What tells no creation time is kept where this decides.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub older_than: Option<Pause>,
    /// Parts that must all hold.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Protect>>,
    /// Parts of which one must hold.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Protect>>,
    /// What must not hold.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Protect>>,
}

/// A property without a value is an error: it would be a condition that is silently left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Protect {
    /// What is wrong with the rule: where (below it, with a dot in front), and what was expected.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.check("", false, &mut found);
        found
    }

    /// The rule and every part of it, each with its place below the rule.
    pub fn parts(&self) -> Vec<(String, &Self)> {
        let mut parts = vec![(String::new(), self)];
        for (place, part) in self.nested() {
            let below = part.parts().into_iter();
            parts.extend(below.map(|(path, part)| (format!("{place}{path}"), part)));
        }
        parts
    }

    /// Whether the right tags are all that it takes to be kept.
    pub fn is_tags_alone(&self) -> bool {
        self.tag.is_some() && *self == Self { tag: self.tag.clone(), ..Self::default() }
    }

    fn nested(&self) -> impl Iterator<Item = (String, &Self)> {
        let group = |word: &'static str, group: &'_ Option<Vec<Self>>| {
            let count = group.as_ref().map_or(0, Vec::len);
            (0..count).map(move |n| format!(".{word}[{n}]")).collect::<Vec<_>>()
        };
        let all = group("all", &self.all).into_iter().zip(self.all.iter().flatten());
        let any = group("any", &self.any).into_iter().zip(self.any.iter().flatten());
        all.chain(any).chain(self.not.iter().map(|part| (".not".to_owned(), part.as_ref())))
    }

    /// `typed`: whether a type is named beside this part, so that a name in it is one of that type.
    fn check(&self, place: &str, typed: bool, found: &mut Vec<(String, String)>) {
        let typed = typed || self.kind.is_some() || self.all.iter().flatten().any(|part| part.kind.is_some());
        let mut wrong = |path: &str, message: String| found.push((format!("{place}{path}"), message));
        if *self == Self::default() {
            let expected = "expected arn, tag, type, name with type, region, younger_than, older_than, all, any or not";
            wrong("", format!("{expected}; an empty rule protects nothing"));
        }
        if self.name.is_some() && !typed {
            wrong(".name", "expected a type beside the name (type: \"AWS::S3::Bucket\")".to_owned());
        }
        self.check_patterns(&mut wrong);
        self.check_ages(&mut wrong);
        for (word, group) in [(".all", &self.all), (".any", &self.any)] {
            if group.as_ref().is_some_and(Vec::is_empty) {
                wrong(word, "has no parts; an empty group protects nothing".to_owned());
            }
        }
        for (path, part) in self.nested() {
            part.check(&format!("{place}{path}"), typed, found);
        }
    }

    fn check_patterns(&self, wrong: &mut impl FnMut(&str, String)) {
        for (path, pattern) in [(".arn", &self.arn), (".name", &self.name), (".region", &self.region)] {
            if let Some(Err(error)) = pattern.as_deref().map(Glob::new) {
                wrong(path, format!("not a pattern: {error}"));
            }
        }
        if let Some(arn) = self.arn.as_deref().filter(|arn| !arn.starts_with("arn:") && *arn != "*") {
            wrong(".arn", format!("`{arn}` matches no ARN; expected a pattern such as arn:*:iam::*:role/X"));
        }
        let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-*?".contains(letter);
        if let Some(region) = self.region.as_deref().filter(|region| region.is_empty() || !region.chars().all(letter)) {
            wrong(".region", format!("`{region}` matches no region; expected a pattern such as eu-*, or `global`"));
        }
        if self.tag.as_ref().is_some_and(BTreeMap::is_empty) {
            wrong(".tag", "names no tag; an empty condition protects nothing".to_owned());
        }
        for (key, value) in self.tag.iter().flatten() {
            let compares = value.starts_with(['<', '>', '=']);
            if compares && !["> today", ">= today"].contains(&value.as_str()) {
                let message =
                    format!("`{value}` is not understood; expected `>= today`, `> today`, or a value with * and ?");
                wrong(&format!(".tag.{key}"), message);
            } else if Glob::new(value).is_err() {
                wrong(&format!(".tag.{key}"), format!("`{value}` is not a pattern"));
            }
        }
    }

    fn check_ages(&self, wrong: &mut impl FnMut(&str, String)) {
        for (path, age) in [(".younger_than", self.younger_than), (".older_than", self.older_than)] {
            if age.is_some_and(|age| age.length().is_zero()) {
                wrong(path, "expected a length of time above zero, such as 7d or 12h".to_owned());
            }
        }
        if let (Some(younger), Some(older)) = (self.younger_than, self.older_than)
            && younger <= older
        {
            let message = format!("nothing is younger than {younger} and older than {older}; put them in `any`");
            wrong(".older_than", message);
        }
    }
}
