//! One end of `shared/models/conformance.py`: for each JSON line on standard input, what the client would send, or what
//! it makes of an answer. A line that is wrong gives `{"error": …}`.

use std::io::{BufRead as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forester::aws::api::probe;
use serde_json::{Map, Value, json};

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let answer = answered(&line).unwrap_or_else(|error| json!({ "error": error }));
        writeln!(out, "{answer}")?;
    }
    out.flush()
}

fn answered(line: &Value) -> Result<Value, String> {
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let (service, operation) = (text("service"), text("operation"));
    if let Some(params) = line.get("params") {
        return probe::sent(service, operation, params.clone());
    }
    let status = line.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let headers = line.get("headers").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    let body = STANDARD.decode(text("body")).map_err(|error| error.to_string())?;
    let output = probe::made(service, operation, (status.unwrap_or_default(), &headers), &body)?;
    Ok(json!({ "output": output }))
}
