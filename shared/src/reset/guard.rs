//! Whether an account may be emptied at all. Asked before every slice; whatever cannot be told is a no.

use super::catalogue::Catalogue;
use super::protect::problems;
use crate::aws::{Accounts, CallError};
use crate::config::{Config, Sandbox};
use crate::org::{Account, AccountState, Directory};
use crate::types::AccountId;

/// Why an account is not emptied: the guard, what it saw, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No account is a sandbox.
    #[error(
        "guard `section`: the file has no `sandbox` section, so no account may be emptied; declare one with `match`"
    )]
    NoSection,
    /// The section itself is wrong.
    #[error("guard `section`: the `sandbox` section is wrong, so nothing is deleted: {0}")]
    Section(String),
    /// The organization does not know it.
    #[error("guard `member`: {0} is not an account of the organization; check the id")]
    Unknown(AccountId),
    /// It is somewhere else.
    #[error("guard `ou`: {account} is in the OU `{found}`, and only `{expected}` may be emptied; move it there first")]
    Ou {
        /// The account.
        account: AccountId,
        /// Where it is.
        found: String,
        /// Where it should be.
        expected: String,
    },
    /// It does not say that it may be emptied.
    #[error("guard `tag`: {account} does not carry the tag {key}={value}; tag it if everything in it may be deleted")]
    Tag {
        /// The account.
        account: AccountId,
        /// The tag.
        key: String,
        /// Its value.
        value: String,
    },
    /// It is not in use.
    #[error("guard `active`: {account} is {state:?}; only an active account can be emptied")]
    NotActive {
        /// The account.
        account: AccountId,
        /// How it stands.
        state: AccountState,
    },
    /// The organization depends on it.
    #[error("guard `privileged`: {0} is the management account or a delegated administrator and is never emptied")]
    Privileged(AccountId),
    /// It is where Forester itself lives.
    #[error("guard `home`: {0} is the account that Forester runs in and is never emptied")]
    Home(AccountId),
    /// The credentials lead somewhere else.
    #[error("guard `identity`: the credentials for {account} belong to {found}; check `access` in the file")]
    Identity {
        /// The account that was meant.
        account: AccountId,
        /// The account that answered.
        found: String,
    },
    /// Something could not be read.
    #[error("guard `{guard}`: cannot be checked, so nothing is deleted: {cause}")]
    Unreadable {
        /// Which guard.
        guard: &'static str,
        /// Why.
        #[source]
        cause: Box<CallError>,
    },
    /// Another run, or another slice of this one, is at it.
    #[error("guard `lock`: {account} is being worked on by {holder} until {until}; wait for it")]
    Locked {
        /// The account.
        account: AccountId,
        /// Whose lock it is.
        holder: String,
        /// When it expires.
        until: String,
    },
    /// The run itself found a reason: another plan, too many deletes.
    #[error("guard `plan`: {0}")]
    Run(String),
}

impl Refusal {
    /// Whether the same question may be answered differently a little later, without anyone changing anything.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreadable { cause, .. } => cause.may_pass(),
            Self::Locked { .. } => true,
            _ => false,
        }
    }
}

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
        let sandbox = self.section()?;
        let account = self.directory.account(id).await.map_err(unreadable("member"))?;
        let account = account.ok_or_else(|| Refusal::Unknown(id.clone()))?;
        belongs(sandbox, &account)?;
        if self.directory.privileged().await.map_err(unreadable("privileged"))?.contains(id) {
            return Err(Refusal::Privileged(id.clone()));
        }
        if self.accounts.home().await.map_err(unreadable("home"))? == *id {
            return Err(Refusal::Home(id.clone()));
        }
        self.identity(id).await?;
        Ok(sandbox)
    }

    /// The credentials must lead into the account that is meant, whatever the role's name promised.
    async fn identity(&self, id: &AccountId) -> Result<(), Refusal> {
        let ask = async {
            let scope = self.accounts.scope(id, &self.config.home_region).await?;
            scope.call("sts", "GetCallerIdentity", super::discover::none()).await
        };
        let answer = ask.await.map_err(unreadable("identity"))?;
        let found = answer.get("Account").and_then(serde_json::Value::as_str).unwrap_or("nobody");
        if found == id.as_ref() {
            return Ok(());
        }
        Err(Refusal::Identity { account: id.clone(), found: found.to_owned() })
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

pub fn unreadable(guard: &'static str) -> impl FnOnce(CallError) -> Refusal {
    move |cause| Refusal::Unreadable { guard, cause: Box::new(cause) }
}
