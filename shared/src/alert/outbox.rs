//! Deliveries owed: each is one alert to one channel, and is sent once however often it is asked for.
//!
//! PENDING -> SENDING (under a lease) -> SENT, FAILED (to be tried again) or DEAD. Every step is a conditional write,
//! so of two senders one wins. A sender that dies between sending and saying so leaves a lease that runs out; the
//! delivery is then sent again under the same id, by which the other side knows it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::digest::digest;
use super::incident::{Addressee, Place, Turn};
use super::instead::Instead;
use super::model::{Alert, Status};
use super::open;
use crate::store::{Item, Key, Store, StoreError, When};

/// One alert owed to one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id: the same for the same alert, episode and channel.
    pub id: String,
    /// The matter: the same for everything that is told of it, by whatever channel.
    #[serde(default)]
    pub incident: String,
    /// Which telling of the matter it is, counted from 1.
    #[serde(default = "one")]
    pub revision: u32,
    /// What it is to the matter.
    #[serde(default)]
    pub turn: Turn,
    /// Where a person says that they have seen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<String>,
    /// Whether a button where it is read says so, without a link: where that is set up.
    #[serde(default, skip_serializing_if = "is_not")]
    pub button: bool,
    /// The receiver in the configuration.
    pub receiver: String,
    /// Which of the receiver's channels, counted from 0.
    pub channel: usize,
    /// The channel's kind, to notice a configuration that changed in between.
    pub kind: String,
    /// In whose place it goes, if it was meant for somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Instead>,
    /// What is to be told.
    pub alert: Alert,
    /// How it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
}

/// How a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Nobody has tried.
    Pending,
    /// Somebody is at it, until then.
    Sending {
        /// When the lease runs out.
        until: Timestamp,
    },
    /// It has arrived.
    Sent {
        /// When.
        at: Timestamp,
        /// What the other side said.
        answer: String,
    },
    /// It has not arrived yet.
    Failed {
        /// Why.
        reason: String,
        /// Not before this time again.
        not_before: Timestamp,
    },
    /// It will not arrive.
    Dead {
        /// Why.
        reason: String,
    },
}

/// A delivery's place in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The receiver.
    pub receiver: String,
    /// The delivery's id.
    pub delivery: String,
}

/// Why a delivery cannot be begun now.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// It is done, one way or the other.
    Done(Box<Delivery>),
    /// Somebody else is at it, or it must wait.
    Until(Timestamp),
    /// The store does not know it (any more).
    Unknown,
}

/// How long deliveries are kept.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How long a sender has.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(90);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it skips by reference")]
fn is_not(button: &bool) -> bool {
    !button
}

fn one() -> u32 {
    1
}

impl Ticket {
    fn key(&self) -> Key {
        Key::new(format!("outbox#{}", self.receiver), &self.delivery)
    }
}

impl Delivery {
    /// What is owed to channel `channel` of `receiver`; `episode` names the time it is.
    pub fn new(alert: &Alert, episode: &str, receiver: &str, channel: usize, kind: &str) -> Self {
        let account = alert.account.as_ref().map_or("-", AsRef::as_ref);
        let way = format!("{receiver}/{kind}/{channel}");
        Self {
            incident: Place { episode: episode.to_owned(), ..Place::of(alert) }.id(),
            revision: one(),
            turn: match alert.status {
                Status::Firing => Turn::First,
                Status::Resolved => Turn::Resolve,
            },
            acknowledge: None,
            button: false,
            instead_of: None,
            id: format!("msg_{}", digest(&[alert.identity.thing(), account, episode, alert.status.name(), &way])),
            receiver: receiver.to_owned(),
            channel,
            kind: kind.to_owned(),
            alert: alert.clone(),
            state: State::Pending,
            attempts: 0,
        }
    }

    /// What a telling owes to one channel of an addressee; `telling` names the telling.
    pub fn telling(telling: &str, revision: u32, to: &Addressee, alert: Alert, channel: (usize, &str)) -> Self {
        let (number, kind) = channel;
        let way = format!("{}/{kind}/{number}", to.receiver);
        Self {
            id: format!("msg_{}", digest(&[telling, &way])),
            incident: to.thread.clone(),
            revision,
            turn: to.turn,
            acknowledge: None,
            button: false,
            instead_of: None,
            receiver: to.receiver.clone(),
            channel: number,
            kind: kind.to_owned(),
            alert,
            state: State::Pending,
            attempts: 0,
        }
    }

    /// Whether it tells of something that a person can take.
    pub fn can_be_taken(&self) -> bool {
        !matches!(self.turn, Turn::Resolve | Turn::Digest) && self.alert.status == Status::Firing
    }

    /// Its place in the store.
    pub fn ticket(&self) -> Ticket {
        Ticket { receiver: self.receiver.clone(), delivery: self.id.clone() }
    }

    /// The group within which order is kept: the channel.
    pub fn group(&self) -> String {
        let way = format!("{}-{}-{}", self.receiver, self.kind, self.channel);
        way.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(128).collect()
    }

    fn body(&self) -> Result<serde_json::Value, StoreError> {
        serde_json::to_value(self).map_err(|error| StoreError::corrupt(&self.ticket().key(), &error))
    }
}

impl State {
    /// Whether somebody is at it.
    fn is_leased(&self) -> bool {
        match self {
            Self::Sending { .. } => true,
            Self::Pending | Self::Sent { .. } | Self::Failed { .. } | Self::Dead { .. } => false,
        }
    }

    /// Whether it has come to its end, one way or the other.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Sent { .. } | Self::Dead { .. } => true,
            Self::Pending | Self::Sending { .. } | Self::Failed { .. } => false,
        }
    }
}

/// The delivery as it stands, and the version that [`settle`] must find again.
pub(super) async fn load(store: &dyn Store, ticket: &Ticket) -> Result<Option<(Delivery, u64)>, StoreError> {
    store.get(&ticket.key()).await?.map(read).transpose()
}

/// Writes the delivery down, unless it is there already, and says how it stands.
pub(super) async fn owe(store: &dyn Store, delivery: &Delivery, now: Timestamp) -> Result<State, StoreError> {
    let key = delivery.ticket().key();
    let state = match store.put(&key, delivery.body()?, now.checked_add(KEPT).ok(), When::AbsentAt(now)).await {
        Ok(_) => State::Pending,
        Err(StoreError::Lost { .. }) => {
            let known = store.get(&key).await?.map(read).transpose()?;
            known.map_or(State::Pending, |(known, _)| known.state)
        }
        Err(error) => return Err(error),
    };
    if !state.is_over() {
        open::note(store, delivery, now).await?;
    }
    Ok(state)
}

/// Takes the lease. The version is what [`settle`] must find again.
pub(super) async fn begin(
    store: &dyn Store,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<Result<(Delivery, u64), Held>, StoreError> {
    let Some((mut delivery, version)) = load(store, ticket).await? else {
        return Ok(Err(Held::Unknown));
    };
    match delivery.state {
        State::Sent { .. } | State::Dead { .. } => return Ok(Err(Held::Done(Box::new(delivery)))),
        State::Sending { until } if until > now => return Ok(Err(Held::Until(until))),
        State::Failed { not_before, .. } if not_before > now => return Ok(Err(Held::Until(not_before))),
        State::Pending | State::Sending { .. } | State::Failed { .. } => {}
    }
    let until = now.checked_add(LEASE).unwrap_or(now);
    delivery.state = State::Sending { until };
    delivery.attempts += 1;
    match settle(store, &delivery, version, now).await {
        Ok(version) => Ok(Ok((delivery, version))),
        Err(StoreError::Lost { .. }) => Ok(Err(Held::Until(until))),
        Err(error) => Err(error),
    }
}

/// Writes how the delivery stands now. A write whose answer got lost is repeated by the SDK and then refused, because
/// its own first time came before: an outcome that is found as it was written, under the next version, is ours. Not so a
/// lease: whoever is not sure of it waits until it ends.
pub(super) async fn settle(
    store: &dyn Store,
    delivery: &Delivery,
    version: u64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let (ticket, key) = (delivery.ticket(), delivery.ticket().key());
    match store.put(&key, delivery.body()?, now.checked_add(KEPT).ok(), When::Version(version)).await {
        Err(lost @ StoreError::Lost { .. }) if !delivery.state.is_leased() => match load(store, &ticket).await? {
            Some((known, next)) if next == version + 1 && known == *delivery => Ok(next),
            _ => Err(lost),
        },
        outcome => outcome,
    }
}

fn read(item: Item) -> Result<(Delivery, u64), StoreError> {
    Ok((item.read()?, item.version))
}
