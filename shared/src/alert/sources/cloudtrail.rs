//! CloudTrail events on EventBridge: the same facts as behind an alarm, seconds after the call.
//!
//! Real events and all public rules say `AWS Console Sign In via CloudTrail`, the guide prints `Signin`: the start of
//! the words decides (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-aws-service-specific-topics.html>).

use serde_json::Value;

use super::{Incoming, Source};
use crate::alert::cis;
use crate::alert::model::{Alert, Identity, Severity, text};
use crate::alert::record::evidence;

/// The source.
pub(super) struct CloudTrail;

impl Source for CloudTrail {
    fn name(&self) -> &'static str {
        "cloudtrail"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let kind = text(&incoming.json, "/detail-type")?;
        if !kind.ends_with("via CloudTrail") {
            return None;
        }
        let record = incoming.json.get("detail")?;
        let event = evidence(record)?;
        let mut alert = Alert::new(&incoming.message.id, "cloudtrail", "event", &incoming.message.text);
        let usual = cis::severity_of_event(event.what.as_str());
        alert.severity = if is_root(record) { Severity::Critical } else { usual };
        alert.title = crate::alert::Text::line(&format!("{} by {}", event.what, event.who));
        alert.account = event.account.clone();
        alert.time = event.when;
        alert.label("event", event.what.as_str());
        alert.label("principal", event.who.as_str());
        alert.label("region", event.r#where.as_str());
        alert.identity = Identity::new("event", &[&event.id], "");
        alert.evidence = vec![event];
        Some(alert)
    }
}

/// The root user itself, as CIS 4.3 has it: not a service that acts in its name.
fn is_root(record: &Value) -> bool {
    text(record, "/userIdentity/type") == Some("Root")
        && text(record, "/userIdentity/invokedBy").is_none()
        && text(record, "/eventType") != Some("AwsServiceEvent")
}
