//! Who owns an account, and by what: its lease, its tag, its OU in the file, its alternate contact for the kind of matter,
//! its root user's address. The first that says something counts, and the message says which it was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::model::{Alert, text};
use crate::aws::{Accounts, CallError};
use crate::config::alerts::Owners;
use crate::org::Account;
use crate::types::{AccountId, Region};

/// How long a contact counts as known.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// What was found: the address, or that there is none, and when.
type Known = BTreeMap<(AccountId, &'static str), (Option<String>, Timestamp)>;

/// Where contacts are asked for. What they say is kept for an hour, because a flood of alerts about one account would ask
/// the same each time, and Account Management takes few calls a second.
pub(super) struct Contacts {
    accounts: Arc<dyn Accounts>,
    region: Region,
    known: Mutex<Known>,
}

impl Contacts {
    /// Contacts of any account, asked for in `region`.
    pub fn new(accounts: Arc<dyn Accounts>, region: Region) -> Self {
        Self { accounts, region, known: Mutex::default() }
    }

    /// The address of the contact, if there is one.
    async fn of(&self, account: &AccountId, kind: &'static str, now: Timestamp) -> Result<Option<String>, CallError> {
        let key = (account.clone(), kind);
        let kept = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((address, at)) = kept
            && now.duration_since(at) < KEPT
        {
            return Ok(address);
        }
        let address = self.asked(account, kind).await?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (address.clone(), now));
        Ok(address)
    }

    /// `None`: there is none, which AWS answers with `ResourceNotFoundException`.
    async fn asked(&self, account: &AccountId, kind: &str) -> Result<Option<String>, CallError> {
        let scope = self.accounts.scope(account, &self.region).await?;
        match scope.call("account", "GetAlternateContact", json!({ "AlternateContactType": kind })).await {
            Ok(answer) => Ok(text(&answer, "/AlternateContact/EmailAddress").map(str::to_owned)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The tags of a lease: who has the account for now, and until when (a day, which counts whole, or a moment; UTC).
const HOLDER: &str = "lease-holder";
const UNTIL: &str = "lease-until";

/// The owner and why, from what the organization and the file say.
pub(super) fn declared(account: &Account, owners: &Owners, now: Timestamp) -> Option<(String, String)> {
    if let Some(held) = leased(account, now) {
        return Some(held);
    }
    if let Some(owner) = account.tags.get("owner").filter(|owner| !owner.trim().is_empty()) {
        return Some((owner.clone(), format!("by tag owner={owner} of the account")));
    }
    let of_ou = owners.ous.iter().find(|entry| entry.ou.holds(&account.ou))?;
    Some((of_ou.owner.clone(), format!("by owners.ous in the file: {} is in {}", account.name, of_ou.ou)))
}

/// Whoever holds the account's lease, while it lasts. An end that cannot be read ends nothing: the holder is the better
/// guess still, and the message shows what the tag says.
fn leased(account: &Account, now: Timestamp) -> Option<(String, String)> {
    let holder = account.tags.get(HOLDER).filter(|holder| !holder.trim().is_empty())?;
    let until = account.tags.get(UNTIL).map(String::as_str);
    if until.and_then(end).is_some_and(|end| end <= now) {
        return None;
    }
    let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
    Some((holder.clone(), format!("by the account's lease, tag {HOLDER}={holder}{until}")))
}

/// When a lease is over: after its day, or at its moment.
fn end(until: &str) -> Option<Timestamp> {
    let day = || until.parse::<Date>().ok()?.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok();
    until.parse().ok().or_else(|| day().map(|zoned| zoned.timestamp()))
}

/// Looks for somebody where nobody is declared.
pub(super) async fn contact(alert: &mut Alert, account: &Account, contacts: &Contacts, now: Timestamp) {
    let kind = kind(alert);
    match contacts.of(&account.id, kind, now).await {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::fakes::{FakeAccounts, FakeAws};
    use crate::org::AccountState;

    const NOW: &str = "2026-11-12T05:00:00Z";

    /// Who owns an account with these tags, and by what.
    fn check(tags: &[(&str, &str)], expect: Option<(&str, &str)>) {
        let account = Account {
            id: "444455556666".parse().unwrap(),
            name: "sbx-ana".to_owned(),
            email: None,
            state: AccountState::Active,
            ou: "Sandbox".parse().unwrap(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            joined: None,
        };
        let owners = serde_json::from_value(json!({"ous": [{"ou": "Sandbox", "owner": "lab@acme.example"}]})).unwrap();
        let got = declared(&account, &owners, NOW.parse().unwrap());
        let got = got.as_ref().map(|(owner, because)| (owner.as_str(), because.as_str()));
        assert_eq!(got, expect, "{tags:?}");
    }

    #[test]
    fn lease_comes_before_the_tag_and_ends() {
        let owner = ("owner", "platform@acme.example");
        let by_tag = Some(("platform@acme.example", "by tag owner=platform@acme.example of the account"));
        let holder = ("lease-holder", "ana@acme.example");
        let of = "by the account's lease, tag lease-holder=ana@acme.example";
        let until = |words: &str| format!("{of} until {words}");
        check(&[owner], by_tag);
        check(&[owner, holder], Some(("ana@acme.example", of)));
        for lasts in ["2026-11-12", "2026-11-12T05:00:01Z", "some day"] {
            check(&[owner, holder, ("lease-until", lasts)], Some(("ana@acme.example", &until(lasts))));
        }
        for over in ["2026-11-11", "2026-11-12T05:00:00Z"] {
            check(&[owner, holder, ("lease-until", over)], by_tag);
        }
        check(&[("lease-holder", " ")], Some(("lab@acme.example", "by owners.ous in the file: sbx-ana is in Sandbox")));
    }

    #[tokio::test]
    async fn contact_is_asked_for_once_an_hour_and_a_failure_is_not_kept() {
        let aws = FakeAws::answering(&[
            ("GetAlternateContact", json!({"AlternateContact": {"EmailAddress": "first@acme.example"}})),
            ("GetAlternateContact", json!({"AlternateContact": {"EmailAddress": "second@acme.example"}})),
        ]);
        let contacts = Contacts::new(Arc::new(FakeAccounts(Arc::clone(&aws))), "us-east-1".parse().unwrap());
        let account = "444455556666".parse().unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        let mut found = Vec::new();
        for minutes in [0, 59, 61] {
            let later = now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
            found.push(contacts.of(&account, "SECURITY", later).await.unwrap().unwrap());
        }
        assert_eq!(found, ["first@acme.example", "first@acme.example", "second@acme.example"]);
        let silent = FakeAws::answering(&[]);
        let contacts = Contacts::new(Arc::new(FakeAccounts(Arc::clone(&silent))), "us-east-1".parse().unwrap());
        for _ in 0..2 {
            contacts.of(&account, "SECURITY", now).await.unwrap_err();
        }
        assert_eq!(silent.asked("GetAlternateContact").len(), 2);
    }
}
