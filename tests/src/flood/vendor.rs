//! What each vendor answers, which of its requests are messages, and what it knows a repetition by.

use serde_json::{Value, json};

use super::lanes::Vendor;
use crate::http::{Request, Response};

/// What a request comes to.
pub struct Answer {
    /// What the caller gets.
    pub response: Response,
    /// The message in it, if it is one: its text, and what the vendor tells a repetition by.
    pub message: Option<Message>,
}

/// A message that a vendor took.
pub struct Message {
    /// What it says.
    pub text: String,
    /// What the vendor knows it by when it comes again; `None`: it does not tell repetitions.
    pub key: Option<String>,
}

/// What a vendor remembers: Jira's issues, by the label that finds them.
#[derive(Debug, Default)]
pub struct Memory {
    issues: Vec<String>,
    count: usize,
}

impl Vendor {
    /// The answer to a request that is taken.
    pub fn answer(self, request: &Request, memory: &mut Memory) -> Answer {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        memory.count += 1;
        match self {
            Self::Slack => slack(request, &body, text, memory.count),
            Self::SlackWebhook => plain(200, "ok", Message { text, key: None }),
            Self::Teams => plain(202, "", Message { text, key: None }),
            Self::Pagerduty => {
                let key = format!("{} {}", body["dedup_key"], body["event_action"]);
                let answer =
                    json!({ "status": "success", "message": "Event processed", "dedup_key": body["dedup_key"] });
                taken(202, &answer, Message { key: Some(format!("{key} {text}")), text })
            }
            Self::Jsm => {
                let answer = json!({ "result": "Request will be processed", "took": 0.1, "requestId": memory.count.to_string() });
                taken(202, &answer, Message { key: Some(format!("{} {text}", request.path)), text })
            }
            Self::Jira => jira(request, &body, memory),
            Self::Webhook => {
                let key = request.headers.get("webhook-id").cloned();
                let is_signed = request.headers.get("webhook-signature").is_some_and(|it| it.starts_with("v1,"));
                match is_signed {
                    true => plain(200, "{}", Message { text, key }),
                    false => Answer { response: Response::json(401, "{}"), message: None },
                }
            }
            Self::Email | Self::Sns | Self::Eventbridge | Self::AmazonQ => {
                Answer { response: Response::json(404, "{}"), message: None }
            }
        }
    }
}

fn plain(status: u16, answer: &str, message: Message) -> Answer {
    Answer { response: Response::json(status, answer), message: Some(message) }
}

fn taken(status: u16, answer: &Value, message: Message) -> Answer {
    plain(status, &answer.to_string(), message)
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage>: an update is no message, and shows nothing new.
fn slack(request: &Request, body: &Value, text: String, count: usize) -> Answer {
    let ts = body["ts"].as_str().map_or_else(|| format!("1700000000.{count:06}"), str::to_owned);
    let answer = json!({ "ok": true, "channel": "C0FLOOD", "ts": ts });
    let is_message = request.path.ends_with("/chat.postMessage");
    let message = is_message.then_some(Message { text, key: None });
    Answer { response: Response::json(200, answer.to_string()), message }
}

/// A search, an issue or a comment. A label finds its issue; the same document in the same issue says nothing new.
fn jira(request: &Request, body: &Value, memory: &mut Memory) -> Answer {
    let known = |label: &str| memory.issues.iter().position(|known| label.contains(known.as_str()));
    if request.path.ends_with("/search/jql") {
        let found = known(body["jql"].as_str().unwrap_or_default());
        let issues: Vec<Value> = found.iter().map(|n| json!({ "id": "1", "key": format!("SEC-{}", n + 1) })).collect();
        return Answer { response: Response::json(200, json!({ "issues": issues }).to_string()), message: None };
    }
    if let Some(issue) = request.path.strip_suffix("/comment").and_then(|path| path.rsplit('/').next()) {
        let text = body["body"].to_string();
        let key = Some(format!("{issue} {text}"));
        return taken(201, &json!({ "id": "10000" }), Message { text, key });
    }
    memory.issues.push(body["fields"]["labels"][1].as_str().unwrap_or("?").to_owned());
    let issue = format!("SEC-{}", memory.issues.len());
    let text = body["fields"]["description"].to_string();
    let key = Some(format!("{issue} {text}"));
    taken(201, &json!({ "id": "1", "key": issue }), Message { text, key })
}
