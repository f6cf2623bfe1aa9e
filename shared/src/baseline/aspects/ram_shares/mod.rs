//! Subnets shared by AWS Resource Access Manager: one share an entry and region, in the account that owns them.
//!
//! Names of shares are not unique, so ours is the living one of the name that carries our tag. Sharing with OUs works
//! only once RAM itself has been let into the organization, by the management account
//! (<https://docs.aws.amazon.com/ram/latest/userguide/getting-started-sharing.html>). An association takes a while and
//! may fail; RAM says so in its status and nowhere else. Without an organization, an account may be invited to a share, and
//! accepts.

mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::aspect::{global_if, regions_if};
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{counted, sharing, texts};
use crate::aws::{CallError, Scope};
use crate::config::shares::RamShare;
use crate::types::{AccountId, Region};
use read::{Associations, Found, Reach, Seen};

/// The principal of RAM in Organizations.
const SERVICE: &str = "ram.amazonaws.com";
/// The tag that tells a share of ours; its value is the share's name.
const TAG: &str = "forester:share";

/// How RAM refuses OUs while it may not look into the organization.
const NOT_LET_IN: [&str; 2] = ["OperationNotPermittedException", "UnknownResourceException"];

/// The resource shares.
pub struct RamShares;

/// What there is in one place.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    /// In the management account: whether RAM may look into the organization.
    Organization(bool),
    /// In a region: what the account shares and what it is given, each by the share's name.
    Region {
        /// The entries that it owns.
        owned: BTreeMap<String, Seen>,
        /// The entries that are for it, where accounts are invited.
        given: BTreeMap<String, Reach>,
    },
}

/// What can be done about shares.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Lets RAM look into the organization.
    EnableOrganizationSharing,
    /// Makes a share.
    CreateShare {
        /// Its name.
        share: String,
        /// The ARNs of the subnets.
        subnets: BTreeSet<String>,
        /// OUs or accounts.
        principals: BTreeSet<String>,
        /// Whether accounts outside the organization may be among them.
        external: bool,
        /// Tells a repetition of this request from another one.
        token: String,
    },
    /// Accepts what another account shares.
    AcceptShare {
        /// Its name.
        share: String,
        /// The ARN of the invitation.
        invitation: String,
    },
    /// Puts subnets into a share, or gives it to more.
    AssociateShare(Change),
    /// Takes subnets out of a share, or takes it from somebody.
    DisassociateShare(Change),
}

/// What is added to a share or taken out of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The name of the share.
    share: String,
    /// Its ARN.
    arn: String,
    /// The ARNs of the resources.
    resources: BTreeSet<String>,
    /// OUs or accounts.
    principals: BTreeSet<String>,
}

fn all(target: &Target) -> impl Iterator<Item = &RamShare> {
    target.config.shares.iter().filter_map(|share| share.ram.as_ref())
}

fn owned(target: &Target) -> impl Iterator<Item = &RamShare> {
    all(target).filter(|share| sharing::is(target, &share.owner))
}

/// The entries of others that are for this account, and their owners. Within an organization nobody is invited.
fn given(target: &Target) -> impl Iterator<Item = (&RamShare, AccountId)> {
    let invited = target.forest.organization.is_none();
    let meant = all(target).filter(move |share| invited && share.to.covers(&target.account.ou));
    let owner = |share: &RamShare| target.account_of(&share.owner).filter(|owner| *owner != target.account.id);
    meant.filter_map(move |share| Some((share, owner(share)?)))
}

#[async_trait]
impl Aspect for RamShares {
    const NAME: &'static str = "ram-shares";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        let mut places = global_if(target.forest.is_management(&target.account.id) && all(target).next().is_some());
        let concerned = owned(target).next().is_some() || given(target).next().is_some();
        places.extend(regions_if(concerned, sharing::regions(target, enabled)));
        places
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        if *look.place() == Place::Global {
            let services = look.pages("organizations", "ListAWSServiceAccessForOrganization", json!({})).await?;
            return Ok(Facts::Organization(texts(&services, "ServicePrincipal").iter().any(|name| name == SERVICE)));
        }
        let (mut seen, mut reached) = (BTreeMap::new(), BTreeMap::new());
        for share in owned(target) {
            seen.insert(share.called(), read::read(look, share).await?);
        }
        for (share, owner) in given(target) {
            reached.insert(share.called(), read::reach(look, &share.called(), &owner).await?);
        }
        Ok(Facts::Region { owned: seen, given: reached })
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let (entries, reached) = match facts {
            Facts::Organization(true) => return Planned::nothing(),
            Facts::Organization(false) => return Planned::steps(vec![Action::EnableOrganizationSharing]),
            Facts::Region { owned, given } => (owned, given),
        };
        let mut planned = Planned::nothing();
        for share in owned(target) {
            let Some(seen) = entries.get(&share.called()) else { continue };
            match sharing::principals(target, &share.to) {
                Ok(principals) => entry(target, share, principals, seen, &mut planned),
                Err(problem) => planned.problems.push(problem),
            }
        }
        for (share, owner) in given(target) {
            let share = share.called();
            match reached.get(&share) {
                Some(Reach::Invited(arn)) => {
                    planned.steps.push(Action::AcceptShare { share, invitation: arn.clone() });
                }
                Some(Reach::Nothing) => {
                    let why = format!("{} has not shared it with this account yet", target.called(&owner));
                    planned.kept.push((share, why));
                }
                Some(Reach::Received) | None => {}
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (operation, params) = match action {
            Action::EnableOrganizationSharing => ("EnableSharingWithAwsOrganization", json!({})),
            Action::CreateShare { share, subnets, principals, external, token } => (
                "CreateResourceShare",
                json!({ "name": share, "resourceArns": subnets, "principals": principals, "clientToken": token,
                    "allowExternalPrincipals": external, "tags": [{ "key": TAG, "value": share }] }),
            ),
            Action::AcceptShare { invitation, .. } => {
                ("AcceptResourceShareInvitation", json!({ "resourceShareInvitationArn": invitation }))
            }
            Action::AssociateShare(change) => ("AssociateResourceShare", change.params()),
            Action::DisassociateShare(change) => ("DisassociateResourceShare", change.params()),
        };
        match scope.call("ram", operation, params).await {
            Err(cause) if NOT_LET_IN.iter().any(|code| cause.has_code(code)) => {
                let hint = "RAM may not look into the organization yet, which the baseline of the management account \
                            changes; the next run tries again";
                Err(StepError { cause, hint: hint.to_owned(), may_pass: true })
            }
            Err(error) if error.has_code("ResourceShareInvitationAlreadyAcceptedException") => Ok(Taken::AlreadySo),
            outcome => Ok(outcome.map(|_| Taken::Done)?),
        }
    }
}

fn entry(target: &Target, share: &RamShare, principals: BTreeSet<String>, seen: &Seen, planned: &mut Planned<Action>) {
    let name = share.called();
    let mut keep = |what: &str, why: &str| planned.kept.push((what.to_owned(), why.to_owned()));
    for (subnet, _) in seen.subnets.iter().filter(|(_, default)| **default) {
        keep(subnet, "AWS shares no subnets of a default VPC");
    }
    let subnets: BTreeSet<String> =
        seen.subnets.iter().filter(|(_, default)| !**default).map(|(arn, _)| arn.clone()).collect();
    match &seen.share {
        None if principals.is_empty() => keep(&name, "there is no other account that it could be for"),
        None if subnets.is_empty() => keep(&name, "no subnet of the account carries its tags"),
        None => {
            let external = target.forest.organization.is_none();
            let token = token(&name, &subnets, &principals, &seen.deleted);
            planned.steps.push(Action::CreateShare { share: name, subnets, principals, external, token });
        }
        Some(found) => differences(target, name, found, (subnets, principals), planned),
    }
}

fn differences(
    target: &Target,
    share: String,
    found: &Found,
    (subnets, principals): (BTreeSet<String>, BTreeSet<String>),
    planned: &mut Planned<Action>,
) {
    for (what, (status, message)) in found.resources.iter().chain(&found.principals) {
        let why = match status.as_str() {
            "ASSOCIATED" => continue,
            "ASSOCIATING" => "RAM is still adding it, or an invitation waits to be accepted".to_owned(),
            "FAILED" => format!("RAM could not add it: {message}"),
            other => format!("RAM calls it {}: the next run looks again", other.to_lowercase()),
        };
        planned.kept.push((format!("{what} in {share}"), why));
    }
    let change = |resources, principals| Change { share: share.clone(), arn: found.arn.clone(), resources, principals };
    let missing = change(missing(&subnets, &found.resources), missing(&principals, &found.principals));
    if !missing.is_empty() {
        planned.steps.push(Action::AssociateShare(missing));
    }
    let extra = change(extra(&subnets, &found.resources), extra(&principals, &found.principals));
    if target.strict() && !extra.is_empty() {
        planned.steps.push(Action::DisassociateShare(extra));
    }
}

/// What is to be added: also what failed before, for the cause may be gone.
fn missing(wanted: &BTreeSet<String>, found: &Associations) -> BTreeSet<String> {
    let there = |what: &&String| found.get(*what).is_some_and(|(status, _)| status != "FAILED");
    wanted.iter().filter(|what| !there(what)).cloned().collect()
}

fn extra(wanted: &BTreeSet<String>, found: &Associations) -> BTreeSet<String> {
    let held = found.iter().filter(|(_, (status, _))| ["ASSOCIATED", "ASSOCIATING"].contains(&status.as_str()));
    held.map(|(what, _)| what).filter(|what| !wanted.contains(*what)).cloned().collect()
}

/// The same for a repetition of the same request, and another one once a share was deleted.
fn token(name: &str, subnets: &BTreeSet<String>, to: &BTreeSet<String>, deleted: &BTreeSet<String>) -> String {
    let words = subnets.iter().chain(to).chain(deleted).map(String::as_str);
    let text = [name].into_iter().chain(words).collect::<Vec<_>>().join(" ");
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Change {
    fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.principals.is_empty()
    }

    fn params(&self) -> Value {
        let mut params = json!({ "resourceShareArn": self.arn });
        if let Value::Object(params) = &mut params {
            for (key, items) in [("resourceArns", &self.resources), ("principals", &self.principals)] {
                if !items.is_empty() {
                    params.insert(key.to_owned(), json!(items));
                }
            }
        }
        params
    }

    fn told(&self) -> String {
        let resources = (!self.resources.is_empty()).then(|| counted(self.resources.len(), "resource"));
        let principals = (!self.principals.is_empty()).then(|| sharing::counted(&self.principals));
        resources.into_iter().chain(principals).collect::<Vec<_>>().join(" and ")
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnableOrganizationSharing => f.write_str("let RAM share within the organization"),
            Self::CreateShare { share, subnets, principals, .. } => {
                write!(f, "share {} with {} as {share}", counted(subnets.len(), "subnet"), sharing::counted(principals))
            }
            Self::AcceptShare { share, .. } => write!(f, "accept {share}"),
            Self::AssociateShare(change) => write!(f, "add {} to {}", change.told(), change.share),
            Self::DisassociateShare(change) => write!(f, "remove {} from {}", change.told(), change.share),
        }
    }
}
