//! What must happen later: an item in the store for each, and a message to ourselves for what is soon.
//!
//! The item is the truth and the message is a hint: SQS delays a message for fifteen minutes at most and may lose its
//! reader, so a sweep asks each minute what is due. Whoever does an errand looks first whether it is still to be done.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::digest::digest;
use super::episodes::stamp;
use super::incident::Place;
use crate::aws::sqs::{Letter, Mailbox};
use crate::job::Failure;
use crate::store::{Item, Key, Store, StoreError, When};

/// Something to be done at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What.
    pub errand: Errand,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "errand", rename_all = "kebab-case")]
pub enum Errand {
    /// Tell what waits in a bucket.
    Flush {
        /// The bucket.
        bucket: String,
    },
    /// Tell a matter again that lasts.
    Repeat {
        /// The matter.
        place: Place,
        /// Whom.
        receiver: String,
        /// How often it was told again before.
        nth: u32,
    },
    /// Tell somebody else of a matter that nobody has acknowledged.
    Escalate {
        /// The matter.
        place: Place,
        /// Whom.
        to: String,
        /// After how long, for people.
        after: String,
    },
    /// See whether what keeps a matter from people still does.
    Look {
        /// The matter.
        place: Place,
    },
    /// Search again for what is behind an alarm.
    Search {
        /// The alarm's own matter.
        place: Place,
        /// How often it was searched again before.
        nth: usize,
    },
    /// See whether a flood is over.
    Count {
        /// The flood.
        place: Place,
    },
    /// End a matter whose time is over.
    End {
        /// The matter.
        place: Place,
    },
}

/// The clock's book.
#[derive(Clone)]
pub(super) struct Timers {
    pub store: Arc<dyn Store>,
    pub mailbox: Option<Arc<dyn Mailbox>>,
}

/// How long a message can be delayed.
const SOON: SignedDuration = SignedDuration::from_secs(900);
/// How long what is due is kept, should nobody come.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);
/// How far back a sweep looks the first time.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

impl Timers {
    /// Writes down what is due when, and wakes up for what is soon.
    pub async fn set(&self, due: &Due, now: Timestamp) -> Result<(), Failure> {
        let due = Due { at: due.at.max(now), ..due.clone() };
        let body = serde_json::to_value(&due).unwrap_or_default();
        let key =
            Key::new(partition(due.at), format!("{}#{}", stamp(due.at), digest(&[&json!(due.errand).to_string()])));
        self.store.put(&key, body, now.checked_add(KEPT).ok(), When::Always).await?;
        let wait = due.at.duration_since(now);
        if let Some(mailbox) = self.mailbox.as_ref().filter(|_| wait <= SOON) {
            let seconds = i32::try_from(wait.as_secs()).unwrap_or(0) + i32::from(wait.subsec_nanos() > 0);
            let letter = Letter { body: json!({ "forester": "due", "due": key }).to_string(), delay: seconds.min(900) };
            // The sweep comes by where the message does not.
            if let Err(error) = mailbox.post(&[letter]).await {
                tracing::warn!("nobody wakes up for what is due at {}: {error}", due.at);
            }
        }
        Ok(())
    }

    /// One thing that may be due.
    pub async fn get(&self, key: &Key) -> Result<Option<Due>, StoreError> {
        self.store.get(key).await?.map(|item| item.read()).transpose()
    }

    /// Everything that is due, the oldest first.
    pub async fn all(&self, now: Timestamp) -> Result<Vec<(Key, Due)>, StoreError> {
        let swept = self.store.get(&swept_key()).await?;
        let from = swept.and_then(|item| item.body.as_str()?.parse().ok());
        let mut hour = from.or_else(|| now.checked_sub(BEFORE).ok()).unwrap_or(now).min(now);
        let mut found = Vec::new();
        while partition(hour) <= partition(now) {
            let items = self.store.list(&partition(hour), "").await?;
            let due = items.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            found.extend(due.into_iter().filter(|(_, due)| due.at <= now));
            hour = hour.checked_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX);
        }
        Ok(found)
    }

    /// Notes that everything up to here was done.
    pub async fn swept(&self, now: Timestamp) -> Result<(), StoreError> {
        // Clocks differ, and a run that began before may still write something down for the hour that is over.
        let before = now.checked_sub(SignedDuration::from_hours(1)).unwrap_or(now);
        self.store.put(&swept_key(), before.to_string().into(), None, When::Always).await.map(drop)
    }

    /// Forgets what was done.
    pub async fn done(&self, key: &Key) -> Result<(), StoreError> {
        self.store.delete(key, When::Always).await
    }
}

fn partition(at: Timestamp) -> String {
    format!("due#{}", stamp(at).get(..13).unwrap_or_default())
}

fn swept_key() -> Key {
    Key::new("due", "swept")
}

fn read(item: &Item) -> Result<(Key, Due), StoreError> {
    Ok((item.key.clone(), item.read()?))
}
