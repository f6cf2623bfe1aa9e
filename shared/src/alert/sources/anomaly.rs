//! AWS Cost Anomaly Detection: `Anomaly Detected` on EventBridge, or the same as JSON on SNS.
//!
//! The two shapes differ: `dimensionValue` on EventBridge is `dimensionalValue` on SNS, and root causes may be missing
//! (<https://docs.aws.amazon.com/cost-management/latest/userguide/cad-eventbridge.html>).

use serde_json::Value;

use super::{Incoming, Source};
use crate::alert::Text;
use crate::alert::model::{Alert, Identity, Link, Severity, account, instant, text};

/// The source.
pub(super) struct Anomalies;

impl Source for Anomalies {
    fn name(&self) -> &'static str {
        "cost-anomaly-detection"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let json = &incoming.json;
        let of_bus = text(json, "/source") == Some("aws.ce") && text(json, "/detail-type") == Some("Anomaly Detected");
        let detail = if of_bus { json.get("detail")? } else { json };
        let id = text(detail, "/anomalyId")?;
        Some(alert(incoming, detail, id))
    }
}

fn alert(incoming: &Incoming<'_>, detail: &Value, id: &str) -> Alert {
    let mut alert = Alert::new(&incoming.message.id, "cost-anomaly-detection", "anomaly", &incoming.message.text);
    let causes: Vec<&Value> = detail.get("rootCauses").and_then(Value::as_array).into_iter().flatten().collect();
    let subject = text(detail, "/dimensionValue").or_else(|| text(detail, "/dimensionalValue"));
    let impact = number(detail, "/impact/totalImpact");
    let amount = impact.as_deref().map(|impact| format!(": {impact} more than expected")).unwrap_or_default();
    alert.title = Text::line(&format!("Cost anomaly in {}{amount}", subject.unwrap_or("an unnamed dimension")));
    alert.severity = Severity::Medium;
    let first = causes.iter().find_map(|cause| account(cause, "/linkedAccount"));
    alert.account = first.or_else(|| account(detail, "/accountId"));
    alert.time = text(detail, "/anomalyStartDate").and_then(instant);
    alert.label("service", subject.unwrap_or_default());
    let facts = [
        ("impact", impact),
        ("impact in percent", number(detail, "/impact/totalImpactPercentage")),
        ("actual spend", number(detail, "/impact/totalActualSpend")),
        ("expected spend", number(detail, "/impact/totalExpectedSpend")),
        ("monitor", text(detail, "/monitorName").map(str::to_owned)),
        ("paying account", text(detail, "/accountId").map(str::to_owned)),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            alert.fact(name, value);
        }
    }
    for cause in causes.iter().take(5) {
        alert.fact("root cause", cause_line(cause));
    }
    if let Some(monitor) = text(detail, "/monitorArn").and_then(|arn| arn.rsplit('/').next()).filter(|id| plain(id)) {
        let place = "https://console.aws.amazon.com/cost-management/home#/anomaly-detection/monitors";
        alert.links.push(Link { name: "the monitor".to_owned(), url: format!("{place}/{monitor}") });
    }
    alert.identity = Identity::new("anomaly", &[id], "");
    alert
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
