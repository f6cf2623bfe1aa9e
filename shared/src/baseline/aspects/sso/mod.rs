//! Assignments of IAM Identity Center: which of its groups come into the account, and with which permission set.
//!
//! Identity Center stands in one region, and an assignment is made in the background
//! (<https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html>): a step follows it
//! for some seconds, and what takes longer is looked at by the next run. Removed are, under `strict`, only assignments of
//! groups that the file names: who else was let in is not the file's affair.

mod read;
mod take;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;

use crate::aws::{CallError, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config::Assignment;
use crate::types::{AccountId, Region};

/// The account's assignments.
pub struct Sso;

/// What Identity Center says.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    /// There is no organization, or no Identity Center in it.
    Absent,
    /// What there is.
    Seen(Center),
}

/// What Identity Center knows of the account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Center {
    /// The instance's ARN.
    instance: String,
    /// The ARNs of permission sets, by name, as far as they were looked for.
    sets: BTreeMap<String, String>,
    /// The ids of the declared groups that exist.
    groups: BTreeMap<String, String>,
    /// The names of all groups, when one that is declared does not exist.
    known_groups: Vec<String>,
    /// Pairs of a permission set's ARN and a group's id.
    assigned: BTreeSet<(String, String)>,
}

/// What can be done about assignments.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Lets a group in.
    Assign(Link),
    /// Lets it in no longer.
    Unassign(Link),
}

/// An account, a group and a permission set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// Identity Center's instance.
    instance: String,
    /// The account.
    account: AccountId,
    /// The group's name.
    group: String,
    /// Its id.
    principal: String,
    /// The permission set's name.
    permission_set: String,
    /// Its ARN.
    set: String,
}

fn declared(target: &Target) -> &[Assignment] {
    target.wanted.sso.as_deref().unwrap_or_default()
}

/// Where Identity Center is.
fn region(target: &Target) -> Region {
    let region = target.config.identity_center.as_ref().map(|center| center.region.clone());
    region.unwrap_or_else(|| target.home().clone())
}

#[async_trait]
impl Aspect for Sso {
    const NAME: &'static str = "sso";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        match (declared(target).is_empty(), target.forest.organization.is_some()) {
            (true, _) => Vec::new(),
            (false, true) => vec![Place::OrganizationIn(region(target))],
            // To be told that there is none.
            (false, false) => vec![Place::Global],
        }
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        match look.place() {
            Place::OrganizationIn(_) => read::center(look, target).await,
            Place::Global | Place::Root | Place::Organization | Place::Region(_) => Ok(Facts::Absent),
        }
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        match facts {
            Facts::Absent if target.forest.organization.is_none() => {
                let kept = ("who comes in by Identity Center", "there is no organization in this mode");
                Planned { kept: vec![(kept.0.to_owned(), kept.1.to_owned())], ..Planned::nothing() }
            }
            Facts::Absent => Planned::problem(format!(
                "there is no IAM Identity Center of the organization in {}: enable it, or say where it is \
                 (`identity_center.region`)",
                region(target)
            )),
            Facts::Seen(center) => center.plan(target),
        }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::Assign(link) => take::assign(scope, link).await,
            Action::Unassign(link) => take::unassign(scope, link).await,
        }
    }
}

impl Center {
    fn plan(&self, target: &Target) -> Planned<Action> {
        let mut planned = Planned::nothing();
        let mut wanted = BTreeSet::new();
        for Assignment { group, permission_set } in declared(target) {
            match (self.groups.get(group), self.sets.get(permission_set)) {
                (Some(principal), Some(set)) => {
                    let pair = (set.clone(), principal.clone());
                    if !self.assigned.contains(&pair) && wanted.insert(pair.clone()) {
                        planned.steps.push(Action::Assign(self.link(
                            target,
                            (group, principal),
                            (permission_set, set),
                        )));
                    }
                    wanted.insert(pair);
                }
                (None, _) => planned.problems.push(missing("group", group, &self.known_groups)),
                (_, None) => {
                    let known: Vec<String> = self.sets.keys().cloned().collect();
                    planned.problems.push(missing("permission set", permission_set, &known));
                }
            }
        }
        if target.strict() {
            planned.steps.extend(self.extra(target, &wanted));
        }
        planned
    }

    fn extra(&self, target: &Target, wanted: &BTreeSet<(String, String)>) -> Vec<Action> {
        let mut steps = Vec::new();
        for (set, principal) in self.assigned.difference(wanted) {
            let group = self.groups.iter().find(|(_, id)| *id == principal);
            // A pair that is declared under a name that could not be found is a problem and no extra.
            let name = self.sets.iter().find(|(_, arn)| *arn == set);
            if let (Some((group, _)), Some((name, _))) = (group, name) {
                steps.push(Action::Unassign(self.link(target, (group, principal), (name, set))));
            }
        }
        steps
    }

    fn link(&self, target: &Target, group: (&str, &str), set: (&str, &str)) -> Link {
        Link {
            instance: self.instance.clone(),
            account: target.account.id.clone(),
            group: group.0.to_owned(),
            principal: group.1.to_owned(),
            permission_set: set.0.to_owned(),
            set: set.1.to_owned(),
        }
    }
}

/// How many names a message lists.
const LISTED: usize = 20;

fn missing(kind: &str, name: &str, known: &[String]) -> String {
    let more = if known.len() > LISTED { format!(" and {} more", known.len() - LISTED) } else { String::new() };
    let names: Vec<&str> = known.iter().take(LISTED).map(String::as_str).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("Identity Center has no {kind} `{name}`; it has {names}{more}")
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assign(Link { group, permission_set, .. }) => write!(f, "let group {group} in as {permission_set}"),
            Self::Unassign(Link { group, permission_set, .. }) => {
                write!(f, "let group {group} in as {permission_set} no longer")
            }
        }
    }
}
