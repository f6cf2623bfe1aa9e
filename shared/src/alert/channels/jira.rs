//! Jira Cloud: an incident is an issue, found again by a label, and what follows is a comment.
//!
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/> (create),
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/> (`/search/jql`; the older
//! search is gone) and <https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/> (the document
//! format, whose `text` nodes are literal). A summary may have 255 characters and a text field 32,767.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Vendor, post_with};
use super::https::{Answer, Post};
use super::page::{Kind, Limits, Page, Row, Section};
use super::secrets::Secret;
use super::{Channel, Outcome, Thread, Tools};
use crate::alert::Text;
use crate::alert::incident::Turn;
use crate::alert::model::Status;
use crate::alert::outbox::Delivery;
use crate::config::alerts::Secretive;
use crate::config::alerts::channels::{JIRA_HOSTS, Jira};

const VENDOR: Vendor = Vendor { name: "Jira", busy: Some(Duration::from_secs(60)) };
const LIMITS: Limits = Limits { value: 2_000, rows: 200, total: 14_000 };
const SUMMARY: usize = 255;
/// The document with its marks: more than its text, so the text stays below the limit.
pub(super) const DOCUMENT: usize = 32_000;

#[async_trait]
impl Channel for Jira {
    fn has_threads(&self) -> bool {
        true
    }

    fn render(&self, delivery: &Delivery) -> String {
        self.issue(delivery).to_string()
    }

    async fn send(&self, delivery: &Delivery, thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome {
        let desk = Desk { jira: self, tools, now };
        let known = match thread {
            Some(thread) => Some(thread.place.clone()),
            // Somebody may have died between opening the issue and saying so.
            None => match desk.search(delivery).await {
                Ok(found) => found,
                Err(outcome) => return outcome,
            },
        };
        let over = delivery.alert.status == Status::Resolved || delivery.turn == Turn::Resolve;
        match known {
            Some(key) => desk.comment(&key, delivery).await,
            None if over => Outcome::accepted("there is no issue that could be told of it"),
            None => desk.create(delivery).await,
        }
    }
}

impl Jira {
    fn issue(&self, delivery: &Delivery) -> Value {
        let page = Page::of(delivery);
        json!({ "fields": {
            "project": { "key": self.project },
            "issuetype": { "name": self.r#type },
            "summary": page.headline.clip(SUMMARY),
            "labels": ["forester", label(delivery)],
            "description": document(&page),
        }})
    }
}

/// The label by which the incident's issue is found again.
fn label(delivery: &Delivery) -> String {
    format!("forester-{}", delivery.incident)
}

/// Writes to Jira.
struct Desk<'a> {
    jira: &'a Jira,
    tools: &'a Tools,
    now: Timestamp,
}

impl Desk<'_> {
    /// The incident's issue.
    async fn search(&self, delivery: &Delivery) -> Result<Option<String>, Outcome> {
        let jql =
            format!("project = \"{}\" AND labels = \"{}\" ORDER BY created DESC", self.jira.project, label(delivery));
        let body = json!({ "jql": jql, "maxResults": 1, "fields": ["status"] });
        let found = self.post("search/jql", &body).await?;
        Ok(found.pointer("/issues/0/key").and_then(Value::as_str).filter(|key| is_key(key)).map(str::to_owned))
    }

    async fn create(&self, delivery: &Delivery) -> Outcome {
        match self.post("issue", &self.jira.issue(delivery)).await {
            Ok(made) => match made.get("key").and_then(Value::as_str).filter(|key| is_key(key)) {
                Some(key) => told(key, format!("opened {key}")),
                None => Outcome::accepted("opened an issue"),
            },
            Err(outcome) => outcome,
        }
    }

    async fn comment(&self, key: &str, delivery: &Delivery) -> Outcome {
        let body = json!({ "body": document(&Page::of(delivery)) });
        match self.post(&format!("issue/{key}/comment"), &body).await {
            Ok(_) => told(key, format!("told in {key}")),
            Err(outcome) => outcome,
        }
    }

    /// What the other side knows the user by.
    fn pair(&self, token: &Secret) -> String {
        STANDARD.encode(format!("{}:{}", self.jira.user, token.reveal()))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Outcome> {
        let url = format!("{}/rest/api/3/{path}", self.jira.site.trim_end_matches('/'));
        let text = body.to_string();
        let build = |token: &Secret| {
            let post = Post::json(url.clone(), JIRA_HOSTS, text.clone()).for_half();
            let pair = self.pair(token);
            post.with("authorization", format!("Basic {pair}")).with("accept", "application/json".to_owned())
        };
        let kept = Secretive::Kept(self.jira.token.clone());
        let (answer, token) = post_with(self.tools, &kept, self.now, build, Answer::is_unwelcome).await?;
        let body = Secret::new(self.pair(&token)).blot(&answer.body);
        match VENDOR.sort_with_words(&Answer { body, ..answer.clone() }, &token) {
            Some(outcome) => Err(outcome),
            None => Ok(serde_json::from_str(&answer.body).unwrap_or_default()),
        }
    }
}

fn told(key: &str, answer: String) -> Outcome {
    let thread = Thread { place: key.to_owned(), message: String::new(), shown: None };
    Outcome::Accepted { answer, thread: Some(thread) }
}

/// Whether it is an issue's key: it becomes part of a path.
fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// The page in the Atlassian Document Format.
fn document(page: &Page) -> Value {
    let text = page.within(LIMITS, DOCUMENT, |page| {
        let mut content = vec![paragraph(vec![strong(&page.headline)])];
        content.extend(page.sections.iter().map(section));
        content.extend(page.doors().map(|(name, url)| paragraph(vec![link(name, url)])));
        json!({ "version": 1, "type": "doc", "content": content })
    });
    serde_json::from_str(&text).unwrap_or_default()
}

fn section(section: &Section) -> Value {
    if section.kind == Kind::Raw {
        let raw = section.rows.iter().map(|row| json!({ "type": "text", "text": row.value }));
        return json!({ "type": "codeBlock", "content": raw.collect::<Vec<_>>() });
    }
    let items = section.rows.iter().map(|row| json!({ "type": "listItem", "content": [paragraph(runs(row))] }));
    json!({ "type": "bulletList", "content": items.collect::<Vec<_>>() })
}

fn runs(row: &Row) -> Vec<Value> {
    let mut runs = Vec::new();
    if !row.name.as_str().is_empty() {
        runs.push(strong(&Text::line(&format!("{}:", row.name))));
        runs.push(json!({ "type": "text", "text": " " }));
    }
    if !row.value.as_str().is_empty() {
        runs.push(json!({ "type": "text", "text": row.value }));
    }
    runs
}

fn paragraph(content: Vec<Value>) -> Value {
    json!({ "type": "paragraph", "content": content })
}

fn strong(text: &Text) -> Value {
    json!({ "type": "text", "text": text, "marks": [{ "type": "strong" }] })
}

fn link(name: &str, url: &str) -> Value {
    json!({ "type": "text", "text": name, "marks": [{ "type": "link", "attrs": { "href": url } }] })
}
