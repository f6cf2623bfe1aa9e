//! What a stack holds stays with it, and it with what it holds.

use serde_json::{Value, json};

use super::fake::{Cloud, SANDBOX};
use super::protect::Reserved;
use super::tests::{FAST, run};
use super::verdict::Verdict;
use crate::aws::ErrorClass;

fn arn(name: &str) -> String {
    format!("arn:aws:cloudformation:eu-west-1:{SANDBOX}:stack/{name}/51af3dc0")
}

fn stack(name: &str) -> Value {
    json!({"StackId": arn(name), "StackName": name, "StackStatus": "CREATE_COMPLETE"})
}

fn role(name: &str) -> Value {
    json!({"RoleName": name, "Path": "/", "Arn": format!("arn:aws:iam::{SANDBOX}:role/{name}")})
}

fn volume(id: &str) -> Value {
    json!({"VolumeId": id, "State": "available"})
}

/// Stacks, and what each of them holds.
fn world(stacks: &[&str], held: &[(&str, &'static str, &str)]) -> Cloud {
    let cloud = Cloud::new().with("eu-west-1", "DescribeStacks", stacks.iter().map(|name| stack(name)));
    let held = held.iter().map(|(stack, kind, id)| (arn(stack), *kind, (*id).to_owned())).collect();
    cloud.change(|world| world.held = held);
    cloud
}

const BUCKETS: &str = "  protect: [{type: \"AWS::S3::Bucket\", name: \"data\"}]\n";

#[tokio::test]
async fn stack_of_a_protected_bucket_stays_with_all_that_it_holds() {
    let held = [
        ("app", "AWS::S3::Bucket", "data"),
        ("app", "AWS::IAM::Role", "app-role"),
        ("app", "AWS::EC2::OtherVolume", "orders"),
        ("other", "AWS::IAM::Role", "other-role"),
    ];
    let bucket = json!({"Name": "data", "BucketRegion": "eu-west-1"});
    let cloud = world(&["app", "other"], &held)
        .with("us-east-1", "ListBuckets", [bucket])
        .with("us-east-1", "ListRoles", [role("app-role"), role("other-role")])
        .with("eu-west-1", "DescribeVolumes", [volume("orders"), volume("loose")]);
    let report = run(&cloud, &format!("{FAST}{BUCKETS}")).await;
    assert_eq!(cloud.ids(), ["app-role", &arn("app"), "data", "orders"]);
    assert_eq!(report.verdict, Some(Verdict::Green));
    let kept: Vec<(String, String)> =
        cloud.receipt(&report).kept.into_iter().map(|kept| (kept.id, kept.reason)).collect();
    let told = |id: &str| kept.iter().find(|(kept, _)| kept == id).map(|(_, why)| why.as_str()).unwrap();
    assert_eq!(told(&arn("app")), "holds AWS::S3::Bucket data, which is kept");
    assert_eq!(told("app-role"), format!("belongs to AWS::CloudFormation::Stack {}, which is kept", arn("app")));
}

#[tokio::test]
async fn what_a_stack_of_a_stack_set_holds_stays_to_the_last_page_and_through_nested_stacks() {
    let mut nested = stack("inner");
    nested["ParentId"] = arn("StackSet-guard-1").into();
    let queue = format!("https://sqs.eu-west-1/{SANDBOX}/alarms");
    let cloud = world(&["StackSet-guard-1"], &[]).with("eu-west-1", "DescribeStacks", [nested]);
    let cloud = cloud.with("us-east-1", "ListRoles", [role("guard-role"), role("mine")]);
    let cloud = cloud.with("eu-west-1", "ListQueues", [json!(queue), json!("https://sqs.eu-west-1/x/mine")]);
    cloud.change(|world| {
        let many = (0..150).map(|n| (arn("StackSet-guard-1"), "AWS::IAM::Role", format!("gone-{n}")));
        world.held = many.collect();
        world.held.extend([
            (arn("StackSet-guard-1"), "AWS::IAM::Role", "guard-role".to_owned()),
            (arn("StackSet-guard-1"), "AWS::CloudFormation::Stack", arn("inner")),
            (arn("inner"), "AWS::SQS::Queue", queue.clone()),
        ]);
    });
    run(&cloud, FAST).await;
    assert_eq!(cloud.ids(), [arn("StackSet-guard-1"), arn("inner"), "guard-role".to_owned(), queue]);
}

#[tokio::test]
async fn without_the_list_of_what_a_stack_holds_neither_it_nor_what_it_may_hold_is_deleted() {
    for denied in ["ListStackResources", "DescribeStacks"] {
        let cloud = Cloud::new()
            .with("us-east-1", "DescribeStacks", [stack("app")])
            .with("us-east-1", "DescribeVolumes", [volume("orders")])
            .with("eu-west-1", "DescribeVolumes", [volume("far")]);
        cloud.change(|world| {
            world.held = vec![(arn("app"), "AWS::EC2::Volume", "orders".to_owned())];
            world.fault = Some(Box::new(move |region, operation, _| {
                (operation == denied && region == "us-east-1").then_some((ErrorClass::Denied, "AccessDenied"))
            }));
        });
        let report = run(&cloud, FAST).await;
        let there = vec![arn("app"), "orders".to_owned()];
        assert_eq!((cloud.ids(), report.verdict), (there, Some(Verdict::Amber)), "{denied}");
        let left = cloud.receipt(&report).left;
        let told = |id: &str| left.iter().any(|left| left.id == id && left.reason.contains("AccessDenied"));
        assert!(told("orders"), "{left:?}");
    }
}

#[tokio::test]
async fn key_that_may_encrypt_what_stays_keeps_its_stack() {
    let key = json!({"KeyId": "k-1", "KeyArn": "arn:aws:kms:::key/k-1"});
    let cloud = world(&["keys"], &[("keys", "AWS::KMS::Key", "k-1"), ("keys", "AWS::IAM::Role", "admin")])
        .with("us-east-1", "ListBuckets", [json!({"Name": "data", "BucketRegion": "eu-west-1"})])
        .with("us-east-1", "ListRoles", [role("admin")])
        .with("eu-west-1", "ListKeys", [key]);
    run(&cloud, &format!("{FAST}{BUCKETS}")).await;
    assert_eq!(cloud.ids(), ["admin", &arn("keys"), "data", "k-1"]);
}

#[tokio::test]
async fn bucket_of_the_baseline_stays_and_keeps_no_key_that_it_does_not_use() {
    let cloud = Cloud::new()
        .with("us-east-1", "ListBuckets", [json!({"Name": "acme-trail", "BucketRegion": "eu-west-1"})])
        .with("eu-west-1", "ListKeys", [json!({"KeyId": "k-1", "KeyArn": "arn:aws:kms:::key/k-1"})]);
    let why = "the baseline declares it (layers in the file)".to_owned();
    let kind = "AWS::S3::Bucket".parse().unwrap();
    cloud.change(|world| world.declared.reserved.push(Reserved { kind, name: "acme-trail".to_owned(), why }));
    run(&cloud, FAST).await;
    assert_eq!(cloud.ids(), ["acme-trail"]);
}

#[tokio::test]
async fn name_of_the_organization_counts_where_the_organization_puts_things_and_not_as_a_tag() {
    let tagged =
        |id: &str| json!({"VolumeId": id, "State": "available", "Tags": [{"Key": "Name", "Value": "StackSet-x"}]});
    let cloud = Cloud::new()
        .with("eu-west-1", "DescribeVolumes", [tagged("vol-1")])
        .with("eu-west-1", "DescribeVolumes", [volume("StackSet-volume")])
        .with("us-east-1", "ListRoles", [role("AWSControlTowerExecution"), role("app")]);
    run(&cloud, FAST).await;
    assert_eq!(cloud.ids(), ["AWSControlTowerExecution"]);
}
