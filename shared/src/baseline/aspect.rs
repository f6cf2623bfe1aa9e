//! What an aspect is: one thing that every account needs, observed, planned and made true in one file.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::aws::{Accounts, CallError, ErrorClass, RootTask, Scope};
use crate::config::{AccountEntry, Config, Enforce, Wanted};
use crate::org::{Account, Forest};
use crate::types::{AccountId, OuPath, Partition, Region};

/// An aspect: `observe` reads, `plan` decides and is pure, `take` writes one step.
#[async_trait]
pub trait Aspect {
    /// Its name in plans, in the ledger and on the command line.
    const NAME: &'static str;
    /// Whether a new account stays in quarantine until this holds.
    const GUARD: bool = false;
    /// What there is, in one place.
    type Facts: Clone + Debug + PartialEq + Send + Sync;
    /// What can be done about it.
    type Action: Clone + Debug + PartialEq + Serialize + Display + Send + Sync;

    /// Where it is looked at; nowhere when no layer declares it.
    fn places(target: &Target, enabled: &[Region]) -> Vec<Place>;

    /// Reads what there is.
    async fn observe(look: &Look<'_>, target: &Target) -> Result<Self::Facts, CallError>;

    /// Decides what to do. Same target and facts, same answer.
    fn plan(target: &Target, facts: &Self::Facts) -> Planned<Self::Action>;

    /// Whether this step lets an account out of quarantine. It is taken only when every guard holds.
    fn releases(_: &Self::Action) -> bool {
        false
    }

    /// Does one step.
    async fn take(scope: &Scope, action: &Self::Action) -> Result<Taken, StepError>;
}

/// Where a step happens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub enum Place {
    /// In the account as a whole.
    Global,
    /// In a member account, as its root user: a look goes into the account as usual, and may ask for the root user
    /// ([`Look::root`]); a step deletes the root user's credentials.
    Root,
    /// In AWS Organizations, as Forester's own account: what the organization holds about the account.
    Organization,
    /// In a service of the organization that stands in one region, as Forester's own account.
    OrganizationIn(Region),
    /// In one region.
    Region(Region),
}

impl Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Root => f.write_str("root"),
            Self::Organization => f.write_str("organization"),
            Self::OrganizationIn(region) => write!(f, "organization in {region}"),
            Self::Region(region) => f.write_str(region.as_ref()),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

/// One account and what is declared for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The account, in the place and with the tags that the file gives it: what it will be counts, not where it waits.
    pub account: Account,
    /// The account as the directory told it, where it lies now.
    pub found: Account,
    /// What the file says of the account itself; empty when it does not name it.
    pub entry: AccountEntry,
    /// What the layers came to.
    pub wanted: Wanted,
    /// How far Forester goes.
    pub enforce: Enforce,
    /// The whole file, for what is declared beside the layers.
    pub config: Arc<Config>,
    /// The whole forest, for what is about other accounts or about OUs.
    pub forest: Arc<Forest>,
    /// The start of every name that Forester gives in the account; empty unless several names share it.
    pub label: String,
    /// Whether the guards have never held in this account.
    pub newcomer: bool,
    /// Whether it came into the organization within the last day: an older account may be worked in.
    pub arriving: bool,
    /// Whether it was born so recently that it may not let us in yet.
    pub young: bool,
    /// The parts to look at (see [`part`]); all when absent.
    pub only: Option<BTreeSet<String>>,
}

/// A part of an account, in a word: `ebs-encryption eu-west-1`.
pub fn part(aspect: &str, place: &Place) -> String {
    format!("{aspect} {place}")
}

impl Target {
    /// Whether what is not declared is removed, or reported as if it were to be.
    pub fn strict(&self) -> bool {
        match self.enforce {
            Enforce::Strict | Enforce::Observe => true,
            Enforce::Additive => false,
        }
    }

    /// Whether this is the management account of the organization, whose baseline includes the organization itself.
    pub fn is_management(&self) -> bool {
        self.forest.is_management(&self.account.id)
    }

    /// Whether `test` holds for the account's place, by either of two looks: the one at the account and the one at the
    /// forest. Either may be the older one.
    pub fn lies(&self, test: impl Fn(&OuPath) -> bool) -> bool {
        let Account { id, name, ou, .. } = &self.found;
        let member = self.forest.members.iter().find(|member| member.id == *id && member.name == *name);
        test(ou) || member.is_some_and(|member| test(&member.ou))
    }

    /// The account that a name of the file, or an id, means; `None` when there is none (yet).
    pub fn account_of(&self, word: &str) -> Option<AccountId> {
        let declared = || self.config.accounts.get(word)?.id.clone();
        word.parse().ok().or_else(declared).or_else(|| self.forest.named(word).map(|member| member.id.clone()))
    }

    /// The account that a name of the file, or an id, means, for `what` (`role Admin trusts it`). One that is still to be
    /// created is waited for: the management account's baseline makes it.
    pub fn expect(&self, word: &str, what: impl Display) -> Result<AccountId, Unmet> {
        let management = self.forest.organization.as_ref().map(|organization| &organization.management);
        let to_come = management.filter(|_| self.config.accounts.contains_key(word));
        self.account_of(word).ok_or_else(|| match to_come {
            Some(management) => {
                Unmet::Awaits(format!("the account {word} is still to be created; {what}"), management.clone())
            }
            None => Unmet::Problem(format!("the organization does not hold `{word}`; {what}")),
        })
    }

    /// The name and the id of an account.
    pub fn called(&self, account: &AccountId) -> String {
        let member = self.forest.members.iter().find(|member| member.id == *account);
        member.map_or_else(|| account.to_string(), |member| format!("{} ({account})", member.name))
    }

    /// The region for what is not regional, and for asking which regions there are.
    pub fn home(&self) -> &Region {
        &self.config.home_region
    }

    /// The partition that everything is in.
    pub fn partition(&self) -> Partition {
        self.home().partition()
    }

    /// The name that a thing has in the account.
    pub fn labelled(&self, name: &str) -> String {
        format!("{}{name}", self.label)
    }
}

/// A look into one place: its scope, and a way into other accounts, to read there.
pub struct Look<'a> {
    scope: Scope,
    place: &'a Place,
    accounts: &'a dyn Accounts,
}

impl<'a> Look<'a> {
    /// A look at `place` of an account.
    pub(super) async fn at(
        accounts: &'a dyn Accounts,
        account: &AccountId,
        home: &Region,
        place: &'a Place,
    ) -> Result<Self, CallError> {
        // A step as the root user may delete; nobody only looks with such credentials.
        let entrance = if *place == Place::Root { &Place::Global } else { place };
        Ok(Self { scope: entrance.enter(accounts, account, home).await?, place, accounts })
    }

    /// The place, for an aspect that is about several kinds of them.
    pub fn place(&self) -> &Place {
        self.place
    }

    /// Another account, or another region of this one. Only for reading: an aspect writes where its step is.
    pub async fn elsewhere(&self, account: &AccountId, region: &Region) -> Result<Scope, CallError> {
        self.accounts.scope(account, region).await
    }

    /// The account as its root user, who may look at its own credentials and do nothing else.
    pub async fn root(&self) -> Result<Scope, CallError> {
        self.accounts.root_scope(self.scope.account(), self.scope.region(), RootTask::Audit).await
    }

    /// The organization, as Forester's own account. Only for reading, too.
    pub async fn organization(&self) -> Result<Scope, CallError> {
        Place::Organization.enter(self.accounts, self.scope.account(), self.scope.region()).await
    }
}

impl Deref for Look<'_> {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.scope
    }
}

impl Place {
    /// The scope of this place; `home` is the region for what is not regional.
    pub(super) async fn enter(
        &self,
        accounts: &dyn Accounts,
        account: &AccountId,
        home: &Region,
    ) -> Result<Scope, CallError> {
        match self {
            Self::Global => accounts.scope(account, home).await,
            Self::Root => accounts.root_scope(account, home, RootTask::Delete).await,
            Self::Organization => accounts.scope(&accounts.home().await?, &home.partition().organizations()).await,
            Self::OrganizationIn(region) => accounts.scope(&accounts.home().await?, region).await,
            Self::Region(region) => accounts.scope(account, region).await,
        }
    }
}

/// The account as a whole, if the aspect is declared.
pub(super) fn global_if(declared: bool) -> Vec<Place> {
    if declared { vec![Place::Global] } else { Vec::new() }
}

/// The organization, if the aspect is declared and there is one.
pub(super) fn organization_if(declared: bool, target: &Target) -> Vec<Place> {
    if declared && target.forest.organization.is_some() { vec![Place::Organization] } else { Vec::new() }
}

/// Every one of `regions`, if the aspect is declared.
pub(super) fn regions_if<'a>(declared: bool, regions: impl IntoIterator<Item = &'a Region>) -> Vec<Place> {
    if declared { regions.into_iter().cloned().map(Place::Region).collect() } else { Vec::new() }
}

/// What an aspect came to in one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned<A> {
    /// What to do, in order.
    pub steps: Vec<A>,
    /// What is left as it is although the declaration says otherwise: what, and why.
    pub kept: Vec<(String, String)>,
    /// What keeps the declaration from being planned at all.
    pub problems: Vec<String>,
    /// What can be planned only when the baseline of another account has done its part: what, and whose.
    pub awaits: Vec<(String, AccountId)>,
    /// What can be planned only when AWS has finished something that is on its way: what, and for what it waits.
    pub waits: Vec<(String, String)>,
}

impl<A> Planned<A> {
    /// Nothing to do.
    pub fn nothing() -> Self {
        Self { steps: Vec::new(), kept: Vec::new(), problems: Vec::new(), awaits: Vec::new(), waits: Vec::new() }
    }

    /// These steps.
    pub fn steps(steps: Vec<A>) -> Self {
        Self { steps, ..Self::nothing() }
    }

    /// Something that another account's baseline has to do first.
    pub fn awaits(what: impl Into<String>, on: &AccountId) -> Self {
        Self { awaits: vec![(what.into(), on.clone())], ..Self::nothing() }
    }

    /// The same, its steps as those of another kind.
    pub fn map<B>(self, step: impl Fn(A) -> B) -> Planned<B> {
        let Self { steps, kept, problems, awaits, waits } = self;
        Planned { steps: steps.into_iter().map(step).collect(), kept, problems, awaits, waits }
    }

    /// Both together, this one first.
    pub fn and(mut self, other: Self) -> Self {
        self.steps.extend(other.steps);
        self.kept.extend(other.kept);
        self.problems.extend(other.problems);
        self.awaits.extend(other.awaits);
        self.waits.extend(other.waits);
        self
    }

    /// Notes what keeps something from being planned.
    pub fn unmet(&mut self, unmet: Unmet) {
        match unmet {
            Unmet::Problem(problem) => self.problems.push(problem),
            Unmet::Awaits(what, on) => self.awaits.push((what, on)),
        }
    }

    /// Something that somebody has to change first.
    pub fn problem(problem: impl Into<String>) -> Self {
        Self { problems: vec![problem.into()], ..Self::nothing() }
    }
}

/// What keeps something from being planned.
#[derive(Clone, Debug, PartialEq)]
pub enum Unmet {
    /// Somebody has to change something.
    Problem(String),
    /// What, and the account whose baseline has to do its part first.
    Awaits(String, AccountId),
}

impl From<String> for Unmet {
    fn from(problem: String) -> Self {
        Self::Problem(problem)
    }
}

impl From<&str> for Unmet {
    fn from(problem: &str) -> Self {
        Self::Problem(problem.to_owned())
    }
}

/// How a step ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was done.
    Done,
    /// Somebody else had done it meanwhile.
    AlreadySo,
}

/// Why a step failed, and what to do about it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{cause}")]
pub struct StepError {
    /// The call that failed.
    pub cause: CallError,
    /// What a person can do.
    pub hint: String,
    /// Whether the next run may succeed without anybody doing anything.
    pub may_pass: bool,
}

impl StepError {
    /// A failure that only a person can end.
    pub fn lasting(cause: CallError, hint: impl Into<String>) -> Self {
        Self { cause, hint: hint.into(), may_pass: false }
    }
}

impl From<CallError> for StepError {
    fn from(cause: CallError) -> Self {
        let hint = hint(&cause);
        Self { may_pass: cause.may_pass(), hint, cause }
    }
}

/// What to do about a failed call, by its class.
pub(super) fn hint(error: &CallError) -> String {
    let CallError { service, operation, .. } = error;
    match error.class {
        ErrorClass::Denied if operation == "AssumeRoot" => {
            "let the role that Forester runs with call sts:AssumeRoot for its two tasks, or look for an SCP that forbids \
             it; only member accounts of the organization can be entered so"
                .to_owned()
        }
        ErrorClass::Denied => {
            format!(
                "let the role that enters the account call {service}:{operation}, or look for an SCP that forbids it"
            )
        }
        ErrorClass::Throttled | ErrorClass::Transient => "nothing to do: the next run tries again".to_owned(),
        ErrorClass::NotReady => {
            "nothing to do: services of a new account, or of a region just enabled, come up within \
             hours; the next run tries again"
                .to_owned()
        }
        ErrorClass::Conflict => "something else holds it; the next run tries again".to_owned(),
        ErrorClass::Gone => "it, or something that it needs, is not there: plan again".to_owned(),
        ErrorClass::Exists => "it was made meanwhile: plan again".to_owned(),
        ErrorClass::Invalid => "AWS does not take the value: look at it in the file".to_owned(),
        ErrorClass::Unavailable => "this endpoint or region does not offer it".to_owned(),
        ErrorClass::Other => "look the error code up in the service's reference".to_owned(),
    }
}
