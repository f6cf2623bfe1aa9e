//! Just enough HTTP/1.1 over loopback: a request with a JSON answer, and a listener that keeps what it was sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;

/// Sends one request to `http://127.0.0.1:port/path` and reads the JSON that comes back (null for an empty body).
pub async fn request(method: &str, url: &str, body: Option<&Value>) -> Outcome<Value> {
    let address = url.strip_prefix("http://").ok_or_else(|| format!("not a loopback URL: {url}"))?;
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let body = body.map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(head.as_bytes()).await?;
    let answer = read_message(&mut BufReader::new(stream)).await?;
    if !answer.first_line.contains(" 200 ") {
        return Err(format!("{method} {url}: {} {}", answer.first_line, answer.body).into());
    }
    Ok(serde_json::from_str(&answer.body).unwrap_or_default())
}

/// One HTTP message as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The request or status line.
    pub first_line: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

async fn read_message<R: AsyncBufReadExt + Unpin>(reader: &mut R) -> Outcome<Received> {
    let mut first_line = String::new();
    reader.read_line(&mut first_line).await?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let body = body(reader, &headers).await?;
    Ok(Received { first_line: first_line.trim_end().to_owned(), headers, body })
}

async fn body<R: AsyncBufReadExt + Unpin>(reader: &mut R, headers: &BTreeMap<String, String>) -> Outcome<String> {
    let mut bytes = Vec::new();
    match headers.get("content-length").map(|length| length.parse::<u64>()) {
        Some(length) => reader.take(length?).read_to_end(&mut bytes).await?,
        None if headers.contains_key("transfer-encoding") => return Err("chunked bodies are not read here".into()),
        None if headers.contains_key("host") => 0,
        None => reader.read_to_end(&mut bytes).await?,
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A webhook on a free loopback port that answers 200 and keeps every request.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where deliveries go.
    pub url: String,
    kept: Arc<Mutex<Vec<Received>>>,
}

impl Webhook {
    /// Starts listening; ends with the runtime.
    pub async fn listen() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let webhook = Self { url, kept: Arc::default() };
        tokio::spawn(webhook.clone().accept(listener));
        Ok(webhook)
    }

    /// Everything received so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let webhook = self.clone();
            tokio::spawn(async move { webhook.answer(stream).await });
        }
    }

    async fn answer(&self, stream: TcpStream) -> Outcome<()> {
        let mut reader = BufReader::new(stream);
        let request = read_message(&mut reader).await?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        reader.into_inner().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
        Ok(())
    }
}
