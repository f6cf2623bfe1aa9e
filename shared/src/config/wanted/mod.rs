//! What a layer can declare: one key an aspect, its type in the file of its kind. Everything
//! is optional, because layers merge.

mod account;
mod audit;
mod contacts;
mod defaults;
mod deploy;
mod identity;
mod keys;
mod money;
mod oidc;
mod quotas;
mod services;
mod sso;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Match, MirrorRoles};

pub use account::{OptInRegions, PasswordPolicy, QuarantineUntil, RootCredentials};
pub use audit::{LogAlarms, Trail};
pub use contacts::{Contact, Contacts};
pub use defaults::{DefaultVpc, Defaults, Imdsv2, SerialConsole, SnapshotBlock};
pub use deploy::{DeployRole, DeployRoles};
pub use identity::Role;
pub use keys::{EbsEncryption, Key};
pub use money::{Anomaly, Budget, Money, Notify};
pub use oidc::{OidcProvider, OidcRole};
pub use quotas::Quota;
pub use services::{Service, Services};
pub use sso::Assignment;

/// Declares the aspects once: `Layer` carries them beside its `match`, `Wanted` carries what the layers came to.
macro_rules! aspects {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// A `match`, and what holds for the accounts that fit it.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Layer {
            /// The accounts it is for.
            #[serde(rename = "match")]
            pub matches: Match,
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )*
        }

        /// What the layers of one account came to.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Wanted {
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )*
        }
    };
}

aspects! {
    /// How far Forester goes in these accounts. Default: `additive`.
    enforce: Enforce,
    /// How long a new account waits in the Intake OU before it comes to its own. Default: it does not wait.
    quarantine_until: QuarantineUntil,
    /// Regions that the account has to switch on; the governed ones are meant along with them.
    regions: OptInRegions,
    /// Policies of the organization, by name. Where the layer says only `all` or `ou` they are attached to the root or
    /// to the topmost OUs that are meant, and hold for everything below; else to each account. Layers add to each other.
    policies: Vec<String>,
    /// The root users of accounts. Default: each account keeps its own.
    root_credentials: RootCredentials,
    /// The account alias; `{name}`, `{id}` and `{tag.KEY}` stand for the account's own.
    alias: String,
    /// Whom AWS writes to beside the root user: the alternate contacts.
    contacts: Contacts,
    /// The password policy of IAM users.
    password_policy: PasswordPolicy,
    /// KMS keys of the account, by the name that the file calls them.
    keys: BTreeMap<String, Key>,
    /// Defaults of services, account by account and region by region.
    defaults: Defaults,
    /// What becomes of the VPC that AWS puts into every region.
    default_vpc: DefaultVpc,
    /// IAM roles, by name.
    roles: BTreeMap<String, Role>,
    /// Groups of the home account (`identities`) that come in, each by a role of its own.
    mirror_roles: MirrorRoles,
    /// Roles by which a pipeline in another account deploys.
    deploy_roles: DeployRoles,
    /// Groups of IAM Identity Center that come in. A later layer replaces the list.
    sso: Vec<Assignment>,
    /// Identity providers by whose tokens workloads elsewhere come in, by a name of their own.
    oidc: BTreeMap<String, OidcProvider>,
    /// Service quotas that are raised where they are lower.
    quotas: Vec<Quota>,
    /// The monthly cost budget, kept in the account itself.
    budget: Budget,
    /// Who is told of unusual spend.
    anomaly: Anomaly,
    /// The CloudTrail trail, its bucket and its alarms.
    trail: Trail,
    /// AWS's own services that look after the account.
    services: Services,
}

/// How far Forester goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enforce {
    /// Makes what is declared true, and leaves everything else.
    #[default]
    Additive,
    /// Also removes what is not declared, within the things that are: a policy on a declared role, an alert on a
    /// declared budget, an alias beside the declared one.
    Strict,
    /// Reports, and writes nothing.
    Observe,
}
