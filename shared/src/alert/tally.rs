//! Refused calls and failed sign-ins, counted: one is everyday, many within ten minutes are a matter.
//!
//! Whoever tries every call there is would bury what matters under messages. So what a principal does for the first time
//! is told by itself; what it did before is counted, and from a number on the count is one matter, told again whenever
//! it has doubled and once more when it is over. Refused calls count by account and principal; failed sign-ins by account,
//! because CloudTrail hides who failed
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html>).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Text;
use super::claim;
use super::digest::digest;
use super::episodes::stamp;
use super::model::{Alert, Extent, Identity, Severity, text};
use super::route::is_unsilenceable;
use crate::config::alerts::Floods;
use crate::job::Failure;
use crate::store::{Key, Store, StoreError, When};
use crate::telemetry::{Metric, emit_by};

/// What becomes of a counted event.
#[derive(Debug)]
pub(super) enum Counted {
    /// This is told: the event as what it is, or the flood that it is one of.
    Told(Box<Alert>),
    /// It is counted, and that is all, because of this.
    Kept(String),
}

/// What is known of one principal's calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tally {
    /// How many, by minute; those of the last ten.
    minutes: BTreeMap<i64, u64>,
    /// The last events, because messages come twice.
    ids: Vec<String>,
    /// The flood that is on.
    flood: Option<Flood>,
}

/// A flood, from its first event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Flood {
    since: Timestamp,
    total: u64,
    calls: BTreeMap<String, u64>,
}

/// Whether a flood is over.
pub(super) enum Standing {
    /// Not before this time.
    Until(Timestamp),
    /// It is, after so many events.
    Over(Option<u64>),
}

/// The time within which events count together, in minutes.
const WITHIN: i64 = 10;
/// What grows in a flood.
pub(super) const CALLS: &str = "calls";
/// When it is looked first whether a flood is over.
pub(super) const FLOOD: SignedDuration = SignedDuration::from_mins(11);
/// How many ids and kinds of calls are remembered.
const IDS: usize = 200;
const KINDS: usize = 100;
const TRIES: usize = 20;
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long it is known what a principal has done before.
const SEEN: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How many of the alert's rule make a flood, if they are counted at all.
fn limit(alert: &Alert, floods: &Floods) -> Option<u64> {
    let counted = alert.kind == "event" && alert.noise.is_none() && !is_unsilenceable(&alert.labels);
    let rule = alert.labels.get("rule").filter(|_| counted)?;
    match rule.as_str() {
        "cis-4.1" => Some(floods.refused_calls.into()),
        "cis-4.6" => Some(floods.failed_sign_ins.into()),
        _ => None,
    }
}

/// Counts the event that the alert is about, if such events are counted.
pub(super) async fn counted(
    store: &dyn Store,
    alert: Alert,
    record: Option<&Value>,
    floods: &Floods,
    now: Timestamp,
) -> Result<Counted, Failure> {
    let (Some(limit), Some(event)) = (limit(&alert, floods), alert.evidence.first().cloned()) else {
        return Ok(Counted::Told(Box::new(alert)));
    };
    let rule = alert.labels.get("rule").map(ToString::to_string).unwrap_or_default();
    let account = event.account.as_ref().map_or("-", AsRef::as_ref);
    let who = principal(record, event.who.as_str());
    let of = if rule == "cis-4.6" { "" } else { who };
    let thing = Identity::new("flood", &[&rule, account, of], "");
    let (id, at, what) = (event.id.clone(), event.when.unwrap_or(now), event.what.to_string());
    let seen = Key::new(format!("seen#{}", digest(&[&rule, account, who, &what])), "-");
    let is_first = claim::is_first(store, &seen, &id, SEEN, now).await?;
    emit_by("alerts", ("rule", &rule), &[Metric::count("Counted", 1)]);
    let tally = add(store, thing.thing(), &id, (at, &what), limit, now).await?;
    Ok(match (&tally.flood, is_first) {
        (Some(flood), _) => Counted::Told(Box::new(told(alert, flood, [&rule, account, of]))),
        (None, true) => Counted::Told(Box::new(alert)),
        (None, false) => Counted::Kept(format!(
            "counted: {} within {WITHIN} minutes, and told from {limit} on; it was told before that this principal does so",
            tally.count()
        )),
    })
}

/// The role behind a session, because names of sessions are free; else whoever it is.
fn principal<'a>(record: Option<&'a Value>, who: &'a str) -> &'a str {
    record.and_then(|record| text(record, "/userIdentity/sessionContext/sessionIssuer/arn")).unwrap_or(who)
}

/// Adds an event to its tally, once.
async fn add(
    store: &dyn Store,
    thing: &str,
    id: &str,
    (at, what): (Timestamp, &str),
    limit: u64,
    now: Timestamp,
) -> Result<Tally, Failure> {
    for _ in 0..TRIES {
        let (mut tally, when) = match store.get(&key(thing)).await?.filter(|item| item.lives(now)) {
            Some(item) => (item.read::<Tally>()?, When::Version(item.version)),
            None => (Tally::default(), When::AbsentAt(now)),
        };
        if !tally.add(id, at, what, limit) {
            return Ok(tally);
        }
        let body = serde_json::to_value(&tally).unwrap_or_default();
        match store.put(&key(thing), body, now.checked_add(KEPT).ok(), when).await {
            Ok(_) => return Ok(tally),
            Err(StoreError::Lost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Retryable(format!("others keep counting {thing}")))
}

/// Whether the flood that began then is over.
pub(super) async fn standing(
    store: &dyn Store,
    thing: &str,
    since: &str,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    let tally = store.get(&key(thing)).await?.map(|item| item.read::<Tally>()).transpose()?.unwrap_or_default();
    let Some(flood) = tally.flood.as_ref().filter(|flood| stamp(flood.since) == since) else {
        return Ok(Standing::Over(None));
    };
    let last = tally.minutes.keys().next_back().copied().unwrap_or_default();
    let end = Timestamp::from_second((last + WITHIN + 1) * 60).unwrap_or(now);
    Ok(if end > now { Standing::Until(end) } else { Standing::Over(Some(flood.total)) })
}

fn key(thing: &str) -> Key {
    Key::new(format!("tally#{thing}"), "-")
}

impl Tally {
    /// Takes an event in; `false`: it was there already.
    fn add(&mut self, id: &str, at: Timestamp, what: &str, limit: u64) -> bool {
        if !id.is_empty() && self.ids.iter().any(|known| known == id) {
            return false;
        }
        self.ids.push(id.to_owned());
        let many = self.ids.len().saturating_sub(IDS);
        self.ids.drain(..many);
        let minute = at.as_second().div_euclid(60);
        let last = self.minutes.keys().next_back().copied().unwrap_or(minute).max(minute);
        self.minutes.retain(|known, _| *known > last - WITHIN);
        if self.minutes.is_empty() {
            self.flood = None;
        }
        if minute > last - WITHIN {
            *self.minutes.entry(minute).or_default() += 1;
        }
        if self.flood.is_none() && self.count() >= limit {
            self.flood = Some(Flood { since: at, total: self.count() - 1, calls: BTreeMap::new() });
        }
        if let Some(flood) = &mut self.flood {
            flood.total += 1;
            if flood.calls.len() < KINDS || flood.calls.contains_key(what) {
                *flood.calls.entry(what.to_owned()).or_default() += 1;
            }
        }
        true
    }

    fn count(&self) -> u64 {
        self.minutes.values().sum()
    }
}

/// The flood as an alert, by the last of its events.
fn told(mut alert: Alert, flood: &Flood, parts: [&str; 3]) -> Alert {
    let who = alert.labels.get("principal").map(ToString::to_string).unwrap_or_default();
    let what = match parts {
        ["cis-4.6", account, _] => format!("failed sign-ins in {account}"),
        _ => format!("refused calls by {who}"),
    };
    alert.title = Text::line(&format!("{} {what} since {}", flood.total, flood.since));
    alert.severity = Severity::High;
    alert.extent = Some(Extent { of: CALLS.to_owned(), size: flood.total.into(), step: 100 });
    alert.fact("how many", flood.total.to_string());
    let mut calls: Vec<(&String, &u64)> = flood.calls.iter().collect();
    calls.sort_by_key(|(what, n)| (std::cmp::Reverse(**n), *what));
    let shown: Vec<String> = calls.iter().take(12).map(|(what, n)| format!("{what} {n}")).collect();
    let more = calls.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(", and {more} other calls") } else { String::new() };
    alert.fact("from then on", format!("{}{more}", shown.join(", ")));
    alert.identity = Identity::new("flood", &parts, &stamp(flood.since));
    // Its events are many; the last stands for them, and belongs to no matter alone.
    for event in &mut alert.evidence {
        event.id.clear();
    }
    alert
}
