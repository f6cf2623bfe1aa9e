//! Jira Service Management's operations, and Opsgenie, which speaks the same: an incident is one alert, by its alias.
//!
//! <https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events> and
//! <https://docs.opsgenie.com/docs/alert-api>: `message` up to 130 characters, `description` 15,000, `alias` 512, `note`
//! 25,000, `details` 8,000 in all, 20 tags of 50. Requests are answered with 202 and done later; an alias that is open
//! counts up. Opsgenie is switched off in April 2027.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{Vendor, post_with};
use super::https::{Answer, Post};
use super::page::{Limits, Page, told};
use super::secrets::Secret;
use super::{ACKNOWLEDGED, Channel, Outcome, Thread, Tools};
use crate::alert::Text;
use crate::alert::incident::Turn;
use crate::alert::model::{Severity, Status};
use crate::alert::outbox::Delivery;
use crate::config::alerts::Secretive;
use crate::config::alerts::channels::{JSM_HOSTS, Jsm};

const VENDOR: Vendor = Vendor { name: "the alert service", busy: Some(Duration::from_secs(60)) };
/// With headline and links the description stays below 15,000.
const LIMITS: Limits = Limits { value: 2_000, rows: 300, total: 10_000 };
const MESSAGE: usize = 130;
const TAG: usize = 50;
const DETAIL: usize = 300;

#[async_trait]
impl Channel for Jsm {
    fn has_threads(&self) -> bool {
        true
    }

    fn render(&self, delivery: &Delivery) -> String {
        self.request(delivery, None).1.to_string()
    }

    async fn send(&self, delivery: &Delivery, thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome {
        let api = self.api.as_deref().unwrap_or("https://api.atlassian.com/jsm/ops/integration");
        let (path, body) = self.request(delivery, Some(thread.is_some()));
        let (url, body) = (format!("{}{path}", api.trim_end_matches('/')), body.to_string());
        let build = |key: &Secret| {
            let post = Post::json(url.clone(), JSM_HOSTS, body.clone());
            post.with("authorization", format!("GenieKey {}", key.reveal()))
        };
        match post_with(tools, &Secretive::Kept(self.key.clone()), now, build, Answer::is_unwelcome).await {
            Ok((answer, key)) => VENDOR.sort_with_words(&answer, &key).unwrap_or_else(|| taken(delivery)),
            Err(outcome) => outcome,
        }
    }
}

/// The alias is the place: what follows is told there.
fn taken(delivery: &Delivery) -> Outcome {
    let thread = Thread { place: delivery.incident.clone(), message: String::new(), shown: None };
    Outcome::Accepted { answer: format!("taken as {}", delivery.incident), thread: Some(thread) }
}

impl Jsm {
    /// Path and body. What follows an alert that was not made makes it; `open` says whether it was, `None` that it is
    /// not known.
    fn request(&self, delivery: &Delivery, open: Option<bool>) -> (String, Value) {
        let alert = &delivery.alert;
        let page = Page::of(delivery).fit(LIMITS);
        let alias = &delivery.incident;
        let note = page.plain();
        if alert.status == Status::Resolved || delivery.turn == Turn::Resolve {
            let path = format!("/v2/alerts/{alias}/close?identifierType=alias");
            return (path, json!({ "source": SOURCE, "note": note }));
        }
        if delivery.turn == Turn::Update && open != Some(false) {
            let what = if alert.labels.contains_key(ACKNOWLEDGED) { "acknowledge" } else { "notes" };
            let path = format!("/v2/alerts/{alias}/{what}?identifierType=alias");
            return (path, json!({ "source": SOURCE, "note": note }));
        }
        ("/v2/alerts".to_owned(), self.alert(delivery, &page, &note))
    }

    fn alert(&self, delivery: &Delivery, page: &Page, description: &str) -> Value {
        let alert = &delivery.alert;
        let rule = alert.labels.get("rule").map(told);
        let tags = [Some(alert.kind.as_str()), Some(alert.severity.name()), rule.as_ref().map(Text::as_str)];
        let tags = tags.into_iter().flatten().map(|tag| Text::line(tag).clip(TAG));
        let mut body = json!({
            "message": page.headline.clip(MESSAGE),
            "alias": delivery.incident,
            "description": description,
            "tags": tags.collect::<Vec<_>>(),
            "details": details(delivery),
            "entity": alert.account.as_ref().map_or("-", AsRef::as_ref),
            "source": SOURCE,
            "priority": priority(alert.severity),
        });
        if let (Some(body), false) = (body.as_object_mut(), self.responders.is_empty()) {
            let responders = self.responders.iter().map(|who| json!({ "id": who.id, "type": who.r#type }));
            body.insert("responders".to_owned(), responders.collect());
        }
        body
    }
}

const SOURCE: &str = "forester";

/// The labels, as far as the service keeps them.
fn details(delivery: &Delivery) -> Map<String, Value> {
    let labels = delivery.alert.labels.iter().take(20).map(|(name, value)| (name, told(value)));
    labels.map(|(name, value)| (name.chars().take(80).collect(), value.clip(DETAIL).to_string().into())).collect()
}

fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "P1",
        Severity::High => "P2",
        Severity::Medium => "P3",
        Severity::Low => "P4",
        Severity::Info => "P5",
    }
}
