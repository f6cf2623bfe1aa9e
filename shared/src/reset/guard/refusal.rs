//! What a guard says when it says no: its name, what it saw, and what to do.

use jiff::Timestamp;

use crate::aws::CallError;
use crate::org::AccountState;
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
    /// Others depend on what is in it.
    #[error("guard `holder`: {account} {what}, which other accounts depend on; it is never emptied")]
    Holder {
        /// The account.
        account: AccountId,
        /// What it holds, as in "111122223333 holds ...".
        what: String,
    },
    /// It looks like an account that matters.
    #[error(
        "guard `words`: the {place} of {account} says `{word}`, and no such account is emptied; rename it, or write \
         its id in sandbox.guards.except if everything in it may be deleted"
    )]
    Words {
        /// The account.
        account: AccountId,
        /// Where the word stands.
        place: String,
        /// The word.
        word: String,
    },
    /// Nobody has approved it.
    #[error(
        "guard `approve`: sandbox.guards.approve is `plan`, and no plan for {0} was approved; \
         `forester reset plan {0}` makes one, and `forester reset run {0} --plan HASH` carries it out"
    )]
    Approval(AccountId),
    /// Somebody has stopped all resets.
    #[error(
        "guard `kill_switch`: the parameter {parameter} is `{value}`, so no reset works; \
         set it to `off` or delete it to go on"
    )]
    Stopped {
        /// The parameter.
        parameter: String,
        /// What it holds.
        value: String,
    },
    /// It is not the time.
    #[error("guard `windows`: resets rest until {until} (sandbox.windows); wait, or insist with `--now`")]
    Window {
        /// When they work again.
        until: Timestamp,
    },
    /// Something could not be told.
    #[error("guard `{guard}`: cannot be checked, so nothing is deleted: {reason}")]
    Untold {
        /// Which guard.
        guard: &'static str,
        /// Why.
        reason: String,
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
            Self::Locked { .. } | Self::Window { .. } => true,
            _ => false,
        }
    }
}

pub fn unreadable(guard: &'static str) -> impl FnOnce(CallError) -> Refusal {
    move |cause| Refusal::Unreadable { guard, cause: Box::new(cause) }
}
