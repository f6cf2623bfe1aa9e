//! Does what the run asks for, many things at once.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};

use super::batch;
use super::catalogue::{Catalogue, Kind, TypeName};
use super::cloudcontrol::{Below, CloudLister, Registry, Wish};
use super::discover::{Lister, failure};
use super::item::{CellKey, GLOBAL, ItemKey, Listing, Outcome};
use super::machine::{Answer, Ask};
use super::oracle::Oracle;
use super::protect::Reserved;
use super::state::{Handover, Work};
use super::steps::Attempt;
use super::task::{Action, Around, Task};
use crate::aws::{Accounts, CallError, ErrorClass, Scope};
use crate::config::Access;
use crate::types::{AccountId, Partition, Region};

/// How far lists are below one another.
const DEEPEST: usize = 4;

/// Regions that a default VPC is made in at once.
const AT_ONCE: usize = 8;

/// What the baseline says about an account before a reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// What it declares there, and a reset therefore keeps.
    pub reserved: Vec<Reserved>,
    /// It takes default VPCs away.
    pub no_default_vpc: bool,
}

/// The way from a reset to the baseline, which the two modules do not know of each other otherwise.
#[async_trait]
pub trait Baseliner: Send + Sync {
    /// What the baseline declares for the account. An error stops the reset: guessing would delete it.
    async fn declared(&self, account: &AccountId) -> Result<Declared, String>;

    /// What the account holds that other accounts depend on, by the file: "keeps the organization's trail".
    async fn holds(&self, account: &AccountId) -> Result<Option<String>, String>;

    /// Applies the baseline.
    async fn baseline(&self, account: &AccountId) -> Result<Handover, String>;

    /// What the baseline did in the account when it was there last; nothing where it has not been.
    async fn seen(&self, account: &AccountId) -> Result<Option<Handover>, String>;
}

/// What carries out a run.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// Ways into the one account.
    pub accounts: &'a dyn Accounts,
    /// The account that Forester runs in, which is asked for the access report and for nothing else.
    pub reports: &'a dyn Accounts,
    /// The types.
    pub catalogue: &'a Catalogue,
    /// The baseline.
    pub baseliner: &'a dyn Baseliner,
    /// A region that every account of the partition has.
    pub home: &'a Region,
    /// Whether a rule asks for tags.
    pub want_tags: bool,
    /// Whether a rule asks for anything that only a read may tell: tags, ARNs.
    pub want_details: bool,
    /// How accounts are entered.
    pub access: &'a Access,
}

/// Why a question could not be answered at all. The run stays as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// A call that the whole run depends on failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The baseline could not say what it declares.
    #[error("the baseline cannot say what it declares for {account}, so nothing is deleted: {reason}")]
    Baseline {
        /// The account.
        account: AccountId,
        /// Why.
        reason: String,
    },
}

/// The region that answers for global services.
pub fn global_region(home: &Region) -> Region {
    let name = match home.partition() {
        Partition::Aws => "us-east-1",
        Partition::AwsCn => "cn-north-1",
        Partition::AwsUsGov => "us-gov-west-1",
        _ => return home.clone(),
    };
    name.parse().unwrap_or_else(|_| home.clone())
}

impl Engine<'_> {
    /// Does what is asked.
    pub async fn carry_out(&self, account: &AccountId, ask: Ask) -> Result<Answer, EngineError> {
        Ok(match ask {
            Ask::Open => self.open(account).await?,
            Ask::Hear(inquiry) => {
                let Self { accounts, reports, home, .. } = *self;
                let oracle = Oracle { accounts, reports, account, home, inquiry: &inquiry };
                let (testimony, shown) = oracle.hear().await;
                Answer::Heard(testimony, shown)
            }
            Ask::Learn(wish) => Answer::Learned(self.learn(account, wish).await),
            Ask::List(cell) => {
                let listing = self.list(account, &cell, None, 0).await;
                Answer::Listed(cell, listing)
            }
            Ask::Work(task) => Answer::Worked(self.work(account, task).await),
            Ask::MakeVpcs(regions) => Answer::VpcsMade(self.make_vpcs(account, &regions).await),
            Ask::Baseline => Answer::Baselined(self.hand_over(account).await),
        })
    }

    async fn open(&self, account: &AccountId) -> Result<Answer, EngineError> {
        let (reserved, no_default_vpc) = self.declared(account).await?;
        let regions = self.regions(account).await?;
        Ok(Answer::Opened { regions, reserved, no_default_vpc })
    }

    /// What must not be touched, and whether default VPCs are unwanted: what the baseline declares, and the way in.
    pub async fn declared(&self, account: &AccountId) -> Result<(Vec<Reserved>, bool), EngineError> {
        let wrong = |reason| EngineError::Baseline { account: account.clone(), reason };
        let declared = self.baseliner.declared(account).await.map_err(wrong)?;
        let mut reserved = declared.reserved;
        let roles = std::iter::once(&self.access.role).chain(&self.access.fallback);
        reserved.extend(roles.filter_map(|role| {
            let why = "accounts are entered through it (access in the file)".to_owned();
            // A role with a path is listed by its name alone.
            let name = role.rsplit('/').next().unwrap_or(role).to_owned();
            Some(Reserved { kind: "AWS::IAM::Role".parse().ok()?, name, why })
        }));
        Ok((reserved, declared.no_default_vpc))
    }

    /// Every region that is enabled in the account: without parameters the operation leaves out the others
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html>).
    async fn regions(&self, account: &AccountId) -> Result<Vec<Region>, CallError> {
        let scope = self.accounts.scope(account, self.home).await?;
        let answer = scope.call("ec2", "DescribeRegions", json!({})).await?;
        let names = answer.get("Regions").and_then(Value::as_array).into_iter().flatten();
        let names = names.filter_map(|region| region.get("RegionName").and_then(Value::as_str));
        let regions: BTreeSet<Region> = names.filter_map(|name| name.parse().ok()).collect();
        if regions.is_empty() {
            let message = "the account names no enabled region".to_owned();
            return Err(CallError {
                class: ErrorClass::Other,
                service: "ec2".to_owned(),
                operation: "DescribeRegions".to_owned(),
                account: account.clone(),
                region: self.home.clone(),
                code: None,
                message,
                request_id: None,
            });
        }
        Ok(regions.into_iter().collect())
    }

    /// What the registry says, in the region that is home and in the one that answers for what is global.
    async fn learn(&self, account: &AccountId, wish: Wish) -> Registry {
        let mut scopes = Vec::new();
        for region in BTreeSet::from([self.home.clone(), global_region(self.home)]) {
            match self.accounts.scope(account, &region).await {
                Ok(scope) => scopes.push(scope),
                Err(error) => return wish.registry.unread(&error),
            }
        }
        wish.fulfil(&scopes, self.catalogue).await
    }

    /// Lists a cell; others are listed below what is found, by the property that is named.
    fn list<'s>(
        &'s self,
        account: &'s AccountId,
        cell: &'s CellKey,
        named_by: Option<&'s str>,
        depth: usize,
    ) -> BoxFuture<'s, Listing> {
        self.list_in(account, cell, named_by, depth).boxed()
    }

    async fn list_in(&self, account: &AccountId, cell: &CellKey, named_by: Option<&str>, depth: usize) -> Listing {
        let Some(kind) = self.catalogue.kind(&cell.kind) else {
            let reason = format!("nothing here knows how to list {}", cell.kind);
            return Listing::Failed { reason, may_pass: false };
        };
        let scope = match self.scope(account, cell).await {
            Ok(scope) => scope,
            Err(error) => return failure(&error),
        };
        if let Some(control) = &kind.control {
            let (scope, above) = (&scope, None);
            let want_details = self.want_details && named_by.is_none();
            let lister = CloudLister { scope, kind, control, cell, want_details, above, named_by };
            return match &control.below {
                Some(below) => self.list_below(account, lister, below, depth).await,
                None => lister.list().await.listing,
            };
        }
        let (accounts, want_tags) = (self.accounts, self.want_tags && named_by.is_none());
        Lister { accounts, scope: &scope, kind, cell, want_tags }.list().await
    }

    /// One list for each resource of another type. Those that the list did not know are looked for again: what is still
    /// there was not gone, and what is below it is not known.
    async fn list_below(&self, account: &AccountId, lister: CloudLister<'_>, below: &Below, depth: usize) -> Listing {
        let region = match self.catalogue.kind(&below.kind) {
            None => {
                let words = format!("its list needs the {} of {}, which nothing here lists", below.param, below.kind);
                return Listing::Unavailable(words);
            }
            Some(parent) if parent.global => GLOBAL.to_owned(),
            Some(_) => lister.scope.region().to_string(),
        };
        if depth >= DEEPEST {
            let reason = format!("it is listed below {}, which is itself too far below", below.kind);
            return Listing::Failed { reason, may_pass: false };
        }
        let cell = CellKey { region, kind: below.kind.clone() };
        let parents = || self.list(account, &cell, Some(&below.param), depth + 1);
        let above = match parents().await {
            Listing::Items(found) => below.all(found),
            listing => Err(below.unlisted(listing)),
        };
        let told = match above {
            Ok(above) => CloudLister { above: Some(above), ..lister }.list().await,
            Err(listing) => return listing,
        };
        if told.missing.is_empty() {
            return told.listing;
        }
        match parents().await {
            Listing::Items(found) => match found.iter().find(|found| told.missing.contains(&found.key.id)) {
                Some(found) => {
                    let reason = format!("its list does not know {}, which is there", found.key);
                    Listing::Failed { reason, may_pass: true }
                }
                None => told.listing,
            },
            listing => below.unlisted(listing),
        }
    }

    async fn scope(&self, account: &AccountId, cell: &CellKey) -> Result<Scope, CallError> {
        let region = cell.region.parse().ok().filter(|_| cell.region != GLOBAL);
        self.accounts.scope(account, &region.unwrap_or_else(|| self.answering(&cell.kind))).await
    }

    /// The region that answers for a global type.
    fn answering(&self, kind: &TypeName) -> Region {
        let own = self.catalogue.kind(kind).and_then(|kind| kind.answers_in.clone());
        own.filter(|own| own.partition() == self.home.partition()).unwrap_or_else(|| global_region(self.home))
    }

    async fn work(&self, account: &AccountId, task: Task) -> Vec<(ItemKey, Outcome)> {
        let Task { action, items, around } = task;
        let all = |outcome: Outcome| items.iter().map(|(key, _)| (key.clone(), outcome.clone())).collect();
        let Some(((key, work), rest)) = items.split_first() else { return Vec::new() };
        let Some(kind) = self.catalogue.kind(&key.cell.kind) else {
            return all(Outcome::Failed(format!("{} is not in the catalogue any more", key.cell.kind)));
        };
        let scope = match self.accounts.scope(account, &work.region).await {
            Ok(scope) => scope,
            Err(error) => return all(Outcome::Later(error.to_string())),
        };
        match &kind.batch {
            Some(batch) if action == Action::Batch => batch::delete(&scope, kind, batch, &items).await,
            _ if rest.is_empty() => vec![(key.clone(), self.attempt(&scope, kind, work, &around, action).await)],
            _ => all(Outcome::Alone),
        }
    }

    async fn attempt(&self, scope: &Scope, kind: &Kind, work: &Work, around: &Around, action: Action) -> Outcome {
        Attempt { accounts: self.accounts, scope, kind, work, around }.run(action).await
    }

    async fn make_vpcs(&self, account: &AccountId, regions: &[Region]) -> Vec<String> {
        let make = |region| self.make_vpc(account, region).boxed();
        let mut notes: Vec<String> = together(regions.iter().map(make).collect()).await.into_iter().flatten().collect();
        notes.sort();
        notes
    }

    /// A default VPC, where there is none. Returns what went wrong.
    async fn make_vpc(&self, account: &AccountId, region: &Region) -> Option<String> {
        let make = async {
            let scope = self.accounts.scope(account, region).await?;
            let filter = json!({ "Filters": [{ "Name": "is-default", "Values": ["true"] }] });
            if scope.pages("ec2", "DescribeVpcs", filter).await?.is_empty() {
                scope.call("ec2", "CreateDefaultVpc", json!({})).await?;
            }
            Ok::<_, CallError>(())
        };
        match make.await {
            Ok(()) => None,
            Err(error) if error.class == ErrorClass::Exists => None,
            Err(error) => Some(format!("no default VPC in {region}: {error}")),
        }
    }

    async fn hand_over(&self, account: &AccountId) -> Handover {
        self.baseliner.baseline(account).await.unwrap_or_else(|reason| Handover {
            summary: "the baseline was not applied".to_owned(),
            failed: vec![reason],
        })
    }
}

/// Runs futures, so many at once, in any order.
async fn together<T: Send>(futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(futures).buffer_unordered(AT_ONCE).collect().await
}

impl Kind {
    /// One line for people: how it is listed and deleted.
    pub fn how(&self) -> String {
        let steps: Vec<&str> = self.delete.iter().map(|step| step.operation.as_str()).collect();
        let delete = match (steps.as_slice(), self.hook) {
            ([], Some(_)) => "a hook".to_owned(),
            ([], None) => "nothing: it is undeletable".to_owned(),
            _ => steps.join(", "),
        };
        format!("{}:{} -> {delete}", self.service, self.list.operation)
    }
}
