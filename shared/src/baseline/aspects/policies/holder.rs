//! What a policy can be attached to, and which of it the layers mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::super::super::{StepError, Target};
use super::{Seen, unit};
use crate::aws::Scope;
use crate::config::{AccountEntry, Match, QUARANTINE};
use crate::org::{Account, AccountState, Member};
use crate::types::{AccountId, OuId, OuPath};

/// The root, an OU or an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// The root or an OU.
    Unit {
        /// Its path.
        path: OuPath,
        /// Its id, where it is there already.
        id: Option<OuId>,
    },
    /// An account.
    Account {
        /// Its id.
        id: AccountId,
        /// Its name.
        name: String,
    },
}

impl Holder {
    /// Its id, where it is there already.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Unit { id, .. } => id.as_ref().map(AsRef::as_ref),
            Self::Account { id, .. } => Some(id.as_ref()),
        }
    }

    /// Its id; that of an OU which was made meanwhile is looked up.
    pub(super) async fn find(&self, scope: &Scope) -> Result<String, StepError> {
        match self {
            Self::Account { id, .. } => Ok(id.to_string()),
            Self::Unit { id: Some(id), .. } => Ok(id.to_string()),
            Self::Unit { path, id: None } => match unit::at(scope, path).await? {
                Some(id) => Ok(id.to_string()),
                None => Err(unit::nowhere(scope, "AttachPolicy", path)),
            },
        }
    }

    /// What an id means, as far as the forest knows it.
    pub(super) fn known(target: &Target, id: &str) -> Option<Self> {
        let units = &target.forest.organization.as_ref()?.units;
        let unit = units.iter().find(|(_, unit)| unit.as_ref() == id);
        let unit = unit.map(|(path, unit)| Self::Unit { path: path.clone(), id: Some(unit.clone()) });
        unit.or_else(|| target.forest.members.iter().find(|member| member.id.as_ref() == id).map(Self::of))
    }

    fn of(member: &Member) -> Self {
        Self::Account { id: member.id.clone(), name: member.name.clone() }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit { path, .. } => f.write_str(&unit::called(path)),
            Self::Account { id, name } => write!(f, "{name} ({id})"),
        }
    }
}

/// Which policies each root, OU or account should have attached, and what cannot be so.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The policies of each.
    pub holders: BTreeMap<Holder, BTreeSet<String>>,
    /// What comes to nothing, and why.
    pub kept: Vec<(String, String)>,
    /// What comes later, and after what.
    pub waits: Vec<(String, String)>,
    /// What a person has to look at first.
    pub problems: Vec<String>,
}

impl Wanted {
    /// From the layers, and from the quarantine of new accounts.
    pub fn of(target: &Target, seen: &Seen) -> Self {
        let mut wanted = Self::default();
        for (matches, names) in target.config.policies_by_match() {
            let holders = meant(target, seen, matches);
            let absent = absent(target, matches);
            if holders.is_empty() && absent.is_empty() {
                wanted.kept.push((names.join(", "), "no OU and no account fits the layer that says so".to_owned()));
            }
            for account in absent {
                wanted
                    .waits
                    .push((format!("{} on {account}", names.join(", ")), "the account is made first".to_owned()));
            }
            for holder in holders {
                wanted.add(target, holder, names);
            }
        }
        wanted.quarantine(target, seen);
        wanted
    }

    fn add(&mut self, target: &Target, holder: Holder, names: &[String]) {
        let (free, bound): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| spares(target, &holder, name));
        if !free.is_empty() {
            let reason = "it is attached to accounts, and such policies never bind the management account";
            let free: Vec<&str> = free.into_iter().map(String::as_str).collect();
            self.kept.push((format!("{} on {holder}", free.join(", ")), reason.to_owned()));
        }
        if !bound.is_empty() {
            self.holders.entry(holder).or_default().extend(bound.into_iter().cloned());
        }
    }

    /// The quarantine stops everybody in the OU, so it is not put on accounts that do not wait there for their own.
    fn quarantine(&mut self, target: &Target, seen: &Seen) {
        let Some(intake) = intake(target) else { return };
        let attached = intake.id().and_then(|id| seen.attached.get(id));
        let there = attached.is_some_and(|names| names.iter().any(|(_, name)| name == QUARANTINE));
        let strangers = strangers(target);
        if !there && !strangers.is_empty() {
            self.problems.push(format!(
                "{intake} would stop the work in {}, which the file does not place elsewhere: give each an `ou`, or name \
                 another OU at `organization.intake`",
                strangers.join(", ")
            ));
            return;
        }
        self.holders.entry(intake).or_default().insert(QUARANTINE.to_owned());
    }
}

/// The OU where new accounts wait, where they do.
pub(super) fn intake(target: &Target) -> Option<Holder> {
    target.config.quarantines().then(|| place(target, &target.config.organization.intake))
}

/// The accounts in that OU that have no other to come to.
fn strangers(target: &Target) -> Vec<String> {
    let intake = &target.config.organization.intake;
    let within = |ou: &OuPath| ou == intake || ou.is_below(intake);
    let waits = |member: &Member| {
        target.config.accounts.get(&member.name).and_then(|entry| entry.ou.as_ref()).is_some_and(|ou| !within(ou))
    };
    let there =
        target.forest.members.iter().filter(|member| member.state == AccountState::Active && within(&member.ou));
    there.filter(|member| !waits(member)).map(|member| Holder::of(member).to_string()).collect()
}

/// The accounts of the file that fit and are still to be made; their policies can be attached only then.
fn absent(target: &Target, matches: &Match) -> Vec<String> {
    if matches.account.is_none() && matches.tag.is_empty() {
        return Vec::new();
    }
    let fits = |(name, entry): &(&String, &AccountEntry)| {
        let account = Account {
            id: AccountId::unknown(),
            name: (*name).clone(),
            email: None,
            state: AccountState::PendingActivation,
            ou: OuPath::default(),
            tags: BTreeMap::new(),
            joined: None,
        };
        target.forest.named(name).is_none() && matches.holds(account.as_declared(entry).subject())
    };
    target.config.accounts.iter().filter(fits).map(|(name, _)| name.clone()).collect()
}

/// Service and resource control policies do not touch the management account
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>).
fn spares(target: &Target, holder: &Holder, name: &str) -> bool {
    let authorizes = target.config.policy(name).is_some_and(|policy| policy.kind.authorizes());
    matches!(holder, Holder::Account { id, .. } if authorizes && target.forest.is_management(id))
}

fn meant(target: &Target, seen: &Seen, matches: &Match) -> Vec<Holder> {
    if matches.account.is_some() || !matches.tag.is_empty() {
        return accounts(target, seen, matches);
    }
    match &matches.ou {
        None => vec![place(target, &OuPath::default())],
        Some(pattern) => {
            let existing =
                target.forest.organization.iter().flat_map(|organization| organization.units.keys().cloned());
            let all: BTreeSet<OuPath> = existing.chain(target.config.units()).collect();
            let fit: Vec<&OuPath> = all.iter().filter(|path| pattern.holds(path)).collect();
            let topmost = |path: &&&OuPath| !fit.iter().any(|above| path.is_below(above));
            fit.iter().filter(topmost).map(|path| place(target, path)).collect()
        }
    }
}

/// The accounts that fit, in the places and with the tags that the file gives them.
fn accounts(target: &Target, seen: &Seen, matches: &Match) -> Vec<Holder> {
    let fits = |member: &&Member| {
        let entry = target.config.accounts.get(&member.name).cloned().unwrap_or_default();
        let tags = seen.tags.get(&member.id).cloned().unwrap_or_default();
        let Member { id, name, email, state, ou } = (*member).clone();
        matches.holds(Account { id, name, email, state, ou, tags, joined: None }.as_declared(&entry).subject())
    };
    let active = target.forest.members.iter().filter(|member| member.state == AccountState::Active);
    active.filter(fits).map(Holder::of).collect()
}

fn place(target: &Target, path: &OuPath) -> Holder {
    let organization = target.forest.organization.as_ref();
    Holder::Unit { path: path.clone(), id: organization.and_then(|found| found.units.get(path).cloned()) }
}
