//! One run an account, and one writer to the organization.
//!
//! Events of one account come in bursts (created, joined, moved), and each wakes a function. Two runs side by side end
//! in the same state, but make every call twice. Writes to Organizations are refused when two happen at once
//! (`ConcurrentModificationException`), so they wait for each other: in this process by a mutex, between processes by
//! an item in the store. Both locks end by themselves, because a function can die.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::store::{Key, Store, StoreError, When};
use crate::types::AccountId;

/// Longer than a function may run.
const ACCOUNT_LIMIT: SignedDuration = SignedDuration::from_mins(16);
/// Longer than the organization steps of one account take.
const ORGANIZATION_LIMIT: SignedDuration = SignedDuration::from_secs(90);
/// How often, and how long apart, the organization's lock is asked for before the work is put off.
const TRIES: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// A held lock; given back by [`Held::release`], and by its expiry where that does not happen.
#[derive(Debug)]
pub struct Held {
    key: Key,
    version: u64,
    _here: Option<OwnedMutexGuard<()>>,
}

impl Held {
    /// Gives the lock back.
    pub async fn release(self, store: &dyn Store) {
        let outcome = store.delete(&self.key, When::Version(self.version)).await;
        if let Err(error) = outcome {
            tracing::warn!("a lock was not given back and ends by itself: {error}");
        }
    }
}

/// The lock of one account under one name; `None` while another run holds it.
pub async fn account(
    store: &dyn Store,
    id: &AccountId,
    name: &str,
    now: Timestamp,
) -> Result<Option<Held>, StoreError> {
    take(store, Key::new(format!("account#{id}"), format!("baseline-lock#{name}")), now, ACCOUNT_LIMIT).await
}

/// The one writer to the organization in this process.
#[derive(Clone, Debug, Default)]
pub struct Writer(Arc<Mutex<()>>);

impl Writer {
    /// Waits for the organization's lock for a few seconds; `None` when another process holds it for longer.
    pub async fn organization(&self, store: &dyn Store) -> Result<Option<Held>, StoreError> {
        let mut here = Some(self.0.clone().lock_owned().await);
        for _ in 0..TRIES {
            let key = Key::new("organization", "writer");
            let held = take(store, key, Timestamp::now(), ORGANIZATION_LIMIT).await?;
            if let Some(held) = held {
                return Ok(Some(Held { _here: here.take(), ..held }));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(None)
    }
}

async fn take(store: &dyn Store, key: Key, now: Timestamp, limit: SignedDuration) -> Result<Option<Held>, StoreError> {
    let until = now.checked_add(limit).unwrap_or(Timestamp::MAX);
    match store.put(&key, json!({ "until": until }), Some(until), When::AbsentAt(now)).await {
        Ok(version) => Ok(Some(Held { key, version, _here: None })),
        Err(StoreError::Lost { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::store::MemoryStore;

    fn id() -> AccountId {
        "444455556666".parse().unwrap()
    }

    #[tokio::test]
    async fn account_has_one_run_at_a_time_and_a_dead_one_does_not_block_it_for_ever() {
        let (store, now) = (MemoryStore::default(), Timestamp::UNIX_EPOCH);
        let held = account(&store, &id(), "dev", now).await.unwrap().unwrap();
        assert!(account(&store, &id(), "dev", now).await.unwrap().is_none());
        assert!(account(&store, &id(), "prod", now).await.unwrap().is_some(), "another name is another account");
        let later = now + ACCOUNT_LIMIT;
        assert!(account(&store, &id(), "dev", later).await.unwrap().is_some(), "a dead run's lock has ended");
        // The first run wakes up late: the lock is another's by now and stays.
        held.release(&store).await;
        assert!(account(&store, &id(), "dev", later).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn organization_has_one_writer() {
        let (store, writer) = (MemoryStore::default(), Writer::default());
        let held = writer.organization(&store).await.unwrap().unwrap();
        let other = Writer::default();
        assert!(other.organization(&store).now_or_never().is_none(), "another process waits");
        assert!(writer.organization(&store).now_or_never().is_none(), "another account waits");
        held.release(&store).await;
        assert!(writer.organization(&store).await.unwrap().is_some());
    }
}
