//! Whole runs against a cloud that behaves.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::catalogue::Catalogue;
use super::fake::{Cloud, Dice, HOME, SANDBOX};
use super::guard::Refusal;
use super::slice::{Next, SliceError, SliceReport};
use super::verdict::{State, Verdict};
use crate::aws::ErrorClass;
use crate::org::AccountState;

/// Rest and patience of tests: the clock is ours.
pub const FAST: &str = "  rescan_after: 1m\n  patience: 10m\n  default_vpc: delete\n  freeze: off\n";

pub async fn run(cloud: &Cloud, section: &str) -> SliceReport {
    cloud.drive(&cloud.reset(section), "run-1", None).await.unwrap()
}

fn region_with_everything(cloud: Cloud, region: &str) -> Cloud {
    let n = |name: &str| format!("{name}-{region}");
    cloud
        .with(region, "DescribeVpcs", [json!({"VpcId": n("vpc"), "IsDefault": false})])
        .with(region, "DescribeSubnets", [json!({"SubnetId": n("subnet"), "VpcId": n("vpc")})])
        .with(region, "DescribeInternetGateways", [
            json!({"InternetGatewayId": n("igw"), "Attachments": [{"VpcId": n("vpc")}]}),
        ])
        .with(region, "DescribeSecurityGroups", [
            json!({"GroupId": n("sg-a"), "GroupName": "a", "VpcId": n("vpc"), "IpPermissions": [{"UserIdGroupPairs": [{"GroupId": n("sg-b")}]}]}),
            json!({"GroupId": n("sg-b"), "GroupName": "b", "VpcId": n("vpc"), "IpPermissions": [{"UserIdGroupPairs": [{"GroupId": n("sg-a")}]}]}),
        ])
        .with(region, "DescribeInstances", [
            json!({"InstanceId": n("i"), "SubnetId": n("subnet"), "VpcId": n("vpc"), "SecurityGroups": [{"GroupId": n("sg-a")}],
                "State": {"Name": "running"}, "Tags": [{"Key": "keep-until", "Value": "2000-01-01"}]}),
        ])
        .with(region, "DescribeNetworkInterfaces", [
            json!({"NetworkInterfaceId": n("eni"), "Status": "in-use", "SubnetId": n("subnet"), "Groups": [{"GroupId": n("sg-a")}],
                "Attachment": {"InstanceId": n("i")}}),
        ])
        .with(region, "DescribeVolumes", [json!({"VolumeId": n("vol"), "State": "available"})])
        .with(region, "ListTables", [json!(n("table"))])
        .with(region, "ListQueues", [json!(format!("https://sqs.{region}/{SANDBOX}/queue"))])
}

pub fn full() -> Cloud {
    let cloud = region_with_everything(region_with_everything(Cloud::new(), "eu-west-1"), "us-east-1")
        .with("us-east-1", "ListBuckets", [json!({"Name": "data", "BucketRegion": "eu-west-1"})])
        .with(
            "us-east-1",
            "ListRoles",
            [
                json!({"RoleName": "OrganizationAccountAccessRole", "Path": "/"}),
                json!({"RoleName": "Entrance", "Path": "/"}),
                json!({"RoleName": "AWSServiceRoleForX", "Path": "/aws-service-role/x.amazonaws.com/"}),
                json!({"RoleName": "app", "Path": "/"}),
            ],
        )
        .with(
            "us-east-1",
            "ListPolicies",
            [
                json!({"Arn": "arn:aws:iam::555566667777:policy/app", "PolicyName": "app"}),
                json!({"Arn": "arn:aws:iam::555566667777:policy/entrance", "PolicyName": "entrance"}),
            ],
        );
    cloud.change(|world| {
        world.protected.insert("i-eu-west-1".to_owned());
        world.objects = (0..2_500).map(|n| ("data".to_owned(), format!("key {n}"))).collect();
        world.attached = [("app", "app"), ("Entrance", "entrance")]
            .map(|(role, policy)| (role.to_owned(), format!("arn:aws:iam::555566667777:policy/{policy}")))
            .to_vec();
    });
    cloud
}

pub const KEPT: [&str; 4] =
    ["AWSServiceRoleForX", "Entrance", "OrganizationAccountAccessRole", "arn:aws:iam::555566667777:policy/entrance"];

#[tokio::test]
async fn everything_goes_in_all_regions_except_the_way_in() {
    let cloud = full();
    let report = run(&cloud, FAST).await;
    assert_eq!(cloud.ids(), KEPT);
    let receipt = cloud.receipt(&report);
    let told = receipt.to_string();
    assert_eq!((report.next, report.verdict, receipt.left), (Next::Done, Some(Verdict::Green), vec![]), "{told}");
    assert_eq!(cloud.world.lock().unwrap().baselined, 1);
    let once = receipt.ledger.iter().map(|line| (&line.region, &line.kind)).collect::<BTreeSet<_>>();
    assert_eq!(once.len(), receipt.ledger.len(), "one state a region and type");
    assert!(
        cloud.world.lock().unwrap().attached.iter().all(|(role, _)| role == "Entrance"),
        "a kept role keeps its policy"
    );
}

#[tokio::test]
async fn second_run_makes_no_write_call() {
    let cloud = full();
    run(&cloud, FAST).await;
    cloud.change(|world| world.writes.clear());
    let report = cloud.drive(&cloud.reset(FAST), "run-2", None).await.unwrap();
    assert_eq!((report.verdict, &cloud.world.lock().unwrap().writes), (Some(Verdict::Green), &Vec::<String>::new()));
}

#[tokio::test]
async fn a_hundred_and_fifty_tables_are_two_pages() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", (0..150).map(|n| json!(format!("table-{n:03}"))));
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)));
    let line = cloud.receipt(&report).ledger.into_iter().find(|line| line.state == State::Cleaned).unwrap();
    assert_eq!((line.region.as_str(), line.kind.as_str(), line.count), ("eu-west-1", "AWS::DynamoDB::Table", 150));
}

#[tokio::test]
async fn a_scan_costs_one_call_a_list() {
    let cloud = Cloud::new();
    let planned = cloud.reset(FAST).plan(&cloud.account.id).await.unwrap();
    // One for the regions; one list a region and type.
    assert_eq!(planned.calls, 1 + u64::try_from(planned.cells.len()).unwrap());
}

#[tokio::test]
async fn killed_at_any_call_it_ends_the_same() {
    let calm = {
        let cloud = full();
        run(&cloud, FAST).await;
        cloud.world.lock().unwrap().calls
    };
    // Thirty points anywhere, the same in every run, and the very end.
    let mut dice = Dice::new(7);
    let points: Vec<u64> = (0..30).map(|_| 1 + dice.roll(calm)).chain(calm - 5..=calm).collect();
    for n in points {
        let cloud = full();
        cloud.change(|world| world.kill_at = Some(n));
        let report = run(&cloud, FAST).await;
        assert_eq!(
            (cloud.ids(), report.verdict),
            (KEPT.map(str::to_owned).to_vec(), Some(Verdict::Green)),
            "killed at {n}"
        );
    }
}

pub fn faulty(
    cloud: &Cloud,
    fault: impl Fn(&str, &str, &Value) -> Option<(ErrorClass, &'static str)> + Send + 'static,
) {
    cloud.change(|world| world.fault = Some(Box::new(fault)));
}

#[tokio::test]
async fn denied_region_is_denied_and_never_green() {
    let cloud = full();
    faulty(&cloud, |region, operation, _| {
        (region == "us-east-1" && operation.starts_with("DescribeV"))
            .then_some((ErrorClass::Denied, "UnauthorizedOperation"))
    });
    let report = run(&cloud, FAST).await;
    assert_eq!(report.verdict, Some(Verdict::Amber), "nothing is known to be left, and that is all that is known");
    let ledger = cloud.receipt(&report).ledger;
    let of = |kind: &str| ledger.iter().find(|line| line.region == "us-east-1" && line.kind == kind).unwrap().state;
    assert_eq!((of("AWS::EC2::VPC"), of("AWS::EC2::Volume")), (State::Denied, State::Denied));
}

#[tokio::test]
async fn denied_list_alone_is_amber() {
    let cloud = Cloud::new();
    faulty(&cloud, |_, operation, _| (operation == "ListTables").then_some((ErrorClass::Denied, "AccessDenied")));
    assert_eq!(run(&cloud, FAST).await.verdict, Some(Verdict::Amber));
}

#[tokio::test]
async fn list_that_keeps_failing_is_an_error_and_red() {
    let cloud = Cloud::new();
    faulty(&cloud, |_, operation, _| (operation == "ListTables").then_some((ErrorClass::Transient, "InternalError")));
    let report = run(&cloud, FAST).await;
    assert_eq!(report.verdict, Some(Verdict::Red));
    assert!(cloud.receipt(&report).ledger.iter().any(|line| line.state == State::Error));
}

#[tokio::test]
async fn service_that_is_not_offered_is_no_stain() {
    let cloud = Cloud::new();
    faulty(&cloud, |_, operation, _| {
        (operation == "ListTables").then_some((ErrorClass::Unavailable, "NoSuchEndpoint"))
    });
    assert_eq!(run(&cloud, FAST).await.verdict, Some(Verdict::Green));
}

#[tokio::test]
async fn service_that_is_not_activated_yet_is_red() {
    let cloud = Cloud::new();
    faulty(&cloud, |_, operation, _| (operation == "ListTables").then_some((ErrorClass::NotReady, "OptInRequired")));
    assert_eq!(run(&cloud, FAST).await.verdict, Some(Verdict::Red));
}

#[tokio::test]
async fn what_was_left_stays_known_when_its_list_is_not_offered_any_more() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("table")]);
    let refused = std::sync::atomic::AtomicBool::new(false);
    faulty(&cloud, move |_, operation, _| match operation {
        "DeleteTable" => {
            refused.store(true, std::sync::atomic::Ordering::Relaxed);
            Some((ErrorClass::Invalid, "ValidationException"))
        }
        "ListTables" if refused.load(std::sync::atomic::Ordering::Relaxed) => {
            Some((ErrorClass::Unavailable, "NoSuchEndpoint"))
        }
        _ => None,
    });
    let report = run(&cloud, FAST).await;
    let receipt = cloud.receipt(&report);
    assert_eq!((report.verdict, receipt.left.len(), receipt.left[0].id.as_str()), (Some(Verdict::Red), 1, "table"));
}

#[tokio::test]
async fn only_no_tag_set_means_no_tags() {
    for (code, verdict, left) in [("NoSuchTagSet", Verdict::Green, 0), ("ResourceNotFoundException", Verdict::Red, 1)] {
        let cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("table")]);
        faulty(&cloud, move |_, operation, _| (operation == "ListTagsOfResource").then_some((ErrorClass::Gone, code)));
        let report = run(&cloud, &format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n")).await;
        assert_eq!((report.verdict, cloud.ids().len()), (Some(verdict), left), "{code}");
    }
}

#[tokio::test]
async fn plan_that_is_not_the_one_of_the_unfinished_run_is_refused() {
    let cloud = full();
    let reset = cloud.reset(FAST);
    let early = crate::reset::slice::Order { deadline: cloud.now(), ..cloud.order("run-1") };
    reset.slice(&early).await.unwrap();
    let order = crate::reset::slice::Order { plan: Some("0123456789abcdef".to_owned()), ..cloud.order("run-1") };
    let error = reset.slice(&order).await.unwrap_err();
    assert!(matches!(error, SliceError::Refused(Refusal::Run(_))), "{error}");
    assert_eq!(cloud.world.lock().unwrap().writes, Vec::<String>::new());
}

#[tokio::test]
async fn throttling_only_takes_longer() {
    let cloud = full();
    let turn = std::sync::atomic::AtomicU32::new(0);
    faulty(&cloud, move |_, operation, _| {
        let n = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let asked = ["GetCallerIdentity", "DescribeRegions"].contains(&operation);
        (n.is_multiple_of(11) && !asked).then_some((ErrorClass::Throttled, "Throttling"))
    });
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids(), report.verdict), (KEPT.map(str::to_owned).to_vec(), Some(Verdict::Green)));
}

#[tokio::test]
async fn unreadable_tags_neither_delete_nor_forget() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("table")]);
    faulty(&cloud, |_, operation, _| {
        (operation == "ListTagsOfResource").then_some((ErrorClass::Throttled, "Throttling"))
    });
    let report = run(&cloud, &format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n")).await;
    assert_eq!((cloud.ids(), report.verdict), (vec!["table".to_owned()], Some(Verdict::Red)));
    assert!(cloud.receipt(&report).left[0].reason.contains("tags could not be read"));
}

#[tokio::test]
async fn protected_instance_keeps_what_it_stands_on() {
    let cloud = full();
    let section = format!("{FAST}  protect: [{{type: \"AWS::EC2::Instance\", name: \"i-eu-*\"}}]\n");
    let report = run(&cloud, &section).await;
    let left: Vec<String> = cloud.ids().into_iter().filter(|id| id.ends_with("eu-west-1")).collect();
    assert_eq!(
        left,
        [
            "eni-eu-west-1",
            "i-eu-west-1",
            "igw-eu-west-1",
            "sg-a-eu-west-1",
            "sg-b-eu-west-1",
            "subnet-eu-west-1",
            "vpc-eu-west-1"
        ]
    );
    assert_eq!(report.verdict, Some(Verdict::Green));
    let world = cloud.world.lock().unwrap();
    let group = world.things.iter().find(|thing| thing.body["GroupId"] == "sg-a-eu-west-1").unwrap();
    assert_ne!(group.body["IpPermissions"], json!([]), "its rules are untouched");
}

#[tokio::test]
async fn access_role_with_a_path_stays() {
    let roles = [json!({"RoleName": "Deep", "Path": "/org/access/"}), json!({"RoleName": "app", "Path": "/"})];
    let cloud = Cloud::new().with("us-east-1", "ListRoles", roles);
    let mut reset = cloud.reset(FAST);
    let mut config = (*reset.config).clone();
    config.access.fallback = vec!["org/access/Deep".to_owned()];
    reset.config = config.into();
    cloud.drive(&reset, "run-1", None).await.unwrap();
    assert_eq!(cloud.ids(), ["Deep"]);
}

#[tokio::test]
async fn policy_of_a_kept_role_stays_whatever_its_name_tag_says() {
    let role = json!({"RoleName": "keeper", "Path": "/"});
    let arn = "arn:aws:iam::555566667777:policy/mine";
    let policy = json!({"Arn": arn, "PolicyName": "mine"});
    let cloud = Cloud::new().with("us-east-1", "ListRoles", [role]).with("us-east-1", "ListPolicies", [policy]);
    cloud.change(|world| world.attached = vec![("keeper".to_owned(), arn.to_owned())]);
    run(&cloud, &format!("{FAST}  protect: [{{type: \"AWS::IAM::Role\", tag: {{Name: for people}}}}]\n")).await;
    assert_eq!(cloud.ids(), [arn, "keeper"]);
}

#[tokio::test]
async fn key_pair_of_the_same_name_is_needed_in_each_region() {
    let instance =
        |region: &str| json!({"InstanceId": format!("i-{region}"), "KeyName": "main", "State": {"Name": "running"}});
    let pair = |region: &str| json!({"KeyPairId": format!("key-{region}"), "KeyName": "main"});
    let both = ["eu-west-1", "us-east-1"];
    let cloud = both.iter().fold(Cloud::new(), |cloud, region| {
        let cloud = cloud.with(region, "DescribeInstances", [instance(region)]);
        cloud.with(region, "DescribeKeyPairs", [pair(region)])
    });
    run(&cloud, &format!("{FAST}  protect: [{{type: \"AWS::EC2::Instance\"}}]\n")).await;
    assert_eq!(cloud.world.lock().unwrap().writes, Vec::<String>::new());
}

#[tokio::test]
async fn instance_of_a_kept_volume_stays_with_it() {
    let instance = json!({"InstanceId": "i-1", "State": {"Name": "running"}, "BlockDeviceMappings": [{"Ebs": {"VolumeId": "vol-1"}}]});
    let volume = json!({"VolumeId": "vol-1", "State": "in-use", "Attachments": [{"InstanceId": "i-1"}]});
    let cloud = Cloud::new().with("eu-west-1", "DescribeInstances", [instance]);
    let cloud = cloud.with("eu-west-1", "DescribeVolumes", [volume]);
    run(&cloud, &format!("{FAST}  protect: [{{type: \"AWS::EC2::Volume\"}}]\n")).await;
    assert_eq!(cloud.ids(), ["i-1", "vol-1"]);
}

#[tokio::test]
async fn keys_stay_where_data_stays() {
    let key = |id: &str| json!({"KeyId": id, "KeyArn": format!("arn:aws:kms:::key/{id}")});
    let cloud = Cloud::new()
        .with("eu-west-1", "ListTables", [json!("table")])
        .with("eu-west-1", "ListKeys", [key("near")])
        .with("us-east-1", "ListKeys", [key("far")]);
    run(&cloud, &format!("{FAST}  protect: [{{type: \"AWS::DynamoDB::Table\"}}]\n")).await;
    assert_eq!(cloud.ids(), ["near", "table"]);
    let bucket = json!({"Name": "data", "BucketRegion": "eu-west-1"});
    let cloud = Cloud::new().with("us-east-1", "ListBuckets", [bucket]).with("us-east-1", "ListKeys", [key("any")]);
    run(&cloud, &format!("{FAST}  protect: [{{type: \"AWS::S3::Bucket\"}}]\n")).await;
    assert_eq!(cloud.ids(), ["any", "data"]);
}

#[tokio::test]
async fn run_that_goes_on_later_or_by_other_rules_decides_again() {
    let rule = format!("{FAST}  protect: [{{tag: {{keep: \"yes\"}}}}]\n");
    for (seconds, before, after) in [(3_700, &rule, &rule), (10, &FAST.to_owned(), &rule)] {
        let volume = |tags: Value| json!({"VolumeId": "vol-1", "State": "available", "Tags": tags});
        let cloud = Cloud::new().with("eu-west-1", "DescribeVolumes", [volume(json!([]))]);
        let reset = cloud.reset(before);
        while reset.book().load("run-1").await.unwrap().is_none_or(|run| run.work.is_empty()) {
            let early = crate::reset::slice::Order { deadline: cloud.now(), ..cloud.order("run-1") };
            reset.slice(&early).await.unwrap();
        }
        cloud.change(|world| world.things[0].body = volume(json!([{"Key": "keep", "Value": "yes"}])));
        cloud.pass(seconds);
        let report = cloud.drive(&cloud.reset(after), "run-1", None).await.unwrap();
        assert_eq!((cloud.ids().len(), report.verdict), (1, Some(Verdict::Green)), "{seconds}");
    }
}

#[tokio::test]
async fn date_tag_protects_until_it_has_passed() {
    let table = |id: &str, until: &str| json!({"VolumeId": id, "State": "available", "Tags": [{"Key": "keep-until", "Value": until}]});
    let volumes = [
        table("past", "2027-01-14"),
        table("today", "2027-01-15"),
        table("later", "2031-01-01"),
        table("odd", "ask Ana"),
    ];
    let cloud = Cloud::new().with("eu-west-1", "DescribeVolumes", volumes);
    run(&cloud, &format!("{FAST}  protect: [{{tag: {{keep-until: \">= today\"}}}}]\n")).await;
    assert_eq!(cloud.ids(), ["later", "odd", "today"]);
}

#[tokio::test]
async fn compliance_lock_is_undeletable_until_its_date() {
    let cloud = full();
    cloud.change(|world| world.locked = true);
    let report = run(&cloud, FAST).await;
    assert_eq!((report.next, report.verdict), (Next::Done, Some(Verdict::Amber)));
    let left = cloud.receipt(&report).left;
    assert!(left.len() == 1 && left[0].reason.contains("until 2031-01-01"), "{left:?}");
}

/// Volumes of one kind that nobody can delete.
const COMMITTED: &str = r#"
    [[type]]
    name = "AWS::EC2::Volume"
    phase = "cost"
    id = "{VolumeId}"
    list = { operation = "DescribeVolumes", items = "Volumes[]" }
    delete = [{ operation = "DeleteVolume", params = { VolumeId = "{VolumeId}" } }]
    undeletable = "is paid until {Until}"
    undeletable_when = { path = "Until", exists = true }
    undeletable_on = ["locked until"]
"#;

#[tokio::test]
async fn what_the_catalogue_calls_undeletable_is_told_and_never_tried() {
    let volume = |id: &str, until: Value| json!({"VolumeId": id, "State": "available", "Until": until});
    let volumes = [volume("paid", json!("2031-01-01")), volume("free", Value::Null)];
    let cloud = Cloud::new().with("eu-west-1", "DescribeVolumes", volumes);
    let mut reset = cloud.reset(FAST);
    reset.catalogue = Box::leak(Box::new(Catalogue::read(&[("ec2", COMMITTED)]).unwrap()));
    let report = cloud.drive(&reset, "run-1", None).await.unwrap();
    assert_eq!((report.next, report.verdict), (Next::Done, Some(Verdict::Amber)));
    let left: Vec<_> = cloud.receipt(&report).left.into_iter().map(|left| (left.id, left.reason)).collect();
    assert_eq!(left, [("paid".to_owned(), "is paid until 2031-01-01".to_owned())]);
    let writes = cloud.world.lock().unwrap().writes.clone();
    assert!(writes.len() == 1 && writes[0].contains("free"), "{writes:?}");
}

#[tokio::test]
async fn an_error_that_says_never_is_undeletable_and_not_tried_in_every_round() {
    let cloud = Cloud::new().with("eu-west-1", "DescribeVolumes", [json!({"VolumeId": "v", "State": "available"})]);
    faulty(&cloud, |_, operation, _| {
        (operation == "DeleteVolume").then_some((ErrorClass::Invalid, "Locked until 2031"))
    });
    let mut reset = cloud.reset(FAST);
    reset.catalogue = Box::leak(Box::new(Catalogue::read(&[("ec2", COMMITTED)]).unwrap()));
    let report = cloud.drive(&reset, "run-1", None).await.unwrap();
    let left = cloud.receipt(&report).left;
    assert_eq!((report.next, report.verdict, left.len()), (Next::Done, Some(Verdict::Amber), 1));
    assert!(left[0].reason.contains("Locked until 2031"), "{left:?}");
}

#[tokio::test]
async fn what_stays_blocked_is_told_with_its_chain() {
    let cloud = full();
    faulty(&cloud, |region, operation, _| {
        (region == "eu-west-1" && operation == "DeleteSubnet").then_some((ErrorClass::Conflict, "DependencyViolation"))
    });
    let report = run(&cloud, FAST).await;
    assert_eq!((report.next, report.verdict), (Next::Stuck, Some(Verdict::Red)));
    assert_eq!(cloud.world.lock().unwrap().baselined, 0, "no baseline on top of a mess");
    let left: Vec<String> = cloud.receipt(&report).left.into_iter().map(|left| left.id).collect();
    assert_eq!(left, ["subnet-eu-west-1", "vpc-eu-west-1"]);
}

#[tokio::test]
async fn failed_baseline_is_red_and_escaped() {
    let cloud = Cloud::new();
    cloud.change(|world| world.baseline_fails = true);
    let report = run(&cloud, FAST).await;
    assert_eq!(report.verdict, Some(Verdict::Red));
    let html = cloud.html(&report);
    assert!(html.contains("no &lt;quota&gt;") && !html.contains("<quota>"));
}

#[tokio::test]
async fn default_vpc_follows_the_setting() {
    let vpc = || Cloud::new().with("eu-west-1", "DescribeVpcs", [json!({"VpcId": "vpc-d", "IsDefault": true})]);
    let kept = vpc();
    run(&kept, "  rescan_after: 0s\n  default_vpc: keep\n").await;
    assert_eq!((kept.ids(), kept.world.lock().unwrap().vpcs_made.len()), (vec!["vpc-d".to_owned()], 0));
    let made = vpc();
    run(&made, "  rescan_after: 0s\n  default_vpc: recreate\n").await;
    assert_eq!((made.ids(), made.world.lock().unwrap().vpcs_made.len()), (vec![], 2));
    let unwanted = vpc();
    unwanted.change(|world| world.declared.no_default_vpc = true);
    run(&unwanted, "  rescan_after: 0s\n  default_vpc: recreate\n").await;
    assert_eq!((unwanted.ids(), unwanted.world.lock().unwrap().vpcs_made.len()), (vec![], 0));
}

#[tokio::test]
async fn plan_deletes_nothing_and_its_hash_is_what_may_run() {
    let cloud = full();
    let reset = cloud.reset(FAST);
    let plan = reset.plan(&cloud.account.id).await.unwrap();
    assert_eq!(cloud.world.lock().unwrap().writes, Vec::<String>::new());
    let hash = plan.plan.clone().unwrap();
    assert_eq!(
        reset.plan(&cloud.account.id).await.unwrap().plan,
        Some(hash.clone()),
        "the same account, the same plan"
    );
    let other = cloud.drive(&reset, "run-1", Some("0123456789abcdef".to_owned())).await.unwrap();
    assert_eq!((other.next, &cloud.world.lock().unwrap().writes), (Next::Refused, &Vec::<String>::new()));
    let approved = cloud.drive(&reset, "run-2", Some(hash)).await.unwrap();
    assert_eq!(approved.next, Next::Stuck, "the interface that came free was not in the plan");
    assert!(cloud.ids().contains(&"eni-eu-west-1".to_owned()));
}

#[tokio::test]
async fn more_deletes_than_allowed_are_refused_before_the_first() {
    let cloud = full();
    let report = run(&cloud, &format!("{FAST}  limits: {{deletes: 5}}\n")).await;
    assert_eq!((report.next, &cloud.world.lock().unwrap().writes), (Next::Refused, &Vec::<String>::new()));
    assert!(report.progress.contains("sandbox.limits.deletes"), "{}", report.progress);
}

async fn refused(cloud: &Cloud, expect: &str) {
    let error = cloud.reset(FAST).slice(&cloud.order("run-1")).await.unwrap_err().to_string();
    assert!(error.contains(expect), "{error}");
    assert_eq!(cloud.world.lock().unwrap().writes, Vec::<String>::new());
}

#[tokio::test]
async fn every_guard_refuses() {
    let with = |change: fn(&mut Cloud)| {
        let mut cloud = full();
        change(&mut cloud);
        cloud
    };
    refused(&with(|cloud| cloud.account.ou = "Workloads/Prod".parse().unwrap()), "guard `ou`").await;
    refused(&with(|cloud| cloud.account.ou = "Sandbox/Team".parse().unwrap()), "guard `ou`").await;
    refused(&with(|cloud| cloud.account.tags.clear()), "guard `tag`").await;
    refused(&with(|cloud| cloud.account.state = AccountState::Suspended), "guard `active`").await;
    refused(&with(|cloud| cloud.privileged.push(SANDBOX.parse().unwrap())), "guard `privileged`").await;
    refused(&with(|cloud| cloud.account.id = "999988887777".parse().unwrap()), "guard `member`").await;
    let stranger = full();
    faulty(&stranger, |_, operation, _| {
        (operation == "GetCallerIdentity").then_some((ErrorClass::Denied, "AccessDenied"))
    });
    refused(&stranger, "guard `identity`").await;
}

#[tokio::test]
async fn two_slices_never_work_at_once() {
    let cloud = full();
    let reset = cloud.reset(FAST);
    let account = SANDBOX.parse().unwrap();
    let order = cloud.order("run-1");
    let Ok(held) = reset.book().lock(&account, "somebody", order.deadline, cloud.now()).await else { panic!() };
    let error = reset.slice(&order).await.unwrap_err();
    assert!(matches!(error, SliceError::Refused(Refusal::Locked { .. })), "{error}");
    reset.book().release(held).await;
    assert!(reset.slice(&cloud.order("run-1")).await.is_ok());
}

#[tokio::test]
async fn due_names_unfinished_runs_again_and_says_who_may_not() {
    let mut cloud = full();
    let reset = cloud.reset(FAST);
    let first = reset.due(cloud.now()).await.unwrap().accounts.remove(0).run;
    reset.slice(&cloud.order(&first)).await.unwrap();
    cloud.pass(3_600);
    assert_eq!(reset.due(cloud.now()).await.unwrap().accounts[0].run, first);
    cloud.account.tags.clear();
    let due = cloud.reset(FAST).due(cloud.now()).await.unwrap();
    assert_eq!((due.accounts.len(), due.skipped.len()), (0, 1));
}

#[tokio::test]
async fn no_other_account_is_ever_entered() {
    let cloud = full();
    run(&cloud, &format!("{FAST}  costs: none\n")).await;
    let entered = cloud.world.lock().unwrap().accounts.clone();
    assert_eq!(entered.into_iter().collect::<Vec<_>>(), [SANDBOX]);
    assert_ne!(SANDBOX, HOME);
}

#[tokio::test]
async fn all_that_is_asked_at_home_is_what_the_account_cost() {
    let cloud = full();
    run(&cloud, FAST).await;
    assert_eq!(cloud.world.lock().unwrap().at_home, ["GetCostAndUsage"]);
}

#[test]
fn unknown_type_in_a_rule_is_an_error() {
    let rules =
        json!([{"type": "AWS::EC2::Vpc"}, {"any": [{"type": "AWS::EC2::VPC"}, {"not": {"type": "AWS::S3::Bukket"}}]}]);
    let sandbox = serde_json::from_value(json!({"match": {"ou": "Sandbox", "tag": {"a": "b"}}, "protect": rules}));
    let found = super::protect::problems(&sandbox.unwrap(), Catalogue::embedded().unwrap());
    let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["protect[0].type", "protect[1].any[1].not.type"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_protected_survives_and_the_rest_does_not(kept in proptest::collection::vec(any::<bool>(), 1..40), fails in 0_u64..7) {
        let volume = |(n, keep): (usize, &bool)| {
            json!({"VolumeId": format!("vol-{n}-{keep}"), "State": "available", "Tags": [{"Key": "keep", "Value": keep.to_string()}]})
        };
        let cloud = Cloud::new().with("us-east-1", "DescribeVolumes", kept.iter().enumerate().map(volume));
        let turn = std::sync::atomic::AtomicU64::new(0);
        faulty(&cloud, move |_, operation, _| {
            let n = turn.fetch_add(u64::from(operation == "DeleteVolume"), std::sync::atomic::Ordering::Relaxed);
            (operation == "DeleteVolume" && fails > 1 && n.is_multiple_of(fails)).then_some((ErrorClass::Transient, "InternalError"))
        });
        let section = format!("{FAST}  protect: [{{tag: {{keep: \"true\"}}}}]\n");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let report = runtime.block_on(run(&cloud, &section));
        prop_assert_eq!(cloud.ids().len(), kept.iter().filter(|keep| **keep).count());
        prop_assert!(cloud.ids().iter().all(|id| id.ends_with("true")));
        prop_assert_eq!(report.verdict, Some(Verdict::Green));
        let world = cloud.world.lock().unwrap();
        prop_assert!(!world.writes.iter().any(|write| write.contains("-true")));
    }
}
