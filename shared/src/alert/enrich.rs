//! What an alert does not say by itself: the account's name, OU and tags, and who owns it.
//!
//! A lookup that fails never holds an alert up: the alert goes out and says what is missing and why.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::model::Alert;
use super::noise::Noise;
use super::owner::{Contacts, contact, declared, nobody, owned};
use crate::aws::Accounts;
use crate::aws::budgets::Budgets;
use crate::config::alerts::Owners;
use crate::org::{Account, Directory};

/// Where facts are looked up.
#[derive(Clone)]
pub struct World {
    /// Ways into accounts.
    pub accounts: Arc<dyn Accounts>,
    /// Budgets.
    pub budgets: Arc<dyn Budgets>,
    /// The organization.
    pub directory: Arc<dyn Directory>,
    /// What time it is.
    pub now: Timestamp,
    /// What is left out.
    pub noise: Noise,
    /// When lookups must end, found or not.
    pub until: Instant,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World(until {:?})", self.until)
    }
}

/// Looks the account up and adds what the organization knows of it, and who owns it.
pub(super) async fn place(
    alert: &mut Alert,
    directory: &dyn Directory,
    owners: &Owners,
    contacts: &Contacts,
    now: Timestamp,
) {
    let Some(id) = alert.account.clone() else {
        return alert.fact("owner", "nobody: the message names no account, so it follows the routes alone");
    };
    match directory.account(&id).await {
        Ok(Some(account)) => {
            describe(alert, &account);
            match declared(&account, owners, now) {
                Some((owner, because)) => owned(alert, &owner, &because),
                None if owners.contacts => contact(alert, &account, contacts, now).await,
                None => nobody(alert, &account),
            }
        }
        Ok(None) => alert.partial(format_args!("account {id} is not in the organization")),
        Err(error) => alert.partial(error),
    }
}

/// Adds labels and facts of a known account.
pub(super) fn describe(alert: &mut Alert, account: &Account) {
    alert.label("account.name", &account.name);
    alert.label("account.email", account.email.as_deref().unwrap_or_default());
    alert.label("ou", account.ou.as_ref());
    for (key, value) in &account.tags {
        alert.label(&format!("tag.{key}"), value);
    }
    let ou = if account.ou.is_root() { "the root" } else { account.ou.as_ref() };
    alert.fact("account", format!("{} ({}) in {ou}", account.name, account.id));
}
