//! Requests to the local stack's control endpoint: JSON there and back, over plain HTTP on loopback.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Outcome;

/// Sends one request as a browser or a chat would, and returns status and body, whatever they are.
pub async fn fetch(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Outcome<(u16, String)> {
    let address = url.strip_prefix("http://").ok_or_else(|| format!("not a loopback URL: {url}"))?;
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!("{method} /{path} HTTP/1.0\r\nhost: {host}\r\n{lines}content-length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("{method} {url}: no HTTP answer"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(|| format!("{method} {url}: no status: {head}"))?, body.to_owned()))
}

/// Sends one request and reads the JSON that comes back (null for an empty body). HTTP/1.0, so that the answer ends
/// with the connection and is never chunked.
pub async fn request(method: &str, url: &str, body: Option<&Value>) -> Outcome<Value> {
    let address = url.strip_prefix("http://").ok_or_else(|| format!("not a loopback URL: {url}"))?;
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{method} /{path} HTTP/1.0\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("{method} {url}: no HTTP answer"))?;
    let status = head.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        return Err(format!("{method} {url}: {status}: {body}").into());
    }
    Ok(serde_json::from_str(body).unwrap_or_default())
}
