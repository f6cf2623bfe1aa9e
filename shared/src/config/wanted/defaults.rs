//! Settings that AWS delivers open and a layer can declare closed: of services, and of the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EbsEncryption;

/// Defaults of services. `false` leaves the account as it is: a default is never switched off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Whether S3 refuses public access in the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_block_public: Option<bool>,
    /// Whether new EBS volumes are encrypted, in every enabled region, and with which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebs_encryption: Option<EbsEncryption>,
    /// Whether EBS snapshots can be shared with everybody, in every enabled region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_block: Option<SnapshotBlock>,
    /// Whether images (AMIs) cannot be shared with everybody from now on, in every enabled region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ami_block: Option<bool>,
    /// Whether new instances answer only IMDSv2, in every enabled region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imdsv2: Option<Imdsv2>,
    /// Access to the serial console of instances, in every enabled region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_console: Option<SerialConsole>,
    /// Whether documents of Systems Manager cannot be shared with everybody, in every enabled region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssm_document_block: Option<bool>,
    /// Drops the defaults that an earlier layer declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<bool>,
}

/// Which sharing of EBS snapshots with everybody is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotBlock {
    /// All of it: snapshots that are public are so no longer.
    AllSharing,
    /// At least new sharing; snapshots that are public stay so.
    NewSharing,
    /// Left as it is.
    Keep,
}

/// What new instances ask of those who read their metadata, where the launch does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Imdsv2 {
    /// A session token: IMDSv1 is off.
    Required,
    /// Left as it is.
    Keep,
}

/// Access to the serial console of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SerialConsole {
    /// Nobody has it.
    Disabled,
    /// Left as it is.
    Keep,
}

/// What becomes of default VPCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultVpc {
    /// Deleted with its subnets and gateways where nothing uses it; kept, with the reason, where something does.
    DeleteIfUnused,
    /// Left alone.
    Keep,
    /// Kept, without an opening: its default security group has no rules, unless something uses it, and its subnets
    /// give out no public addresses.
    Strip,
    /// Deleted as with `delete-if-unused`; where something uses it, that is an error.
    Delete,
    /// Made where it is missing.
    Recreate,
}
