//! GuardDuty: a detector in every governed region. In an organization the management account appoints an administrator
//! region by region, and the administrator enrolls every account, those to come among them.
//!
//! An account has its own detector before it is enrolled, so that nobody waits for the day that enrolling may take
//! (<https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_organizations.html>). Whatever goes wrong, GuardDuty says
//! `BadRequestException`: only its message tells what.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::services::{Part, appointed, await_appointment};
use crate::aws::{CallError, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config::{Service, Services};
use crate::types::{AccountId, Region};

/// The detector.
pub struct GuardDuty;

/// What there is in a region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The administrators that the management account has appointed, where that matters.
    administrators: Vec<String>,
    detector: Option<Detector>,
    /// Who is enrolled by the administrator: `ALL`, `NEW` or `NONE`.
    enrolled: Option<String>,
}

/// A detector.
#[derive(Clone, Debug, Default, PartialEq)]
struct Detector {
    id: String,
    enabled: bool,
}

/// What can be done about GuardDuty.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Appoints the administrator.
    Appoint {
        /// The account.
        account: AccountId,
    },
    /// Makes a detector.
    CreateDetector {
        /// Whether it also enrolls every account.
        enroll: bool,
    },
    /// Switches a detector on.
    EnableDetector {
        /// Its id.
        detector: String,
    },
    /// Enrolls every account of the organization.
    EnrollAll {
        /// The administrator's detector.
        detector: String,
    },
}

fn pick(services: &Services) -> Option<Service> {
    services.guardduty
}

#[async_trait]
impl Aspect for GuardDuty {
    const NAME: &'static str = "guardduty";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        Part::of(target, pick).regions(target, enabled)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        let part = Part::of(target, pick);
        let mut facts = Facts::default();
        if part.runs || part.appoints.is_some() {
            facts.administrators = appointed(look, target, "guardduty", "AdminAccountId").await?;
        }
        if part.own {
            facts.detector = detector(look).await?;
        }
        if let (true, Some(Detector { id, .. })) = (part.runs && facts.appointed(&target.account.id), &facts.detector) {
            let params = json!({ "DetectorId": id });
            facts.enrolled = match look.call("guardduty", "DescribeOrganizationConfiguration", params).await {
                Err(error) if is_not_known(&error) => None,
                answer => answer?.get("AutoEnableOrganizationMembers").and_then(Value::as_str).map(str::to_owned),
            };
        }
        Ok(facts)
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let part = Part::of(target, pick);
        let mut planned = Planned::nothing();
        if let Some(account) = &part.appoints {
            match facts.administrators.iter().find(|other| *other != account.as_ref()) {
                Some(other) => planned.problems.push(format!(
                    "{other} administers GuardDuty here, and the file says {account}: remove the one, or name it"
                )),
                None if !facts.appointed(account) => planned.steps.push(Action::Appoint { account: account.clone() }),
                None => {}
            }
        }
        let enroll = part.runs && facts.appointed(&target.account.id);
        match &facts.detector {
            None if part.own => planned.steps.push(Action::CreateDetector { enroll }),
            Some(found) if !found.enabled => planned.steps.push(Action::EnableDetector { detector: found.id.clone() }),
            Some(_) | None => {}
        }
        match &facts.detector {
            Some(found) if enroll && facts.enrolled.as_deref() != Some("ALL") => {
                planned.steps.push(Action::EnrollAll { detector: found.id.clone() });
            }
            Some(_) | None => {}
        }
        if part.runs && !enroll {
            await_appointment(&mut planned, target, "GuardDuty of the organization");
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::Appoint { account } => {
                let params = json!({ "AdminAccountId": account });
                match scope.call("guardduty", "EnableOrganizationAdminAccount", params).await {
                    Err(error) if is_already(&error) => Ok(Taken::AlreadySo),
                    outcome => Ok(outcome.map(|_| Taken::Done)?),
                }
            }
            Action::CreateDetector { enroll } => {
                let made = match scope.call("guardduty", "CreateDetector", json!({ "Enable": true })).await {
                    Err(error) if is_already(&error) => None,
                    answer => Some(answer?),
                };
                let id = made.as_ref().and_then(|answer| answer.get("DetectorId")?.as_str());
                match (enroll, id) {
                    (true, Some(id)) => enroll_all(scope, id).await?,
                    (true, None) => {
                        let found = detector(scope).await?.unwrap_or_default();
                        enroll_all(scope, &found.id).await?;
                    }
                    (false, _) => {}
                }
                Ok(if made.is_some() { Taken::Done } else { Taken::AlreadySo })
            }
            Action::EnableDetector { detector } => {
                let params = json!({ "DetectorId": detector, "Enable": true });
                scope.call("guardduty", "UpdateDetector", params).await?;
                Ok(Taken::Done)
            }
            Action::EnrollAll { detector } => {
                enroll_all(scope, detector).await?;
                Ok(Taken::Done)
            }
        }
    }
}

impl Facts {
    fn appointed(&self, account: &AccountId) -> bool {
        self.administrators.iter().any(|administrator| administrator == account.as_ref())
    }
}

/// A region has one detector.
async fn detector(scope: &Scope) -> Result<Option<Detector>, CallError> {
    let found = scope.pages("guardduty", "ListDetectors", json!({})).await?;
    let Some(id) = found.first().and_then(Value::as_str) else { return Ok(None) };
    let answer = scope.call("guardduty", "GetDetector", json!({ "DetectorId": id })).await?;
    Ok(Some(Detector { id: id.to_owned(), enabled: answer.get("Status") == Some(&"ENABLED".into()) }))
}

async fn enroll_all(scope: &Scope, detector: &str) -> Result<(), StepError> {
    let params = json!({ "DetectorId": detector, "AutoEnableOrganizationMembers": "ALL" });
    match scope.call("guardduty", "UpdateOrganizationConfiguration", params).await {
        Err(error) if is_not_known(&error) => {
            let hint = "GuardDuty takes a while to know the administrator it was given; the next run tries again";
            Err(StepError { cause: error, hint: hint.to_owned(), may_pass: true })
        }
        outcome => Ok(outcome.map(drop)?),
    }
}

/// What GuardDuty says to an administrator that was just appointed: it has not the "required AWS Organization master
/// permission" (in its own words, as people report them; its documentation names no case).
fn is_not_known(error: &CallError) -> bool {
    error.has_code("BadRequestException") && error.message.contains("permission")
}

fn is_already(error: &CallError) -> bool {
    error.has_code("BadRequestException") && error.message.contains("already")
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appoint { account } => write!(f, "make {account} the administrator of GuardDuty"),
            Self::CreateDetector { enroll: false } => f.write_str("switch GuardDuty on"),
            Self::CreateDetector { enroll: true } => f.write_str("switch GuardDuty on, and enroll every account"),
            Self::EnableDetector { .. } => f.write_str("switch GuardDuty on again"),
            Self::EnrollAll { .. } => f.write_str("enroll every account in GuardDuty"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::ErrorClass;
    use crate::baseline::fake::FakeMember;
    use crate::baseline::world::{World, audit, id, management};

    const OWN: &str = "- {match: {all: true}, services: {guardduty: auto}}";

    #[tokio::test]
    async fn account_on_its_own_has_one_detector() {
        let world = World::fresh(OWN);
        assert!(world.apply().await.is_clean());
        world.cloud.writes();
        assert!(world.apply().await.is_clean());
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
        assert_eq!(world.cloud.account(&id()).detectors.len(), 1);
    }

    #[tokio::test]
    async fn detector_that_was_suspended_is_switched_on() {
        let world = World::fresh(OWN);
        world.apply().await;
        world.cloud.change(&id(), |account| account.detectors.values_mut().for_each(|on| on.enabled = false));
        world.cloud.writes();
        world.apply().await;
        assert_eq!(world.cloud.writes(), ["UpdateDetector"]);
    }

    #[tokio::test]
    async fn detector_made_meanwhile_is_no_failure() {
        let world = World::fresh(OWN);
        let prepared = world.prepare().await;
        world.apply().await;
        let report = world.take(&prepared).await;
        assert!(report.is_clean() && report.skipped.iter().any(|left| left.reason == "already so"), "{report}");
    }

    #[tokio::test]
    async fn whole_organization_is_enrolled_by_its_administrator() {
        let world = World::served("guardduty: auto", &[(id(), FakeMember::new("dev", "Workloads"))]);
        let first = world.apply_to(&audit()).await;
        assert_eq!(first.waiting[0].on, Some(management()), "{first}");
        for account in [management(), audit(), id()] {
            assert!(world.apply_to(&account).await.is_clean());
        }
        let detectors = world.cloud.account(&audit()).detectors;
        assert!(detectors.values().all(|detector| detector.enrolled == "ALL"), "{detectors:?}");
        world.cloud.writes();
        for account in [management(), audit(), id()] {
            assert!(world.apply_to(&account).await.is_clean());
        }
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn administrator_that_guardduty_does_not_know_yet_tries_again() {
        let world = World::served("guardduty: auto", &[]);
        assert!(world.apply_to(&management()).await.is_clean());
        let early = "BadRequestException: you do not have required AWS Organization master permission";
        for operation in ["DescribeOrganizationConfiguration", "UpdateOrganizationConfiguration"] {
            world.cloud.fail(operation, None, ErrorClass::Invalid, early);
        }
        for _ in 0..2 {
            let report = world.apply_to(&audit()).await;
            assert!(!report.failed.is_empty() && report.may_pass(), "{report}");
        }
        world.cloud.heal();
        assert!(world.apply_to(&audit()).await.is_clean());
        let detectors = world.cloud.account(&audit()).detectors;
        assert!(detectors.values().all(|detector| detector.enrolled == "ALL"), "{detectors:?}");
    }

    #[tokio::test]
    async fn another_administrator_is_a_problem_and_stays() {
        let world = World::served("guardduty: auto", &[(id(), FakeMember::new("dev", "Workloads"))]);
        world.cloud.change(&management(), |account| {
            account.appointed.insert(("guardduty".to_owned(), "eu-west-1".parse().unwrap()), id());
        });
        let report = world.apply_to(&management()).await;
        assert!(report.complaints()[0].contains("444455556666 administers GuardDuty here"), "{report}");
    }
}
