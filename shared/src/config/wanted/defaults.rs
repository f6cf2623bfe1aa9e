//! Settings that AWS delivers open and a layer can declare closed: of services, and of the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defaults of services. `false` leaves the account as it is: a default is never switched off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Whether S3 refuses public access in the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_block_public: Option<bool>,
    /// Whether new EBS volumes are encrypted, in every enabled region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebs_encryption: Option<bool>,
    /// Drops the defaults that an earlier layer declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// What becomes of default VPCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultVpc {
    /// Deleted with its subnets and gateways where nothing uses it; kept, with the reason, where something does.
    DeleteIfUnused,
    /// Left alone.
    Keep,
}
