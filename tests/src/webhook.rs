//! A webhook on loopback that answers 200 and keeps what it was sent, or refuses and keeps nothing.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
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
    /// Listens on a free port and takes everything.
    pub async fn listen() -> Outcome<Self> {
        Self::answering(|_| ready(None)).await
    }

    /// Listens on a free port and asks, for the first, second and so on request, what it is answered if it is not taken.
    pub async fn answering<R, A>(refuse: R) -> Outcome<Self>
    where
        R: Fn(usize) -> A + Send + Sync + 'static,
        A: Future<Output = Option<Response>> + Send + 'static,
    {
        let kept: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (keeping, requests) = (Arc::clone(&kept), AtomicUsize::new(0));
        let server = Server::start(move |request: Request| {
            let refusal = refuse(requests.fetch_add(1, Ordering::Relaxed) + 1);
            let keeping = Arc::clone(&keeping);
            async move {
                if let Some(answer) = refusal.await {
                    return answer;
                }
                let body = String::from_utf8_lossy(&request.body).into_owned();
                let received = Received { headers: request.headers, body };
                keeping.lock().unwrap_or_else(PoisonError::into_inner).push(received);
                Response::json(200, "{}")
            }
        });
        let server = server.await?;
        Ok(Self { url: format!("{}/hook", server.url()), kept, _server: server })
    }

    /// Everything received so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
