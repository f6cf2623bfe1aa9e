//! Turns an answer into the output's members, by the service's protocol.
//!
//! Parsing is strict where silence would lie: a list that is cut off or an answer in another form is an error, never an
//! empty result, because somebody may act on "there is nothing left".

mod json;
mod rest;
mod xml;

use serde_json::{Map, Value};

use super::model::{Kind, Operation, Protocol, Service};
use super::time;

pub(super) use xml::{Element, read as read_xml};

/// Why an answer cannot be understood.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the answer cannot be understood: {0}")]
pub(crate) struct Garbled(pub(crate) String);

/// An answer, as far as parsing is concerned.
pub(crate) struct Answer<'a> {
    pub status: u16,
    /// A header's value, by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: &'a [u8],
}

/// The members of a successful answer.
pub(crate) fn output(service: &Service, operation: &Operation, answer: &Answer<'_>) -> Result<Value, Garbled> {
    let Some(shape) = service.structure(operation.output) else { return Ok(Value::Object(Map::new())) };
    match service.protocol {
        Protocol::Query | Protocol::Ec2 => {
            let root = xml::read(answer.body)?;
            xml::Reader { service }.structure(shape, root.inside(operation.wrapper)?)
        }
        Protocol::Json => json::body(service, shape, answer.body),
        Protocol::RestJson | Protocol::RestXml => rest::output(service, operation, shape, answer),
    }
}

/// A scalar that came as text: in XML or in a header.
fn scalar(kind: Kind, text: &str) -> Result<Value, Garbled> {
    let garbled = || Garbled(format!("`{text}` should be {kind:?}"));
    Ok(match kind {
        Kind::Boolean => Value::Bool(text.trim().eq_ignore_ascii_case("true")),
        Kind::Integer => Value::Number(text.trim().parse::<i64>().map_err(|_| garbled())?.into()),
        // JSON has no infinities; they stay text, as AWS sends them.
        Kind::Float => {
            let number: f64 = text.trim().parse().map_err(|_| garbled())?;
            serde_json::Number::from_f64(number).map_or_else(|| Value::String(text.to_owned()), Value::Number)
        }
        Kind::Timestamp => timestamp(&Value::String(text.to_owned()))?,
        Kind::String | Kind::Blob | Kind::Document | Kind::Shape(_) => Value::String(text.to_owned()),
    })
}

/// A timestamp in any of the wire's formats, as RFC 3339 text.
fn timestamp(value: &Value) -> Result<Value, Garbled> {
    let moment = time::parse(value).ok_or_else(|| Garbled(format!("`{value}` should be a timestamp")))?;
    Ok(Value::String(moment.to_string()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a body with status 200 and the given headers parses to.
    pub(in crate::aws::api) fn parsed(
        service: &str,
        name: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Value, String> {
        let service = Service::named(service).unwrap();
        let headers: Vec<(String, String)> = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let answer = Answer { status: 200, header: &header, headers: headers.clone(), body: body.as_bytes() };
        output(service, &service.operations[name], &answer).map_err(|garbled| garbled.0)
    }
}
