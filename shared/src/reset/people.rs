//! What people hear of a reset: a port, because a reset does not know the alerts.

use async_trait::async_trait;
use serde::Serialize;

use crate::types::{AccountId, Severity};

/// One matter of one account, for whoever owns it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Letter {
    /// The account.
    pub account: AccountId,
    /// What it is about, in a word that routes can match (`reset-notice`, `reset-receipt`).
    pub rule: &'static str,
    /// Which time it is: a letter of the same rule, account and occasion is the same letter, however often it is sent.
    pub occasion: String,
    /// How bad it is.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// What is so: a word for it, and the line.
    pub facts: Vec<(String, String)>,
    /// What routes can match besides (`verdict`).
    pub labels: Vec<(&'static str, String)>,
    /// Where the whole is, as the objects name it: a page that is not public.
    pub page: Option<String>,
}

/// The way to people.
#[async_trait]
pub trait People: Send + Sync {
    /// Tells it, and says whether somebody is there to hear it. The same letter again is for the receiver to drop.
    async fn tell(&self, letter: &Letter) -> Result<bool, String>;
}

/// Where nobody is named to hear it.
pub struct Nobody;

#[async_trait]
impl People for Nobody {
    async fn tell(&self, _: &Letter) -> Result<bool, String> {
        Ok(false)
    }
}
