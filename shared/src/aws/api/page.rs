//! Pagination: where the tokens and the results of an operation are.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::model::{Kind, Operation, Page, Service, Shape};
use super::validate::Wrong;

/// Goes from page to page of one operation.
pub(super) struct Pager {
    page: Option<&'static Page>,
    results: Vec<&'static str>,
    seen: BTreeSet<String>,
}

impl Pager {
    /// Finds the result lists: the paginator names them, or the output has exactly one list.
    pub(super) fn new(service: &'static Service, operation: &'static Operation) -> Result<Self, Wrong> {
        let page = operation.page.as_ref();
        let mut results: Vec<&str> = page.map(|page| page.results.clone()).unwrap_or_default();
        if results.is_empty() {
            results = lists(service, operation);
        }
        match results.as_slice() {
            [] => Err(Wrong("the operation returns no list to page through".to_owned())),
            [_, _, ..] if page.is_none() => {
                Err(Wrong(format!("the operation returns several lists and no pages: {}", results.join(", "))))
            }
            _ => Ok(Self { page, results, seen: BTreeSet::new() }),
        }
    }

    /// Moves the results out of a page.
    pub(super) fn take(&self, output: &mut Value) -> Vec<Value> {
        let mut found = Vec::new();
        for path in &self.results {
            let at = path.split('.').try_fold(&mut *output, |value, name| value.get_mut(name));
            match at.map(Value::take) {
                Some(Value::Array(items)) => found.extend(items),
                Some(Value::Null) | None => {}
                // A map, as API Gateway's models have it, or one thing.
                Some(other) => found.push(other),
            }
        }
        found
    }

    /// The parameters of the next page, if there is one. A token that comes back a second time would go on for ever.
    pub(super) fn next(
        &mut self,
        params: &Map<String, Value>,
        output: &Value,
    ) -> Result<Option<Map<String, Value>>, Wrong> {
        let Some(page) = self.page else { return Ok(None) };
        if page.more.is_some_and(|more| !matches!(path(output, more), Some(Value::Bool(true)))) {
            return Ok(None);
        }
        let tokens = page.tokens_out.iter().map(|expression| token(output, expression));
        let tokens: Vec<Option<Value>> = tokens.collect();
        if tokens.iter().all(Option::is_none) {
            return Ok(None);
        }
        if !self.seen.insert(format!("{tokens:?}")) {
            return Err(Wrong("the service returned the same page token twice".to_owned()));
        }
        let mut next = params.clone();
        for (name, token) in page.tokens_in.iter().zip(tokens) {
            match token {
                Some(token) => next.insert((*name).to_owned(), token),
                None => next.remove(*name),
            };
        }
        Ok(Some(next))
    }
}

fn lists(service: &'static Service, operation: &Operation) -> Vec<&'static str> {
    let members = service.structure(operation.output).into_iter().flat_map(|output| output.members.iter());
    let is_list = |kind: Kind| matches!(service.shape(kind), Some(Shape::List(_)));
    members.filter(|(_, member)| is_list(member.kind)).map(|(name, _)| name).collect()
}

/// A token by the paginator's expression: a path, or `A || B[-1].C`.
fn token(output: &Value, expression: &str) -> Option<Value> {
    expression.split(" || ").find_map(|choice| path(output, choice)).filter(|token| !is_empty(token)).cloned()
}

fn is_empty(token: &Value) -> bool {
    token.is_null() || token.as_str() == Some("")
}

fn path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| match name.strip_suffix("[-1]") {
        Some(list) => value.get(list)?.as_array()?.last(),
        None => value.get(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pager(service: &str, operation: &str) -> Result<Pager, Wrong> {
        let service = Service::named(service).unwrap();
        Pager::new(service, &service.operations[operation])
    }

    fn check(service: &str, operation: &str, output: Value, next: Option<Value>) {
        let found = pager(service, operation).unwrap().next(&Map::new(), &output).unwrap();
        assert_eq!(found.map(Value::Object), next);
    }

    #[test]
    fn tokens_move_from_output_to_input() {
        check("ec2", "DescribeVpcs", json!({"NextToken": "t"}), Some(json!({"NextToken": "t"})));
        check("ec2", "DescribeVpcs", json!({"NextToken": ""}), None);
        check("iam", "ListRoles", json!({"IsTruncated": false, "Marker": "m"}), None);
        check("iam", "ListRoles", json!({"IsTruncated": true, "Marker": "m"}), Some(json!({"Marker": "m"})));
    }

    #[test]
    fn versions_have_two_tokens() {
        let output = json!({"IsTruncated": true, "NextKeyMarker": "k", "NextVersionIdMarker": "v"});
        check("s3", "ListObjectVersions", output, Some(json!({"KeyMarker": "k", "VersionIdMarker": "v"})));
    }

    #[test]
    fn old_listing_goes_on_after_its_last_key() {
        let output = json!({"IsTruncated": true, "Contents": [{"Key": "a"}, {"Key": "b"}]});
        check("s3", "ListObjects", output, Some(json!({"Marker": "b"})));
    }

    #[test]
    fn results_of_all_lists_are_joined() {
        let mut output = json!({"Versions": [{"Key": "a"}], "DeleteMarkers": [{"Key": "b"}]});
        let found = pager("s3", "ListObjectVersions").unwrap().take(&mut output);
        assert_eq!(found, [json!({"Key": "a"}), json!({"Key": "b"})]);
    }

    #[test]
    fn operation_without_paginator_has_one_page() {
        let mut output = json!({"Regions": [{"RegionName": "eu-west-1"}]});
        let mut pager = pager("ec2", "DescribeRegions").unwrap();
        assert_eq!(pager.next(&Map::new(), &output).unwrap(), None);
        assert_eq!(pager.take(&mut output).len(), 1);
    }

    #[test]
    fn operation_without_a_list_is_refused() {
        assert!(pager("iam", "GetRole").is_err());
    }

    #[test]
    fn token_that_comes_back_ends_in_an_error() {
        let mut pager = pager("ec2", "DescribeVpcs").unwrap();
        assert!(pager.next(&Map::new(), &json!({"NextToken": "t"})).is_ok());
        assert!(pager.next(&Map::new(), &json!({"NextToken": "t"})).is_err());
    }
}
