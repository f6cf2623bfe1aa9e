//! The root user of a fake account, as a short session finds it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, FakeAccount, FakeOrganization, GONE, text};
use crate::aws::{ErrorClass, RootTask};
use crate::types::AccountId;

/// The credentials of a root user.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeRoot {
    pub password: bool,
    pub keys: BTreeSet<String>,
    pub certificates: BTreeSet<String>,
    /// By serial number.
    pub devices: BTreeSet<String>,
}

/// Whether the root user of this account can be entered: that of a member, once the feature is on.
pub(super) fn opens(organization: &FakeOrganization, account: &AccountId) -> bool {
    let managed = organization.root_features.contains("RootCredentialsManagement");
    managed && organization.management != *account && organization.members.contains_key(account)
}

/// A call in a session; `task` is what it may do.
pub(super) fn root(
    account: &mut FakeAccount,
    task: Option<RootTask>,
    (service, operation): (&str, &str),
    params: &Value,
) -> Answer {
    let root = &mut account.root;
    let read = operation.starts_with("Get") || operation.starts_with("List");
    if service != "iam" || params.get("UserName").is_some() || !read && task != Some(RootTask::Delete) {
        return Err((ErrorClass::Denied, "AccessDenied"));
    }
    let listed = |member: &str, ids: &BTreeSet<String>| ids.iter().map(|id| json!({ member: id })).collect::<Vec<_>>();
    match operation {
        "GetLoginProfile" if root.password => return Ok(json!({ "LoginProfile": {} })),
        "GetLoginProfile" => return Err(GONE),
        "ListAccessKeys" => return Ok(json!({ "AccessKeyMetadata": listed("AccessKeyId", &root.keys) })),
        "ListSigningCertificates" => {
            return Ok(json!({ "Certificates": listed("CertificateId", &root.certificates) }));
        }
        "ListMFADevices" => return Ok(json!({ "MFADevices": listed("SerialNumber", &root.devices) })),
        _ => {}
    }
    let was_there = match operation {
        "DeleteLoginProfile" => std::mem::take(&mut root.password),
        "DeleteAccessKey" => root.keys.remove(text(params, "AccessKeyId")),
        "DeleteSigningCertificate" => root.certificates.remove(text(params, "CertificateId")),
        "DeactivateMFADevice" => root.devices.remove(text(params, "SerialNumber")),
        _ => panic!("the fake does not know iam:{operation} of a root user"),
    };
    if was_there { Ok(json!({})) } else { Err(GONE) }
}
