//! Ways into documents, and templates filled from them: how the catalogue names a field of an answer without code.
//!
//! A path is `A.B[].C`: members by name, `[]` for every element, `[0]` for the first one. A template is any JSON value whose strings may hold
//! `{path}`; a string that is nothing but one placeholder becomes the value itself, so lists and numbers survive.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::types::{AccountId, Region};

/// The member of a template under which the rest of an object stands: for updates that take a whole configuration.
const REST: &str = "...";

/// What the catalogue keeps of a resource: the value of every path that its steps ask for.
pub type Facts = BTreeMap<String, Value>;

/// Every value at `path`, without nulls.
pub fn find<'v>(document: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut here = vec![document];
    for segment in path.split('.').filter(|segment| !segment.is_empty() && *segment != "$") {
        let (name, take) = part(segment);
        let members = here.into_iter().filter_map(|value| if name.is_empty() { Some(value) } else { value.get(name) });
        here = match take {
            Take::All => members.filter_map(Value::as_array).flatten().collect(),
            Take::First => members.filter_map(|value| value.get(0)).collect(),
            Take::Itself => members.collect(),
        };
    }
    here.retain(|value| !value.is_null());
    here
}

/// What a segment of a path takes of the member that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// The member.
    Itself,
    /// Every element of it.
    All,
    /// Its first element.
    First,
}

/// The member that a segment names, and what is taken of it.
pub(super) fn part(segment: &str) -> (&str, Take) {
    let all = segment.strip_suffix("[]").map(|name| (name, Take::All));
    let first = || segment.strip_suffix("[0]").map(|name| (name, Take::First));
    all.or_else(first).unwrap_or((segment, Take::Itself))
}

/// The value at `path`: a list of all where the path has `[]`, else the one there is.
pub fn value_at(document: &Value, path: &str) -> Option<Value> {
    let found = find(document, path);
    if path.contains("[]") {
        return (!found.is_empty()).then(|| found.into_iter().cloned().collect());
    }
    found.first().map(|value| (*value).clone())
}

/// The fields that a template is filled from.
#[derive(Clone, Copy, Debug)]
pub enum Fields<'a> {
    /// A whole document.
    Document(&'a Value),
    /// What was kept of one.
    Facts(&'a Facts),
}

impl Fields<'_> {
    fn get(self, path: &str) -> Option<Value> {
        match self {
            Self::Document(document) => value_at(document, path),
            Self::Facts(facts) => facts.get(path).cloned(),
        }
    }
}

/// What placeholders mean: fields, `$parent.` fields, and `$account`, `$region`, `$partition`.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The resource.
    pub item: Fields<'a>,
    /// What it was listed under.
    pub parent: Option<Fields<'a>>,
    /// The account that holds it.
    pub account: &'a AccountId,
    /// The region that calls go to.
    pub region: &'a Region,
}

impl<'a> Source<'a> {
    /// The value that `path` stands for; `|tail` takes what is behind its last slash or colon.
    pub fn get(&self, path: &str) -> Option<Value> {
        if let Some(path) = path.strip_suffix("|tail") {
            let text = as_text(&self.get(path)?);
            return text.rsplit(['/', ':']).next().map(Value::from);
        }
        match path {
            "$account" => Some(self.account.to_string().into()),
            "$region" => Some(self.region.to_string().into()),
            "$partition" => Some(self.region.partition().id().into()),
            _ => match (path.strip_prefix("$parent."), self.parent) {
                (Some(path), Some(parent)) => parent.get(path),
                _ => self.item.get(path),
            },
        }
    }

    /// A source for something listed under this one.
    pub fn child<'b>(&'b self, item: &'b Value) -> Source<'b> {
        Source { item: Fields::Document(item), parent: Some(self.item), account: self.account, region: self.region }
    }

    /// Fills a template; the error is the path that has no value.
    pub fn fill(&self, template: &Value) -> Result<Value, String> {
        match template {
            Value::String(text) => self.fill_text(text),
            Value::Array(list) => list.iter().map(|value| self.fill(value)).collect(),
            Value::Object(members) => self.fill_members(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(template.clone()),
        }
    }

    /// Fills an object; under `...` is another one, whose members count where the template has none of that name.
    fn fill_members(&self, members: &Map<String, Value>) -> Result<Value, String> {
        let mut filled = match members.get(REST).map(|rest| self.fill(rest)).transpose()? {
            Some(Value::Object(rest)) => rest,
            Some(_) => return Err(REST.to_owned()),
            None => Map::new(),
        };
        for (name, value) in members.iter().filter(|(name, _)| *name != REST) {
            filled.insert(name.clone(), self.fill(value)?);
        }
        Ok(Value::Object(filled))
    }

    /// Fills a template that must become text.
    pub fn text(&self, template: &str) -> Result<String, String> {
        self.fill_text(template).map(|value| as_text(&value))
    }

    fn fill_text(&self, text: &str) -> Result<Value, String> {
        if let [Part::Hole(path)] = parts(text).as_slice() {
            return self.get(path).ok_or_else(|| (*path).to_owned());
        }
        let mut filled = String::new();
        for part in parts(text) {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Hole(path) => filled.push_str(&as_text(&self.get(path).ok_or_else(|| path.to_owned())?)),
            }
        }
        Ok(Value::String(filled))
    }
}

/// A member that is text.
pub fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}

/// A value as it stands in a sentence or an ARN.
pub fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Every path that a template has placeholders for.
pub fn holes(template: &Value, into: &mut BTreeSet<String>) {
    match template {
        Value::String(text) => into.extend(parts(text).into_iter().filter_map(|part| match part {
            // What is kept is the whole value; its tail is taken when it is asked for.
            Part::Hole(path) => Some(path.strip_suffix("|tail").unwrap_or(path).to_owned()),
            Part::Text(_) => None,
        })),
        Value::Array(list) => list.iter().for_each(|value| holes(value, into)),
        Value::Object(members) => members.values().for_each(|value| holes(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

enum Part<'a> {
    Text(&'a str),
    Hole(&'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((path, behind)) = after.split_once('}') else { break };
        if !before.is_empty() {
            found.push(Part::Text(before));
        }
        found.push(Part::Hole(path));
        rest = behind;
    }
    if !rest.is_empty() {
        found.push(Part::Text(rest));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(template: Value, item: Value) -> Result<Value, String> {
        let (account, region) = ("222233334444".parse().unwrap(), "cn-north-1".parse().unwrap());
        let source = Source { item: Fields::Document(&item), parent: None, account: &account, region: &region };
        source.fill(&template)
    }

    #[test]
    fn path_goes_through_every_element() {
        let answer = json!({"R": [{"I": [{"Id": 1}, {"Id": 2}]}, {"I": []}, {"I": [{"Id": 3}]}]});
        assert_eq!(value_at(&answer, "R[].I[].Id"), Some(json!([1, 2, 3])));
        assert_eq!(value_at(&answer, "R[].X"), None);
        assert_eq!(value_at(&answer, "R[0].I[0].Id"), Some(json!(1)));
        assert_eq!(value_at(&json!({"R": []}), "R[0]"), None);
    }

    #[test]
    fn lone_placeholder_keeps_its_type() {
        let item = json!({"Rules": [{"P": 1}], "Id": "sg-1"});
        assert_eq!(filled(json!({"G": "{Id}", "R": "{Rules}"}), item), Ok(json!({"G": "sg-1", "R": [{"P": 1}]})));
    }

    #[test]
    fn text_around_placeholders_makes_text() {
        let arn = json!("arn:{$partition}:ec2:{$region}:{$account}:vpc/{VpcId}");
        let expect = json!("arn:aws-cn:ec2:cn-north-1:222233334444:vpc/vpc-1");
        assert_eq!(filled(arn, json!({"VpcId": "vpc-1"})), Ok(expect));
    }

    #[test]
    fn missing_field_is_named() {
        assert_eq!(filled(json!("{A.B}"), json!({"A": {}})), Err("A.B".to_owned()));
    }

    #[test]
    fn the_tail_of_what_was_kept_can_be_asked_for() {
        let template = json!("{Id|tail}");
        let mut paths = BTreeSet::new();
        holes(&template, &mut paths);
        let item = json!({"Id": "/hostedzone/Z1"});
        let facts: Facts = paths.into_iter().filter_map(|path| Some((path.clone(), value_at(&item, &path)?))).collect();
        let (account, region) = ("111122223333".parse().unwrap(), "us-east-1".parse().unwrap());
        let source = Source { item: Fields::Facts(&facts), parent: None, account: &account, region: &region };
        assert_eq!(source.fill(&template), Ok(json!("Z1")));
    }

    #[test]
    fn a_whole_object_is_taken_over_but_for_what_the_template_says() {
        let template = json!({"Config": {"...": "{Config}", "Enabled": false}});
        let item = json!({"Config": {"Enabled": true, "Origins": [1]}});
        assert_eq!(filled(template.clone(), item), Ok(json!({"Config": {"Enabled": false, "Origins": [1]}})));
        assert!(filled(template, json!({"Config": "text"})).is_err());
    }

    #[test]
    fn element_that_is_text_is_named_by_a_dollar() {
        assert_eq!(filled(json!("{$}"), json!("table-1")), Ok(json!("table-1")));
    }
}
