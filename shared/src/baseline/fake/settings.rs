//! Settings of the regions of a fake account. Those that a declarative policy holds cannot be set.

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::types::Region;

/// A setting: how it is read and set, and what it is in a new account.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("GetSnapshotBlockPublicAccessState", "EnableSnapshotBlockPublicAccess", "unblocked"),
    ("GetImageBlockPublicAccessState", "EnableImageBlockPublicAccess", "unblocked"),
    ("GetInstanceMetadataDefaults", "ModifyInstanceMetadataDefaults", ""),
    ("GetSerialConsoleAccessStatus", "DisableSerialConsoleAccess", "disabled"),
    ("GetServiceSetting", "UpdateServiceSetting", "Enable"),
];

/// `None` where the operation is about something else.
pub(super) fn settings(account: &mut FakeAccount, region: &Region, operation: &str, params: &Value) -> Option<Answer> {
    let (read, _, at_first) = SETTINGS.iter().find(|(read, set, _)| *read == operation || *set == operation)?;
    let key = (region.clone(), (*read).to_owned());
    let by_policy = account.by_policy.contains(*read);
    if operation == *read {
        let word = account.settings.get(&key).map_or(*at_first, String::as_str);
        return Some(Ok(answer(operation, word, if by_policy { "declarative-policy" } else { "account" })));
    }
    if by_policy {
        return Some(Err((ErrorClass::Invalid, "OperationNotPermitted")));
    }
    let word = match operation {
        "EnableSnapshotBlockPublicAccess" => text(params, "State"),
        "EnableImageBlockPublicAccess" => text(params, "ImageBlockPublicAccessState"),
        "ModifyInstanceMetadataDefaults" => text(params, "HttpTokens"),
        "UpdateServiceSetting" => text(params, "SettingValue"),
        _ => "disabled",
    };
    account.settings.insert(key, word.to_owned());
    Some(Ok(json!({})))
}

fn answer(operation: &str, word: &str, by: &str) -> Value {
    match operation {
        "GetSnapshotBlockPublicAccessState" => json!({ "State": word, "ManagedBy": by }),
        "GetImageBlockPublicAccessState" => json!({ "ImageBlockPublicAccessState": word, "ManagedBy": by }),
        // What has no preference is not told at all.
        "GetInstanceMetadataDefaults" if word.is_empty() => json!({ "AccountLevel": { "ManagedBy": by } }),
        "GetInstanceMetadataDefaults" => json!({ "AccountLevel": { "HttpTokens": word, "ManagedBy": by } }),
        "GetSerialConsoleAccessStatus" => json!({ "SerialConsoleAccessEnabled": word == "enabled", "ManagedBy": by }),
        _ => json!({ "ServiceSetting": { "SettingValue": word } }),
    }
}
