//! Large documents: receipts and run details, as S3 objects or as files.

use std::io::ErrorKind;
use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::StoreError;
use crate::aws::{CallError, Scope};

/// Where large documents go.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Writes `body` under `key` (`receipts/…/receipt.json`) and returns where a person finds it.
    async fn put(&self, key: &str, body: &[u8], content_type: &str) -> Result<String, StoreError>;

    /// The document under `key`, if there is one.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Documents as files below a directory.
#[derive(Clone, Debug)]
pub struct DirectoryObjects {
    root: PathBuf,
}

impl DirectoryObjects {
    /// Files below `root`, which is made when the first document is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

#[async_trait]
impl Objects for DirectoryObjects {
    async fn put(&self, key: &str, body: &[u8], _content_type: &str) -> Result<String, StoreError> {
        let path = self.root.join(key);
        let failed = |error: std::io::Error| StoreError::Unavailable {
            action: format!("write {}", path.display()),
            message: error.to_string(),
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::write(&path, body).map_err(failed)?;
        Ok(path.display().to_string())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.root.join(key);
        match std::fs::read(&path) {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(StoreError::Unavailable { action: format!("read {}", path.display()), message: error.to_string() })
            }
        }
    }
}

/// Documents as objects of a bucket in the home account.
#[derive(Clone, Debug)]
pub struct BucketObjects {
    home: Scope,
    bucket: String,
}

impl BucketObjects {
    /// Objects of `bucket`, reached through `home`.
    pub fn new(home: Scope, bucket: impl Into<String>) -> Self {
        Self { home, bucket: bucket.into() }
    }

    fn failed(&self, action: &str, key: &str, error: &CallError) -> StoreError {
        StoreError::Unavailable { action: format!("{action} s3://{}/{key}", self.bucket), message: error.to_string() }
    }
}

#[async_trait]
impl Objects for BucketObjects {
    async fn put(&self, key: &str, body: &[u8], content_type: &str) -> Result<String, StoreError> {
        let object = json!({
            "Bucket": self.bucket, "Key": key, "Body": STANDARD.encode(body), "ContentType": content_type,
        });
        let put = self.home.call("s3", "PutObject", object).await;
        put.map(|_| format!("s3://{}/{key}", self.bucket)).map_err(|error| self.failed("write", key, &error))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.home.call("s3", "GetObject", json!({ "Bucket": self.bucket, "Key": key })).await;
        let object = match read {
            Ok(object) => object,
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(self.failed("read", key, &error)),
        };
        let bytes = body(&object).map_err(|message| StoreError::Unavailable {
            action: format!("read s3://{}/{key}", self.bucket),
            message,
        })?;
        Ok(Some(bytes))
    }
}

/// What is in an object that `GetObject` read.
pub fn body(object: &Value) -> Result<Vec<u8>, String> {
    let text = object.get("Body").and_then(Value::as_str).unwrap_or_default();
    STANDARD.decode(text).map_err(|error| format!("the body is not base64: {error}"))
}
