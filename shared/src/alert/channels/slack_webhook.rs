//! Slack, through an incoming webhook. Slack says only `ok`, so nothing can be threaded or brought up to date later.
//!
//! Errors are a status and a word (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>): 403
//! and 404 stay, 410 means that the channel is archived, 429 says how long to wait.

use async_trait::async_trait;
use jiff::Timestamp;

use super::blocks::{LIMITS, message, without_blocks};
use super::call::{Vendor, post_with};
use super::https::{Answer, Post};
use super::page::Page;
use super::secrets::Secret;
use super::slack::foot;
use super::{Channel, Outcome, Thread, Tools};
use crate::alert::outbox::Delivery;
use crate::config::alerts::Secretive;
use crate::config::alerts::channels::SlackWebhook;

/// Where webhooks are.
const HOSTS: &[&str] = &["hooks.slack.com", "hooks.slack-gov.com"];
const VENDOR: Vendor = Vendor { name: "Slack", busy: None };

#[async_trait]
impl Channel for SlackWebhook {
    fn render(&self, delivery: &Delivery) -> String {
        message(&Page::of(delivery).fit(LIMITS), &foot(delivery), None).to_string()
    }

    async fn send(&self, delivery: &Delivery, _thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome {
        let answer = self.post(self.render(delivery), tools, now).await;
        let answer = match answer {
            // The blocks are not to Slack's liking: an alert in plain words is better than none.
            Ok(answer) if answer.status == 400 && answer.body.starts_with("invalid_blocks") => {
                self.post(without_blocks(&Page::of(delivery)).to_string(), tools, now).await
            }
            answer => answer,
        };
        match answer {
            Ok(answer) => sorted(&answer).unwrap_or_else(|| Outcome::accepted("taken by Slack")),
            Err(outcome) => outcome,
        }
    }
}

impl SlackWebhook {
    async fn post(&self, body: String, tools: &Tools, now: Timestamp) -> Result<Answer, Outcome> {
        let build = |url: &Secret| Post::json(url.reveal().to_owned(), HOSTS, body.clone()).for_half();
        let kept = Secretive::Kept(self.url.clone());
        post_with(tools, &kept, now, build, Answer::is_unwelcome).await.map(|(answer, _)| answer)
    }
}

/// Slack's words for what is wrong. Nothing else that it says is repeated: it could be part of the URL.
const WORDS: &[&str] = &[
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_blocks",
    "invalid_payload",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_team",
    "no_text",
    "posting_to_general_channel_denied",
    "rollup_error",
    "team_disabled",
    "too_many_attachments",
    "user_not_found",
];

fn sorted(answer: &Answer) -> Option<Outcome> {
    let word = WORDS.iter().find(|word| answer.body.trim() == **word);
    VENDOR.sort(answer).map(|outcome| match (outcome, word) {
        (Outcome::Refused(said), Some(word)) => Outcome::Refused(format!("{said}: {word}")),
        (outcome, _) => outcome,
    })
}
