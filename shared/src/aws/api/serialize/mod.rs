//! Turns checked parameters into a request, by the service's protocol.
//!
//! Protocols: <https://smithy.io/2.0/aws/protocols/index.html>

mod json;
mod query;
mod rest;
mod xml;

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::model::{MemberTraits, Operation, Protocol, Service, TimeFormat};
use super::time;
use super::validate::Wrong;

/// What goes onto the wire, but for host and signature.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub method: &'static str,
    /// With a leading slash, encoded.
    pub path: String,
    /// In the order sent, encoded; a value may be absent.
    pub query: Vec<(String, Option<String>)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The request for `operation`. `uri` is the operation's, or that less the bucket when the bucket is in the host.
pub(crate) fn request(
    service: &Service,
    (name, operation): (&str, &Operation),
    uri: &str,
    params: &Map<String, Value>,
) -> Result<Wire, Wrong> {
    let wire = match service.protocol {
        Protocol::Query | Protocol::Ec2 => query::request(service, name, operation, params),
        Protocol::Json => json::request(service, name, operation, params),
        Protocol::RestJson | Protocol::RestXml => rest::request(service, operation, uri, params)?,
    };
    Ok(Wire { method: operation.method, ..wire })
}

/// What precedes the host on AWS, such as S3 Control's account id.
/// See <https://smithy.io/2.0/spec/endpoint-traits.html#endpoint-trait>
pub(crate) fn host_prefix(
    service: &Service,
    operation: &Operation,
    params: &Map<String, Value>,
) -> Result<String, Wrong> {
    let mut prefix = operation.host_prefix.unwrap_or_default().to_owned();
    let Some(input) = service.structure(operation.input) else { return Ok(prefix) };
    for (name, _) in input.members.iter().filter(|(_, member)| member.label) {
        let value = params.get(name).and_then(Value::as_str).unwrap_or_default();
        if value.is_empty() || !value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
            return Err(Wrong(format!(
                "`{name}` goes into a host name and may only have letters, digits, `-` and `.`"
            )));
        }
        prefix = prefix.replace(&format!("{{{name}}}"), value);
    }
    Ok(prefix)
}

impl Wire {
    /// Path and query, as they follow the host.
    pub(crate) fn target(&self) -> String {
        let mut target = self.path.clone();
        for (n, (key, value)) in self.query.iter().enumerate() {
            target.push(if n == 0 { '?' } else { '&' });
            target.push_str(key);
            if let Some(value) = value {
                target.push('=');
                target.push_str(value);
            }
        }
        target
    }

    /// Whether a header of that name is set.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// The unreserved characters of RFC 3986 stay as they are.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const UNRESERVED_AND_SLASH: &AsciiSet = &UNRESERVED.remove(b'/');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Keeps slashes, as the keys of S3 objects do in paths.
fn encoded_path(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED_AND_SLASH).to_string()
}

/// A scalar as text; timestamps in the member's format or in `default`.
fn text<'a>(value: &'a Value, member: &MemberTraits, default: TimeFormat) -> Cow<'a, str> {
    match value {
        _ if member.kind == super::model::Kind::Timestamp => time::parse(value)
            .map(|moment| time::text(moment, member.format.unwrap_or(default)))
            .unwrap_or_default()
            .into(),
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The request for parameters that are right.
    pub(in crate::aws::api) fn wire(service: &str, name: &str, params: Value) -> Wire {
        let service = Service::named(service).unwrap();
        let operation = &service.operations[name];
        let params = super::super::validate::checked(service, operation, params).unwrap();
        request(service, (name, operation), operation.uri, &params).unwrap()
    }
}
