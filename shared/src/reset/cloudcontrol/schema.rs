//! What the schema of a type says about its list: whether there is one, and what it must be given.
//! <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Below;
use crate::reset::catalogue::TypeName;

/// More values than these are no choice but a name.
const VALUES: usize = 8;

/// What was learned of a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learned {
    /// It can be listed and deleted.
    Listed {
        /// Fixed values that the list is given, each in turn.
        given: BTreeMap<String, Vec<String>>,
        /// What it is listed below.
        below: Option<Below>,
    },
    /// It is not listed, for this reason.
    Nameless(String),
    /// It has no list, or no delete.
    Unlisted,
    /// Its schema could not be read, for this reason.
    Unread(String),
}

/// Where a parameter of a list comes from.
enum From {
    Each(Vec<String>),
    Parent(TypeName),
}

/// Reads the schema of a type; `types` are all that can be listed.
pub fn read(name: &TypeName, schema: &Value, types: &BTreeSet<TypeName>) -> Learned {
    let handler = |name: &str| schema.get("handlers").and_then(|handlers| handlers.get(name));
    let (Some(list), Some(_)) = (handler("list"), handler("delete")) else { return Learned::Unlisted };
    if is_setting(name) {
        return Learned::Nameless("it is a setting of the account by its name".to_owned());
    }
    let asked = list.get("handlerSchema").map_or_else(|| vec![BTreeSet::new()], needed);
    let told = asked.iter().find_map(|params| source(name, schema, types, params));
    told.unwrap_or_else(|| {
        let params: BTreeSet<&str> = asked.iter().flatten().copied().collect();
        let params = params.into_iter().collect::<Vec<_>>().join(", ");
        Learned::Nameless(format!("its list needs {params}, and which resource tells that is not known"))
    })
}

/// Settings are reset by a delete rather than gone, and never end.
fn is_setting(name: &TypeName) -> bool {
    let ends = ["Configuration", "Policy", "Setting", "Settings"];
    name.resource().contains("Account") && ends.iter().any(|end| name.resource().ends_with(end))
}

/// The parameters that the list must be given: alternatives.
fn needed(schema: &Value) -> Vec<BTreeSet<&str>> {
    let mut always = required(schema);
    let several = |name: &str| schema.get(name).and_then(Value::as_array).into_iter().flatten();
    always.extend(several("allOf").flat_map(required));
    let choices: Vec<BTreeSet<&str>> = several("oneOf").chain(several("anyOf")).map(required).collect();
    if choices.is_empty() {
        return vec![always];
    }
    choices.into_iter().map(|choice| choice.into_iter().chain(always.iter().copied()).collect()).collect()
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Where all of the parameters come from, if that can be told and one of them at most is a parent.
fn source(name: &TypeName, schema: &Value, types: &BTreeSet<TypeName>, params: &BTreeSet<&str>) -> Option<Learned> {
    let (mut given, mut below) = (BTreeMap::new(), None);
    for param in params {
        match comes_from(name, schema, types, param)? {
            From::Each(values) => _ = given.insert((*param).to_owned(), values),
            From::Parent(_) if below.is_some() => return None,
            From::Parent(kind) => below = Some(Below { param: (*param).to_owned(), kind }),
        }
    }
    Some(Learned::Listed { given, below })
}

fn comes_from(name: &TypeName, schema: &Value, types: &BTreeSet<TypeName>, param: &str) -> Option<From> {
    if ["AwsAccountId", "AccountId"].contains(&param) {
        return Some(From::Each(vec!["{account}".to_owned()]));
    }
    let property = schema.get("properties").and_then(|all| all.get(param)).map(|property| resolved(schema, property));
    let values = property.and_then(|property| property.get("enum")).and_then(Value::as_array);
    let values: Vec<String> = values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if (1..=VALUES).contains(&values.len()) {
        return Some(From::Each(values));
    }
    let related = property.and_then(relation).filter(|kind| kind != name && types.contains(kind));
    related.or_else(|| namesake(name, types, param)).map(From::Parent)
}

/// A property, or the definition that it refers to.
fn resolved<'s>(schema: &'s Value, property: &'s Value) -> &'s Value {
    let name = property.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/definitions/"));
    name.and_then(|name| schema.get("definitions")?.get(name)).unwrap_or(property)
}

/// The type that a property says it is a name of.
fn relation(property: &Value) -> Option<TypeName> {
    let choices = ["anyOf", "oneOf"].iter().filter_map(|name| property.get(*name)?.as_array()).flatten();
    let mut all = std::iter::once(property).chain(choices);
    all.find_map(|one| one.get("relationshipRef")?.get("typeName")?.as_str()?.parse().ok())
}

/// The type of the same service that a parameter is called after: `FarmId` after `Farm`.
fn namesake(name: &TypeName, types: &BTreeSet<TypeName>, param: &str) -> Option<TypeName> {
    let param = param.to_ascii_lowercase();
    let mut kin = types.iter().filter(|kind| kind.service() == name.service() && *kind != name);
    kin.find(|kind| {
        let rest = param.strip_prefix(&kind.resource().to_ascii_lowercase());
        rest.is_some_and(|rest| ["", "id", "arn", "name", "identifier"].contains(&rest))
    })
    .cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn learned(name: &str, list: Value, properties: Value) -> Learned {
        let types = ["AWS::Teleport::Gate", "AWS::Teleport::Route", "AWS::SQS::Queue"];
        let schema = json!({"handlers": {"list": list, "delete": {}}, "properties": properties,
            "definitions": {"Mode": {"enum": ["FAST", "SLOW"]}}});
        read(&name.parse().unwrap(), &schema, &types.map(|name| name.parse().unwrap()).into())
    }

    fn check(list: Value, properties: Value, given: Value, below: Option<(&str, &str)>) {
        let below = below.map(|(param, kind)| Below { param: param.to_owned(), kind: kind.parse().unwrap() });
        let expect = Learned::Listed { given: serde_json::from_value(given).unwrap(), below };
        assert_eq!(learned("AWS::Teleport::Route", list, properties), expect);
    }

    #[test]
    fn what_a_list_needs_is_read() {
        check(json!({}), json!({}), json!({}), None);
        let needs = |names: Value| json!({"handlerSchema": {"required": names}});
        check(needs(json!(["GateId"])), json!({}), json!({}), Some(("GateId", "AWS::Teleport::Gate")));
        check(needs(json!(["GateARN"])), json!({}), json!({}), Some(("GateARN", "AWS::Teleport::Gate")));
        let related = json!({"Source": {"anyOf": [{"relationshipRef": {"typeName": "AWS::SQS::Queue"}}]}});
        check(needs(json!(["Source"])), related, json!({}), Some(("Source", "AWS::SQS::Queue")));
        let mode = json!({"Mode": {"$ref": "#/definitions/Mode"}});
        check(needs(json!(["Mode"])), mode, json!({"Mode": ["FAST", "SLOW"]}), None);
        check(needs(json!(["AwsAccountId"])), json!({}), json!({"AwsAccountId": ["{account}"]}), None);
        let either = json!({"handlerSchema": {"oneOf": [{"required": ["Whim"]}, {"required": ["GateId"]}]}});
        check(either, json!({}), json!({}), Some(("GateId", "AWS::Teleport::Gate")));
    }

    #[test]
    fn list_that_needs_what_nobody_tells_is_said_to() {
        for required in [json!(["Whim"]), json!(["RouteId"])] {
            let told = learned("AWS::Teleport::Route", json!({"handlerSchema": {"required": required}}), json!({}));
            assert!(matches!(&told, Learned::Nameless(why) if why.contains("its list needs")), "{told:?}");
        }
        let setting = learned("AWS::Teleport::AccountSettings", json!({}), json!({}));
        assert!(matches!(setting, Learned::Nameless(_)), "{setting:?}");
    }

    #[test]
    fn type_without_list_or_delete_is_none() {
        let name = "AWS::Teleport::Route".parse().unwrap();
        for schema in [json!({"handlers": {"list": {}}}), json!({"handlers": {"delete": {}}}), json!({})] {
            assert_eq!(read(&name, &schema, &BTreeSet::new()), Learned::Unlisted);
        }
    }
}
