//! What is to be done about an alert: who hears, or why nobody does. Pure.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::channels;
use super::incident::{Incident, Turn, after, turn};
use super::model::Alert;
use super::outbox::Delivery;
use super::route::{Decision, decide, labels};
use crate::config::alerts::Alerts;

/// Everything decided about one alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The alert, with the labels that were matched.
    pub alert: Alert,
    /// What the signal is to the matter.
    pub turn: Turn,
    /// Who hears, and why.
    pub decision: Decision,
    /// What is known of the matter afterwards; `None`: nothing new.
    pub(super) incident: Option<Incident>,
    /// What is owed.
    pub deliveries: Vec<Delivery>,
}

impl Plan {
    /// Decides.
    pub(super) fn new(alerts: &Alerts, mut alert: Alert, known: Option<&Incident>, now: Timestamp) -> Self {
        let mut decision = decide(alerts, &alert, now);
        alert.labels = labels(&alert);
        let turn = turn(known, &alert, now);
        let silent = turn.silent_because().map(str::to_owned);
        decision.suppressed_by = silent.or(decision.suppressed_by);
        let incident = after(known, &alert, turn, now);
        let episode = match (turn, known) {
            (Turn::Resolve, Some(known)) => known.episode.clone(),
            _ => alert.identity.episode.clone(),
        };
        let deliveries = match decision.suppressed_by {
            Some(_) => Vec::new(),
            None => owed(alerts, &alert, &episode, &decision),
        };
        Self { alert, turn, decision, incident, deliveries }
    }

    /// What each channel would get, sent or not.
    pub(super) fn messages(&self, alerts: &Alerts) -> Vec<Value> {
        let all = owed(alerts, &self.alert, &self.alert.identity.episode, &self.decision);
        let rendered = all.iter().filter_map(|delivery| {
            let declared = alerts.receivers.get(&delivery.receiver)?.get(delivery.channel)?;
            let body = channels::of(declared)?.render(delivery);
            Some(json!({ "receiver": delivery.receiver, "channel": delivery.kind, "body": body }))
        });
        rendered.collect()
    }

    /// The plan as a report line.
    pub(super) fn report(&self) -> Value {
        json!({
            "title": self.alert.title,
            "kind": self.alert.kind,
            "severity": self.alert.severity,
            "account": self.alert.account,
            "turn": self.turn,
            "receivers": self.decision.receivers,
            "suppressed_by": self.decision.suppressed_by,
            "notes": self.alert.notes,
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.alert.title, self.alert.severity.name())?;
        match &self.decision.suppressed_by {
            Some(why) => write!(f, "not delivered: {why}"),
            None => write!(f, "to {}", self.decision.receivers.join(", ")),
        }
    }
}

/// What is owed to each channel of each receiver; every message says why its reader gets it.
fn owed(alerts: &Alerts, alert: &Alert, episode: &str, decision: &Decision) -> Vec<Delivery> {
    let of_receiver = |name: &String| {
        let taken = decision.route.iter().find(|taken| taken.receiver == *name);
        let mut alert = alert.clone();
        if let Some(taken) = taken {
            alert.fact("routed", format!("to {name}, by {}: {}", taken.at, taken.because));
        }
        let channels = alerts.receivers.get(name).map(Vec::as_slice).unwrap_or_default();
        let numbered = channels.iter().enumerate();
        numbered.map(|(n, channel)| Delivery::new(&alert, episode, name, n, channel.kind())).collect::<Vec<_>>()
    };
    decision.receivers.iter().flat_map(of_receiver).collect()
}
