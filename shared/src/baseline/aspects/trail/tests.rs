use serde_json::{Value, json};

use crate::aws::ErrorClass;
use crate::baseline::fake::{FakeAccount, FakeBucket, FakeMember, FakeOrganization};
use crate::baseline::world::{World, id};
use crate::types::AccountId;

const OWN: &str = "- {match: {all: true}, enforce: ENFORCE, trail: {bucket: acme-trail, retention_days: 2555}}";
const WHOLE: &str = "accounts: {audit: {id: \"444455556666\"}}\nlayers:\n- match: {account: audit}\n  \
                     trail: {organization: true, bucket: acme-trail, retention_days: 2555}";

fn management() -> AccountId {
    "111122223333".parse().unwrap()
}

fn forest() -> World {
    let organization = FakeOrganization::new(&management(), &["Security"])
        .with(&management(), FakeMember::new("root", ""))
        .with(&id(), FakeMember::new("audit", "Security"));
    World::organization(WHOLE, organization)
}

fn trail(account: &FakeAccount, owner: &AccountId) -> Value {
    account.trails[&format!("arn:aws:cloudtrail:eu-west-1:{owner}:trail/forester")].described.clone()
}

#[tokio::test]
async fn trail_is_made_with_everything_that_it_delivers_to() {
    let world = World::fresh(OWN);
    assert_eq!(world.apply().await.complaints(), Vec::<String>::new());
    let account = world.cloud.account(&id());
    let made = trail(&account, &id());
    assert_eq!(made["IsMultiRegionTrail"], true);
    assert_eq!(made["LogFileValidationEnabled"], true);
    assert_eq!(made["CloudWatchLogsLogGroupArn"], "arn:aws:logs:eu-west-1:444455556666:log-group:forester-trail:*");
    assert!(account.trails.values().all(|trail| trail.logging));
    let bucket = &account.buckets["acme-trail"].settings;
    assert_eq!(bucket["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"], true);
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    assert_eq!(bucket["LifecycleConfiguration"]["Rules"][0]["Expiration"]["Days"], 2555);
    let policy: Value = serde_json::from_str(bucket["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][2]["Resource"], json!(["arn:aws:s3:::acme-trail/AWSLogs/444455556666/*"]));
}

#[tokio::test]
async fn second_apply_writes_nothing() {
    let world = World::fresh(OWN);
    world.apply().await;
    world.cloud.writes();
    assert!(world.apply().await.is_clean());
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn whatever_was_switched_off_is_switched_on_again() {
    let world = World::fresh(OWN);
    world.apply().await;
    let data = json!({ "ReadWriteType": "WriteOnly", "IncludeManagementEvents": true,
        "DataResources": [{ "Type": "AWS::S3::Object", "Values": ["arn:aws:s3"] }] });
    world.cloud.change(&id(), |account| {
        for trail in account.trails.values_mut() {
            trail.logging = false;
            trail.described["LogFileValidationEnabled"] = false.into();
            trail.selectors = json!({ "EventSelectors": [data] });
        }
        account.log_groups.values_mut().for_each(|group| group.days = None);
        account.buckets.get_mut("acme-trail").unwrap().settings.remove("VersioningConfiguration");
    });
    world.cloud.writes();
    world.apply().await;
    let expect = ["PutBucketVersioning", "PutRetentionPolicy", "UpdateTrail", "PutEventSelectors", "StartLogging"];
    assert_eq!(world.cloud.writes(), expect);
    let account = world.cloud.account(&id());
    let selectors = account.trails.values().next().unwrap().selectors["EventSelectors"].clone();
    let management = json!({ "ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [] });
    assert_eq!(selectors, json!([data, management]), "no more data events than before");
    world.apply().await;
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn five_selectors_of_others_become_no_sixth() {
    let world = World::fresh(OWN);
    world.apply().await;
    let data = json!({ "ReadWriteType": "WriteOnly", "IncludeManagementEvents": false,
        "DataResources": [{ "Type": "AWS::S3::Object", "Values": ["arn:aws:s3"] }] });
    world.cloud.change(&id(), |account| {
        let five = json!({ "EventSelectors": vec![data.clone(); 5] });
        account.trails.values_mut().for_each(|trail| trail.selectors = five.clone());
    });
    world.apply().await;
    let selectors = world.cloud.account(&id()).trails.values().next().unwrap().selectors["EventSelectors"].clone();
    assert_eq!(selectors.as_array().unwrap().len(), 5);
    assert_eq!(selectors[0]["ReadWriteType"], "All");
    assert_eq!(selectors[0]["DataResources"], data["DataResources"]);
    world.cloud.writes();
    world.apply().await;
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn advanced_selectors_of_others_stay() {
    let world = World::fresh(OWN);
    world.apply().await;
    let data = json!({ "FieldSelectors": [{ "Field": "eventCategory", "Equals": ["Data"] }] });
    let advanced = json!({ "AdvancedEventSelectors": [data] });
    world.cloud.change(&id(), |account| {
        account.trails.values_mut().for_each(|trail| trail.selectors = advanced.clone());
    });
    world.apply().await;
    let account = world.cloud.account(&id());
    let selectors = &account.trails.values().next().unwrap().selectors["AdvancedEventSelectors"];
    assert_eq!(selectors[0], data);
    assert_eq!(selectors[1]["FieldSelectors"][0]["Equals"][0], "Management");
    world.cloud.writes();
    world.apply().await;
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

fn with_bucket(enforce: &str) -> World {
    let theirs = json!({ "Sid": "Readers", "Effect": "Allow", "Principal": { "AWS": "111122223333" },
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-trail/*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [theirs] }).to_string();
    let rule = json!({ "ID": "old", "Status": "Enabled", "Filter": { "Prefix": "" }, "Expiration": { "Days": 30 } });
    let world = World::new(&OWN.replace("ENFORCE", enforce), FakeAccount::fresh(&crate::baseline::world::REGIONS));
    let settings = [("Policy", policy.into()), ("LifecycleConfiguration", json!({ "Rules": [rule] }))];
    let settings = settings.into_iter().map(|(member, value)| (member.to_owned(), value)).collect();
    let bucket = FakeBucket { region: "eu-west-1".parse().unwrap(), settings };
    world.cloud.change(&id(), |account| drop(account.buckets.insert("acme-trail".to_owned(), bucket)));
    world
}

#[tokio::test]
async fn statements_and_rules_of_others_stay_and_are_told_where_they_hurt() {
    let world = with_bucket("additive");
    let report = world.apply().await;
    let reasons: Vec<&str> = report.skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("deletes before the 2555 days")), "{reasons:?}");
    let bucket = &world.cloud.account(&id()).buckets["acme-trail"].settings;
    assert!(bucket["Policy"].as_str().unwrap().contains("Readers"));
    assert_eq!(bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn strict_leaves_only_what_is_declared() {
    let world = with_bucket("strict");
    world.apply().await;
    let bucket = &world.cloud.account(&id()).buckets["acme-trail"].settings;
    assert!(!bucket["Policy"].as_str().unwrap().contains("Readers"));
    assert_eq!(bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap().len(), 1);
    world.cloud.writes();
    world.apply().await;
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn bucket_of_somebody_else_is_told_with_advice() {
    let world = World::fresh(OWN);
    world.cloud.take_bucket("acme-trail");
    let report = world.apply().await;
    assert!(report.complaints().iter().any(|told| told.contains("belongs to somebody else")), "{report}");
    assert!(!report.failed.iter().find(|failed| failed.reason.contains("CreateBucket")).unwrap().may_pass);
}

#[tokio::test]
async fn bucket_in_another_region_is_a_problem_and_nothing_is_tried() {
    let world = World::fresh(OWN);
    let bucket = FakeBucket { region: "us-east-1".parse().unwrap(), settings: std::collections::BTreeMap::new() };
    world.cloud.change(&id(), |account| drop(account.buckets.insert("acme-trail".to_owned(), bucket)));
    let report = world.apply().await;
    assert!(report.complaints()[0].contains("acme-trail is in us-east-1"), "{report}");
    assert!(world.cloud.account(&id()).trails.is_empty());
}

#[tokio::test]
async fn trail_made_meanwhile_is_brought_to_what_is_declared() {
    let world = World::fresh(OWN);
    let prepared = world.prepare().await;
    world.apply().await;
    world.cloud.change(&id(), |account| {
        account.trails.values_mut().for_each(|trail| trail.described["IsMultiRegionTrail"] = false.into());
    });
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let report = world.baseline.apply(&prepared, crate::types::Mode::Apply, now).await.unwrap();
    assert_eq!(report.complaints(), Vec::<String>::new());
    assert_eq!(trail(&world.cloud.account(&id()), &id())["IsMultiRegionTrail"], true);
}

#[tokio::test]
async fn role_that_is_not_known_yet_does_not_keep_the_trail_from_recording() {
    let world = World::fresh(OWN);
    world.cloud.fail("UpdateTrail", None, ErrorClass::Invalid, "InvalidCloudWatchLogsRoleArnException");
    let report = world.apply().await;
    assert!(report.failed.iter().all(|failed| failed.may_pass) && !report.failed.is_empty(), "{report}");
    assert!(world.cloud.account(&id()).trails.values().all(|trail| trail.logging));
    world.cloud.heal();
    assert!(world.apply().await.is_clean());
}

#[tokio::test]
async fn organization_trail_waits_for_the_management_account_and_then_stands() {
    let world = forest();
    let first = world.apply_to(&id()).await;
    assert_eq!(first.waiting.len(), 1, "{first}");
    assert_eq!(first.waiting[0].on, Some(management()));
    assert!(world.cloud.account(&id()).trails.is_empty());

    world.cloud.writes();
    assert_eq!(world.apply_to(&management()).await.complaints(), Vec::<String>::new());
    assert_eq!(world.cloud.writes(), ["EnableAWSServiceAccess", "RegisterOrganizationDelegatedAdmin"]);

    assert!(world.apply_to(&id()).await.is_clean());
    let account = world.cloud.account(&id());
    assert_eq!(trail(&account, &management())["IsOrganizationTrail"], true);
    let policy = account.buckets["acme-trail"].settings["Policy"].as_str().unwrap().to_owned();
    assert!(policy.contains("AWSLogs/o-exampleorgid/*") && policy.contains("AWSLogs/111122223333/*"), "{policy}");
    assert!(account.roles["ForesterTrailLogs"].inline["ForesterTrailLogs"].contains("o-exampleorgid_*"));

    world.cloud.writes();
    for account in [management(), id()] {
        assert!(world.apply_to(&account).await.is_clean());
    }
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn without_an_organization_its_trail_is_kept_from_being_made() {
    let world = World::fresh("- match: {account: dev}\n  trail: {organization: true, bucket: acme-trail}");
    let report = world.apply().await;
    assert!(report.skipped.iter().any(|skipped| skipped.reason.contains("there is no organization")), "{report}");
    assert!(world.cloud.account(&id()).trails.is_empty());
}
