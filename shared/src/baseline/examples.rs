//! Whole forests: the files of `infra/examples` on accounts in memory. They are brought to what is declared, again without
//! a write; and whatever single call fails on the way, the next run ends in the same place.

use jiff::Timestamp;

use super::fake::{FakeMember, FakeOrganization, FakeQuota, Trip};
use super::world::{World, management};
use crate::config::Config;
use crate::org::Member;
use crate::types::AccountId;

const EXAMPLES: [&str; 3] = ["ous-with-sandbox", "pipeline-with-shared-subnets", "stages-with-mirrored-groups"];

/// Every account of the file is there, as AWS hands it out: in the root.
fn world(example: &str) -> World {
    let file = format!("{}/../infra/examples/{example}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).unwrap();
    let config = Config::parse(&text, example).unwrap();
    let mut organization = FakeOrganization::new(&management(), &[]);
    organization.center.region = config.home_region.clone().into();
    organization.center.groups.insert("Engineers".to_owned(), "g-1".to_owned());
    let set = "arn:aws:sso:::permissionSet/ssoins-1/ps-1".to_owned();
    organization.center.sets.insert("SandboxAdmin".to_owned(), set);
    for (n, name) in config.accounts.keys().filter(|name| *name != "management").enumerate() {
        organization = organization.with(&account(n), FakeMember::new(name, ""));
    }
    let ids: Vec<AccountId> = organization.members.keys().cloned().collect();
    let world = World::forest(&text, organization);
    for id in ids {
        world.cloud.change(&id, |account| {
            for region in account.regions.clone() {
                account.quotas.insert((region, "L-B99A9384".to_owned()), FakeQuota::default());
            }
        });
    }
    world
}

fn account(n: usize) -> AccountId {
    format!("7{n:011}").parse().unwrap()
}

impl World {
    /// Brings every account to its baseline, and says what is not as declared.
    async fn apply_all(&self) -> Vec<String> {
        let accounts = self.baseline.directory().accounts().await.unwrap();
        let prepared = self.baseline.prepare_all(accounts).await.unwrap();
        let outcomes = self.baseline.apply_all(prepared, true, Timestamp::now()).await;
        let reports = outcomes.into_iter().map(|(_, outcome)| outcome.unwrap());
        reports.filter(|report| !report.is_clean()).map(|report| report.to_string()).collect()
    }
}

#[tokio::test]
async fn every_example_converges() {
    for example in EXAMPLES {
        let world = world(example);
        assert_eq!(world.apply_all().await, Vec::<String>::new(), "{example}");
        world.cloud.calls();
        assert_eq!(world.apply_all().await, Vec::<String>::new(), "{example}");
        assert_eq!(world.cloud.writes(), Vec::<String>::new(), "{example}");
    }
}

/// What IAM calls an operation, where that is not its name; nothing where everybody may call it
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
const RENAMED: [(&str, &str); 13] = [
    ("CreateBudget", "ModifyBudget"),
    ("CreateNotification", "ModifyBudget"),
    ("DescribeBudget", "ViewBudget"),
    ("DescribeNotificationsForBudget", "ViewBudget"),
    ("DescribeSubscribersForNotification", "ViewBudget"),
    ("GetBucketEncryption", "GetEncryptionConfiguration"),
    ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("GetPublicAccessBlock", "GetAccountPublicAccessBlock"),
    ("ListBuckets", "ListAllMyBuckets"),
    ("PutBucketEncryption", "PutEncryptionConfiguration"),
    ("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
    ("PutPublicAccessBlock", "PutAccountPublicAccessBlock"),
    ("GetCallerIdentity", ""),
];

/// No role is assumed in the account that the function runs in: its own permissions have to do, for each aspect.
#[tokio::test]
async fn function_may_do_in_its_own_account_what_the_examples_take() {
    let path = format!("{}/../infra/template.yaml", env!("CARGO_MANIFEST_DIR"));
    let template = std::fs::read_to_string(path).unwrap();
    let whole = |from: &str, to: &str| template.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned();
    let grants = whole("  BaseAccess:\n", "  BaselineQueue:\n") + &whole("  AccountBaseline:\n", "  SandboxReset:\n");
    let granted: Vec<&str> =
        grants.split([' ', '\n', ',', '[', ']']).filter_map(|word| Some(word.split_once(':')?.1)).collect();
    let mut called = 0;
    for example in EXAMPLES {
        let world = world(example);
        world.apply_all().await;
        for (_, _, operation) in world.cloud.calls() {
            let renamed = RENAMED.iter().find(|(name, _)| *name == operation).map(|(_, action)| *action);
            let action = renamed.unwrap_or(&operation);
            assert!(action.is_empty() || granted.contains(&action), "{example}: {operation}");
            called += 1;
        }
    }
    assert!(called > 500, "{called}");
}

/// One run for every call of one account's baseline, with that call refused, or made and its answer lost.
#[tokio::test]
async fn whatever_call_fails_the_forest_ends_as_declared() {
    for example in EXAMPLES {
        for trip in [Trip::Refused, Trip::Lost] {
            // Every call of the whole forest would take minutes: the calls are sampled, evenly and to the last.
            for n in (0..).step_by(23) {
                let world = world(example);
                world.cloud.trip(n, trip);
                world.apply_all().await;
                if !world.cloud.tripped() {
                    assert!(n > 300, "{example} makes more than {n} calls");
                    break;
                }
                world.cloud.heal();
                world.apply_all().await;
                assert_eq!(world.apply_all().await, Vec::<String>::new(), "{example}, {trip:?} call {n}");
                world.cloud.calls();
                world.apply_all().await;
                assert_eq!(world.cloud.writes(), Vec::<String>::new(), "{example}, {trip:?} call {n}");
            }
        }
    }
}

/// The baseline of one account writes in that account, and elsewhere only what the organization holds about it.
#[tokio::test]
async fn nothing_outside_the_account_is_written_but_by_named_calls_to_the_organization() {
    const NAMED: [&str; 6] = [
        "CreateAccountAssignment",
        "CreateAnomalyMonitor",
        "CreateAnomalySubscription",
        "MoveAccount",
        "ProvisionPermissionSet",
        "TagResource",
    ];
    for example in EXAMPLES {
        let world = world(example);
        world.apply_to(&management()).await;
        world.cloud.calls();
        for id in (0..world.cloud.organization().members.len() - 1).map(account) {
            world.apply_to(&id).await;
            for (at, _, operation) in world.cloud.writing_calls() {
                assert!(at == id || NAMED.contains(&operation.as_str()), "{example}: {operation} in {at} for {id}");
            }
        }
    }
}

/// What IAM calls a permission where it is not the operation's name
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
const PERMISSIONS: [(&str, &str); 12] = [
    ("CreateBudget", "ModifyBudget"),
    ("DescribeBudget", "ViewBudget"),
    ("DescribeNotificationsForBudget", "ViewBudget"),
    ("DescribeSubscribersForNotification", "ViewBudget"),
    ("GetBucketEncryption", "GetEncryptionConfiguration"),
    ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("ListBuckets", "ListAllMyBuckets"),
    ("PutBucketEncryption", "PutEncryptionConfiguration"),
    ("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
    ("PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
    // Everybody may.
    ("GetCallerIdentity", "AssumeRole"),
];

/// Whether `text`, policies of the template, permits an operation.
fn permits(text: &str, operation: &str) -> bool {
    let renamed = PERMISSIONS.iter().find(|(call, _)| *call == operation);
    let permission = format!(":{}", renamed.map_or(operation, |(_, permission)| permission));
    text.split(|c: char| c.is_whitespace() || ",[]".contains(c)).any(|word| word.ends_with(&permission))
}

fn template() -> String {
    std::fs::read_to_string(format!("{}/../infra/template.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The account that Forester runs in is entered with no role: the function itself needs the permission for every call.
#[tokio::test]
async fn function_may_do_in_its_own_account_whatever_the_examples_declare() {
    let template = template();
    let everything = World::organization(OWN, FakeOrganization::new(&management(), &[]));
    for (world, name) in EXAMPLES.map(|example| (world(example), example)).into_iter().chain([(everything, "own")]) {
        world.apply_all().await;
        for (account, _, operation) in world.cloud.calls() {
            assert!(account != management() || permits(&template, &operation), "{name}: {operation}");
        }
    }
}

/// A reset ends in the baseline of a member, and its function has no more than the policies that both share.
#[tokio::test]
async fn reset_may_call_for_a_member_what_its_baseline_asks_of_the_organization() {
    let template = template();
    let (_, shared) = template.split_once("  BaseAccess:").unwrap();
    let (shared, _) = shared.split_once("# ---- account baselining").unwrap();
    for example in EXAMPLES {
        let world = world(example);
        world.apply_to(&management()).await;
        world.cloud.calls();
        let forest = world.baseline.forest().await.unwrap();
        for Member { id, .. } in forest.members.iter().filter(|member| member.ou.as_ref().starts_with("Sandbox")) {
            world.apply_to(id).await;
            for (at, _, operation) in world.cloud.calls() {
                assert!(at != management() || permits(shared, &operation), "{example}: {operation} for {id}");
            }
        }
    }
}

/// What any account may be held to, declared for the account that Forester runs in.
const OWN: &str = r#"accounts: {management: {id: "111122223333"}}
layers:
- match: {all: true}
  contacts: {security: sec@acme.example, billing: fin@acme.example, operations: ops@acme.example}
  keys: {account: {alias: acme-account, rotate: true}}
  default_vpc: strip
  regions: {enable: []}
  defaults: {ebs_encryption: {key: account}, snapshot_block: all-sharing, ami_block: true, imdsv2: required,
             serial_console: disabled, ssm_document_block: true}
"#;
