//! What waits before it is told, and until when: hours of a route, quiet hours of a receiver, groups. Pure.
//!
//! Nothing that waits is dropped: it goes into a bucket and is told together with what else is in it, when its time has
//! come. What is critical waits for no quiet hours, and what cannot be silenced for nothing at all.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::digest::digest;
use super::model::{Alert, Severity};
use super::route::{Terms, is_unsilenceable};
use crate::config::Pause;
use crate::config::alerts::{Alerts, Interval, end_of};

/// Where something waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hold {
    /// The bucket.
    pub bucket: String,
    /// Why it waits.
    pub because: String,
    /// Until when.
    pub until: Until,
}

/// Until when something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// A moment.
    At(Timestamp),
    /// So long after the first of the bucket, and so long after the bucket was told.
    Group(Pause, Pause),
}

const GROUP_WAIT: Pause = Pause::seconds(30);
const GROUP_INTERVAL: Pause = Pause::seconds(300);
/// How long a time that never ends is waited for.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Where the alert waits on its way to the receiver, if it does.
pub(super) fn hold(alerts: &Alerts, receiver: &str, terms: &Terms, alert: &Alert, now: Timestamp) -> Option<Hold> {
    if is_unsilenceable(&alert.labels) {
        return None;
    }
    let (quiet, muted) = (quiet(alerts, receiver, alert, now), muted(alerts, receiver, terms, now));
    let later = [quiet, muted].into_iter().flatten().max_by_key(|hold| hold.until);
    later.or_else(|| group(receiver, terms, alert))
}

fn quiet(alerts: &Alerts, receiver: &str, alert: &Alert, now: Timestamp) -> Option<Hold> {
    if alert.severity == Severity::Critical {
        return None;
    }
    let names = alerts.quiet.get(receiver)?;
    let intervals = named(alerts, names);
    let is = |at: Timestamp| intervals.iter().any(|interval| interval.holds(at));
    is(now).then(|| at("quiet", receiver, "quiet hours", end_of(&intervals, now, is), now))
}

fn muted(alerts: &Alerts, receiver: &str, terms: &Terms, now: Timestamp) -> Option<Hold> {
    let (mute, active) = (named(alerts, &terms.mute_times), named(alerts, &terms.active_times));
    let is = |at: Timestamp| {
        mute.iter().any(|interval| interval.holds(at))
            || (!active.is_empty() && !active.iter().any(|interval| interval.holds(at)))
    };
    let both: Vec<&Interval> = mute.iter().chain(&active).copied().collect();
    is(now).then(|| at("mute", receiver, "the route's hours", end_of(&both, now, is), now))
}

fn at(kind: &str, receiver: &str, because: &str, until: Option<Timestamp>, now: Timestamp) -> Hold {
    let until = until.or_else(|| now.checked_add(PATIENCE).ok()).unwrap_or(now);
    Hold {
        bucket: format!("{kind}#{receiver}#{until}"),
        because: format!("{because} until {until}"),
        until: Until::At(until),
    }
}

fn group(receiver: &str, terms: &Terms, alert: &Alert) -> Option<Hold> {
    let wait = terms.group_wait.unwrap_or(GROUP_WAIT);
    if terms.group_by.is_empty() || wait == Pause::seconds(0) {
        return None;
    }
    let value = |label: &String| alert.labels.get(label).map(ToString::to_string).unwrap_or_default();
    let alike: Vec<String> = terms.group_by.iter().map(|label| format!("{label}={}", value(label))).collect();
    let parts: Vec<&str> = alike.iter().map(String::as_str).collect();
    Some(Hold {
        bucket: format!("group#{receiver}#{}", digest(&parts)),
        because: format!("the group {} waits {wait} for more", alike.join(", ")),
        until: Until::Group(wait, terms.group_interval.unwrap_or(GROUP_INTERVAL)),
    })
}

fn named<'a>(alerts: &'a Alerts, names: &[String]) -> Vec<&'a Interval> {
    names.iter().filter_map(|name| alerts.intervals.get(name)).collect()
}
