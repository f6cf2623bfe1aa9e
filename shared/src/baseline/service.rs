//! Baselines with their parts at hand: what the function, the command line and a finished reset call.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::aspects::declared_keys;
use super::lock::{self, Held, Writer};
use super::observe::{from_outside, side_by_side};
use super::{Hands, Ledger, Notices, Plan, Report, Target, Unheard, apply, observe, plan};
use crate::Forester;
use crate::aws::sqs::Mailbox;
use crate::aws::{Accounts, CallError};
use crate::config::{AccountEntry, Config, Resolved};
use crate::job::Failure;
use crate::org::{self, Account, AccountState, Directory, Forest, Member};
use crate::store::{Store, StoreError};
use crate::types::{AccountId, Mode};

/// How many accounts are looked at at the same time.
const AT_ONCE: usize = 8;

/// The forest as it was last read, and when.
type Known = Arc<Mutex<Option<(Timestamp, Arc<Forest>)>>>;

/// The baseline of every account.
#[derive(Clone)]
pub struct Baseline {
    config: Arc<Config>,
    accounts: Arc<dyn Accounts>,
    directory: Arc<dyn Directory>,
    store: Arc<dyn Store>,
    writer: Writer,
    forest: Known,
    pub(super) notices: Arc<dyn Notices>,
    pub(super) mailbox: Option<Arc<dyn Mailbox>>,
}

/// How long the forest is as good as new for a function that is woken again and again.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// For how long an account that came into the organization counts as one that nobody works in yet.
const ARRIVAL: SignedDuration = SignedDuration::from_hours(24);

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
        let Forester { config, accounts, directory, store, mailbox, .. } = forester;
        let parts = Self::of(config.clone(), accounts.clone(), directory.clone(), store.clone());
        Self { notices: forester.notices(), mailbox: mailbox.clone(), ..parts }
    }

    /// From the parts it needs.
    pub fn of(
        config: Arc<Config>,
        accounts: Arc<dyn Accounts>,
        directory: Arc<dyn Directory>,
        store: Arc<dyn Store>,
    ) -> Self {
        let (writer, forest) = (Writer::default(), Arc::default());
        Self { config, accounts, directory, store, writer, forest, notices: Arc::new(Unheard), mailbox: None }
    }

    /// The same, with a way to put work off and a way to tell people.
    pub fn reaching(self, mailbox: Option<Arc<dyn Mailbox>>, notices: Arc<dyn Notices>) -> Self {
        Self { mailbox, notices, ..self }
    }

    /// The file.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The organization.
    pub fn directory(&self) -> &dyn Directory {
        self.directory.as_ref()
    }

    /// The accounts behind an id: one, or in single-account mode one for every name.
    pub async fn accounts_of(&self, id: &AccountId) -> Result<Vec<Account>, CallError> {
        self.directory.behind(id).await
    }

    /// What is declared for an account in the place that the file gives it, and by which layer.
    pub fn resolve(&self, account: &Account) -> Resolved {
        self.config.resolve(account.clone().as_declared(&self.entry(account)).subject())
    }

    /// What the file says of the account itself.
    fn entry(&self, account: &Account) -> AccountEntry {
        self.config.accounts.get(&account.name).cloned().unwrap_or_default()
    }

    /// The whole forest, as it is now, each account in the place that the file gives it.
    pub async fn forest(&self) -> Result<Arc<Forest>, CallError> {
        let forest = Arc::new(self.directory.forest().await?.as_declared(&self.config));
        *self.forest.lock().await = Some((Timestamp::now(), forest.clone()));
        Ok(forest)
    }

    /// The whole forest, as it was within the last minute.
    pub async fn recent_forest(&self, now: Timestamp) -> Result<Arc<Forest>, CallError> {
        let known = self.forest.lock().await.clone();
        match known.filter(|(at, _)| now.duration_since(*at) < FRESH) {
            Some((_, forest)) => Ok(forest),
            None => self.forest().await,
        }
    }

    /// The account as a target.
    pub async fn target(&self, account: Account, forest: &Arc<Forest>) -> Result<Target, StoreError> {
        let Resolved { wanted, enforce, .. } = self.resolve(&account);
        let entry = self.entry(&account);
        Ok(Target {
            found: account.clone(),
            newcomer: self.last(&account).await?.is_none_or(|ledger| ledger.guarded.is_none()),
            arriving: account.joined.is_some_and(|at| Timestamp::now().duration_since(at) < ARRIVAL),
            young: false,
            only: None,
            label: org::label(&self.config, &account.name),
            account: account.as_declared(&entry),
            entry,
            wanted,
            enforce,
            config: self.config.clone(),
            forest: forest.clone(),
        })
    }

    /// The ids of the KMS keys that are declared for an account and are there.
    pub async fn declared_keys(&self, target: &Target) -> Result<Vec<String>, CallError> {
        declared_keys(self.accounts.as_ref(), target).await
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
            Err(error) => Plan::blocked(&target, &error)
                .with_outside(&target, from_outside(self.accounts.as_ref(), &target).await),
        };
        Prepared { target, plan }
    }

    /// Takes a plan's steps and remembers the result.
    pub async fn apply(&self, prepared: &Prepared, mode: Mode, now: Timestamp) -> Result<Report, StoreError> {
        let Prepared { target, plan } = prepared;
        let hands = Hands {
            accounts: self.accounts.as_ref(),
            store: self.store.as_ref(),
            writer: &self.writer,
            home: &self.config.home_region,
        };
        let report = apply(&hands, plan, mode).await;
        if mode == Mode::Apply && target.account.state == AccountState::Active {
            let earlier = self.last(&target.account).await?;
            let ledger = Ledger::of(target, &report, earlier.as_ref(), now);
            ledger.save(self.store.as_ref(), &target.account.id).await?;
        }
        Ok(report)
    }

    /// The right to work on an account; `None` while another run has it.
    pub(super) async fn lock(&self, account: &Account, now: Timestamp) -> Result<Option<Held>, StoreError> {
        lock::account(self.store.as_ref(), &account.id, &account.name, now).await
    }

    /// Gives that right back.
    pub(super) async fn unlock(&self, held: Held) {
        held.release(self.store.as_ref()).await;
    }

    /// What is remembered of an account under each of its names.
    pub(crate) async fn ledgers(&self, id: &AccountId) -> Result<Vec<Ledger>, StoreError> {
        Ledger::all(self.store.as_ref(), id).await
    }

    /// Whether a sweep has to come to an account: to one that is active, and to one that is closed and not yet out of
    /// the way.
    pub(super) fn concerns(&self, member: &Member) -> bool {
        let suspended = &self.config.organization.suspended;
        match member.state {
            AccountState::Active => true,
            AccountState::Suspended | AccountState::PendingClosure => {
                self.config.quarantines() && member.ou != *suspended && !member.ou.is_below(suspended)
            }
            AccountState::PendingActivation | AccountState::Closed | AccountState::Unknown => false,
        }
    }

    /// Remembers that an account is no longer kept.
    pub(super) async fn forget(&self, id: &AccountId, now: Timestamp) -> Result<usize, StoreError> {
        let ledgers = self.ledgers(id).await?;
        let count = ledgers.len();
        for ledger in ledgers {
            Ledger::departed(ledger, now).save(self.store.as_ref(), id).await?;
        }
        Ok(count)
    }

    /// The last look at an account. One that cannot be read is one that was never written; the next look writes it
    /// anew.
    pub async fn last(&self, account: &Account) -> Result<Option<Ledger>, StoreError> {
        match Ledger::load(self.store.as_ref(), &account.id, &account.name).await {
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::warn!(account.id = %account.id, "the last look at the account cannot be read: {error}");
                Ok(None)
            }
            last => last,
        }
    }

    /// Brings one account to its baseline: looks, plans, logs the plan, applies, remembers.
    pub async fn bring(&self, target: Target, now: Timestamp) -> Result<Report, StoreError> {
        let prepared = self.prepare(target).await;
        let plan = &prepared.plan;
        tracing::info!(account.id = %plan.id, steps = plan.steps.len(), "baseline plan for {plan}");
        self.apply(&prepared, Mode::Apply, now).await
    }
}
