//! What a person has to hear of, beyond a log line: a port, because the baseline does not know the alerts.

use async_trait::async_trait;
use serde::Serialize;

use crate::types::AccountId;

/// One matter about one account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// What it is about, in a word that routes can match (`baseline-failed`, `baseline-overdue`).
    pub rule: &'static str,
    /// One line for people.
    pub title: String,
    /// What is so, a line each.
    pub facts: Vec<String>,
}

/// The way to people.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Tells it, and says whether somebody is there to hear it. The same notice again is for the receiver to drop.
    async fn tell(&self, notice: &Notice) -> Result<bool, String>;
}

/// Where nobody is named to hear it.
pub struct Unheard;

#[async_trait]
impl Notices for Unheard {
    async fn tell(&self, _: &Notice) -> Result<bool, String> {
        Ok(false)
    }
}
