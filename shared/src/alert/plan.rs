//! What is to be done about a signal: what is known of the matter then, who is told what, or why nobody is. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::channels;
use super::episodes;
use super::hold::hold;
use super::incident::{Addressee, Incident, Place, Telling, Turn, turn};
use super::model::{Alert, Evidence, Status};
use super::outbox::Delivery;
use super::route::{Decision, Standing, decide, labels};
use super::tally::{CALLS, FLOOD};
use super::timer::{Due, Errand};
use crate::config::Pause;
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
    /// The thread whose end the matter that became several tells itself.
    pub told_by_whole: Option<String>,
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
        Self { place: Place::of(&alert), alert, events, heard: BTreeMap::new(), bare: false, told_by_whole: None }
    }
}

impl Plan {
    /// Decides.
    pub(super) fn new(
        alerts: &Alerts,
        signal: &Signal,
        known: Option<&Incident>,
        standing: &Standing,
        now: Timestamp,
    ) -> Self {
        let mut alert = signal.alert.clone();
        alert.labels = labels(&alert);
        let mut decision = decide(alerts, &alert, standing, now);
        let teller = Teller { alerts, decision: &decision, now };
        let fresh: BTreeSet<String> = match known {
            Some(known) => signal.events.difference(&known.events).cloned().collect(),
            None => signal.events.clone(),
        };
        let turn = turn(known, &alert, &fresh, signal.bare);
        let incident = match turn {
            Turn::First | Turn::Update => Some(teller.told(signal, &alert, known, &fresh)),
            Turn::Resolve => known.map(|known| teller.resolved(known, &alert, signal.told_by_whole.as_deref())),
            Turn::Known => known.map(|known| seen(known, signal.bare, now)),
            Turn::Repeat | Turn::Escalation | Turn::Digest | Turn::Stale => None,
        };
        if let (Turn::Resolve, Some(incident)) = (turn, &incident) {
            decision.receivers = incident.heard.keys().cloned().collect();
        }
        decision.suppressed_by = match (turn, &incident) {
            (Turn::Resolve, Some(incident)) if incident.tellings.is_empty() => Some(unheard(incident)),
            (Turn::Resolve, _) => None,
            _ => turn.silent_because().map(str::to_owned).or(decision.suppressed_by),
        };
        Self { alert, turn, decision, incident }
    }

    /// What each channel would get, sent or not.
    pub(super) fn messages(&self, alerts: &Alerts, now: Timestamp) -> Vec<Value> {
        let incident = Incident::new(Place::of(&self.alert), self.alert.clone(), now);
        let to = Teller { alerts, decision: &self.decision, now }.addressees(&incident);
        let waits: BTreeMap<String, String> =
            to.iter().filter_map(|to| Some((to.receiver.clone(), to.hold.as_ref()?.because.clone()))).collect();
        let telling = Telling { revision: 1, alert: self.alert.clone(), news: Vec::new(), to };
        let rendered = telling.deliveries(None, &incident.id, alerts).into_iter().filter_map(|delivery| {
            let declared = alerts.receivers.get(&delivery.receiver)?.get(delivery.channel)?;
            let body = channels::of(declared).render(&delivery);
            let waits = waits.get(&delivery.receiver);
            Some(json!({ "receiver": delivery.receiver, "channel": delivery.kind, "waits": waits, "body": body }))
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

/// Who is told what, when.
pub(super) struct Teller<'a> {
    pub alerts: &'a Alerts,
    pub decision: &'a Decision,
    pub now: Timestamp,
}

impl Teller<'_> {
    /// The matter with what the signal adds, and the telling of it.
    fn told(&self, signal: &Signal, alert: &Alert, known: Option<&Incident>, fresh: &BTreeSet<String>) -> Incident {
        let begun = || Incident::new(signal.place.clone(), alert.clone(), self.now);
        let begun = || Incident { heard: signal.heard.clone(), ..begun() };
        let mut incident = known.cloned().unwrap_or_else(begun);
        if known.is_none() {
            incident.errands.extend(self.end(&incident));
        }
        incident.seen = self.now;
        incident.signals += 1;
        let news = incident.learn(alert, fresh);
        incident.bare = signal.bare;
        self.tell(&mut incident, news, known.is_none_or(|known| known.quiet.is_some()));
        incident
    }

    /// Tells whoever is to hear of the matter as it is, unless something keeps it from them; what is told for the first
    /// time is looked after from then on.
    pub fn tell(&self, incident: &mut Incident, news: Vec<Evidence>, is_first: bool) {
        if let Some(why) = &self.decision.suppressed_by {
            incident.quiet = Some(why.clone());
            let look = self.decision.look.filter(|_| episodes::remains(&incident.alert));
            let look = look.map(|at| Due { at, errand: Errand::Look { place: incident.place.clone() } });
            incident.errands.extend(look);
            return;
        }
        incident.quiet = None;
        let to = self.addressees(incident);
        if is_first {
            incident.errands.extend(self.errands(incident));
        }
        incident.tell(news, to);
    }

    /// What has to happen if nobody acts: telling again, and telling others.
    fn errands(&self, incident: &Incident) -> Vec<Due> {
        let mut errands = Vec::new();
        let place = &incident.place;
        for taken in &self.decision.route {
            let receiver = taken.receiver.clone();
            if let Some(every) = taken.terms.repeat_interval.filter(|_| episodes::remains(&incident.alert)) {
                errands.push((every, Errand::Repeat { place: place.clone(), receiver, nth: 0 }));
            }
            for step in &taken.terms.escalate {
                let after = step.after.to_string();
                errands.push((step.after, Errand::Escalate { place: place.clone(), to: step.to.clone(), after }));
            }
        }
        let due =
            |(after, errand): (Pause, Errand)| Some(Due { at: self.now.checked_add(after.length()).ok()?, errand });
        errands.into_iter().filter_map(due).collect()
    }

    /// When a matter ends that never says so: a budget's at the end of its period, a flood when nothing comes any more.
    fn end(&self, incident: &Incident) -> Option<Due> {
        if incident.alert.extent.as_ref().is_some_and(|extent| extent.of == CALLS) {
            let at = self.now.checked_add(FLOOD).ok()?;
            return Some(Due { at, errand: Errand::Count { place: incident.place.clone() } });
        }
        let until = incident.alert.labels.get("until").filter(|_| incident.alert.kind == "budget")?;
        let at = until.as_str().parse().ok()?;
        Some(Due { at, errand: Errand::End { place: incident.place.clone() } })
    }

    /// The matter, over, and told to everybody who was told of it, but for the thread that somebody else ends.
    pub fn resolved(&self, known: &Incident, over: &Alert, ended_elsewhere: Option<&str>) -> Incident {
        let mut incident = known.clone();
        incident.status = Status::Resolved;
        incident.seen = self.now;
        incident.signals += 1;
        incident.alert.status = Status::Resolved;
        incident.alert.time = over.time.or(Some(self.now));
        incident.alert.title = over.title.clone();
        incident.alert.raw = over.raw.clone();
        let mut to = self.heard(&incident, Turn::Resolve);
        to.retain(|to| Some(to.thread.as_str()) != ended_elsewhere);
        incident.tell(Vec::new(), to);
        incident
    }

    /// Everybody who was told of the matter.
    pub fn heard(&self, incident: &Incident, turn: Turn) -> Vec<Addressee> {
        let before = incident.heard.iter().map(|(receiver, thread)| {
            let because = format!("to {receiver}, who was told of the matter");
            self.addressee(incident, receiver, thread, turn, because)
        });
        before.collect()
    }

    /// Whoever the routes name, and whoever was told before.
    fn addressees(&self, incident: &Incident) -> Vec<Addressee> {
        let mut all: Vec<(String, String)> = Vec::new();
        for name in &self.decision.receivers {
            let taken = self.decision.route.iter().find(|taken| taken.receiver == *name);
            let because = taken.map(|taken| format!("to {name}, by {}: {}", taken.at, taken.because));
            all.push((name.clone(), because.unwrap_or_default()));
        }
        let before = incident.heard.keys().filter(|name| !self.decision.receivers.contains(name));
        all.extend(before.map(|name| (name.clone(), format!("to {name}, who was told of the matter before"))));
        let addressee = |(receiver, because): (String, String)| {
            let thread = incident.heard.get(&receiver);
            let turn = if thread.is_some() { Turn::Update } else { Turn::First };
            self.addressee(incident, &receiver, thread.unwrap_or(&incident.id), turn, because)
        };
        all.into_iter().map(addressee).collect()
    }

    /// A receiver, and where what is told waits on its way there.
    pub fn addressee(
        &self,
        incident: &Incident,
        receiver: &str,
        thread: &str,
        turn: Turn,
        because: String,
    ) -> Addressee {
        let taken = self.decision.route.iter().find(|taken| taken.receiver == receiver);
        let terms = taken.map(|taken| taken.terms.clone()).unwrap_or_default();
        let hold = hold(self.alerts, receiver, &terms, &incident.alert, self.now);
        Addressee { receiver: receiver.to_owned(), turn, thread: thread.to_owned(), because, hold }
    }
}

/// Why nobody hears of a matter's end.
fn unheard(incident: &Incident) -> String {
    match (&incident.quiet, incident.heard.is_empty()) {
        (Some(quiet), _) => quiet.clone(),
        (None, true) => "nobody was told of it".to_owned(),
        (None, false) => "the alarm's own thread tells of its end".to_owned(),
    }
}

fn seen(known: &Incident, bare: bool, now: Timestamp) -> Incident {
    Incident { seen: now, signals: known.signals + 1, bare: known.bare && bare, ..known.clone() }
}

impl Telling {
    /// A delivery for each channel of each addressee; every message says why its reader gets it. `name` names the telling
    /// where it is not one of the matter's own.
    pub(super) fn deliveries(&self, name: Option<&str>, incident: &str, alerts: &Alerts) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for to in &self.to {
            let own = format!("{incident}/{}/{}", self.revision, to.turn.name());
            let channels = alerts.receivers.get(&to.receiver).map(Vec::as_slice).unwrap_or_default();
            for (n, channel) in channels.iter().enumerate() {
                let name = name.unwrap_or(&own);
                deliveries.push(Delivery::telling(name, self.revision, to, self.shown(to), (n, channel.kind())));
            }
        }
        deliveries
    }

    /// What the addressee is shown: whoever was told before hears what is new.
    fn shown(&self, to: &Addressee) -> Alert {
        let mut alert = self.alert.clone();
        if to.turn != Turn::Update {
            alert.fact("routed", &to.because);
        } else if !self.news.is_empty() {
            alert.evidence = self.news.clone();
        }
        if let Some(hold) = &to.hold {
            alert.fact("waited", &hold.because);
        }
        alert
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
