//! Hosted zones: each account has its own part of a domain, and the account that owns the domain delegates to it.
//!
//! Route 53 makes a second zone of the same name without a word
//! (<https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html>), so a zone is looked for by
//! name first, and two of a name are a problem for people. A reference, once used, is spent even when its zone was
//! deleted: then the next one is taken.

mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::aspect::global_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::config::Subject;
use crate::config::shares::{DnsShare, is_domain};
use crate::types::{AccountId, Region};

/// How long resolvers may keep a delegation.
const TTL: u32 = 3600;
/// How many zones of a name can be deleted and made anew.
const REFERENCES: u32 = 8;

/// The zones, and their delegation.
pub struct DnsZone;

/// What there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The ids of the account's public zones, by the names that are asked for.
    zones: BTreeMap<String, BTreeSet<String>>,
    /// What is below each zone of the owner.
    children: BTreeMap<String, Vec<Child>>,
}

/// The part of a domain that an account has.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    account: AccountId,
    /// The domain's name.
    name: String,
    /// Its zone in that account.
    zone: ChildZone,
    /// The name servers that the owner's zone names now.
    delegated: BTreeSet<String>,
}

/// A zone in another account.
#[derive(Clone, Debug, PartialEq)]
pub enum ChildZone {
    /// There is none yet.
    Missing,
    /// It is served by these.
    Servers(BTreeSet<String>),
    /// There are so many of that name.
    Several(usize),
    /// It could not be read: why, and whether that may pass.
    Unread(String, bool),
}

/// What can be done about zones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes a public zone.
    CreateZone {
        /// The domain's name.
        name: String,
        /// References for the request, in the order in which they are tried.
        references: Vec<String>,
        /// What it delegates from the start: names and their servers.
        delegations: BTreeMap<String, BTreeSet<String>>,
    },
    /// Names the servers of a part of the domain.
    Delegate {
        /// The id of the zone.
        zone: String,
        /// The name of the part.
        name: String,
        /// Its servers.
        servers: BTreeSet<String>,
    },
}

fn all(target: &Target) -> impl Iterator<Item = &DnsShare> {
    target.config.shares.iter().filter_map(|share| share.dns.as_ref())
}

fn owned(target: &Target) -> impl Iterator<Item = &DnsShare> {
    all(target).filter(|share| super::sharing::is(target, &share.owner))
}

/// The name of the account's part, where the share is for it and everything that the template needs is known.
fn child(share: &DnsShare, subject: Subject<'_>) -> Option<String> {
    let meant = share.to.as_ref().is_none_or(|to| to.covers(subject.ou));
    meant.then(|| subject.fill(&share.child).ok()).flatten().map(|name| name.to_lowercase())
}

/// The names of the account's own parts.
pub(super) fn own_names(target: &Target) -> BTreeSet<String> {
    all(target).filter_map(|share| child(share, target.account.subject())).collect()
}

#[async_trait]
impl Aspect for DnsZone {
    const NAME: &'static str = "dns-zone";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(owned(target).next().is_some() || !own_names(target).is_empty())
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        read::facts(look, target).await
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let mut planned = Planned::nothing();
        let parents: BTreeSet<&str> = owned(target).map(|share| share.zone.as_str()).collect();
        for name in own_names(target).iter().filter(|name| !parents.contains(name.as_str())) {
            match zone(facts, name) {
                Ok(Some(_)) => {}
                Ok(None) => planned.steps.push(create(target, name, BTreeMap::new())),
                Err(problem) => planned.problems.push(problem),
            }
        }
        for name in parents {
            let wanted = delegations(target, facts, name, &mut planned);
            match zone(facts, name) {
                Ok(Some(zone)) => planned.steps.extend(wanted.into_iter().map(|(name, servers)| Action::Delegate {
                    zone: zone.clone(),
                    name,
                    servers,
                })),
                Ok(None) => planned.steps.push(create(target, name, wanted)),
                Err(problem) => planned.problems.push(problem),
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::CreateZone { name, references, delegations } => {
                let (zone, taken) = created(scope, name, references).await?;
                for (name, servers) in delegations {
                    delegate(scope, &zone, name, servers).await?;
                }
                Ok(taken)
            }
            Action::Delegate { zone, name, servers } => {
                delegate(scope, zone, name, servers).await?;
                Ok(Taken::Done)
            }
        }
    }
}

/// The one zone of a name, if there is one.
fn zone(facts: &Facts, name: &str) -> Result<Option<String>, String> {
    let ids: Vec<&String> = facts.zones.get(name).into_iter().flatten().collect();
    match ids.as_slice() {
        _ if !is_domain(name) => Err(format!("`{name}` is no domain name: look at `child`, and at the tags in it")),
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        many => Err(format!(
            "there are {} public zones called {name} in this account; which one counts is for people to say: delete the \
             others",
            many.len()
        )),
    }
}

/// What a zone has to delegate and does not yet.
fn delegations(
    target: &Target,
    facts: &Facts,
    zone: &str,
    planned: &mut Planned<Action>,
) -> BTreeMap<String, BTreeSet<String>> {
    let children = facts.children.get(zone).map(Vec::as_slice).unwrap_or_default();
    let mut wanted = BTreeMap::new();
    for Child { account, name, zone, delegated } in children {
        let called = target.called(account);
        if let Some(other) = children.iter().find(|other| other.name == *name && other.account != *account) {
            planned.problems.push(format!("{name} would be that of {called} and of {}", target.called(&other.account)));
            continue;
        }
        match zone {
            ChildZone::Servers(servers) if servers == delegated => {}
            ChildZone::Servers(servers) => {
                wanted.insert(name.clone(), servers.clone());
            }
            ChildZone::Missing | ChildZone::Unread(_, true) => {
                planned.awaits.push((format!("the delegation of {name}"), account.clone()));
            }
            ChildZone::Several(n) => {
                planned.problems.push(format!("{called} has {n} public zones called {name}: delete all but one"));
            }
            ChildZone::Unread(reason, false) => {
                planned.problems.push(format!("the zone {name} cannot be read: {reason}"));
            }
        }
    }
    wanted
}

fn create(target: &Target, name: &str, delegations: BTreeMap<String, BTreeSet<String>>) -> Action {
    let reference = |n| {
        let words = format!("{} {name} {n}", target.account.id);
        let hash =
            Sha256::digest(words.as_bytes()).iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("forester-{hash}")
    };
    Action::CreateZone { name: name.to_owned(), references: (0..REFERENCES).map(reference).collect(), delegations }
}

/// Makes the zone, unless somebody has made it meanwhile; its id.
async fn created(scope: &Scope, name: &str, references: &[String]) -> Result<(String, Taken), StepError> {
    let mut spent = None;
    for reference in references {
        let config = json!({ "Comment": "made by Forester" });
        let params = json!({ "Name": name, "CallerReference": reference, "HostedZoneConfig": config });
        match scope.call("route53", "CreateHostedZone", params).await {
            Err(error) if error.class == ErrorClass::Exists => {
                if let Some(id) = read::zones(scope, name).await?.into_iter().next() {
                    return Ok((id, Taken::AlreadySo));
                }
                spent = Some(error);
            }
            outcome => {
                let answer = outcome?;
                let id = answer.pointer("/HostedZone/Id").and_then(Value::as_str).map(read::plain);
                return Ok((id.unwrap_or_default(), Taken::Done));
            }
        }
    }
    let hint = format!("zones called {name} were deleted too often: make this one by hand, it is found by its name");
    match spent {
        Some(error) => Err(StepError::lasting(error, hint)),
        // The plan always has references.
        None => Ok((String::new(), Taken::AlreadySo)),
    }
}

async fn delegate(scope: &Scope, zone: &str, name: &str, servers: &BTreeSet<String>) -> Result<(), StepError> {
    let records: Vec<Value> = servers.iter().map(|server| json!({ "Value": format!("{server}.") })).collect();
    let record = json!({ "Name": name, "Type": "NS", "TTL": TTL, "ResourceRecords": records });
    let batch = json!({ "Changes": [{ "Action": "UPSERT", "ResourceRecordSet": record }] });
    scope.call("route53", "ChangeResourceRecordSets", json!({ "HostedZoneId": zone, "ChangeBatch": batch })).await?;
    Ok(())
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateZone { name, delegations, .. } => {
                write!(f, "create the public zone {name}")?;
                match delegations.len() {
                    0 => Ok(()),
                    n => write!(f, " with {}", super::counted(n, "delegation")),
                }
            }
            Self::Delegate { name, servers, .. } => {
                write!(f, "delegate {name} to {}", super::counted(servers.len(), "name server"))
            }
        }
    }
}
