//! Slack, written to by a bot: an incident is a message, what follows stands in its thread, and the message itself is
//! kept up to date.
//!
//! Slack answers 200 also when it refuses; `ok` and `error` say how it went
//! (<https://docs.slack.dev/reference/methods/chat.postMessage>,
//! <https://docs.slack.dev/reference/methods/chat.update>). A channel takes about one message a second, and a 429 says
//! in `Retry-After` how long to wait (<https://docs.slack.dev/apis/web-api/rate-limits>).

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::blocks::{LIMITS, message, without_blocks};
use super::call::{Vendor, post_with};
use super::https::{Answer, Post};
use super::page::Page;
use super::secrets::Secret;
use super::{ACKNOWLEDGED, Channel, Outcome, Thread, Tools};
use crate::alert::incident::Turn;
use crate::alert::model::{Alert, Status};
use crate::alert::outbox::Delivery;
use crate::config::alerts::Secretive;
use crate::config::alerts::channels::{SLACK_HOSTS, Slack};

const VENDOR: Vendor = Vendor { name: "Slack", busy: None };

#[async_trait]
impl Channel for Slack {
    fn has_threads(&self) -> bool {
        true
    }

    fn render(&self, delivery: &Delivery) -> String {
        Value::Object(self.body(message(&Page::of(delivery).fit(LIMITS), &foot(delivery), button(delivery))))
            .to_string()
    }

    async fn send(&self, delivery: &Delivery, thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome {
        let bot = Bot { slack: self, tools, now };
        let Some(thread) = thread else {
            return bot.open(delivery).await;
        };
        match bot.reply(delivery, thread).await {
            Said::Fine(_) => {
                let shown = bot.refresh(delivery, thread).await;
                let thread = Thread { shown: shown.map(Box::new), ..thread.clone() };
                Outcome::Accepted { answer: format!("told in the thread of {}", thread.message), thread: Some(thread) }
            }
            Said::No(code) if GONE.contains(&code.as_str()) => bot.open(delivery).await,
            other => other.outcome(),
        }
    }
}

impl Slack {
    /// A message for the channel.
    fn body(&self, message: Value) -> Map<String, Value> {
        let mut body = match message {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        body.insert("channel".to_owned(), self.channel.as_str().into());
        body
    }

    fn url(&self, method: &str) -> String {
        let api = self.api.as_deref().unwrap_or("https://slack.com/api");
        format!("{}/{method}", api.trim_end_matches('/'))
    }
}

/// Calls Slack's methods.
struct Bot<'a> {
    slack: &'a Slack,
    tools: &'a Tools,
    now: Timestamp,
}

/// How Slack took it.
enum Said {
    /// It did it.
    Fine(Value),
    /// It did not, and says why in a word.
    No(String),
    /// There is no such answer.
    Failed(Outcome),
}

/// The message that a reply belongs to is not there.
const GONE: &[&str] = &["thread_not_found", "message_not_found", "cannot_reply_to_message", "channel_not_found"];
/// Slack takes the message, but not these blocks.
const UNSHOWN: &[&str] = &["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"];
/// What passes by itself.
const PASSING: &[&str] = &[
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "org_login_required",
    "message_limit_exceeded",
];
/// The token is no longer one.
const TOKEN: &[&str] = &["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"];

impl Bot<'_> {
    /// Tells the matter in a message of its own.
    async fn open(&self, delivery: &Delivery) -> Outcome {
        let page = Page::of(delivery);
        let said =
            self.post(self.slack.body(message(&page.fit(LIMITS), &foot(delivery), button(delivery))), &page).await;
        let Said::Fine(answer) = said else { return said.outcome() };
        let part = |name: &str| answer.get(name).and_then(Value::as_str);
        let thread = part("channel").zip(part("ts")).map(|(place, ts)| Thread {
            place: place.to_owned(),
            message: ts.to_owned(),
            shown: Some(Box::new(delivery.alert.clone())),
        });
        let answer = part("ts").map_or_else(|| "posted".to_owned(), |ts| format!("posted as {ts}"));
        Outcome::Accepted { answer, thread }
    }

    /// Tells in the thread what the thread does not say yet.
    async fn reply(&self, delivery: &Delivery, thread: &Thread) -> Said {
        let mut page = Page::of(delivery);
        if let Some(shown) = &thread.shown {
            page = page.beyond(&Page::new(shown, Turn::First, None));
        }
        let mut body = self.slack.body(message(&page.fit(LIMITS), &foot(delivery), button(delivery)));
        body.insert("channel".to_owned(), thread.place.as_str().into());
        body.insert("thread_ts".to_owned(), thread.message.as_str().into());
        if matches!(delivery.turn, Turn::Escalation) {
            body.insert("reply_broadcast".to_owned(), true.into());
        }
        self.post(body, &page).await
    }

    /// Brings the first message up to date, and returns what it shows then. The reply has arrived, so a failure here
    /// loses nothing.
    async fn refresh(&self, delivery: &Delivery, thread: &Thread) -> Option<Alert> {
        let before = thread.shown.as_deref().cloned();
        let alert = match (delivery.turn, &before) {
            (Turn::Update, _) => delivery.alert.clone(),
            (Turn::Resolve, Some(shown)) => Alert { status: Status::Resolved, ..shown.clone() },
            _ => return before,
        };
        let acknowledge = delivery.acknowledge.as_deref().filter(|_| alert.status == Status::Firing);
        let button = button(delivery).filter(|_| alert.status == Status::Firing);
        let page = Page::new(&alert, Turn::First, acknowledge);
        let mut body = self.slack.body(message(&page.fit(LIMITS), &foot(delivery), button));
        body.insert("channel".to_owned(), thread.place.as_str().into());
        body.insert("ts".to_owned(), thread.message.as_str().into());
        match self.call("chat.update", &body).await {
            Said::Fine(_) => Some(alert),
            Said::No(code) => {
                tracing::warn!(delivery.id = %delivery.id, "the first message of {} stays as it is: {code}", delivery.incident);
                before
            }
            Said::Failed(_) => before,
        }
    }

    /// Posts; without blocks, where Slack does not take them: an alert in plain words is better than none.
    async fn post(&self, body: Map<String, Value>, page: &Page) -> Said {
        let said = self.call("chat.postMessage", &body).await;
        match said {
            Said::No(code) if UNSHOWN.contains(&code.as_str()) => {
                let mut plain = self.slack.body(without_blocks(page));
                let kept = ["channel", "thread_ts", "reply_broadcast"];
                plain.extend(body.into_iter().filter(|(name, _)| kept.contains(&name.as_str())));
                self.call("chat.postMessage", &plain).await
            }
            said => said,
        }
    }

    async fn call(&self, method: &str, body: &Map<String, Value>) -> Said {
        let text = Value::Object(body.clone()).to_string();
        let build = |token: &Secret| {
            let post = Post::json(self.slack.url(method), SLACK_HOSTS, text.clone()).for_half();
            post.with("authorization", format!("Bearer {}", token.reveal()))
        };
        let kept = Secretive::Kept(self.slack.token.clone());
        match post_with(self.tools, &kept, self.now, build, refused_token).await {
            Err(outcome) => Said::Failed(outcome),
            Ok((answer, _)) => said(&answer),
        }
    }
}

impl Said {
    fn outcome(self) -> Outcome {
        match self {
            Self::Failed(outcome) => outcome,
            Self::No(code) if PASSING.contains(&code.as_str()) => Outcome::Later(format!("Slack says {code}"), None),
            Self::No(code) => Outcome::Refused(format!("Slack says {code}")),
            Self::Fine(_) => Outcome::accepted("posted"),
        }
    }
}

fn said(answer: &Answer) -> Said {
    if let Some(outcome) = VENDOR.sort(answer) {
        return Said::Failed(outcome);
    }
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match (body.get("ok").and_then(Value::as_bool), code(&body)) {
        (Some(true), _) => Said::Fine(body),
        (_, Some(code)) => Said::No(code),
        (_, None) => {
            Said::Failed(Outcome::Later("Slack's answer says neither yes nor no".to_owned(), answer.retry_after))
        }
    }
}

/// Slack's word for what is wrong, if it is a word.
fn code(body: &Value) -> Option<String> {
    let code = body.get("error").and_then(Value::as_str)?;
    let word = code.len() <= 60 && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    word.then(|| code.to_owned())
}

fn refused_token(answer: &Answer) -> bool {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or(json!({}));
    matches!(answer.status, 401 | 403) || code(&body).is_some_and(|code| TOKEN.contains(&code.as_str()))
}

/// The matter that a button acknowledges, where Slack's buttons are set up and nobody has taken it.
fn button(delivery: &Delivery) -> Option<&str> {
    let open = delivery.button && delivery.can_be_taken() && !delivery.alert.labels.contains_key(ACKNOWLEDGED);
    open.then_some(delivery.incident.as_str())
}

/// The last line: which incident it is, for whoever looks for it elsewhere.
pub(super) fn foot(delivery: &Delivery) -> String {
    format!("{} · {}", delivery.alert.source, delivery.incident)
}
