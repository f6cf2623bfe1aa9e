//! Accounts in memory that behave like AWS where the baseline looks: they hold state, count calls and fail when told.

mod account;
mod account_requests;
mod budgets;
mod ce;
mod cloudtrail;
mod cloudwatch;
mod ec2;
mod ecr;
mod iam;
mod images;
mod kms;
mod logs;
mod network;
mod organizations;
mod policies;
mod quotas;
mod ram;
mod root;
mod route53;
mod s3;
mod s3control;
mod security;
mod settings;
mod sso;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::aws::{Accounts, Call, CallError, ErrorClass, Meter, RootTask, Scope};
use crate::types::{AccountId, Region};

pub(super) use budgets::FakeBudget;
pub(super) use cloudtrail::FakeTrail;
pub(super) use ec2::FakeVpc;
pub(super) use ecr::{FakeRegistry, FakeRepository};
pub(super) use iam::{FakeGroup, FakeProvider, FakeRole};
pub(super) use images::FakeImage;
pub(super) use kms::FakeKey;
pub(super) use logs::FakeLogGroup;
pub(super) use network::{FakeNetwork, FakePeering, FakeSubnet};
pub(super) use organizations::{FakeDirectory, FakeMember, FakeOrganization};
pub(super) use quotas::{FakeQuota, FakeTemplate};
pub(super) use ram::FakeShare;
pub(super) use root::FakeRoot;
pub(super) use route53::FakeZone;
pub(super) use s3::FakeBucket;
pub(super) use security::{FakeDetector, FakeHub};
pub(super) use sso::FakeCenter;

/// All accounts there are.
#[derive(Clone, Default)]
pub(in crate::baseline) struct FakeCloud {
    state: Arc<Mutex<State>>,
    meter: Meter,
}

#[derive(Default)]
struct State {
    accounts: BTreeMap<AccountId, FakeAccount>,
    organization: Option<FakeOrganization>,
    calls: Vec<(AccountId, Region, String)>,
    made: usize,
    trip: Option<(usize, Trip)>,
    faults: Vec<Fault>,
    taken_aliases: BTreeSet<String>,
    peerings: Vec<FakePeering>,
    taken_buckets: BTreeSet<String>,
}

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::baseline) enum Trip {
    /// It is not made.
    Refused,
    /// It is made, and its answer is lost.
    Lost,
}

struct Fault {
    operation: String,
    account: Option<AccountId>,
    region: Option<Region>,
    class: ErrorClass,
    code: String,
}

/// What one account holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeAccount {
    pub regions: Vec<Region>,
    pub alias: Option<String>,
    /// What the root user has.
    pub root: FakeRoot,
    pub password_policy: Option<Value>,
    pub public_access_block: Option<Value>,
    pub encrypted: BTreeSet<Region>,
    pub vpcs: BTreeMap<Region, FakeVpc>,
    pub roles: BTreeMap<String, FakeRole>,
    pub groups: BTreeMap<String, FakeGroup>,
    pub providers: BTreeMap<String, FakeProvider>,
    pub budgets: BTreeMap<String, FakeBudget>,
    /// Alternate contacts, by type.
    pub contacts: BTreeMap<String, Value>,
    /// The telephone number of the primary contact.
    pub phone: Option<String>,
    /// What the account service says of regions.
    pub opt_in: BTreeMap<Region, String>,
    /// By region and code.
    pub quotas: BTreeMap<(Region, String), FakeQuota>,
    /// KMS keys, by region and id.
    pub keys: BTreeMap<(Region, String), FakeKey>,
    /// The ids of keys, by region and alias.
    pub aliases: BTreeMap<(Region, String), String>,
    /// The keys that volumes are encrypted with by default.
    pub ebs_keys: BTreeMap<Region, String>,
    /// By region and the operation that reads them.
    pub settings: BTreeMap<(Region, String), String>,
    /// The settings that a declarative policy holds, by the operation that reads them.
    pub by_policy: BTreeSet<&'static str>,
    pub networks: BTreeMap<Region, Vec<FakeNetwork>>,
    pub shares: BTreeMap<Region, Vec<FakeShare>>,
    /// Invitations to shares, by ARN: the sender and the share's name.
    pub invitations: BTreeMap<String, (String, String)>,
    /// Shares of others: the owner and the share's name.
    pub received: BTreeSet<(String, String)>,
    pub images: BTreeMap<Region, BTreeMap<String, FakeImage>>,
    pub zones: Vec<FakeZone>,
    /// What was ever used to make a zone.
    pub zone_references: BTreeSet<String>,
    pub registries: BTreeMap<Region, FakeRegistry>,
    pub buckets: BTreeMap<String, FakeBucket>,
    pub log_groups: BTreeMap<(Region, String), FakeLogGroup>,
    pub monitors: Vec<Value>,
    pub subscriptions: Vec<Value>,
    /// By name.
    pub alarms: BTreeMap<String, Value>,
    /// Endpoints by topic.
    pub topics: BTreeMap<String, BTreeSet<String>>,
    /// By ARN.
    pub trails: BTreeMap<String, FakeTrail>,
    pub detectors: BTreeMap<Region, FakeDetector>,
    pub hubs: BTreeMap<Region, FakeHub>,
    /// Their kinds, by region and name.
    pub analyzers: BTreeMap<(Region, String), String>,
    pub recorders: BTreeMap<Region, Value>,
    pub channels: BTreeMap<Region, Value>,
    /// Where the recorder runs.
    pub recording: BTreeSet<Region>,
    /// Of a management account: who administers which service.
    pub appointed: security::Appointed,
}

impl FakeAccount {
    /// As AWS hands it out: a default VPC in every region and nothing else.
    pub fn fresh(regions: &[&str]) -> Self {
        let regions: Vec<Region> = regions.iter().map(|region| region.parse().unwrap()).collect();
        let vpcs = regions.iter().map(|region| (region.clone(), FakeVpc::fresh(region))).collect();
        let opt_in = regions.iter().map(|region| (region.clone(), "ENABLED_BY_DEFAULT".to_owned())).collect();
        Self { regions, vpcs, opt_in, phone: Some("+31 20 555 0100".to_owned()), ..Self::default() }
    }
}

impl FakeCloud {
    pub fn with(self, id: &AccountId, account: FakeAccount) -> Self {
        self.lock().accounts.insert(id.clone(), account);
        self
    }

    /// Gives the accounts an organization.
    pub fn organize(&self, organization: FakeOrganization) {
        self.lock().organization = Some(organization);
    }

    pub fn organization(&self) -> FakeOrganization {
        self.lock().organization.clone().unwrap()
    }

    pub fn reorganize(&self, change: impl FnOnce(&mut FakeOrganization)) {
        change(self.lock().organization.as_mut().unwrap());
    }

    pub fn account(&self, id: &AccountId) -> FakeAccount {
        self.lock().accounts[id].clone()
    }

    pub fn change(&self, id: &AccountId, change: impl FnOnce(&mut FakeAccount)) {
        change(self.lock().accounts.get_mut(id).unwrap());
    }

    pub fn peerings(&self) -> Vec<FakePeering> {
        self.lock().peerings.clone()
    }

    /// Changes the peerings between accounts.
    pub fn peer(&self, change: impl FnOnce(&mut Vec<FakePeering>)) {
        change(&mut self.lock().peerings);
    }

    /// Every call of `operation` fails from now on, in one region or in all.
    pub fn fail(&self, operation: &str, region: Option<&str>, class: ErrorClass, code: &str) {
        let region = region.map(|region| region.parse().unwrap());
        self.break_down(Fault { operation: operation.to_owned(), account: None, region, class, code: code.to_owned() });
    }

    /// The same in one account.
    pub fn fail_in(&self, account: &AccountId, operation: &str, class: ErrorClass, code: &str) {
        let (operation, account, code) = (operation.to_owned(), Some(account.clone()), code.to_owned());
        self.break_down(Fault { operation, account, region: None, class, code });
    }

    fn break_down(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// The call that comes after `n` others goes wrong, and no other.
    pub fn trip(&self, n: usize, trip: Trip) {
        let mut state = self.lock();
        (state.made, state.trip) = (0, Some((n, trip)));
    }

    /// Whether the call that was to go wrong was made.
    pub fn tripped(&self) -> bool {
        let state = self.lock();
        state.trip.is_some_and(|(n, _)| state.made > n)
    }

    pub fn heal(&self) {
        let mut state = self.lock();
        state.faults.clear();
        state.trip = None;
    }

    pub fn take_alias(&self, alias: &str) {
        self.lock().taken_aliases.insert(alias.to_owned());
    }

    /// Somebody else owns a bucket of this name.
    pub fn take_bucket(&self, bucket: &str) {
        self.lock().taken_buckets.insert(bucket.to_owned());
    }

    /// The operations called so far, and forgets them.
    pub fn calls(&self) -> Vec<(AccountId, Region, String)> {
        std::mem::take(&mut self.lock().calls)
    }

    /// The writes among the calls so far by their operations, and forgets them all.
    pub fn writes(&self) -> Vec<String> {
        self.writing_calls().into_iter().map(|(_, _, operation)| operation).collect()
    }

    /// The writes among the calls so far, and forgets them all.
    pub fn writing_calls(&self) -> Vec<(AccountId, Region, String)> {
        let reads = ["AssumeRoot", "Describe", "Get", "List"];
        let write = |(_, _, name): &(AccountId, Region, String)| !reads.iter().any(|read| name.starts_with(read));
        self.calls().into_iter().filter(write).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

#[async_trait]
impl Accounts for FakeCloud {
    async fn scope(&self, account: &AccountId, region: &Region) -> Result<Scope, CallError> {
        let client = FakeClient { cloud: self.clone(), account: account.clone(), region: region.clone(), root: None };
        if !self.lock().accounts.contains_key(account) {
            return Err(client.error("sts", "AssumeRole", ErrorClass::Denied, "AccessDenied"));
        }
        client.faulty("sts", "AssumeRole")?;
        Ok(Scope::new(account.clone(), region.clone(), Arc::new(client)))
    }

    async fn root_scope(&self, account: &AccountId, region: &Region, task: RootTask) -> Result<Scope, CallError> {
        let (id, root) = (account.clone(), Some(task));
        let client = FakeClient { cloud: self.clone(), account: id, region: region.clone(), root };
        client.faulty("sts", "AssumeRoot")?;
        if !self.lock().organization.as_ref().is_some_and(|organization| root::opens(organization, account)) {
            return Err(client.error("sts", "AssumeRoot", ErrorClass::Denied, "AccessDenied"));
        }
        Ok(Scope::new(account.clone(), region.clone(), Arc::new(client)))
    }

    async fn home(&self) -> Result<AccountId, CallError> {
        Ok("111122223333".parse().unwrap())
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}

struct FakeClient {
    cloud: FakeCloud,
    account: AccountId,
    region: Region,
    /// What it may do as the root user, if it is that.
    root: Option<RootTask>,
}

type Answer = Result<Value, (ErrorClass, &'static str)>;

const GONE: (ErrorClass, &str) = (ErrorClass::Gone, "NoSuchEntity");
const EXISTS: (ErrorClass, &str) = (ErrorClass::Exists, "EntityAlreadyExists");

#[async_trait]
impl Call for FakeClient {
    async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError> {
        let mut answer = self.answer(service, operation, &params)?;
        // One call is one page, and pages are small here: whoever does not turn the page misses something.
        let paged = operation.starts_with("List") && operation != "ListOrganizationsFeatures";
        if let (true, Some((_, items))) = (paged, only_list(&mut answer)) {
            items.truncate(1);
        }
        Ok(answer)
    }

    async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        let mut answer = self.answer(service, operation, &params)?;
        Ok(only_list(&mut answer).map(|(_, items)| std::mem::take(items)).unwrap_or_default())
    }
}

fn only_list(answer: &mut Value) -> Option<(String, &mut Vec<Value>)> {
    let entries = answer.as_object_mut()?;
    entries.iter_mut().find_map(|(key, value)| Some((key.clone(), value.as_array_mut()?)))
}

impl FakeClient {
    fn answer(&self, service: &str, operation: &str, params: &Value) -> Result<Value, CallError> {
        self.faulty(service, operation)?;
        let mut state = self.cloud.lock();
        state.made += 1;
        let trip = state.trip.filter(|(n, _)| state.made == n + 1).map(|(_, trip)| trip);
        if trip == Some(Trip::Refused) {
            return Err(self.error(service, operation, ErrorClass::Transient, "ServiceUnavailable"));
        }
        let State { accounts, organization, peerings, taken_aliases, taken_buckets, .. } = &mut *state;
        let network = match service {
            "ec2" => network::network((accounts, peerings), (&self.account, &self.region), operation, params),
            _ => None,
        };
        let here = (&self.account, &self.region);
        let watch = security::security(accounts, organization.as_ref(), here, (service, operation), params);
        let account = accounts.get_mut(&self.account).unwrap();
        let answer = match service {
            _ if self.root.is_some() => root::root(account, self.root, (service, operation), params),
            _ if network.is_some() => network.unwrap(),
            _ if watch.is_some() => watch.unwrap(),
            "account" => account::account(account, operation, params),
            "service-quotas" => quotas::quotas(account, organization.as_mut(), &self.region, operation, params),
            "identitystore" => sso::identitystore(organization.as_mut(), operation, params),
            "sso-admin" => sso::sso(organization.as_mut(), &self.region, operation, params),
            "kms" => kms::kms(account, &self.account, &self.region, operation, params),
            "ssm" => settings::settings(account, &self.region, operation, params)
                .unwrap_or_else(|| panic!("the fake does not know ssm:{operation}")),
            "budgets" => budgets::budgets(account, operation, params),
            "ec2" if images::ABOUT.contains(&operation) => images::images(account, &self.region, operation, params),
            "ec2" => ec2::ec2(account, &self.region, operation, params),
            "ce" => ce::ce(account, operation, params),
            "cloudtrail" => cloudtrail::cloudtrail(account, organization.as_mut(), here, operation, params),
            "cloudwatch" => cloudwatch::cloudwatch(account, operation, params),
            "iam" if operation.contains("Organizations") => {
                organizations::root_features(organization.as_mut(), operation)
            }
            "iam" => iam::iam(account, taken_aliases, operation, params),
            "logs" => logs::logs(account, &self.region, operation, params),
            "organizations" => organizations::organizations(organization.as_mut(), &self.account, operation, params),
            "sts" if operation == "GetCallerIdentity" => Ok(json!({ "Account": self.account })),
            "ecr" => ecr::ecr((&self.account, account), &self.region, operation, params),
            "ram" => ram::ram((&self.account, account), organization.as_mut(), &self.region, operation, params),
            "s3" => s3::s3(account, taken_buckets, &self.region, operation, params),
            "sns" => cloudwatch::sns(account, (&self.account, &self.region), operation, params),
            "route53" => route53::route53(account, self.account.as_ref(), operation, params),
            "s3control" => s3control::s3control(account, operation, params),
            _ => panic!("the fake does not know {service}"),
        };
        for id in organization.iter().flat_map(|organization| organization.members.keys()) {
            accounts.entry(id.clone()).or_insert_with(|| FakeAccount::fresh(&super::world::REGIONS));
        }
        drop(state);
        if trip == Some(Trip::Lost) {
            return Err(self.error(service, operation, ErrorClass::Transient, "RequestTimeout"));
        }
        answer.map_err(|(class, code)| self.error(service, operation, class, code))
    }

    fn faulty(&self, service: &str, operation: &str) -> Result<(), CallError> {
        let mut state = self.cloud.lock();
        if operation != "AssumeRole" {
            state.calls.push((self.account.clone(), self.region.clone(), operation.to_owned()));
        }
        let here = |fault: &&Fault| {
            fault.operation == operation
                && fault.region.as_ref().is_none_or(|region| *region == self.region)
                && fault.account.as_ref().is_none_or(|account| *account == self.account)
        };
        match state.faults.iter().find(here) {
            Some(fault) => Err(self.error(service, operation, fault.class, &fault.code)),
            None => Ok(()),
        }
    }

    /// `code` may have a message after it, where AWS tells things apart by nothing else.
    fn error(&self, service: &str, operation: &str, class: ErrorClass, code: &str) -> CallError {
        let (code, message) = code.split_once(": ").unwrap_or((code, "as told"));
        CallError {
            class,
            service: service.to_owned(),
            operation: operation.to_owned(),
            account: self.account.clone(),
            region: self.region.clone(),
            code: Some(code.to_owned()),
            message: message.to_owned(),
            request_id: None,
        }
    }
}

fn text<'a>(params: &'a Value, member: &str) -> &'a str {
    params[member].as_str().unwrap_or_else(|| panic!("no {member} in {params}"))
}
