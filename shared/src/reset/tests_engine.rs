//! What the engine promises: order, many at once, and the quirks of buckets and stacks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};

use super::fake::Cloud;
use super::item::Listing;
use super::machine::{Answer, Ask, Rules, Turn};
use super::protect::{Protection, Reserved};
use super::slice::Next;
use super::state::{Options, Run};
use super::tests::{FAST, faulty, run};
use super::verdict::{LeftLine, State, Verdict};
use crate::aws::ErrorClass;
use crate::types::Mode;

fn writes(cloud: &Cloud, operation: &str) -> Vec<String> {
    let world = cloud.world.lock().unwrap();
    world.writes.iter().filter(|write| write.contains(&format!(" {operation} "))).cloned().collect()
}

fn instance(id: &str, zone: &str) -> Value {
    json!({"InstanceId": id, "State": {"Name": "running"}, "Placement": {"AvailabilityZone": zone}})
}

#[tokio::test]
async fn instances_go_fifty_in_a_call() {
    let cloud =
        Cloud::new().with("eu-west-1", "DescribeInstances", (0..120).map(|n| instance(&format!("i-{n:03}"), "a")));
    let report = run(&cloud, FAST).await;
    assert_eq!(
        (cloud.ids().len(), report.verdict, writes(&cloud, "TerminateInstances").len()),
        (0, Some(Verdict::Green), 3)
    );
}

#[tokio::test]
async fn one_protected_instance_keeps_its_zone_only_until_each_is_tried_alone() {
    let zone = |n: usize| if n.is_multiple_of(2) { "a" } else { "b" };
    let cloud =
        Cloud::new().with("eu-west-1", "DescribeInstances", (0..50).map(|n| instance(&format!("i-{n:02}"), zone(n))));
    cloud.change(|world| _ = world.protected.insert("i-00".to_owned()));
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)));
    let calls = writes(&cloud, "TerminateInstances").len();
    assert!(calls <= 52, "{calls} calls: one for all, one for each, and one again for the protected one");
}

#[tokio::test]
async fn a_hundred_and_twenty_databases_are_two_pages() {
    let database = |n: usize| json!({"DBInstanceIdentifier": format!("db-{n:03}"), "Engine": "postgres", "DBInstanceStatus": "available"});
    let cloud = Cloud::new().with("us-east-1", "DescribeDBInstances", (0..120).map(database));
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)));
    let line = cloud.receipt(&report).ledger.into_iter().find(|line| line.state == State::Cleaned).unwrap();
    assert_eq!((line.kind.as_str(), line.count), ("AWS::RDS::DBInstance", 120));
}

/// Groups of all networks refer to each other in a ring, and each network has interfaces, subnets and a gateway.
#[tokio::test]
async fn web_of_networks_is_taken_apart() {
    let n = 12;
    let mut cloud = Cloud::new();
    for at in 0..n {
        let (this, next) = (format!("vpc-{at}"), (at + 1) % n);
        let group = |which: &str, other: String| {
            json!({"GroupId": format!("sg-{which}-{at}"), "GroupName": which, "VpcId": this,
                "IpPermissions": [{"UserIdGroupPairs": [{"GroupId": other}]}]})
        };
        cloud = cloud
            .with("eu-west-1", "DescribeVpcs", [json!({"VpcId": this})])
            .with(
                "eu-west-1",
                "DescribeSubnets",
                (0..3).map(|s| json!({"SubnetId": format!("subnet-{at}-{s}"), "VpcId": this})),
            )
            .with(
                "eu-west-1",
                "DescribeInternetGateways",
                [json!({"InternetGatewayId": format!("igw-{at}"), "Attachments": [{"VpcId": this}]})],
            )
            .with(
                "eu-west-1",
                "DescribeSecurityGroups",
                [group("a", format!("sg-b-{next}")), group("b", format!("sg-a-{at}"))],
            )
            .with(
                "eu-west-1",
                "DescribeInstances",
                [json!({"InstanceId": format!("i-{at}"), "SubnetId": format!("subnet-{at}-0"),
                "VpcId": this, "SecurityGroups": [{"GroupId": format!("sg-a-{at}")}], "State": {"Name": "running"}})],
            )
            .with(
                "eu-west-1",
                "DescribeNetworkInterfaces",
                [json!({"NetworkInterfaceId": format!("eni-{at}"), "Status": "available",
                "SubnetId": format!("subnet-{at}-1"), "VpcId": this, "Groups": [{"GroupId": format!("sg-b-{at}")}]})],
            );
    }
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids(), report.verdict), (Vec::<String>::new(), Some(Verdict::Green)));
    let again = writes(&cloud, "DeleteVpc").len() + writes(&cloud, "DeleteSubnet").len();
    assert_eq!(again, n * 4, "what is known to stand before them was waited for, so none was tried twice");
}

#[tokio::test]
async fn subnet_waits_for_its_own_instance_and_for_no_other() {
    let instance = |id: &str, subnet: &str| json!({"InstanceId": id, "SubnetId": subnet, "State": {"Name": "running"}});
    let cloud = Cloud::new()
        .with(
            "eu-west-1",
            "DescribeInstances",
            [instance("i-slow", "subnet-slow"), instance("i-quick", "subnet-quick")],
        )
        .with("eu-west-1", "DescribeSubnets", ["subnet-slow", "subnet-quick"].map(|id| json!({"SubnetId": id})));
    let gone = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&gone);
    faulty(&cloud, move |_, operation, params| {
        if operation == "DeleteSubnet" && params["SubnetId"] == "subnet-quick" {
            seen.store(true, Ordering::Relaxed);
        }
        let slow = operation == "TerminateInstances" && params.to_string().contains("i-slow");
        (slow && !seen.load(Ordering::Relaxed)).then_some((ErrorClass::Conflict, "IncorrectInstanceState"))
    });
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids().len(), report.verdict, gone.load(Ordering::Relaxed)), (0, Some(Verdict::Green), true));
}

#[tokio::test]
async fn roles_and_keys_go_when_nothing_else_is_left() {
    let cloud = Cloud::new()
        .with("eu-west-1", "ListTables", [json!("table")])
        .with("eu-west-1", "ListKeys", [json!({"KeyId": "key", "KeyArn": "arn:aws:kms:::key/key"})])
        .with("us-east-1", "ListRoles", [json!({"RoleName": "app", "Path": "/"})]);
    let turn = AtomicU32::new(0);
    faulty(&cloud, move |_, operation, _| {
        let slow = operation == "DeleteTable" && turn.fetch_add(1, Ordering::Relaxed) < 2;
        slow.then_some((ErrorClass::Conflict, "ResourceInUseException"))
    });
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)));
    let order: Vec<String> = cloud.world.lock().unwrap().writes.clone();
    let at = |operation: &str| order.iter().position(|write| write.contains(operation)).unwrap();
    assert!(at("DeleteTable") < at("ScheduleKeyDeletion") && at("DeleteTable") < at("DeleteRole"), "{order:?}");
}

#[test]
fn one_call_that_does_not_come_back_holds_nobody_up() {
    let cloud = Cloud::new();
    let reset = cloud.reset(FAST);
    let sandbox = reset.config.sandbox.clone().unwrap();
    let protection = Protection::new(&sandbox, Vec::new()).unwrap();
    let rules = Rules { catalogue: reset.catalogue, protection: &protection };
    let now = cloud.now();
    let mut run = Run::new("run", &cloud.account.id, Options::new(&sandbox, Mode::Apply, None), now);
    assert_eq!(run.turn(rules, now), Turn::Do(Ask::Open));
    let regions = ["eu-west-1", "us-east-1"].map(|region| region.parse().unwrap()).to_vec();
    run.answer(rules, Answer::Opened { regions, reserved: Vec::new(), no_default_vpc: true }, now);
    let Turn::Do(Ask::List(stuck)) = run.turn(rules, now) else { panic!() };
    let mut listed = BTreeSet::new();
    while let Turn::Do(Ask::List(cell)) = run.turn(rules, now) {
        run.answer(rules, Answer::Listed(cell.clone(), Listing::Items(Vec::new())), now);
        listed.insert(cell);
    }
    assert!(!listed.contains(&stuck));
    assert_eq!(listed.len() + 1, run.cells.len());
    assert_eq!(run.turn(rules, now), Turn::Busy(None), "the scan is over when the last one answers");
}

#[tokio::test]
async fn what_an_unread_list_may_need_is_not_deleted_where_a_rule_may_keep_it() {
    let here = |region: &str| {
        let n = |name: &str| format!("{name}-{region}");
        (json!({"SubnetId": n("subnet"), "VpcId": n("vpc")}), json!({"VpcId": n("vpc")}), json!(n("table")))
    };
    let seeded = || {
        ["eu-west-1", "us-east-1"].iter().fold(Cloud::new(), |cloud, region| {
            let (subnet, vpc, table) = here(region);
            cloud.with(region, "DescribeSubnets", [subnet]).with(region, "DescribeVpcs", [vpc]).with(
                region,
                "ListTables",
                [table],
            )
        })
    };
    let denied = |region: &str, operation: &str, _: &Value| {
        (region == "eu-west-1" && operation == "DescribeInstances")
            .then_some((ErrorClass::Denied, "UnauthorizedOperation"))
    };
    let cloud = seeded();
    faulty(&cloud, denied);
    let report = run(&cloud, &format!("{FAST}  protect: [{{type: \"AWS::EC2::Instance\"}}]\n")).await;
    assert_eq!(cloud.ids(), ["subnet-eu-west-1", "vpc-eu-west-1"], "a table is needed by no instance");
    let receipt = cloud.receipt(&report);
    let told = |left: &LeftLine| left.reason.contains("AWS::EC2::Instance in eu-west-1, which may not be listed");
    assert!(receipt.left.len() == 2 && receipt.left.iter().all(told), "{:?}", receipt.left);
    let denied_line =
        receipt.ledger.iter().find(|line| line.kind == "AWS::EC2::Instance" && line.region == "eu-west-1");
    assert!(denied_line.is_some_and(|line| line.state == State::Denied && line.note.contains("UnauthorizedOperation")));
    assert_eq!(report.verdict, Some(Verdict::Amber), "a list that is denied is no error");
    // One that fails is: it might answer, and does not.
    let cloud = seeded();
    faulty(&cloud, move |region, operation, params| {
        denied(region, operation, params).map(|_| (ErrorClass::Other, "InternalFailure"))
    });
    let report = run(&cloud, &format!("{FAST}  protect: [{{type: \"AWS::EC2::Instance\"}}]\n")).await;
    assert_eq!((cloud.ids().len(), report.verdict), (2, Some(Verdict::Red)));
    // Without a rule nothing there is kept, so nothing is in doubt.
    let cloud = seeded();
    faulty(&cloud, denied);
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids(), report.verdict), (Vec::<String>::new(), Some(Verdict::Amber)));
}

#[tokio::test]
async fn what_the_baseline_declares_meanwhile_is_kept_from_the_next_slice_on() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("table")]);
    faulty(&cloud, |_, operation, _| {
        (operation == "DeleteTable").then_some((ErrorClass::Conflict, "ResourceInUseException"))
    });
    let reset = cloud.reset(FAST);
    let report = reset.slice(&cloud.order("run-1")).await.unwrap();
    assert_eq!((report.next, writes(&cloud, "DeleteTable").len()), (Next::Wait, 0), "{report:?}");
    cloud.change(|world| {
        world.fault = None;
        let kind = "AWS::DynamoDB::Table".parse().unwrap();
        world.declared.reserved =
            vec![Reserved { kind, name: "table".to_owned(), why: "the baseline declares it".to_owned() }];
    });
    cloud.pass(60);
    let report = cloud.drive(&reset, "run-1", None).await.unwrap();
    assert_eq!((cloud.ids(), report.verdict), (vec!["table".to_owned()], Some(Verdict::Green)));
}

#[tokio::test]
async fn what_comes_back_between_the_clean_scans_goes_too() {
    let cloud = Cloud::new().with("eu-west-1", "DescribeLogGroups", [json!({"logGroupName": "/aws/lambda/f"})]);
    let reset = cloud.reset(FAST);
    let mut back = false;
    let report = loop {
        let report = reset.slice(&cloud.order("run-1")).await.unwrap();
        match report.next {
            Next::Wait if report.progress.contains("looking again") && !back => {
                back = true;
                let body = json!({"logGroupName": "/aws/lambda/f"});
                cloud.change(|world| {
                    world.things.push(super::fake::Thing {
                        region: "eu-west-1".to_owned(),
                        list: "DescribeLogGroups",
                        body,
                    })
                });
                cloud.pass(i64::try_from(report.seconds).unwrap());
            }
            Next::Wait => cloud.pass(i64::try_from(report.seconds).unwrap()),
            Next::Continue => {}
            _ => break report,
        }
    };
    assert_eq!((back, cloud.ids().len(), report.verdict), (true, 0, Some(Verdict::Green)));
    assert_eq!(writes(&cloud, "DeleteLogGroup").len(), 2);
    assert_eq!(cloud.receipt(&report).scans, 5, "one that finds it, one clean, one that finds it again, and two clean");
}

fn bucket(objects: usize) -> Cloud {
    let cloud = Cloud::new().with("us-east-1", "ListBuckets", [json!({"Name": "data", "BucketRegion": "eu-west-1"})]);
    cloud.change(|world| world.objects = (0..objects).map(|n| ("data".to_owned(), format!("key {n:06}"))).collect());
    cloud
}

#[tokio::test]
async fn twenty_thousand_versions_cost_one_list_and_one_delete_a_page() {
    let cloud = bucket(20_000);
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)));
    assert_eq!(writes(&cloud, "DeleteObjects").len(), 20);
}

#[tokio::test]
async fn policy_that_denies_is_taken_away_as_root_where_need_be() {
    for only_root in [false, true] {
        let cloud = bucket(10);
        cloud.change(|world| _ = world.denied.insert("data".to_owned(), only_root));
        let report = run(&cloud, FAST).await;
        assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)), "only root: {only_root}");
    }
}

#[tokio::test]
async fn mfa_delete_is_undeletable() {
    let cloud = bucket(10);
    cloud.change(|world| world.mfa = true);
    faulty(&cloud, |_, operation, _| (operation == "DeleteObjects").then_some((ErrorClass::Denied, "AccessDenied")));
    let report = run(&cloud, FAST).await;
    let left = cloud.receipt(&report).left;
    assert_eq!((report.verdict, left.len()), (Some(Verdict::Amber), 1));
    assert!(left[0].reason.contains("MFA delete"), "{left:?}");
}

#[tokio::test]
async fn huge_bucket_drains_by_itself_and_the_next_run_goes_on() {
    let section = format!("{FAST}  limits: {{objects: 30000}}\n");
    let cloud = bucket(45_000);
    let report = run(&cloud, &section).await;
    let left = cloud.receipt(&report).left;
    assert_eq!(
        (report.verdict, left.len(), writes(&cloud, "PutBucketLifecycleConfiguration").len()),
        (Some(Verdict::Amber), 1, 1)
    );
    assert!(left[0].reason.contains("draining"), "{left:?}");
    let report = cloud.drive(&cloud.reset(&section), "run-2", None).await.unwrap();
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)));
}

fn stacks(ids: &[&str]) -> Cloud {
    let stack = |id: &&str| json!({"StackId": id, "StackName": id, "StackStatus": "CREATE_COMPLETE"});
    Cloud::new().with("eu-west-1", "DescribeStacks", ids.iter().map(stack))
}

#[tokio::test]
async fn stack_that_imports_goes_before_the_one_that_exports() {
    let cloud = stacks(&["exporter", "importer"]);
    cloud.change(|world| world.imports = vec![("importer".to_owned(), "exporter".to_owned())]);
    // The importer is slow to go, so the exporter is met first.
    let turn = AtomicU32::new(0);
    faulty(&cloud, move |_, operation, params| {
        let slow = operation == "DeleteStack" && params["StackName"] == "importer";
        (slow && turn.fetch_add(1, Ordering::Relaxed) < 3).then_some((ErrorClass::Throttled, "Throttling"))
    });
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)));
}

#[tokio::test]
async fn protected_stack_and_one_that_fails_to_be_deleted_go() {
    let cloud = stacks(&["guarded", "stuck"]);
    cloud.change(|world| _ = world.protected.insert("guarded".to_owned()));
    let report = run(&cloud, FAST).await;
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)));
    assert!(writes(&cloud, "DeleteStack").iter().any(|write| write.contains("FORCE_DELETE_STACK")));
    assert_eq!(writes(&cloud, "UpdateTerminationProtection").len(), 1);
}

#[tokio::test]
async fn stack_whose_role_is_gone_says_what_to_do() {
    let cloud = stacks(&["orphan"]);
    cloud.change(|world| world.things[0].body["RoleARN"] = "arn:aws:iam::555566667777:role/gone".into());
    faulty(&cloud, |_, operation, _| {
        (operation == "DeleteStack").then_some((ErrorClass::Invalid, "Role is invalid or cannot be assumed"))
    });
    let report = run(&cloud, FAST).await;
    let left = cloud.receipt(&report).left;
    assert_eq!((report.verdict, left.len()), (Some(Verdict::Red), 1));
    assert!(left[0].reason.contains("make a role of that name"), "{left:?}");
}

#[tokio::test]
async fn what_is_listed_and_said_to_be_gone_is_neither_hidden_nor_deleted() {
    let table = || Cloud::new().with("eu-west-1", "ListTables", [json!("orders")]);
    let fault = |times: u32| {
        let turn = AtomicU32::new(0);
        move |_: &str, operation: &str, _: &Value| {
            let gone = operation == "DescribeTable" && turn.fetch_add(1, Ordering::Relaxed) < times;
            gone.then_some((ErrorClass::Gone, "ResourceNotFoundException"))
        }
    };
    let cloud = table();
    cloud.change(|world| world.fault = Some(Box::new(fault(u32::MAX))));
    let receipt = cloud.receipt(&run(&cloud, FAST).await);
    assert_eq!((cloud.ids(), receipt.verdict), (vec!["orders".to_owned()], Some(Verdict::Red)));
    let line = receipt.ledger.iter().find(|line| line.kind == "AWS::DynamoDB::Table" && line.region == "eu-west-1");
    assert!(line.unwrap().note.contains("is said to be gone"), "{receipt}");
    // A read that is late by a moment costs nothing.
    let cloud = table();
    cloud.change(|world| world.fault = Some(Box::new(fault(1))));
    assert_eq!((run(&cloud, FAST).await.verdict, cloud.ids().len()), (Some(Verdict::Green), 0));
}

#[tokio::test]
async fn what_was_being_deleted_when_its_list_was_denied_is_denied_and_amber() {
    // The table vanishes in its own time, and the list that would tell is denied from the delete on.
    let cloud = Cloud::new().with("eu-west-1", "DescribeDBInstances", [json!({"DBInstanceIdentifier": "orders"})]);
    let asked = AtomicBool::new(false);
    faulty(&cloud, move |_, operation, _| {
        asked.fetch_or(operation == "DeleteDBInstance", Ordering::SeqCst);
        let barred = operation == "DescribeDBInstances" && asked.load(Ordering::SeqCst);
        barred.then_some((ErrorClass::Denied, "AccessDenied"))
    });
    let report = run(&cloud, FAST).await;
    let receipt = cloud.receipt(&report);
    assert_eq!(report.verdict, Some(Verdict::Amber), "{:?}", receipt.left);
    let line = receipt.ledger.iter().find(|line| line.kind == "AWS::RDS::DBInstance" && line.region == "eu-west-1");
    assert!(line.is_some_and(|line| line.state == State::Denied && line.note.contains("AccessDenied")), "{line:?}");
}
