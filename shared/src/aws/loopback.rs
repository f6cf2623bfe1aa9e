//! A server on the loopback for tests: answers from a function, breaks connections, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Patience, Sdk};

/// What the server does with a request.
pub(super) enum Reply {
    /// Answers with a status and a body; the content type follows from the body.
    Answer(u16, String),
    /// Closes the connection instead.
    Hangup,
}

/// Requests seen so far, heads and bodies in one.
pub(super) type Seen = Arc<Mutex<Vec<String>>>;

/// Starts a server and returns an SDK that knows nothing else. `reply` gets the number of the request, from 0, and its
/// text.
pub(super) async fn serve(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> (Sdk, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, reply) = (Seen::default(), Arc::new(reply));
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, reply) = (Arc::clone(&shared), Arc::clone(&reply));
            tokio::spawn(async move { connection(stream, &seen, &*reply).await });
        }
    });
    (sdk(&url).await, seen)
}

async fn sdk(url: &str) -> Sdk {
    let region = "eu-west-1".parse().unwrap();
    let (first_pause, quick) = (Duration::from_millis(1), Patience::default());
    Sdk::at_with(url, "AKIDHOME", &region, Patience { attempts: 3, first_pause, ..quick }).await
}

async fn connection(mut stream: TcpStream, seen: &Seen, reply: &(dyn Fn(usize, &str) -> Reply + Send + Sync)) {
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        let Reply::Answer(status, body) = reply(number, &request) else { return };
        let head =
            format!("HTTP/1.1 {status} X\r\nx-amzn-requestid: r-{number}\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length.unwrap_or_default()
        {
            return Some(text);
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => text.push_str(&String::from_utf8_lossy(&buffer[..n])),
        }
    }
}
