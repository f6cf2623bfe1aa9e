//! Policies against an organization in memory.

use super::super::super::Report;
use super::super::super::fake::{FakeMember, FakeOrganization};
use super::super::super::world::{World, id};
use crate::types::AccountId;
use serde_json::{Value, json};

const FILE: &str = "accounts:\n  dev: {id: \"444455556666\", ou: Workloads/Dev, tags: {stage: dev}}\n";

fn management() -> AccountId {
    "111122223333".parse().unwrap()
}

fn organization() -> FakeOrganization {
    FakeOrganization::new(&management(), &["Workloads", "Workloads/Dev", "Workloads/Prod", "Sandbox"])
        .with(&id(), FakeMember::new("dev", "Workloads/Dev"))
}

fn world(layers: &str) -> World {
    World::organization(&format!("{FILE}layers:\n{layers}"), organization())
}

async fn apply(world: &World) -> Report {
    world.apply_to(&management()).await
}

fn unit(world: &World, path: &str) -> String {
    world.cloud.organization().units[&path.parse().unwrap()].to_string()
}

/// The names of what is attached to an OU.
fn at(world: &World, path: &str) -> String {
    world.cloud.organization().policies.names_at(&unit(world, path)).join(" ")
}

async fn settled(world: &World) {
    world.cloud.writes();
    let report = apply(world).await;
    assert_eq!((report.steps.len(), world.cloud.writes()), (0, Vec::<String>::new()), "{report}");
}

#[tokio::test]
async fn policies_are_made_and_attached_where_their_layers_mean() {
    let world = world(
        "- {match: {all: true}, policies: [deny-leave-org]}\n\
         - {match: {ou: \"Workloads/**\"}, policies: [deny-vpc-changes, ec2-defaults]}\n\
         - {match: {ou: \"Workloads/*\"}, policies: [deny-regions]}\n\
         - {match: {tag: {stage: dev}}, policies: [protect-baseline]}\n",
    );
    let report = apply(&world).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(at(&world, ""), "deny-leave-org");
    assert_eq!(at(&world, "Workloads"), "deny-vpc-changes ec2-defaults");
    assert_eq!(
        (at(&world, "Workloads/Dev"), at(&world, "Workloads/Prod")),
        ("deny-regions".into(), "deny-regions".into())
    );
    assert_eq!(at(&world, "Sandbox"), "");
    assert_eq!(world.cloud.organization().policies.names_at(id().as_ref()), ["protect-baseline"]);
    assert!(world.cloud.organization().policies.enabled.contains("DECLARATIVE_POLICY_EC2"));
    settled(&world).await;
}

#[tokio::test]
async fn changed_document_is_mended_and_a_detached_policy_comes_back() {
    let world = world("- {match: {all: true}, policies: [deny-leave-org]}\n");
    apply(&world).await;
    world.cloud.reorganize(|organization| {
        organization.policies.made.values_mut().for_each(|policy| policy.content = json!({"Statement": []}));
        organization.policies.attached.clear();
    });
    assert_eq!(apply(&world).await.done.len(), 2);
    assert_eq!(at(&world, ""), "deny-leave-org");
    settled(&world).await;
}

#[tokio::test]
async fn document_is_compared_as_a_document() {
    let world = world("- {match: {all: true}, policies: [deny-leave-org]}\n");
    apply(&world).await;
    world.cloud.reorganize(|organization| {
        for policy in organization.policies.made.values_mut() {
            let actions = &mut policy.content["Statement"][0]["Action"];
            *actions = json!([actions]);
        }
    });
    settled(&world).await;
}

#[tokio::test]
async fn policy_of_somebody_else_is_not_overwritten() {
    let world = world("- {match: {all: true}, policies: [deny-leave-org, deny-regions]}\n");
    world
        .cloud
        .reorganize(|organization| organization.policies.strange("deny-leave-org", json!({"Statement": []}), &[]));
    let report = apply(&world).await;
    assert!(report.errors[0].reason.contains("Forester did not make") && !report.may_pass(), "{report}");
    assert_eq!(at(&world, ""), "deny-regions");
    let policies = world.cloud.organization().policies;
    assert!(policies.made.values().any(|policy| policy.content == json!({"Statement": []})));
}

#[tokio::test]
async fn only_strict_detaches_and_only_what_forester_made() {
    let file = |enforce: &str, policies: &str| {
        format!("{FILE}layers:\n- {{match: {{all: true}}, enforce: {enforce}, policies: [{policies}]}}\n")
    };
    for (enforce, expect) in [("additive", "theirs deny-leave-org deny-regions"), ("strict", "theirs deny-leave-org")] {
        let mut before = organization();
        before.policies.strange("theirs", json!({"Statement": [1]}), &["r-ab12"]);
        let world = World::organization(&file(enforce, "deny-leave-org, deny-regions"), before);
        apply(&world).await;
        let world = World::organization(&file(enforce, "deny-leave-org"), world.cloud.organization());
        apply(&world).await;
        assert_eq!(at(&world, ""), expect, "{enforce}");
        settled(&world).await;
    }
}

#[tokio::test]
async fn sixth_policy_is_a_problem_before_anything_is_attached() {
    let world = world("- {match: {all: true}, policies: [deny-leave-org, deny-regions]}\n");
    world.cloud.reorganize(|organization| {
        for name in ["a", "b", "c"] {
            organization.policies.strange(name, json!({"Statement": [name]}), &["r-ab12"]);
        }
    });
    let report = apply(&world).await;
    assert!(report.errors[0].reason.contains("AWS allows 5: attached are FullAWSAccess, a, b, c"), "{report}");
    assert_eq!((report.failed.len(), at(&world, "").as_str()), (0, "a b c"));
}

#[tokio::test]
async fn full_place_is_emptied_before_it_is_filled_under_strict() {
    let file = |policies: &str| {
        format!("{FILE}layers:\n- {{match: {{all: true}}, enforce: strict, policies: [{policies}]}}\n")
    };
    let world =
        World::organization(&file("deny-leave-org, deny-regions, deny-vpc-changes, quarantine"), organization());
    apply(&world).await;
    let file = file("deny-leave-org, deny-regions, deny-vpc-changes, protect-baseline");
    let world = World::organization(&file, world.cloud.organization());
    let report = apply(&world).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(at(&world, ""), "deny-leave-org deny-regions deny-vpc-changes protect-baseline");
}

#[tokio::test]
async fn quarantine_hangs_on_the_intake_ou_as_soon_as_that_is_made() {
    let world = world("- {match: {all: true}, quarantine_until: guarded}\n");
    let report = apply(&world).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!((at(&world, "Intake"), at(&world, "Suspended")), ("quarantine".into(), String::new()));
    let policies = world.cloud.organization().policies;
    let quarantine = policies.made.values().find(|policy| policy.name == "quarantine").unwrap();
    let spared = &quarantine.content["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"];
    assert_eq!(spared[0], "arn:*:iam::*:role/Entrance");
    settled(&world).await;
}

#[tokio::test]
async fn quarantine_is_not_put_on_accounts_that_do_not_wait_there() {
    let file = format!("{FILE}layers:\n- {{match: {{all: true}}, enforce: strict, quarantine_until: guarded}}\n");
    let before = FakeOrganization::new(&management(), &["Intake"])
        .with(&id(), FakeMember::new("dev", "Intake"))
        .with(&"555566667777".parse().unwrap(), FakeMember::new("shop", "Intake"));
    let world = World::organization(&file, before);
    let report = apply(&world).await;
    assert!(report.errors[0].reason.contains("would stop the work in shop (555566667777)"), "{report}");
    assert_eq!(at(&world, "Intake"), "");
    world.cloud.reorganize(|organization| organization.members.retain(|_, member| member.name != "shop"));
    assert!(apply(&world).await.is_clean());
    assert_eq!(at(&world, "Intake"), "quarantine");
    // Somebody moves an account in by hand later: the quarantine holds.
    world.cloud.reorganize(|organization| {
        organization.members.insert("555566667777".parse().unwrap(), FakeMember::new("shop", "Intake"));
    });
    apply(&world).await;
    assert_eq!(at(&world, "Intake"), "quarantine");
}

#[tokio::test]
async fn policies_of_an_account_that_is_still_to_be_made_wait_for_it() {
    let file = format!(
        "{FILE}  new: {{email: aws+new@acme.example, tags: {{stage: prod}}}}\nlayers:\n\
        - {{match: {{tag: {{stage: prod}}}}, policies: [deny-regions]}}\n"
    );
    let world = World::organization(&file, organization());
    let report = apply(&world).await;
    assert_eq!(report.waiting[0].summary, "deny-regions on new", "{report}");
    assert!(apply(&world).await.is_clean());
    let made = world.cloud.organization().members.into_iter().find(|(_, member)| member.name == "new").unwrap().0;
    assert_eq!(world.cloud.organization().policies.names_at(made.as_ref()), ["deny-regions"]);
}

#[tokio::test]
async fn management_account_is_left_out_and_that_is_said() {
    let world = world("- {match: {account: \"*\"}, policies: [deny-leave-org]}\n");
    let report = apply(&world).await;
    assert!(
        report.skipped.iter().any(|skipped| skipped.reason.contains("never bind the management account")),
        "{report}"
    );
    let attached: Vec<String> = world.cloud.organization().policies.attached.into_keys().collect();
    assert_eq!(attached, [id().to_string()]);
}

#[tokio::test]
async fn policy_that_is_attached_or_made_meanwhile_is_no_failure() {
    let layers = "- {match: {all: true}, policies: [deny-leave-org]}\n";
    let world = world(layers);
    let account = world.baseline.directory().account(&management()).await.unwrap().unwrap();
    let forest = world.baseline.forest().await.unwrap();
    let prepared = world.baseline.prepare(world.baseline.target(account, &forest).await.unwrap()).await;
    apply(&world).await;
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let report = world.baseline.apply(&prepared, crate::types::Mode::Apply, now).await.unwrap();
    assert_eq!((report.is_clean(), report.done.len()), (true, 0), "{report}");
}

fn check(sections: &str, expect: &str) {
    let head =
        "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\naccess: {role: A}\n";
    let errors = crate::config::Config::parse(&format!("{head}{sections}"), "f").unwrap_err().to_string();
    assert!(errors.contains(expect), "{errors}");
}

#[test]
fn file_that_cannot_work_is_refused_before_any_call() {
    check(
        "layers:\n- {match: {all: true}, policies: [deny-al]}\n",
        "there is no policy `deny-al`; expected one of deny-leave-org",
    );
    check("policies: {a: {type: scp}}\n", "policies.a: there is no document; expected `content`, or `file`");
    check("policies: {a: {type: scp, content: {Version: x}}}\n", "there is no `Statement`");
    check("policies: {a: {type: scp, file: a.json}}\n", "write the `content` here");
    let long: Vec<Value> = (0..300).map(|n| json!(format!("service-{n}:DoSomething"))).collect();
    let long = json!({"a": {"type": "scp", "content": {"Statement": long}}});
    check(&format!("policies: {long}\n"), "a service control policy has at most 5120");
    let many = "deny-leave-org, deny-regions, deny-vpc-changes, protect-baseline, sandbox-cleanable";
    check(
        &format!("layers:\n- {{match: {{all: true}}, policies: [{many}]}}\n"),
        "there is room for 4 beside AWS's own",
    );
}
