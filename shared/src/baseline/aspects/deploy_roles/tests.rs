//! A pipeline in one account deploys into others, and reads its artifacts there by roles that are let in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::baseline::Report;
use crate::baseline::fake::{FakeBucket, FakeKey, FakeMember, FakeOrganization};
use crate::baseline::world::World;
use crate::config::Config;
use crate::types::{AccountId, Region};

const SECTIONS: &str = r#"
accounts:
  shared: {id: "444455556666"}
  prod: {id: "666677778888"}
layers:
- match: {ou: Workloads}
  enforce: ENFORCE
  deploy_roles:
    trust: shared
    roles: [CodePipelineDeploy, CodeBuildExec, CloudFormationExec]
    bucket: acme-artifacts
    key: alias/artifacts
    boundary: "arn:aws:iam::{id}:policy/deploys"
"#;

fn account(name: &str) -> AccountId {
    if name == "shared" { "444455556666" } else { "666677778888" }.parse().unwrap()
}

fn bare(enforce: &str) -> World {
    let organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Shared", "Workloads"])
        .with(&account("shared"), FakeMember::new("shared", "Shared"))
        .with(&account("prod"), FakeMember::new("prod", "Workloads"));
    World::organization(&SECTIONS.replace("ENFORCE", enforce), organization)
}

/// With the bucket and the key of the artifacts.
fn world(enforce: &str) -> World {
    let world = bare(enforce);
    let region: Region = "eu-west-1".parse().unwrap();
    world.cloud.change(&account("shared"), |account| {
        let bucket = FakeBucket { region: region.clone(), settings: BTreeMap::new() };
        account.buckets.insert("acme-artifacts".to_owned(), bucket);
        account.keys.insert((region.clone(), "key-0".to_owned()), FakeKey::fresh());
        account.aliases.insert((region, "alias/artifacts".to_owned()), "key-0".to_owned());
    });
    world
}

fn words(report: &Report) -> Vec<String> {
    report.done.iter().map(|step| step.action.word()).collect()
}

fn trust(world: &World, role: &str) -> Value {
    serde_json::from_str(&world.cloud.account(&account("prod")).roles[role].trust).unwrap()
}

#[tokio::test]
async fn pipeline_has_its_roles_where_it_deploys_and_is_let_in_where_its_artifacts_are() {
    let world = world("strict");
    for name in ["shared", "prod"] {
        let report = world.apply_to(&account(name)).await;
        assert!(report.is_clean(), "{report}");
        world.cloud.calls();
        assert_eq!((world.apply_to(&account(name)).await.steps, world.cloud.writes()), (vec![], vec![]), "{name}");
    }
    assert_eq!(
        trust(&world, "CodePipelineDeploy")["Statement"][0]["Principal"],
        json!({"AWS": ["arn:aws:iam::444455556666:root"]})
    );
    let service = json!({"Service": ["cloudformation.amazonaws.com"]});
    assert_eq!(trust(&world, "CloudFormationExec")["Statement"][0]["Principal"], service);
    let roles = world.cloud.account(&account("prod")).roles;
    assert_eq!(roles["CloudFormationExec"].policies, ["arn:aws:iam::aws:policy/PowerUserAccess".to_owned()].into());
    assert_eq!(roles["CodeBuildExec"].boundary.as_deref(), Some("arn:aws:iam::666677778888:policy/deploys"));
    let own = &roles["CodePipelineDeploy"].inline["deploy"];
    for part in [
        "arn:aws:s3:::acme-artifacts/*",
        "arn:aws:kms:eu-west-1:444455556666:key/key-0",
        "arn:aws:iam::666677778888:role/CloudFormationExec",
        "codebuild:StartBuild",
    ] {
        assert!(own.contains(part), "{part} in {own}");
    }
}

#[tokio::test]
async fn artifacts_are_open_to_the_roles_and_to_nobody_else_of_the_accounts() {
    let world = world("additive");
    let theirs = json!({"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    world.cloud.change(&account("shared"), |account| {
        let policy = json!({"Version": "2012-10-17", "Statement": [theirs]});
        let bucket = account.buckets.get_mut("acme-artifacts").unwrap();
        bucket.settings.insert("Policy".to_owned(), policy.to_string().into());
    });
    assert_eq!(words(&world.apply_to(&account("shared")).await), ["set-bucket-policy", "set-key-policy"]);
    let shared = world.cloud.account(&account("shared"));
    let policy: Value =
        serde_json::from_str(shared.buckets["acme-artifacts"].settings["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0], theirs);
    let ours = &policy["Statement"][1];
    assert_eq!(ours["Principal"], json!({"AWS": ["arn:aws:iam::666677778888:root"]}));
    let only =
        ["CloudFormationExec", "CodeBuildExec", "CodePipelineDeploy"].map(|role| format!("arn:aws:iam::*:role/{role}"));
    assert_eq!(ours["Condition"], json!({"ArnLike": {"aws:PrincipalArn": only}}));
    let key = shared.keys.values().next().unwrap();
    assert_eq!(key.policy["Statement"][0]["Sid"], "SharedByForesterDeployKey");
}

#[tokio::test]
async fn roles_wait_for_the_key_and_a_missing_bucket_is_told() {
    let world = bare("additive");
    let report = world.apply_to(&account("prod")).await;
    assert_eq!((report.waiting.len(), report.waiting[0].on.clone()), (1, Some(account("shared"))), "{report}");
    let report = world.apply_to(&account("shared")).await;
    assert_eq!(report.errors.len(), 2, "{report}");
    assert!(report.errors[0].reason.contains("no bucket acme-artifacts"), "{report}");
}

#[test]
fn mistakes_are_told_before_any_call() {
    let head = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
                access: {role: R}\n";
    for (from, to, expect) in [
        ("trust: shared", "trust: shraed", "`shraed` is not an account of this file"),
        ("    trust: shared\n", "", "no layer says where the pipeline is"),
        ("bucket: acme-artifacts", "bucket: Acme", "cannot be a bucket's name"),
        ("key: alias/artifacts", "key: \"arn:aws:kms:us-east-1:444455556666:key/k\"", "in the home region"),
        ("CodeBuildExec", "CodeBuild", "there is no word `CodeBuild` here"),
    ] {
        let text = format!("{head}{}", SECTIONS.replace("ENFORCE", "additive").replacen(from, to, 1));
        let found = Config::parse(&text, "f").map_err(|errors| errors.to_string()).err().unwrap_or_default();
        assert!(found.contains(expect), "{to}: {found}");
    }
}
