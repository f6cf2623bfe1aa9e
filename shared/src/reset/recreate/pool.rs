//! The warm pool: fresh accounts that wait in an OU of their own, so that nobody waits for AWS to make one.
//!
//! Each is written down under its name before it is asked for. Tending takes each a step further and asks for those that
//! are missing; it is done whenever it is asked what is due, and on demand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::create::{Made, Wish, advance, put_into};
use super::{Phase, Recreation, Reset, Step, names};
use crate::aws::CallError;
use crate::config::{Pool, Sandbox};
use crate::org::AccountState;
use crate::reset::engine::EngineError;
use crate::reset::freeze::note;
use crate::reset::slice::SliceError;
use crate::reset::state::Run;
use crate::store::{Item, Key, StoreError, When};
use crate::types::AccountId;

/// The partition of the pool.
const POOL: &str = "pool";

/// How many accounts are asked for at a time.
const AT_ONCE: usize = 3;

/// One account of the pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// The request for it.
    pub request: Option<String>,
    /// Its id.
    pub account: Option<AccountId>,
    /// It lies in the OU of the pool and has its baseline.
    pub ready: bool,
    /// The run that took it.
    pub claimed: Option<String>,
    /// Why it will not come about.
    pub failed: Option<String>,
}

impl Reset {
    /// Takes an account that is ready, if there is one.
    pub(super) async fn claim(
        &self,
        sandbox: &Sandbox,
        state: &mut Recreation,
        run: &mut Run,
    ) -> Result<Step, SliceError> {
        let Some(pool) = &sandbox.pool else { return Ok(Step::To(Phase::Naming)) };
        let mut all = self.pooled().await?;
        // What this run took before it was killed comes first.
        all.sort_by_key(|(_, entry)| entry.claimed.as_ref() != Some(&run.id));
        for (item, entry) in all {
            let (Some(account), true) = (entry.account.clone(), entry.ready) else { continue };
            let free = entry.claimed.is_none() || entry.claimed.as_ref() == Some(&run.id);
            if !free || !self.fresh(pool, &account).await? {
                continue;
            }
            let claimed = Pooled { claimed: Some(run.id.clone()), ..entry };
            match self.store.put(&item.key, json!(claimed), None, When::Version(item.version)).await {
                Ok(_) => {
                    (state.email, state.successor, state.pooled) = (Some(claimed.email), Some(account), true);
                    return Ok(Step::To(Phase::Settling));
                }
                Err(StoreError::Lost { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        note(&mut run.remarks, "no account of the pool was ready; one was made");
        Ok(Step::To(Phase::Naming))
    }

    /// Whether an account of the pool is what it should be: in use, and still in its OU.
    async fn fresh(&self, pool: &Pool, id: &AccountId) -> Result<bool, SliceError> {
        let account = self.directory.account(id).await.map_err(EngineError::Call)?;
        Ok(account.is_some_and(|account| account.state == AccountState::Active && account.ou == pool.ou))
    }

    async fn pooled(&self) -> Result<Vec<(Item, Pooled)>, StoreError> {
        let read = |item: Item| {
            let entry = item.read()?;
            Ok((item, entry))
        };
        self.store.list(POOL, "").await?.into_iter().map(read).collect()
    }

    /// Takes every account of the pool a step further, and asks for those that are missing.
    pub async fn tend_pool(&self) -> Result<Vec<Pooled>, SliceError> {
        let sandbox = self.guard().section()?;
        let Some(pool) = sandbox.pool.as_ref().filter(|_| crate::org::governs(&self.config)) else {
            return Ok(Vec::new());
        };
        let mut all = self.pooled().await?;
        let waiting = |entry: &Pooled| entry.claimed.is_none() && entry.failed.is_none();
        let count = all.iter().filter(|(_, entry)| waiting(entry)).count();
        let wanted = usize::try_from(pool.ready).unwrap_or_default();
        let open = all.iter().filter(|(_, entry)| waiting(entry) && entry.account.is_none()).count();
        let names = all_names(&all);
        let free = (1..=10_000_u32).map(|n| name(pool, n)).filter(|name| !names.contains(name));
        for name in free.take(AT_ONCE.saturating_sub(open).min(wanted.saturating_sub(count))) {
            all.extend(self.enlist(sandbox, &name).await?);
        }
        let mut told = Vec::new();
        for (item, entry) in all {
            let next =
                if waiting(&entry) && !entry.ready { self.ripen(pool, entry.clone()).await? } else { entry.clone() };
            if next != entry {
                self.store.put(&item.key, json!(next), None, When::Version(item.version)).await?;
            }
            told.push(next);
        }
        Ok(told)
    }

    /// Writes a new account of the pool down.
    async fn enlist(&self, sandbox: &Sandbox, name: &str) -> Result<Option<(Item, Pooled)>, SliceError> {
        let Some(rules) = &sandbox.recreate else { return Ok(None) };
        let accounts = self.organization().await?.pages("ListAccounts", json!({})).await.map_err(EngineError::Call)?;
        let email = |account: &serde_json::Value| account.get("Email")?.as_str().map(str::to_lowercase);
        let taken = accounts.iter().filter_map(email).collect();
        let Ok(email) = names::next(&*self.store, rules, name, &taken).await? else { return Ok(None) };
        let name = name.to_owned();
        let entry = Pooled {
            name: name.clone(),
            email,
            request: None,
            account: None,
            ready: false,
            claimed: None,
            failed: None,
        };
        let key = Key::new(POOL, name);
        let version = match self.store.put(&key, json!(entry), None, When::AbsentAt((self.clock)())).await {
            Ok(version) => version,
            Err(StoreError::Lost { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some((Item { key, version, expires_at: None, body: json!(entry) }, entry)))
    }

    /// One step: asked for, made, moved, held to its baseline.
    async fn ripen(&self, pool: &Pool, mut entry: Pooled) -> Result<Pooled, SliceError> {
        let organization = self.organization().await?;
        let Some(account) = entry.account.clone() else {
            let tags = BTreeMap::from([("forester-pool".to_owned(), pool.prefix.clone())]);
            let (name, email) = (entry.name.clone(), entry.email.clone());
            let wish = Wish { name: &name, email: &email, role: self.entrance(), tags: &tags };
            match advance(&organization, &wish, &mut entry.request).await.map_err(EngineError::Call)? {
                Made::There(account) => entry.account = Some(account),
                Made::Open | Made::Again(_) => {}
                Made::Taken => entry.failed = Some(format!("somebody else has the address {email}")),
                Made::Never(reason) => entry.failed = Some(reason),
            }
            return Ok(entry);
        };
        if let Some(reason) = self.not_ours(&organization, &account, Some(&entry.email)).await? {
            entry.failed = Some(reason);
            return Ok(entry);
        }
        let unreadable = |error: CallError| SliceError::from(EngineError::Call(error));
        let forest = self.directory.forest().await.map_err(unreadable)?;
        let Some(unit) = forest.organization.as_ref().and_then(|found| found.units.get(&pool.ou)) else {
            tracing::warn!("the OU {} of the pool is not there: make it, or name another", pool.ou);
            return Ok(entry);
        };
        put_into(&organization, &account, unit.as_ref()).await.map_err(unreadable)?;
        let wrong = |reason| SliceError::from(EngineError::Baseline { account: account.clone(), reason });
        let seen = self.baseliner.seen(&account).await.map_err(wrong)?;
        entry.ready = seen.is_some_and(|handover| handover.failed.is_empty());
        Ok(entry)
    }
}

fn name(pool: &Pool, n: u32) -> String {
    format!("{}-{n}", pool.prefix)
}

fn all_names(all: &[(Item, Pooled)]) -> Vec<String> {
    all.iter().map(|(_, entry)| entry.name.clone()).collect()
}
