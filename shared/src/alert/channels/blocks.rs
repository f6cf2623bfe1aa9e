//! A page as Slack's Block Kit, of elements that Slack never parses: `plain_text`, and `text` in `rich_text`.
//!
//! Limits: 50 blocks a message (<https://docs.slack.dev/reference/block-kit/blocks>), 150 characters in a header
//! (<https://docs.slack.dev/reference/block-kit/blocks/header-block>), 3,000 in other texts
//! (<https://docs.slack.dev/reference/block-kit/composition-objects/text-object>). All blocks together may not exceed
//! about 13,200 characters, which no documentation says: Slack answers `msg_blocks_too_long`
//! (<https://github.com/slackapi/bolt-js/issues/2509>).

use serde_json::{Value, json};

use super::page::{ACKNOWLEDGE, Kind, Limits, Page, Row, Section};
use crate::alert::Text;

/// How large a page of blocks may be.
/// A group of events has at least five rows, so the sections stay below 40.
pub(super) const LIMITS: Limits = Limits { value: 1_000, rows: 160, total: 8_500 };
const HEADER: usize = 150;
/// The text that stands for the blocks in notifications.
const SUMMARY: usize = 200;

/// The members `text` and `blocks` of a message; with `button`, the matter that a button in it acknowledges.
pub(super) fn message(page: &Page, foot: &str, button: Option<&str>) -> Value {
    json!({
        "text": summary(page),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks(page, foot, button),
    })
}

/// What stands in notifications. This text Slack does parse, so what it could take for markup is escaped
/// (<https://docs.slack.dev/messaging/formatting-message-text>).
pub(super) fn summary(page: &Page) -> String {
    escaped(&page.headline.clip(SUMMARY))
}

/// The page without blocks, for when Slack refuses them.
pub(super) fn without_blocks(page: &Page) -> Value {
    let page = page.fit(Limits { total: 3_000, ..LIMITS });
    let text = escaped(&Text::block(&page.plain()).clip(3_800));
    json!({ "text": text, "mrkdwn": false, "unfurl_links": false, "unfurl_media": false })
}

fn escaped(text: &Text) -> String {
    text.as_str().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn blocks(page: &Page, foot: &str, button: Option<&str>) -> Vec<Value> {
    let title = Text::line(&format!("{} {}", page.mark(), page.headline)).clip(HEADER);
    let mut blocks = vec![json!({ "type": "header", "text": plain(&title) })];
    blocks.extend(page.sections.iter().map(block));
    let doors = page.doors().filter(|(name, _)| button.is_none() || *name != ACKNOWLEDGE);
    let links: Vec<Value> = doors.map(|(name, url)| link(name, url)).collect();
    if !links.is_empty() {
        let spaced = links.into_iter().flat_map(|link| [json!({ "type": "text", "text": " · " }), link]).skip(1);
        blocks.push(rich(vec![json!({ "type": "rich_text_section", "elements": spaced.collect::<Vec<_>>() })]));
    }
    blocks.extend(button.map(acknowledge));
    blocks.push(json!({ "type": "context", "elements": [plain(&Text::line(foot).clip(200))] }));
    blocks
}

/// A button that Slack posts to the app's address, signed (<https://docs.slack.dev/reference/block-kit/block-elements/button-element>).
fn acknowledge(incident: &str) -> Value {
    let button = json!({ "type": "button", "action_id": ACKNOWLEDGE, "value": incident,
        "text": plain(&Text::line("Acknowledge")) });
    json!({ "type": "actions", "elements": [button] })
}

fn block(section: &Section) -> Value {
    if section.kind == Kind::Raw {
        let name = section.rows.iter().take(1).map(|row| bold(&row.name));
        let name = json!({ "type": "rich_text_section", "elements": name.collect::<Vec<_>>() });
        let raw: Vec<Value> = section.rows.iter().map(|row| text(&row.value)).collect();
        return rich(vec![name, json!({ "type": "rich_text_preformatted", "elements": raw })]);
    }
    let rows = section.rows.iter().enumerate().flat_map(|(n, row)| runs(row, n > 0));
    let kind = if section.kind == Kind::Event { "rich_text_quote" } else { "rich_text_section" };
    rich(vec![json!({ "type": kind, "elements": rows.collect::<Vec<_>>() })])
}

/// A row as runs of text, on a line of its own.
fn runs(row: &Row, newline: bool) -> Vec<Value> {
    let mut runs = Vec::new();
    if newline {
        runs.push(json!({ "type": "text", "text": "\n" }));
    }
    if !row.name.as_str().is_empty() {
        runs.push(bold(&Text::line(&format!("{}:", row.name))));
        runs.push(json!({ "type": "text", "text": " " }));
    }
    if !row.value.as_str().is_empty() {
        runs.push(text(&row.value));
    }
    runs
}

fn rich(elements: Vec<Value>) -> Value {
    json!({ "type": "rich_text", "elements": elements })
}

fn plain(text: &Text) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

fn text(text: &Text) -> Value {
    json!({ "type": "text", "text": text })
}

fn bold(text: &Text) -> Value {
    json!({ "type": "text", "text": text, "style": { "bold": true } })
}

fn link(name: &str, url: &str) -> Value {
    json!({ "type": "link", "url": url, "text": name })
}
