//! Whose a CloudTrail event is: the same call comes as an event and behind an alarm, and is one matter.
//!
//! The first to see an event writes down which matter it belongs to; whoever sees it later joins that matter. The write
//! is conditional, so of two routers at the same moment one is first.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::incident::Place;
use super::model::Alert;
use crate::store::{Key, Store, StoreError, When};

/// How long it is known whose an event is: longer than any way that brings it is late.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How many questions are open at a time.
const AT_ONCE: usize = 16;

/// The matter that the alert belongs to, and those of its events that are this matter's: the others belong to another
/// one, where they were told.
pub(super) async fn join(
    store: &dyn Store,
    alert: &Alert,
    now: Timestamp,
) -> Result<(Place, BTreeSet<String>), StoreError> {
    let ids: Vec<String> = alert.evidence.iter().flat_map(|event| event.ids().cloned()).collect();
    let mut place = None;
    for some in ids.chunks(AT_ONCE) {
        let mut asked = Vec::new();
        for id in some {
            asked.push(owner(store, id, now));
        }
        place = place.or(try_join_all(asked).await?.into_iter().flatten().next());
    }
    let place = place.unwrap_or_else(|| Place::of(alert));
    let mut ours = BTreeSet::new();
    for some in ids.chunks(AT_ONCE) {
        let mut claimed = Vec::new();
        for id in some {
            claimed.push(claim(store, id, &place, now));
        }
        ours.extend(try_join_all(claimed).await?.into_iter().flatten());
    }
    Ok((place, ours))
}

/// Whether this is the first event under `key`, for as long as that is `kept`; the same one again is the first again,
/// because messages come twice.
pub(super) async fn is_first(
    store: &dyn Store,
    key: &Key,
    id: &str,
    kept: SignedDuration,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match store.put(key, json!(id), now.checked_add(kept).ok(), When::AbsentAt(now)).await {
        Ok(_) => Ok(true),
        Err(StoreError::Lost { .. }) => {
            Ok(!id.is_empty() && store.get(key).await?.is_some_and(|item| item.body == json!(id)))
        }
        Err(error) => Err(error),
    }
}

/// Writes down that the event belongs to the matter, and returns it if it does.
async fn claim(store: &dyn Store, id: &str, place: &Place, now: Timestamp) -> Result<Option<String>, StoreError> {
    let ours = || Some(id.to_owned());
    let body = serde_json::to_value(place).unwrap_or_default();
    match store.put(&key(id), body, now.checked_add(KEPT).ok(), When::AbsentAt(now)).await {
        Ok(_) => Ok(ours()),
        Err(StoreError::Lost { .. }) => {
            Ok(owner(store, id, now).await?.filter(|owner| owner == place).and_then(|_| ours()))
        }
        Err(error) => Err(error),
    }
}

async fn owner(store: &dyn Store, id: &str, now: Timestamp) -> Result<Option<Place>, StoreError> {
    let item = store.get(&key(id)).await?.filter(|item| item.lives(now));
    item.map(|item| item.read()).transpose()
}

fn key(id: &str) -> Key {
    Key::new(format!("event#{id}"), "-")
}
