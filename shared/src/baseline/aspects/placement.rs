//! Placement: an account lies in the OU that the file gives it.
//!
//! This is the last aspect of all. For an account in quarantine it is the release, one atomic move, and that step is
//! taken only when every guard holds.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;

use super::super::aspect::organization_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{intake, unit};
use crate::aws::{CallError, Scope};
use crate::org::AccountState;
use crate::types::{AccountId, OuId, OuPath, Region};

/// The account's place.
pub struct Placement;

/// What can be done about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(clippy::enum_variant_names, reason = "the names are what plans and reports say")]
pub enum Action {
    /// Moves the account.
    MoveAccount(Move),
    /// Moves the account out of quarantine.
    ReleaseAccount(Move),
    /// Moves a closed account out of the way.
    RetireAccount(Move),
}

/// A move from one OU to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    /// The account.
    pub account: AccountId,
    /// Where it is.
    pub from: OuId,
    /// Where it belongs.
    pub to: OuId,
    /// The path of that.
    pub ou: OuPath,
}

#[async_trait]
impl Aspect for Placement {
    const NAME: &'static str = "placement";
    /// The root or the OU that holds the account.
    type Facts = OuId;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        organization_if(target.entry.ou.as_ref().is_some_and(|ou| target.lies(|place| place != ou)), target)
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<OuId, CallError> {
        unit::holder(look, &target.account.id).await
    }

    fn plan(target: &Target, holder: &OuId) -> Planned<Action> {
        let (Some(organization), Some(ou)) = (&target.forest.organization, &target.entry.ou) else {
            return Planned::nothing();
        };
        let quarantine = organization.units.get(&target.config.organization.intake);
        let taken_in = intake::due(target, holder);
        let waits = intake::declared(target) && (taken_in || Some(holder) == quarantine);
        let from = if taken_in { quarantine } else { Some(holder) };
        let (Some(to), Some(from)) = (organization.units.get(ou), from) else {
            return Planned::awaits(format!("its place in {}", unit::called(ou)), &organization.management);
        };
        if from == to {
            return Planned::nothing();
        }
        let (account, from, to, ou) = (target.account.id.clone(), from.clone(), to.clone(), ou.clone());
        let way = Move { account, from, to, ou };
        Planned::steps(vec![if waits { Action::ReleaseAccount(way) } else { Action::MoveAccount(way) }])
    }

    fn releases(action: &Action) -> bool {
        matches!(action, Action::ReleaseAccount(_))
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (Action::MoveAccount(way) | Action::ReleaseAccount(way) | Action::RetireAccount(way)) = action;
        unit::moved(scope, &way.account, &way.from, &way.to).await
    }
}

/// The way of a closed account into the OU where it waits for its end. An account that AWS itself suspended goes there
/// too, and comes back by its placement when it is active again.
pub(super) fn retirement(target: &Target) -> Option<Action> {
    let organization = target.forest.organization.as_ref().filter(|_| target.config.quarantines())?;
    let ou = target.config.organization.suspended.clone();
    let closed = matches!(target.account.state, AccountState::Suspended | AccountState::PendingClosure);
    let place = &target.found.ou;
    let there = *place == ou || place.is_below(&ou);
    let (from, to) = (organization.units.get(place)?.clone(), organization.units.get(&ou)?.clone());
    let account = target.account.id.clone();
    (closed && !there).then_some(Action::RetireAccount(Move { account, from, to, ou }))
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MoveAccount(way) => write!(f, "move the account to {}", unit::called(&way.ou)),
            Self::ReleaseAccount(way) => {
                write!(f, "release the account from quarantine to {}", unit::called(&way.ou))
            }
            Self::RetireAccount(way) => write!(f, "move the closed account to {}", unit::called(&way.ou)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::{FakeMember, FakeOrganization};
    use super::super::super::world::{World, id};
    use super::*;
    use crate::aws::ErrorClass;
    use crate::types::Mode;

    const FILE: &str = "accounts:\n  root: {id: \"111122223333\"}\n  dev: {id: \"444455556666\", ou: Workloads/Dev}\n\
        layers:\n- {match: {all: true}, enforce: ENFORCE, quarantine_until: UNTIL, defaults: {s3_block_public: true}}\n\
        - {match: {ou: \"Workloads/**\"}, alias: \"acme-{name}\"}\n";

    fn file(enforce: &str, until: &str) -> String {
        FILE.replace("ENFORCE", enforce).replace("UNTIL", until)
    }

    /// An organization in which `dev` lies in `ou`.
    fn organization(ou: &str) -> FakeOrganization {
        let management: AccountId = "111122223333".parse().unwrap();
        FakeOrganization::new(&management, &["Intake", "Suspended", "Workloads", "Workloads/Dev", "Workloads/Prod"])
            .with(&id(), FakeMember::new("dev", ou))
    }

    fn world(ou: &str) -> World {
        World::organization(&file("additive", "guarded"), organization(ou))
    }

    fn place(world: &World) -> String {
        world.cloud.organization().members[&id()].ou.to_string()
    }

    #[tokio::test]
    async fn new_account_comes_to_its_ou_through_quarantine() {
        let world = world("");
        let plan = world.prepare().await.plan.to_string();
        assert!(plan.contains("quarantine the account in the OU Intake"), "{plan}");
        assert!(plan.contains("release the account from quarantine to the OU Workloads/Dev"), "{plan}");
        let report = world.apply().await;
        assert_eq!((report.is_clean(), report.done.len()), (true, 4), "{report}");
        assert_eq!(place(&world), "Workloads/Dev");
        world.cloud.writes();
        assert_eq!(world.apply().await.steps, []);
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn account_stays_in_quarantine_until_its_guards_hold_and_says_so() {
        let world = world("");
        world.cloud.fail("PutPublicAccessBlock", None, ErrorClass::Denied, "AccessDenied");
        let report = world.apply().await;
        assert_eq!((report.is_clean(), place(&world).as_str()), (false, "Intake"));
        assert_eq!(report.waiting[0].aspect, "placement");
        assert!(report.waiting[0].reason.contains("s3-public-access"), "{report}");
        world.cloud.heal();
        let report = world.apply().await;
        assert_eq!((report.is_clean(), place(&world).as_str()), (true, "Workloads/Dev"), "{report}");
    }

    #[tokio::test]
    async fn guard_that_cannot_be_read_keeps_the_account_in_quarantine() {
        let world = world("");
        world.cloud.fail("GetPublicAccessBlock", None, ErrorClass::Throttled, "Throttling");
        assert!(!world.apply().await.is_clean());
        assert_eq!(place(&world), "Intake");
    }

    #[tokio::test]
    async fn account_that_lets_nobody_in_waits_in_quarantine() {
        let world = world("");
        world.cloud.change(&id(), |account| account.regions.clear());
        world.cloud.fail("DescribeRegions", None, ErrorClass::NotReady, "OptInRequired");
        let report = world.apply().await;
        assert_eq!((report.is_clean(), place(&world).as_str()), (false, "Intake"), "{report}");
    }

    #[tokio::test]
    async fn failure_of_an_aspect_that_guards_nothing_keeps_nobody_back() {
        let world = world("");
        world.cloud.fail("CreateAccountAlias", None, ErrorClass::Throttled, "Throttling");
        assert!(!world.apply().await.is_clean());
        assert_eq!(place(&world), "Workloads/Dev");
    }

    #[tokio::test]
    async fn account_that_was_held_before_is_never_quarantined() {
        let world = world("Workloads/Dev");
        world.apply().await;
        world.cloud.reorganize(|organization| {
            organization.members.get_mut(&id()).unwrap().ou = OuPath::default();
        });
        world.cloud.fail("GetPublicAccessBlock", None, ErrorClass::Throttled, "Throttling");
        world.cloud.writes();
        world.apply().await;
        assert_eq!((world.cloud.writes(), place(&world)), (vec!["MoveAccount".to_owned()], "Workloads/Dev".to_owned()));
    }

    #[tokio::test]
    async fn account_that_is_adopted_after_a_longer_life_is_not_shut_down() {
        let world = world("");
        world.cloud.reorganize(|organization| {
            organization.members.get_mut(&id()).unwrap().joined = "2020-01-01T00:00:00Z".parse().unwrap();
        });
        world.cloud.fail("PutPublicAccessBlock", None, ErrorClass::Denied, "AccessDenied");
        assert!(!world.apply().await.is_clean());
        assert_eq!(place(&world), "Workloads/Dev", "straight to its place, without quarantine");
    }

    #[tokio::test]
    async fn account_that_waits_is_already_held_to_what_it_will_be() {
        let world = world("");
        world.apply().await;
        assert_eq!(world.cloud.account(&id()).alias.as_deref(), Some("acme-dev"));
    }

    #[tokio::test]
    async fn without_quarantine_the_account_moves_at_once() {
        let world = World::organization(&file("additive", "never"), organization(""));
        world.cloud.fail("PutPublicAccessBlock", None, ErrorClass::Denied, "AccessDenied");
        world.apply().await;
        assert_eq!(place(&world), "Workloads/Dev");
    }

    #[tokio::test]
    async fn observed_account_stays_where_it_is() {
        let world = World::organization(&file("observe", "guarded"), organization("Workloads/Prod"));
        let report = world.apply().await;
        assert_eq!((report.done.len(), place(&world).as_str()), (0, "Workloads/Prod"));
        assert!(report.steps.iter().any(|step| step.action.word() == "move-account"), "{report}");
    }

    #[tokio::test]
    async fn account_that_somebody_moved_meanwhile_is_moved_on() {
        let world = world("Workloads/Prod");
        let prepared = world.prepare().await;
        world.cloud.reorganize(|organization| {
            organization.members.get_mut(&id()).unwrap().ou = OuPath::default().child("Workloads");
        });
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let report = world.baseline.apply(&prepared, Mode::Apply, now).await.unwrap();
        assert_eq!((report.is_clean(), place(&world).as_str()), (true, "Workloads/Dev"), "{report}");
        let report = world.baseline.apply(&prepared, Mode::Apply, now).await.unwrap();
        assert!(report.skipped.iter().any(|skipped| skipped.reason == "already so"), "{report}");
    }

    #[tokio::test]
    async fn ou_that_does_not_exist_yet_is_awaited() {
        let management: AccountId = "111122223333".parse().unwrap();
        let bare = FakeOrganization::new(&management, &[]).with(&id(), FakeMember::new("dev", ""));
        let world = World::organization(&file("additive", "guarded"), bare);
        let waiting = world.prepare().await.plan.waiting;
        let told: Vec<_> = waiting.iter().map(|waiting| (waiting.aspect, waiting.on.clone())).collect();
        assert_eq!(told, [("intake", Some(management.clone())), ("placement", Some(management))]);
    }

    #[tokio::test]
    async fn closed_account_is_put_out_of_the_way_and_nothing_in_it_is_touched() {
        let world = world("Workloads/Dev");
        world.cloud.reorganize(|organization| {
            organization.members.get_mut(&id()).unwrap().state = AccountState::Suspended;
        });
        world.cloud.writes();
        world.apply().await;
        assert_eq!((world.cloud.writes(), place(&world)), (vec!["MoveAccount".to_owned()], "Suspended".to_owned()));
        assert_eq!(world.apply().await.steps, []);
    }
}
