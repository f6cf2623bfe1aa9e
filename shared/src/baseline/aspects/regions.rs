//! Opt-in regions: those that an account has until it switches them on.
//!
//! Switching on takes AWS minutes to hours and fails for a seventh region at once
//! (<https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>). So a region that is on its way is
//! something to wait for, and what is too much for now waits too. Nothing is ever switched off: everything in the
//! region would go on and could not be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::global_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, Scope};
use crate::types::Region;

/// How many regions of an account AWS switches at the same time.
const AT_ONCE: usize = 6;

/// The declared opt-in regions, and the governed ones among them.
pub struct Regions;

/// Where a region stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Usable.
    On,
    /// On its way.
    Enabling,
    /// On its way out.
    Disabling,
    /// Not usable until somebody switches it on.
    Off,
}

/// What can be done about regions.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Asks AWS to switch a region on.
    EnableRegion {
        /// The region.
        region: Region,
    },
}

#[async_trait]
impl Aspect for Regions {
    const NAME: &'static str = "regions";
    type Facts = BTreeMap<Region, Status>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(target.wanted.regions.is_some())
    }

    async fn observe(look: &Look<'_>, _: &Target) -> Result<BTreeMap<Region, Status>, CallError> {
        let regions = look.pages("account", "ListRegions", json!({})).await?;
        Ok(regions.iter().filter_map(status).collect())
    }

    fn plan(target: &Target, seen: &BTreeMap<Region, Status>) -> Planned<Action> {
        let mut planned = Planned::nothing();
        let Some(declared) = &target.wanted.regions else { return planned };
        let wanted: BTreeSet<&Region> = declared.enable.iter().flatten().chain(&target.config.regions.govern).collect();
        let changing = seen.values().filter(|status| matches!(status, Status::Enabling | Status::Disabling)).count();
        let mut free = AT_ONCE.saturating_sub(changing);
        for region in wanted {
            let reason = match seen.get(region) {
                None => {
                    planned.problems.push(format!("AWS has no region {region}: take it out of the file"));
                    continue;
                }
                Some(Status::On) => continue,
                Some(Status::Disabling) => "AWS is switching it off; when that is done, it is enabled again".to_owned(),
                Some(Status::Off) if free == 0 => format!("AWS switches {AT_ONCE} regions of an account at a time"),
                Some(Status::Off) => {
                    free -= 1;
                    planned.steps.push(Action::EnableRegion { region: region.clone() });
                    takes_long()
                }
                Some(Status::Enabling) => takes_long(),
            };
            planned.waits.push((format!("what is declared in {region}"), reason));
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::EnableRegion { region } = action;
        scope.call("account", "EnableRegion", json!({ "RegionName": region })).await?;
        Ok(Taken::Done)
    }
}

fn takes_long() -> String {
    "AWS takes minutes to hours to enable a region".to_owned()
}

fn status(region: &Value) -> Option<(Region, Status)> {
    let status = match region.get("RegionOptStatus")?.as_str()? {
        "ENABLED" | "ENABLED_BY_DEFAULT" => Status::On,
        "ENABLING" => Status::Enabling,
        "DISABLING" => Status::Disabling,
        _ => Status::Off,
    };
    Some((region.get("RegionName")?.as_str()?.parse().ok()?, status))
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::EnableRegion { region } = self;
        write!(f, "enable the region {region}")
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::ErrorClass;
    use crate::baseline::fake::FakeAccount;
    use crate::baseline::world::{REGIONS, World, id};

    const LAYER: &str = "  - {match: {all: true}, regions: {enable: [ap-east-1]}, defaults: {ebs_encryption: true}}\n";

    /// An account with opt-in regions, each with its status.
    fn account(regions: &[(&str, &str)]) -> FakeAccount {
        let mut account = FakeAccount::fresh(&REGIONS);
        let status = |(region, status): &(&str, &str)| (region.parse().unwrap(), (*status).to_owned());
        account.opt_in.extend(regions.iter().map(status));
        account
    }

    #[tokio::test]
    async fn region_is_enabled_once_and_waited_for_until_its_turn_comes() {
        let world = World::new(LAYER, account(&[("ap-east-1", "DISABLED")]));
        let report = world.apply().await;
        assert_eq!(
            (report.done[0].to_string().as_str(), report.is_clean()),
            ("regions global: enable the region ap-east-1", false)
        );
        assert_eq!(report.waiting[0].reason, "AWS takes minutes to hours to enable a region");
        world.cloud.calls();
        assert_eq!(world.apply().await.waiting.len(), 1);
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
        world.cloud.change(&id(), |account| {
            account.opt_in.insert("ap-east-1".parse().unwrap(), "ENABLED".to_owned());
            account.regions.push("ap-east-1".parse().unwrap());
        });
        let report = world.apply().await;
        assert_eq!((report.done.len(), report.is_clean()), (1, true), "{report}");
        assert!(world.cloud.account(&id()).encrypted.contains(&"ap-east-1".parse().unwrap()));
    }

    #[tokio::test]
    async fn seventh_region_waits() {
        let off = ["af-south-1", "ap-east-1", "ap-south-2", "ca-west-1", "eu-south-1", "eu-south-2", "il-central-1"];
        let layer = format!("  - {{match: {{all: true}}, regions: {{enable: [{}]}}}}\n", off.join(", "));
        let mut regions: Vec<(&str, &str)> = off.iter().map(|region| (*region, "DISABLED")).collect();
        regions.push(("me-south-1", "ENABLING"));
        let report = World::new(&layer, account(&regions)).apply().await;
        assert_eq!((report.done.len(), report.failed.len(), report.waiting.len()), (5, 0, 7), "{report}");
        assert!(report.waiting[6].reason.contains("6 regions of an account at a time"), "{report}");
    }

    #[tokio::test]
    async fn governed_region_that_is_off_is_enabled_when_the_aspect_is_declared() {
        let mut account = account(&[("eu-west-1", "DISABLED"), ("us-east-1", "ENABLED_BY_DEFAULT")]);
        account.regions.retain(|region| region.to_string() != "eu-west-1");
        let report = World::new("  - {match: {all: true}, regions: {enable: []}}\n", account).apply().await;
        assert_eq!((report.done.len(), report.errors.len()), (1, 0), "{report}");
    }

    #[tokio::test]
    async fn region_on_its_way_out_and_one_that_is_not_there_are_told() {
        let layer = "  - {match: {all: true}, regions: {enable: [ap-east-1, xx-nowhere-1]}}\n";
        let world = World::new(layer, account(&[("ap-east-1", "DISABLING")]));
        let report = world.apply().await;
        assert!(report.waiting[0].reason.contains("switching it off"), "{report}");
        assert!(report.errors[0].reason.contains("no region xx-nowhere-1"), "{report}");
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn region_that_somebody_switched_meanwhile_comes_again() {
        let world = World::new(LAYER, account(&[("ap-east-1", "DISABLED")]));
        world.cloud.fail("EnableRegion", None, ErrorClass::Conflict, "ConflictException");
        let report = world.apply().await;
        assert_eq!((report.failed.len(), report.may_pass()), (1, true), "{report}");
    }
}
