//! Large documents: receipts and run details, as S3 objects or as files.

use std::io::ErrorKind;
use std::path::PathBuf;

use async_trait::async_trait;

use super::StoreError;

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
