//! A store in memory: for tests, and for commands that must leave nothing behind.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::{Item, Key, Store, StoreError, When, holds};

/// Items in a map, gone with the process.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<Key, Item>>);

impl MemoryStore {
    fn items(&self) -> MutexGuard<'_, BTreeMap<Key, Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        Ok(self.items().get(key).cloned())
    }

    async fn put(&self, key: &Key, body: Value, expires_at: Option<Timestamp>, when: When) -> Result<u64, StoreError> {
        let mut items = self.items();
        let current = items.get(key);
        if !holds(&when, current) {
            return Err(StoreError::Lost { key: key.clone() });
        }
        let version = current.map_or(0, |item| item.version) + 1;
        items.insert(key.clone(), Item { key: key.clone(), version, expires_at, body });
        Ok(version)
    }

    async fn delete(&self, key: &Key, when: When) -> Result<(), StoreError> {
        let mut items = self.items();
        if !holds(&when, items.get(key)) {
            return Err(StoreError::Lost { key: key.clone() });
        }
        items.remove(key);
        Ok(())
    }

    async fn list(&self, partition: &str, prefix: &str) -> Result<Vec<Item>, StoreError> {
        let fits = |key: &Key| key.partition == partition && key.sort.starts_with(prefix);
        Ok(self.items().values().filter(|item| fits(&item.key)).cloned().collect())
    }
}
