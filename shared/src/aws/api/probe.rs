//! What the client would send, and what it makes of an answer, without a network: for comparing it with botocore
//! (`cargo xtask conformance`) and for looking at a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::errors::refusal;
use super::parse::{Answer, output};
use super::serialize::{host_prefix, request};
use super::validate::checked;
use super::{client, quirks};

/// The request for `service:operation` with `params`: method, path, query, headers, body in base64, host prefix.
pub fn sent(service: &str, operation: &str, params: Value) -> Result<Value, String> {
    let (service, operation) = client::find(service, operation).map_err(|wrong| wrong.0)?;
    let mut params = checked(service, operation.1, params).map_err(|wrong| wrong.0)?;
    quirks::params(service.service, &mut params);
    let wire = request(service, operation, operation.1.uri, &params).map_err(|wrong| wrong.0)?;
    Ok(json!({
        "method": wire.method,
        "path": wire.path,
        "query": wire.query,
        "headers": wire.headers,
        "body": STANDARD.encode(&wire.body),
        "host_prefix": host_prefix(service, operation.1, &params).map_err(|wrong| wrong.0)?,
    }))
}

/// What an answer with these headers (names in lower case) parses to.
pub fn made(
    service: &str,
    operation: &str,
    (status, headers): (u16, &Map<String, Value>),
    body: &[u8],
) -> Result<Value, String> {
    let (service, (_, operation)) = client::find(service, operation).map_err(|wrong| wrong.0)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let header = |name: &str| headers.get(name).map(text);
    let all = headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let answer = Answer { status, header: &header, headers: all, body };
    if let Some(refusal) = refusal(service, operation.method, &answer) {
        return Err(refusal.to_string());
    }
    output(service, operation, &answer).map_err(|garbled| garbled.0)
}
