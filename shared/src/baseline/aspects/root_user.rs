//! The root user of a member account has no credentials of its own: no password, access keys, signing certificates or
//! MFA devices. What only a root user may do is done in short sessions from the management account.
//!
//! The account is entered as root for this, once to look and once for each deletion; AWS holds each session to its task
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>). A call of such a session that
//! names no user is about the root user. What cannot be read is an error, and then nothing is deleted.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;

use super::root_credentials::{self, Feature};
use super::texts;
use crate::aws::{CallError, CallSite, ErrorClass, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config::RootCredentials;
use crate::types::Region;

/// The root user of one member account.
pub struct RootUser;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Root users are not managed centrally yet, so that nobody can look.
    Unmanaged,
    /// These credentials.
    Credentials(Credentials),
}

/// What a root user has.
#[derive(Clone, Debug, PartialEq)]
pub struct Credentials {
    password: bool,
    keys: BTreeSet<String>,
    certificates: BTreeSet<String>,
    devices: BTreeSet<String>,
}

/// What can be done about a root user.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Deletes its password.
    DeleteRootPassword,
    /// Deletes an access key.
    DeleteRootAccessKey {
        /// Its id.
        key: String,
    },
    /// Deletes a signing certificate.
    DeleteRootCertificate {
        /// Its id.
        certificate: String,
    },
    /// Takes an MFA device off; a virtual one stays in the account and belongs to nobody.
    DeactivateRootMfaDevice {
        /// Its serial number, which for a virtual device is an ARN.
        device: String,
    },
}

#[async_trait]
impl Aspect for RootUser {
    const NAME: &'static str = "root-user";
    type Facts = Found;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        let declared = target.wanted.root_credentials == Some(RootCredentials::Central);
        let member = target.forest.organization.is_some() && !target.is_management();
        if declared && member { vec![Place::Root] } else { Vec::new() }
    }

    async fn observe(look: &Look<'_>, _: &Target) -> Result<Found, CallError> {
        let refusal = match look.root().await {
            Ok(root) => return read(&root).await.map(Found::Credentials),
            Err(error) => error,
        };
        if refusal.may_pass() {
            return Err(refusal);
        }
        // The management account's baseline switches it on; any other refusal is for people.
        let enabled = root_credentials::enabled(&look.organization().await?).await?;
        let managed = enabled.is_some_and(|features| features.contains(&Feature::RootCredentialsManagement));
        if managed { Err(refusal) } else { Ok(Found::Unmanaged) }
    }

    fn plan(target: &Target, found: &Found) -> Planned<Action> {
        let Found::Credentials(Credentials { password, keys, certificates, devices }) = found else {
            let what = "root users are not managed centrally yet";
            let management = target.forest.organization.as_ref().map(|organization| &organization.management);
            return management.map_or_else(Planned::nothing, |management| Planned::awaits(what, management));
        };
        let password = password.then_some(Action::DeleteRootPassword);
        let keys = keys.iter().map(|key| Action::DeleteRootAccessKey { key: key.clone() });
        let certificates = certificates.iter().map(|id| Action::DeleteRootCertificate { certificate: id.clone() });
        // Last, for as long as there is a password the device protects it.
        let devices = devices.iter().map(|device| Action::DeactivateRootMfaDevice { device: device.clone() });
        Planned::steps(password.into_iter().chain(keys).chain(certificates).chain(devices).collect())
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let outcome = match action {
            Action::DeleteRootPassword => scope.call("iam", "DeleteLoginProfile", json!({})).await,
            Action::DeleteRootAccessKey { key } => {
                scope.call("iam", "DeleteAccessKey", json!({ "AccessKeyId": key })).await
            }
            Action::DeleteRootCertificate { certificate } => {
                scope.call("iam", "DeleteSigningCertificate", json!({ "CertificateId": certificate })).await
            }
            Action::DeactivateRootMfaDevice { device } => {
                need_no_password(scope).await?;
                scope.call("iam", "DeactivateMFADevice", json!({ "SerialNumber": device })).await
            }
        };
        match outcome {
            Ok(_) => Ok(Taken::Done),
            Err(error) if error.is_gone() => Ok(Taken::AlreadySo),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the root user has, each list to its last page.
async fn read(root: &Scope) -> Result<Credentials, CallError> {
    let ids = async |operation, member| {
        let found = root.pages("iam", operation, json!({})).await?;
        Ok::<BTreeSet<String>, CallError>(texts(&found, member).into_iter().collect())
    };
    Ok(Credentials {
        password: has_password(root).await?,
        keys: ids("ListAccessKeys", "AccessKeyId").await?,
        certificates: ids("ListSigningCertificates", "CertificateId").await?,
        devices: ids("ListMFADevices", "SerialNumber").await?,
    })
}

async fn has_password(root: &Scope) -> Result<bool, CallError> {
    match root.call("iam", "GetLoginProfile", json!({})).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_gone() => Ok(false),
        Err(error) => Err(error),
    }
}

/// A step that fails stops no other, so the password may be there still: then the device stays on it.
async fn need_no_password(root: &Scope) -> Result<(), CallError> {
    if !has_password(root).await? {
        return Ok(());
    }
    let site = CallSite::new("iam", "DeactivateMFADevice", root.account(), root.region());
    Err(site.error(ErrorClass::Conflict, "the root user still has its password, which the device protects"))
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteRootPassword => f.write_str("delete the root user's password"),
            Self::DeleteRootAccessKey { key } => write!(f, "delete the root user's access key {key}"),
            Self::DeleteRootCertificate { certificate } => {
                write!(f, "delete the root user's signing certificate {certificate}")
            }
            Self::DeactivateRootMfaDevice { device } => write!(f, "take the MFA device {device} off the root user"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::aws::ErrorClass;
    use crate::baseline::fake::{FakeMember, FakeOrganization, FakeRoot};
    use crate::baseline::world::{World, id, management};

    const DEVICE: &str = "arn:aws:iam::444455556666:mfa/root-account-mfa-device";
    const CENTRAL: &str = "layers:\n- {match: {all: true}, root_credentials: central}\n";

    const ONE: &str = "accounts: {root: {id: \"111122223333\"}}\nlayers:\n\
        - {match: {account: root}, root_credentials: central}\n";

    fn full() -> FakeRoot {
        FakeRoot {
            password: true,
            keys: ["AKIAIOSFODNN7EXAMPLE".to_owned(), "AKIAI44QH8DHBEXAMPLE".to_owned()].into(),
            certificates: ["TA7SMP42TDN5Z26OBPJE7EXAMPLE".to_owned()].into(),
            devices: [DEVICE.to_owned()].into(),
        }
    }

    /// Every root user has everything, and the features are on once the management account was looked after.
    async fn world(layers: &str) -> World {
        let organization = FakeOrganization::new(&management(), &["Work"]).with(&id(), FakeMember::new("dev", "Work"));
        let world = World::organization(layers, organization);
        world.cloud.change(&id(), |account| account.root = full());
        world.cloud.change(&management(), |account| account.root = full());
        world.apply_to(&management()).await;
        world.cloud.calls();
        world
    }

    fn calls(world: &World) -> Vec<String> {
        let calls = world.cloud.calls().into_iter().map(|(_, _, operation)| operation);
        calls.filter(|operation| !operation.starts_with("Describe")).collect()
    }

    #[tokio::test]
    async fn everything_is_removed_once_and_the_second_time_only_looked_at() {
        let world = world(CENTRAL).await;
        let report = world.apply().await;
        assert!(report.is_clean() && report.done.len() == 5, "{report}");
        let last = report.done.last().unwrap().to_string();
        assert_eq!(last, format!("root-user root: take the MFA device {DEVICE} off the root user"));
        assert_eq!(world.cloud.account(&id()).root, FakeRoot::default());
        world.cloud.calls();
        assert_eq!(world.apply().await.steps, []);
        let looks = ["AssumeRoot", "GetLoginProfile", "ListAccessKeys", "ListSigningCertificates", "ListMFADevices"];
        let made: Vec<String> = calls(&world).into_iter().filter(|made| looks.contains(&made.as_str())).collect();
        assert_eq!(made, looks);
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn password_that_comes_back_is_removed_again() {
        let world = world(CENTRAL).await;
        world.apply().await;
        world.cloud.change(&id(), |account| account.root.password = true);
        let plan = world.plan_of(&id()).await;
        assert!(plan.to_string().contains("delete the root user's password") && plan.steps.len() == 1, "{plan}");
    }

    #[tokio::test]
    async fn management_account_and_those_whose_layers_say_nothing_keep_theirs() {
        for layers in [CENTRAL, ONE] {
            let world = world(layers).await;
            world.apply_to(&management()).await;
            assert!(!calls(&world).iter().any(|call| call == "AssumeRoot" || call.starts_with("Delete")));
            assert_eq!(world.cloud.account(&management()).root, full());
        }
        let world = world(ONE).await;
        world.apply().await;
        assert!(!calls(&world).contains(&"AssumeRoot".to_owned()));
        assert_eq!(world.cloud.account(&id()).root, full());
    }

    #[tokio::test]
    async fn account_waits_until_the_management_account_is_looked_after() {
        let world = world(CENTRAL).await;
        world.cloud.reorganize(|organization| organization.root_features.clear());
        let report = world.apply().await;
        assert_eq!(report.awaits(), [&management()].into(), "{report}");
        assert!(report.errors.is_empty(), "{report}");
        assert!(world.apply_to(&management()).await.is_clean());
        assert_eq!(world.apply().await.done.len(), 5);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error_and_nothing_is_deleted() {
        let looks = ["AssumeRoot", "GetLoginProfile", "ListAccessKeys", "ListSigningCertificates", "ListMFADevices"];
        for look in looks {
            let world = world(CENTRAL).await;
            world.cloud.fail(look, None, ErrorClass::Denied, "AccessDenied");
            let report = world.apply().await;
            assert_eq!((report.errors.len(), report.waiting.len()), (1, 0), "{look}: {report}");
            assert_eq!(world.cloud.account(&id()).root, full(), "{look}");
            assert_eq!(world.cloud.writes(), Vec::<String>::new(), "{look}");
        }
    }

    #[tokio::test]
    async fn device_stays_on_a_password_that_cannot_be_deleted() {
        let world = world(CENTRAL).await;
        world.cloud.fail("DeleteLoginProfile", None, ErrorClass::Conflict, "EntityTemporarilyUnmodifiable");
        let report = world.apply().await;
        assert_eq!((report.done.len(), report.failed.len()), (3, 2), "{report}");
        assert!(report.failed[1].reason.contains("still has its password") && report.may_pass(), "{report}");
        world.cloud.heal();
        assert!(world.apply().await.is_clean());
        assert_eq!(world.cloud.account(&id()).root, FakeRoot::default());
    }

    #[tokio::test]
    async fn what_is_gone_meanwhile_is_already_so() {
        let world = world(CENTRAL).await;
        let prepared = world.prepare().await;
        world.cloud.change(&id(), |account| account.root = FakeRoot::default());
        let report = world.take(&prepared).await;
        assert!(report.is_clean() && report.skipped.len() == 5, "{report}");
    }
}
