//! The JSON protocol: one path, the operation in a header, an object as the body.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use serde_json::{Map, Value};

use super::super::model::{Kind, MemberTraits, Operation, Service, Shape, Structure, TimeFormat};
use super::super::time;
use super::Wire;

pub(super) fn request(service: &Service, name: &str, operation: &Operation, params: &Map<String, Value>) -> Wire {
    let body = service.structure(operation.input).map_or_else(Map::new, |input| object(service, input, params));
    let mut headers = vec![
        ("content-type".to_owned(), format!("application/x-amz-json-{}", service.json)),
        ("x-amz-target".to_owned(), format!("{}.{name}", service.target)),
    ];
    if service.query_compatible {
        headers.push(("x-amzn-query-mode".to_owned(), "true".to_owned()));
    }
    Wire { path: "/".to_owned(), headers, body: Value::Object(body).to_string().into_bytes(), ..Wire::default() }
}

/// The members that go into a body, under their names on the wire.
pub(super) fn object(service: &Service, shape: &Structure, given: &Map<String, Value>) -> Map<String, Value> {
    shape
        .members
        .iter()
        .filter(|(_, member)| member.at.is_none())
        .filter_map(|(name, member)| {
            Some((member.wire_name(name).to_owned(), value(service, member, given.get(name)?)))
        })
        .collect()
}

pub(super) fn value(service: &Service, member: &MemberTraits, given: &Value) -> Value {
    match (service.shape(member.kind), given) {
        (Some(Shape::Structure(shape)), Value::Object(given)) => Value::Object(object(service, shape, given)),
        (Some(Shape::List(shape)), Value::Array(items)) => {
            items.iter().map(|item| value(service, &shape.element, item)).collect()
        }
        (Some(Shape::Map(shape)), Value::Object(given)) => {
            given.iter().map(|(key, item)| (key.clone(), value(service, &shape.value, item))).collect()
        }
        _ if member.kind == Kind::Timestamp => timestamp(member, given),
        _ => given.clone(),
    }
}

fn timestamp(member: &MemberTraits, given: &Value) -> Value {
    match (time::parse(given), member.format.unwrap_or(TimeFormat::Unix)) {
        (Some(moment), TimeFormat::Unix) => Value::Number(time::epoch(moment)),
        (Some(moment), format) => Value::String(time::text(moment, format)),
        (None, _) => given.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::wire;
    use serde_json::{Value, json};

    fn check(service: &str, operation: &str, params: Value, target: &str, expect: Value) {
        let wire = wire(service, operation, params);
        assert!(wire.headers.contains(&("x-amz-target".to_owned(), target.to_owned())), "{:?}", wire.headers);
        assert_eq!(serde_json::from_slice::<Value>(&wire.body).unwrap(), expect);
    }

    #[test]
    fn timestamps_are_epoch_seconds() {
        let params = json!({"StartTime": "2026-11-22T01:02:03Z", "EndTime": "2026-11-22T01:02:03.25Z"});
        let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
        check("cloudtrail", "LookupEvents", params, target, json!({"StartTime": 1795309323, "EndTime": 1795309323.25}));
    }

    #[test]
    fn no_parameters_are_an_empty_object() {
        check("organizations", "ListRoots", json!({}), "AWSOrganizationsV20161128.ListRoots", json!({}));
    }

    #[test]
    fn sqs_asks_for_its_old_error_codes() {
        let wire = wire("sqs", "ListQueues", json!({}));
        assert!(wire.headers.contains(&("x-amzn-query-mode".to_owned(), "true".to_owned())));
    }
}
