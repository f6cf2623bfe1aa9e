//! The channels of a receiver: which way, and the settings of each.
//!
//! Whatever could be abused by who reads the file (a token, a key, a URL that carries one) stands there by reference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Reference, Secretive};
use crate::types::{Arn, Region, TopicArn};

/// One way to a person or a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// An HTTPS endpoint, signed in the manner of Standard Webhooks, the body a CloudEvent.
    Webhook(Webhook),
    /// An SNS topic.
    Sns(Sns),
    /// A Slack channel, written to by a bot: one thread an incident, its first message kept up to date.
    Slack(Slack),
    /// A Slack channel, through an incoming webhook: every message stands alone.
    SlackWebhook(SlackWebhook),
    /// A Microsoft Teams channel or chat, through a workflow that begins with a webhook.
    Teams(Teams),
    /// A PagerDuty service, through the Events API v2.
    Pagerduty(Pagerduty),
    /// Jira Service Management's operations, or Opsgenie.
    Jsm(Jsm),
    /// Issues of a Jira Cloud project.
    Jira(Jira),
    /// E-mail, through Amazon SES.
    Email(Email),
    /// An EventBridge event bus.
    Eventbridge(Eventbridge),
    /// A channel of Slack or Teams, through Amazon Q Developer in chat applications.
    AmazonQ(AmazonQ),
}

/// An HTTPS endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to post to: an `https` URL, or a reference to one that is itself a secret.
    pub url: Secretive,
    /// The signing secret, by reference. Without it requests are not signed.
    #[serde(default)]
    pub secret: Option<Reference>,
}

/// An SNS topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sns {
    /// Its ARN.
    pub topic: TopicArn,
}

/// A Slack channel, written to by a bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The channel's id (`C0123456789`), or its name.
    pub channel: String,
    /// The bot's token (`xoxb-…`), by reference; its scope is `chat:write`.
    pub token: Reference,
    /// Where Slack's Web API is: `https://slack.com/api` unless said otherwise.
    #[serde(default)]
    pub api: Option<String>,
}

/// A Slack channel, through an incoming webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackWebhook {
    /// The webhook's URL, by reference: who knows it can post.
    pub url: Reference,
}

/// A Microsoft Teams channel or chat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// The workflow's URL, by reference: who knows it can post.
    pub url: Reference,
    /// Hosts of workflows beside those of Microsoft's public cloud.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// A PagerDuty service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pagerduty {
    /// The integration key, by reference.
    pub key: Reference,
    /// Where the Events API is: `https://events.pagerduty.com` unless said otherwise
    /// (`https://events.eu.pagerduty.com`).
    #[serde(default)]
    pub api: Option<String>,
}

/// Jira Service Management's operations, or Opsgenie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jsm {
    /// The API key of an integration, by reference.
    pub key: Reference,
    /// Where alerts are taken: `https://api.atlassian.com/jsm/ops/integration` unless said otherwise
    /// (`https://api.opsgenie.com`, `https://api.eu.opsgenie.com`).
    #[serde(default)]
    pub api: Option<String>,
    /// Who is called; without any, the integration's own rules say.
    #[serde(default)]
    pub responders: Vec<Responder>,
}

/// Somebody who is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Responder {
    /// What it is.
    pub r#type: ResponderType,
    /// Its id.
    pub id: String,
}

/// What a responder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResponderType {
    /// A team.
    Team,
    /// A user.
    User,
    /// An escalation policy.
    Escalation,
    /// A schedule.
    Schedule,
}

/// Issues of a Jira Cloud project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jira {
    /// The site: `https://acme.atlassian.net`.
    pub site: String,
    /// The project's key.
    pub project: String,
    /// The type of issues that are opened.
    #[serde(default = "task")]
    pub r#type: String,
    /// The e-mail address of the account that the token belongs to.
    pub user: String,
    /// An API token, by reference.
    pub token: Reference,
}

fn task() -> String {
    "Task".to_owned()
}

/// E-mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The sender: an address that SES has verified, alone or by its domain.
    pub from: String,
    /// The addresses. `{owner}` stands for the account's owner, as the alert's label `owner` names them.
    pub to: Vec<String>,
    /// The domains in which an owner's address may be: labels come from tags, and whoever sets a tag must not choose
    /// who gets mail.
    #[serde(default)]
    pub domains: Vec<String>,
    /// The region whose SES sends; the home region unless said otherwise.
    #[serde(default)]
    pub region: Option<Region>,
    /// A configuration set of SES.
    #[serde(default)]
    pub configuration_set: Option<String>,
}

/// An EventBridge event bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Eventbridge {
    /// Its ARN.
    pub bus: Arn,
}

/// A channel of Slack or Teams, through Amazon Q Developer in chat applications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmazonQ {
    /// The ARN of the SNS topic that the chat application's configuration listens to.
    pub topic: TopicArn,
}

/// Where Slack's Web API may be.
pub const SLACK_HOSTS: &[&str] = &["slack.com", "slack-gov.com"];
/// Where PagerDuty's Events API may be.
pub const PAGERDUTY_HOSTS: &[&str] = &["events.pagerduty.com", "events.eu.pagerduty.com"];
/// Where alerts of Jira Service Management and Opsgenie are taken.
pub const JSM_HOSTS: &[&str] = &["api.atlassian.com", "api.opsgenie.com", "api.eu.opsgenie.com"];
/// Where Jira Cloud sites are; a leading dot stands for every name below.
pub const JIRA_HOSTS: &[&str] = &[".atlassian.net", "api.atlassian.com"];

/// What an address of an owner is written as.
pub const OWNER: &str = "{owner}";

impl Channel {
    /// The word in the file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Sns(_) => "sns",
            Self::Slack(_) => "slack",
            Self::SlackWebhook(_) => "slack_webhook",
            Self::Teams(_) => "teams",
            Self::Pagerduty(_) => "pagerduty",
            Self::Jsm(_) => "jsm",
            Self::Jira(_) => "jira",
            Self::Email(_) => "email",
            Self::Eventbridge(_) => "eventbridge",
            Self::AmazonQ(_) => "amazon_q",
        }
    }

    /// What is wrong with its settings: the setting, and what is wrong there.
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        match self {
            Self::Webhook(webhook) => found.extend(webhook.problem()),
            Self::Slack(slack) => {
                found.extend(base("api", slack.api.as_deref(), SLACK_HOSTS));
                if slack.channel.trim_start_matches('#').is_empty() {
                    found.push(("channel", "name the channel by its id (C0123456789) or name".to_owned()));
                }
            }
            Self::Teams(teams) => {
                let wrong = teams.hosts.iter().filter(|host| !is_host(host.trim_start_matches('.')));
                found.extend(wrong.map(|host| ("hosts", format!("`{host}` is not a host name"))));
            }
            Self::Pagerduty(pagerduty) => found.extend(base("api", pagerduty.api.as_deref(), PAGERDUTY_HOSTS)),
            Self::Jsm(jsm) => found.extend(base("api", jsm.api.as_deref(), JSM_HOSTS)),
            Self::Jira(jira) => {
                found.extend(base("site", Some(&jira.site), JIRA_HOSTS));
                found.extend(jira.problems());
            }
            Self::Email(email) => found.extend(email.problems()),
            Self::Eventbridge(Eventbridge { bus }) => {
                if bus.service() != "events" || !bus.resource().starts_with("event-bus/") || bus.region().is_empty() {
                    let expected = "arn:aws:events:region:account:event-bus/name";
                    found.push(("bus", format!("`{}` is not the ARN of an event bus ({expected})", bus.as_ref())));
                }
            }
            Self::Sns(_) | Self::SlackWebhook(_) | Self::AmazonQ(_) => {}
        }
        found
    }
}

impl Webhook {
    /// Nothing is sent in the clear, other than to this machine.
    fn problem(&self) -> Option<(&'static str, String)> {
        let Secretive::Plain(url) = &self.url else { return None };
        let wrong = url.starts_with("http://") && !is_local(url);
        wrong.then(|| ("url", "only https is spoken, or http to this machine in tests".to_owned()))
    }
}

impl Jira {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut letters = self.project.bytes();
        let key = letters.next().is_some_and(|b| b.is_ascii_uppercase())
            && letters.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !key {
            found.push(("project", format!("`{}` is not a project's key, such as SEC", self.project)));
        }
        if !is_address(&self.user) {
            found.push(("user", format!("`{}` is not an e-mail address", self.user)));
        }
        found
    }
}

impl Email {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if !is_address(&self.from) {
            found.push(("from", format!("`{}` is not an e-mail address", self.from)));
        }
        if self.to.is_empty() {
            found.push(("to", "name at least one address".to_owned()));
        }
        let wrong = self.to.iter().filter(|to| *to != OWNER && !is_address(to));
        found.extend(wrong.map(|to| ("to", format!("`{to}` is neither an e-mail address nor {OWNER}"))));
        if self.to.iter().any(|to| to == OWNER) && self.domains.is_empty() {
            let why = format!("{OWNER} comes from tags; name the domains that owners' addresses may be in");
            found.push(("domains", why));
        }
        let wrong = self.domains.iter().filter(|domain| !is_host(domain));
        found.extend(wrong.map(|domain| ("domains", format!("`{domain}` is not a domain"))));
        found
    }
}

/// Whether a host is one of `hosts`; an entry with a leading dot stands for every name below it.
pub fn is_one_of(host: &str, hosts: &[&str]) -> bool {
    let host = host.to_ascii_lowercase();
    hosts.iter().any(|entry| match entry.strip_prefix('.') {
        Some(_) => host.len() > entry.len() && host.ends_with(entry),
        None => host == *entry,
    })
}

/// Whether it is one plain address: what mail headers cannot be made of.
pub fn is_address(text: &str) -> bool {
    let atom = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    text.len() <= 254
        && text.rsplit_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && name.len() <= 64 && name.bytes().all(atom) && !name.contains('{') && is_host(domain)
        })
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}

/// What is wrong with a vendor's base URL.
fn base(setting: &'static str, url: Option<&str>, hosts: &[&str]) -> Option<(&'static str, String)> {
    let url = url?;
    let host = url.strip_prefix("https://").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let fine = host.is_some_and(|host| is_one_of(host, hosts)) || is_local(url);
    (!fine).then(|| {
        let known: Vec<String> = hosts
            .iter()
            .map(|host| format!("https://{}{host}", if host.starts_with('.') { "*" } else { "" }))
            .collect();
        (setting, format!("`{url}` is not a place of this vendor; known: {}", known.join(", ")))
    })
}

/// Whether a URL leads to this machine, as tests' do.
fn is_local(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or(host, |(host, _)| host);
    ["127.0.0.1", "localhost", "[::1]"].contains(&host)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(channel: Value, expect: &[&str]) {
        let channel: Channel = serde_json::from_value(channel).unwrap();
        let found: Vec<String> = channel.problems().into_iter().map(|(at, why)| format!("{at}: {why}")).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn vendors_are_only_where_they_are() {
        let pagerduty = |api: &str| json!({"pagerduty": {"key": "env:KEY", "api": api}});
        check(pagerduty("https://events.eu.pagerduty.com"), &[]);
        check(pagerduty("http://127.0.0.1:8080"), &[]);
        let known = "known: https://events.pagerduty.com, https://events.eu.pagerduty.com";
        for wrong in [
            "http://events.pagerduty.com",
            "https://events.pagerduty.com.evil.example",
            "https://a@events.pagerduty.com",
        ] {
            check(pagerduty(wrong), &[&format!("api: `{wrong}` is not a place of this vendor; {known}")]);
        }
        let jira =
            |site: &str| json!({"jira": {"site": site, "project": "SEC", "user": "a@acme.example", "token": "env:T"}});
        check(jira("https://acme.atlassian.net"), &[]);
        let known = "known: https://*.atlassian.net, https://api.atlassian.com";
        check(
            jira("https://atlassian.net"),
            &[&format!("site: `https://atlassian.net` is not a place of this vendor; {known}")],
        );
    }

    #[test]
    fn tags_do_not_choose_who_gets_mail() {
        let email = |to: Value, domains: Value| json!({"email": {"from": "forester@acme.example", "to": to, "domains": domains}});
        check(email(json!(["{owner}", "security@acme.example"]), json!(["acme.example"])), &[]);
        check(
            email(json!(["{owner}"]), json!([])),
            &["domains: {owner} comes from tags; name the domains that owners' addresses may be in"],
        );
        check(
            email(json!(["a@acme.example\nBcc: b"]), json!([])),
            &["to: `a@acme.example\nBcc: b` is neither an e-mail address nor {owner}"],
        );
        check(email(json!([]), json!([])), &["to: name at least one address"]);
    }

    #[test]
    fn bus_is_an_event_bus() {
        check(json!({"eventbridge": {"bus": "arn:aws:events:eu-west-1:111122223333:event-bus/alerts"}}), &[]);
        check(
            json!({"eventbridge": {"bus": "arn:aws:events:eu-west-1:111122223333:rule/alerts"}}),
            &[
                "bus: `arn:aws:events:eu-west-1:111122223333:rule/alerts` is not the ARN of an event bus (arn:aws:events:region:account:event-bus/name)",
            ],
        );
    }

    #[test]
    fn tokens_do_not_stand_in_the_file() {
        for channel in [
            json!({"slack": {"channel": "C0123456789", "token": "xoxb-1-2-3"}}),
            json!({"slack_webhook": {"url": "https://hooks.slack.com/services/T/B/x"}}),
            json!({"teams": {"url": "https://acme.environment.api.powerplatform.com/x?sig=y"}}),
            json!({"pagerduty": {"key": "0123456789abcdef0123456789abcdef"}}),
        ] {
            let error = serde_json::from_value::<Channel>(channel).unwrap_err().to_string();
            assert!(error.contains("env:NAME") && !error.contains("xox") && !error.contains("0123456789a"), "{error}");
        }
    }
}
