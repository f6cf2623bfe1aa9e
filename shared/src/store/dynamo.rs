//! The store of the functions: one DynamoDB table, each document one item, conditions kept by DynamoDB itself.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::{Item, Key, Store, StoreError, When};
use crate::aws::dynamodb::{Condition, Row, Table, TableError};

/// Documents in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    table: Table,
}

impl DynamoStore {
    /// A store in `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let row = self.table.get(&key.partition, &key.sort).await.map_err(|error| explain("read", key, error))?;
        row.map(item).transpose()
    }

    async fn put(&self, key: &Key, body: Value, expires_at: Option<Timestamp>, when: When) -> Result<u64, StoreError> {
        let write = self.table.write(
            &key.partition,
            &key.sort,
            body.to_string(),
            expires_at.map(seconds_after),
            condition(&when),
        );
        write.await.map_err(|error| explain("write", key, error))
    }

    async fn delete(&self, key: &Key, when: When) -> Result<(), StoreError> {
        let deleted = self.table.delete(&key.partition, &key.sort, condition(&when)).await;
        deleted.map_err(|error| explain("delete", key, error))
    }

    async fn list(&self, partition: &str, prefix: &str) -> Result<Vec<Item>, StoreError> {
        let rows = self.table.list(partition, prefix).await;
        let rows = rows.map_err(|error| explain("list", &Key::new(partition, prefix), error))?;
        rows.into_iter().map(item).collect()
    }
}

/// DynamoDB's time to live counts whole seconds; rounding up never lets an item expire early.
fn seconds_after(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}

fn condition(when: &When) -> Condition {
    match when {
        When::Always => Condition::Always,
        When::AbsentAt(now) => Condition::AbsentAt(now.as_second()),
        When::Version(version) => Condition::Version(*version),
    }
}

fn item(row: Row) -> Result<Item, StoreError> {
    let key = Key::new(row.pk, row.sk);
    let corrupt = |message: String| StoreError::Corrupt { key: key.clone(), message };
    let body = serde_json::from_str(&row.body).map_err(|error| corrupt(error.to_string()))?;
    let expires_at = row.ttl.map(Timestamp::from_second).transpose().map_err(|error| corrupt(error.to_string()))?;
    Ok(Item { version: row.version, expires_at, body, key })
}

fn explain(action: &str, key: &Key, error: TableError) -> StoreError {
    match error {
        TableError::Lost => StoreError::Lost { key: key.clone() },
        TableError::Failed(message) => {
            StoreError::Unavailable { action: format!("{action} {} / {}", key.partition, key.sort), message }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_rounded_up_to_whole_seconds() {
        assert_eq!(seconds_after("2026-11-12T04:26:51.123Z".parse().unwrap()), 1_794_457_612);
        assert_eq!(seconds_after("2026-11-12T04:26:51Z".parse().unwrap()), 1_794_457_611);
    }
}
