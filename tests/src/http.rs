//! A small HTTP/1.1 server on loopback: for the Runtime API, for webhooks, for an AWS that answers at once.
//!
//! Written by hand because it has to be quick and to see exactly what was sent; it knows keep-alive, bodies with a
//! length and chunked bodies, which is all that our own clients use.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What a client sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The target as sent, with its query.
    pub path: String,
    /// Header values by lower-case name; of a repeated header the last.
    pub headers: BTreeMap<String, String>,
    /// The body, decoded if it was chunked.
    pub body: Vec<u8>,
}

/// What the client gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers besides the length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A status and a JSON text.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.into() }
    }
}

/// A server that ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on a free loopback port and answers each request with `answer`.
    pub async fn start<F, A>(answer: F) -> Result<Self>
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            // The set ends its tasks when this task ends.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, Arc::clone(&answer)));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, task })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection until the client closes it. A client that breaks off is its own business.
async fn connection<F, A>(stream: TcpStream, answer: Arc<F>) -> Result<()>
where
    F: Fn(Request) -> A,
    A: Future<Output = Response>,
{
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream).await? {
        let response = answer(request).await;
        stream.get_mut().write_all(&encode(&response)).await?;
    }
    Ok(())
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Result<Option<Request>> {
    let first = read_line(stream).await?;
    if first.is_empty() {
        return Ok(None);
    }
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(invalid(format!("not a request line: {first}")));
    };
    let mut headers = BTreeMap::new();
    loop {
        let line = read_line(stream).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body = read_body(stream, &headers).await?;
    Ok(Some(Request { method, path, headers, body }))
}

async fn read_body(stream: &mut BufReader<TcpStream>, headers: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    if headers.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return read_chunks(stream).await;
    }
    let length = headers.get("content-length").map_or(Ok(0), |text| text.parse::<usize>());
    let mut body = vec![0; length.map_err(|_| invalid("content-length is no number".to_owned()))?];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

async fn read_chunks(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| invalid(format!("not a chunk size: {line}")))?;
        if size == 0 {
            break;
        }
        let mut chunk = vec![0; size];
        stream.read_exact(&mut chunk).await?;
        body.append(&mut chunk);
        read_line(stream).await?;
    }
    while !read_line(stream).await?.is_empty() {}
    Ok(body)
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}

fn encode(response: &Response) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} -\r\ncontent-length: {}\r\n", response.status, response.body.len());
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&response.body);
    bytes
}

fn invalid(what: String) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `bytes` to a server that answers with what it understood, and reads until the server closes.
    async fn check(bytes: &str, expect: &[&str]) {
        let server = Server::start(|request: Request| async move {
            let text = format!("{} {} {}", request.method, request.path, String::from_utf8_lossy(&request.body));
            Response { status: 200, headers: Vec::new(), body: text.into_bytes() }
        });
        let server = server.await.unwrap();
        let mut client = TcpStream::connect(server.address).await.unwrap();
        client.write_all(bytes.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        let bodies: Vec<&str> = answer.split("\r\n\r\n").skip(1).collect();
        assert_eq!(bodies.len(), expect.len(), "{answer}");
        for (body, expect) in bodies.iter().zip(expect) {
            assert!(body.starts_with(expect), "{body} is not {expect}");
        }
    }

    #[tokio::test]
    async fn a_connection_carries_many_requests() {
        check(
            "GET /a HTTP/1.1\r\n\r\nPOST /b?c=d HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz",
            &["GET /a ", "POST /b?c=d xyz"],
        )
        .await;
    }

    #[tokio::test]
    async fn chunks_are_joined_and_trailers_dropped() {
        check("POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n", &[
            "POST /c abc0123456789",
        ])
        .await;
    }

    #[tokio::test]
    async fn a_broken_request_gets_no_answer() {
        check("POST /c HTTP/1.1\r\nContent-Length: many\r\n\r\n", &[]).await;
        check("nonsense\r\n\r\n", &[]).await;
    }
}
