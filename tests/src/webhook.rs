//! A webhook on loopback that answers 200 and keeps what it was sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Outcome;
use crate::http::{Request, Response, Server};

/// One delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

/// A listening webhook; it ends when it is dropped.
#[derive(Debug)]
pub struct Webhook {
    /// Where deliveries go.
    pub url: String,
    kept: Arc<Mutex<Vec<Received>>>,
    _server: Server,
}

impl Webhook {
    /// Listens on a free port.
    pub async fn listen() -> Outcome<Self> {
        let kept: Arc<Mutex<Vec<Received>>> = Arc::default();
        let keeping = kept.clone();
        let server = Server::start(move |request: Request| {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let received = Received { headers: request.headers, body };
            keeping.lock().unwrap_or_else(PoisonError::into_inner).push(received);
            async { Response::json(200, "{}") }
        });
        let server = server.await?;
        Ok(Self { url: format!("{}/hook", server.url()), kept, _server: server })
    }

    /// Everything received so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
