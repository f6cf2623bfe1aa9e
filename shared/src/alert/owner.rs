//! Who owns an account, and by what: its tag, its OU in the file, its alternate contact for the kind of matter, its root
//! user's address. The first that says something counts, and the message says which it was.

use std::sync::Arc;

use serde_json::json;

use super::model::{Alert, text};
use crate::aws::{Accounts, CallError};
use crate::config::alerts::Owners;
use crate::org::Account;
use crate::types::Region;

/// Where contacts are asked for.
pub(super) struct Contacts<'a> {
    pub accounts: &'a Arc<dyn Accounts>,
    pub region: &'a Region,
}

/// The owner and why, from what the organization and the file say.
pub(super) fn declared(account: &Account, owners: &Owners) -> Option<(String, String)> {
    if let Some(owner) = account.tags.get("owner").filter(|owner| !owner.trim().is_empty()) {
        return Some((owner.clone(), format!("by tag owner={owner} of the account")));
    }
    let of_ou = owners.ous.iter().find(|entry| entry.ou.holds(&account.ou))?;
    Some((of_ou.owner.clone(), format!("by owners.ous in the file: {} is in {}", account.name, of_ou.ou)))
}

/// Looks for somebody where nobody is declared.
pub(super) async fn contact(alert: &mut Alert, account: &Account, contacts: &Contacts<'_>) {
    let kind = kind(alert);
    match asked(account, kind, contacts).await {
        Ok(Some(address)) => return owned(alert, &address, &format!("by the account's {kind} contact")),
        Ok(None) => {}
        Err(error) => alert.partial(error),
    }
    match account.email.clone().filter(|email| !email.trim().is_empty()) {
        Some(email) => {
            owned(alert, &email, "by the address of the account's root user: it has no tag `owner` and no contact")
        }
        None => nobody(alert, account),
    }
}

/// Says who owns the account.
pub(super) fn owned(alert: &mut Alert, owner: &str, because: &str) {
    alert.label("owner", owner);
    alert.fact("owner", format!("{owner}, {because}"));
}

/// Says that nobody does.
pub(super) fn nobody(alert: &mut Alert, account: &Account) {
    alert.fact("owner", format!("nobody: {} has no tag `owner`, so it follows the routes alone", account.name));
}

/// The alternate contact that AWS itself would write to about such a matter
/// (<https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-update-contact-alternate.html>).
fn kind(alert: &Alert) -> &'static str {
    match alert.kind.as_str() {
        "budget" | "anomaly" => "BILLING",
        "event" | "alarm" => "SECURITY",
        _ => "OPERATIONS",
    }
}

/// The address of the contact; `None`: there is none, which AWS answers with `ResourceNotFoundException`.
async fn asked(account: &Account, kind: &str, contacts: &Contacts<'_>) -> Result<Option<String>, CallError> {
    let scope = contacts.accounts.scope(&account.id, contacts.region).await?;
    match scope.call("account", "GetAlternateContact", json!({ "AlternateContactType": kind })).await {
        Ok(answer) => Ok(text(&answer, "/AlternateContact/EmailAddress").map(str::to_owned)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    }
}
