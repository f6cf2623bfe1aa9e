//! A chat channel through Amazon Q Developer in chat applications: a custom notification on an SNS topic, so that no
//! secret of Slack or Teams is needed. One thread an incident, where the channel's preferences allow threads.
//!
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>: `version` is `1.0`, `source` is
//! `custom`, and the only kind of text is the chat client's markdown. That cannot be switched off, and the clients
//! escape differently, so characters that one of them takes for markup are shown by look-alikes. The page names no
//! limits of length; those here are ours.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::page::{Limits, Page, Row, told};
use super::{Channel, Outcome, Thread, Tools};
use crate::alert::Text;
use crate::alert::outbox::Delivery;
use crate::config::alerts::channels::AmazonQ;

const LIMITS: Limits = Limits { value: 500, rows: 60, total: 3_000 };
const TITLE: usize = 200;

#[async_trait]
impl Channel for AmazonQ {
    fn render(&self, delivery: &Delivery) -> String {
        notification(delivery).to_string()
    }

    async fn send(&self, delivery: &Delivery, _thread: Option<&Thread>, tools: &Tools, _now: Timestamp) -> Outcome {
        tools.publish(delivery, &self.topic, "Forester alert", &self.render(delivery)).await
    }
}

fn notification(delivery: &Delivery) -> Value {
    let page = Page::of(delivery).fit(LIMITS);
    let alert = &delivery.alert;
    let links = page.links.iter().map(|(name, url)| format!("{}: {url}", literal(name)));
    let steps: Vec<String> = page.acknowledge.iter().map(|url| format!("acknowledge: {url}")).chain(links).collect();
    let rule = alert.labels.get("rule").map(told);
    let words = [Some(alert.kind.as_str()), Some(alert.severity.name()), rule.as_ref().map(Text::as_str)];
    let words = words.into_iter().flatten().map(|word| literal(&Text::line(word).clip(60)));
    let mut content = json!({
        "textType": "client-markdown",
        "title": format!("{} {}", page.mark(), literal(&page.headline.clip(TITLE))),
        "description": description(&page),
        "keywords": words.collect::<Vec<_>>(),
    });
    if let (Some(content), false) = (content.as_object_mut(), steps.is_empty()) {
        content.insert("nextSteps".to_owned(), steps.into());
    }
    json!({
        "version": "1.0",
        "source": "custom",
        "id": delivery.id,
        "content": content,
        "metadata": {
            "threadId": delivery.incident,
            "summary": literal(&page.headline.clip(TITLE)),
            "eventType": format!("forester-{}", alert.kind),
            "additionalContext": { "severity": alert.severity.name() },
        },
    })
}

fn description(page: &Page) -> String {
    let rows = page.sections.iter().flat_map(|section| &section.rows);
    let lines: Vec<String> = rows.map(|row| literal(&Text::block(&Row::line(row)))).collect();
    if lines.is_empty() { "no details".to_owned() } else { lines.join("\n") }
}

/// Look-alikes of what Slack's or Teams' markdown gives a meaning to.
fn literal(text: &Text) -> String {
    let alike = |c: char| match c {
        '<' => '‹',
        '>' => '›',
        '&' => '＆',
        '*' => '∗',
        '_' => '＿',
        '~' => '∼',
        '`' => 'ˋ',
        '[' => '［',
        ']' => '］',
        '|' => '∣',
        '#' => '＃',
        '@' => '＠',
        '\\' => '＼',
        c => c,
    };
    text.as_str().chars().map(alike).collect()
}
