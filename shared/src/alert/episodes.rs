//! What begins and what ends, in whatever order it is heard of.
//!
//! An end closes what began before it; a beginning that is heard of late finds the ends that were heard of before. Both
//! write down what they are before they look for the other, so of two routers at the same moment at least one sees both.

use jiff::{SignedDuration, Timestamp};

use super::incident::Place;
use super::model::{Alert, Status};
use crate::store::{Item, Key, Store, StoreError, When};

/// How long an end waits for a beginning that comes late.
const ENDS: SignedDuration = SignedDuration::from_hours(24 * 7);
/// How long a beginning waits for its end.
const OPEN: SignedDuration = SignedDuration::from_hours(24 * 400);

/// Whether matters of this kind end by a signal of their own. Calls do not last, and budgets never say that they ended.
pub(super) fn lasts(alert: &Alert) -> bool {
    alert.status == Status::Resolved || !matches!(alert.kind.as_str(), "event" | "budget" | "unknown")
}

/// Whether it is so until it is over: a notice or a call was, and is not told again.
pub(super) fn remains(alert: &Alert) -> bool {
    matches!(alert.kind.as_str(), "alarm" | "budget" | "heartbeat" | "insight")
}

/// Writes down that the matter began.
pub(super) async fn begin(store: &dyn Store, place: &Place, at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    let body = serde_json::to_value((place, at)).unwrap_or_default();
    store.put(&open_key(place), body, now.checked_add(OPEN).ok(), When::Always).await.map(drop)
}

/// Writes down that the thing was well again at this time.
pub(super) async fn end(store: &dyn Store, thing: &str, at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    let key = Key::new(format!("ended#{thing}"), stamp(at));
    store.put(&key, at.to_string().into(), now.checked_add(ENDS).ok(), When::Always).await.map(drop)
}

/// The matters of the thing that began no later than this.
pub(super) async fn begun(store: &dyn Store, thing: &str, by: Timestamp) -> Result<Vec<Place>, StoreError> {
    let items = store.list(&format!("open#{thing}"), "").await?;
    let begun = items.iter().map(Item::read::<(Place, Timestamp)>).collect::<Result<Vec<_>, _>>()?;
    Ok(begun.into_iter().filter(|(_, at)| *at <= by).map(|(place, _)| place).collect())
}

/// When the thing was well again first, after what began at this time.
pub(super) async fn ended(store: &dyn Store, thing: &str, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let items = store.list(&format!("ended#{thing}"), "").await?;
    let times = items.iter().filter_map(|item| item.body.as_str()?.parse().ok());
    Ok(times.filter(|at: &Timestamp| *at >= since).min())
}

/// Forgets that the matter is open.
pub(super) async fn close(store: &dyn Store, place: &Place) -> Result<(), StoreError> {
    store.delete(&open_key(place), When::Always).await
}

fn open_key(place: &Place) -> Key {
    let key = place.key();
    Key::new(format!("open#{}", place.thing), key.sort)
}

/// A time whose text sorts as the time does.
pub(super) fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}
