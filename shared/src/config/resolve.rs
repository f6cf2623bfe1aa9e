//! What the layers come to for one account, and which layer said what.
//!
//! Precedence is the order of the layers and nothing else. Mappings merge, lists of named things merge by name, every
//! other value is replaced by the later one; `remove: true` drops what earlier layers built.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::wanted::{Enforce, Wanted};
use super::{Config, Subject};

/// What holds for one account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resolved {
    /// The layers that fit, counted from 0 as in the file.
    pub layers: Vec<usize>,
    /// How far Forester goes.
    pub enforce: Enforce,
    /// The aspects.
    pub wanted: Wanted,
    /// For every value (`budget.monthly`): where it comes from.
    pub origins: BTreeMap<String, Origin>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Origin {
    /// The layer, counted from 0 as in the file.
    pub layer: usize,
    /// The value.
    pub value: Value,
    /// What earlier layers had said, the earliest first.
    pub overrode: Vec<Said>,
}

/// A value that a later layer replaced.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Said {
    /// The layer, counted from 0 as in the file.
    pub layer: usize,
    /// The value.
    pub value: Value,
}

impl Config {
    /// What the layers come to for an account.
    pub fn resolve(&self, subject: Subject<'_>) -> Resolved {
        let fitting = || self.layers.iter().enumerate().filter(|(_, layer)| layer.matches.holds(subject));
        let mut merge = Merge::default();
        for (n, layer) in fitting() {
            // Layers come out of the file as JSON and go back into it; neither way can fail for these types.
            if let Ok(Value::Object(mut said)) = serde_json::to_value(layer) {
                said.remove("match");
                merge.layer(n, said);
            }
        }
        let wanted: Wanted = serde_json::from_value(Value::Object(merge.value)).unwrap_or_default();
        Resolved {
            layers: fitting().map(|(n, _)| n).collect(),
            enforce: wanted.enforce.unwrap_or_default(),
            wanted,
            origins: merge.origins,
        }
    }
}

#[derive(Default)]
struct Merge {
    value: Map<String, Value>,
    origins: BTreeMap<String, Origin>,
}

impl Merge {
    fn layer(&mut self, layer: usize, said: Map<String, Value>) {
        let mut value = std::mem::take(&mut self.value);
        self.map(layer, "", &mut value, said);
        self.value = value;
    }

    fn map(&mut self, layer: usize, path: &str, into: &mut Map<String, Value>, said: Map<String, Value>) {
        for (key, new) in said {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if drops(&new) {
                into.remove(&key);
                self.forget(&path);
                continue;
            }
            let mut old = into.remove(&key).unwrap_or(Value::Null);
            self.value(layer, &path, &mut old, new);
            into.insert(key, old);
        }
    }

    fn value(&mut self, layer: usize, path: &str, into: &mut Value, said: Value) {
        match said {
            Value::Object(said) => {
                let mut map = match into.take() {
                    Value::Object(map) => map,
                    _ => {
                        self.origins.remove(path);
                        Map::new()
                    }
                };
                self.map(layer, path, &mut map, said);
                *into = Value::Object(map);
            }
            Value::Array(said) if named(&said) => {
                let list = match into.take() {
                    Value::Array(list) => list,
                    _ => Vec::new(),
                };
                *into = Value::Array(self.list(layer, path, list, said));
            }
            // An account stays under the policies of every layer, because what is attached above it holds for it too.
            Value::Array(said) if path == "policies" => {
                let mut all = into.as_array().cloned().unwrap_or_default();
                all.extend(said.into_iter().filter(|name| !all.contains(name)).collect::<Vec<_>>());
                *into = Value::Array(all);
                self.origin(layer, path, into.clone());
            }
            said => {
                self.forget_below(path);
                self.origin(layer, path, said.clone());
                *into = said;
            }
        }
    }

    fn list(&mut self, layer: usize, path: &str, mut list: Vec<Value>, said: Vec<Value>) -> Vec<Value> {
        for new in said {
            let name = name(&new).unwrap_or_default().to_owned();
            let path = format!("{path}.{name}");
            let at = list.iter().position(|old| self::name(old) == Some(&name));
            let mut element = at.map_or(Value::Null, |at| list.remove(at));
            if drops(&new) {
                self.forget(&path);
                continue;
            }
            self.value(layer, &path, &mut element, new);
            list.insert(at.unwrap_or(list.len()), element);
        }
        list
    }

    fn origin(&mut self, layer: usize, path: &str, value: Value) {
        let mut overrode = Vec::new();
        if let Some(earlier) = self.origins.remove(path) {
            overrode = earlier.overrode;
            overrode.push(Said { layer: earlier.layer, value: earlier.value });
        }
        self.origins.insert(path.to_owned(), Origin { layer, value, overrode });
    }

    fn forget(&mut self, path: &str) {
        self.origins.remove(path);
        self.forget_below(path);
    }

    fn forget_below(&mut self, path: &str) {
        let below = format!("{path}.");
        self.origins.retain(|known, _| !known.starts_with(&below));
    }
}

fn drops(value: &Value) -> bool {
    value.get("remove") == Some(&Value::Bool(true))
}

fn named(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|element| name(element).is_some())
}

fn name(element: &Value) -> Option<&str> {
    element.get("name").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(layers: &[Value], expect: Value) -> Merge {
        let mut merge = Merge::default();
        for (n, layer) in layers.iter().enumerate() {
            merge.layer(n, layer.as_object().unwrap().clone());
        }
        assert_eq!(Value::Object(merge.value.clone()), expect);
        merge
    }

    #[test]
    fn later_layers_win_and_mappings_merge() {
        check(
            &[json!({"p": {"a": 1, "b": 2}, "x": "old"}), json!({"p": {"b": 3}, "x": "new"})],
            json!({"p": {"a": 1, "b": 3}, "x": "new"}),
        );
    }

    #[test]
    fn plain_lists_are_replaced() {
        check(&[json!({"l": [1, 2]}), json!({"l": [3]})], json!({"l": [3]}));
    }

    #[test]
    fn named_lists_merge_by_name_and_keep_their_order() {
        check(
            &[
                json!({"l": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]}),
                json!({"l": [{"name": "a", "v": 2}, {"name": "c", "v": 1}, {"name": "b", "remove": true}]}),
            ],
            json!({"l": [{"name": "a", "v": 2}, {"name": "c", "v": 1}]}),
        );
    }

    #[test]
    fn remove_drops_what_earlier_layers_built() {
        let merge = check(
            &[json!({"roles": {"A": {"mfa": true}, "B": {"mfa": true}}}), json!({"roles": {"A": {"remove": true}}})],
            json!({"roles": {"B": {"mfa": true}}}),
        );
        assert_eq!(merge.origins.keys().collect::<Vec<_>>(), ["roles.B.mfa"]);
    }

    #[test]
    fn value_that_takes_the_place_of_a_mapping_has_the_only_origin() {
        let merge = check(&[json!({"e": {"key": "a"}}), json!({"e": true})], json!({"e": true}));
        assert_eq!(merge.origins.keys().collect::<Vec<_>>(), ["e"]);
        let merge = check(&[json!({"e": true}), json!({"e": {"key": "a"}})], json!({"e": {"key": "a"}}));
        assert_eq!(merge.origins.keys().collect::<Vec<_>>(), ["e.key"]);
    }

    #[test]
    fn origin_tells_the_layer_and_what_it_overrode() {
        let merge = check(&[json!({"x": 1}), json!({"x": 2}), json!({"x": 3})], json!({"x": 3}));
        let origin = &merge.origins["x"];
        assert_eq!(origin.layer, 2);
        assert_eq!(origin.overrode, [Said { layer: 0, value: json!(1) }, Said { layer: 1, value: json!(2) }]);
    }
}
