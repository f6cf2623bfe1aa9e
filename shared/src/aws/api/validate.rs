//! Checks parameters against the model before anything is sent, so that a typing error is told as one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::model::{Kind, Operation, Service, Shape, Structure};
use super::time;

/// What is wrong with the parameters, naming the member.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(pub(crate) String);

/// The parameters without nulls and with idempotency tokens, or what is wrong with them.
pub(crate) fn checked(service: &Service, operation: &Operation, params: Value) -> Result<Map<String, Value>, Wrong> {
    let mut params = match params {
        Value::Object(params) => params,
        Value::Null => Map::new(),
        other => return Err(Wrong(format!("parameters are an object, not {}", name_of(&other)))),
    };
    let Some(input) = service.structure(operation.input) else {
        return match params.keys().next() {
            Some(member) => Err(Wrong(format!("there is no member `{member}`: the operation takes none"))),
            None => Ok(params),
        };
    };
    for (name, _) in input.members.iter().filter(|(_, member)| member.token) {
        params.entry(name).or_insert_with(|| Value::String(random_token()));
    }
    Checker { service }.structure(input, &mut params, "")?;
    Ok(params)
}

struct Checker<'a> {
    service: &'a Service,
}

impl Checker<'_> {
    fn structure(&self, shape: &Structure, given: &mut Map<String, Value>, path: &str) -> Result<(), Wrong> {
        given.retain(|_, value| !value.is_null());
        for (name, value) in given.iter_mut() {
            let Some(member) = shape.members.get(name) else { return Err(unknown(shape, name, path)) };
            self.value(member.kind, value, &join(path, name))?;
        }
        let missing = shape.members.iter().find(|(name, member)| member.required && !given.contains_key(*name));
        if let Some((name, _)) = missing {
            return Err(Wrong(format!("the required member `{}` is missing", join(path, name))));
        }
        if shape.union && given.len() != 1 {
            return Err(Wrong(format!("`{path}` takes exactly one member, not {}", given.len())));
        }
        Ok(())
    }

    fn value(&self, kind: Kind, value: &mut Value, path: &str) -> Result<(), Wrong> {
        let fits = match (kind, &mut *value) {
            (Kind::Document, _) => true,
            (Kind::String, given) => given.is_string(),
            (Kind::Boolean, given) => given.is_boolean(),
            (Kind::Integer, given) => given.is_i64() || given.is_u64(),
            (Kind::Float, given) => {
                given.is_number() || matches!(given.as_str(), Some("NaN" | "Infinity" | "-Infinity"))
            }
            (Kind::Blob, given) => given.as_str().is_some_and(|text| STANDARD.decode(text).is_ok()),
            (Kind::Timestamp, given) => time::parse(given).is_some(),
            (Kind::Shape(_), given) => return self.inside(kind, given, path),
        };
        if fits { Ok(()) } else { Err(Wrong(format!("`{path}` must be {}, not {}", wanted(kind), name_of(value)))) }
    }

    fn inside(&self, kind: Kind, value: &mut Value, path: &str) -> Result<(), Wrong> {
        match (self.service.shape(kind), value) {
            (Some(Shape::Structure(shape)), Value::Object(given)) => self.structure(shape, given, path),
            (Some(Shape::List(shape)), Value::Array(given)) => given
                .iter_mut()
                .enumerate()
                .try_for_each(|(n, item)| self.value(shape.element.kind, item, &format!("{path}[{n}]"))),
            (Some(Shape::Map(shape)), Value::Object(given)) => {
                given.iter_mut().try_for_each(|(key, item)| self.value(shape.value.kind, item, &join(path, key)))
            }
            (Some(Shape::List(_)), other) => Err(Wrong(format!("`{path}` must be a list, not {}", name_of(other)))),
            (_, other) => Err(Wrong(format!("`{path}` must be an object, not {}", name_of(other)))),
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn unknown(shape: &Structure, name: &str, path: &str) -> Wrong {
    let near = shape.members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let known = match near {
        Some((near, _)) => format!("did you mean `{near}`?"),
        None => format!("it has {}", shape.members.iter().map(|(known, _)| known).collect::<Vec<_>>().join(", ")),
    };
    Wrong(format!("there is no member `{}`: {known}", join(path, name)))
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "text",
        Kind::Integer => "a whole number",
        Kind::Float => "a number",
        Kind::Boolean => "true or false",
        Kind::Blob => "base64 text",
        Kind::Timestamp => "an RFC 3339 timestamp or epoch seconds",
        Kind::Document | Kind::Shape(_) => "JSON",
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A random token in the form of a version 4 UUID. The standard library seeds its hashers from the system's generator,
/// and uniqueness is all that a token needs.
fn random_token() -> String {
    use std::hash::{BuildHasher, RandomState};
    let word = || RandomState::new().hash_one(std::time::Instant::now());
    let (high, low) = (word(), word());
    let (time, mid, version) = (high >> 32, high >> 16 & 0xffff, high & 0xfff | 0x4000);
    format!("{time:08x}-{mid:04x}-{version:04x}-{:04x}-{:012x}", low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(service: &str, operation: &str, params: Value) -> Result<Map<String, Value>, String> {
        let service = Service::named(service).unwrap();
        checked(service, &service.operations[operation], params).map_err(|wrong| wrong.0)
    }

    #[test]
    fn unknown_member_is_named_with_the_one_meant() {
        let error = check("ec2", "DescribeVpcs", json!({"vpcIds": []})).unwrap_err();
        assert_eq!(error, "there is no member `vpcIds`: did you mean `VpcIds`?");
        let error = check("ec2", "DescribeVpcs", json!({"Filters": [{"Nam": "x"}]})).unwrap_err();
        assert_eq!(error, "there is no member `Filters[0].Nam`: it has Name, Values");
    }

    #[test]
    fn missing_member_is_named() {
        let error = check("iam", "GetRole", json!({})).unwrap_err();
        assert_eq!(error, "the required member `RoleName` is missing");
    }

    #[test]
    fn wrong_type_is_told() {
        let error =
            check("logs", "PutRetentionPolicy", json!({"logGroupName": "g", "retentionInDays": "7"})).unwrap_err();
        assert_eq!(error, "`retentionInDays` must be a whole number, not text");
        let error = check("lambda", "Invoke", json!({"FunctionName": "f", "Payload": "{}"})).unwrap_err();
        assert_eq!(error, "`Payload` must be base64 text, not text");
    }

    #[test]
    fn nulls_are_absent() {
        let params = check("dynamodb", "ListTables", json!({"Limit": null})).unwrap();
        assert!(params.is_empty());
    }

    #[test]
    fn idempotency_token_is_filled_in_once_and_never_replaced() {
        let given = check("ec2", "RunInstances", json!({"MinCount": 1, "MaxCount": 1, "ClientToken": "mine"})).unwrap();
        assert_eq!(given["ClientToken"], "mine");
        let one = check("ec2", "RunInstances", json!({"MinCount": 1, "MaxCount": 1})).unwrap();
        let two = check("ec2", "RunInstances", json!({"MinCount": 1, "MaxCount": 1})).unwrap();
        assert_eq!(one["ClientToken"].as_str().unwrap().len(), 36);
        assert_ne!(one["ClientToken"], two["ClientToken"]);
    }

    #[test]
    fn union_takes_one_member() {
        let value = json!({"TableName": "t", "Key": {"id": {"S": "a", "N": "1"}}});
        let result = check("dynamodb", "GetItem", value);
        let union = Service::named("dynamodb").unwrap();
        let Some(Shape::Structure(shape)) = union.shape(Kind::Shape("AttributeValue")) else { panic!("a structure") };
        assert_eq!(result.is_err(), shape.union);
    }
}
