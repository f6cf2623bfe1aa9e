//! PagerDuty, through the Events API v2: an incident is one alert there, by its `dedup_key`.
//!
//! <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>: `dedup_key` up to 255 characters, `summary` up
//! to 1,024. <https://developer.pagerduty.com/docs/events-api-v2/overview/>: 512 KB in all; 202 means taken; 429 and 5xx
//! are to be repeated, 429 after a few minutes; everything else is not.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{Vendor, post_with};
use super::https::{Answer, Post};
use super::page::{Limits, Page, told};
use super::secrets::Secret;
use super::{ACKNOWLEDGED, Channel, Outcome, Thread, Tools};
use crate::alert::incident::Turn;
use crate::alert::model::{Severity, Status};
use crate::alert::outbox::Delivery;
use crate::config::alerts::Secretive;
use crate::config::alerts::channels::{PAGERDUTY_HOSTS, Pagerduty};

const VENDOR: Vendor = Vendor { name: "PagerDuty", busy: Some(Duration::from_secs(120)) };
const LIMITS: Limits = Limits { value: 4_000, rows: 400, total: 60_000 };
const SUMMARY: usize = 1_024;

#[async_trait]
impl Channel for Pagerduty {
    fn render(&self, delivery: &Delivery) -> String {
        Value::Object(event(delivery)).to_string()
    }

    async fn send(&self, delivery: &Delivery, _thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome {
        let api = self.api.as_deref().unwrap_or("https://events.pagerduty.com");
        let url = format!("{}/v2/enqueue", api.trim_end_matches('/'));
        let event = event(delivery);
        let build = |key: &Secret| {
            let mut event = event.clone();
            event.insert("routing_key".to_owned(), key.reveal().into());
            Post::json(url.clone(), PAGERDUTY_HOSTS, Value::Object(event).to_string())
        };
        // An integration key that is not known is answered with 400.
        let refused = |answer: &Answer| answer.status == 400 || answer.is_unwelcome();
        match post_with(tools, &Secretive::Kept(self.key.clone()), now, build, refused).await {
            Ok((answer, key)) => {
                let taken = || Outcome::accepted(format!("taken as {}", delivery.incident));
                VENDOR.sort_with_words(&answer, &key).unwrap_or_else(taken)
            }
            Err(outcome) => outcome,
        }
    }
}

/// The event, without the key that says whose it is.
fn event(delivery: &Delivery) -> Map<String, Value> {
    let action = match (delivery.alert.status, delivery.turn) {
        (Status::Resolved, _) | (_, Turn::Resolve) => "resolve",
        (_, Turn::Update) if delivery.alert.labels.contains_key(ACKNOWLEDGED) => "acknowledge",
        _ => "trigger",
    };
    let alert = &delivery.alert;
    // What follows adds to the alert that is there, whose summary says the same as before.
    let turn = if action == "resolve" { Turn::Resolve } else { Turn::First };
    let page = Page::new(alert, turn, delivery.acknowledge.as_deref()).fit(LIMITS);
    let label = |name: &str| alert.labels.get(name).map(|label| told(label).to_string());
    let mut payload = json!({
        "summary": page.headline.clip(SUMMARY),
        "source": alert.account.as_ref().map_or(alert.source.as_str(), AsRef::as_ref),
        "severity": severity(page.severity),
        "class": label("rule").unwrap_or_else(|| alert.kind.clone()),
        "custom_details": details(&page),
    });
    if let Some(payload) = payload.as_object_mut() {
        payload.extend(label("ou").map(|ou| ("group".to_owned(), ou.into())));
        payload.extend(label("service").map(|service| ("component".to_owned(), service.into())));
        payload.extend(alert.time.map(|time| ("timestamp".to_owned(), time.to_string().into())));
    }
    let links = page.doors().map(|(name, url)| json!({ "href": url, "text": name }));
    let event = json!({
        "event_action": action,
        "dedup_key": delivery.incident.chars().take(255).collect::<String>(),
        "client": "Forester",
        "payload": payload,
        "links": links.collect::<Vec<_>>(),
    });
    match event {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Rows by name; rows that share one stand below each other.
fn details(page: &Page) -> Map<String, Value> {
    let mut lists: Map<String, Value> = Map::new();
    for row in page.sections.iter().flat_map(|section| &section.rows) {
        let name = if row.name.as_str().is_empty() { "left out" } else { row.name.as_str() };
        let said = match lists.get(name).and_then(Value::as_str) {
            Some(before) => format!("{before}\n{}", row.value),
            None => row.value.to_string(),
        };
        lists.insert(name.to_owned(), said.into());
    }
    lists
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "info",
    }
}
