//! The root users of member accounts, managed from the management account.
//!
//! IAM has to be trusted with the organization first; then the two features are enabled, each for itself. An account that
//! is made afterwards has no root password at all
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html>). What root users have already is
//! removed account by account (see `root_user`).

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::aspect::organization_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::list;
use crate::aws::{CallError, Scope};
use crate::config;
use crate::types::Region;

const SERVICE: &str = "iam.amazonaws.com";

/// The organization's root users.
pub struct RootCredentials;

/// What of the root users the management account manages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Feature {
    /// Whether they have a password, keys, certificates or devices at all.
    RootCredentialsManagement,
    /// Short sessions for what only a root user may do.
    RootSessions,
}

const FEATURES: [Feature; 2] = [Feature::RootCredentialsManagement, Feature::RootSessions];

/// What can be done about root users.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Lets IAM look into the organization.
    TrustIam,
    /// Enables a feature.
    EnableRootFeature {
        /// Which.
        feature: Feature,
    },
}

fn declared(target: &Target) -> bool {
    let central = Some(config::RootCredentials::Central);
    target.config.layers.iter().any(|layer| layer.root_credentials == central)
}

/// The features that the organization has enabled; `None` where IAM may not look into it.
pub(super) async fn enabled(organization: &Scope) -> Result<Option<BTreeSet<Feature>>, CallError> {
    match organization.call("iam", "ListOrganizationsFeatures", json!({})).await {
        Ok(answer) => {
            let known = |name: &Value| serde_json::from_value(name.clone()).ok();
            Ok(Some(list(&answer, "EnabledFeatures").iter().filter_map(known).collect()))
        }
        Err(error) if error.has_code("ServiceAccessNotEnabledException") => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl Aspect for RootCredentials {
    const NAME: &'static str = "root-credentials";
    /// The enabled features; `None` where IAM may not look into the organization yet.
    type Facts = Option<BTreeSet<Feature>>;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        organization_if(target.is_management() && declared(target), target)
    }

    async fn observe(look: &Look<'_>, _: &Target) -> Result<Self::Facts, CallError> {
        enabled(look).await
    }

    fn plan(_: &Target, seen: &Self::Facts) -> Planned<Action> {
        let trust = seen.is_none().then_some(Action::TrustIam);
        let off = |feature: &Feature| seen.as_ref().is_none_or(|enabled| !enabled.contains(feature));
        let enable = FEATURES.into_iter().filter(off).map(|feature| Action::EnableRootFeature { feature });
        Planned::steps(trust.into_iter().chain(enable).collect())
    }

    /// All three calls say nothing where it was so already.
    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::TrustIam => {
                scope.call("organizations", "EnableAWSServiceAccess", json!({ "ServicePrincipal": SERVICE })).await?
            }
            Action::EnableRootFeature { feature: Feature::RootCredentialsManagement } => {
                scope.call("iam", "EnableOrganizationsRootCredentialsManagement", json!({})).await?
            }
            Action::EnableRootFeature { feature: Feature::RootSessions } => {
                scope.call("iam", "EnableOrganizationsRootSessions", json!({})).await?
            }
        };
        Ok(Taken::Done)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrustIam => "let IAM look into the organization",
            Self::EnableRootFeature { feature: Feature::RootCredentialsManagement } => {
                "manage the root users' credentials centrally"
            }
            Self::EnableRootFeature { feature: Feature::RootSessions } => {
                "allow short root sessions in member accounts"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::FakeOrganization;
    use super::super::super::world::World;
    use crate::aws::ErrorClass;
    use crate::types::AccountId;

    fn management() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn world() -> World {
        let file = "layers:\n- {match: {ou: \"Work/**\"}, root_credentials: central}\n";
        World::organization(file, FakeOrganization::new(&management(), &["Work"]))
    }

    #[tokio::test]
    async fn root_users_are_managed_centrally_and_a_second_time_nothing_is_written() {
        let world = world();
        assert!(world.apply_to(&management()).await.is_clean());
        assert_eq!(world.cloud.organization().root_features.len(), 2);
        world.cloud.writes();
        assert_eq!(world.apply_to(&management()).await.steps, []);
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn feature_that_somebody_switched_off_comes_back() {
        let world = world();
        world.apply_to(&management()).await;
        world.cloud.reorganize(|organization| {
            organization.root_features.remove("RootSessions");
        });
        let plan = world.plan_of(&management()).await;
        assert!(plan.to_string().contains("allow short root sessions") && plan.steps.len() == 1, "{plan}");
    }

    #[tokio::test]
    async fn refusal_is_told_and_fails_alone() {
        let world = world();
        world.cloud.fail("EnableOrganizationsRootSessions", None, ErrorClass::Denied, "AccessDenied");
        let report = world.apply_to(&management()).await;
        assert_eq!((report.done.len(), report.failed.len()), (2, 1), "{report}");
    }
}
