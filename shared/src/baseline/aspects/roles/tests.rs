//! Roles are made whole, kept so, and never touched where they belong to somebody else.

use serde_json::{Value, json};

use crate::aws::ErrorClass;
use crate::baseline::Report;
use crate::baseline::fake::{FakeAccount, FakeRole};
use crate::baseline::world::{REGIONS, World, id};
use crate::config::Config;

const ROLE: &str = r#"
  - match: {all: true}
    enforce: ENFORCE
    roles:
      Vendor:
        policies: [ReadOnlyAccess]
        inline:
          reports: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:PutObject", Resource: "*"}]}
          queue: '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}'
        boundary: "arn:aws:iam::{id}:policy/vendors"
        trust: [root, "arn:aws:iam::111122223333:role/Agent", ec2.amazonaws.com]
        mfa: true
        external_id: "acme:42"
        session_hours: 4
"#;

fn words(report: &Report) -> Vec<String> {
    report.done.iter().map(|step| step.action.word()).collect()
}

fn world(enforce: &str) -> World {
    World::new(&ROLE.replace("ENFORCE", enforce), FakeAccount::fresh(&REGIONS))
}

fn role(world: &World) -> FakeRole {
    world.cloud.account(&id()).roles["Vendor"].clone()
}

fn change(world: &World, change: impl FnOnce(&mut FakeRole)) {
    world.cloud.change(&id(), |account| change(account.roles.get_mut("Vendor").unwrap()));
}

#[tokio::test]
async fn role_comes_with_all_that_is_declared_and_a_second_apply_writes_nothing() {
    let world = world("strict");
    let report = world.apply().await;
    assert!(report.is_clean(), "{report}");
    let made = role(&world);
    assert_eq!(made.boundary.as_deref(), Some("arn:aws:iam::444455556666:policy/vendors"));
    assert_eq!((made.session, made.inline.len(), made.policies.len()), (Some(4 * 3600), 2, 1));
    let trust: Value = serde_json::from_str(&made.trust).unwrap();
    let conditions =
        json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}, "StringEquals": {"sts:ExternalId": "acme:42"}});
    assert_eq!(trust["Statement"][0]["Condition"], conditions);
    assert_eq!(trust["Statement"][1]["Principal"], json!({"Service": ["ec2.amazonaws.com"]}));
    assert_eq!(trust["Statement"][1].get("Condition"), None, "a service cannot meet the conditions of people");
    world.cloud.calls();
    assert_eq!((world.apply().await.steps, world.cloud.writes()), (vec![], vec![]));
}

#[tokio::test]
async fn drift_is_mended() {
    let world = world("additive");
    world.apply().await;
    change(&world, |role| {
        role.boundary = None;
        role.session = None;
        role.inline.insert("queue".to_owned(), "{}".to_owned());
    });
    assert_eq!(words(&world.apply().await), ["set-boundary", "put-policy", "set-session"]);
    assert_eq!(world.apply().await.steps, []);
}

#[tokio::test]
async fn who_else_may_assume_a_role_is_told_and_only_strict_shuts_them_out() {
    for (enforce, told, open) in [("additive", 1, true), ("strict", 0, false)] {
        let world = world(enforce);
        world.apply().await;
        change(&world, |role| {
            let mut trust: Value = serde_json::from_str(&role.trust).unwrap();
            let door = json!({"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole"});
            trust["Statement"].as_array_mut().unwrap().push(door);
            role.trust = trust.to_string();
        });
        let report = world.apply().await;
        let about = |text: &String| text.contains("who else may assume role Vendor");
        let skipped: Vec<String> = report.skipped.iter().map(|skipped| skipped.step.summary.clone()).collect();
        assert_eq!(skipped.iter().filter(|text| about(text)).count(), told, "{enforce}: {report}");
        assert_eq!(role(&world).trust.contains("999988887777"), open, "{enforce}");
    }
}

#[tokio::test]
async fn strict_removes_policies_of_its_own_and_never_a_boundary() {
    for (enforce, expect) in [("additive", vec![]), ("strict", vec!["delete-policy"])] {
        let world = World::new(
            &format!("  - {{match: {{all: true}}, enforce: {enforce}, roles: {{Vendor: {{trust: [root]}}}}}}\n"),
            FakeAccount::fresh(&REGIONS),
        );
        world.apply().await;
        change(&world, |role| {
            role.inline.insert("extra".to_owned(), "{}".to_owned());
            role.boundary = Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
        });
        let report = world.apply().await;
        assert_eq!(words(&report), expect, "{enforce}");
        assert_eq!(report.skipped.len(), expect.len(), "{enforce}: {report}");
        assert!(role(&world).boundary.is_some());
    }
}

#[tokio::test]
async fn role_made_meanwhile_gets_its_boundary_before_anything_else() {
    let world = world("additive");
    let prepared = world.prepare().await;
    world.cloud.change(&id(), |account| {
        account.roles.insert("Vendor".to_owned(), FakeRole { trust: "{}".to_owned(), ..FakeRole::default() });
    });
    world.cloud.calls();
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    world.baseline.apply(&prepared, crate::types::Mode::Apply, now).await.unwrap();
    assert_eq!(world.cloud.writes()[..2], ["CreateRole", "PutRolePermissionsBoundary"]);
    assert_eq!(world.apply().await.steps, []);
}

#[tokio::test]
async fn boundary_that_does_not_exist_is_named() {
    let layer = "  - {match: {all: true}, roles: {A: {boundary: NoSuchPolicy, trust: [root]}}}\n";
    let report = World::fresh(layer).apply().await;
    assert!(report.failed[0].hint.contains("look at `boundary` of A"), "{report}");
    assert!(!report.may_pass());
}

#[tokio::test]
async fn principal_of_the_forest_may_be_too_new_and_a_stranger_may_not() {
    for (who, may_pass) in [("root", true), ("\"999988887777\"", false)] {
        let world = World::fresh(&format!("  - {{match: {{all: true}}, roles: {{A: {{trust: [{who}]}}}}}}\n"));
        world.cloud.fail("CreateRole", None, ErrorClass::Invalid, "MalformedPolicyDocument");
        let report = world.apply().await;
        assert_eq!((report.failed.len(), report.may_pass()), (1, may_pass), "{report}");
    }
}

#[tokio::test]
async fn names_of_one_account_stay_apart() {
    let text = "version: 1\nmode: single-account\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
        access: {role: Admin}\naccounts: {dev: {}, prod: {}}\nlayers:\n\
        - match: {all: true}\n  roles: {Deploy: {policies: [ReadOnlyAccess], trust: [dev]}}\n";
    let world = World::of(text, "111122223333");
    for name in ["dev", "prod"] {
        let account = world.baseline.find(name).await.unwrap().remove(0);
        let report = world.bring(account).await;
        assert_eq!(words(&report), ["create-role"]);
    }
    let roles = world.cloud.account(&"111122223333".parse().unwrap()).roles;
    assert_eq!(roles.keys().collect::<Vec<_>>(), ["dev-Deploy", "prod-Deploy"]);
}

fn problems(roles: &str) -> String {
    let text = format!(
        "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\n\
         access: {{role: team/Entrance, fallback: [Spare]}}\naccounts: {{root: {{id: \"111122223333\"}}}}\n\
         layers: [{{match: {{all: true}}, roles: {roles}}}]\n"
    );
    Config::parse(&text, "f").map_err(|errors| errors.to_string()).err().unwrap_or_default()
}

#[test]
fn roles_of_others_are_refused_by_name() {
    for name in ["aws-controltower-X", "AWSReservedSSO_A_1", "AWSServiceRoleForX", "entrance", "Spare"] {
        assert!(problems(&format!("{{{name}: {{trust: [root]}}}}")).contains("never changes it"), "{name}");
    }
    assert_eq!(problems("{Administrator: {trust: [root]}}"), "");
}

#[test]
fn mistakes_are_told_at_their_key() {
    for (role, expect) in [
        ("trust: [root], session_hours: 13", "A.session_hours: 13 is out of range; expected 1 to 12"),
        ("trust: [root], external_id: x", "A.external_id: `x` cannot be an external id"),
        ("trust: [\"arn:aws:s3:::x\"]", "A.trust[0]: `arn:aws:s3:::x` can assume nothing"),
        ("trust: [root], inline: {p: {Statement: []}}", "A.inline.p: `Statement` is missing"),
        ("trust: [root], inline: {p: \"{\"}", "A.inline.p: the text is no JSON document"),
        ("trust: [root], boundary: \"x y\"", "A.boundary: `x y` is neither"),
    ] {
        let found = problems(&format!("{{A: {{{role}}}}}"));
        assert!(found.contains(expect), "{found}");
    }
    let long = "x".repeat(10_240);
    let found = problems(&format!(
        "{{A: {{trust: [root], inline: {{p: {{Statement: {{Effect: Allow, Action: \"{long}\", Resource: \"*\"}}}}}}}}}}"
    ));
    assert!(found.contains("AWS takes 10240 for a role"), "{found}");
}

#[tokio::test]
async fn name_that_becomes_somebody_elses_by_its_label_is_never_written() {
    let text = "version: 1\nmode: single-account\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
        access: {role: R}\naccounts: {AWSServiceRoleForX: {}, prod: {}}\nlayers:\n\
        - match: {account: AWSServiceRoleForX}\n  enforce: strict\n  roles: {Deploy: {trust: [prod]}}\n";
    let world = World::of(text, "111122223333");
    world.cloud.change(&"111122223333".parse().unwrap(), |account| {
        account.roles.insert("AWSServiceRoleForX-Deploy".to_owned(), FakeRole::default());
    });
    let account = world.baseline.find("AWSServiceRoleForX").await.unwrap().remove(0);
    let report = world.bring(account).await;
    assert!(report.errors[0].reason.contains("it is never changed"), "{report}");
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}
