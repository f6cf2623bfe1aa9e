//! The first sign of work in a region that nobody governs: an early sign of cost, and often of somebody else's work.
//!
//! Each account and region is told once a day, by the first call that makes something there; whatever else that call is
//! (a benchmark's rule, a large instance) is told besides. Calls to global services are recorded in a region as well, so
//! what the policy on regions lets through everywhere does not count.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Text;
use super::claim;
use super::model::{Alert, Identity, Severity, text};
use super::record::evidence;
use super::rules::principal_kind;
use super::sources::{Incoming, record};
use crate::config::Config;
use crate::store::{Key, Store, StoreError};
use crate::types::Region;

/// What calls begin with that make something.
const MAKES: [&str; 12] = [
    "Allocate",
    "Copy",
    "Create",
    "Deploy",
    "Import",
    "Launch",
    "Provision",
    "Purchase",
    "Request",
    "Restore",
    "Run",
    "Start",
];

/// How long it is known what was the first of a day.
const KEPT: SignedDuration = SignedDuration::from_hours(72);

/// Services that work in every region, or in none: those that the policy on regions spares whole.
static EVERYWHERE: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let policy: Value = serde_json::from_str(include_str!("../../policies/deny-regions.json")).unwrap_or_default();
    let statements = policy.get("Statement").and_then(Value::as_array).into_iter().flatten();
    let spared = statements.filter_map(|statement| statement.get("NotAction")?.as_array()).flatten();
    spared.filter_map(|action| Some(action.as_str()?.strip_suffix(":*")?.to_owned())).collect()
});

/// The alert that a call is, if it is the day's first of its account that makes something in a region without a
/// governor. A message that comes again is the first again.
pub(super) async fn sighted(
    store: &dyn Store,
    config: &Config,
    incoming: &Incoming<'_>,
    now: Timestamp,
) -> Result<Option<Alert>, StoreError> {
    let Some(record) = record(&incoming.json).filter(|record| makes(record)) else { return Ok(None) };
    let Some(region) = text(record, "/awsRegion").and_then(|region| region.parse::<Region>().ok()) else {
        return Ok(None);
    };
    let Some(alert) = alert(incoming, record, &region, now) else { return Ok(None) };
    if config.regions.govern.contains(&region) || is_own(config, record) {
        return Ok(None);
    }
    let id = text(record, "/eventID").unwrap_or(&incoming.message.id);
    let key = Key::new(alert.identity.thing(), &alert.identity.episode);
    let is_first = claim::is_first(store, &key, id, KEPT, now).await?;
    Ok(is_first.then_some(alert))
}

/// Whether the call made something, as far as its name shows, and not a service by itself.
fn makes(record: &Value) -> bool {
    let service = text(record, "/eventSource").unwrap_or_default().trim_end_matches(".amazonaws.com");
    let name = text(record, "/eventName").unwrap_or_default();
    MAKES.iter().any(|verb| name.starts_with(verb))
        && record.get("readOnly").and_then(Value::as_bool) != Some(true)
        && text(record, "/errorCode").is_none()
        && principal_kind(record) != "service"
        && !EVERYWHERE.contains(service)
}

/// Whether Forester made the call: it looks after every enabled region.
fn is_own(config: &Config, record: &Value) -> bool {
    let arn = text(record, "/userIdentity/arn").unwrap_or_default();
    let roles = std::iter::once(&config.access.role).chain(&config.access.fallback);
    let mut names = roles.filter_map(|role| role.rsplit('/').next());
    names.any(|name| arn.contains(&format!(":assumed-role/{name}/")))
}

fn alert(incoming: &Incoming<'_>, record: &Value, region: &Region, now: Timestamp) -> Option<Alert> {
    let mut event = evidence(record)?;
    let account = event.account.clone()?;
    let mut alert = Alert::new(&incoming.message.id, "cost-signals", "cost-signal", &incoming.message.text);
    alert.severity = Severity::High;
    alert.title = Text::line(&format!("{region} is in use, which nobody governs: {} by {}", event.what, event.who));
    alert.time = event.when;
    alert.label("rule", "new-region");
    alert.label("event", event.what.as_str());
    alert.label("principal", event.who.as_str());
    alert.label("principal.kind", principal_kind(record));
    alert.label("region", region);
    alert.fact("why", "the day's first call of the account that makes something outside of regions.govern");
    alert.fact("event", &event.id);
    let day = event.when.unwrap_or(now).to_zoned(TimeZone::UTC).date().to_string();
    alert.identity = Identity::new("new-region", &[account.as_ref(), region.as_ref()], &day);
    alert.account = Some(account);
    // The call is a matter of its own where a rule knows it; this one is about the region.
    event.id.clear();
    alert.evidence = vec![event];
    Some(alert)
}
