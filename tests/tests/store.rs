//! The functions' store on DynamoDB: every write holds only under its condition.

use forester::aws::dynamodb::Table;
use forester::store::{DynamoStore, Key, Store, StoreError, When};
use forester_e2e::Outcome;
use forester_e2e::stack::Stack;
use forester_e2e::world::{HOME, World};
use jiff::Timestamp;
use serde_json::json;

async fn with_table(stack: &Stack) -> Outcome<DynamoStore> {
    let world = World::create(stack).await?;
    let table = json!({
        "TableName": "state", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "sk", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }],
    });
    world.management().await?.call("dynamodb", "CreateTable", table).await?;
    Ok(DynamoStore::new(Table::new(&stack.sdk(&HOME.parse()?).await, "state")))
}

#[tokio::test]
async fn a_lock_is_held_until_it_expires_and_versions_are_compared() -> Outcome<()> {
    let stack = Stack::start().await?;
    let store = with_table(&stack).await?;
    let (now, later) = (Timestamp::from_second(1_000)?, Timestamp::from_second(1_060)?);
    let key = Key::new("account#1", "lock");
    let lost = Err(StoreError::Lost { key: key.clone() });
    assert_eq!(store.put(&key, json!("first"), Some(later), When::AbsentAt(now)).await, Ok(1));
    assert_eq!(store.put(&key, json!("second"), Some(later), When::AbsentAt(now)).await, lost, "still held");
    assert_eq!(store.put(&key, json!("second"), None, When::AbsentAt(later)).await, Ok(2), "expired");
    assert_eq!(store.put(&key, json!("third"), None, When::Version(1)).await, lost, "an old version");
    let found = store.get(&key).await?.ok_or("the item is gone")?;
    assert_eq!((found.version, found.body, found.expires_at), (2, json!("second"), None));
    assert_eq!(store.delete(&key, When::Version(1)).await, Err(StoreError::Lost { key: key.clone() }));
    store.delete(&key, When::Version(2)).await?;
    assert_eq!(store.get(&key).await?, None);
    stack.stop().await
}

#[tokio::test]
async fn a_listing_goes_to_the_last_page() -> Outcome<()> {
    let stack = Stack::start().await?;
    let store = with_table(&stack).await?;
    // More than one page of 1 MB.
    let large = "x".repeat(300_000);
    for n in 0..5 {
        store.put(&Key::new("runs", format!("run#{n}")), json!(large), None, When::Always).await?;
    }
    store.put(&Key::new("runs", "other"), json!(0), None, When::Always).await?;
    let sorts: Vec<String> = store.list("runs", "run#").await?.into_iter().map(|item| item.key.sort).collect();
    assert_eq!(sorts, ["run#0", "run#1", "run#2", "run#3", "run#4"]);
    stack.stop().await
}
