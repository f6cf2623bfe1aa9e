//! The store of the command line: one file, so that everything works with nothing deployed.
//!
//! The file is opened for each operation and closed again, so that two commands can work side by side; redb's file
//! lock makes one wait for the other.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use redb::{Database, DatabaseError, ReadableTable, TableDefinition};
use serde_json::Value;

use super::{Item, Key, Store, StoreError, When, holds};

const ITEMS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("items");

/// How long another process may hold the file before this one gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Documents in a file.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// A store in the file at `path`, which is made when it is first used.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    async fn open(&self) -> Result<Database, StoreError> {
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| self.failed("make the directory of", &error))?;
        }
        let began = Instant::now();
        loop {
            match Database::create(&self.path) {
                Err(DatabaseError::DatabaseAlreadyOpen) if began.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                opened => return opened.map_err(|error| self.failed("open", &error)),
            }
        }
    }

    fn failed(&self, action: &str, error: &dyn std::error::Error) -> StoreError {
        StoreError::Unavailable { action: format!("{action} {}", self.path.display()), message: error.to_string() }
    }

    /// Reads what is under `key`, lets `change` decide, and writes its answer, all in one transaction.
    async fn change<T>(
        &self,
        key: &Key,
        change: impl FnOnce(Option<&Item>) -> Result<(Option<Item>, T), StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.open().await?;
        let write = || -> Result<Result<T, StoreError>, redb::Error> {
            let transaction = database.begin_write()?;
            let answer = {
                let mut table = transaction.open_table(ITEMS)?;
                let place = (key.partition.as_str(), key.sort.as_str());
                let current = table.get(place)?.map(|bytes| decode(key, bytes.value())).transpose();
                let decided = current.and_then(|current| change(current.as_ref())).and_then(|(item, answer)| {
                    let bytes = item.as_ref().map(encode).transpose()?;
                    Ok((bytes, answer))
                });
                match decided {
                    Ok((Some(bytes), answer)) => table.insert(place, bytes.as_slice()).map(|_| Ok(answer))?,
                    Ok((None, answer)) => table.remove(place).map(|_| Ok(answer))?,
                    Err(refused) => return Ok(Err(refused)),
                }
            };
            transaction.commit()?;
            Ok(answer)
        };
        write().map_err(|error| self.failed("write", &error))?
    }
}

#[async_trait]
impl Store for FileStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let found = self.list(&key.partition, &key.sort).await?;
        Ok(found.into_iter().find(|item| item.key == *key))
    }

    async fn put(&self, key: &Key, body: Value, expires_at: Option<Timestamp>, when: When) -> Result<u64, StoreError> {
        let write = self.change(key, |current| {
            if !holds(&when, current) {
                return Err(StoreError::Lost { key: key.clone() });
            }
            let version = current.map_or(0, |item| item.version) + 1;
            Ok((Some(Item { key: key.clone(), version, expires_at, body }), version))
        });
        write.await
    }

    async fn delete(&self, key: &Key, when: When) -> Result<(), StoreError> {
        let delete = self.change(key, |current| match holds(&when, current) {
            true => Ok((None, ())),
            false => Err(StoreError::Lost { key: key.clone() }),
        });
        delete.await
    }

    async fn list(&self, partition: &str, prefix: &str) -> Result<Vec<Item>, StoreError> {
        if !Path::exists(&self.path) {
            return Ok(Vec::new());
        }
        let database = self.open().await?;
        let read = || -> Result<Vec<(Key, Vec<u8>)>, redb::Error> {
            // A write transaction, because only that may meet a file in which the table was never made.
            let transaction = database.begin_write()?;
            let table = transaction.open_table(ITEMS)?;
            let mut found = Vec::new();
            for entry in table.range((partition, prefix)..)? {
                let (place, bytes) = entry?;
                let (in_partition, sort) = place.value();
                if in_partition != partition || !sort.starts_with(prefix) {
                    break;
                }
                found.push((Key::new(in_partition, sort), bytes.value().to_vec()));
            }
            Ok(found)
        };
        let found = read().map_err(|error| self.failed("read", &error))?;
        found.iter().map(|(key, bytes)| decode(key, bytes)).collect()
    }
}

fn encode(item: &Item) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(item).map_err(|error| StoreError::corrupt(&item.key, &error))
}

fn decode(key: &Key, bytes: &[u8]) -> Result<Item, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::corrupt(key, &error))
}
