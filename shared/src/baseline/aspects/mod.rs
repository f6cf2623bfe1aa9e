//! The aspects, a file each. The list below is the order of work.
//!
//! Adding one: its file, a line here, its key in `config/wanted.rs`, a line in the fake account of the tests, and in
//! `checks.toml` the checks of Prowler that judge it.

mod access_analyzer;
mod account_key;
mod account_tags;
mod alias;
mod anomaly;
mod break_glass;
mod budget;
mod config_bucket;
mod config_recorder;
mod contacts;
mod default_vpc;
mod delegation;
mod deploy_roles;
mod dns_zone;
mod document;
mod document_sharing;
mod ebs_encryption;
mod ecr_sharing;
mod guardduty;
mod identities;
mod image_shares;
mod image_sharing;
mod instance_metadata;
mod intake;
mod log_alarms;
mod log_bucket;
mod log_watch;
mod oidc;
mod password_policy;
mod peering;
mod placement;
mod policies;
mod public_access;
mod quotas;
mod ram_shares;
mod regions;
mod reserved;
mod roles;
mod root_credentials;
mod root_user;
mod security_hub;
mod serial_console;
mod services;
mod setting;
mod sharing;
mod snapshot_sharing;
mod sso;
mod trail;
mod unit;
mod units;
mod vending;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::aspect::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, Scope};
use crate::types::Region;
pub use account_key::declared_keys;
pub use reserved::declared_names;
pub use roles::names as declared_roles;

/// Makes of the list one enum of kinds, one of facts and one of actions, so that plans stay plain data.
macro_rules! aspects {
    ($($kind:ident = $aspect:ty,)*) => {
        /// Which aspect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $(#[doc = concat!("See `", stringify!($aspect), "`.")] $kind,)* }

        /// What an aspect found in one place.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Facts { $(#[doc = concat!("See `", stringify!($aspect), "`.")] $kind(<$aspect as Aspect>::Facts),)* }

        /// What an aspect can do.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Action { $(#[doc = concat!("See `", stringify!($aspect), "`.")] $kind(<$aspect as Aspect>::Action),)* }

        /// Every aspect, in the order of work.
        pub const ASPECTS: &[Kind] = &[$(Kind::$kind,)*];

        impl Kind {
            /// Its name in plans, in the ledger and on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => <$aspect as Aspect>::NAME,)* }
            }

            /// Whether a new account stays in quarantine until it holds.
            pub fn guards(self) -> bool {
                match self { $(Self::$kind => <$aspect as Aspect>::GUARD,)* }
            }

            /// Where it is looked at.
            pub fn places(self, target: &Target, enabled: &[Region]) -> Vec<Place> {
                match self { $(Self::$kind => <$aspect as Aspect>::places(target, enabled),)* }
            }

            /// Reads what there is.
            pub async fn observe(self, look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
                match self { $(Self::$kind => <$aspect as Aspect>::observe(look, target).await.map(Facts::$kind),)* }
            }
        }

        impl Facts {
            /// Decides what to do.
            pub fn plan(&self, target: &Target) -> Planned<Action> {
                match self { $(Self::$kind(facts) => {
                    let Planned { steps, kept, problems, awaits, waits } = <$aspect as Aspect>::plan(target, facts);
                    Planned { steps: steps.into_iter().map(Action::$kind).collect(), kept, problems, awaits, waits }
                })* }
            }
        }

        impl Action {
            /// The aspect it belongs to.
            pub fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind,)* }
            }

            /// Whether it lets the account out of quarantine.
            pub fn releases(&self) -> bool {
                match self { $(Self::$kind(action) => <$aspect as Aspect>::releases(action),)* }
            }

            /// Does it.
            pub async fn take(&self, scope: &Scope) -> Result<Taken, StepError> {
                match self { $(Self::$kind(action) => <$aspect as Aspect>::take(scope, action).await,)* }
            }
        }

        impl fmt::Display for Action {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$kind(action) => action.fmt(f),)* }
            }
        }
    };
}

aspects! {
    Intake = intake::Intake,
    AccountTags = account_tags::AccountTags,
    Regions = regions::Regions,
    Alias = alias::Alias,
    Contacts = contacts::Contacts,
    PasswordPolicy = password_policy::PasswordPolicy,
    PublicAccess = public_access::PublicAccess,
    AccountKey = account_key::AccountKey,
    EbsEncryption = ebs_encryption::EbsEncryption,
    SnapshotSharing = snapshot_sharing::SnapshotSharing,
    ImageSharing = image_sharing::ImageSharing,
    InstanceMetadata = instance_metadata::InstanceMetadata,
    SerialConsole = serial_console::SerialConsole,
    DocumentSharing = document_sharing::DocumentSharing,
    DefaultVpc = default_vpc::DefaultVpc,
    Roles = roles::Roles,
    Groups = identities::Groups,
    MirrorRoles = identities::MirrorRoles,
    DeployRoles = deploy_roles::DeployRoles,
    Oidc = oidc::Oidc,
    Sso = sso::Sso,
    RootUser = root_user::RootUser,
    Budget = budget::Budget,
    Anomaly = anomaly::Anomaly,
    Quotas = quotas::Quotas,
    Trail = trail::Trail,
    LogAlarms = log_alarms::LogAlarms,
    BreakGlassAlarm = break_glass::BreakGlassAlarm,
    ConfigBucket = config_bucket::ConfigBucket,
    ConfigRecorder = config_recorder::ConfigRecorder,
    GuardDuty = guardduty::GuardDuty,
    SecurityHub = security_hub::SecurityHub,
    AccessAnalyzer = access_analyzer::AccessAnalyzer,
    DnsZone = dns_zone::DnsZone,
    RamShares = ram_shares::RamShares,
    EcrSharing = ecr_sharing::EcrSharing,
    ImageShares = image_shares::ImageShares,
    Peering = peering::Peering,
    Units = units::Units,
    Policies = policies::Policies,
    RootCredentials = root_credentials::RootCredentials,
    Vending = vending::Vending,
    Placement = placement::Placement,
}

/// The step that puts a closed account out of the way, where there is one.
pub(super) fn retirement(target: &Target) -> Option<Action> {
    placement::retirement(target).map(Action::Placement)
}

impl Action {
    /// The action in a word, such as `create-role`.
    pub fn word(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("action").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// The texts under `member` of each of `items`.
fn texts(items: &[Value], member: &str) -> Vec<String> {
    items.iter().filter_map(|item| item.get(member)?.as_str()).map(str::to_owned).collect()
}

/// The list under `member`; empty when there is none.
fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Turns "it is not there" into success.
fn fine_if_gone(outcome: Result<Value, CallError>) -> Result<(), CallError> {
    match outcome {
        Err(error) if !error.is_gone() => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// `1 subnet`, `3 subnets`.
fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::ASPECTS;

    /// The table of `docs/baseline.md`: the aspect, and whether it guards.
    fn told() -> Vec<(String, bool)> {
        let file = format!("{}/../docs/baseline.md", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(file).unwrap();
        let row = |line: &str| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, aspect, _, _, guard, _, _] = cells.as_slice() else { return None };
            let aspect = aspect.strip_prefix('`')?.strip_suffix('`')?;
            Some((aspect.to_owned(), *guard == "yes"))
        };
        text.lines().filter_map(row).collect()
    }

    #[test]
    fn documentation_lists_the_aspects_in_the_order_of_work() {
        let there: Vec<(String, bool)> = ASPECTS.iter().map(|kind| (kind.name().to_owned(), kind.guards())).collect();
        assert_eq!(told(), there);
    }
}
