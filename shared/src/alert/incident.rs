//! One matter, however many signals: what is known of it, who was told, and what is still to be told.
//!
//! SNS and EventBridge deliver at least once and in any order, budgets notify again in the same period, and one call
//! comes as an event and behind an alarm. The answer to each signal is pure (`plan`). What it comes to is written in one
//! conditional write, the tellings that it asks for included: of two routers one wins, the other decides anew, and a run
//! that dies before it has handed everything on leaves what is missing in plain sight.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Text;
use super::digest::digest;
use super::episodes;
use super::hold::Hold;
use super::model::{Alert, Evidence, Status};
use super::record::GROUPS;
use super::timer::Due;
use crate::store::Key;
use crate::types::AccountId;

/// Which matter: a thing, the time that it is, and the account concerned. Every episode is a matter of its own, so a
/// signal that comes late finds its own and not the next one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The thing: a budget's threshold, an alarm.
    pub thing: String,
    /// Which time it is.
    pub episode: String,
    /// The account concerned.
    pub account: Option<AccountId>,
}

/// What is known of a matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id, for people and threads.
    pub id: String,
    /// Which matter it is.
    pub place: Place,
    /// How it stands.
    pub status: Status,
    /// When it was first heard of.
    pub opened: Timestamp,
    /// When it was last heard of.
    pub seen: Timestamp,
    /// How many signals there were.
    pub signals: u64,
    /// How often something was told of it.
    pub revision: u32,
    /// Everything known, as one alert.
    pub alert: Alert,
    /// Whether only the bare signal is known: what is behind it is still being looked for.
    #[serde(default)]
    pub bare: bool,
    /// The CloudTrail events that were told.
    #[serde(default)]
    pub events: BTreeSet<String>,
    /// The receivers that were told, each with the matter in whose thread it was.
    #[serde(default)]
    pub heard: BTreeMap<String, String>,
    /// The matters that took this one over: one for each account concerned.
    #[serde(default)]
    pub parts: BTreeSet<Place>,
    /// Why nobody was told, if that is so.
    #[serde(default)]
    pub quiet: Option<String>,
    /// Who took it.
    #[serde(default)]
    pub acknowledged: Option<Acknowledged>,
    /// How often each receiver was told again.
    #[serde(default)]
    pub repeats: BTreeMap<String, u32>,
    /// Who was told because nobody took it.
    #[serde(default)]
    pub escalated: BTreeSet<String>,
    /// What is to be told and is not handed on yet.
    #[serde(default)]
    pub tellings: Vec<Telling>,
    /// What is to be done later and is not in the clock's book yet.
    #[serde(default)]
    pub errands: Vec<Due>,
}

/// Somebody said that they have taken it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who, as far as it is known.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Something to be told of a matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telling {
    /// Which telling it is, counted from 1.
    pub revision: u32,
    /// What is told.
    pub alert: Alert,
    /// Its events that nobody was told of before.
    pub news: Vec<Evidence>,
    /// To whom.
    pub to: Vec<Addressee>,
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Addressee {
    /// The receiver.
    pub receiver: String,
    /// What it is to this receiver.
    pub turn: Turn,
    /// The matter in whose thread it is told.
    pub thread: String,
    /// Why this receiver.
    pub because: String,
    /// Where it waits on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
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
    /// A signal: it ends what is not open.
    Stale,
}

impl Turn {
    /// Whether somebody should hear of it; else why not.
    pub fn silent_because(self) -> Option<&'static str> {
        match self {
            Self::First | Self::Update | Self::Repeat | Self::Escalation | Self::Resolve | Self::Digest => None,
            Self::Known => Some("it was delivered before"),
            Self::Stale => Some("nothing was open that it could end"),
        }
    }

    /// The word in ids.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Update => "update",
            Self::Known => "known",
            Self::Repeat => "repeat",
            Self::Escalation => "escalation",
            Self::Resolve => "resolve",
            Self::Digest => "digest",
            Self::Stale => "stale",
        }
    }
}

/// How long a matter is remembered: longer than the longest budget period.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 400);
/// How many events of a matter are remembered one by one; a document has its limits.
const EVENTS: usize = 2_000;

impl Place {
    /// The matter that the alert belongs to.
    pub fn of(alert: &Alert) -> Self {
        Self {
            thing: alert.identity.thing().to_owned(),
            episode: alert.identity.episode.clone(),
            account: alert.account.clone(),
        }
    }

    /// Where it is kept.
    pub fn key(&self) -> Key {
        let account = self.account.as_ref().map_or("-", AsRef::as_ref);
        Key::new(format!("incident#{}", self.thing), format!("{account}#{}", self.episode))
    }

    /// The incident's id.
    pub fn id(&self) -> String {
        let account = self.account.as_ref().map_or("-", AsRef::as_ref);
        format!("inc_{}", digest(&[&self.thing, account, &self.episode]))
    }
}

impl Incident {
    /// A matter that begins with this alert.
    pub fn new(place: Place, alert: Alert, now: Timestamp) -> Self {
        Self {
            id: place.id(),
            place,
            status: Status::Firing,
            opened: now,
            seen: now,
            signals: 0,
            revision: 0,
            alert: Alert { evidence: Vec::new(), ..alert },
            bare: false,
            events: BTreeSet::new(),
            heard: BTreeMap::new(),
            parts: BTreeSet::new(),
            quiet: None,
            acknowledged: None,
            repeats: BTreeMap::new(),
            escalated: BTreeSet::new(),
            tellings: Vec::new(),
            errands: Vec::new(),
        }
    }

    /// When it happened.
    pub fn at(&self) -> Timestamp {
        self.alert.time.unwrap_or(self.opened)
    }

    /// When it is forgotten.
    pub fn forgotten(now: Timestamp) -> Option<Timestamp> {
        now.checked_add(REMEMBERED).ok()
    }

    /// Forgets what was handed on.
    pub fn discharged(&mut self) {
        self.tellings.clear();
        self.errands.clear();
    }

    /// Whether it is still to be done something about it.
    pub fn is_open(&self) -> bool {
        self.status == Status::Firing && self.parts.is_empty()
    }

    /// Whether somebody should look at it: what lasts until it ends, the rest until somebody has taken it, or for a while.
    pub fn is_pending(&self, since: Timestamp) -> bool {
        self.is_open() && (episodes::remains(&self.alert) || (self.acknowledged.is_none() && self.seen >= since))
    }

    /// Takes in what the alert says beyond what is known, and returns the events that are new.
    pub fn learn(&mut self, alert: &Alert, fresh: &BTreeSet<String>) -> Vec<Evidence> {
        if outgrows(alert, &self.alert) {
            self.grow(alert);
        }
        let worse = alert.severity > self.alert.severity || (self.bare && alert.severity != self.alert.severity);
        let richer = !alert.evidence.is_empty() && self.alert.evidence.is_empty();
        if worse {
            self.alert.severity = alert.severity;
        }
        if worse || richer {
            self.alert.title = alert.title.clone();
        }
        self.alert.labels = merged(&alert.labels, &self.alert.labels, worse || richer);
        add(&mut self.alert.notes, &alert.notes);
        add(&mut self.alert.facts, &alert.facts);
        add(&mut self.alert.links, &alert.links);
        let is_new = |event: &&Evidence| event.ids().next().is_none() || event.ids().any(|id| fresh.contains(id));
        let news: Vec<Evidence> = alert.evidence.iter().filter(is_new).cloned().collect();
        self.alert.evidence.extend(news.iter().cloned());
        self.alert.evidence.sort_by(|a, b| (a.when, &a.id).cmp(&(b.when, &b.id)));
        self.alert.evidence.truncate(GROUPS);
        let room = EVENTS.saturating_sub(self.events.len());
        self.events.extend(fresh.iter().take(room).cloned());
        news
    }

    /// Takes over what the alert says of how large the matter is now; what else is known stays.
    fn grow(&mut self, alert: &Alert) {
        let (Some(now), Some(before)) = (&alert.extent, &self.alert.extent) else { return };
        let more = format!("{} from {} to {} since it was told last", now.of, before.size, now.size);
        self.alert.facts.retain(|known| known.name != "grown" && alert.facts.iter().all(|new| new.name != known.name));
        self.alert.fact("grown", more);
        self.alert.title = alert.title.clone();
        self.alert.labels = merged(&alert.labels, &self.alert.labels, true);
        self.alert.evidence.retain(|event| event.ids().next().is_some());
        self.alert.extent = alert.extent.clone();
    }

    /// Puts down what is to be told of it as it is now.
    pub fn tell(&mut self, news: Vec<Evidence>, to: Vec<Addressee>) {
        if to.is_empty() {
            return;
        }
        self.revision += 1;
        self.heard.extend(to.iter().map(|to| (to.receiver.clone(), to.thread.clone())));
        self.tellings.push(Telling { revision: self.revision, alert: self.alert.clone(), news, to });
    }
}

/// Whether the matter has grown since it was told.
fn outgrows(alert: &Alert, known: &Alert) -> bool {
    alert.extent.as_ref().zip(known.extent.as_ref()).is_some_and(|(now, before)| now.outgrows(before))
}

/// Both, where they differ the newer ones if `newer` says so.
fn merged(new: &BTreeMap<String, Text>, old: &BTreeMap<String, Text>, newer: bool) -> BTreeMap<String, Text> {
    let (under, over) = if newer { (old, new) } else { (new, old) };
    let mut labels = under.clone();
    labels.extend(over.iter().map(|(name, value)| (name.clone(), value.clone())));
    labels
}

fn add<T: Clone + PartialEq>(known: &mut Vec<T>, more: &[T]) {
    for item in more {
        if !known.contains(item) {
            known.push(item.clone());
        }
    }
}

/// What the alert is to what is known; `fresh` are its events that nobody was told of.
pub fn turn(known: Option<&Incident>, alert: &Alert, fresh: &BTreeSet<String>, bare: bool) -> Turn {
    match (known, alert.status) {
        (None, Status::Firing) => Turn::First,
        (Some(known), Status::Firing) if is_news(known, alert, fresh, bare) => Turn::Update,
        (Some(_), Status::Firing) => Turn::Known,
        (Some(known), Status::Resolved) if known.status == Status::Firing => Turn::Resolve,
        (_, Status::Resolved) => Turn::Stale,
    }
}

/// Events that nobody was told of, a higher severity, a larger extent; or, where only the bare signal was known, another
/// severity or why nothing was found.
fn is_news(known: &Incident, alert: &Alert, fresh: &BTreeSet<String>, bare: bool) -> bool {
    let noted = || alert.notes.iter().any(|note| !known.alert.notes.contains(note));
    let looked = known.bare && !bare && (alert.severity != known.alert.severity || noted());
    !fresh.is_empty() || alert.severity > known.alert.severity || looked || outgrows(alert, &known.alert)
}
