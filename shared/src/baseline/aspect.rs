//! What an aspect is: one thing that every account needs, observed, planned and made true in one file.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use async_trait::async_trait;
use serde::Serialize;

use crate::aws::{CallError, ErrorClass, Scope};
use crate::config::{AccountEntry, Enforce, VpcCleanup, Wanted};
use crate::org::Account;
use crate::types::{AccountId, Region};

/// An aspect: `observe` reads, `plan` decides and is pure, `take` writes one step.
#[async_trait]
pub trait Aspect {
    /// Its name in plans, in the ledger and on the command line.
    const NAME: &'static str;
    /// What there is, in one place.
    type Facts: Clone + Debug + PartialEq + Send + Sync;
    /// What can be done about it.
    type Action: Clone + Debug + PartialEq + Serialize + Display + Send + Sync;

    /// Where it is looked at; nowhere when no layer declares it.
    fn places(target: &Target, enabled: &[Region]) -> Vec<Place>;

    /// Reads what there is.
    async fn observe(scope: &Scope, target: &Target) -> Result<Self::Facts, CallError>;

    /// Decides what to do. Same target and facts, same answer.
    fn plan(target: &Target, facts: &Self::Facts) -> Planned<Self::Action>;

    /// Does one step.
    async fn take(scope: &Scope, action: &Self::Action) -> Result<Taken, StepError>;
}

/// Where a step happens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub enum Place {
    /// In the account as a whole.
    Global,
    /// In one region.
    Region(Region),
}

impl Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
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
    /// The account.
    pub account: Account,
    /// What the file says of the account itself; empty when it does not name it.
    pub entry: AccountEntry,
    /// What the layers came to.
    pub wanted: Wanted,
    /// How far Forester goes.
    pub enforce: Enforce,
    /// The ids behind the names that `trust` uses.
    pub names: BTreeMap<String, AccountId>,
    /// The region for what is not regional, and for asking which regions there are.
    pub home: Region,
    /// Regions that must be enabled.
    pub govern: Vec<Region>,
    /// Where default VPCs are looked for.
    pub vpc_cleanup: VpcCleanup,
}

impl Target {
    /// Whether what is not declared is removed, or reported as if it were to be.
    pub fn strict(&self) -> bool {
        match self.enforce {
            Enforce::Strict | Enforce::Observe => true,
            Enforce::Additive => false,
        }
    }
}

/// The account as a whole, if the aspect is declared.
pub(super) fn global_if(declared: bool) -> Vec<Place> {
    if declared { vec![Place::Global] } else { Vec::new() }
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
}

impl<A> Planned<A> {
    /// Nothing to do.
    pub fn nothing() -> Self {
        Self { steps: Vec::new(), kept: Vec::new(), problems: Vec::new() }
    }

    /// These steps.
    pub fn steps(steps: Vec<A>) -> Self {
        Self { steps, ..Self::nothing() }
    }

    /// Something that somebody has to change first.
    pub fn problem(problem: impl Into<String>) -> Self {
        Self { problems: vec![problem.into()], ..Self::nothing() }
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
