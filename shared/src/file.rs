//! Where `forester.yaml` stands, and which edition of it stands there now: a file on disk, or an object of a bucket.

use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{AccessRoles, Accounts, CallError, Entry, Scope, Sdk, SdkAccounts};
use crate::config::{Config, ConfigErrors};
use crate::store::body;

/// One state of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Edition {
    /// Differs from that of every other state: S3's entity tag, or time and size on disk.
    pub(crate) mark: String,
    /// By which the bucket still has it when another is there, where the bucket keeps versions.
    pub(crate) version: Option<String>,
}

/// The file could not be reached.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("cannot read the configuration {location}: {message}")]
pub struct Unreadable {
    /// What `FORESTER_CONFIG` or `--config` named.
    pub location: String,
    /// What happened.
    pub message: String,
}

/// The file, wherever it stands.
#[async_trait]
pub(crate) trait Origin: fmt::Debug + Send + Sync {
    /// Where that is, in the words of whoever named it.
    fn location(&self) -> &str;

    /// Which edition is there now; without reading it.
    async fn edition(&self) -> Result<Edition, Unreadable>;

    /// What is written there, or in an earlier `version`.
    async fn read(&self, version: Option<&str>) -> Result<(String, Edition), Unreadable>;

    /// The text as a configuration, or all that is wrong with it.
    fn parse(&self, text: &str) -> Result<Config, ConfigErrors>;
}

/// What stands at `location`: `s3://bucket/key`, read with the process's own credentials, or a path.
pub(crate) async fn at(location: &str, sdk: &Sdk) -> Result<Box<dyn Origin>, Unreadable> {
    let Some((bucket, key)) = location.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) else {
        return Ok(Box::new(OnDisk(location.to_owned())));
    };
    let unreadable = |message: String| Unreadable { location: location.to_owned(), message };
    let region = sdk.region().ok_or_else(|| unreadable("no region is set: set AWS_REGION".to_owned()))?;
    let nobody = AccessRoles { role: String::new(), fallback: Vec::new() };
    let accounts = SdkAccounts::new(sdk, nobody, Entry::Home);
    let home = accounts.home().await.map_err(|error| unreadable(error.to_string()))?;
    let home = accounts.scope(&home, &region).await.map_err(|error| unreadable(error.to_string()))?;
    Ok(Box::new(InBucket { location: location.to_owned(), home, object: json!({ "Bucket": bucket, "Key": key }) }))
}

#[derive(Debug)]
struct OnDisk(String);

impl OnDisk {
    fn failed(&self, error: &std::io::Error) -> Unreadable {
        Unreadable { location: self.0.clone(), message: error.to_string() }
    }
}

#[async_trait]
impl Origin for OnDisk {
    fn location(&self) -> &str {
        &self.0
    }

    async fn edition(&self) -> Result<Edition, Unreadable> {
        let about = std::fs::metadata(&self.0).map_err(|error| self.failed(&error))?;
        let changed = about.modified().map_err(|error| self.failed(&error))?;
        let since = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Edition { mark: format!("{}-{}", since.as_nanos(), about.len()), version: None })
    }

    async fn read(&self, _: Option<&str>) -> Result<(String, Edition), Unreadable> {
        // What is written in between is found by the next look, because the edition is the older one.
        let edition = self.edition().await?;
        Ok((std::fs::read_to_string(&self.0).map_err(|error| self.failed(&error))?, edition))
    }

    fn parse(&self, text: &str) -> Result<Config, ConfigErrors> {
        Config::parse_file(text, &self.0)
    }
}

#[derive(Debug)]
struct InBucket {
    location: String,
    home: Scope,
    object: Value,
}

impl InBucket {
    async fn call(&self, operation: &str, version: Option<&str>) -> Result<Value, Unreadable> {
        let mut params = self.object.clone();
        if let (Some(params), Some(version)) = (params.as_object_mut(), version) {
            params.insert("VersionId".to_owned(), version.into());
        }
        let told = |error: CallError| match error.is_gone() {
            true => "there is no such object".to_owned(),
            false => error.to_string(),
        };
        self.home.call("s3", operation, params).await.map_err(|error| self.failed(told(error)))
    }

    fn failed(&self, message: String) -> Unreadable {
        Unreadable { location: self.location.clone(), message }
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>; where versions are not kept the id is absent, or
/// `null` for what was there before they were.
fn edition(object: &Value) -> Edition {
    let word = |name: &str| object.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
    let version = word("VersionId").filter(|version| *version != "null");
    Edition { mark: word("ETag").unwrap_or_default().to_owned(), version: version.map(str::to_owned) }
}

#[async_trait]
impl Origin for InBucket {
    fn location(&self) -> &str {
        &self.location
    }

    async fn edition(&self) -> Result<Edition, Unreadable> {
        Ok(edition(&self.call("HeadObject", None).await?))
    }

    async fn read(&self, version: Option<&str>) -> Result<(String, Edition), Unreadable> {
        let object = self.call("GetObject", version).await?;
        let bytes = body(&object).map_err(|message| self.failed(message))?;
        let text = String::from_utf8(bytes).map_err(|error| self.failed(error.to_string()))?;
        Ok((text, edition(&object)))
    }

    fn parse(&self, text: &str) -> Result<Config, ConfigErrors> {
        Config::parse(text, &self.location)
    }
}
