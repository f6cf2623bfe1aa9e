//! Which accounts a command is about: some by name or id, those of an OU, or all.

use forester::baseline::Baseline;
use forester::config::OuPattern;
use forester::org::Account;
use serde_json::{Value, json};

use crate::output::{Problem, note};

/// Which accounts a command is about.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Pick {
    /// Accounts, by 12-digit id or by name
    #[arg(value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// The accounts of an OU: `Sandbox` alone, `Workloads/**` with everything below
    #[arg(long, value_name = "PATH")]
    ou: Option<OuPattern>,
    /// Every account
    #[arg(long)]
    all: bool,
}

impl Pick {
    /// Whether every account is meant, those included that are still to be created.
    pub fn all(&self) -> bool {
        self.all
    }

    /// Looks the accounts up.
    pub async fn accounts(&self, baseline: &Baseline) -> Result<Vec<Account>, Problem> {
        let mut picked = Vec::new();
        for word in &self.accounts {
            picked.extend(one(baseline, word).await?);
        }
        if self.all || self.ou.is_some() {
            let all = baseline.directory().accounts().await.map_err(Problem::failed)?;
            picked.extend(all.into_iter().filter(|account| self.ou.as_ref().is_none_or(|ou| ou.holds(&account.ou))));
        }
        if let (Some(ou), true) = (&self.ou, picked.is_empty()) {
            return Err(Problem::failed(format_args!(
                "no account is in an OU that fits `{ou}`; see `forester accounts`"
            )));
        }
        if self.all {
            for name in baseline.missing(&picked) {
                note(format_args!(
                    "{name}: named in the file, not in the organization; the management account's baseline makes it, \
                     where its address is given"
                ));
            }
        }
        Ok(picked)
    }
}

/// The accounts that one word means: several only in single-account mode.
pub async fn one(baseline: &Baseline, word: &str) -> Result<Vec<Account>, Problem> {
    let found = baseline.find(word).await.map_err(Problem::failed)?;
    match found.is_empty() {
        true => {
            Err(Problem::failed(format_args!("`{word}` is no account of the organization; see `forester accounts`")))
        }
        false => Ok(found),
    }
}

/// The document that scripts read: one entry an account.
pub fn document(accounts: Value) -> Value {
    json!({ "accounts": accounts })
}
