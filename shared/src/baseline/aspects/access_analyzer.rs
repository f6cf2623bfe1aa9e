//! IAM Access Analyzer: an analyzer in every governed region tells which resources can be reached from outside the
//! account, or from outside the organization in the account that administers it.
//!
//! An account has one analyzer of a kind in a region, so one that is there under another name is enough
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-create-external.html>). An analyzer of the
//! organization needs the service-linked role in the management account
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-using-service-linked-roles.html>).

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::delegation::{self, Delegation};
use super::services::{Part, await_appointment};
use super::texts;
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::aspect::organization_if;
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config::{Service, Services};
use crate::types::Region;

const SERVICE: &str = "access-analyzer.amazonaws.com";
const ROLE: &str = "AWSServiceRoleForAccessAnalyzer";

/// The analyzers.
pub struct AccessAnalyzer;

/// What there is.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    /// What the organization says of the service, and whether the service has its role in the management account.
    Organization(Delegation, bool),
    /// The kinds of analyzers in a region, and whether the account may have one of the organization.
    Region(BTreeSet<String>, bool),
}

/// What can be done about analyzers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes an analyzer.
    CreateAnalyzer {
        /// Its name.
        name: String,
        /// Its kind, as AWS calls it.
        kind: &'static str,
    },
    /// Gives the service its role in the management account.
    CreateServiceRole,
    /// Something about the organization.
    #[serde(untagged)]
    Organization(delegation::Action),
}

/// What an analyzer of ours is called.
pub(super) fn name(target: &Target) -> String {
    target.labelled("forester")
}

pub(super) fn pick(services: &Services) -> Option<Service> {
    services.access_analyzer
}

#[async_trait]
impl Aspect for AccessAnalyzer {
    const NAME: &'static str = "access-analyzer";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        let part = Part::of(target, pick);
        let mut places = organization_if(part.appoints.is_some(), target);
        places.extend(Part { appoints: None, ..part }.regions(target, enabled));
        places
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        if *look.place() == Place::Organization {
            let role = match look.call("iam", "GetRole", json!({ "RoleName": ROLE })).await {
                Err(error) if error.is_gone() => false,
                answer => answer.map(|_| true)?,
            };
            return Ok(Facts::Organization(Delegation::read(look, SERVICE).await?, role));
        }
        let found = look.pages("accessanalyzer", "ListAnalyzers", json!({})).await?;
        let kinds: BTreeSet<String> = texts(&found, "type").into_iter().collect();
        let lets = Part::of(target, pick).runs
            && !kinds.contains("ORGANIZATION")
            && Delegation::from_within(look, target, SERVICE).await?.lets(&target.account.id, target);
        Ok(Facts::Region(kinds, lets))
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let part = Part::of(target, pick);
        match facts {
            Facts::Organization(seen, role) => {
                let Some(account) = part.appoints else { return Planned::nothing() };
                let steps = seen.steps(SERVICE, &account, target).into_iter().map(Action::Organization);
                let role = (!role).then_some(Action::CreateServiceRole);
                Planned::steps(role.into_iter().chain(steps).collect())
            }
            Facts::Region(kinds, lets) => {
                let kind = if part.runs { "ORGANIZATION" } else { "ACCOUNT" };
                let mut planned = Planned::nothing();
                match kinds.contains(kind) {
                    true => {}
                    false if part.runs && !lets => {
                        await_appointment(&mut planned, target, "the organization's analyzer");
                    }
                    false => planned.steps.push(Action::CreateAnalyzer { name: name(target), kind }),
                }
                planned
            }
        }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let outcome = match action {
            Action::Organization(action) => return delegation::take(scope, action).await,
            Action::CreateServiceRole => {
                let params = json!({ "AWSServiceName": SERVICE });
                match scope.call("iam", "CreateServiceLinkedRole", params).await {
                    Err(error) if is_taken(&error) => return Ok(Taken::AlreadySo),
                    outcome => outcome,
                }
            }
            Action::CreateAnalyzer { name, kind } => {
                let params = json!({ "analyzerName": name, "type": kind });
                scope.call("accessanalyzer", "CreateAnalyzer", params).await
            }
        };
        match outcome {
            // By its name, or as the one of its kind: it was made since we looked.
            Err(error) if error.class == ErrorClass::Conflict || error.has_code("ServiceQuotaExceededException") => {
                Ok(Taken::AlreadySo)
            }
            outcome => Ok(outcome.map(|_: Value| Taken::Done)?),
        }
    }
}

/// What IAM says of a service-linked role that is there
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html>).
pub(super) fn is_taken(error: &CallError) -> bool {
    error.class == ErrorClass::Exists
        || error.has_code("InvalidInput") && error.message.contains("has been taken in this account")
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(action) => action.fmt(f),
            Self::CreateServiceRole => write!(f, "create the role of {SERVICE} in the management account"),
            Self::CreateAnalyzer { name, kind } => {
                write!(f, "create access analyzer {name} of the {}", kind.to_ascii_lowercase())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::baseline::fake::FakeMember;
    use crate::baseline::world::{World, audit, id, management};

    #[tokio::test]
    async fn account_has_an_analyzer_in_each_governed_region() {
        let world = World::fresh("- {match: {all: true}, services: {access_analyzer: auto}}");
        assert!(world.apply().await.is_clean());
        let kinds: Vec<_> = world.cloud.account(&id()).analyzers.values().cloned().collect();
        assert_eq!(kinds, ["ACCOUNT"]);
        world.cloud.writes();
        world.apply().await;
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn analyzer_of_another_name_is_enough() {
        let world = World::fresh("- {match: {all: true}, services: {access_analyzer: account}}");
        let key = ("eu-west-1".parse().unwrap(), "theirs".to_owned());
        world.cloud.change(&id(), |account| drop(account.analyzers.insert(key, "ACCOUNT".to_owned())));
        assert!(world.apply().await.is_clean());
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn administrator_analyzes_the_organization_once_it_is_appointed() {
        let world = World::served("access_analyzer: auto", &[(id(), FakeMember::new("dev", "Workloads"))]);
        let first = world.apply_to(&audit()).await;
        assert_eq!(first.waiting[0].on, Some(management()), "{first}");
        assert!(world.apply_to(&management()).await.is_clean());
        for account in [audit(), id()] {
            assert!(world.apply_to(&account).await.is_clean());
        }
        let kinds = |account| world.cloud.account(&account).analyzers.into_values().collect::<Vec<_>>();
        assert_eq!((kinds(audit()), kinds(id())), (vec!["ORGANIZATION".to_owned()], vec!["ACCOUNT".to_owned()]));
        world.cloud.writes();
        for account in [management(), audit(), id()] {
            assert!(world.apply_to(&account).await.is_clean());
        }
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }
}
