//! Accounts whose resets fail again and again: after so many, nobody but Forester works in them until a person has
//! looked. Money is not spent in an account that cannot be emptied, and a pool of such accounts does not fill up unseen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::freeze::note;
use super::scp::Organization;
use super::slice::Reset;
use super::state::{End, Run};
use super::verdict::Verdict;
use crate::aws::CallError;
use crate::config::Sandbox;
use crate::org;
use crate::store::{Item, Key, StoreError, When};
use crate::types::AccountId;

/// The partition of all standings.
const STANDINGS: &str = "standings";

/// How an account's resets have gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Failed runs in a row.
    pub failures: u32,
    /// The run that was counted last.
    pub run: String,
    /// Since when nobody works in it any more, and why.
    pub held: Option<Held>,
    /// Who let it go last, in a person's words.
    #[serde(default)]
    pub released: Option<String>,
}

/// That an account is in quarantine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
}

impl Reset {
    /// Counts the end of a run, and puts the account into quarantine when it was one failure too many.
    pub(super) async fn count(&self, sandbox: &Sandbox, run: &mut Run) -> Result<(), StoreError> {
        let (key, item, mut standing) = self.standing_of(&run.account).await?;
        let failed = match (run.end(), run.verdict()) {
            (Some(End::Stuck), _) | (Some(End::Done), Some(Verdict::Red)) => true,
            (Some(End::Done), Some(Verdict::Green)) => false,
            _ => return Ok(()),
        };
        if run.recreation.is_some() && !failed {
            // The account is closed, and its successor begins anew.
            return self.store.delete(&key, When::Always).await;
        }
        if standing.run != run.id {
            standing.failures = if failed { standing.failures + 1 } else { 0 };
            standing.run.clone_from(&run.id);
            let after = sandbox.quarantine.after;
            if failed && after > 0 && standing.failures >= after && standing.held.is_none() {
                let reason = format!("{} resets in a row failed, the last one is {}", standing.failures, run.id);
                standing.held = Some(Held { since: (self.clock)(), reason });
            }
            self.keep_standing(&key, item.as_ref(), &standing).await?;
        }
        if let Some(held) = &standing.held {
            self.tell_quarantine(held, run).await;
        }
        Ok(())
    }

    /// Puts the policy on the account, again if need be, and says so.
    async fn tell_quarantine(&self, held: &Held, run: &mut Run) {
        let account = run.account.clone();
        let release = format!("`forester reset release {account} --because TEXT` lets people in again");
        let text = match self.seclude(&account).await {
            Ok(true) => format!("quarantine: nobody works in the account any more ({}); {release}", held.reason),
            Ok(false) => {
                format!("quarantine: no scheduled reset takes the account any more ({}); {release}", held.reason)
            }
            Err(error) => format!(
                "quarantine: no scheduled reset takes the account any more ({}), but people can still work in it: \
                 {error}; {release}",
                held.reason
            ),
        };
        tracing::warn!(account.id = %account, run = %run.id, "account {account}: {text}");
        note(&mut run.notes, &text);
    }

    /// Whether there was a policy to put on it.
    async fn seclude(&self, account: &AccountId) -> Result<bool, CallError> {
        let Some(policy) = self.config.sandbox_quarantine().filter(|_| org::governs(&self.config)) else {
            return Ok(false);
        };
        let organization = Organization::enter(&*self.accounts, &self.config.home_region).await?;
        organization.impose(&policy, account).await.map(|()| true)
    }

    /// Ends the quarantine. Says since when and why there was one, or nothing where there was none.
    pub async fn release(&self, account: &AccountId, because: &str) -> Result<Option<Held>, ReleaseError> {
        let (key, item, standing) = self.standing_of(account).await?;
        let Some(held) = standing.held.clone() else { return Ok(None) };
        if let Some(policy) = self.config.sandbox_quarantine().filter(|_| org::governs(&self.config)) {
            let organization = Organization::enter(&*self.accounts, &self.config.home_region).await?;
            organization.lift(&policy.name, account, false).await?;
        }
        let released = Some(format!("{} {because}", (self.clock)()));
        let free = Standing { failures: 0, held: None, released, ..standing };
        self.keep_standing(&key, item.as_ref(), &free).await?;
        Ok(Some(held))
    }

    /// How the resets of an account have gone.
    pub async fn standing(&self, account: &AccountId) -> Result<Standing, StoreError> {
        Ok(self.standing_of(account).await?.2)
    }

    async fn standing_of(&self, account: &AccountId) -> Result<(Key, Option<Item>, Standing), StoreError> {
        let key = Key::new(STANDINGS, account.as_ref());
        let item = self.store.get(&key).await?;
        let standing = item.as_ref().map(Item::read).transpose()?.unwrap_or_default();
        Ok((key, item, standing))
    }

    async fn keep_standing(&self, key: &Key, item: Option<&Item>, standing: &Standing) -> Result<(), StoreError> {
        let when = item.map_or_else(|| When::AbsentAt((self.clock)()), |item| When::Version(item.version));
        self.store.put(key, json!(standing), None, when).await?;
        Ok(())
    }
}

/// Why a quarantine was not ended.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReleaseError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy could not be taken off the account, which stays in quarantine.
    #[error("the account stays in quarantine: {0}")]
    Call(#[from] CallError),
}
