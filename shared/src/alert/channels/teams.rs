//! Microsoft Teams, through a workflow that begins with a webhook: an Adaptive Card 1.4.
//!
//! Text goes into `TextRun`s, which know no markdown; `TextBlock` and `FactSet` do, so neither carries anything from
//! outside (<https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features>). A message may have about
//! 28 KB (<https://learn.microsoft.com/connectors/teams/>), and failures well below that are reported; cards stay below
//! 20,000 bytes. The workflow answers 202 when it has begun, which is not when the card is posted.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Vendor, post_with};
use super::https::{Answer, Post};
use super::page::{Kind, Limits, Page, Row, Section};
use super::secrets::Secret;
use super::slack::foot;
use super::{Channel, Outcome, Thread, Tools};
use crate::alert::Text;
use crate::alert::model::Severity;
use crate::alert::model::Status;
use crate::alert::outbox::Delivery;
use crate::config::alerts::Secretive;
use crate::config::alerts::channels::Teams;

/// Where workflows are.
const HOSTS: &[&str] = &[".api.powerplatform.com", ".logic.azure.com"];
const VENDOR: Vendor = Vendor { name: "the workflow", busy: None };
const LIMITS: Limits = Limits { value: 1_000, rows: 120, total: 12_000 };
pub(super) const BYTES: usize = 20_000;

#[async_trait]
impl Channel for Teams {
    fn render(&self, delivery: &Delivery) -> String {
        let foot = foot(delivery);
        Page::of(delivery).within(LIMITS, BYTES, |page| message(page, &foot))
    }

    async fn send(&self, delivery: &Delivery, _thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome {
        let hosts: Vec<&str> = HOSTS.iter().copied().chain(self.hosts.iter().map(String::as_str)).collect();
        let body = self.render(delivery);
        let build = |url: &Secret| Post::json(url.reveal().to_owned(), &hosts, body.clone());
        let kept = Secretive::Kept(self.url.clone());
        match post_with(tools, &kept, now, build, Answer::is_unwelcome).await {
            Ok((answer, _)) => VENDOR.sort(&answer).unwrap_or_else(|| Outcome::accepted("the workflow has begun")),
            Err(outcome) => outcome,
        }
    }
}

fn message(page: &Page, foot: &str) -> Value {
    let title = Text::line(&format!("{} {}", page.mark(), page.headline)).clip(300);
    let style = json!({ "weight": "Bolder", "size": "Medium", "color": color(page) });
    let mut body = vec![block(vec![run(title.as_str(), &style)], false)];
    body.extend(page.sections.iter().flat_map(section));
    body.push(block(vec![run(foot, &json!({ "isSubtle": true, "size": "Small" }))], true));
    let mut actions: Vec<Value> = Vec::new();
    actions.extend(page.acknowledge.iter().map(|url| open("Acknowledge", url)));
    actions.extend(page.links.iter().map(|(name, url)| open(name.clip(40).as_str(), url)));
    // Teams shows six actions (https://learn.microsoft.com/adaptive-cards/schema-explorer/action-set names no limit).
    actions.truncate(6);
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "fallbackText": literal(title.as_str()),
                "msteams": { "width": "Full" },
                "body": body,
                "actions": actions,
            },
        }],
    })
}

fn section(section: &Section) -> Vec<Value> {
    let raw = section.kind == Kind::Raw;
    let rows = section.rows.iter().enumerate();
    rows.map(|(n, row)| block(if raw { lines(row) } else { runs(row) }, n == 0)).collect()
}

fn runs(row: &Row) -> Vec<Value> {
    let name = Some(&row.name).filter(|name| !name.as_str().is_empty());
    let name = name.map(|name| run(&format!("{name}: "), &json!({ "weight": "Bolder" })));
    name.into_iter().chain(Some(run(row.value.as_str(), &json!({})))).collect()
}

/// A message as it arrived, in letters of one width.
fn lines(row: &Row) -> Vec<Value> {
    let name = run(&format!("{}: ", row.name), &json!({ "weight": "Bolder" }));
    vec![name, run(row.value.as_str(), &json!({ "fontType": "Monospace" }))]
}

fn block(inlines: Vec<Value>, spaced: bool) -> Value {
    let spacing = if spaced { "Medium" } else { "Small" };
    json!({ "type": "RichTextBlock", "spacing": spacing, "inlines": inlines })
}

fn run(text: &str, style: &Value) -> Value {
    let mut run = json!({ "type": "TextRun", "text": literal(text) });
    if let (Some(run), Some(style)) = (run.as_object_mut(), style.as_object()) {
        run.extend(style.clone());
    }
    run
}

/// Cards turn `{{DATE(…)}}` into dates; with a space it stays as it is.
fn literal(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains("{{") {
        text = text.replace("{{", "{ {");
    }
    text
}

fn open(title: &str, url: &str) -> Value {
    json!({ "type": "Action.OpenUrl", "title": title, "url": url })
}

fn color(page: &Page) -> &'static str {
    match (page.status, page.severity) {
        (Status::Resolved, _) => "Good",
        (_, Severity::Critical | Severity::High) => "Attention",
        (_, Severity::Medium) => "Warning",
        (_, Severity::Low | Severity::Info) => "Accent",
    }
}
