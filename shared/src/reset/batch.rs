//! Deletes many things in one call. Whatever does not go that way is tried alone, and fails with an error of its own.

use serde_json::{Map, Value};

use super::catalogue::path::{Fields, Source, as_text, find};
use super::catalogue::{Batch, Gone, Kind};
use super::item::{ItemKey, Outcome};
use super::state::Work;
use crate::aws::{CallError, Scope};

/// Deletes the items in one call, and tells what came of each.
pub async fn delete(scope: &Scope, kind: &Kind, batch: &Batch, items: &[(ItemKey, Work)]) -> Vec<(ItemKey, Outcome)> {
    let all = |outcome: Outcome| items.iter().map(|(key, _)| (key.clone(), outcome.clone())).collect();
    let Ok(params) = params(scope, batch, items) else { return all(Outcome::Alone) };
    match scope.call(&kind.service, &batch.operation, params).await {
        Ok(answer) => judged(kind, batch, items, &answer),
        // A throttle is about the call, not about what is in it.
        Err(error) if is_pace(&error) => all(Outcome::Later(error.to_string())),
        Err(_) => all(Outcome::Alone),
    }
}

fn is_pace(error: &CallError) -> bool {
    use crate::aws::ErrorClass::{Throttled, Transient};
    matches!(error.class, Throttled | Transient)
}

fn params(scope: &Scope, batch: &Batch, items: &[(ItemKey, Work)]) -> Result<Value, String> {
    let each = items.iter().map(|(_, work)| {
        let source =
            Source { item: Fields::Facts(&work.facts), parent: None, account: scope.account(), region: scope.region() };
        source.fill(&batch.each)
    });
    let each: Value = each.collect::<Result<Vec<Value>, String>>()?.into();
    let mut params = batch.params.as_object().cloned().unwrap_or_default();
    put(&mut params, &batch.list, each);
    Ok(Value::Object(params))
}

/// Sets the member at a path such as `Delete.Objects`.
fn put(params: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => _ = params.insert(path.to_owned(), value),
        Some((head, rest)) => {
            let member = params.entry(head).or_insert_with(|| Value::Object(Map::new()));
            member.as_object_mut().into_iter().for_each(|member| put(member, rest, value.clone()));
        }
    }
}

/// What failed is named by its id somewhere in the failures; a failure that names nobody may be anybody's.
fn judged(kind: &Kind, batch: &Batch, items: &[(ItemKey, Work)], answer: &Value) -> Vec<(ItemKey, Outcome)> {
    let failures = batch.failures.as_deref().map(|path| find(answer, path)).unwrap_or_default();
    let failures: Vec<Vec<String>> = failures.into_iter().map(texts).collect();
    let names = |failure: &Vec<String>, (key, work): &(ItemKey, Work)| {
        failure.iter().any(|text| *text == key.id || *text == work.name || key.id.ends_with(&format!("/{text}")))
    };
    let nameless = failures.iter().any(|failure| !items.iter().any(|item| names(failure, item)));
    let done = if kind.gone == Gone::Listed { Outcome::Accepted } else { Outcome::Gone };
    let outcome = |item: &(ItemKey, Work)| {
        let failed = nameless || failures.iter().any(|failure| names(failure, item));
        (item.0.clone(), if failed { Outcome::Alone } else { done.clone() })
    };
    items.iter().map(outcome).collect()
}

/// Every text in a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null => Vec::new(),
        other => vec![as_text(other)],
    }
}
