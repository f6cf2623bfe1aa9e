//! `forester deploy`, as a person meets it: nothing happens before it was shown and confirmed, a second run changes nothing,
//! and `doctor` says what the organization still lacks.

use std::collections::BTreeSet;

use forester::aws::Scope;
use forester_e2e::Outcome;
use forester_e2e::command::Ran;
use forester_e2e::deploy::{BUCKET, Deployer};
use forester_e2e::environment;
use forester_e2e::stack::Stack;
use forester_e2e::world::World;
use serde_json::{Value, json};

struct Place {
    stack: Stack,
    world: World,
    home: Scope,
    deployer: Deployer,
}

async fn place() -> Outcome<Place> {
    let stack = Stack::start().await?;
    stack.shorten().await?;
    let world = World::create(&stack).await?;
    let deployer = Deployer::prepare(&stack, &environment::configuration()?).await?;
    Ok(Place { home: world.management().await?, world, deployer, stack })
}

impl Place {
    async fn stacks(&self) -> Outcome<Vec<Value>> {
        Ok(self.home.pages("cloudformation", "DescribeStacks", json!({})).await?)
    }

    async fn has_bucket(&self) -> Outcome<bool> {
        let buckets = self.home.pages("s3", "ListBuckets", json!({})).await?;
        Ok(buckets.iter().any(|bucket| bucket["Name"] == BUCKET))
    }

    /// The findings that are not ok, by what was looked at.
    async fn lacks(&self) -> Outcome<Vec<String>> {
        let ran = self.deployer.terminal.run(&["doctor", "--output", "json"]).await?;
        Ok(lacking(&ran.json()?))
    }
}

fn lacking(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().into_iter().flatten();
    let bad = findings.filter(|finding| finding["state"] != "ok");
    bad.map(|finding| format!("{}: {}", finding["what"], finding["hint"])).collect()
}

fn refused(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
}

/// Makes a trail of all regions that records.
async fn records(home: &Scope) -> Outcome<()> {
    home.call("s3", "CreateBucket", json!({ "Bucket": "acme-trail" })).await?;
    let statement = |action: &str, resource: &str| {
        json!({
            "Effect": "Allow", "Principal": { "Service": "cloudtrail.amazonaws.com" }, "Action": action,
            "Resource": resource,
        })
    };
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        statement("s3:GetBucketAcl", "arn:aws:s3:::acme-trail"),
        statement("s3:PutObject", "arn:aws:s3:::acme-trail/AWSLogs/111122223333/*"),
    ]});
    home.call("s3", "PutBucketPolicy", json!({ "Bucket": "acme-trail", "Policy": policy.to_string() })).await?;
    let trail = json!({ "Name": "all", "S3BucketName": "acme-trail", "IsMultiRegionTrail": true });
    home.call("cloudtrail", "CreateTrail", trail).await?;
    home.call("cloudtrail", "StartLogging", json!({ "Name": "all" })).await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_deployed_before_it_is_shown_and_confirmed() -> Outcome<()> {
    let place = place().await?;
    let file = place.deployer.terminal.directory().join("forester.yaml");
    let good = std::fs::read_to_string(&file)?;
    std::fs::write(&file, good.replace("home_region", "home_regoin"))?;
    refused(&place.deployer.run(&["--yes"]).await?, 1, "home_regoin");
    std::fs::write(&file, &good)?;
    refused(&place.deployer.run(&["--yes", "--packages", "elsewhere"]).await?, 1, "cargo xtask package");
    refused(&place.deployer.run(&["--yes", "--members"]).await?, 1, "access.role is OrganizationAccountAccessRole");
    refused(&place.deployer.run(&[]).await?, 3, "There is no bucket");
    assert!(!place.has_bucket().await?, "a bucket was made that nobody wanted");
    let shown = place.deployer.run(&["--yes", "--plan"]).await?;
    assert_eq!(shown.code, 2, "{shown:?}");
    assert_eq!(shown.json()?.pointer("/stacks/0/new"), Some(&json!(true)));
    refused(&place.deployer.run(&["--yes", "--parameter", "LogDay=7"]).await?, 1, "has no parameter LogDay; it has");
    refused(&place.deployer.run(&[]).await?, 3, "Create the stack forester in 111122223333");
    assert_eq!(place.stacks().await?, Vec::<Value>::new(), "a stack was left behind by a plan");
    place.stack.stop().await
}

#[tokio::test]
async fn second_deployment_changes_what_differs_and_nothing_else() -> Outcome<()> {
    let place = place().await?;
    let first = place.deployer.run(&["--yes"]).await?;
    assert_eq!(first.code, 4, "a world without a trail is not healthy: {first:?}");
    let told = first.json()?;
    assert!(told["outputs"]["ResetMachineArn"].is_string(), "{told}");
    let again = place.deployer.run(&[]).await?;
    assert_eq!(again.json()?["stacks"], json!([]), "nothing differs, so nobody is asked: {again:?}");
    let versions = json!({ "Bucket": BUCKET, "Prefix": "forester/forester.yaml" });
    let editions = place.home.call("s3", "ListObjectVersions", versions.clone()).await?;
    assert_eq!(editions["Versions"].as_array().map(Vec::len), Some(1), "the same file is no new edition: {editions}");
    let shown = place.deployer.run(&["--plan", "--parameter", "LogDays=365"]).await?;
    let changes = shown.json()?.pointer("/stacks/0/changes").and_then(Value::as_array).cloned().unwrap_or_default();
    // The dashboard names them, and counts as changed with them here.
    let kinds: BTreeSet<&str> = changes.iter().filter_map(|change| change["type"].as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["AWS::CloudWatch::Dashboard", "AWS::Logs::LogGroup"]));
    let changed = place.deployer.run(&["--yes", "--parameter", "LogDays=365"]).await?;
    assert_eq!(changed.code, 4, "{changed:?}");
    let groups = place.home.pages("logs", "DescribeLogGroups", json!({ "logGroupNamePrefix": "/aws/lambda/" })).await?;
    assert!(groups.iter().all(|group| group["retentionInDays"] == 365), "{groups:?}");
    // What was given once stays, as it does with CloudFormation's own tools.
    assert_eq!(place.deployer.run(&[]).await?.json()?["stacks"], json!([]));
    let timer = json!({ "Name": told["outputs"]["ResetTimerName"] });
    let state = async || {
        Ok::<_, forester::aws::CallError>(
            place.home.call("scheduler", "GetSchedule", timer.clone()).await?["State"].take(),
        )
    };
    assert_eq!(state().await?, "ENABLED");
    let path = place.deployer.terminal.directory().join("forester.yaml");
    let file = std::fs::read_to_string(&path)?;
    std::fs::write(&path, file.replace("  schedule: {cron: \"0 2 ? * SUN *\", timezone: UTC}\n", ""))?;
    place.deployer.run(&["--yes"]).await?;
    assert_eq!(state().await?, "DISABLED", "without a schedule in the file nothing is reset by itself");
    place.stack.stop().await
}

#[tokio::test]
async fn file_comes_into_force_when_somebody_says_so() -> Outcome<()> {
    let place = place().await?;
    assert_eq!(place.deployer.run(&["--yes"]).await?.code, 4);
    let path = place.deployer.terminal.directory().join("forester.yaml");
    std::fs::write(&path, format!("{}# other\n", std::fs::read_to_string(&path)?))?;
    let shown = place.deployer.run(&["--plan"]).await?;
    assert_eq!((shown.code, shown.json()?), (2, json!({ "stacks": [], "file": true, "members": [] })));
    refused(&place.deployer.run(&[]).await?, 3, "Put the file into force, as forester/forester.yaml?");
    assert_eq!(place.deployer.run(&["--plan"]).await?.code, 2, "nobody said yes");
    assert_eq!(place.deployer.run(&["--yes"]).await?.code, 4);
    assert_eq!(place.deployer.run(&["--plan"]).await?.code, 0);
    place.stack.stop().await
}

#[tokio::test]
async fn members_get_what_is_shown_before() -> Outcome<()> {
    let place = place().await?;
    let path = place.deployer.terminal.directory().join("forester.yaml");
    let file = std::fs::read_to_string(&path)?.replace("role: OrganizationAccountAccessRole", "role: ForesterMember");
    std::fs::write(&path, &file)?;
    let first = place.deployer.run(&["--yes", "--members"]).await?;
    assert_eq!(first.code, 4, "{first:?}");
    assert_eq!(first.json()?["budgets"], json!({ "topics": 3, "failed": [] }));
    let members = first.json()?["members"].take();
    let sets: Vec<&str> = members.as_array().into_iter().flatten().filter_map(|set| set["stackSet"].as_str()).collect();
    assert_eq!(sets, ["forester-members", "forester-sandboxes"], "{members}");
    assert_eq!(place.deployer.run(&["--members", "--plan"]).await?.code, 0, "nothing is left to do");
    // Sandboxes elsewhere: stacks go from one OU and come to another.
    std::fs::write(&path, file.replace("ou: Sandbox, tag", "ou: Security, tag"))?;
    let shown = place.deployer.run(&["--members", "--plan"]).await?;
    assert_eq!(shown.code, 2, "{shown:?}");
    let works = shown.json()?["members"].take();
    let moved = |work: &Value| (work["leave"].as_array().map(Vec::len), work["arrive"].as_array().map(Vec::len));
    let moves: Vec<_> = works.as_array().into_iter().flatten().map(moved).collect();
    assert_eq!(moves, [(Some(1), Some(1)), (Some(1), Some(1))], "{works}");
    refused(&place.deployer.run(&["--members"]).await?, 3, "Put the file into force");
    place.stack.stop().await
}

#[tokio::test]
async fn member_that_could_not_be_reached_is_told_and_tried_again() -> Outcome<()> {
    let mut place = place().await?;
    let path = place.deployer.terminal.directory().join("forester.yaml");
    let file = std::fs::read_to_string(&path)?.replace("role: OrganizationAccountAccessRole", "role: ForesterMember");
    std::fs::write(&path, &file)?;
    place.deployer.run(&["--yes", "--members"]).await?;
    let behind = |lacks: Vec<String>| lacks.into_iter().find(|line| line.contains("StackSet forester-members"));
    assert_eq!(behind(place.lacks().await?), None);
    // An account comes in which the name of the role is taken.
    place.world.found("late", &[]).await?;
    let late = place.world.scope("late", "us-east-1").await?;
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "ec2.amazonaws.com" } },
    ]});
    let taken = json!({ "RoleName": "ForesterMember", "AssumeRolePolicyDocument": trust.to_string() });
    late.call("iam", "CreateRole", taken).await?;
    place.world.settle("late", "Security").await?;
    let told = behind(place.lacks().await?).ok_or("nobody was told of the account that could not be reached")?;
    assert!(told.contains(late.account().as_ref()) && told.contains("deploy --members"), "{told}");
    late.call("iam", "DeleteRole", json!({ "RoleName": "ForesterMember" })).await?;
    place.deployer.run(&["--yes", "--members"]).await?;
    assert_eq!(behind(place.lacks().await?), None, "it was not tried again");
    place.stack.stop().await
}

#[tokio::test]
async fn stack_that_fails_says_why_and_what_to_do() -> Outcome<()> {
    let place = place().await?;
    let path = place.deployer.terminal.directory().join("template.yaml");
    let template = std::fs::read_to_string(&path)?;
    // A name that is taken: by the bucket of the packages.
    let taken = format!("Resources:\n  Taken:\n    Type: AWS::S3::Bucket\n    Properties: {{BucketName: {BUCKET}}}\n");
    std::fs::write(&path, template.replacen("Resources:\n", &taken, 1))?;
    let failed = place.deployer.run(&["--yes"]).await?;
    refused(&failed, 1, "the stack forester ended as ROLLBACK_COMPLETE: Taken (AWS::S3::Bucket): ");
    std::fs::write(&path, template)?;
    refused(&place.deployer.run(&["--yes"]).await?, 1, "aws cloudformation delete-stack --stack-name forester");
    place.stack.stop().await
}

#[tokio::test]
async fn events_are_forwarded_to_a_home_elsewhere() -> Outcome<()> {
    let mut place = place().await?;
    place.deployer.terminal = place.deployer.terminal.with("AWS_REGION", "eu-west-1");
    let ran = place.deployer.run(&["--yes"]).await?;
    assert_eq!(ran.code, 4, "{ran:?}");
    let told = ran.json()?;
    let places: Vec<String> = told["stacks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| format!("{} {}", one["stack"], one["region"]))
        .collect();
    // Where the management account works, and where its sign-ins are recorded.
    let regions = ["ap-southeast-2", "eu-north-1", "us-east-1", "us-east-2"];
    let forwarders = regions.map(|region| format!("\"forester-forwarder\" \"{region}\""));
    assert_eq!(places, [vec![r#""forester" "eu-west-1""#.to_owned()], forwarders.to_vec()].concat());
    let mut targets = Vec::new();
    for rule in place.home.pages("events", "ListRules", json!({})).await? {
        targets.extend(place.home.pages("events", "ListTargetsByRule", json!({ "Rule": rule["Name"] })).await?);
    }
    let bus = "arn:aws:events:eu-west-1:111122223333:event-bus/default";
    assert!(!targets.is_empty() && targets.iter().all(|target| target["Arn"] == bus), "{targets:?}");
    assert_eq!(place.deployer.run(&[]).await?.json()?["stacks"], json!([]));
    place.stack.stop().await
}

#[tokio::test]
async fn doctor_names_what_is_missing_until_it_is_there() -> Outcome<()> {
    let place = place().await?;
    place.deployer.run(&["--yes"]).await?;
    let lacks = place.lacks().await?;
    assert!(lacks.iter().any(|line| line.contains("a trail with logging")), "{lacks:?}");
    records(&place.home).await?;
    assert_eq!(place.lacks().await?, Vec::<String>::new());
    let rules = place.home.pages("events", "ListRules", json!({})).await?;
    let rule = rules.first().ok_or("no rule was deployed")?;
    let off = json!({ "Name": rule["Name"], "EventPattern": rule["EventPattern"], "State": "DISABLED" });
    place.home.call("events", "PutRule", off).await?;
    let invented = json!({ "source": ["aws.budgets"], "detail-type": ["Budget Threshold Exceeded"] }).to_string();
    place.home.call("events", "PutRule", json!({ "Name": "spend", "EventPattern": invented })).await?;
    let lacks = place.lacks().await?;
    let told = |words: &str| lacks.iter().any(|line| line.contains(words));
    assert!(told("is switched off") && told("spend waits for thresholds"), "{lacks:?}");
    place.stack.stop().await
}
