//! Whether an account may be emptied at all, and whether now. Asked before every slice, in part before every batch of
//! deletes; whatever cannot be told is a no.
//!
//! ```text
//! section, member, ou, tag, active, privileged, home    the file and the organization
//! holder, words, identity                               the account itself
//! approve, windows, kill_switch, lock                   the moment
//! ```

#[cfg(test)]
mod attacks;
mod gate;
mod inside;
mod pinned;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::catalogue::Catalogue;
use super::engine::Baseliner;
use super::protect::problems;
use crate::aws::Accounts;
use crate::config::{Config, Sandbox};
use crate::org::{Account, AccountState, Directory};
use crate::types::AccountId;
use crate::types::words::words;

pub use gate::Gate;
pub use pinned::Pinned;
pub use refusal::{Refusal, unreadable};

/// What the guards look at.
#[derive(Clone, Copy)]
pub struct Guard<'a> {
    /// The file.
    pub config: &'a Config,
    /// The organization.
    pub directory: &'a dyn Directory,
    /// Ways into accounts.
    pub accounts: &'a dyn Accounts,
    /// The types.
    pub catalogue: &'a Catalogue,
    /// The baseline, which knows what others depend on.
    pub baseliner: &'a dyn Baseliner,
}

impl<'a> Guard<'a> {
    /// The section, if there is one and it is right.
    pub fn section(&self) -> Result<&'a Sandbox, Refusal> {
        let sandbox = self.config.sandbox.as_ref().ok_or(Refusal::NoSection)?;
        let wrong = problems(sandbox, self.catalogue);
        let wrong: Vec<String> =
            wrong.into_iter().map(|(path, message)| format!("sandbox.{path}: {message}")).collect();
        if wrong.is_empty() { Ok(sandbox) } else { Err(Refusal::Section(wrong.join("; "))) }
    }

    /// Every guard in turn.
    pub async fn check(&self, id: &AccountId) -> Result<&'a Sandbox, Refusal> {
        let (sandbox, accounts) = self.place(id).await?;
        self.identity(id).await?;
        self.holder(id).await?;
        if !sandbox.guards.exceptions.contains(id) {
            let alias = self.aliases(id).await?;
            accounts.iter().try_for_each(|account| unsuspicious(sandbox, account, &alias))?;
        }
        Ok(sandbox)
    }

    /// What the file and the organization say of the account. They are asked again before the first delete of a slice,
    /// and while things are deleted.
    pub async fn place(&self, id: &AccountId) -> Result<(&'a Sandbox, Vec<Account>), Refusal> {
        let sandbox = self.section()?;
        // Where several names stand for one account, each of them must be that of a sandbox.
        let accounts = self.directory.behind(id).await.map_err(unreadable("member"))?;
        if accounts.is_empty() || accounts.iter().any(|account| account.id != *id) {
            return Err(Refusal::Unknown(id.clone()));
        }
        accounts.iter().try_for_each(|account| belongs(sandbox, account))?;
        self.plain(id).await?;
        Ok((sandbox, accounts))
    }

    /// Whether nothing of the organization depends on the account.
    pub async fn plain(&self, id: &AccountId) -> Result<(), Refusal> {
        let privileged = self.directory.privileged().await.map_err(unreadable("privileged"))?;
        if privileged.contains(id) {
            return Err(Refusal::Privileged(id.clone()));
        }
        if privileged.is_empty() {
            // Every organization has a management account, and without one Forester's own stands in its place.
            let reason = "nobody says which account manages the others".to_owned();
            return Err(Refusal::Untold { guard: "privileged", reason });
        }
        if self.accounts.home().await.map_err(unreadable("home"))? == *id {
            return Err(Refusal::Home(id.clone()));
        }
        Ok(())
    }
}

/// Whether the account is declared a sandbox, both ways, and in use.
pub fn belongs(sandbox: &Sandbox, account: &Account) -> Result<(), Refusal> {
    let id = || account.id.clone();
    if !sandbox.matches.takes_ou(&account.ou) {
        let (found, expected) = (account.ou.to_string(), sandbox.matches.ou.to_string());
        return Err(Refusal::Ou { account: id(), found, expected });
    }
    if let Some((key, value)) = sandbox.matches.missing_tag(&account.tags) {
        return Err(Refusal::Tag { account: id(), key: key.to_owned(), value: value.to_owned() });
    }
    if sandbox.matches.tag.is_empty() {
        return Err(Refusal::Section("sandbox.match.tag: expected at least one tag".to_owned()));
    }
    if account.state != AccountState::Active {
        return Err(Refusal::NotActive { account: id(), state: account.state });
    }
    Ok(())
}

/// Words that turn the next one around.
const NEGATIONS: [&str; 2] = ["non", "not"];

/// Whether the names of the account are those of one that matters. The tags that the file itself asks for tell nothing,
/// and an address tells of its owner.
pub fn unsuspicious(sandbox: &Sandbox, account: &Account, aliases: &[String]) -> Result<(), Refusal> {
    let forbidden = sandbox.guards.forbidden();
    let mut texts = vec![("name".to_owned(), account.name.as_str())];
    texts.extend(aliases.iter().map(|alias| ("alias".to_owned(), alias.as_str())));
    for (key, value) in account.tags.iter().filter(|(key, _)| !sandbox.matches.tag.contains_key(*key)) {
        let place = format!("tag {key}={value}");
        if !["false", "no", "none", "0"].contains(&value.to_lowercase().as_str()) {
            texts.push((place.clone(), key));
        }
        if !value.contains('@') {
            texts.push((place, value));
        }
    }
    let found = texts.into_iter().find_map(|(place, text)| Some((place, suspicious(text, &forbidden)?)));
    found.map_or(Ok(()), |(place, word)| Err(Refusal::Words { account: account.id.clone(), place, word }))
}

fn suspicious(text: &str, forbidden: &BTreeSet<String>) -> Option<String> {
    let mut before = String::new();
    for word in words(text) {
        if forbidden.contains(&word) && !NEGATIONS.contains(&before.as_str()) {
            return Some(word);
        }
        before = word;
    }
    None
}
