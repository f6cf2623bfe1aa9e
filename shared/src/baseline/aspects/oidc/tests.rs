//! Tokens of a provider open a role for those whom the file names, and for nobody else.

use serde_json::{Value, json};

use crate::baseline::Report;
use crate::baseline::fake::{FakeAccount, FakeProvider};
use crate::baseline::world::{REGIONS, World, id};
use crate::config::Config;

const HOST: &str = "token.actions.githubusercontent.com";

const OIDC: &str = r#"
  - match: {all: true}
    enforce: ENFORCE
    oidc:
      github:
        url: https://token.actions.githubusercontent.com/
        roles:
          Deploy: {policies: [PowerUserAccess], subjects: ["repo:acme/app:ref:refs/heads/main"], session_hours: 1}
"#;

fn words(report: &Report) -> Vec<String> {
    report.done.iter().map(|step| step.action.word()).collect()
}

fn world(enforce: &str) -> World {
    World::new(&OIDC.replace("ENFORCE", enforce), FakeAccount::fresh(&REGIONS))
}

fn provider(world: &World) -> FakeProvider {
    world.cloud.account(&id()).providers[HOST].clone()
}

#[tokio::test]
async fn provider_comes_before_the_role_that_its_tokens_open() {
    let world = world("strict");
    let report = world.apply().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(words(&report), ["create-provider", "create-role"]);
    assert_eq!(provider(&world).clients, ["sts.amazonaws.com".to_owned()].into());
    let role = &world.cloud.account(&id()).roles["Deploy"];
    let trust: Value = serde_json::from_str(&role.trust).unwrap();
    let statement = &trust["Statement"][0];
    assert_eq!(statement["Action"], "sts:AssumeRoleWithWebIdentity");
    assert_eq!(statement["Principal"], json!({"Federated": format!("arn:aws:iam::444455556666:oidc-provider/{HOST}")}));
    let aud = json!({format!("{HOST}:aud"): ["sts.amazonaws.com"]});
    let sub = json!({format!("{HOST}:sub"): ["repo:acme/app:ref:refs/heads/main"]});
    assert_eq!(statement["Condition"], json!({"StringEquals": aud, "StringLike": sub}));
    world.cloud.calls();
    assert_eq!((world.apply().await.steps, world.cloud.writes()), (vec![], vec![]));
}

#[tokio::test]
async fn clients_are_added_and_only_strict_removes_others() {
    for (enforce, expect) in [("additive", vec!["add-client"]), ("strict", vec!["add-client", "remove-client"])] {
        let world = world(enforce);
        world.apply().await;
        world.cloud.change(&id(), |account| {
            account.providers.get_mut(HOST).unwrap().clients = ["somebody".to_owned()].into();
        });
        assert_eq!(words(&world.apply().await), expect, "{enforce}");
        assert_eq!(world.apply().await.steps, []);
    }
}

#[tokio::test]
async fn provider_made_meanwhile_is_used() {
    let world = world("additive");
    let prepared = world.prepare().await;
    world.cloud.change(&id(), |account| {
        account.providers.insert(HOST.to_owned(), FakeProvider::default());
    });
    assert!(world.take(&prepared).await.is_clean());
    assert_eq!(world.apply().await.steps, []);
}

#[tokio::test]
async fn subjects_that_drifted_are_set_back() {
    let world = world("additive");
    world.apply().await;
    world.cloud.change(&id(), |account| {
        let role = account.roles.get_mut("Deploy").unwrap();
        role.trust = role.trust.replace("repo:acme/app:ref:refs/heads/main", "repo:acme/*");
    });
    assert_eq!(words(&world.apply().await), ["set-trust"]);
    assert!(!world.cloud.account(&id()).roles["Deploy"].trust.contains("repo:acme/*"));
}

fn problems(from: &str, to: &str) -> String {
    let head = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
                access: {role: R}\nlayers:\n";
    let layers = OIDC.replace("ENFORCE", "additive");
    assert!(layers.contains(from), "{from}");
    let text = format!("{head}{}", layers.replace(from, to));
    Config::parse(&text, "f").map_err(|errors| errors.to_string()).err().unwrap_or_default()
}

#[test]
fn door_that_stands_open_to_strangers_is_refused() {
    let subject = "repo:acme/app:ref:refs/heads/main";
    for wide in [
        "*",
        "?*",
        "*:ref:refs/heads/main",
        "?epo:acme/app:*",
        "repo:*",
        "repo:*:*",
        "repo:*/app:ref:refs/heads/main",
        "repo:acme*/app:*",
        "repo:/app",
        "project_path:*/app:ref_type:branch:ref:main",
        "organization:*:project:shop:*",
    ] {
        let found = problems(subject, wide);
        assert!(found.contains("roles.Deploy.subjects[0]"), "{wide}: {found}");
    }
    for fine in [
        "repo:acme/*",
        "repo:acme/app:environment:prod",
        "project_path:acme/app:ref_type:branch:ref:main",
        "organization:acme:project:shop:*",
        "system:serviceaccount:*:publisher",
    ] {
        assert_eq!(problems(subject, fine), "", "{fine}");
    }
}

#[test]
fn mistakes_are_told_before_any_call() {
    for (from, to, expect) in [
        ("https://token.actions.githubusercontent.com/", "http://x", "expected https://"),
        ("        url: https://token.actions.githubusercontent.com/\n", "", "no layer says where it is"),
        ("subjects: [\"repo:acme/app:ref:refs/heads/main\"]", "subjects: []", "the list is empty"),
        (", subjects: [\"repo:acme/app:ref:refs/heads/main\"]", "", "no layer says whose tokens open it"),
        ("Deploy:", "AWSReservedSSO_X:", "belongs to IAM Identity Center"),
        (
            "    oidc:\n",
            "    roles: {deploy: {trust: [\"111122223333\"]}}\n    oidc:\n",
            "is also one of `layers[0].roles`",
        ),
    ] {
        let found = problems(from, to);
        assert!(found.contains(expect), "{to}: {found}");
    }
}
