//! The OUs that the file names. They are made and never removed: what is in one that the file does not name is not ours
//! to judge.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;

use super::super::aspect::organization_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::unit;
use crate::aws::{CallError, Scope};
use crate::types::{OuId, OuPath, Region};

/// The organization's OUs.
pub struct Units;

/// What can be done about OUs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes an OU.
    CreateUnit {
        /// Its path.
        path: OuPath,
        /// Its name, the last of the path.
        name: String,
        /// The path of what it lies in.
        parent: OuPath,
        /// The id of that, where it is there already.
        parent_id: Option<OuId>,
    },
}

#[async_trait]
impl Aspect for Units {
    const NAME: &'static str = "units";
    /// What there is stands in the forest.
    type Facts = ();
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        organization_if(target.is_management() && !missing(target).is_empty(), target)
    }

    async fn observe(_: &Look<'_>, _: &Target) -> Result<(), CallError> {
        Ok(())
    }

    fn plan(target: &Target, (): &()) -> Planned<Action> {
        Planned::steps(missing(target))
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::CreateUnit { name, parent, parent_id, .. } = action;
        let parent_id = match parent_id {
            Some(id) => Some(id.clone()),
            None => unit::at(scope, parent).await?,
        };
        let parent_id = parent_id.ok_or_else(|| unit::nowhere(scope, "CreateOrganizationalUnit", parent))?;
        let params = json!({ "ParentId": parent_id, "Name": name });
        match scope.call("organizations", "CreateOrganizationalUnit", params).await {
            Ok(_) => Ok(Taken::Done),
            Err(error) if error.has_code("DuplicateOrganizationalUnitException") => Ok(Taken::AlreadySo),
            Err(error) => Err(error.into()),
        }
    }
}

/// The steps for the OUs that are not there, each after the one that it lies in.
fn missing(target: &Target) -> Vec<Action> {
    let Some(organization) = &target.forest.organization else { return Vec::new() };
    let missing = target.config.units().into_iter().filter(|path| !organization.units.contains_key(path));
    let create = |path: OuPath| {
        let (parent, name) = path.as_ref().rsplit_once('/').unwrap_or(("", path.as_ref()));
        let (name, parent) = (name.to_owned(), parent.parse().unwrap_or_default());
        Action::CreateUnit { name, parent_id: organization.units.get(&parent).cloned(), parent, path }
    };
    missing.map(create).collect()
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::CreateUnit { path, .. } = self;
        write!(f, "create {}", unit::called(path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::{FakeMember, FakeOrganization};
    use super::super::super::world::{World, id};
    use crate::types::{AccountId, Mode};

    const FILE: &str = "accounts:\n  dev: {id: \"444455556666\", ou: Workloads/EU/Dev}\n  ops: {id: \"555566667777\", ou: Workloads/Ops}\n\
        layers:\n- {match: {all: true}, quarantine_until: guarded}\n";

    fn management() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn world(ous: &[&str]) -> World {
        let ops = "555566667777".parse().unwrap();
        let organization = FakeOrganization::new(&management(), ous)
            .with(&id(), FakeMember::new("dev", ""))
            .with(&ops, FakeMember::new("ops", ""));
        World::organization(FILE, organization)
    }

    fn paths(world: &World) -> Vec<String> {
        world.cloud.organization().units.keys().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn ous_of_the_file_are_made_from_the_top_down_and_others_stay() {
        let world = world(&["Old", "Workloads"]);
        assert!(world.apply_to(&management()).await.is_clean());
        let expect =
            ["", "Intake", "Old", "Suspended", "Workloads", "Workloads/EU", "Workloads/EU/Dev", "Workloads/Ops"];
        assert_eq!(paths(&world), expect);
        world.cloud.writes();
        assert_eq!(world.apply_to(&management()).await.steps, []);
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn ou_that_was_made_meanwhile_is_no_failure() {
        let world = world(&[]);
        let account = world.baseline.directory().account(&management()).await.unwrap().unwrap();
        let forest = world.baseline.forest().await.unwrap();
        let prepared = world.baseline.prepare(world.baseline.target(account, &forest).await.unwrap()).await;
        world.apply_to(&management()).await;
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let report = world.baseline.apply(&prepared, Mode::Apply, now).await.unwrap();
        assert_eq!((report.is_clean(), report.done.len()), (true, 0), "{report}");
    }

    #[tokio::test]
    async fn only_the_management_accounts_baseline_makes_ous() {
        let world = world(&["Intake"]);
        world.apply().await;
        assert_eq!(paths(&world), ["", "Intake"]);
    }
}
