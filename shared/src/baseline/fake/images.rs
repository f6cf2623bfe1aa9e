//! Machine images of a fake account.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::config::wildcard;
use crate::types::Region;

/// An image: `permissions` are accounts, OUs, organizations and `all`; `key` is what its snapshot is encrypted with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeImage {
    pub name: String,
    pub permissions: BTreeSet<String>,
    pub key: Option<String>,
}

/// What is answered here.
pub(super) const ABOUT: &[&str] =
    &["DescribeImages", "DescribeImageAttribute", "ModifyImageAttribute", "DescribeSnapshots"];

pub(super) fn images(account: &mut FakeAccount, region: &Region, operation: &str, params: &Value) -> Answer {
    let images = account.images.entry(region.clone()).or_default();
    match operation {
        "DescribeImages" => {
            assert_eq!(params["Owners"], json!(["self"]));
            let pattern = params["Filters"][0]["Values"][0].as_str().unwrap();
            assert_eq!(params["Filters"][1], json!({ "Name": "state", "Values": ["available"] }));
            let shown = images.iter().filter(|(_, image)| wildcard(pattern, &image.name)).map(|(id, image)| {
                let disk = json!({ "SnapshotId": format!("snap-{id}"), "Encrypted": image.key.is_some() });
                json!({ "ImageId": id, "Name": image.name, "BlockDeviceMappings": [{ "Ebs": disk }] })
            });
            Ok(json!({ "Images": shown.collect::<Vec<_>>() }))
        }
        "DescribeSnapshots" => {
            let asked = params["SnapshotIds"].as_array().unwrap();
            let named = images.iter().map(|(id, image)| (format!("snap-{id}"), image));
            let shown = named.filter(|(id, _)| asked.contains(&id.as_str().into()));
            let shown = shown.map(|(id, image)| json!({ "SnapshotId": id, "KmsKeyId": image.key }));
            Ok(json!({ "Snapshots": shown.collect::<Vec<_>>() }))
        }
        _ => {
            let image = images.get_mut(text(params, "ImageId")).ok_or((ErrorClass::Gone, "InvalidAMIID.NotFound"))?;
            if operation == "DescribeImageAttribute" {
                assert_eq!(params["Attribute"], "launchPermission");
                let shown = image.permissions.iter().map(|who| permission(who));
                return Ok(json!({ "LaunchPermissions": shown.collect::<Vec<_>>() }));
            }
            let by_aws = |key: &String| account.keys.get(&(region.clone(), key.clone())).is_some_and(|key| key.by_aws);
            if image.key.as_ref().is_some_and(by_aws) {
                return Err((ErrorClass::Invalid, "InvalidParameter"));
            }
            let listed = |member: &str| params["LaunchPermission"][member].as_array().cloned().unwrap_or_default();
            image.permissions.extend(listed("Add").iter().map(who));
            for gone in listed("Remove") {
                image.permissions.remove(&who(&gone));
            }
            Ok(json!({}))
        }
    }
}

fn permission(who: &str) -> Value {
    let member = match who {
        "all" => "Group",
        _ if who.contains(":organization/") => "OrganizationArn",
        _ if who.contains(":ou/") => "OrganizationalUnitArn",
        _ => "UserId",
    };
    json!({ member: who })
}

/// The one value of a permission, which must be under the right name.
fn who(given: &Value) -> String {
    let entries = given.as_object().unwrap();
    assert_eq!(entries.len(), 1);
    let who = entries.values().next().unwrap().as_str().unwrap();
    assert_eq!(*given, permission(who));
    who.to_owned()
}
