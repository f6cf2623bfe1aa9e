//! People come into exactly the accounts that the file lets them into.

use serde_json::{Value, json};

use crate::baseline::Report;
use crate::baseline::fake::{FakeMember, FakeOrganization, FakeRole};
use crate::baseline::world::World;
use crate::config::Config;
use crate::types::AccountId;

const SECTIONS: &str = r#"
accounts:
  dev: {id: "444455556666", tags: {stage: dev}}
  qa: {id: "555566667777", tags: {stage: qa}}
  prod: {id: "666677778888", tags: {stage: prod}}
identities:
  home: dev
  groups: {dev: PowerUserAccess, leads: PowerUserAccess, billing: Billing}
layers:
- match: {ou: "Workloads/**"}
  enforce: ENFORCE
  mirror_roles: {groups: [dev, leads], deny_in: {prod: [dev]}, session_hours: 2}
- match: {account: prod}
  mirror_roles: {policy_override: {leads: ViewOnlyAccess}}
"#;

fn account(name: &str) -> AccountId {
    let id = match name {
        "dev" => "444455556666",
        "qa" => "555566667777",
        "prod" => "666677778888",
        _ => panic!("{name}"),
    };
    id.parse().unwrap()
}

fn world_of(sections: &str) -> World {
    let mut organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Workloads"]);
    for name in ["dev", "qa", "prod"] {
        organization = organization.with(&account(name), FakeMember::new(name, "Workloads"));
    }
    World::organization(sections, organization)
}

fn world(enforce: &str) -> World {
    world_of(&SECTIONS.replace("ENFORCE", enforce))
}

fn words(report: &Report) -> Vec<String> {
    report.done.iter().map(|step| step.action.to_string()).collect()
}

fn roles(world: &World, name: &str) -> Vec<String> {
    world.cloud.account(&account(name)).roles.into_keys().collect()
}

fn policy(world: &World, group: &str) -> Value {
    let group = world.cloud.account(&account("dev")).groups[group].clone();
    group.inline.get("ForesterMirrorRoles").map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

#[tokio::test]
async fn groups_come_into_every_account_but_the_denied_and_their_own() {
    let world = world("additive");
    for name in ["dev", "qa", "prod"] {
        let report = world.apply_to(&account(name)).await;
        assert!(report.is_clean(), "{report}");
    }
    assert_eq!(roles(&world, "dev"), Vec::<String>::new());
    assert_eq!(roles(&world, "qa"), ["cross-dev", "cross-leads"]);
    assert_eq!(roles(&world, "prod"), ["cross-leads"]);
    let leads = &world.cloud.account(&account("prod")).roles["cross-leads"];
    assert_eq!(leads.policies, ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess".to_owned()].into());
    let trust: Value = serde_json::from_str(&leads.trust).unwrap();
    assert_eq!(trust["Statement"][0]["Principal"], json!({"AWS": ["arn:aws:iam::444455556666:root"]}));
    assert_eq!(trust["Statement"][0]["Condition"], json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}));
    for name in ["dev", "qa", "prod"] {
        world.cloud.calls();
        assert_eq!((world.apply_to(&account(name)).await.steps, world.cloud.writes()), (vec![], vec![]), "{name}");
    }
}

#[tokio::test]
async fn group_may_assume_its_own_roles_and_is_denied_those_of_others() {
    let world = world("additive");
    let report = world.apply_to(&account("dev")).await;
    for said in [
        "let group leads assume 2 mirrored roles, and deny it 1 of others",
        "deny group billing 2 mirrored roles of others",
    ] {
        assert!(words(&report).contains(&said.to_owned()), "{report}");
    }
    let leads = policy(&world, "leads");
    let own = ["arn:aws:iam::555566667777:role/cross-leads", "arn:aws:iam::666677778888:role/cross-leads"];
    assert_eq!(leads["Statement"][0]["Resource"], json!(own));
    assert_eq!(leads["Statement"][1]["Effect"], "Deny");
    assert_eq!(leads["Statement"][1]["Resource"], json!(["arn:aws:iam::*:role/cross-dev"]));
    let billing = policy(&world, "billing");
    assert_eq!(billing["Statement"].as_array().unwrap().len(), 1, "it comes in nowhere");
    assert_eq!(billing["Statement"][0]["Effect"], "Deny");
}

#[tokio::test]
async fn people_in_several_groups_are_denied_nothing() {
    let sections = SECTIONS.replace("home: dev", "home: dev\n  membership: several").replace("ENFORCE", "additive");
    let world = world_of(&sections);
    world.apply_to(&account("dev")).await;
    assert_eq!(policy(&world, "leads")["Statement"].as_array().unwrap().len(), 1);
    assert_eq!(policy(&world, "billing"), Value::Null);
}

#[tokio::test]
async fn denial_closes_a_door_that_was_open_also_under_additive() {
    let open = SECTIONS.replace("ENFORCE", "additive").replace(", deny_in: {prod: [dev]}", "");
    let before = world_of(&open);
    before.apply_to(&account("prod")).await;
    let mut left = before.cloud.account(&account("prod"));
    assert_eq!(left.roles.len(), 2);
    left.roles.get_mut("cross-dev").unwrap().inline.insert("own".to_owned(), "{}".to_owned());
    let world = world("additive");
    world.cloud.change(&account("prod"), |account| *account = left);
    let report = world.apply_to(&account("prod")).await;
    assert!(words(&report).contains(&"remove role cross-dev".to_owned()), "{report}");
    assert_eq!(roles(&world, "prod"), ["cross-leads"]);
    assert!(world.apply_to(&account("prod")).await.steps.is_empty());
}

#[tokio::test]
async fn role_that_somebody_else_made_stays_and_is_told() {
    let world = world("strict");
    world.cloud.change(&account("prod"), |account| {
        for name in ["cross-dev", "cross-other", "unrelated"] {
            account.roles.insert(name.to_owned(), FakeRole::default());
        }
    });
    let report = world.apply_to(&account("prod")).await;
    assert_eq!(roles(&world, "prod"), ["cross-dev", "cross-leads", "cross-other", "unrelated"]);
    let kept = report.skipped.iter().filter(|kept| kept.step.aspect == "mirror-roles");
    let kept: Vec<_> =
        kept.map(|kept| (kept.step.summary.as_str(), kept.reason.contains("remove it by hand"))).collect();
    assert_eq!(kept, [("role cross-dev", true)]);
}

#[tokio::test]
async fn strict_takes_what_is_not_declared_from_a_group_and_additive_does_not() {
    for (enforce, expect) in [("additive", 0), ("strict", 2)] {
        let world = world(enforce);
        world.apply_to(&account("dev")).await;
        world.cloud.change(&account("dev"), |account| {
            let group = account.groups.get_mut("leads").unwrap();
            group.policies.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
            group.inline.insert("extra".to_owned(), "{}".to_owned());
        });
        assert_eq!(world.apply_to(&account("dev")).await.done.len(), expect, "{enforce}");
    }
}

#[tokio::test]
async fn many_accounts_are_named_by_the_organization() {
    let organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Workloads"])
        .with(&account("dev"), FakeMember::new("dev", "Workloads"));
    let crowd = (0..130).fold(organization, |organization, n| {
        let id = format!("7000000{n:05}").parse().unwrap();
        organization.with(&id, FakeMember::new(&format!("app-{n}"), "Workloads"))
    });
    let sections = "accounts: {dev: {id: \"444455556666\"}}\nidentities: {home: dev, groups: {dev: PowerUserAccess}}\n\
                    layers: [{match: {ou: Workloads}, mirror_roles: {}}]\n";
    let world = World::organization(sections, crowd);
    let report = world.apply_to(&account("dev")).await;
    let statement = &policy(&world, "dev")["Statement"][0];
    assert_eq!(statement["Resource"], json!(["arn:aws:iam::*:role/cross-dev"]));
    assert!(statement["Condition"]["StringEquals"]["aws:ResourceOrgID"].is_string());
    assert!(report.skipped[0].reason.contains("130 accounts"), "{report}");
    assert!(world.apply_to(&account("dev")).await.steps.is_empty());
}

#[tokio::test]
async fn home_that_is_not_there_yet_is_waited_for() {
    let world = world_of(
        &SECTIONS.replace("ENFORCE", "additive").replace("{id: \"444455556666\", ", "{email: x@acme.example, "),
    );
    world.cloud.reorganize(|organization| {
        organization.members.remove(&account("dev"));
    });
    let report = world.apply_to(&account("qa")).await;
    assert!(report.waiting.iter().any(|waiting| waiting.summary.contains("people live there")), "{report}");
    assert_eq!(roles(&world, "qa"), Vec::<String>::new());
}

fn problems(from: &str, to: &str) -> String {
    let head = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
                access: {role: cross-leads-x}\n";
    let sections = SECTIONS.replace("ENFORCE", "additive");
    assert!(sections.contains(from), "{from}");
    let text = format!("{head}{}", sections.replace(from, to));
    Config::parse(&text, "f").map_err(|errors| errors.to_string()).err().unwrap_or_default()
}

#[test]
fn mistakes_are_told_before_any_call() {
    for (from, to, expect) in [
        ("{prod: [dev]}", "{pord: [dev]}", "`pord` denies nothing"),
        ("{prod: [dev]}", "{prod: [dve]}", "there is no group `dve`; `identities.groups` names billing, dev, leads"),
        ("home: dev", "home: def", "identities.home: `def` is not an account of this file"),
        ("session_hours: 2", "session_hours: 0", "expected 1 to 12"),
        ("session_hours: 2", "prefix: \"\"", "the prefix is empty"),
        ("leads: PowerUserAccess", "leads-x: PowerUserAccess", "belongs to Forester itself"),
        (
            "- match: {account: prod}\n",
            "- match: {account: prod}\n  roles: {cross-dev: {trust: [dev]}}\n",
            "is also one of `layers[0].mirror_roles`",
        ),
        (
            "identities:\n  home: dev\n  groups: {dev: PowerUserAccess, leads: PowerUserAccess, billing: Billing}\n",
            "",
            "there are no groups to mirror",
        ),
    ] {
        let found = problems(from, to);
        assert!(found.contains(expect), "{to}: {found}");
    }
    assert_eq!(problems("{prod: [dev]}", "{\"Workloads/Secret/**\": [dev]}"), "");
}
