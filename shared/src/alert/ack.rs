//! Acknowledgement: somebody has taken a matter, so nobody else is called for it.
//!
//! A message carries a link that is signed for its matter and its receiver, and that ends. Following it shows a page and
//! does nothing, because chats and mail scanners follow links too; the page's button acknowledges.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::Text;
use super::channels::ACKNOWLEDGED;
use super::delivery::Clock;
use super::incident::{Acknowledged, Incident, Place, Turn};
use super::model::Status;
use super::plan::Teller;
use super::settle::Desk;
use crate::job::Failure;
use crate::store::{Item, Key, StoreError, When};

/// The keys that links are signed with: the first signs, each verifies, so that a key can be changed while links are out.
pub(super) struct Keys(Vec<(String, Vec<u8>)>);

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The matter.
    pub incident: String,
    /// The receiver that the message went to.
    pub receiver: String,
    /// When the link ends.
    pub until: Timestamp,
}

/// Why a link is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Bad {
    /// It is none of ours, or was changed.
    #[error("this link is not one of Forester's, or it was changed")]
    Forged,
    /// It is too old.
    #[error("this link is too old; acknowledge with `forester alerts ack`, or from a later message")]
    Expired,
}

/// The shortest key that signs anything.
const KEY: usize = 16;

impl Keys {
    /// Keys of a secret's value: one a line, the one in use first.
    pub fn of(secret: &str) -> Option<Self> {
        let keys: Vec<(String, Vec<u8>)> = secret
            .lines()
            .map(str::trim)
            .filter(|line| line.len() >= KEY)
            .map(|line| (key_id(line.as_bytes()), line.as_bytes().to_vec()))
            .collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The token of a link.
    pub fn sign(&self, claim: &Claim) -> Option<String> {
        let (id, key) = self.0.first()?;
        let receiver = hex(claim.receiver.as_bytes());
        let body = format!("v1.{id}.{}.{}.{receiver}", claim.until.as_second(), claim.incident);
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        mac.update(body.as_bytes());
        Some(format!("{body}.{}", hex(&mac.finalize().into_bytes())))
    }

    /// What the token stands for; the signature is compared in constant time, before anything in it counts.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claim, Bad> {
        let (body, signature) = token.rsplit_once('.').ok_or(Bad::Forged)?;
        let parts: Vec<&str> = body.split('.').collect();
        let ["v1", id, until, incident, receiver] = parts.as_slice() else { return Err(Bad::Forged) };
        let (_, key) = self.0.iter().find(|(known, _)| known == id).ok_or(Bad::Forged)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Bad::Forged)?;
        mac.update(body.as_bytes());
        mac.verify_slice(&unhex(signature).ok_or(Bad::Forged)?).map_err(|_| Bad::Forged)?;
        let until = until.parse().ok().and_then(|second| Timestamp::from_second(second).ok()).ok_or(Bad::Forged)?;
        if until <= now {
            return Err(Bad::Expired);
        }
        let receiver = unhex(receiver).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(Bad::Forged)?;
        Ok(Claim { incident: (*incident).to_owned(), receiver, until })
    }
}

/// Whether Slack sent this body: its signature over version, time and body, no older than five minutes
/// (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
pub(super) fn is_from_slack(secret: &str, stamp: &str, body: &[u8], signature: &str, now: Timestamp) -> bool {
    let sent = stamp.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let fresh = sent.is_some_and(|sent| now.duration_since(sent).abs() <= SignedDuration::from_mins(5));
    let Some(signature) = signature.strip_prefix("v0=").and_then(unhex) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.trim().as_bytes()) else { return false };
    mac.update(format!("v0:{stamp}:").as_bytes());
    mac.update(body);
    fresh && !secret.trim().is_empty() && mac.verify_slice(&signature).is_ok()
}

fn key_id(key: &[u8]) -> String {
    hex(&Sha256::digest(key)).chars().take(8).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// What an acknowledgement came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It counts from now on.
    Now(String),
    /// Somebody was first.
    Before(Acknowledged),
    /// The matter is over already.
    Over(String),
    /// Nothing of this id is known.
    Unknown,
}

const INDEX: &str = "incidents";

impl Desk {
    /// Makes the matter known under its id, before it is written itself.
    pub async fn enter(&self, incident: &Incident, clock: &Clock) -> Result<(), StoreError> {
        let body = serde_json::to_value(&incident.place).unwrap_or_default();
        let kept = Incident::forgotten(clock.now());
        self.store.put(&Key::new(INDEX, &incident.id), body, kept, When::Always).await.map(drop)
    }

    /// The matter of this id.
    pub async fn find(&self, id: &str, clock: &Clock) -> Result<Option<Incident>, Failure> {
        match self.store.get(&Key::new(INDEX, id)).await? {
            Some(item) => self.of_index(&item, clock).await,
            None => Ok(None),
        }
    }

    /// The matter that an entry of the index leads to.
    async fn of_index(&self, item: &Item, clock: &Clock) -> Result<Option<Incident>, Failure> {
        let place: Place = item.read()?;
        Ok(self.known(&place, clock).await?.map(|(incident, _)| incident))
    }

    /// Every matter that is known, the newest first.
    pub async fn incidents(&self, clock: &Clock) -> Result<Vec<Incident>, Failure> {
        let mut incidents = Vec::new();
        for item in self.store.list(INDEX, "").await? {
            incidents.extend(self.of_index(&item, clock).await?);
        }
        incidents.sort_by_key(|incident| std::cmp::Reverse(incident.opened));
        Ok(incidents)
    }

    /// Notes that somebody has taken the matter, and tells everybody who was told of it. A matter that became several is
    /// taken with all of them.
    pub async fn acknowledge(&self, id: &str, by: &str, clock: &Clock) -> Result<Taken, Failure> {
        let Some(incident) = self.find(id, clock).await? else { return Ok(Taken::Unknown) };
        let title = incident.alert.title.to_string();
        let mut taken =
            if incident.parts.is_empty() { self.take_one(&incident, by, clock).await? } else { Taken::Unknown };
        for place in &incident.parts {
            let Some((part, _)) = self.known(place, clock).await? else { continue };
            taken = match (taken, self.take_one(&part, by, clock).await?) {
                (Taken::Now(title), _) => Taken::Now(title),
                (_, part) => part,
            };
        }
        tracing::info!(incident.id = %id, "{by} acknowledged {id} ({title}): {taken:?}");
        Ok(taken)
    }

    async fn take_one(&self, incident: &Incident, by: &str, clock: &Clock) -> Result<Taken, Failure> {
        let by = Text::line(by).to_string();
        let decision = self.decide(incident, clock).await?;
        let teller = Teller { alerts: self.alerts()?, decision: &decision, now: clock.now() };
        let change = |incident: &mut Incident| {
            if incident.acknowledged.is_some() || incident.status == Status::Resolved {
                return false;
            }
            incident.acknowledged = Some(Acknowledged { by: by.clone(), at: clock.now() });
            incident.alert.label(ACKNOWLEDGED, &by);
            incident.alert.fact("acknowledged", format!("by {by} at {}", clock.now()));
            let told = teller.heard(incident, Turn::Update);
            incident.tell(Vec::new(), told);
            true
        };
        if self.change(&incident.place, clock, change).await?.is_some() {
            return Ok(Taken::Now(incident.alert.title.to_string()));
        }
        let now = self.known(&incident.place, clock).await?.map(|(incident, _)| incident);
        Ok(match now.and_then(|incident| incident.acknowledged) {
            Some(before) => Taken::Before(before),
            None => Taken::Over(incident.alert.title.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-12T05:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn claim() -> Claim {
        Claim {
            incident: "inc_01".to_owned(),
            receiver: "on call".to_owned(),
            until: "2026-11-19T05:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn link_stands_for_its_matter_until_it_ends() {
        let keys = Keys::of("0123456789abcdef0123456789abcdef").unwrap();
        let token = keys.sign(&claim()).unwrap();
        assert_eq!(keys.verify(&token, now()), Ok(claim()));
        assert_eq!(keys.verify(&token, claim().until), Err(Bad::Expired));
        for (from, to) in [("inc_01", "inc_02"), ("v1.", "v2."), (".17", ".18")] {
            assert_eq!(keys.verify(&token.replacen(from, to, 1), now()), Err(Bad::Forged), "{from}");
        }
        for junk in ["", "v1.a.b.c.d.e", "....", "v1.zz", "ä.ö"] {
            assert_eq!(keys.verify(junk, now()), Err(Bad::Forged));
        }
    }

    #[test]
    fn old_key_verifies_while_the_new_one_signs() {
        let old = Keys::of("0123456789abcdef").unwrap();
        let both = Keys::of("fedcba9876543210\n0123456789abcdef\n").unwrap();
        assert_eq!(both.verify(&old.sign(&claim()).unwrap(), now()), Ok(claim()));
        assert_eq!(old.verify(&both.sign(&claim()).unwrap(), now()), Err(Bad::Forged));
        assert!(Keys::of("short").is_none());
    }

    /// The example in Slack's documentation of request signing.
    #[test]
    fn slack_signs_time_and_body() {
        let secret = "8f742231b10e8888abcd99yyyzzz85a5";
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        assert!(is_from_slack(secret, "1531420618", body.as_bytes(), signature, at(1_531_420_618)));
        assert!(!is_from_slack(secret, "1531420618", body.as_bytes(), signature, at(1_531_420_618 + 301)));
        assert!(!is_from_slack(secret, "1531420619", body.as_bytes(), signature, at(1_531_420_618)));
        assert!(!is_from_slack("other", "1531420618", body.as_bytes(), signature, at(1_531_420_618)));
        assert!(!is_from_slack("", "1531420618", b"", "v0=", at(1_531_420_618)));
    }
}
