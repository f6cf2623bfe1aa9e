//! Answers of the REST protocols: members in headers, in the status, and in the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::super::model::{Kind, Location, MemberTraits, Operation, Protocol, Service, Shape, Structure};
use super::{Answer, Garbled, json, scalar, xml};

pub(super) fn output(
    service: &Service,
    operation: &Operation,
    shape: &Structure,
    answer: &Answer<'_>,
) -> Result<Value, Garbled> {
    let mut out = match body(service, operation, shape, answer)? {
        Value::Object(out) => out,
        _ => Map::new(),
    };
    for (name, member) in shape.members.iter() {
        let found = match member.at {
            Some(Location::Status) => Some(Value::Number(answer.status.into())),
            Some(Location::Header) => {
                let value = (answer.header)(&member.wire_name(name).to_ascii_lowercase());
                value.map(|value| header(service, member, &value)).transpose()?
            }
            Some(Location::Headers) => Some(prefixed(member.name.unwrap_or_default(), answer)),
            Some(Location::Uri | Location::Query) | None => None,
        };
        if let Some(found) = found {
            out.insert(name.to_owned(), found);
        }
    }
    Ok(Value::Object(out))
}

fn body(service: &Service, operation: &Operation, shape: &Structure, answer: &Answer<'_>) -> Result<Value, Garbled> {
    if let Some((name, member)) = shape.payload() {
        let found = payload(service, (name, member), answer.body)?;
        return Ok(found.map_or(Value::Null, |found| Value::Object(Map::from_iter([(name.to_owned(), found)]))));
    }
    // A read has an answer; a write may have none (204, or 202 with nothing to say).
    if !shape.has_answer() || answer.body.is_empty() && operation.method != "GET" {
        return Ok(Value::Null);
    }
    if service.protocol == Protocol::RestJson {
        return json::structure(service, shape, &json::read(answer.body)?);
    }
    let root = xml::read(answer.body)?;
    // `GetBucketLocation` answers with the inner element alone: the region is the root's text.
    if let Some((name, _)) = shape.members.iter().find(|(name, _)| root.name == *name && root.children.is_empty()) {
        let text = root.text.trim();
        let region = (!text.is_empty()).then(|| (name.to_owned(), Value::String(text.to_owned())));
        return Ok(Value::Object(region.into_iter().collect()));
    }
    xml::Reader { service }.structure(shape, &root)
}

fn payload(service: &Service, (name, member): (&str, &MemberTraits), body: &[u8]) -> Result<Option<Value>, Garbled> {
    match member.kind {
        Kind::Blob => Ok(Some(Value::String(STANDARD.encode(body)))),
        Kind::String => {
            let text = String::from_utf8(body.to_vec()).map_err(|_| Garbled(format!("`{name}` is not UTF-8")))?;
            Ok(Some(Value::String(text)))
        }
        _ if body.is_empty() => Ok(None),
        _ if service.protocol == Protocol::RestJson => json::value(service, member, &json::read(body)?).map(Some),
        _ => xml::Reader { service }.value(member, &xml::read(body)?).map(Some),
    }
}

fn header(service: &Service, member: &MemberTraits, value: &str) -> Result<Value, Garbled> {
    match service.shape(member.kind) {
        Some(Shape::List(list)) => value.split(',').map(|item| scalar(list.element.kind, item.trim())).collect(),
        _ => scalar(member.kind, value),
    }
}

/// The headers of one prefix as a map, such as the metadata of an object.
fn prefixed(prefix: &str, answer: &Answer<'_>) -> Value {
    let prefix = prefix.to_ascii_lowercase();
    let found = answer.headers.iter().filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?, value)));
    Value::Object(found.map(|(name, value)| (name.to_owned(), Value::String(value.clone()))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::parsed;
    use serde_json::{Value, json};

    fn check(operation: (&str, &str), headers: &[(&str, &str)], body: &str, expect: Value) {
        assert_eq!(parsed(operation.0, operation.1, headers, body).unwrap(), expect);
    }

    #[test]
    fn bucket_location_is_the_roots_text() {
        let body =
            "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1</LocationConstraint>";
        check(("s3", "GetBucketLocation"), &[], body, json!({"LocationConstraint": "eu-west-1"}));
        check(("s3", "GetBucketLocation"), &[], "<LocationConstraint/>", json!({}));
    }

    #[test]
    fn object_comes_with_metadata_and_its_bytes_in_base64() {
        check(
            ("s3", "GetObject"),
            &[("content-length", "3"), ("last-modified", "Sun, 22 Nov 2026 01:02:03 GMT"), ("x-amz-meta-a", "b")],
            "abc",
            json!({"Body": "YWJj", "ContentLength": 3, "LastModified": "2026-11-22T01:02:03Z", "Metadata": {"a": "b"}}),
        );
    }

    #[test]
    fn function_answer_has_status_error_and_payload() {
        check(
            ("lambda", "Invoke"),
            &[("x-amz-function-error", "Unhandled")],
            "{}",
            json!({"StatusCode": 200, "FunctionError": "Unhandled", "Payload": "e30="}),
        );
    }

    #[test]
    fn read_without_an_answer_is_an_error() {
        assert!(parsed("lambda", "ListFunctions", &[], "").is_err());
        assert!(parsed("s3", "ListObjectVersions", &[], "").is_err());
    }

    #[test]
    fn bucket_policy_is_text() {
        check(("s3", "GetBucketPolicy"), &[], "{\"a\":1}", json!({"Policy": "{\"a\":1}"}));
    }
}
