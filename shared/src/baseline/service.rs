//! Baselines with their parts at hand: what the function, the command line and a finished reset call.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::observe::side_by_side;
use super::{Ledger, Plan, Report, Target, apply, observe, plan};
use crate::Forester;
use crate::aws::{Accounts, CallError};
use crate::config::{Config, Resolved};
use crate::job::Failure;
use crate::org::{self, Account, AccountState, Directory, Forest};
use crate::store::{Store, StoreError};
use crate::types::{AccountId, Mode};

/// How many accounts are looked at at the same time.
const AT_ONCE: usize = 8;

/// The baseline of every account.
#[derive(Clone)]
pub struct Baseline {
    config: Arc<Config>,
    accounts: Arc<dyn Accounts>,
    directory: Arc<dyn Directory>,
    store: Arc<dyn Store>,
}

/// A plan with the target it was made for.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The account and what is declared for it.
    pub target: Target,
    /// What is to be done.
    pub plan: Plan,
}

impl Baseline {
    /// From the wired parts.
    pub fn new(forester: &Forester) -> Self {
        let Forester { config, accounts, directory, store, .. } = forester;
        Self::of(config.clone(), accounts.clone(), directory.clone(), store.clone())
    }

    /// From the parts it needs.
    pub fn of(
        config: Arc<Config>,
        accounts: Arc<dyn Accounts>,
        directory: Arc<dyn Directory>,
        store: Arc<dyn Store>,
    ) -> Self {
        Self { config, accounts, directory, store }
    }

    /// The organization.
    pub fn directory(&self) -> &dyn Directory {
        self.directory.as_ref()
    }

    /// The accounts behind an id: one, or in single-account mode one for every name.
    pub async fn accounts_of(&self, id: &AccountId) -> Result<Vec<Account>, CallError> {
        let Some(first) = self.directory.account(id).await? else { return Ok(Vec::new()) };
        let named = self.config.accounts.values().filter(|entry| entry.id.as_ref().is_none_or(|other| other == id));
        if named.count() <= 1 {
            return Ok(vec![first]);
        }
        let all: Vec<Account> = self.directory.accounts().await?.into_iter().filter(|a| a.id == *id).collect();
        Ok(if all.is_empty() { vec![first] } else { all })
    }

    /// What is declared for an account, and by which layer.
    pub fn resolve(&self, account: &Account) -> Resolved {
        self.config.resolve(account.subject())
    }

    /// The whole forest, as it is now.
    pub async fn forest(&self) -> Result<Arc<Forest>, CallError> {
        self.directory.forest().await.map(Arc::new)
    }

    /// The account as a target.
    pub async fn target(&self, account: Account, forest: &Arc<Forest>) -> Result<Target, StoreError> {
        let Resolved { wanted, enforce, .. } = self.resolve(&account);
        Ok(Target {
            entry: self.config.accounts.get(&account.name).cloned().unwrap_or_default(),
            newcomer: self.last(&account).await?.is_none(),
            label: org::label(&self.config, &account.name),
            account,
            wanted,
            enforce,
            config: self.config.clone(),
            forest: forest.clone(),
        })
    }

    /// Looks at accounts, some at a time, and plans each.
    pub async fn prepare_all(&self, accounts: Vec<Account>) -> Result<Vec<Prepared>, Failure> {
        let forest = self.forest().await?;
        let mut work = Vec::new();
        for account in accounts {
            work.push(self.prepare(self.target(account, &forest).await?).boxed());
        }
        Ok(side_by_side(AT_ONCE, work).await)
    }

    /// The accounts that `word` means: an id, or a name as the file or Organizations has it.
    pub async fn find(&self, word: &str) -> Result<Vec<Account>, CallError> {
        if let Ok(id) = word.parse() {
            return self.accounts_of(&id).await;
        }
        let accounts = match self.directory.names().await?.get(word) {
            Some(id) => self.accounts_of(id).await?,
            None => self.directory.accounts().await?,
        };
        Ok(accounts.into_iter().filter(|account| account.name == word).collect())
    }

    /// The names of the file that none of `accounts`, the whole organization, carries.
    pub fn missing<'a>(&'a self, accounts: &'a [Account]) -> impl Iterator<Item = &'a str> {
        let held = |name: &&String| accounts.iter().any(|account| account.name == **name);
        self.config.accounts.keys().filter(move |name| !held(name)).map(String::as_str)
    }

    /// Looks at an account and plans it. An account that cannot be entered has a plan that says so.
    pub async fn prepare(&self, target: Target) -> Prepared {
        if let Some(plan) = Plan::resting(&target) {
            return Prepared { target, plan };
        }
        let plan = match observe(self.accounts.as_ref(), &target).await {
            Ok(seen) => plan(&target, &seen),
            Err(error) => Plan::blocked(&target, &error),
        };
        Prepared { target, plan }
    }

    /// Takes a plan's steps and remembers the result.
    pub async fn apply(&self, prepared: &Prepared, mode: Mode, now: Timestamp) -> Result<Report, StoreError> {
        let Prepared { target, plan } = prepared;
        let report = apply(self.accounts.as_ref(), plan, &self.config.home_region, mode).await;
        if mode == Mode::Apply && target.account.state == AccountState::Active {
            Ledger::of(target, &report, now).save(self.store.as_ref(), &target.account.id).await?;
        }
        Ok(report)
    }

    /// The last look at an account.
    pub async fn last(&self, account: &Account) -> Result<Option<Ledger>, StoreError> {
        Ledger::load(self.store.as_ref(), &account.id, &account.name).await
    }

    /// Brings one account to its baseline: looks, plans, logs the plan, applies, remembers.
    pub async fn bring(&self, account: Account, forest: &Arc<Forest>, now: Timestamp) -> Result<Report, StoreError> {
        let prepared = self.prepare(self.target(account, forest).await?).await;
        let plan = &prepared.plan;
        tracing::info!(account.id = %plan.id, steps = plan.steps.len(), "baseline plan for {plan}");
        self.apply(&prepared, Mode::Apply, now).await
    }
}
