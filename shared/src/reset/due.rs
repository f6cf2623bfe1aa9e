//! Which accounts are due, and what their runs are called.

use jiff::Timestamp;
use serde::Serialize;

use super::book::Head;
use super::guard::{Refusal, belongs, unreadable, unsuspicious};
use super::slice::{Order, Reset, SliceError};
use super::state::End;
use crate::config::{FirstRun, Sandbox};
use crate::org::Account;
use crate::store::StoreError;
use crate::types::{AccountId, Mode};

/// What is due.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Due {
    /// Accounts and the names of their runs.
    pub accounts: Vec<DueAccount>,
    /// How many the file wants at the same time.
    pub at_once: u32,
    /// Accounts in the OU that are not emptied now.
    pub skipped: Vec<Skipped>,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// An account to reset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DueAccount {
    /// The account.
    pub account: AccountId,
    /// Its run.
    pub run: String,
}

/// An account that is not reset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// The account.
    pub account: AccountId,
    /// Why.
    pub reason: String,
}

impl Reset {
    /// What the run of this account is called: the unfinished one, or a new one named after `time`.
    pub async fn run_for(&self, account: &AccountId, time: Timestamp) -> Result<String, StoreError> {
        let unfinished = self.book().unfinished(account).await?;
        Ok(unfinished.map_or_else(|| format!("{account}-{}", time.strftime("%Y%m%dT%H%M%SZ")), |head| head.run))
    }

    /// The accounts that are due, and those that look like sandboxes but are not emptied now, with the reason.
    pub async fn due(&self, time: Timestamp) -> Result<Due, SliceError> {
        let sandbox = self.section()?;
        self.thaw_left_over().await?;
        if let Err(error) = self.tend_pool().await {
            tracing::warn!(%error, "the pool is not tended this time: {error}");
        }
        let (accounts, skipped) = self.sandboxes(sandbox).await?;
        let mut due = Due { at_once: sandbox.limits.accounts_at_once, skipped, ..Due::default() };
        for account in accounts {
            match self.put_off(sandbox, &account, time, &mut due.notes).await? {
                Some(reason) => due.skipped.push(Skipped { account: account.id, reason }),
                None => {
                    let run = self.run_for(&account.id, time).await?;
                    due.accounts.push(DueAccount { account: account.id, run });
                }
            }
        }
        for (account, run) in self.half_done().await? {
            due.skipped.retain(|skipped| skipped.account != account);
            if !due.accounts.iter().any(|known| known.account == account) {
                due.accounts.push(DueAccount { account, run });
            }
        }
        Ok(due)
    }

    /// Why an account is not emptied at this time after all: a snooze, or that its owner was told another time. A run that
    /// has begun goes on: what is half emptied is not put off.
    async fn put_off(
        &self,
        sandbox: &Sandbox,
        account: &Account,
        time: Timestamp,
        notes: &mut Vec<String>,
    ) -> Result<Option<String>, SliceError> {
        let snoozes = self.book().snoozes(&account.id).await?;
        if snoozes.running().is_some() {
            return Ok(None);
        }
        let (snoozes, note) = match snoozes.standing(time) {
            Some(_) => (snoozes, None),
            None => self.take_tag(sandbox, account, snoozes, time, true).await?,
        };
        notes.extend(note.map(|note| format!("{}: {note}", account.id)));
        if let Some(snoozed) = snoozes.standing(time) {
            return Ok(Some(snoozed.to_string()));
        }
        let told = self.announced(sandbox, &account.id, time).await?;
        Ok(told.map(|at| {
            format!(
                "its owner was told that it is emptied at {at}, as sandbox.schedule says, and not at {time}; let the timer \
                 (the stack's parameter ResetSchedule) say the same as the file"
            )
        }))
    }

    /// The accounts in the OU: those that may be emptied, and those that may not, with the reason.
    pub(super) async fn sandboxes(&self, sandbox: &Sandbox) -> Result<(Vec<Account>, Vec<Skipped>), SliceError> {
        let privileged = self.directory.privileged().await.map_err(unreadable("privileged"))?;
        let (mut fit, mut skipped) = (Vec::new(), Vec::new());
        for account in self.directory.accounts().await.map_err(unreadable("member"))? {
            if !sandbox.matches.takes_ou(&account.ou) {
                continue;
            }
            let fits = belongs(sandbox, &account);
            let excepted = sandbox.guards.exceptions.contains(&account.id);
            let fits = fits.and_then(|()| if excepted { Ok(()) } else { unsuspicious(sandbox, &account, &[]) });
            let fits = fits.and_then(|()| match privileged.contains(&account.id) {
                true => Err(Refusal::Privileged(account.id.clone())),
                false => Ok(()),
            });
            let held = self.standing(&account.id).await?.held;
            match fits {
                Ok(()) if held.is_some() => {
                    let reason = held.map(|held| held.reason).unwrap_or_default();
                    let release = format!("forester reset release {} --because TEXT", account.id);
                    let reason = format!("it is in quarantine: {reason}; look at the receipt, then `{release}`");
                    skipped.push(Skipped { account: account.id, reason });
                }
                Ok(()) => fit.push(account),
                Err(refusal) => skipped.push(Skipped { account: account.id, reason: refusal.to_string() }),
            }
        }
        Ok((fit, skipped))
    }

    /// What a new run does: the first of an account is only a plan, unless the file or a person says otherwise. What is
    /// known of earlier runs is what their heads tell.
    pub(super) async fn mode(&self, sandbox: &Sandbox, order: &Order) -> Result<Mode, StoreError> {
        if sandbox.guards.first_run == FirstRun::Delete || order.plan.is_some() {
            return Ok(Mode::Apply);
        }
        let told =
            |head: &Head| matches!(head.end, Some(End::Done | End::Stuck | End::Planned)) && head.receipt.is_some();
        let earlier = self.book().of(&order.account).await?;
        let told = earlier.iter().any(|head| head.run != order.run && told(head));
        Ok(if told { Mode::Apply } else { Mode::DryRun })
    }

    /// When resets may work again, if they may not now.
    pub fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.config.sandbox.as_ref()?.windows.as_ref()?.closed_until(now)
    }
}
