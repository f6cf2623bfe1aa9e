//! The job of `alert-actions`: what people do to a matter from where they read of it.
//!
//! A link shows a page (GET) whose button acknowledges (POST); Slack posts what was pressed, signed. Whatever is not
//! signed is answered and does nothing. The answer is a response of a Lambda function URL
//! (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::ack::{Bad, Claim, Keys, Taken, is_from_slack};
use super::channels::{ACKNOWLEDGE, Secrets};
use super::delivery::Clock;
use super::settle::{Desk, desk_over, out};
use super::text::escaped;
use crate::config::alerts::Acknowledge;
use crate::event::Message;
use crate::forester::Forester;
use crate::job::{Failure, Invocation, Job};
use crate::telemetry::{Metric, emit};
use crate::types::Malformed;

/// Takes what people do.
pub struct Actions {
    desk: Desk,
    secrets: Secrets,
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Actions")
    }
}

/// A request as the function URL hands it over.
struct Request {
    method: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

#[async_trait]
impl Job for Actions {
    async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
        let request = Request::read(&message.json().unwrap_or_default());
        let clock = Clock::new(invocation);
        let Some(settings) = self.desk.alerts()?.acknowledge.clone() else {
            return Ok(page(404, "Not set up", "Acknowledging by link is not set up here."));
        };
        let answer = match request.method.as_str() {
            "POST" if request.headers.contains_key("x-slack-signature") => {
                self.slack(&request, &settings, &clock).await
            }
            "GET" | "HEAD" | "POST" => self.link(&request, &settings, &clock).await,
            _ => Ok(page(405, "Not allowed", "Only GET and POST are answered.")),
        };
        // A request that failed is not handed back: its link must not stand in a log.
        Ok(answer.unwrap_or_else(|failure| {
            tracing::error!(error.kind = failure.kind(), "an acknowledgement failed: {failure}");
            emit("alert-actions", &[Metric::count("Failed", 1)]);
            page(503, "Not now", "This did not work. Try again in a minute, or use `forester alerts ack`.")
        }))
    }
}

impl Actions {
    /// Over the wired parts.
    pub fn new(forester: &Forester) -> Result<Self, Malformed> {
        let secrets = Secrets::new(Arc::clone(&forester.accounts), forester.config.home_region.clone());
        Ok(Self { desk: desk_over(forester, out(forester)?), secrets })
    }

    #[cfg(test)]
    pub(super) fn with(desk: Desk, secrets: Secrets) -> Self {
        Self { desk, secrets }
    }

    /// A signed link: looking at it shows what it is for, pressing its button acknowledges.
    async fn link(&self, request: &Request, settings: &Acknowledge, clock: &Clock) -> Result<Value, Failure> {
        let secret = self.secrets.get(&settings.key).await.map_err(Failure::Config)?;
        let keys = Keys::of(secret.reveal())
            .ok_or_else(|| Failure::Config(format!("{} holds no key of 16 characters or more", settings.key)))?;
        let token = request.query.get("t").map(String::as_str).unwrap_or_default();
        let claim = match keys.verify(token, clock.now()) {
            Ok(claim) => claim,
            Err(bad @ Bad::Forged) => return Ok(page(403, "Not a good link", &bad.to_string())),
            Err(bad @ Bad::Expired) => return Ok(page(410, "Too old", &bad.to_string())),
        };
        if request.method != "POST" {
            return self.asks(&claim, clock).await;
        }
        let by = format!("somebody of {}, by link", claim.receiver);
        Ok(answered(self.desk.acknowledge(&claim.incident, &by, clock).await?))
    }

    async fn asks(&self, claim: &Claim, clock: &Clock) -> Result<Value, Failure> {
        let Some(incident) = self.desk.find(&claim.incident, clock).await? else {
            return Ok(answered(Taken::Unknown));
        };
        if let Some(before) = incident.acknowledged {
            return Ok(answered(Taken::Before(before)));
        }
        let form = "<form method=\"post\"><button>Acknowledge</button></form>";
        Ok(html(200, "Acknowledge?", &format!("<p>{}</p>{form}", escaped(incident.alert.title.as_str()))))
    }

    /// A button pressed in Slack. The signature is checked over the body as it came, before it is read.
    async fn slack(&self, request: &Request, settings: &Acknowledge, clock: &Clock) -> Result<Value, Failure> {
        let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
        let Some(reference) = &settings.slack else { return Ok(text(403, "Slack's buttons are not set up here")) };
        let secret = self.secrets.get(reference).await.map_err(Failure::Config)?;
        let (stamp, signature) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
        if !is_from_slack(secret.reveal(), stamp, &request.body, signature, clock.now()) {
            return Ok(text(403, "this was not signed by Slack, or more than five minutes ago"));
        }
        let form = pairs(&String::from_utf8_lossy(&request.body));
        let payload: Value = form.get("payload").and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let word = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if word("/actions/0/action_id") != ACKNOWLEDGE {
            return Ok(text(200, ""));
        }
        let user =
            [word("/user/username"), word("/user/name"), word("/user/id")].into_iter().find(|name| !name.is_empty());
        let by = format!("{} in Slack", user.unwrap_or("somebody"));
        self.desk.acknowledge(word("/actions/0/value"), &by, clock).await?;
        Ok(text(200, ""))
    }
}

impl Request {
    fn read(event: &Value) -> Self {
        let word = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let headers = event.get("headers").and_then(Value::as_object).into_iter().flatten();
        let headers = headers.filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())));
        let body = word("/body");
        let encoded = event.get("isBase64Encoded").and_then(Value::as_bool) == Some(true);
        Self {
            method: word("/requestContext/http/method"),
            query: pairs(&word("/rawQueryString")),
            headers: headers.collect(),
            body: if encoded { STANDARD.decode(&body).unwrap_or_default() } else { body.into_bytes() },
        }
    }
}

/// `a=b&c=d`, decoded.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let decoded = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn answered(taken: Taken) -> Value {
    match taken {
        Taken::Now(title) => page(200, "Acknowledged", &format!("{title}: nobody else is called for it.")),
        Taken::Before(before) => page(200, "Acknowledged already", &format!("By {} at {}.", before.by, before.at)),
        Taken::Over(title) => page(200, "Over", &format!("{title}: it is over already.")),
        Taken::Unknown => page(404, "Not known", "Nothing is known of this matter any more."),
    }
}

fn page(status: u16, title: &str, words: &str) -> Value {
    html(status, title, &format!("<p>{}</p>", escaped(words)))
}

/// A page without anything from elsewhere; nobody may frame it, keep it, or learn where its reader came from.
fn html(status: u16, title: &str, body: &str) -> Value {
    let title = escaped(title);
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">\
         <title>{title}</title><h1>{title}</h1>{body}</html>"
    );
    json!({
        "statusCode": status,
        "headers": {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
        "body": body,
    })
}

fn text(status: u16, body: &str) -> Value {
    json!({ "statusCode": status, "headers": { "content-type": "text/plain; charset=utf-8" }, "body": body })
}
