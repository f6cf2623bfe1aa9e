//! What Forester must remember: one port over DynamoDB for the functions and an embedded file for the command line.
//!
//! Every write names the condition under which it holds, so two runs can never both win. Expiry is data: readers and
//! conditions compare `expires_at` themselves, because DynamoDB deletes expired items up to days later
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>).

mod dynamo;
mod file;
mod memory;
mod objects;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use dynamo::DynamoStore;
pub use file::FileStore;
pub use memory::MemoryStore;
pub use objects::{BucketObjects, DirectoryObjects, Objects, body};

/// Where an item lives: a partition (`account#111122223333`) and a place in it (`ledger`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The partition key.
    pub partition: String,
    /// The sort key.
    pub sort: String,
}

impl Key {
    /// A key of the two parts.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }
}

/// A stored document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Where it lives.
    pub key: Key,
    /// Counts up with every write; what [`When::Version`] compares.
    pub version: u64,
    /// From when on it no longer counts.
    pub expires_at: Option<Timestamp>,
    /// The document.
    pub body: Value,
}

impl Item {
    /// The document as what it should be.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        T::deserialize(&self.body).map_err(|error| StoreError::corrupt(&self.key, &error))
    }

    /// Whether it still counts.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// The condition of a write.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Whatever is there.
    Always,
    /// Nothing is there, or what is there has expired by this time.
    AbsentAt(Timestamp),
    /// Exactly this version is there.
    Version(u64),
}

/// Why the store did not do as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The condition did not hold: somebody else was first. Read again and decide anew.
    #[error("{} / {} was changed by somebody else", key.partition, key.sort)]
    Lost {
        /// The item in question.
        key: Key,
    },
    /// The store could not be reached or refused; worth a retry.
    #[error("the store could not {action}: {message}")]
    Unavailable {
        /// What was tried (`read account#1 / ledger`).
        action: String,
        /// What happened.
        message: String,
    },
    /// What is stored does not have the expected form.
    #[error("what is stored under {} / {} cannot be read: {message}", key.partition, key.sort)]
    Corrupt {
        /// The item in question.
        key: Key,
        /// What is wrong with it.
        message: String,
    },
}

impl StoreError {
    /// What is, or should be, under the key does not have the expected form.
    pub fn corrupt(key: &Key, error: &serde_json::Error) -> Self {
        Self::Corrupt { key: key.clone(), message: error.to_string() }
    }
}

/// A store of documents with conditional writes.
#[async_trait]
pub trait Store: Send + Sync {
    /// One item, expired or not.
    async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError>;

    /// Writes `body` under `key` if `when` holds, and returns the new version.
    async fn put(&self, key: &Key, body: Value, expires_at: Option<Timestamp>, when: When) -> Result<u64, StoreError>;

    /// Deletes the item if `when` holds; an absent item is success under [`When::Always`].
    async fn delete(&self, key: &Key, when: When) -> Result<(), StoreError>;

    /// Every item of a partition whose sort key starts with `prefix`, in order of the sort key, to the last page.
    async fn list(&self, partition: &str, prefix: &str) -> Result<Vec<Item>, StoreError>;
}

/// Whether a write under `when` may replace `current`. Shared by the stores that keep items themselves.
fn holds(when: &When, current: Option<&Item>) -> bool {
    match when {
        When::Always => true,
        When::AbsentAt(now) => current.is_none_or(|item| !item.lives(*now)),
        When::Version(version) => current.is_some_and(|item| item.version == *version),
    }
}

#[cfg(test)]
mod tests {
    //! One contract, kept by every store that runs in a test process.

    use serde_json::json;

    use super::*;

    async fn keeps_the_contract(store: &dyn Store) {
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let key = Key::new("account#1", "lock");
        assert_eq!(store.get(&key).await.unwrap(), None);
        assert_eq!(store.put(&key, json!(1), Some(later), When::AbsentAt(now)).await, Ok(1));
        let lost = Err(StoreError::Lost { key: key.clone() });
        assert_eq!(store.put(&key, json!(2), None, When::AbsentAt(now)).await, lost, "still held");
        assert_eq!(store.put(&key, json!(2), Some(later), When::AbsentAt(later)).await, Ok(2), "expired");
        assert_eq!(store.put(&key, json!(3), None, When::Version(1)).await, lost, "an old version");
        assert_eq!(store.put(&key, json!(3), None, When::Version(2)).await, Ok(3));
        assert_eq!(store.get(&key).await.unwrap().unwrap().body, json!(3));
        assert_eq!(store.delete(&key, When::Version(2)).await, Err(StoreError::Lost { key: key.clone() }));
        for sort in ["item#2", "item#1", "jtem"] {
            store.put(&Key::new("account#1", sort), json!(sort), None, When::Always).await.unwrap();
        }
        store.put(&Key::new("account#2", "item#0"), json!(0), None, When::Always).await.unwrap();
        let listed = store.list("account#1", "item#").await.unwrap();
        assert_eq!(listed.iter().map(|item| item.key.sort.as_str()).collect::<Vec<_>>(), ["item#1", "item#2"]);
        store.delete(&key, When::Version(3)).await.unwrap();
        store.delete(&key, When::Always).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), None);
    }

    #[tokio::test]
    async fn memory() {
        keeps_the_contract(&MemoryStore::default()).await;
    }

    #[tokio::test]
    async fn file() {
        let directory = std::env::temp_dir().join(format!("forester-store-{}", std::process::id()));
        keeps_the_contract(&FileStore::new(directory.join("state.redb"))).await;
        std::fs::remove_dir_all(directory).unwrap();
    }
}
