//! A sandbox in which nobody works until a time: what the ladder asks for when a budget is spent. The policy is the one
//! of a freeze under a name of its own, so that a reset that ends meanwhile lets nobody in.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::guard::{Gate, Refusal};
use super::scp::Organization;
use super::slice::Reset;
use crate::aws::CallError;
use crate::config::NamedPolicy;
use crate::org;
use crate::store::{Item, Key, StoreError, When};
use crate::types::AccountId;

/// The partition of all accounts that are held.
const HOLDS: &str = "budget-freezes";

/// That nobody works in an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// The account.
    pub account: AccountId,
    /// The policy that does it.
    pub policy: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub because: String,
}

/// Why an account is not held, or not let go.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoHold {
    /// A guard says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no organization.
    #[error("without an organization there is no policy that could keep people out of an account")]
    NoOrganization,
    /// AWS said no.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NoHold {
    /// Whether a repetition may be answered otherwise.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.may_pass(),
            Self::NoOrganization => false,
            Self::Call(error) => error.may_pass(),
            Self::Store(_) => true,
        }
    }
}

impl Reset {
    /// Whether the account is a sandbox by every guard of a reset, and nobody has stopped resets.
    pub async fn may_touch(&self, account: &AccountId) -> Result<(), Refusal> {
        let sandbox = self.guard().check(account).await?;
        Gate::new(self.guard(), sandbox, account, false).running().await
    }

    /// Keeps everybody but Forester and whom the file spares out of the account. Asked again it changes the time.
    pub async fn hold(&self, account: &AccountId, until: Timestamp, because: &str) -> Result<Hold, NoHold> {
        self.may_touch(account).await?;
        if !org::governs(&self.config) {
            return Err(NoHold::NoOrganization);
        }
        let (policy, _) = self.config.freeze_policy_that_fits(account, self.spared_roles(account).await?);
        let policy = NamedPolicy {
            name: format!("forester-budget-freeze-{account}"),
            description: format!("The budget of {account} is spent; `forester alerts unfreeze` lets people in again"),
            ..policy
        };
        let (since, because) = ((self.clock)(), because.to_owned());
        let hold = Hold { account: account.clone(), policy: policy.name.clone(), since, until, because };
        // Written down before it is done, so that whoever comes after a crash knows that there may be something to undo.
        self.store.put(&key(account), json!(hold), None, When::Always).await?;
        let organization = Organization::enter(&*self.accounts, &self.config.home_region).await?;
        organization.impose(&policy, account).await?;
        tracing::warn!(account.id = %account, "nobody works in {account} until {until}: {}", hold.because);
        Ok(hold)
    }

    /// Lets everybody in again; what was undone, or nothing where nobody was kept out.
    pub async fn let_go(&self, account: &AccountId) -> Result<Option<Hold>, NoHold> {
        let Some(item) = self.store.get(&key(account)).await? else { return Ok(None) };
        let hold: Hold = item.read()?;
        let organization = Organization::enter(&*self.accounts, &self.config.home_region).await?;
        organization.lift(&hold.policy, account, true).await?;
        match self.store.delete(&key(account), When::Version(item.version)).await {
            // Somebody held it anew meanwhile.
            Ok(()) | Err(StoreError::Lost { .. }) => Ok(Some(hold)),
            Err(error) => Err(error.into()),
        }
    }

    /// Every account that is held.
    pub async fn held(&self) -> Result<Vec<Hold>, StoreError> {
        self.store.list(HOLDS, "").await?.iter().map(Item::read).collect()
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nobody works in the account until {}, by the policy {}", self.until, self.policy)
    }
}

fn key(account: &AccountId) -> Key {
    Key::new(HOLDS, account.as_ref())
}
