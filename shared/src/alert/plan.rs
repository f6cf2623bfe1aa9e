//! What is to be done about a signal: what is known of the matter then, who is told what, or why nobody is. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::channels;
use super::incident::{Addressee, Incident, Place, Telling, Turn, turn};
use super::model::{Alert, Status};
use super::outbox::Delivery;
use super::route::{Decision, decide, labels};
use crate::config::alerts::Alerts;

/// A signal and the matter that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    /// What it says.
    pub alert: Alert,
    /// The matter.
    pub place: Place,
    /// Its events that belong to this matter.
    pub events: BTreeSet<String>,
    /// Who was told before the matter had a place of its own.
    pub heard: BTreeMap<String, String>,
    /// Whether what is behind it is still to be looked for.
    pub bare: bool,
}

/// Everything decided about one signal.
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
}

impl Signal {
    /// A signal that is a matter of its own.
    pub fn new(alert: Alert) -> Self {
        let events = alert.evidence.iter().flat_map(|event| event.ids().cloned()).collect();
        Self { place: Place::of(&alert), alert, events, heard: BTreeMap::new(), bare: false }
    }
}

impl Plan {
    /// Decides.
    pub(super) fn new(alerts: &Alerts, signal: &Signal, known: Option<&Incident>, now: Timestamp) -> Self {
        let mut alert = signal.alert.clone();
        let mut decision = decide(alerts, &alert, now);
        alert.labels = labels(&alert);
        let fresh: BTreeSet<String> = match known {
            Some(known) => signal.events.difference(&known.events).cloned().collect(),
            None => signal.events.clone(),
        };
        let turn = turn(known, &alert, &fresh, signal.bare);
        let incident = match turn {
            Turn::First | Turn::Update => Some(told(signal, &alert, known, &fresh, &decision, now)),
            Turn::Resolve => known.map(|known| resolved(known, &alert, now)),
            Turn::Known => known.map(|known| seen(known, signal.bare, now)),
            Turn::Repeat | Turn::Escalation | Turn::Digest | Turn::Stale => None,
        };
        if let (Turn::Resolve, Some(incident)) = (turn, &incident) {
            decision.receivers = incident.heard.keys().cloned().collect();
        }
        decision.suppressed_by = match (turn, &incident) {
            (Turn::Resolve, Some(incident)) if incident.tellings.is_empty() => {
                Some(incident.quiet.clone().unwrap_or_else(|| "nobody was told of it".to_owned()))
            }
            (Turn::Resolve, _) => None,
            _ => turn.silent_because().map(str::to_owned).or(decision.suppressed_by),
        };
        Self { alert, turn, decision, incident }
    }

    /// What each channel would get, sent or not.
    pub(super) fn messages(&self, alerts: &Alerts) -> Vec<Value> {
        let incident = Incident::new(Place::of(&self.alert), self.alert.clone(), Timestamp::UNIX_EPOCH);
        let to = addressees(&self.decision, &incident);
        let telling = Telling { revision: 1, alert: self.alert.clone(), news: Vec::new(), to };
        let rendered = telling.deliveries(&incident.id, alerts).into_iter().filter_map(|delivery| {
            let declared = alerts.receivers.get(&delivery.receiver)?.get(delivery.channel)?;
            let body = channels::of(declared).render(&delivery);
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
            "incident": self.incident.as_ref().map(|incident| &incident.id),
            "turn": self.turn,
            "receivers": self.decision.receivers,
            "suppressed_by": self.decision.suppressed_by,
            "notes": self.alert.notes,
        })
    }
}

/// The matter with what the signal adds, and the telling of it.
fn told(
    signal: &Signal,
    alert: &Alert,
    known: Option<&Incident>,
    fresh: &BTreeSet<String>,
    decision: &Decision,
    now: Timestamp,
) -> Incident {
    let fresh_start =
        || Incident { heard: signal.heard.clone(), ..Incident::new(signal.place.clone(), alert.clone(), now) };
    let mut incident = known.cloned().unwrap_or_else(fresh_start);
    incident.seen = now;
    incident.signals += 1;
    let news = incident.learn(alert, fresh);
    incident.bare = signal.bare;
    if let Some(why) = &decision.suppressed_by {
        incident.quiet = Some(why.clone());
        return incident;
    }
    incident.quiet = None;
    let to = addressees(decision, &incident);
    incident.tell(news, to);
    incident
}

fn resolved(known: &Incident, alert: &Alert, now: Timestamp) -> Incident {
    let mut incident = known.clone();
    incident.status = Status::Resolved;
    incident.seen = now;
    incident.signals += 1;
    incident.alert.status = Status::Resolved;
    incident.alert.time = alert.time.or(Some(now));
    incident.alert.title = alert.title.clone();
    incident.alert.raw = alert.raw.clone();
    let to = incident.heard.iter().map(|(receiver, thread)| Addressee {
        receiver: receiver.clone(),
        turn: Turn::Resolve,
        thread: thread.clone(),
        because: format!("to {receiver}, who was told of the matter"),
    });
    let to = to.collect();
    incident.tell(Vec::new(), to);
    incident
}

fn seen(known: &Incident, bare: bool, now: Timestamp) -> Incident {
    Incident { seen: now, signals: known.signals + 1, bare: known.bare && bare, ..known.clone() }
}

/// Whoever the routes name, and whoever was told before.
fn addressees(decision: &Decision, incident: &Incident) -> Vec<Addressee> {
    let named = decision.receivers.iter().map(|name| {
        let taken = decision.route.iter().find(|taken| taken.receiver == *name);
        let because = taken.map(|taken| format!("to {name}, by {}: {}", taken.at, taken.because));
        (name.clone(), because.unwrap_or_default())
    });
    let named: BTreeMap<String, String> = named.collect();
    let before = incident.heard.keys().filter(|name| !named.contains_key(*name));
    let before = before.map(|name| (name.clone(), format!("to {name}, who was told of the matter before")));
    let order = |name: &String| decision.receivers.iter().position(|known| known == name).unwrap_or(usize::MAX);
    let mut all: Vec<(String, String)> = named.clone().into_iter().chain(before).collect();
    all.sort_by_key(|(name, _)| order(name));
    let addressee = |(receiver, because): (String, String)| {
        let thread = incident.heard.get(&receiver);
        let turn = if thread.is_some() { Turn::Update } else { Turn::First };
        Addressee { turn, thread: thread.unwrap_or(&incident.id).clone(), receiver, because }
    };
    all.into_iter().map(addressee).collect()
}

impl Telling {
    /// A delivery for each channel of each addressee; every message says why its reader gets it.
    pub(super) fn deliveries(&self, incident: &str, alerts: &Alerts) -> Vec<Delivery> {
        let of = |to: &Addressee| {
            let mut alert = self.alert.clone();
            if to.turn != Turn::Update {
                alert.fact("routed", &to.because);
            } else if !self.news.is_empty() {
                alert.evidence = self.news.clone();
            }
            let channels = alerts.receivers.get(&to.receiver).map(Vec::as_slice).unwrap_or_default();
            let numbered = channels.iter().enumerate();
            let delivery = |(n, channel): (usize, &crate::config::alerts::Channel)| {
                Delivery::telling(incident, self.revision, to, alert.clone(), (n, channel.kind()))
            };
            numbered.map(delivery).collect::<Vec<_>>()
        };
        self.to.iter().flat_map(of).collect()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.alert.title, self.alert.severity.name())?;
        match &self.decision.suppressed_by {
            Some(why) => write!(f, "not delivered: {why}"),
            None => write!(f, "{} to {}", self.turn.name(), self.decision.receivers.join(", ")),
        }
    }
}
