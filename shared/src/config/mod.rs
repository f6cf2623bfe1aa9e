//! `forester.yaml`: one file declares the forest.

pub mod alerts;
mod check;
mod identities;
mod layers;
mod load;
mod matrix;
mod organization;
mod pattern;
mod policies;
mod policy_document;
mod resolve;
mod roles;
mod sandbox;
mod schema;
pub mod shares;
mod wanted;
mod words;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::{AccountId, OuPath, Region};

pub use alerts::Alerts;
pub use identities::{Identities, IdentityCenter, Membership, MirrorRoles};
pub use layers::{Match, Subject};
pub use load::{ConfigErrors, Problem};
pub use matrix::Matrix;
pub use organization::OrganizationUnits;
pub use pattern::{OuPattern, wildcard};
pub use policies::{NamedPolicy, Policy, PolicyType, QUARANTINE};
pub use policy_document::PolicyDocument;
pub use resolve::{Origin, Resolved, Said};
pub use roles::is_service;
pub use sandbox::{
    Approve, CloudControl, Costs, Fallback, FirstRun, Freeze, Guards, How, Limits, Pause, Pool, Protect, Quarantine,
    Recreate, ResetVpc, Sandbox, SandboxMatch, Schedule, Snooze, Window, Windows, Witness, Witnesses,
};
pub use schema::schema;

pub use wanted::{Anomaly, LogAlarms, Service, Services, Trail};
pub use wanted::{
    Assignment, Budget, Contact, Contacts, DefaultVpc, Defaults, DeployRole, DeployRoles, EbsEncryption, Enforce,
    Imdsv2, Key, Layer, Money, Notify, OidcProvider, OidcRole, OptInRegions, PasswordPolicy, Quota, Role,
    SerialConsole, SnapshotBlock, Wanted,
};
pub use wanted::{QuarantineUntil, RootCredentials};

/// The whole file, checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The version of this format: 1.
    pub version: u32,
    /// Where Forester stands.
    pub mode: OperatingMode,
    /// The region that account-wide calls are made in; the functions' own queues and tables stand where they run.
    pub home_region: Region,
    /// The regions it works in.
    pub regions: Regions,
    /// How member accounts are entered.
    pub access: Access,
    /// The accounts that the file names.
    #[serde(default)]
    pub accounts: BTreeMap<String, AccountEntry>,
    /// Applications and stages that have an account for every pair; they count as if `accounts` named them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matrix: Vec<Matrix>,
    /// The OUs that Forester itself needs.
    #[serde(default)]
    pub organization: OrganizationUnits,
    /// People who live in one account and work in others.
    #[serde(default)]
    pub identities: Option<Identities>,
    /// Policies of the organization, beside those that Forester brings along; `policies` in a layer puts them into force.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Policy>,
    /// IAM Identity Center of the organization.
    #[serde(default)]
    pub identity_center: Option<IdentityCenter>,
    /// What holds where, in order; later layers win.
    #[serde(default)]
    pub layers: Vec<Layer>,
    /// What accounts share with each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<shares::Share>,
    /// Sandboxes; absent: nothing is ever reset.
    #[serde(default)]
    pub sandbox: Option<Sandbox>,
    /// Alerts; absent: nothing is routed.
    #[serde(default)]
    pub alerts: Option<Alerts>,
}

/// Where Forester stands. The one place that knows: `org`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperatingMode {
    /// In the management account, or in a delegated one.
    Organization,
    /// In a member account that acts as root for the accounts of the file; no Organizations calls.
    VirtualRoot,
    /// Every account of the file is the same account; no role is assumed.
    SingleAccount,
}

/// The regions Forester works in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    /// Where the organization works: each of them must be enabled in every account.
    pub govern: Vec<Region>,
    /// Where default VPCs are looked for. Default: `all-enabled`.
    #[serde(default)]
    pub vpc_cleanup: VpcCleanup,
}

/// Where default VPCs are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VpcCleanup {
    /// In every region that the account has enabled.
    #[default]
    AllEnabled,
    /// In the governed regions.
    Governed,
}

/// How member accounts are entered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The role to assume in each member account.
    pub role: String,
    /// Roles to try, in order, where the first cannot be assumed.
    #[serde(default)]
    pub fallback: Vec<String>,
}

/// One account of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountEntry {
    /// Its id, where known.
    #[serde(default)]
    pub id: Option<AccountId>,
    /// Its root user's e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The OU it belongs in.
    #[serde(default)]
    pub ou: Option<OuPath>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Config {
    /// Reads a file's text; `name` is what messages call it. Every problem is reported, not only the first.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigErrors> {
        let nowhere = |_: &str| {
            Err("a file can be named only where the configuration is a file on disk; write the `content` here"
                .to_owned())
        };
        load::parse(text, name, &nowhere)
    }

    /// The same for a text that was read from the file `name`: it may name files beside it.
    pub fn parse_file(text: &str, name: &str) -> Result<Self, ConfigErrors> {
        let directory = Path::new(name).parent().unwrap_or(Path::new("")).to_owned();
        let beside = |file: &str| {
            let path = directory.join(file);
            std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        load::parse(text, name, &beside)
    }

    /// Whether any layer puts new accounts into quarantine.
    pub fn quarantines(&self) -> bool {
        self.layers.iter().any(|layer| layer.quarantine_until == Some(QuarantineUntil::Guarded))
    }
}
