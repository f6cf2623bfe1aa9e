//! Wires the parts once, from settings, for every function and the command line.

use std::path::PathBuf;
use std::sync::Arc;

use crate::aws::dynamodb::Table;
use crate::aws::sqs::{Mailbox, SdkQueue};
use crate::aws::{AccessRoles, Accounts, CallError, Sdk, SdkAccounts};
use crate::config::{Config, ConfigErrors};
use crate::file::{self, Unreadable};
use crate::org::{self, Directory};
use crate::store::{BucketObjects, DirectoryObjects, DynamoStore, FileStore, Objects, Store};

/// What the environment says. Every problem is collected before the first is reported.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `FORESTER_CONFIG`: a file, or `s3://bucket/key`. Default: `forester.yaml`.
    pub config: String,
    /// `FORESTER_TABLE`: the DynamoDB table. Absent: an embedded file below `state`.
    pub table: Option<String>,
    /// `FORESTER_BUCKET`: the bucket for receipts. Absent: files below `state`.
    pub bucket: Option<String>,
    /// `FORESTER_QUEUE`: the URL of the baseline's queue, for what is to be looked at again later. Absent: the caller is
    /// told to come again.
    pub queue: Option<String>,
    /// `FORESTER_TIMERS`: the URL of a queue that a function reads which routes alerts, for what it must do later. Absent:
    /// it is done when somebody sweeps.
    pub timers: Option<String>,
    /// `FORESTER_OUTBOX`: the URL of the FIFO queue of deliveries. Absent: delivered in process.
    pub outbox: Option<String>,
    /// `FORESTER_RESET_MACHINE`: the ARN of the state machine of resets. Absent: nobody but a person begins one.
    pub machine: Option<String>,
    /// `FORESTER_ALLOW_LOOPBACK=1`: webhooks may be on this machine, without TLS. For tests and emulators.
    pub allow_loopback: bool,
    /// `FORESTER_STATE`: the directory of the embedded store. Default: `.forester`.
    pub state: PathBuf,
}

/// Every wrong variable: its name, what was found, what was expected.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    /// Reads the variables through `get`.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let given = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let mut problems = Vec::new();
        let outbox = given("FORESTER_OUTBOX");
        let (queue, timers) = (given("FORESTER_QUEUE"), given("FORESTER_TIMERS"));
        let urls = [
            ("FORESTER_OUTBOX", &outbox, "SQS FIFO"),
            ("FORESTER_QUEUE", &queue, "SQS"),
            ("FORESTER_TIMERS", &timers, "SQS"),
        ];
        for (name, url, kind) in urls {
            if let Some(url) = url.as_deref().filter(|url| !url.starts_with("http")) {
                problems.push(format!("{name} is `{url}`; expected the URL of an {kind} queue"));
            }
        }
        if let Some(table) = given("FORESTER_TABLE").filter(|name| name.len() < 3) {
            problems.push(format!(
                "FORESTER_TABLE is `{table}`; expected the name of a DynamoDB table (3 characters or more)"
            ));
        }
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            config: given("FORESTER_CONFIG").unwrap_or_else(|| "forester.yaml".to_owned()),
            table: given("FORESTER_TABLE"),
            bucket: given("FORESTER_BUCKET"),
            machine: given("FORESTER_RESET_MACHINE"),
            outbox,
            queue,
            timers,
            allow_loopback: given("FORESTER_ALLOW_LOOPBACK").is_some_and(|value| value == "1"),
            state: given("FORESTER_STATE").unwrap_or_else(|| ".forester".to_owned()).into(),
        })
    }
}

/// The parts, wired. What a job is made from.
#[derive(Clone)]
pub struct Forester {
    /// What the environment says.
    pub settings: Settings,
    /// The declared forest.
    pub config: Arc<Config>,
    /// Typed clients of the control plane.
    pub sdk: Sdk,
    /// Ways into accounts.
    pub accounts: Arc<dyn Accounts>,
    /// The organization.
    pub directory: Arc<dyn Directory>,
    /// What is remembered.
    pub store: Arc<dyn Store>,
    /// Receipts and other large documents.
    pub objects: Arc<dyn Objects>,
    /// The baseline's queue.
    pub mailbox: Option<Arc<dyn Mailbox>>,
    /// The queue of what alerts must do later.
    pub timers: Option<Arc<dyn Mailbox>>,
}

/// Why the parts could not be wired.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The file is wrong, and no earlier one that was good is known.
    #[error("{location} is refused, and no earlier version of it is in force: {problem}")]
    Refused {
        /// What `FORESTER_CONFIG` named.
        location: String,
        /// What is wrong.
        problem: String,
    },
    /// An AWS call that start-up needs failed.
    #[error(transparent)]
    Aws(#[from] CallError),
}

impl Forester {
    /// Reads the environment, then the file, and wires the parts.
    pub async fn from_env() -> Result<Self, StartError> {
        Self::start(Settings::from_env(|name| std::env::var(name).ok())?).await
    }

    /// Reads the file and wires the parts.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let sdk = Sdk::load().await;
        let origin = file::at(&settings.config, &sdk).await?;
        let (text, _) = origin.read(None).await?;
        let store = Self::store(&settings, &sdk);
        Self::wired(settings, origin.parse(&text)?, sdk, store).await
    }

    /// The parts, of a file that was read.
    pub(crate) async fn wired(
        settings: Settings,
        config: Config,
        sdk: Sdk,
        store: Arc<dyn Store>,
    ) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let entry = org::entry(&config);
        let roles = AccessRoles { role: config.access.role.clone(), fallback: config.access.fallback.clone() };
        let accounts: Arc<dyn Accounts> = Arc::new(SdkAccounts::new(&sdk, roles, entry));
        // The first call opens the connection while the platform still gives a whole processor.
        if let Err(error) = accounts.home().await {
            tracing::warn!("the account of the credentials at hand is not known yet: {error}");
        }
        let directory = org::directory(&config, &sdk, &accounts);
        let objects: Arc<dyn Objects> = match &settings.bucket {
            Some(bucket) => {
                // The bucket stands where the functions run, which need not be the home region of the file.
                let region = sdk.region().unwrap_or_else(|| config.home_region.clone());
                let home = accounts.home().await?;
                Arc::new(BucketObjects::new(accounts.scope(&home, &region).await?, bucket))
            }
            None => Arc::new(DirectoryObjects::new(&settings.state)),
        };
        let timers = mailbox(settings.timers.as_ref(), &sdk, &config)?;
        let mailbox = mailbox(settings.queue.as_ref(), &sdk, &config)?;
        Ok(Self { settings, config, sdk, accounts, directory, store, objects, mailbox, timers })
    }

    /// What is remembered, in the table or beside the command line.
    pub(crate) fn store(settings: &Settings, sdk: &Sdk) -> Arc<dyn Store> {
        match &settings.table {
            Some(table) => Arc::new(DynamoStore::new(Table::new(sdk, table))),
            None => Arc::new(FileStore::new(settings.state.join("state.redb"))),
        }
    }
}

fn mailbox(url: Option<&String>, sdk: &Sdk, config: &Config) -> Result<Option<Arc<dyn Mailbox>>, SettingsError> {
    let Some(url) = url else { return Ok(None) };
    let region = sdk.region().unwrap_or_else(|| config.home_region.clone());
    let queue = SdkQueue::new(sdk, url, region).map_err(|error| SettingsError(vec![error.to_string()]))?;
    Ok(Some(Arc::new(queue)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_variable_is_named_at_once() {
        let env = |name: &str| match name {
            "FORESTER_OUTBOX" => Some("outbox.fifo".to_owned()),
            "FORESTER_QUEUE" => Some("queue".to_owned()),
            "FORESTER_TABLE" => Some("t".to_owned()),
            _ => None,
        };
        let SettingsError(problems) = Settings::from_env(env).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[test]
    fn nothing_set_means_local_files() {
        let settings = Settings::from_env(|_| None).unwrap();
        assert_eq!((settings.config.as_str(), settings.table), ("forester.yaml", None));
    }
}
