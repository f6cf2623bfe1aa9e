//! A cloud that behaves: it holds state, counts calls, refuses what AWS refuses, and fails on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::catalogue::{Catalogue, Kind};
use super::engine::{Baseliner, Declared};
use super::fake_beyond::Beyond;
use super::fake_organization::{FakeMember, FakeOrganization};
use super::people::{Letter, People};
use super::slice::{Order, Reset, SliceError, SliceReport};
use super::state::Handover;
use crate::aws::{Accounts, Call, CallError, ErrorClass, Meter, RootTask, Scope};
use crate::config::Config;
use crate::org::{Account, AccountState, Directory, Forest, Member, Organization};
use crate::store::{Key, MemoryStore, Objects, Store, StoreError, When};
use crate::types::{AccountId, Region};

pub const SANDBOX: &str = "555566667777";
pub const HOME: &str = "111122223333";

/// Chance that is the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// How a type is listed: operation, member that holds its id, and the id's path in deletes.
const LISTS: &[(&str, &str)] = &[
    ("DescribeInstances", "InstanceId"),
    ("DescribeVolumes", "VolumeId"),
    ("DescribeKeyPairs", "KeyPairId"),
    ("ListKeys", "KeyId"),
    ("DescribeNetworkInterfaces", "NetworkInterfaceId"),
    ("DescribeSecurityGroups", "GroupId"),
    ("DescribeSubnets", "SubnetId"),
    ("DescribeVpcs", "VpcId"),
    ("DescribeInternetGateways", "InternetGatewayId"),
    ("DescribeStacks", "StackId"),
    ("ListTables", ""),
    ("ListQueues", ""),
    ("ListBuckets", "Name"),
    ("DescribeDBInstances", "DBInstanceIdentifier"),
    ("DescribeLogGroups", "logGroupName"),
    ("ListRoles", "RoleName"),
    ("ListPolicies", "Arn"),
];

/// How the names of operations begin that only look.
const READS: [&str; 6] = ["Get", "Describe", "List", "Search", "Lookup", "Generate"];

/// Page size of every list.
const PAGE: usize = 100;

#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    pub region: String,
    pub list: &'static str,
    pub body: Value,
}

impl Thing {
    fn id(&self) -> String {
        let member = LISTS.iter().find(|(list, _)| *list == self.list).unwrap().1;
        let id = if member.is_empty() { &self.body } else { &self.body[member] };
        id.as_str().unwrap().to_owned()
    }
}

/// The types that this cloud has: what it does not know it could not hold to AWS's rules.
pub fn known() -> &'static Catalogue {
    static KNOWN: OnceLock<Catalogue> = OnceLock::new();
    // Other services have lists of the same name.
    let services = ["cloudformation", "dynamodb", "ec2", "iam", "kms", "logs", "rds", "s3", "sqs"];
    let ours = move |kind: &Kind| kind.parents.is_none() && services.contains(&kind.service.as_str());
    let listed = move |kind: &Kind| ours(kind) && LISTS.iter().any(|(list, _)| *list == kind.list.operation);
    KNOWN.get_or_init(|| Catalogue::embedded().unwrap().only(listed))
}

type Meanwhile = Box<dyn FnMut(&mut World, &str) + Send>;

type Fault = Box<dyn Fn(&str, &str, &Value) -> Option<(ErrorClass, &'static str)> + Send>;

/// The state.
#[derive(Default)]
pub struct World {
    pub things: Vec<Thing>,
    pub objects: Vec<(String, String)>,
    pub attached: Vec<(String, String)>,
    pub protected: BTreeSet<String>,
    pub locked: bool,
    pub vpcs_made: Vec<String>,
    pub writes: Vec<String>,
    /// Accounts in which something was done that is more than looking, or to which: where the credentials really led.
    pub acts: Vec<(String, String)>,
    /// Buckets that another account has by now, and that let everybody in.
    pub taken: BTreeSet<String>,
    /// What somebody else does after a call, by its operation.
    pub meanwhile: Option<Meanwhile>,
    /// What the directory says of the sandbox from now on.
    pub retold: Option<fn(&mut Account)>,
    /// Accounts that have become delegated administrators.
    pub promoted: Vec<AccountId>,
    pub accounts: BTreeSet<String>,
    pub fault: Option<Fault>,
    /// How many more attempts a call gets that may pass, as the SDK makes them.
    pub attempts: u32,
    /// Failures that come after the work was done.
    pub lost: Option<Fault>,
    /// Buckets whose policy denies everybody; whether only the root user may take it away.
    pub denied: BTreeMap<String, bool>,
    pub mfa: bool,
    /// Stacks that import, and those that export.
    pub imports: Vec<(String, String)>,
    /// Stack, type and physical id of what stacks hold.
    pub held: Vec<(String, &'static str, String)>,
    pub kill_at: Option<u64>,
    pub calls: u64,
    pub baseline_fails: bool,
    pub declared: Declared,
    pub baselined: u32,
    pub organization: FakeOrganization,
    pub beyond: Beyond,
    pub called: BTreeSet<(String, String)>,
    pub letters: Vec<Letter>,
    pub deaf: Option<&'static str>,
    pub costs: Vec<(&'static str, &'static str)>,
    pub at_home: Vec<String>,
    pub holds: Option<String>,
    pub holds_unknown: bool,
    pub parameter: Option<String>,
    pub leads_to: Option<String>,
    pub aliases: Vec<String>,
    pub trails: Value,
}

#[derive(Clone)]
pub struct Cloud {
    pub world: Arc<Mutex<World>>,
    meter: Meter,
    killed: Arc<Notify>,
    clock: Arc<AtomicI64>,
    slices: Arc<AtomicU64>,
    pub store: Arc<MemoryStore>,
    files: Files,
    pub account: Account,
    pub privileged: Vec<AccountId>,
}

#[derive(Clone, Default)]
struct Files(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

#[async_trait]
impl Objects for Files {
    async fn put(&self, key: &str, body: &[u8], _: &str) -> Result<String, StoreError> {
        self.0.lock().unwrap().insert(key.to_owned(), body.to_vec());
        Ok(key.to_owned())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }
}

struct Client {
    cloud: Cloud,
    account: AccountId,
    region: Region,
    root: bool,
}

type Refused = (ErrorClass, &'static str);

impl Cloud {
    pub fn new() -> Self {
        Self {
            world: Arc::default(),
            meter: Meter::default(),
            killed: Arc::default(),
            clock: Arc::new(AtomicI64::new(1_800_000_000)),
            slices: Arc::default(),
            store: Arc::default(),
            files: Files::default(),
            account: Account {
                id: SANDBOX.parse().unwrap(),
                name: "sbx-ana".to_owned(),
                email: None,
                state: AccountState::Active,
                ou: "Sandbox".parse().unwrap(),
                tags: BTreeMap::from([("forester-sandbox".to_owned(), "true".to_owned())]),
                joined: None,
            },
            privileged: vec![HOME.parse().unwrap()],
        }
    }

    pub fn with(self, region: &str, list: &'static str, bodies: impl IntoIterator<Item = Value>) -> Self {
        for body in bodies {
            self.world.lock().unwrap().things.push(Thing { region: region.to_owned(), list, body });
        }
        self
    }

    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }

    /// The ids of everything that is there.
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.world.lock().unwrap().things.iter().map(Thing::id).collect();
        ids.sort();
        ids
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.load(Ordering::SeqCst)).unwrap()
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A reset by a section of its own; without `guards` of its own it deletes in the first run.
    pub fn reset(&self, sandbox: &str) -> Reset {
        let first = if sandbox.contains("guards:") { "" } else { "  guards: {first_run: delete}\n" };
        // Those who want witnesses say so.
        let quiet = if sandbox.contains("witnesses:") { "" } else { "  witnesses: {ask: []}\n" };
        let text = format!(
            "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\n\
             access: {{role: OrganizationAccountAccessRole, fallback: [Entrance]}}\n\
             sandbox:\n  match: {{ou: Sandbox, tag: {{forester-sandbox: \"true\"}}}}\n{first}{quiet}{sandbox}"
        );
        let clock = self.clone();
        Reset {
            config: Arc::new(Config::parse(&text, "forester.yaml").unwrap()),
            accounts: Arc::new(self.clone()),
            directory: Arc::new(self.clone()),
            store: self.store.clone(),
            objects: Arc::new(self.files.clone()),
            baseliner: Arc::new(self.clone()),
            people: Arc::new(self.clone()),
            catalogue: known(),
            clock: Arc::new(move || clock.now()),
        }
    }

    pub fn order(&self, run: &str) -> Order {
        let slice = format!("slice-{}", self.slices.fetch_add(1, Ordering::SeqCst));
        let deadline = self.now().checked_add(jiff::SignedDuration::from_mins(5)).unwrap();
        Order { account: SANDBOX.parse().unwrap(), run: run.to_owned(), plan: None, slice, deadline, insists: false }
    }

    /// Slices until it is over, with the waits passed in no time. A slice that is killed is asked for again later.
    pub async fn drive(&self, reset: &Reset, run: &str, plan: Option<String>) -> Result<SliceReport, SliceError> {
        for _ in 0..10_000 {
            let order = Order { plan: plan.clone(), ..self.order(run) };
            let report = tokio::select! {
                report = reset.slice(&order) => match report {
                    // The state machine asks again for a slice whose guards could not read everything.
                    Err(SliceError::Refused(refusal)) if refusal.may_pass() => {
                        self.pass(60);
                        continue;
                    }
                    report => report?,
                },
                () = self.killed.notified() => {
                    self.pass(400);
                    continue;
                }
            };
            match report.next {
                super::slice::Next::Continue => {}
                super::slice::Next::Wait => self.pass(i64::try_from(report.seconds).unwrap()),
                _ => return Ok(report),
            }
        }
        panic!("the run never ended");
    }

    /// Takes the account's lock away from whoever holds it.
    pub fn steal_lock(&self) {
        let key = Key::new(format!("reset#{SANDBOX}"), "lock");
        let taken = self.store.put(&key, json!({ "holder": "thief" }), None, When::Always).now_or_never();
        taken.unwrap().unwrap();
    }

    pub fn receipt(&self, report: &SliceReport) -> super::receipt::Receipt {
        let files = self.files.0.lock().unwrap();
        serde_json::from_slice(&files[report.receipt.as_ref().unwrap()]).unwrap()
    }

    /// What it comes to, unless it is killed on the way.
    pub async fn unless_killed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.killed.notified() => None,
        }
    }

    pub fn files(&self) -> BTreeMap<String, String> {
        let files = self.files.0.lock().unwrap();
        files.iter().map(|(name, body)| (name.clone(), String::from_utf8(body.clone()).unwrap())).collect()
    }

    pub fn html(&self, report: &SliceReport) -> String {
        String::from_utf8(self.files.0.lock().unwrap()[report.html.as_ref().unwrap()].clone()).unwrap()
    }
}

#[async_trait]
impl Accounts for Cloud {
    async fn scope(&self, account: &AccountId, region: &Region) -> Result<Scope, CallError> {
        self.change(|world| {
            world.accounts.insert(account.to_string());
        });
        let client = Client { cloud: self.clone(), account: account.clone(), region: region.clone(), root: false };
        Ok(Scope::new(account.clone(), region.clone(), Arc::new(client)))
    }

    async fn root_scope(&self, account: &AccountId, region: &Region, _: RootTask) -> Result<Scope, CallError> {
        let client = Client { cloud: self.clone(), account: account.clone(), region: region.clone(), root: true };
        Ok(Scope::new(account.clone(), region.clone(), Arc::new(client)))
    }

    async fn home(&self) -> Result<AccountId, CallError> {
        Ok(HOME.parse().unwrap())
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}

/// OUs and their ids.
pub const UNITS: [(&str, &str); 2] = [("Sandbox", "ou-ab12-11111111"), ("Pool", "ou-ab12-22222222")];

impl Cloud {
    /// The accounts of the organization, as a directory tells them.
    fn members(&self) -> Vec<Account> {
        let world = self.world.lock().unwrap();
        let account = |(id, member): (&String, &FakeMember)| Account {
            id: id.parse().unwrap(),
            name: member.name.clone(),
            email: Some(member.email.clone()),
            state: serde_json::from_value(member.state.into()).unwrap(),
            ou: UNITS.iter().find(|(_, id)| *id == member.parent).map_or("", |(path, _)| path).parse().unwrap(),
            tags: member.tags.clone(),
            joined: self.account.joined,
        };
        world.organization.members.iter().map(account).collect()
    }
}

#[async_trait]
impl Directory for Cloud {
    async fn accounts(&self) -> Result<Vec<Account>, CallError> {
        let mut accounts = self.members();
        if !accounts.iter().any(|account| account.id == self.account.id) {
            accounts.push(self.account.clone());
        }
        Ok(accounts)
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError> {
        let member = self.members().into_iter().find(|account| account.id == *id);
        let mut found = member.or_else(|| (self.account.id == *id).then(|| self.account.clone()));
        if let (Some(retold), Some(account)) = (self.world.lock().unwrap().retold, &mut found) {
            retold(account);
        }
        Ok(found)
    }

    async fn forest(&self) -> Result<Forest, CallError> {
        let member = |Account { id, name, email, state, ou, .. }: Account| Member { id, name, email, state, ou };
        let units = UNITS.iter().map(|(path, id)| (path.parse().unwrap(), id.parse().unwrap())).collect();
        let organization = Organization { id: "o-acme".to_owned(), management: HOME.parse().unwrap(), units };
        let members = self.accounts().await?.into_iter().map(member).collect();
        Ok(Forest { organization: Some(organization), members })
    }

    async fn privileged(&self) -> Result<Vec<AccountId>, CallError> {
        let promoted = self.world.lock().unwrap().promoted.clone();
        Ok(self.privileged.iter().cloned().chain(promoted).collect())
    }
}

#[async_trait]
impl Baseliner for Cloud {
    async fn declared(&self, _: &AccountId) -> Result<Declared, String> {
        Ok(self.world.lock().unwrap().declared.clone())
    }

    async fn seen(&self, account: &AccountId) -> Result<Option<Handover>, String> {
        let world = self.world.lock().unwrap();
        let handover = Handover { summary: "in place".to_owned(), failed: vec![] };
        Ok((!world.baseline_fails && world.organization.members.contains_key(account.as_ref())).then_some(handover))
    }

    async fn holds(&self, _: &AccountId) -> Result<Option<String>, String> {
        let world = self.world.lock().unwrap();
        if world.holds_unknown { Err("no forest".to_owned()) } else { Ok(world.holds.clone()) }
    }

    async fn baseline(&self, account: &AccountId) -> Result<Handover, String> {
        let mut world = self.world.lock().unwrap();
        world.baselined += 1;
        world.acts.push((account.to_string(), "baseline".to_owned()));
        if world.baseline_fails {
            Err("no <quota>".to_owned())
        } else {
            Ok(Handover { summary: "in place".to_owned(), failed: vec![] })
        }
    }
}

#[async_trait]
impl People for Cloud {
    async fn tell(&self, letter: &Letter) -> Result<bool, String> {
        let mut world = self.world.lock().unwrap();
        if let Some(why) = world.deaf {
            return Err(why.to_owned());
        }
        world.letters.push(letter.clone());
        Ok(true)
    }
}

impl Client {
    fn error(&self, service: &str, operation: &str, (class, code): Refused) -> CallError {
        let (code, message) = code.split_once('/').map_or((code, "no".to_owned()), |(c, r)| (c, format!("{r}: no")));
        CallError {
            class,
            service: service.to_owned(),
            operation: operation.to_owned(),
            account: self.account.clone(),
            region: self.region.clone(),
            code: Some(code.to_owned()),
            message,
            request_id: None,
        }
    }

    /// The account that a call is about: one that it names, or else the one that the credentials lead to.
    fn struck(&self, world: &World, params: &Value) -> String {
        let taken = params["Bucket"].as_str().is_some_and(|bucket| world.taken.contains(bucket));
        if taken && params["ExpectedBucketOwner"].is_null() {
            return "the account that has taken the bucket".to_owned();
        }
        let named = ["AccountId", "TargetId", "ResourceId"].iter().find_map(|member| params[member].as_str());
        match (named.filter(|id| id.len() == 12), self.account.as_ref() == HOME) {
            (Some(named), _) => named.to_owned(),
            (None, true) => HOME.to_owned(),
            (None, false) => world.leads_to.clone().unwrap_or_else(|| self.account.to_string()),
        }
    }

    /// Counts, and then either fails on demand, or does it; a kill strikes after it was done.
    async fn act(
        &self,
        service: &str,
        operation: &str,
        params: &Value,
        work: impl Fn(&mut World) -> Result<Value, Refused> + Send,
    ) -> Result<Value, CallError> {
        let may_pass = |refused: &Refused| matches!(refused.0, ErrorClass::Throttled | ErrorClass::Transient);
        let attempts = self.cloud.world.lock().unwrap().attempts;
        let mut tried = 0;
        let answer = loop {
            let (answer, killed) = self.once(service, operation, params, &work);
            if killed {
                self.cloud.killed.notify_one();
                std::future::pending::<()>().await;
            }
            match answer {
                Err(refused) if may_pass(&refused) && tried < attempts => tried += 1,
                answer => break answer,
            }
        };
        answer.map_err(|refused| self.error(service, operation, refused))
    }

    fn once(
        &self,
        service: &str,
        operation: &str,
        params: &Value,
        work: impl Fn(&mut World) -> Result<Value, Refused>,
    ) -> (Result<Value, Refused>, bool) {
        let mut world = self.cloud.world.lock().unwrap();
        world.calls += 1;
        world.called.insert((self.account.to_string(), operation.to_owned()));
        if self.account.as_ref() == HOME {
            world.at_home.push(operation.to_owned());
        }
        self.cloud.meter.count(service, operation);
        if !READS.iter().any(|verb| operation.starts_with(verb)) {
            let act = format!("{service} {operation} {params}");
            let struck = self.struck(&world, params);
            world.acts.push((struck, act));
        }
        let fault = world.fault.as_ref().and_then(|fault| fault(self.region.as_ref(), operation, params));
        let lost = world.lost.as_ref().and_then(|lost| lost(self.region.as_ref(), operation, params));
        let answer = fault.map_or_else(|| work(&mut world), Err);
        let answer = lost.map_or(answer, Err);
        if let Some(mut meanwhile) = world.meanwhile.take() {
            meanwhile(&mut world, operation);
            world.meanwhile = Some(meanwhile);
        }
        (answer, world.kill_at == Some(world.calls))
    }
}

#[async_trait]
impl Call for Client {
    async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError> {
        let region = self.region.to_string();
        let account = self.account.to_string();
        if service == "organizations" && operation != "DescribeOrganization" {
            let work = |world: &mut World| {
                if !["Describe", "List"].iter().any(|verb| operation.starts_with(verb)) {
                    world.writes.push(format!("organizations {operation} {params}"));
                }
                world.organization.call(operation, &params)
            };
            return self.act(service, operation, &params, work).await;
        }
        let work = |world: &mut World| match locked_out(world, self.root, operation, &params) {
            Some(refused) => Err(refused),
            None => {
                let beyond = world.beyond.execute(&region, operation, &params);
                beyond.unwrap_or_else(|| execute(world, &account, &region, operation, &params))
            }
        };
        self.act(service, operation, &params, work).await
    }

    async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        let known = || self.cloud.world.lock().unwrap().organization.knows(&params["ChildId"]);
        if service == "organizations" && (operation != "ListParents" || known()) {
            let work = |world: &mut World| Ok(world.organization.list(operation, &params));
            return self.act(service, operation, &params, work).await.map(|all| all.as_array().unwrap().clone());
        }
        let mut all = Vec::new();
        loop {
            let (region, from) = (self.region.to_string(), all.len());
            let work = |world: &mut World| match world.beyond.refuses(&region, operation, &params) {
                Some(refused) => Err(refused),
                None => Ok(list(world, &region, operation, &params, from)),
            };
            let page = self.act(service, operation, &params, work).await?;
            let page = page.as_array().unwrap().clone();
            let full = page.len() == PAGE;
            all.extend(page);
            if !full {
                return Ok(all);
            }
        }
    }
}

/// A policy that denies everybody, or everybody but the root user.
fn locked_out(world: &World, root: bool, operation: &str, params: &Value) -> Option<Refused> {
    if params["Bucket"].as_str().is_some_and(|bucket| world.taken.contains(bucket)) {
        return (!params["ExpectedBucketOwner"].is_null()).then_some((ErrorClass::Denied, "AccessDenied"));
    }
    let only_root = world.denied.get(params["Bucket"].as_str()?)?;
    let opens = operation == "DeleteBucketPolicy" && (root || !only_root);
    (!opens).then_some((ErrorClass::Denied, "AccessDenied"))
}

fn list(world: &mut World, region: &str, operation: &str, params: &Value, from: usize) -> Value {
    if let Some(found) = world.beyond.list(region, operation, params) {
        return found.into_iter().skip(from).take(PAGE).collect();
    }
    if operation == "ListAttachedRolePolicies" {
        let of = |(role, _): &&(String, String)| params["RoleName"] == role.as_str();
        return world.attached.iter().filter(of).skip(from).map(|(_, arn)| json!({"PolicyArn": arn})).collect();
    }
    if operation == "ListEntitiesForPolicy" {
        let of = |(_, arn): &&(String, String)| params["PolicyArn"] == arn.as_str() && params["EntityFilter"] == "Role";
        return world.attached.iter().filter(of).skip(from).map(|(role, _)| json!({"RoleName": role})).collect();
    }
    if operation == "ListExports" {
        let of = |(_, exporter): &(String, String)| json!({"ExportingStackId": exporter, "Name": format!("out-of-{exporter}")});
        return world.imports.iter().skip(from).map(of).collect();
    }
    if operation == "ListImports" {
        let of = |(_, exporter): &&(String, String)| params["ExportName"] == format!("out-of-{exporter}");
        return world.imports.iter().filter(of).skip(from).map(|(importer, _)| json!(importer)).collect();
    }
    if operation == "ListStackResources" {
        let held = |(_, kind, id): &(String, &str, String)| json!({"ResourceType": kind, "PhysicalResourceId": id});
        let of = |(stack, ..): &&(String, &str, String)| params["StackName"] == stack.as_str();
        return world.held.iter().filter(of).skip(from).take(PAGE).map(held).collect();
    }
    if operation == "ListAccountAliases" {
        return world.aliases.iter().skip(from).map(|alias| json!(alias)).collect();
    }
    let filter = params["Filters"][0]["Values"][0].as_str().map(str::to_owned);
    let fits = |thing: &&Thing| {
        let text = thing.body.to_string();
        thing.list == operation
            && thing.region == region
            && filter.as_ref().is_none_or(|id| id == "true" || text.contains(id.as_str()))
    };
    let page = world.things.iter().filter(fits).skip(from).take(PAGE).map(|thing| match operation {
        "DescribeInstances" => json!({"Instances": [thing.body]}),
        _ => thing.body.clone(),
    });
    let page = page.collect();
    // An instance that was terminated is listed once more as shutting down, and then no longer.
    if operation == "DescribeInstances" {
        world.things.retain(|thing| thing.body["State"]["Name"] != "terminated");
        for thing in world.things.iter_mut().filter(|thing| thing.body["State"]["Name"] == "shutting-down") {
            thing.body["State"]["Name"] = "terminated".into();
        }
    }
    page
}

/// Calls that only look, and whose answers are simple.
fn looked(world: &mut World, region: &str, operation: &str, params: &Value) -> Option<Result<Value, Refused>> {
    Some(match operation {
        "DescribeRegions" => Ok(json!({"Regions": [{"RegionName": "eu-west-1"}, {"RegionName": "us-east-1"}]})),
        "GetCostAndUsage" => {
            let row = |(service, amount): &(&str, &str)| json!({"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}});
            let groups: Vec<Value> = world.costs.iter().map(row).collect();
            Ok(json!({"ResultsByTime": [{"Groups": groups}]}))
        }
        "DescribeTable" => {
            let arn = format!("arn:aws:dynamodb:{region}:{SANDBOX}:table/{}", params["TableName"].as_str().unwrap());
            Ok(json!({"Table": {"TableName": params["TableName"], "TableArn": arn, "TableStatus": "ACTIVE"}}))
        }
        "ListTagsOfResource" => Ok(json!({ "Tags": [{"Key": "keep", "Value": "until-later"}] })),
        "DescribeKey" => Ok(json!({ "KeyMetadata": {"KeyManager": "CUSTOMER", "KeyState": "Enabled"} })),
        "ListRoleTags" => Ok(json!({ "Tags": [{"Key": "Name", "Value": "for people"}] })),
        "DescribeKeyPairs" => Ok(json!({ "KeyPairs": list(world, region, operation, params, 0) })),
        "ListObjectVersions" => Ok(versions(world, params)),
        "GetObjectLegalHold" => Err((ErrorClass::Invalid, "InvalidRequest")),
        "GetObjectRetention" => {
            Ok(json!({"Retention": {"Mode": "COMPLIANCE", "RetainUntilDate": "2031-01-01T00:00:00Z"}}))
        }
        _ => return None,
    })
}

fn execute(world: &mut World, account: &str, region: &str, operation: &str, params: &Value) -> Result<Value, Refused> {
    let reads = READS.iter().any(|verb| operation.starts_with(verb));
    if !reads {
        world.writes.push(format!("{region} {operation} {params}"));
    }
    if let Some(answer) = looked(world, region, operation, params) {
        return answer;
    }
    match operation {
        "GetCallerIdentity"
            if world.organization.members.get(account).is_some_and(|member| member.state != "ACTIVE") =>
        {
            Err((ErrorClass::Denied, "AccessDenied"))
        }
        "GetCallerIdentity" => Ok(json!({ "Account": world.leads_to.as_deref().unwrap_or(account) })),
        "DescribeTrails" => Ok(json!({ "trailList": world.trails })),
        "GetParameter" => {
            let value = world.parameter.as_ref().ok_or((ErrorClass::Gone, "ParameterNotFound"))?;
            Ok(json!({ "Parameter": {"Name": params["Name"], "Value": value} }))
        }
        "DeleteObjects" => Ok(delete_objects(world, params)),
        "CreateDefaultVpc" => {
            world.vpcs_made.push(region.to_owned());
            Ok(json!({}))
        }
        "TerminateInstances" => terminate_all(world, &params["InstanceIds"]),
        "DeleteStack" => delete_stack(world, params),
        "DeleteBucketPolicy" => {
            world.denied.remove(params["Bucket"].as_str().unwrap());
            Ok(json!({}))
        }
        "GetBucketVersioning" => Ok(json!({ "MFADelete": if world.mfa { "Enabled" } else { "Disabled" } })),
        "ModifyInstanceAttribute" => {
            world.protected.remove(params["InstanceId"].as_str().unwrap());
            Ok(json!({}))
        }
        "RevokeSecurityGroupIngress" => {
            let group = world.things.iter_mut().find(|thing| thing.body["GroupId"] == params["GroupId"]);
            group.ok_or((ErrorClass::Gone, "InvalidGroup.NotFound"))?.body["IpPermissions"] = json!([]);
            Ok(json!({}))
        }
        "DetachRolePolicy" => {
            world
                .attached
                .retain(|(role, arn)| params["RoleName"] != role.as_str() || params["PolicyArn"] != arn.as_str());
            Ok(json!({}))
        }
        "DetachInternetGateway" => {
            let gateway =
                world.things.iter_mut().find(|thing| thing.body["InternetGatewayId"] == params["InternetGatewayId"]);
            gateway.ok_or((ErrorClass::Gone, "InvalidInternetGatewayID.NotFound"))?.body["Attachments"] = json!([]);
            Ok(json!({}))
        }
        _ if reads || operation.starts_with("Put") || operation == "UpdateTerminationProtection" => Ok(json!({})),
        "DeleteBucketReplication" => Ok(json!({})),
        _ => delete(world, operation, params),
    }
}

/// One protected instance saves all others of its zone.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html>
fn terminate_all(world: &mut World, ids: &Value) -> Result<Value, Refused> {
    let ids: Vec<&str> = ids.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let zone = |world: &World, id: &str| {
        let of = |thing: &&Thing| thing.list == "DescribeInstances" && thing.body["InstanceId"] == id;
        world.things.iter().find(of).map(|thing| thing.body["Placement"]["AvailabilityZone"].to_string())
    };
    let saved: BTreeSet<Option<String>> =
        ids.iter().filter(|id| world.protected.contains(**id)).map(|id| zone(world, id)).collect();
    let mut answer = if saved.is_empty() { Ok(json!({})) } else { Err((ErrorClass::Other, "OperationNotPermitted")) };
    for id in ids {
        if !saved.contains(&zone(world, id)) {
            answer = terminate(world, id).and(answer);
        }
    }
    answer
}

/// A stack that others import from stays as it is; one that is "stuck" needs force the second time.
fn delete_stack(world: &mut World, params: &Value) -> Result<Value, Refused> {
    let id = params["StackName"].as_str().unwrap().to_owned();
    if world.protected.remove(&id) {
        return Err((ErrorClass::Invalid, "TerminationProtection"));
    }
    let there: BTreeSet<String> = world.things.iter().map(Thing::id).collect();
    if world.imports.iter().any(|(importer, exporter)| *exporter == id && there.contains(importer)) {
        return Ok(json!({}));
    }
    let at = world.things.iter().position(|thing| thing.id() == id).ok_or((ErrorClass::Gone, "NotFound"))?;
    if id.starts_with("stuck") && params["DeletionMode"] != "FORCE_DELETE_STACK" {
        world.things[at].body["StackStatus"] = "DELETE_FAILED".into();
        return Ok(json!({}));
    }
    world.things.remove(at);
    Ok(json!({}))
}

fn terminate(world: &mut World, id: &str) -> Result<Value, Refused> {
    if world.protected.contains(id) {
        return Err((ErrorClass::Other, "OperationNotPermitted"));
    }
    let instance =
        world.things.iter_mut().find(|thing| thing.body["InstanceId"] == id && thing.list == "DescribeInstances");
    instance.ok_or((ErrorClass::Gone, "InvalidInstanceID.NotFound"))?.body["State"]["Name"] = "shutting-down".into();
    // What was attached to it is free now, and still there.
    for interface in world.things.iter_mut().filter(|thing| thing.body["Attachment"]["InstanceId"] == id) {
        (interface.body["Status"], interface.body["Attachment"]) = ("available".into(), Value::Null);
    }
    Ok(json!({}))
}

/// Deletes what the one parameter names, unless something else still names it.
fn delete(world: &mut World, operation: &str, params: &Value) -> Result<Value, Refused> {
    let id = params.as_object().unwrap().values().find_map(Value::as_str).unwrap_or_default().to_owned();
    if operation == "DeleteRole" && world.attached.iter().any(|(role, _)| *role == id) {
        return Err((ErrorClass::Conflict, "DeleteConflict"));
    }
    let at = world.things.iter().position(|thing| thing.id() == id).ok_or((ErrorClass::Gone, "NotFound"))?;
    let held =
        world.things.iter().any(|thing| thing.id() != id && thing.body.to_string().contains(&format!("\"{id}\"")));
    if held && operation != "DeleteQueue" {
        return Err((ErrorClass::Conflict, "DependencyViolation"));
    }
    if operation == "DeleteBucket" && world.objects.iter().any(|(bucket, _)| *bucket == id) {
        return Err((ErrorClass::Conflict, "BucketNotEmpty"));
    }
    world.things.remove(at);
    Ok(json!({}))
}

/// A page of 1,000, and where the next begins. Half of what there is are delete markers.
fn versions(world: &World, params: &Value) -> Value {
    let from = params["KeyMarker"].as_str().unwrap_or_default();
    let of = |(bucket, key): &&(String, String)| params["Bucket"] == bucket.as_str() && key.as_str() > from;
    let mut keys: Vec<&str> = world.objects.iter().filter(of).map(|(_, key)| key.as_str()).collect();
    keys.sort_unstable();
    let more = keys.len() > 1_000;
    keys.truncate(1_000);
    let page: Vec<Value> = keys.iter().map(|key| json!({"Key": key, "VersionId": "v1"})).collect();
    let (versions, markers) = page.split_at(page.len() / 2);
    json!({"Versions": versions, "DeleteMarkers": markers, "IsTruncated": more, "NextKeyMarker": keys.last(), "NextVersionIdMarker": "v1"})
}

fn delete_objects(world: &mut World, params: &Value) -> Value {
    let keys: BTreeSet<&str> =
        params["Delete"]["Objects"].as_array().unwrap().iter().filter_map(|o| o["Key"].as_str()).collect();
    assert!(keys.len() <= 1_000, "AWS takes no more");
    if world.locked {
        let errors: Vec<Value> = keys
            .iter()
            .map(|key| json!({"Key": key, "VersionId": "v1", "Code": "AccessDenied", "Message": "locked"}))
            .collect();
        return json!({ "Errors": errors });
    }
    world.objects.retain(|(bucket, key)| params["Bucket"] != bucket.as_str() || !keys.contains(key.as_str()));
    json!({})
}
