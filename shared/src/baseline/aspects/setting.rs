//! Settings of a region that are a word each: read, compared and set in the same manner, so each of them says only
//! what it is called and which calls it takes.
//!
//! A declarative policy of the organization can hold some of them. AWS then answers with `ManagedBy` and refuses to
//! set them (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_declarative.html>), so
//! such a setting is left to the policy.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::super::aspect::regions_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, Scope};
use crate::config::Defaults;
use crate::types::Region;

/// A setting of every enabled region.
#[async_trait]
pub trait Setting {
    /// The name of its aspect.
    const NAME: &'static str;
    /// What is set, as people call it.
    const WHAT: &'static str;

    /// How it is declared; `None` when it is left as it is.
    fn wanted(defaults: &Defaults) -> Option<Set>;

    /// Reads it.
    async fn read(scope: &Scope) -> Result<State, CallError>;

    /// Whether `word` is as good as what is declared.
    fn holds(wanted: &Set, word: &str) -> bool {
        wanted.to == word
    }

    /// Sets it.
    async fn write(scope: &Scope, to: &str) -> Result<(), CallError>;
}

/// A setting as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// AWS's word for it.
    pub word: String,
    /// Whether a declarative policy holds it.
    pub by_policy: bool,
}

impl State {
    /// From the two members of an answer that tell it.
    pub fn new(word: &str, managed_by: Option<&Value>) -> Self {
        Self { word: word.to_owned(), by_policy: managed_by == Some(&"declarative-policy".into()) }
    }
}

/// Sets a setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Set {
    /// The action in a word.
    pub action: &'static str,
    /// AWS's word for what is set.
    pub to: &'static str,
    /// What a dry run prints.
    #[serde(skip)]
    pub summary: &'static str,
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.summary)
    }
}

fn wanted<S: Setting>(target: &Target) -> Option<Set> {
    target.wanted.defaults.as_ref().and_then(S::wanted)
}

#[async_trait]
impl<S: Setting> Aspect for S {
    const NAME: &'static str = S::NAME;
    const GUARD: bool = true;
    type Facts = State;
    type Action = Set;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        regions_if(wanted::<S>(target).is_some(), enabled)
    }

    async fn observe(look: &Look<'_>, _: &Target) -> Result<State, CallError> {
        S::read(look).await
    }

    fn plan(target: &Target, seen: &State) -> Planned<Set> {
        let Some(set) = wanted::<S>(target).filter(|set| !S::holds(set, &seen.word)) else {
            return Planned::nothing();
        };
        if seen.by_policy {
            let kept =
                (format!("{} (`{}`)", S::WHAT, seen.word), "a declarative policy of the organization decides it");
            return Planned { kept: vec![(kept.0, kept.1.to_owned())], ..Planned::nothing() };
        }
        Planned::steps(vec![set])
    }

    async fn take(scope: &Scope, set: &Set) -> Result<Taken, StepError> {
        S::write(scope, set.to).await?;
        Ok(Taken::Done)
    }
}

/// The text at `pointer` of an answer; empty where there is none.
pub fn word<'a>(answer: &'a Value, pointer: &str) -> &'a str {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::aws::ErrorClass;
    use crate::baseline::fake::FakeAccount;
    use crate::baseline::world::{REGIONS, World, id};

    const ALL: &str = "  - match: {all: true}\n    defaults: {snapshot_block: all-sharing, ami_block: true, \
        imdsv2: required, serial_console: disabled, ssm_document_block: true}\n";

    fn word(world: &World, read: &str) -> Option<String> {
        world.cloud.account(&id()).settings.get(&("eu-west-1".parse().unwrap(), read.to_owned())).cloned()
    }

    fn opened(changes: &[(&str, &str)]) -> FakeAccount {
        let mut account = FakeAccount::fresh(&REGIONS);
        let key =
            |(read, word): &(&str, &str)| (("eu-west-1".parse().unwrap(), (*read).to_owned()), (*word).to_owned());
        account.settings.extend(changes.iter().map(key));
        account
    }

    #[tokio::test]
    async fn open_defaults_are_closed_in_every_region_and_stay_so() {
        let world = World::fresh(ALL);
        let report = world.apply().await;
        // The serial console is closed in a new account.
        assert_eq!((report.done.len(), report.is_clean()), (4 * REGIONS.len(), true), "{report}");
        assert_eq!(word(&world, "GetSnapshotBlockPublicAccessState").unwrap(), "block-all-sharing");
        assert_eq!(word(&world, "GetImageBlockPublicAccessState").unwrap(), "block-new-sharing");
        assert_eq!(word(&world, "GetInstanceMetadataDefaults").unwrap(), "required");
        assert_eq!(word(&world, "GetServiceSetting").unwrap(), "Disable");
        world.cloud.calls();
        world.apply().await;
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn drift_is_mended_where_it_is() {
        let world = World::new(ALL, opened(&[("GetSerialConsoleAccessStatus", "enabled")]));
        world.apply().await;
        assert_eq!(word(&world, "GetSerialConsoleAccessStatus").unwrap(), "disabled");
        let serial = world.cloud.writes().into_iter().filter(|write| write == "DisableSerialConsoleAccess").count();
        assert_eq!(serial, 1);
    }

    #[tokio::test]
    async fn stricter_snapshot_block_is_not_loosened() {
        let layer = "  - {match: {all: true}, enforce: strict, defaults: {snapshot_block: new-sharing}}\n";
        let world = World::new(layer, opened(&[("GetSnapshotBlockPublicAccessState", "block-all-sharing")]));
        assert_eq!(world.apply().await.done.len(), REGIONS.len() - 1);
        assert_eq!(word(&world, "GetSnapshotBlockPublicAccessState").unwrap(), "block-all-sharing");
    }

    #[tokio::test]
    async fn declarative_policy_is_left_its_decision() {
        let mut account = FakeAccount::fresh(&REGIONS);
        account.by_policy = ["GetImageBlockPublicAccessState", "GetSerialConsoleAccessStatus"].into();
        let world = World::new(ALL, account);
        let report = world.apply().await;
        assert!(report.is_clean(), "{report}");
        let kept: Vec<&str> = report.skipped.iter().map(|skipped| skipped.step.aspect).collect();
        assert_eq!(kept, ["image-sharing"; REGIONS.len()]);
        assert!(report.skipped[0].reason.contains("declarative policy"), "{report}");
    }

    #[tokio::test]
    async fn second_change_of_systems_manager_at_once_comes_again() {
        let world = World::fresh(ALL);
        world.cloud.fail("UpdateServiceSetting", Some("us-east-1"), ErrorClass::Conflict, "TooManyUpdates");
        let report = world.apply().await;
        assert_eq!((report.failed.len(), report.may_pass()), (1, true), "{report}");
        world.cloud.heal();
        assert_eq!(world.apply().await.done.len(), 1);
    }

    #[tokio::test]
    async fn what_is_kept_is_not_looked_at() {
        let layers = format!(
            "{ALL}  - match: {{account: dev}}\n    defaults: {{snapshot_block: keep, ami_block: false, \
            imdsv2: keep, serial_console: keep, ssm_document_block: false}}\n"
        );
        let world = World::fresh(&layers);
        assert_eq!(world.apply().await.steps, []);
        assert_eq!(world.cloud.calls().len(), 3, "only whether the account is awake, and its regions");
    }
}
