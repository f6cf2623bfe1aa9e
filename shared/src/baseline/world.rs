//! What the tests of the baseline and of each aspect start from.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::fake::{FakeAccount, FakeCloud, FakeDirectory, FakeMember, FakeOrganization};
use super::{Baseline, BaselineJob, Notice, Notices, Plan, Prepared, Report};
use crate::aws::sqs::{Letter, Mailbox};
use crate::aws::{Accounts, CallError};
use crate::config::Config;
use crate::event::{Batch, open};
use crate::job::{Failure, Invocation, Job};
use crate::org::{Account, AccountState, FileDirectory};
use crate::store::MemoryStore;
use crate::types::{AccountId, Mode};

pub(super) const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

/// The account that the tests look at.
pub(super) fn id() -> AccountId {
    "444455556666".parse().unwrap()
}

/// The management account.
pub(super) fn management() -> AccountId {
    "111122223333".parse().unwrap()
}

/// The account that administers services for the organization.
pub(super) fn audit() -> AccountId {
    "222233334444".parse().unwrap()
}

/// Keeps what was posted and told.
#[derive(Default)]
pub(super) struct FakePost {
    pub letters: Mutex<Vec<Letter>>,
    pub notices: Mutex<Vec<Notice>>,
}

#[async_trait]
impl Mailbox for FakePost {
    async fn post(&self, letters: &[Letter]) -> Result<(), CallError> {
        self.letters.lock().unwrap().extend_from_slice(letters);
        Ok(())
    }
}

#[async_trait]
impl Notices for FakePost {
    async fn tell(&self, notice: &Notice) -> Result<bool, String> {
        self.notices.lock().unwrap().push(notice.clone());
        Ok(true)
    }
}

impl FakePost {
    /// The only letter that was posted since this was last asked.
    pub fn letter(&self) -> Letter {
        let mut letters = std::mem::take(&mut *self.letters.lock().unwrap());
        assert_eq!(letters.len(), 1, "{letters:?}");
        letters.remove(0)
    }
}

/// Accounts in memory, and the baseline that is declared for them.
pub(super) struct World {
    pub cloud: FakeCloud,
    pub baseline: Baseline,
    pub store: Arc<MemoryStore>,
}

impl World {
    pub fn new(layers: &str, account: FakeAccount) -> Self {
        let text = format!(
            "version: 1\nmode: virtual-root\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\n\
             access: {{role: Entrance}}\naccounts:\n  root: {{id: \"111122223333\"}}\n  \
             dev: {{id: \"444455556666\", ou: Workloads}}\nlayers:\n{layers}"
        );
        let config = Arc::new(Config::parse(&text, "f").unwrap_or_else(|errors| panic!("{errors}")));
        let cloud = FakeCloud::default().with(&id(), account);
        let accounts: Arc<dyn Accounts> = Arc::new(cloud.clone());
        let directory = Arc::new(FileDirectory::new(config.clone(), accounts.clone()));
        let store = Arc::new(MemoryStore::default());
        Self { cloud, baseline: Baseline::of(config, accounts, directory, store.clone()), store }
    }

    /// Whatever `text` declares, with one account in the cloud.
    pub fn of(text: &str, account: &str) -> Self {
        let config = Arc::new(Config::parse(text, "f").unwrap_or_else(|errors| panic!("{errors}")));
        let cloud = FakeCloud::default().with(&account.parse().unwrap(), FakeAccount::fresh(&REGIONS));
        let accounts: Arc<dyn Accounts> = Arc::new(cloud.clone());
        let directory = Arc::new(FileDirectory::new(config.clone(), accounts.clone()));
        let store = Arc::new(MemoryStore::default());
        Self { cloud, baseline: Baseline::of(config, accounts, directory, store.clone()), store }
    }

    /// Plans and applies one account as one of its names.
    pub async fn bring(&self, account: Account) -> Report {
        let prepared = self.prepare_account(account).await;
        self.take(&prepared).await
    }

    /// An organization whose management account is 111122223333; `sections` are the whole file below `access`.
    pub fn organization(sections: &str, organization: FakeOrganization) -> Self {
        let text = format!(
            "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\n\
             access: {{role: Entrance}}\n{sections}"
        );
        Self::forest(&text, organization)
    }

    /// Whatever `text` declares, for the accounts of an organization.
    pub fn forest(text: &str, organization: FakeOrganization) -> Self {
        let config = Arc::new(Config::parse(text, "f").unwrap_or_else(|errors| panic!("{errors}")));
        let cloud = FakeCloud::default();
        for id in organization.members.keys() {
            cloud.clone().with(id, FakeAccount::fresh(&REGIONS));
        }
        cloud.organize(organization);
        let (accounts, directory) = (Arc::new(cloud.clone()), Arc::new(FakeDirectory(cloud.clone())));
        let store = Arc::new(MemoryStore::default());
        Self { cloud, baseline: Baseline::of(config, accounts, directory, store.clone()), store }
    }

    /// An organization whose account `audit` administers `services` for all of it, with these accounts beside.
    pub fn served(services: &str, members: &[(AccountId, FakeMember)]) -> Self {
        let organization = FakeOrganization::new(&management(), &["Security", "Workloads"]);
        let organization = organization.with(&audit(), FakeMember::new("audit", "Security"));
        let all = members.iter().fold(organization, |all, (id, member)| all.with(id, member.clone()));
        let sections = format!(
            "accounts: {{audit: {{id: \"222233334444\"}}}}\nlayers:\n\
             - {{match: {{all: true}}, services: {{admin: audit, {services}}}}}\n"
        );
        Self::organization(&sections, all)
    }

    pub fn fresh(layers: &str) -> Self {
        Self::new(&layers.replace("ENFORCE", "additive"), FakeAccount::fresh(&REGIONS))
    }

    pub async fn prepare_in(&self, state: AccountState) -> Prepared {
        let account = self.baseline.directory().account(&id()).await.unwrap().unwrap();
        self.prepare_account(Account { state, ..account }).await
    }

    async fn prepare_account(&self, account: Account) -> Prepared {
        let forest = self.baseline.forest().await.unwrap();
        let target = self.baseline.target(account, &forest).await.unwrap();
        self.baseline.prepare(target).await
    }

    pub async fn prepare(&self) -> Prepared {
        self.prepare_in(AccountState::Active).await
    }

    pub async fn apply(&self) -> Report {
        self.apply_to(&id()).await
    }

    /// The same, with a queue and people.
    pub fn reaching(self) -> (Self, Arc<FakePost>) {
        let post = Arc::new(FakePost::default());
        let baseline = self.baseline.clone().reaching(Some(post.clone()), post.clone());
        (Self { baseline, ..self }, post)
    }

    /// What is planned for one account.
    pub async fn plan_of(&self, id: &AccountId) -> Plan {
        let account = self.baseline.directory().account(id).await.unwrap().unwrap();
        self.prepare_account(account).await.plan
    }

    /// Plans and applies one account.
    pub async fn apply_to(&self, id: &AccountId) -> Report {
        let account = self.baseline.directory().account(id).await.unwrap().unwrap();
        self.bring(account).await
    }

    /// Takes the steps of a plan that was made earlier.
    pub async fn take(&self, prepared: &Prepared) -> Report {
        self.baseline.apply(prepared, Mode::Apply, "2026-11-22T10:00:00Z".parse().unwrap()).await.unwrap()
    }

    /// Hands an event to the job, with this many minutes to go.
    pub async fn handle(&self, event: Value, minutes: i64) -> Result<Value, Failure> {
        self.handle_at(event, minutes, Timestamp::now()).await
    }

    /// The same at another time.
    pub async fn handle_at(&self, event: Value, minutes: i64, started: Timestamp) -> Result<Value, Failure> {
        let deadline = started.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let invocation = Invocation { request_id: "r".to_owned(), started, deadline };
        let Batch::Direct(message) = open(&event, "r") else { panic!("not bare") };
        BaselineJob::from(self.baseline.clone()).handle(&invocation, &message).await
    }

    /// Hands a posted letter to the job, as the queue would.
    pub async fn deliver(&self, letter: &Letter, at: Timestamp) -> Result<Value, Failure> {
        self.handle_at(serde_json::from_str(&letter.body).unwrap(), 90_000, at).await
    }
}

impl Report {
    /// Whether everything that is amiss may pass by itself.
    pub fn may_pass(&self) -> bool {
        self.lasting().is_empty()
    }
}
