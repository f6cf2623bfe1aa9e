//! CloudWatch alarms, in the three shapes that they arrive in: EventBridge, SNS, and as a direct Lambda action.
//!
//! The SNS shape has Pascal case, a display name for the region, offsets without a colon, and composite alarms without
//! a trigger; the other two have camel case and state times to the millisecond. All become one `Alarm`
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>).

mod camel;
mod pascal;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Incoming, Source};
use crate::alert::cis;
use crate::alert::model::{Alert, Identity, Link, Severity, Status};
use crate::alert::rules::{guide, is_unsilenceable};
use crate::types::{AccountId, Arn, Region};

/// The source.
pub(super) struct Alarms;

/// A metric by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::alert) struct Metric {
    pub namespace: String,
    pub name: String,
}

/// An alarm's change, whatever shape it came in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::alert) struct Alarm {
    pub name: String,
    pub arn: String,
    pub account: Option<AccountId>,
    pub region: Option<Region>,
    /// `ALARM`, `OK`, `INSUFFICIENT_DATA`.
    pub state: String,
    pub previous: String,
    pub reason: String,
    /// JSON with the window that was evaluated; EventBridge and Lambda only.
    pub reason_data: Option<String>,
    pub at: Option<Timestamp>,
    /// When the state before it began; EventBridge and Lambda only.
    pub since: Option<Timestamp>,
    pub description: Option<String>,
    /// Every metric that feeds it, through metric math too.
    pub metrics: BTreeSet<Metric>,
    pub period: i64,
    pub periods: i64,
    /// The alarms below a composite one that made it change.
    pub children: Vec<String>,
    pub composite: bool,
    pub contributor: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub muted: Option<String>,
    /// `create`, `update`, `delete`: a change of the alarm itself.
    pub operation: Option<String>,
}

#[async_trait]
impl Source for Alarms {
    fn name(&self) -> &'static str {
        "cloudwatch-alarm"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        Some(read(incoming)?.alert(&incoming.message.id, &incoming.message.text))
    }
}

/// The alarm in the message, if it is one.
pub(in crate::alert) fn read(incoming: &Incoming<'_>) -> Option<Alarm> {
    camel::read(&incoming.json).or_else(|| pascal::read(&incoming.json))
}

impl Alarm {
    /// Whether there is something behind it to look for. Its end is looked into as well: it says nothing of who came while
    /// it was on.
    pub fn has_causes(&self) -> bool {
        matches!(self.state.as_str(), "ALARM" | "OK") && self.operation.is_none()
    }

    /// Fills in what the ARN knows better than the rest: SNS tells the region by its display name.
    fn located(mut self) -> Self {
        if let Ok(arn) = self.arn.parse::<Arn>() {
            self.account = arn.account().parse().ok().or(self.account);
            self.region = arn.region().parse().ok().or(self.region);
        }
        self
    }

    /// The rule it stands for: the benchmark's, else its own name.
    fn rule(&self) -> String {
        let known = cis::rule(&self.name).or_else(|| cis::rule(self.description.as_deref().unwrap_or_default()));
        known.unwrap_or_else(|| self.name.clone())
    }

    /// How bad its description says it is.
    pub fn said(&self) -> Option<Severity> {
        self.description.as_deref().and_then(|text| text.split_whitespace().find_map(severity_word))
    }

    fn severity(&self) -> Severity {
        let usual = self.said().or_else(|| cis::severity(&self.rule())).unwrap_or(Severity::Medium);
        match (self.operation.as_deref(), self.state.as_str()) {
            (Some("delete"), _) => usual.max(Severity::High),
            (Some(_), _) => Severity::Low,
            (None, "INSUFFICIENT_DATA") => Severity::Low,
            (None, _) => usual,
        }
    }

    fn title(&self) -> String {
        match &self.operation {
            Some(operation) => format!("The alarm {} was changed: {operation}", self.name),
            None => format!("{} is {} (was {})", self.name, self.state, self.previous),
        }
    }

    fn alert(&self, id: &str, raw: &str) -> Alert {
        let mut alert = Alert::new(id, "cloudwatch-alarm", "alarm", raw);
        let over = self.state == "OK" && self.operation.is_none();
        alert.status = if over { Status::Resolved } else { Status::Firing };
        alert.severity = self.severity();
        alert.title = crate::alert::Text::line(&self.title());
        alert.account = self.account.clone();
        alert.time = self.at;
        self.say(&mut alert);
        self.note(&mut alert);
        alert.links.extend(self.link());
        let episode = self.at.map_or_else(|| id.to_owned(), |at| at.to_string());
        alert.identity = Identity::new("alarm", &self.thing(), &episode);
        alert
    }

    /// A change to insufficient data, or of the alarm itself, is another matter than the alarm's own state.
    fn thing(&self) -> [&str; 3] {
        let matter = match (&self.operation, self.state.as_str()) {
            (Some(operation), _) => operation,
            (None, "INSUFFICIENT_DATA") => "insufficient",
            (None, _) => "state",
        };
        let name = if self.arn.is_empty() { &self.name } else { &self.arn };
        [name, self.contributor.as_deref().unwrap_or_default(), matter]
    }

    fn say(&self, alert: &mut Alert) {
        let metrics: Vec<String> =
            self.metrics.iter().map(|metric| format!("{}/{}", metric.namespace, metric.name)).collect();
        let attributes: Vec<String> = self.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let region = self.region.as_ref().map(ToString::to_string).unwrap_or_default();
        let facts = [
            ("reason", self.reason.clone()),
            ("description", self.description.clone().unwrap_or_default()),
            ("metrics", metrics.join(" ")),
            ("contributor", attributes.join(" ")),
            ("triggered by", self.children.iter().map(|arn| short(arn)).collect::<Vec<_>>().join(" ")),
            ("alarm account", self.account.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("region", region.clone()),
        ];
        for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
            alert.fact(name, value);
        }
        alert.label("alarm", &self.name);
        let rule = self.rule();
        alert.label("rule", &rule);
        if is_unsilenceable(&rule) {
            alert.label("unsilenceable", "true");
        }
        guide(alert, &rule);
        alert.label("region", region);
        alert.label("state", &self.state);
    }

    fn note(&self, alert: &mut Alert) {
        if let Some(muted) = &self.muted {
            alert.label("muted", "true");
            alert.note(format!("muted by {muted}: AWS notifies nobody else of this alarm"));
        }
        if self.operation.as_deref() == Some("delete") {
            alert.note("nobody will hear of what this alarm watched");
        }
    }

    fn link(&self) -> Option<Link> {
        let region = self.region.as_ref()?;
        let name = percent_encoding::utf8_percent_encode(&self.name, percent_encoding::NON_ALPHANUMERIC);
        let url =
            format!("https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#alarmsV2:alarm/{name}");
        Some(Link { name: "the alarm".to_owned(), url })
    }
}

/// `severity=critical` in a description.
fn severity_word(word: &str) -> Option<Severity> {
    Severity::named(&word.strip_prefix("severity=")?.trim_end_matches([',', ';', '.']).to_ascii_lowercase())
}

/// An alarm's name, from its ARN.
pub(in crate::alert) fn short(arn: &str) -> String {
    arn.split_once(":alarm:").map_or(arn, |(_, name)| name).to_owned()
}

/// The metric of a Metrics Insights query: `SELECT SUM(Calls) FROM "Namespace" …` or `… FROM SCHEMA("Namespace", …)`.
fn queried(expression: &str) -> Option<Metric> {
    let rest = expression.trim().strip_prefix("SELECT ")?;
    let (function, from) = rest.split_once(" FROM ")?;
    let name = function.split_once('(')?.1.split_once(')')?.0;
    let schema = from.trim_start().strip_prefix("SCHEMA(").unwrap_or(from).trim_start();
    let namespace = match schema.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?.0,
        None => schema.split([' ', ',', ')']).next()?,
    };
    let plain = |text: &str| text.trim().trim_matches('"').to_owned();
    Some(Metric { namespace: plain(namespace), name: plain(name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insights_queries_name_their_metric() {
        let check = |query: &str, expect: &str| {
            let metric = queried(query).map(|metric| format!("{}/{}", metric.namespace, metric.name));
            assert_eq!(metric.as_deref().unwrap_or_default(), expect);
        };
        check("SELECT SUM(DeniedCalls) FROM \"LogMetrics\" GROUP BY AccountId", "LogMetrics/DeniedCalls");
        check("SELECT MAX(\"a b\") FROM SCHEMA(\"My NS\", AccountId)", "My NS/a b");
        check("FILL(m1,0)+FILL(m2,0)", "");
    }

    #[test]
    fn severity_is_read_from_the_description() {
        let check = |description: &str, expect: Severity| {
            let alarm = Alarm { description: Some(description.to_owned()), name: "x".into(), ..Alarm::default() };
            assert_eq!(alarm.severity(), expect);
        };
        check("CIS 4.3 root usage. severity=low", Severity::Low);
        check("CIS 4.3 root usage", Severity::Critical);
        check("severity=enormous", Severity::Medium);
    }
}
