//! The ladder: what the spend of a sandbox does beyond a message. It tells others, lets nobody work in the account, or
//! empties it.
//!
//! ```text
//! plan     which steps the budget itself bears out: pure
//! climb    takes each step once a period, and says so in the incident's thread
//! book     what was done and why, and the breaker
//! tick     what ends with the period, and what was too early on its first day
//! ```
//!
//! A message alone moves nobody up: what counts is what AWS answered about the budget. Whether an account may be
//! touched is asked of the same guards as a reset, through a port; nothing here knows what a reset is.

mod book;
mod climb;
mod plan;
mod tick;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::settle::Desk;
use crate::aws::budgets::Budgets;
use crate::types::AccountId;

pub use book::{Breaker, Step, StepState};

/// Where the ladder's steps are taken.
#[async_trait]
pub trait Sandboxes: Send + Sync {
    /// Whether the account may be touched at all, and now: a sandbox by every guard of a reset.
    async fn may(&self, account: &AccountId) -> Result<(), No>;

    /// Lets nobody work in it until then, and says how. Repeating it changes nothing.
    async fn freeze(&self, account: &AccountId, until: Timestamp, because: &str) -> Result<String, No>;

    /// Lets everybody in again; false where nobody was kept out.
    async fn unfreeze(&self, account: &AccountId) -> Result<bool, No>;

    /// The accounts that are frozen, and until when.
    async fn frozen(&self) -> Result<Vec<(AccountId, Timestamp)>, No>;

    /// Begins to empty it, once for each `name`, and says how.
    async fn reset(&self, account: &AccountId, name: &str) -> Result<String, No>;
}

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum No {
    /// A guard says no, or it cannot be done: a repetition gets the same.
    #[error("{0}")]
    Refused(String),
    /// It may pass.
    #[error("{0}")]
    Later(String),
}

/// The ladder, with everything that it takes.
#[derive(Clone)]
pub struct Ladder {
    pub(super) desk: Desk,
    pub(super) budgets: Arc<dyn Budgets>,
    pub(super) sandboxes: Arc<dyn Sandboxes>,
}

impl fmt::Debug for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ladder")
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
