//! One account that holds a resource of every type that the emulator knows, in three regions, and what other tools of this
//! kind stumble over: the real command empties it, says so, and plain calls agree.

use std::collections::BTreeSet;

use forester::aws::Scope;
use forester::reset::catalogue::{Catalogue, Verified};
use forester_e2e::command::Terminal;
use forester_e2e::seeds::{self, Planted};
use forester_e2e::stack::{SHORT, Stack};
use forester_e2e::world::{World, text};
use forester_e2e::{Outcome, environment, jobs};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

const ACCOUNT: &str = "sbx-ana";

/// More than one page of DynamoDB's tables (100) and of RDS's instances (100).
const TABLES: usize = 150;
const DATABASES: usize = 120;

/// Objects of one bucket, all versions counted.
const VERSIONS: usize = 20_000;

/// Security groups that all let each other in.
const WEB: usize = 12;

async fn world(name: &str) -> Outcome<(Stack, World, Terminal)> {
    let stack = Stack::start().await?;
    let world = World::create(&stack).await?;
    stack.shorten().await?;
    let terminal = Terminal::open(name, &environment::patient("10m")?, Some(&stack))?;
    Ok((stack, world, terminal))
}

async fn tables(scope: &Scope) -> Outcome<()> {
    let make = async |n: usize| {
        let params = json!({
            "TableName": format!("many-{n}"), "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": n.is_multiple_of(2),
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        });
        scope.call("dynamodb", "CreateTable", params).await
    };
    try_join_all((0..TABLES).map(make)).await?;
    Ok(())
}

async fn databases(scope: &Scope) -> Outcome<()> {
    let make = async |n: usize| {
        let params = json!({
            "DBInstanceIdentifier": format!("many-{n}"), "DBInstanceClass": "db.t3.micro", "Engine": "mysql",
            "AllocatedStorage": 20, "MasterUsername": "admin", "MasterUserPassword": "not-a-secret-1",
            "DeletionProtection": n.is_multiple_of(2),
        });
        scope.call("rds", "CreateDBInstance", params).await
    };
    try_join_all((0..DATABASES).map(make)).await?;
    Ok(())
}

async fn versions(scope: &Scope) -> Outcome<()> {
    let bucket = format!("many-versions-{}", scope.account());
    scope.call("s3", "CreateBucket", json!({ "Bucket": bucket })).await?;
    let versioned = json!({ "Bucket": bucket, "VersioningConfiguration": { "Status": "Enabled" } });
    scope.call("s3", "PutBucketVersioning", versioned).await?;
    let many = json!({ "local-versions": VERSIONS.to_string() });
    scope.call("s3", "PutObject", json!({ "Bucket": bucket, "Key": "many", "Body": "eA==", "Metadata": many })).await?;
    Ok(())
}

/// A network whose groups all refer to each other.
async fn web(scope: &Scope) -> Outcome<()> {
    let vpc = scope.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.66.0.0/16" })).await?;
    let vpc = text(&vpc, "/Vpc/VpcId")?;
    let mut groups = Vec::new();
    for n in 0..WEB {
        let group = json!({ "GroupName": format!("web-{n}"), "Description": "web", "VpcId": vpc });
        groups.push(text(&scope.call("ec2", "CreateSecurityGroup", group).await?, "/GroupId")?);
    }
    for group in &groups {
        let pairs: Vec<Value> = groups.iter().map(|other| json!({ "GroupId": other })).collect();
        let rule = json!([{ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": pairs }]);
        let rule = json!({ "GroupId": group, "IpPermissions": rule });
        scope.call("ec2", "AuthorizeSecurityGroupIngress", rule).await?;
    }
    Ok(())
}

/// What is planted and can still be seen.
async fn seen(world: &World, planted: &[Planted]) -> Outcome<Vec<String>> {
    let mut seen = Vec::new();
    for one in planted {
        if let Some(answer) = seeds::shown(world, ACCOUNT, Catalogue::embedded()?, one).await? {
            seen.push(format!("{} {} in {}: {answer:.200}", one.seed.kind, one.id, one.region));
        }
    }
    Ok(seen)
}

#[tokio::test]
async fn an_account_with_everything_in_it_is_emptied() -> Outcome<()> {
    let (stack, world, terminal) = world("emptied").await?;
    let seeds = seeds::read(&environment::root()?.join("tests/seeds"), &[])?;
    let (planted, failed) = seeds::plant(&world, ACCOUNT, &SHORT, &seeds).await?;
    assert!(failed.is_empty(), "{failed:?}");
    let scope = world.scope(ACCOUNT, "us-east-1").await?;
    tables(&scope).await?;
    databases(&scope).await?;
    versions(&scope).await?;
    web(&scope).await?;
    let throttled = json!({ "service": "dynamodb", "action": "DeleteTable" });
    stack.fault(throttled, "throttle", 40).await?;

    let plan = terminal.run(&["reset", "plan", ACCOUNT, "--output", "json"]).await?.json()?;
    let doomed = plan["delete"].to_string();
    let missed: Vec<&str> = planted.iter().map(|one| one.id.as_str()).filter(|id| !doomed.contains(*id)).collect();
    assert!(missed.is_empty(), "not found by the scan: {missed:?}");

    let ran = terminal.run(&["reset", "run", ACCOUNT, "--yes", "--output", "json"]).await?;
    let receipt = ran.json()?;
    assert_eq!((ran.code, &receipt["verdict"]), (0, &json!("green")), "{} {}", ran.stderr, summary(&receipt));
    assert_eq!(seen(&world, &planted).await?, Vec::<String>::new());
    assert_eq!(jobs::reset::left(&world, ACCOUNT).await?, Vec::<String>::new());
    let types: BTreeSet<&str> = seeds.iter().map(|seed| seed.kind.as_ref()).collect();
    println!(
        "{} seeds of {} types in {} regions, {TABLES} tables, {DATABASES} databases, {VERSIONS} versions: {} calls",
        planted.len(),
        types.len(),
        SHORT.len(),
        receipt["calls"]
    );
    stack.stop().await
}

/// What is wrong with a receipt, without its hundreds of lines that are not.
fn summary(receipt: &Value) -> String {
    let wrong: Vec<String> = jobs::reset::unsound(receipt).into_iter().map(Value::to_string).collect();
    format!(
        "left: {}\nledger: {}\nbaseline: {}\nnotes: {}",
        receipt["left"],
        wrong.join("\n"),
        receipt["baseline"],
        receipt["notes"]
    )
}

#[tokio::test]
async fn what_cannot_be_judged_is_neither_deleted_nor_forgotten() -> Outcome<()> {
    let (stack, world, terminal) = world("unjudged").await?;
    let config = std::fs::read_to_string(terminal.directory().join("forester.yaml"))?;
    let rules = "sandbox:\n  protect: [{tag: {keep: \"true\"}}]\n";
    std::fs::write(terminal.directory().join("forester.yaml"), config.replace("sandbox:\n", rules))?;
    let scope = world.scope(ACCOUNT, "us-east-1").await?;
    scope.call("sqs", "CreateQueue", json!({ "QueueName": "tags-unread" })).await?;
    let account = scope.account();
    let tags = json!({ "service": "sqs", "action": "ListQueueTags", "account": account });
    stack.control("faults", &json!({ "match": tags, "kind": "denied" })).await?;

    let ran = terminal.run(&["reset", "run", ACCOUNT, "--yes", "--output", "json"]).await?;
    let receipt = ran.json()?;
    assert_ne!(receipt["verdict"], json!("green"), "a queue is left: {}", summary(&receipt));
    assert!(receipt["left"].to_string().contains("tags-unread"), "{}", summary(&receipt));
    let queues = scope.call("sqs", "ListQueues", json!({})).await?;
    assert!(queues.to_string().contains("tags-unread"), "it may be protected: {queues}");

    stack.heal().await?;
    let again = terminal.run(&["reset", "run", ACCOUNT, "--yes", "--output", "json"]).await?.json()?;
    assert_eq!(again["verdict"], json!("green"), "{}", summary(&again));
    let queues = scope.call("sqs", "ListQueues", json!({})).await?;
    assert!(!queues.to_string().contains("tags-unread"), "{queues}");
    stack.stop().await
}

#[test]
fn types_that_say_so_and_only_those_have_a_seed() -> Outcome<()> {
    let seeds = seeds::read(&environment::root()?.join("tests/seeds"), &[])?;
    let seeded = |name: &str| seeds.iter().any(|seed| seed.kind.as_ref() == name);
    let wrong: Vec<String> = Catalogue::embedded()?
        .kinds()
        .filter(|kind| (kind.verified == Verified::Emulator) != seeded(kind.name.as_ref()))
        .map(|kind| {
            format!("{} is verified = {:?}, with a seed: {}", kind.name, kind.verified, seeded(kind.name.as_ref()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
