//! Secrets by reference: read when they are needed, kept for five minutes, shown to nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::alert::model::text;
use crate::aws::Accounts;
use crate::config::alerts::{Reference, Secretive};
use crate::types::Region;

/// A value that no log and no message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text without the value in it.
    pub fn blot(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "(secret)") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Reads secrets in the home account.
#[derive(Clone)]
pub struct Secrets {
    accounts: Arc<dyn Accounts>,
    region: Region,
    known: Arc<Mutex<BTreeMap<Reference, (Secret, Instant)>>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.region)
    }
}

const KEPT: Duration = Duration::from_secs(300);

impl Secrets {
    /// Secrets of the home account in `region`.
    pub fn new(accounts: Arc<dyn Accounts>, region: Region) -> Self {
        Self { accounts, region, known: Arc::default() }
    }

    /// The secret that is referred to, or why it cannot be had.
    pub async fn get(&self, reference: &Reference) -> Result<Secret, String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(reference).cloned();
        if let Some((secret, _)) = known.filter(|(_, read)| read.elapsed() < KEPT) {
            return Ok(secret);
        }
        self.again(reference).await
    }

    /// The same, read anew: for one that was refused and may have been rotated.
    pub async fn again(&self, reference: &Reference) -> Result<Secret, String> {
        let secret = self.read(reference).await.map_err(|why| format!("cannot read {reference}: {why}"))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(reference.clone(), (secret.clone(), Instant::now()));
        Ok(secret)
    }

    /// A URL that is perhaps a secret.
    pub async fn url(&self, url: &Secretive) -> Result<Secret, String> {
        match url {
            Secretive::Plain(url) => Ok(Secret::new(url)),
            Secretive::Kept(reference) => self.get(reference).await,
        }
    }

    async fn read(&self, reference: &Reference) -> Result<Secret, String> {
        let (service, operation, params, member) = match reference {
            Reference::Env(name) => {
                let value = std::env::var(name).map_err(|_| "the variable is not set".to_owned())?;
                return Ok(Secret::new(value.trim()));
            }
            Reference::SecretsManager(id) => {
                ("secretsmanager", "GetSecretValue", json!({ "SecretId": id }), "/SecretString")
            }
            Reference::Ssm(name) => {
                ("ssm", "GetParameter", json!({ "Name": name, "WithDecryption": true }), "/Parameter/Value")
            }
        };
        let home = self.accounts.home().await.map_err(|error| error.to_string())?;
        let scope = self.accounts.scope(&home, &self.region).await.map_err(|error| error.to_string())?;
        let answer = scope.call(service, operation, params).await.map_err(|error| error.to_string())?;
        // A line break at the end is the editor's, and no header can carry it.
        text(&answer, member).map(|text| Secret::new(text.trim())).ok_or_else(|| "it holds no text".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secret::new("whsec_x")), "Secret(…)");
    }
}
