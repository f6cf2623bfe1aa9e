//! Witnesses: who, besides the lists, knows what an account uses.
//!
//! The catalogue can only find what it has an entry for, and "we did not look" must not read like "there is nothing".
//! So others are asked what is in use: before the scan, which says where Cloud Control is worth its calls, and after it,
//! which may contradict a clean result. Witnesses add, order and contradict; none of them ever takes a (region, type) out
//! of the ledger, because all of them are late, partial, or both.
//!
//! A witness that is denied or fails is told in the receipt and does not colour the verdict: it can only ever add doubt,
//! and an account whose lists were all read twice is no less empty because a fifth opinion is missing. Where none of them
//! answered, types without an entry were looked for nowhere, and that is told as a note, which makes the verdict amber.

mod access;
mod costs;
mod coverage;
mod explorer;
mod judge;
mod names;
mod remains;
mod tags;
mod trail;

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::engine::global_region;
use crate::aws::{Accounts, CallError, ErrorClass, Scope};
use crate::config::Witness;
use crate::types::{AccountId, Region};

pub use coverage::word_of;

/// What a witness saw in use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Use {
    /// The service, as the witness calls it.
    pub service: String,
    /// The region, where the witness tells.
    pub region: Option<String>,
    /// The type of resource: a CloudFormation name, or the word in its ARN.
    pub kind: Option<String>,
    /// Who saw it.
    pub witness: Witness,
    /// One of them, or who made it.
    pub example: Option<String>,
}

/// How it went with one witness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// Who.
    pub witness: Witness,
    /// How.
    pub answer: HeardAs,
    /// What else is to be said: why there was no answer, or what it leaves out.
    pub note: String,
}

/// How it went with a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeardAs {
    /// It answered.
    Answered,
    /// It is not set up.
    Absent,
    /// Asking is not allowed.
    Denied,
    /// Asking failed.
    Failed,
}

/// Everything that the witnesses said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Testimony {
    /// How it went with each.
    pub heard: Vec<Heard>,
    /// What is in use.
    pub uses: BTreeSet<Use>,
}

impl Testimony {
    /// Whether somebody was heard.
    pub fn answered(&self, witness: Witness) -> bool {
        self.heard.iter().any(|heard| heard.witness == witness && heard.answer == HeardAs::Answered)
    }
}

/// A resource that a witness showed by its ARN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shown {
    /// The ARN.
    pub arn: String,
    /// The region that it was shown in.
    pub region: String,
    /// Its CloudFormation type, where the witness tells.
    pub kind: Option<String>,
    /// Who showed it.
    pub witness: Witness,
}

/// Something in use that no list covers, or that a witness still shows when the lists say that it is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Uncovered {
    /// The service.
    pub service: String,
    /// The region, or nothing where the witness does not tell.
    pub region: String,
    /// The type, where the witness tells.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who says so.
    pub witness: Witness,
    /// One of them.
    pub example: String,
    /// What is the matter.
    pub reason: String,
}

/// What one witness said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// In terms of services.
    pub uses: Vec<Use>,
    /// In terms of resources.
    pub shown: Vec<Shown>,
    /// What it leaves out.
    pub note: String,
}

/// Why a witness said nothing.
pub enum Silence {
    /// It is not set up in the account.
    Absent(String),
    /// It could not be asked.
    Call(CallError),
}

impl From<CallError> for Silence {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Inquiry {
    /// Whom.
    pub ask: BTreeSet<Witness>,
    /// Where.
    pub regions: Vec<Region>,
    /// Since when use counts.
    pub since: Timestamp,
    /// The time.
    pub now: Timestamp,
}

/// Asks witnesses about an account.
#[derive(Clone, Copy)]
pub struct Oracle<'a> {
    /// Ways into the one account.
    pub accounts: &'a dyn Accounts,
    /// The way to the organization's access report.
    pub reports: &'a dyn Accounts,
    /// The account.
    pub account: &'a AccountId,
    /// A region that every account of the partition has.
    pub home: &'a Region,
    /// What is asked.
    pub inquiry: &'a Inquiry,
}

impl Oracle<'_> {
    /// Asks all of them at once.
    pub async fn hear(&self) -> (Testimony, Vec<Shown>) {
        let wanted = self.inquiry.ask.iter().copied();
        let asked = wanted.map(|witness| async move { (witness, self.ask(witness).await) });
        let answers = futures_util::future::join_all(asked).await;
        let (mut testimony, mut shown) = (Testimony::default(), Vec::new());
        for (witness, answer) in answers {
            let (answer, note) = match answer {
                Ok(said) => {
                    testimony.uses.extend(said.uses);
                    testimony.uses.extend(said.shown.iter().map(Shown::as_use));
                    shown.extend(said.shown);
                    (HeardAs::Answered, said.note)
                }
                Err(Silence::Absent(why)) => (HeardAs::Absent, why),
                Err(Silence::Call(error)) if error.class == ErrorClass::Denied => (HeardAs::Denied, error.to_string()),
                Err(Silence::Call(error)) => (HeardAs::Failed, error.to_string()),
            };
            testimony.heard.push(Heard { witness, answer, note });
        }
        testimony.uses = thinned(testimony.uses);
        (testimony, shown)
    }

    async fn ask(&self, witness: Witness) -> Result<Said, Silence> {
        match witness {
            Witness::Tags => tags::ask(self).await,
            Witness::Explorer => explorer::ask(self).await,
            Witness::AccessReport => access::ask(self).await,
            Witness::Costs => costs::ask(self).await,
            Witness::Trail => trail::ask(self).await,
        }
    }

    async fn scope(&self, region: &Region) -> Result<Scope, CallError> {
        self.accounts.scope(self.account, region).await
    }

    /// The region that answers for what is global.
    fn global(&self) -> Region {
        global_region(self.home)
    }
}

impl Shown {
    fn as_use(&self) -> Use {
        let (service, word) = names::arn_words(&self.arn);
        Use {
            service: service.to_owned(),
            region: Some(self.region.clone()),
            kind: self.kind.clone().or_else(|| Some(word).filter(|word| !word.is_empty()).map(str::to_owned)),
            witness: self.witness,
            example: Some(self.arn.clone()),
        }
    }
}

/// One example each is enough: the checkpoint holds kinds of things, not all of them.
fn thinned(uses: BTreeSet<Use>) -> BTreeSet<Use> {
    let mut all: Vec<Use> = uses.into_iter().collect();
    all.dedup_by(|b, a| (&a.service, &a.region, &a.kind, a.witness) == (&b.service, &b.region, &b.kind, b.witness));
    all.into_iter().collect()
}

/// One region's part of an answer: what a region denies does not silence the others, and is told.
async fn everywhere<T, F>(oracle: &Oracle<'_>, ask: impl Fn(Region) -> F) -> Result<(Vec<T>, String), Silence>
where
    F: Future<Output = Result<Vec<T>, CallError>>,
{
    let asked = oracle.inquiry.regions.iter().map(|region| {
        let answer = ask(region.clone());
        async move { (region, answer.await) }
    });
    let (mut all, mut failed, mut answered) = (Vec::new(), Vec::new(), false);
    for (region, answer) in futures_util::future::join_all(asked).await {
        match answer {
            Ok(part) => {
                answered = true;
                all.extend(part);
            }
            Err(error) => failed.push((region, error)),
        }
    }
    let places: Vec<&str> = failed.iter().map(|(region, _)| region.as_ref()).collect();
    match failed.first() {
        None => Ok((all, String::new())),
        Some((_, error)) if answered => Ok((all, format!("not asked in {}: {error}", places.join(", ")))),
        Some(_) => Err(failed.swap_remove(0).1.into()),
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = match self.answer {
            HeardAs::Answered => "answered in part",
            HeardAs::Absent => "is not set up",
            HeardAs::Denied => "may not be asked",
            HeardAs::Failed => "could not be asked",
        };
        write!(f, "{} {answer}: {}", named(self.witness), self.note)
    }
}

impl fmt::Display for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, region, kind, witness, example, reason } = self;
        let kind = if kind.is_empty() { String::new() } else { format!(" {kind}") };
        let region = if region.is_empty() { "no region" } else { region };
        write!(f, "{service}{kind} in {region}: {reason} ({}: {example})", named(*witness))
    }
}

/// For people.
fn named(witness: Witness) -> &'static str {
    match witness {
        Witness::Tags => "tagging API",
        Witness::Explorer => "Resource Explorer",
        Witness::AccessReport => "access report",
        Witness::Costs => "Cost Explorer",
        Witness::Trail => "CloudTrail",
    }
}
