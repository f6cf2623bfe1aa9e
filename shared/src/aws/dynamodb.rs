//! One DynamoDB table with string keys `pk` and `sk`: the four calls that the store makes, and nothing else.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::Sdk;

/// The table, by name.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: String,
}

/// An item: its keys, its version, its time to live in epoch seconds, its document as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
    /// Counts up with every write.
    pub version: u64,
    /// Epoch seconds from which on the item no longer counts.
    pub ttl: Option<i64>,
    /// The document.
    pub body: String,
}

/// The condition of a write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// None.
    Always,
    /// Absent, or expired by these epoch seconds.
    AbsentAt(i64),
    /// At this version.
    Version(u64),
}

/// Why a call to the table failed.
#[derive(Clone, Debug, PartialEq)]
pub enum TableError {
    /// The condition did not hold.
    Lost,
    /// Anything else, with AWS's words.
    Failed(String),
}

impl Table {
    /// The table called `name` in the home account and region.
    pub fn new(sdk: &Sdk, name: &str) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(sdk.config()).interceptor(sdk.counter());
        Self { client: Client::from_conf(config.build()), name: name.to_owned() }
    }

    /// Reads one item, consistently.
    pub async fn get(&self, pk: &str, sk: &str) -> Result<Option<Row>, TableError> {
        let answer = self.client.get_item().table_name(&self.name).set_key(Some(key(pk, sk))).consistent_read(true);
        let answer = answer.send().await.map_err(|error| failed(&error))?;
        answer.item.as_ref().map(row).transpose()
    }

    /// Writes one item and returns its new version.
    pub async fn write(
        &self,
        pk: &str,
        sk: &str,
        body: String,
        ttl: Option<i64>,
        when: Condition,
    ) -> Result<u64, TableError> {
        let expression = match ttl {
            Some(_) => "SET #body = :body, #ttl = :ttl ADD #version :one",
            None => "SET #body = :body REMOVE #ttl ADD #version :one",
        };
        let request = self.client.update_item().table_name(&self.name).set_key(Some(key(pk, sk)));
        let request = request
            .update_expression(expression)
            .expression_attribute_names("#body", "body")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":body", AttributeValue::S(body))
            .expression_attribute_values(":one", number(1))
            .set_condition_expression(condition(when).map(|(text, _)| text.to_owned()))
            .return_values(ReturnValue::UpdatedNew);
        let request = match ttl {
            Some(seconds) => request.expression_attribute_values(":ttl", number(seconds)),
            None => request,
        };
        let request = match condition(when) {
            Some((_, value)) => request.expression_attribute_values(":when", value),
            None => request,
        };
        let answer = request.send().await.map_err(|error| match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => TableError::Lost,
            _ => failed(&error),
        })?;
        let version = answer.attributes.as_ref().and_then(|changed| integer(changed, "version"));
        version.ok_or_else(|| TableError::Failed("the answer to UpdateItem carries no version".to_owned()))
    }

    /// Deletes one item.
    pub async fn delete(&self, pk: &str, sk: &str, when: Condition) -> Result<(), TableError> {
        let request = self.client.delete_item().table_name(&self.name).set_key(Some(key(pk, sk)));
        let request = match condition(when) {
            Some((text, value)) => {
                let name =
                    if matches!(when, Condition::Version(_)) { ("#version", "version") } else { ("#ttl", "ttl") };
                let request = request.condition_expression(text).expression_attribute_values(":when", value);
                request.expression_attribute_names(name.0, name.1)
            }
            None => request,
        };
        request.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => TableError::Lost,
            _ => failed(&error),
        })
    }

    /// Every item of a partition whose sort key starts with `prefix`, in order, to the last page.
    pub async fn list(&self, pk: &str, prefix: &str) -> Result<Vec<Row>, TableError> {
        let expression = if prefix.is_empty() { "pk = :pk" } else { "pk = :pk AND begins_with(sk, :prefix)" };
        let request = self.client.query().table_name(&self.name).consistent_read(true);
        let request = request
            .key_condition_expression(expression)
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
        let request = match prefix {
            "" => request,
            prefix => request.expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned())),
        };
        let mut pages = request.into_paginator().items().send();
        let mut rows = Vec::new();
        while let Some(item) = pages.next().await {
            rows.push(row(&item.map_err(|error| failed(&error))?)?);
        }
        Ok(rows)
    }
}

fn condition(when: Condition) -> Option<(&'static str, AttributeValue)> {
    match when {
        Condition::Always => None,
        Condition::AbsentAt(seconds) => Some(("attribute_not_exists(pk) OR #ttl <= :when", number(seconds))),
        Condition::Version(version) => Some(("#version = :when", number(version))),
    }
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(pk.to_owned())),
        ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
    ])
}

fn number(n: impl ToString) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

fn row(item: &HashMap<String, AttributeValue>) -> Result<Row, TableError> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let found = (text("pk"), text("sk"), integer(item, "version"), text("body"));
    let (Some(pk), Some(sk), Some(version), Some(body)) = found else {
        return Err(TableError::Failed(
            "an item lacks one of pk, sk, version, body: was it written by something else?".into(),
        ));
    };
    Ok(Row { pk, sk, version, ttl: integer(item, "ttl"), body })
}

fn integer<T: std::str::FromStr>(item: &HashMap<String, AttributeValue>, name: &str) -> Option<T> {
    item.get(name).and_then(|value| value.as_n().ok()).and_then(|n| n.parse().ok())
}

fn failed<E: std::error::Error + 'static>(error: &SdkError<E>) -> TableError {
    TableError::Failed(DisplayErrorContext(error).to_string())
}
