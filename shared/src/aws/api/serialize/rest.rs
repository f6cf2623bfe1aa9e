//! The REST protocols: members in path, query and headers; what is left over, or one payload member, in the body.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>, <https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::super::model::{Kind, Location, MemberTraits, Operation, Protocol, Service, Shape, Structure, TimeFormat};
use super::super::validate::Wrong;
use super::{Wire, encoded, encoded_path, json, text, xml};

pub(super) fn request(
    service: &Service,
    operation: &Operation,
    uri: &str,
    params: &Map<String, Value>,
) -> Result<Wire, Wrong> {
    let (path, fixed) = uri.split_once('?').unwrap_or((uri, ""));
    let mut wire = Wire { path: path.to_owned(), query: fixed_query(fixed), ..Wire::default() };
    let Some(input) = service.structure(operation.input) else { return Ok(wire) };
    for (name, member) in input.members.iter() {
        let (Some(value), Some(location)) = (params.get(name), member.at) else { continue };
        let key = member.wire_name(name);
        match location {
            Location::Uri => wire.path = filled(&wire.path, key, &text(value, member, TimeFormat::Iso8601))?,
            Location::Query => {
                // What a map adds must not come in the way of a member's own key.
                let mut found = query(service, key, member, value);
                found.retain(|(key, _)| !wire.query.iter().any(|(taken, _)| taken == key));
                wire.query.append(&mut found);
            }
            Location::Header => wire.headers.extend(header(service, key, member, value)),
            Location::Headers => wire.headers.extend(prefixed(key, value)),
            Location::Status => {}
        }
    }
    if wire.path.is_empty() {
        wire.path.push('/');
    }
    if let Some((body, kind)) = body(service, input, params) {
        wire.body = body;
        // A parameter may have set it, as `PutObject` can.
        if !wire.has_header("content-type") {
            wire.headers.push(("content-type".to_owned(), kind.to_owned()));
        }
    }
    Ok(wire)
}

/// What the URI says itself, such as `?list-type=2`.
fn fixed_query(fixed: &str) -> Vec<(String, Option<String>)> {
    let pair = |part: &str| match part.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (part.to_owned(), None),
    };
    fixed.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// Puts a label into the path. An empty one would make it another operation's path: deleting an object without a key
/// would delete the bucket.
fn filled(path: &str, key: &str, value: &str) -> Result<String, Wrong> {
    if value.is_empty() {
        return Err(Wrong(format!("`{key}` is part of the path and must not be empty")));
    }
    Ok(path.replace(&format!("{{{key}}}"), &encoded(value)).replace(&format!("{{{key}+}}"), &encoded_path(value)))
}

fn query(service: &Service, key: &str, member: &MemberTraits, value: &Value) -> Vec<(String, Option<String>)> {
    let pair = |key: &str, member: &MemberTraits, value: &Value| {
        (encoded(key), Some(encoded(&text(value, member, TimeFormat::Iso8601))))
    };
    match (service.shape(member.kind), value) {
        (Some(Shape::List(list)), Value::Array(items)) => {
            items.iter().map(|item| pair(key, &list.element, item)).collect()
        }
        (Some(Shape::Map(map)), Value::Object(given)) => given
            .iter()
            .flat_map(|(key, value)| match value {
                Value::Array(items) => items.iter().map(|item| pair(key, &map.value, item)).collect(),
                one => vec![pair(key, &map.value, one)],
            })
            .collect(),
        _ => vec![pair(key, member, value)],
    }
}

fn header(service: &Service, key: &str, member: &MemberTraits, value: &Value) -> Option<(String, String)> {
    let value = match (service.shape(member.kind), value) {
        (Some(Shape::List(list)), Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| header_item(&list.element, item)).collect();
            if items.is_empty() {
                return None;
            }
            items.join(",")
        }
        _ => text(value, member, TimeFormat::Rfc822).into_owned(),
    };
    Some((key.to_ascii_lowercase(), value))
}

fn header_item(member: &MemberTraits, value: &Value) -> String {
    let item = text(value, member, TimeFormat::Rfc822);
    if member.kind == Kind::String && item.contains(['"', ',']) {
        return format!("\"{}\"", item.replace('"', "\\\""));
    }
    item.into_owned()
}

/// A map as headers of one prefix, such as `x-amz-meta-`.
fn prefixed(prefix: &str, value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let given = value.as_object().into_iter().flatten();
    given.map(|(key, value)| (format!("{prefix}{key}").to_ascii_lowercase(), text(value))).collect()
}

/// The body and its content type, if there is one.
fn body(service: &Service, input: &Structure, params: &Map<String, Value>) -> Option<(Vec<u8>, &'static str)> {
    let is_json = service.protocol == Protocol::RestJson;
    if let Some((name, member)) = input.payload() {
        return match params.get(name) {
            Some(value) => Some(payload(service, (name, member), value)),
            // The absence of a structure is an empty one in JSON.
            None if is_json && service.shape(member.kind).is_some() => Some((b"{}".to_vec(), JSON)),
            None => None,
        };
    }
    if is_json && input.has_body() {
        return Some((Value::Object(json::object(service, input, params)).to_string().into_bytes(), JSON));
    }
    let given = input.members.iter().any(|(name, member)| member.at.is_none() && params.contains_key(name));
    given.then(|| (xml::document(service, input.name.unwrap_or_default(), input, params), XML))
}

const JSON: &str = "application/json";
const XML: &str = "application/xml";

fn payload(service: &Service, (name, member): (&str, &MemberTraits), value: &Value) -> (Vec<u8>, &'static str) {
    match (member.kind, value) {
        (Kind::Blob, Value::String(text)) => (STANDARD.decode(text).unwrap_or_default(), "application/octet-stream"),
        (Kind::String, Value::String(text)) => (text.clone().into_bytes(), "text/plain"),
        _ if service.protocol == Protocol::RestJson => {
            (json::value(service, member, value).to_string().into_bytes(), JSON)
        }
        _ => (xml::payload(service, name, member, value), XML),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::model::Service;
    use super::super::super::validate::checked;
    use super::super::tests::wire;
    use serde_json::{Value, json};

    fn check(service: &str, operation: &str, params: Value, target: &str, body: &str) {
        let wire = wire(service, operation, params);
        assert_eq!(wire.target(), target);
        assert_eq!(String::from_utf8_lossy(&wire.body), body);
    }

    #[test]
    fn keys_keep_their_slashes_and_nothing_else() {
        let params = json!({"Bucket": "b", "Key": "a/ü +?#&%.txt", "VersionId": "v+1"});
        check("s3", "DeleteObject", params, "/b/a/%C3%BC%20%2B%3F%23%26%25.txt?versionId=v%2B1", "");
    }

    #[test]
    fn arn_in_the_path_is_encoded_whole() {
        let params = json!({"FunctionName": "arn:aws:lambda:eu-west-1:111122223333:function:f"});
        let path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A111122223333%3Afunction%3Af";
        check("lambda", "DeleteFunction", params, path, "");
    }

    #[test]
    fn empty_key_never_becomes_the_bucket() {
        let service = Service::named("s3").unwrap();
        let operation = &service.operations["DeleteObject"];
        let params = checked(service, operation, json!({"Bucket": "b", "Key": ""})).unwrap();
        let error = super::request(service, operation, operation.uri, &params).unwrap_err();
        assert_eq!(error.0, "`Key` is part of the path and must not be empty");
    }

    #[test]
    fn xml_body_has_its_namespace_and_flattened_lists() {
        let params = json!({"Bucket": "b", "Delete": {"Objects": [{"Key": "a&b\r"}, {"Key": "c"}], "Quiet": true}});
        let body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a&amp;b&#xD;</Key></Object>\
                    <Object><Key>c</Key></Object><Quiet>true</Quiet></Delete>";
        check("s3", "DeleteObjects", params, "/b?delete", body);
    }

    #[test]
    fn json_body_holds_what_has_no_place_elsewhere() {
        let params = json!({"FunctionName": "f", "Timeout": 3});
        check(
            "lambda",
            "UpdateFunctionConfiguration",
            params,
            "/2015-03-31/functions/f/configuration",
            "{\"Timeout\":3}",
        );
    }

    #[test]
    fn streaming_blob_is_the_body_itself() {
        let params = json!({"FunctionName": "f", "Payload": "eyJhIjoxfQ=="});
        check("lambda", "Invoke", params, "/2015-03-31/functions/f/invocations", "{\"a\":1}");
    }

    #[test]
    fn metadata_becomes_headers() {
        let wire = wire("s3", "PutObject", json!({"Bucket": "b", "Key": "k", "Metadata": {"Owner": "a"}}));
        assert!(wire.headers.contains(&("x-amz-meta-owner".to_owned(), "a".to_owned())), "{:?}", wire.headers);
    }
}
