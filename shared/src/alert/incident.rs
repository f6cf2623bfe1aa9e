//! One matter, however many signals: what was seen of it, and whether a signal says anything new.
//!
//! SNS and EventBridge deliver at least once, budgets notify again in the same period, and one alarm comes by two
//! ways. The answer is pure; the store's conditional writes keep two runs from both being first.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Text;
use super::model::{Alert, Status};
use crate::store::Key;
use crate::types::AccountId;

/// What is remembered of a matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// How it stands.
    pub status: Status,
    /// Which time it is.
    pub episode: String,
    /// When the signal that opened or closed it happened.
    pub at: Timestamp,
    /// When it was first heard of.
    pub opened: Timestamp,
    /// When it was last heard of.
    pub seen: Timestamp,
    /// How many signals there were.
    pub signals: u64,
    /// The account concerned.
    pub account: Option<AccountId>,
    /// What it is, for people.
    pub title: Text,
}

/// What a signal is to a matter, and so what a delivery tells of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// It begins.
    #[default]
    First,
    /// Something was found out, or it became worse, or somebody took it.
    Update,
    /// A signal: nothing new.
    Known,
    /// It still lasts.
    Repeat,
    /// Nobody has taken it, so somebody else hears of it.
    Escalation,
    /// It ends.
    Resolve,
    /// Several matters that waited together.
    Digest,
    /// A signal: it is older than what is known, or ends what is not open.
    Stale,
}

impl Turn {
    /// Whether somebody should hear of it; else why not.
    pub fn silent_because(self) -> Option<&'static str> {
        match self {
            Self::First | Self::Update | Self::Repeat | Self::Escalation | Self::Resolve | Self::Digest => None,
            Self::Known => Some("it was delivered before"),
            Self::Stale => Some("it is older than what is known, or nothing was open"),
        }
    }
}

/// How long a matter is remembered: longer than the longest budget period.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 400);

/// The partition of all incidents of the alert's thing.
pub(super) fn partition(alert: &Alert) -> String {
    format!("incident#{}", alert.identity.thing())
}

/// Where the incident is kept: one for each account concerned.
pub(super) fn key(alert: &Alert) -> Key {
    Key::new(partition(alert), alert.account.as_ref().map_or("-", AsRef::as_ref))
}

/// When the incident is forgotten.
pub(super) fn forgotten(now: Timestamp) -> Option<Timestamp> {
    now.checked_add(REMEMBERED).ok()
}

/// What the alert is to what is known.
pub fn turn(known: Option<&Incident>, alert: &Alert, now: Timestamp) -> Turn {
    let at = alert.time.unwrap_or(now);
    match (known, alert.status) {
        (Some(known), Status::Firing) if known.episode == alert.identity.episode => Turn::Known,
        (Some(known), Status::Firing) if at < known.at => Turn::Stale,
        (_, Status::Firing) => Turn::First,
        (Some(known), Status::Resolved) if known.status == Status::Firing && at >= known.at => Turn::Resolve,
        (_, Status::Resolved) => Turn::Stale,
    }
}

/// What is known afterwards.
pub fn after(known: Option<&Incident>, alert: &Alert, turn: Turn, now: Timestamp) -> Option<Incident> {
    match (turn, known) {
        (Turn::First, _) => Some(Incident {
            status: Status::Firing,
            episode: alert.identity.episode.clone(),
            at: alert.time.unwrap_or(now),
            opened: now,
            seen: now,
            signals: 1,
            account: alert.account.clone(),
            title: alert.title.clone(),
        }),
        (Turn::Known, Some(known)) => Some(Incident { seen: now, signals: known.signals + 1, ..known.clone() }),
        (Turn::Resolve, Some(known)) => Some(Incident {
            status: Status::Resolved,
            at: alert.time.unwrap_or(now),
            seen: now,
            signals: known.signals + 1,
            ..known.clone()
        }),
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(status: Status, at: &str) -> Alert {
        let mut alert = Alert::new("m1", "test", "alarm", "");
        alert.status = status;
        alert.time = Some(at.parse().unwrap());
        alert.identity.episode = at.to_owned();
        alert
    }

    fn check(story: &[(Status, &str, Turn)]) {
        let mut known = None;
        for (status, at, expect) in story {
            let alert = alert(*status, at);
            let got = turn(known.as_ref(), &alert, Timestamp::UNIX_EPOCH);
            assert_eq!(got, *expect, "{status:?} {at}");
            known = after(known.as_ref(), &alert, got, Timestamp::UNIX_EPOCH).or(known);
        }
    }

    const T1: &str = "2026-11-12T04:26:51Z";
    const T2: &str = "2026-11-12T04:31:51Z";
    const T3: &str = "2026-11-12T05:00:00Z";

    #[test]
    fn alarm_begins_repeats_ends_and_begins_again() {
        use Status::{Firing, Resolved};
        check(&[
            (Firing, T1, Turn::First),
            (Firing, T1, Turn::Known),
            (Resolved, T2, Turn::Resolve),
            (Resolved, T2, Turn::Stale),
            (Firing, T1, Turn::Known),
            (Firing, T3, Turn::First),
        ]);
    }

    #[test]
    fn late_signals_change_nothing() {
        check(&[
            (Status::Resolved, T2, Turn::Stale),
            (Status::Firing, T3, Turn::First),
            (Status::Resolved, T2, Turn::Stale),
            (Status::Firing, T1, Turn::Stale),
        ]);
    }
}
