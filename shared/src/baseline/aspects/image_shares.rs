//! Machine images that other accounts may launch: a launch permission for an OU, or for each account.
//!
//! An image whose snapshots are encrypted is of no use without the key. A key of the account can be shared, which is
//! for its owner to do; one that AWS manages cannot, and AWS refuses to share the image
//! (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html>).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use futures_util::FutureExt;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::regions_if;
use super::super::observe::side_by_side;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{list, sharing};
use crate::aws::{CallError, Scope};
use crate::config::shares::AmiShare;
use crate::config::wildcard;
use crate::types::{Arn, Region};

/// How many images are asked for their permissions at the same time.
const AT_ONCE: usize = 8;
/// Everybody: the image is public.
const ALL: &str = "all";

/// The launch permissions of images.
pub struct ImageShares;

/// An image.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Its name.
    name: String,
    /// Who may launch it: accounts, OUs, organizations, or all.
    permissions: BTreeSet<String>,
    /// The keys that its snapshots are encrypted with, and whether AWS manages them.
    keys: BTreeMap<String, bool>,
}

/// What can be done about images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Lets more launch the image.
    ShareImage(Change),
    /// Lets fewer launch the image.
    UnshareImage(Change),
}

/// Who may launch an image, or no longer may.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The image's id.
    image: String,
    /// Its name.
    name: String,
    /// Accounts, OUs, organizations, or all.
    who: BTreeSet<String>,
}

fn owned(target: &Target) -> impl Iterator<Item = &AmiShare> {
    let shares = target.config.shares.iter().filter_map(|share| share.ami.as_ref());
    shares.filter(|share| sharing::is(target, &share.owner))
}

#[async_trait]
impl Aspect for ImageShares {
    const NAME: &'static str = "image-shares";
    /// By id.
    type Facts = BTreeMap<String, Image>;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        regions_if(owned(target).next().is_some(), sharing::regions(target, enabled))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<BTreeMap<String, Image>, CallError> {
        let mut found = BTreeMap::new();
        for share in owned(target) {
            // One that is still being made tells no permissions; the next run finds it.
            let filter =
                json!([{ "Name": "name", "Values": [share.name] }, { "Name": "state", "Values": ["available"] }]);
            let images = look.pages("ec2", "DescribeImages", json!({ "Owners": ["self"], "Filters": filter })).await?;
            found.extend(
                images.into_iter().filter_map(|image| Some((image.get("ImageId")?.as_str()?.to_owned(), image))),
            );
        }
        let keys = keys(look, found.values()).await?;
        let read = |(id, image): (&String, &Value)| {
            let (id, name) = (id.clone(), text(image, "Name"));
            let keys = encrypted(image).filter_map(|snapshot| keys.get(&snapshot).cloned()).collect();
            async move {
                match permissions(look, &id).await {
                    // It was deregistered since it was listed.
                    Err(error) if error.is_gone() => Ok(None),
                    permissions => permissions.map(|permissions| Some((id, Image { name, permissions, keys }))),
                }
            }
            .boxed()
        };
        let read: Result<Vec<_>, CallError> =
            side_by_side(AT_ONCE, found.iter().map(read).collect()).await.into_iter().collect();
        Ok(read?.into_iter().flatten().collect())
    }

    fn plan(target: &Target, images: &BTreeMap<String, Image>) -> Planned<Action> {
        let mut planned = Planned::nothing();
        for share in owned(target) {
            if let Err(problem) = sharing::principals(target, &share.to) {
                planned.problems.push(problem);
            }
        }
        for (id, image) in images {
            let entries = owned(target).filter(|share| wildcard(&share.name, &image.name));
            let wanted: Result<Vec<_>, String> = entries.map(|share| sharing::principals(target, &share.to)).collect();
            if let Ok(wanted) = wanted {
                one(target, id, image, wanted.into_iter().flatten().collect(), &mut planned);
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let (member, Change { image, who, .. }) = match action {
            Action::ShareImage(change) => ("Add", change),
            Action::UnshareImage(change) => ("Remove", change),
        };
        let permissions: Vec<Value> = who.iter().map(|who| permission(who)).collect();
        let params = json!({ "ImageId": image, "LaunchPermission": { member: permissions } });
        scope.call("ec2", "ModifyImageAttribute", params).await?;
        Ok(Taken::Done)
    }
}

fn one(target: &Target, id: &str, image: &Image, wanted: BTreeSet<String>, planned: &mut Planned<Action>) {
    let change = |who| Change { image: id.to_owned(), name: image.name.clone(), who };
    let what = || format!("the image {} ({id})", image.name);
    let extra: BTreeSet<String> = image.permissions.difference(&wanted).cloned().collect();
    if target.strict() && !extra.is_empty() {
        planned.steps.push(Action::UnshareImage(change(extra)));
    }
    if let Some((key, _)) = image.keys.iter().find(|(_, by_aws)| **by_aws) {
        let why = format!("AWS manages the key that it is encrypted with ({key}), and shares no such image");
        planned.kept.push((what(), why));
        return;
    }
    let missing: BTreeSet<String> = wanted.difference(&image.permissions).cloned().collect();
    if !missing.is_empty() {
        planned.steps.push(Action::ShareImage(change(missing)));
    }
    for key in image.keys.keys() {
        let why =
            format!("whoever launches it needs {key}, too: the policy of that key, or a grant, must let them use it");
        planned.kept.push((what(), why));
    }
}

/// The snapshots of an image that are encrypted.
fn encrypted(image: &Value) -> impl Iterator<Item = String> + '_ {
    let disks = list(image, "BlockDeviceMappings").iter().filter_map(|mapping| mapping.get("Ebs"));
    let encrypted = disks.filter(|disk| disk.get("Encrypted") == Some(&true.into()));
    encrypted.filter_map(|disk| Some(disk.get("SnapshotId")?.as_str()?.to_owned()))
}

/// The key of each encrypted snapshot, and whether AWS manages it.
async fn keys(
    scope: &Scope,
    images: impl Iterator<Item = &Value>,
) -> Result<BTreeMap<String, (String, bool)>, CallError> {
    let snapshots: Vec<String> = images.flat_map(encrypted).collect();
    if snapshots.is_empty() {
        return Ok(BTreeMap::new());
    }
    let snapshots = scope.pages("ec2", "DescribeSnapshots", json!({ "SnapshotIds": snapshots })).await?;
    let (mut keys, mut known) = (BTreeMap::new(), BTreeMap::new());
    for snapshot in &snapshots {
        let key = text(snapshot, "KmsKeyId");
        let by_aws = match known.get(&key) {
            Some(by_aws) => *by_aws,
            None => by_aws(scope, &key).await?,
        };
        known.insert(key.clone(), by_aws);
        keys.insert(text(snapshot, "SnapshotId"), (key, by_aws));
    }
    Ok(keys)
}

/// AWS's own keys are in the account that uses them; another account's key is somebody's.
async fn by_aws(scope: &Scope, key: &str) -> Result<bool, CallError> {
    if key.parse::<Arn>().is_ok_and(|arn| arn.account() != scope.account().as_ref()) {
        return Ok(false);
    }
    match scope.call("kms", "DescribeKey", json!({ "KeyId": key })).await {
        Err(error) if error.is_gone() => Ok(false),
        answer => Ok(answer?.pointer("/KeyMetadata/KeyManager") == Some(&"AWS".into())),
    }
}

async fn permissions(scope: &Scope, image: &str) -> Result<BTreeSet<String>, CallError> {
    let params = json!({ "ImageId": image, "Attribute": "launchPermission" });
    let answer = scope.call("ec2", "DescribeImageAttribute", params).await?;
    let members = ["UserId", "OrganizationalUnitArn", "OrganizationArn", "Group"];
    let who = |permission: &Value| members.iter().find_map(|member| Some(permission.get(member)?.as_str()?.to_owned()));
    Ok(list(&answer, "LaunchPermissions").iter().filter_map(who).collect())
}

fn permission(who: &str) -> Value {
    let kind = who.parse::<Arn>().ok().map(|arn| arn.resource().starts_with("organization/"));
    let member = match kind {
        Some(true) => "OrganizationArn",
        Some(false) => "OrganizationalUnitArn",
        None if who == ALL => "Group",
        None => "UserId",
    };
    json!({ member: who })
}

fn text(value: &Value, member: &str) -> String {
    value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, Change { image, name, who }) = match self {
            Self::ShareImage(change) => ("let", change),
            Self::UnshareImage(change) => ("no longer let", change),
        };
        let who = if who.contains(ALL) { "everybody".to_owned() } else { sharing::counted(who) };
        write!(f, "{verb} {who} launch {name} ({image})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake::{FakeImage, FakeKey, FakeMember, FakeOrganization};
    use super::super::super::world::World;
    use super::*;
    use crate::aws::ErrorClass;
    use crate::types::AccountId;

    const SHARES: &str = r#"
accounts:
  root:   {id: "111122223333"}
  shared: {id: "222233334444", ou: Shared}
shares:
  - ami: {owner: shared, name: "golden-*", to: "Workloads/**"}
"#;
    const UNIT: &str = "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-ab12-00000002";

    fn id() -> AccountId {
        "222233334444".parse().unwrap()
    }

    fn region() -> Region {
        "eu-west-1".parse().unwrap()
    }

    /// An account with one golden image, encrypted with `key`, and another one.
    fn world(sections: &str, key: Option<&str>) -> World {
        let organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Shared", "Workloads"])
            .with(&id(), FakeMember::new("shared", "Shared"));
        let world = World::organization(sections, organization);
        let image = |name: &str, key: Option<&str>| FakeImage {
            name: name.to_owned(),
            permissions: BTreeSet::from(["555566667777".to_owned()]),
            key: key.map(str::to_owned),
        };
        world.cloud.change(&id(), |account| {
            let images = [("ami-1", image("golden-1", key)), ("ami-2", image("draft", None))];
            account.images.insert(region(), images.into_iter().map(|(id, image)| (id.to_owned(), image)).collect());
            let by_aws = FakeKey { by_aws: true, ..FakeKey::fresh() };
            account.keys.insert((region(), "key-aws".to_owned()), by_aws);
            account.keys.insert((region(), "key-own".to_owned()), FakeKey::fresh());
        });
        world
    }

    fn permissions(world: &World, image: &str) -> Vec<String> {
        world.cloud.account(&id()).images[&region()][image].permissions.iter().cloned().collect()
    }

    #[tokio::test]
    async fn ou_may_launch_what_fits_the_name_and_a_second_apply_writes_nothing() {
        let world = world(SHARES, None);
        assert!(world.apply_to(&id()).await.is_clean());
        assert_eq!(permissions(&world, "ami-1"), ["555566667777", UNIT]);
        assert_eq!(permissions(&world, "ami-2"), ["555566667777"]);
        world.cloud.calls();
        assert!(world.apply_to(&id()).await.is_clean());
        assert_eq!(world.cloud.writes(), [""; 0]);
    }

    #[tokio::test]
    async fn strict_takes_back_what_is_not_declared_and_makes_nothing_public() {
        let world = world(&format!("{SHARES}layers: [{{match: {{all: true}}, enforce: strict}}]\n"), None);
        world.cloud.change(&id(), |account| {
            let image = account.images.get_mut(&region()).unwrap().get_mut("ami-1").unwrap();
            image.permissions.insert("all".to_owned());
        });
        assert!(world.apply_to(&id()).await.is_clean());
        assert_eq!(permissions(&world, "ami-1"), [UNIT]);
        assert_eq!(permissions(&world, "ami-2"), ["555566667777"]);
    }

    #[tokio::test]
    async fn image_under_a_key_of_the_account_is_shared_and_the_key_is_told() {
        let world = world(SHARES, Some("key-own"));
        let report = world.apply_to(&id()).await;
        assert!(report.is_clean() && report.to_string().contains("needs key-own, too"), "{report}");
        assert_eq!(permissions(&world, "ami-1"), ["555566667777", UNIT]);
    }

    #[tokio::test]
    async fn image_that_goes_while_it_is_looked_at_is_no_failure() {
        let world = world(SHARES, None);
        world.cloud.fail("DescribeImageAttribute", None, ErrorClass::Gone, "InvalidAMIID.NotFound");
        assert!(world.apply_to(&id()).await.is_clean());
        assert_eq!(world.cloud.writes(), [""; 0]);
    }

    #[tokio::test]
    async fn image_under_a_key_of_aws_is_kept() {
        let world = world(SHARES, Some("key-aws"));
        let plan = world.plan_of(&id()).await;
        assert!(plan.steps.is_empty() && plan.kept[0].reason.contains("AWS manages the key"), "{plan}");
    }

    #[tokio::test]
    async fn whole_organization_is_named_as_such() {
        let world = world(&SHARES.replace("Workloads/**", "**"), None);
        assert!(world.apply_to(&id()).await.is_clean());
        let whole = "arn:aws:organizations::111122223333:organization/o-exampleorgid";
        assert_eq!(permissions(&world, "ami-1"), ["555566667777", whole]);
    }

    #[tokio::test]
    async fn unread_permissions_are_an_error_and_not_empty() {
        let world = world(SHARES, None);
        world.cloud.fail("DescribeImageAttribute", None, ErrorClass::Denied, "UnauthorizedOperation");
        let plan = world.plan_of(&id()).await;
        assert!(plan.steps.is_empty() && plan.errors[0].hint.contains("ec2:DescribeImageAttribute"), "{plan}");
    }
}
