//! AWS Cost Anomaly Detection: `Anomaly Detected` on EventBridge, or the same as JSON on SNS.
//!
//! The two shapes differ: `dimensionValue` on EventBridge is `dimensionalValue` on SNS, and root causes may be missing
//! (<https://docs.aws.amazon.com/cost-management/latest/userguide/cad-eventbridge.html>).

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::Value;

use super::{Incoming, Source};
use crate::alert::Text;
use crate::alert::enrich::World;
use crate::alert::model::{Alert, Extent, Identity, Link, Severity, account, instant, text};
use crate::types::AccountId;

/// The source.
pub(super) struct Anomalies;

/// By how many percent an anomaly grows before it is told again. AWS sends it anew with every evaluation of the spend,
/// several times a day, for as long as it lasts; a fifth more is what may change what somebody does about it.
const GROWTH: u32 = 20;
/// How many causes are told.
const TOLD: usize = 10;

#[async_trait]
impl Source for Anomalies {
    fn name(&self) -> &'static str {
        "cost-anomaly-detection"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let (detail, id) = anomaly(&incoming.json)?;
        let mut alert = alert(incoming, detail, id);
        let accounts = linked(detail);
        alert.account = accounts.first().cloned().or_else(|| account(detail, "/accountId"));
        tell(&mut alert, detail, |_| true);
        Some(alert)
    }

    /// An anomaly of several accounts is a matter for each of them.
    async fn observe(&self, whole: Alert, incoming: &Incoming<'_>, _: &World) -> Vec<Alert> {
        let Some((detail, id)) = anomaly(&incoming.json) else { return vec![whole] };
        let accounts = linked(detail);
        if accounts.len() < 2 {
            return vec![whole];
        }
        let for_one = |of: AccountId| {
            let mut alert = alert(incoming, detail, id);
            tell(&mut alert, detail, |cause| account(cause, "/linkedAccount").is_none_or(|other| other == of));
            alert.fact("accounts", accounts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" "));
            alert.account = Some(of);
            alert
        };
        accounts.iter().cloned().map(for_one).collect()
    }
}

/// The anomaly in a message of either shape, and its id.
fn anomaly(json: &Value) -> Option<(&Value, &str)> {
    let of_bus = text(json, "/source") == Some("aws.ce") && text(json, "/detail-type") == Some("Anomaly Detected");
    let detail = if of_bus { json.get("detail")? } else { json };
    Some((detail, text(detail, "/anomalyId")?))
}

fn causes(detail: &Value) -> impl Iterator<Item = &Value> {
    detail.get("rootCauses").and_then(Value::as_array).into_iter().flatten()
}

/// The accounts that caused it, each once, in the message's order.
fn linked(detail: &Value) -> Vec<AccountId> {
    let mut seen = BTreeSet::new();
    causes(detail).filter_map(|cause| account(cause, "/linkedAccount")).filter(|id| seen.insert(id.clone())).collect()
}

fn alert(incoming: &Incoming<'_>, detail: &Value, id: &str) -> Alert {
    let mut alert = Alert::new(&incoming.message.id, "cost-anomaly-detection", "anomaly", &incoming.message.text);
    let subject = text(detail, "/dimensionValue").or_else(|| text(detail, "/dimensionalValue"));
    let service = subject.or_else(|| causes(detail).find_map(|cause| text(cause, "/service")));
    let impact = number(detail, "/impact/totalImpact");
    alert.extent = impact.as_deref().and_then(|impact| impact.parse().ok()).map(|size| Extent {
        of: "impact".to_owned(),
        size,
        step: GROWTH,
    });
    let amount = impact.as_deref().map(|impact| format!(": {impact} more than expected")).unwrap_or_default();
    alert.title = Text::line(&format!("Cost anomaly in {}{amount}", service.unwrap_or("an unnamed dimension")));
    alert.severity = Severity::Medium;
    alert.time = text(detail, "/anomalyStartDate").and_then(instant);
    alert.label("service", service.unwrap_or_default());
    alert.label("impact", impact.as_deref().unwrap_or_default());
    let word = |pointer: &str| text(detail, pointer).map(str::to_owned);
    let facts = [
        ("impact", impact),
        ("impact in percent", number(detail, "/impact/totalImpactPercentage")),
        ("actual spend", number(detail, "/impact/totalActualSpend")),
        ("expected spend", number(detail, "/impact/totalExpectedSpend")),
        ("from", word("/anomalyStartDate")),
        ("to", word("/anomalyEndDate")),
        ("monitor", word("/monitorName")),
        ("subscription", word("/subscriptionName")),
        ("paying account", word("/accountId")),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            alert.fact(name, value);
        }
    }
    if let Some(monitor) = text(detail, "/monitorArn").and_then(|arn| arn.rsplit('/').next()).filter(|id| plain(id)) {
        let place = "https://console.aws.amazon.com/cost-management/home#/anomaly-detection/monitors";
        let page = if plain(id) { format!("{place}/{monitor}/anomalies/{id}") } else { format!("{place}/{monitor}") };
        alert.links.push(Link { name: "the anomaly".to_owned(), url: page });
    }
    alert.identity = Identity::new("anomaly", &[id], "");
    alert
}

/// The causes that are meant, the first of them; AWS may name none.
fn tell(alert: &mut Alert, detail: &Value, meant: impl Fn(&Value) -> bool) {
    let lines: Vec<String> =
        causes(detail).filter(|cause| meant(cause)).map(cause_line).filter(|line| !line.is_empty()).collect();
    for line in lines.iter().take(TOLD) {
        alert.fact("root cause", line);
    }
    if lines.is_empty() {
        alert.note("the message names no root cause: the account, service and region are not known");
    }
    if lines.len() > TOLD {
        alert.note(format!("{} more root causes are in the raw message", lines.len() - TOLD));
    }
}

/// A cause's account, service, region and usage type, as far as they are told.
fn cause_line(cause: &Value) -> String {
    let parts = ["/linkedAccountName", "/linkedAccount", "/service", "/region", "/usageType"];
    let mut line: Vec<String> = parts.iter().filter_map(|part| text(cause, part)).map(str::to_owned).collect();
    line.extend(number(cause, "/impact/contribution").map(|share| format!("contributes {share}")));
    line.join(", ")
}

fn number(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).filter(|found| found.is_number()).map(Value::to_string)
}

/// Whether an id holds nothing that could lead a link elsewhere.
fn plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alert::fakes::sample;
    use crate::event::Message;

    fn read(json: &Value) -> Alert {
        Anomalies.read(&Incoming::new(&Message::direct("m1", json.to_string()))).unwrap()
    }

    #[test]
    fn both_spellings_are_the_same_matter() {
        let of = |name: &str| Anomalies.read(&Incoming::new(&sample(&format!("budget-router/{name}"))[0])).unwrap();
        let (bus, topic) = (of("cost-eventbridge-anomaly-detected"), of("cost-sns-anomaly"));
        assert_eq!((&bus.title, &bus.account, &bus.identity), (&topic.title, &topic.account, &topic.identity));
        assert_eq!(bus.labels["service"].as_str(), "Amazon SageMaker");
        assert_eq!(topic.labels["service"].as_str(), "Amazon SageMaker");
    }

    #[test]
    fn anomaly_without_causes_is_told_to_the_payer() {
        for causes in [json!([]), json!(null), json!([{}]), json!("?")] {
            let alert = read(&json!({"anomalyId": "a-1", "accountId": "111122223333", "rootCauses": causes}));
            assert_eq!(alert.account.as_ref().map(AsRef::as_ref), Some("111122223333"), "{causes}");
            assert_eq!(alert.title.as_str(), "Cost anomaly in an unnamed dimension");
        }
    }

    #[test]
    fn ids_from_outside_lead_no_link_elsewhere() {
        let arn = "arn:aws:ce::111122223333:anomalymonitor/abc";
        let alert = read(&json!({"anomalyId": "a?x=//evil.example", "monitorArn": arn}));
        assert!(alert.links[0].url.ends_with("/monitors/abc"), "{}", alert.links[0].url);
    }
}
