//! Groups of Identity Center come in where the file says so.

use crate::baseline::Report;
use crate::baseline::fake::{FakeCenter, FakeMember, FakeOrganization};
use crate::baseline::world::{World, id};
use crate::config::Config;

const SECTIONS: &str = r#"
identity_center: {region: eu-central-1}
layers:
- match: {ou: Sandbox}
  enforce: ENFORCE
  sso: [{group: Engineers, permission_set: SandboxAdmin}, {group: Auditors, permission_set: ReadOnly}]
"#;

type Link = (String, String, String, String);

fn link(set: &str, kind: &str, principal: &str) -> Link {
    (id().to_string(), format!("arn:aws:sso:::permissionSet/ssoins-1/{set}"), kind.to_owned(), principal.to_owned())
}

fn world(enforce: &str) -> World {
    let mut organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Sandbox"])
        .with(&id(), FakeMember::new("ana", "Sandbox"));
    let set = |name: &str| (name.to_owned(), format!("arn:aws:sso:::permissionSet/ssoins-1/{name}"));
    organization.center = FakeCenter {
        region: Some("eu-central-1".parse().unwrap()),
        groups: ["Auditors", "Engineers", "Visitors"].map(|name| (name.to_owned(), format!("g-{name}"))).into(),
        sets: ["Admin", "ReadOnly", "SandboxAdmin"].map(set).into(),
        ..FakeCenter::default()
    };
    World::organization(&SECTIONS.replace("ENFORCE", enforce), organization)
}

fn words(report: &Report) -> Vec<String> {
    report.done.iter().map(|step| step.action.to_string()).collect()
}

#[tokio::test]
async fn groups_are_let_in_and_a_second_apply_writes_nothing() {
    let world = world("strict");
    world.cloud.reorganize(|organization| organization.center.slow = 2);
    let report = world.apply().await;
    assert!(report.is_clean(), "{report}");
    let expect = [link("ReadOnly", "GROUP", "g-Auditors"), link("SandboxAdmin", "GROUP", "g-Engineers")];
    assert_eq!(world.cloud.organization().center.assigned, expect.into());
    world.cloud.calls();
    assert_eq!((world.apply().await.steps, world.cloud.writes()), (vec![], vec![]));
}

#[tokio::test]
async fn only_strict_ends_assignments_and_only_of_groups_that_the_file_names() {
    for (enforce, expect) in [("additive", vec![]), ("strict", vec!["let group Engineers in as Admin no longer"])] {
        let world = world(enforce);
        world.apply().await;
        world.cloud.reorganize(|organization| {
            let extras = [
                link("Admin", "GROUP", "g-Engineers"),
                link("Admin", "GROUP", "g-Visitors"),
                link("Admin", "USER", "g-Engineers"),
            ];
            organization.center.assigned.extend(extras);
        });
        assert_eq!(words(&world.apply().await), expect);
        let left = world.cloud.organization().center.assigned;
        assert!(
            left.contains(&link("Admin", "GROUP", "g-Visitors"))
                && left.contains(&link("Admin", "USER", "g-Engineers"))
        );
    }
}

#[tokio::test]
async fn what_takes_long_is_left_to_the_next_run() {
    let world = world("additive");
    world.cloud.reorganize(|organization| organization.center.slow = 1000);
    let report = world.apply().await;
    assert_eq!((report.failed.len(), report.may_pass()), (2, true), "{report}");
    assert!(report.failed[0].reason.contains("still at it"), "{report}");
}

#[tokio::test]
async fn failure_is_told_with_its_reason() {
    let world = world("additive");
    world.cloud.reorganize(|organization| organization.center.fails = Some("no policy Custom".to_owned()));
    let report = world.apply().await;
    assert!(report.failed[0].reason.contains("no policy Custom") && !report.may_pass(), "{report}");
}

#[tokio::test]
async fn unknown_names_are_told_with_those_that_exist_and_stop_no_other() {
    let world = world("additive");
    world.cloud.reorganize(|organization| {
        organization.center.groups.remove("Engineers");
        organization.center.sets.remove("ReadOnly");
        organization.center.groups.insert("Engineering".to_owned(), "g-e".to_owned());
    });
    let report = world.apply().await;
    let reasons: Vec<&str> = report.errors.iter().map(|error| error.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "Identity Center has no group `Engineers`; it has Auditors, Engineering, Visitors",
            "Identity Center has no permission set `ReadOnly`; it has Admin, SandboxAdmin",
        ]
    );
}

#[tokio::test]
async fn organization_without_identity_center_is_told_where_it_was_looked_for() {
    let world = world("additive");
    world.cloud.reorganize(|organization| organization.center.region = Some("us-east-1".parse().unwrap()));
    let report = world.apply().await;
    assert!(report.errors[0].reason.contains("in eu-central-1: enable it, or say where"), "{report}");
}

#[tokio::test]
async fn without_an_organization_it_is_left_and_told() {
    let world = World::fresh("  - {match: {all: true}, sso: [{group: A, permission_set: B}]}\n");
    let report = world.apply().await;
    assert_eq!(report.skipped[0].reason, "there is no organization in this mode");
    assert!(report.is_clean());
}

#[test]
fn mistakes_are_told_before_any_call() {
    let head = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
                access: {role: R}\nlayers: [{match: {all: true}, sso: SSO}]\n";
    for (sso, expect) in [
        ("[{group: A, permission_set: \"a b\"}]", "sso[0].permission_set: `a b` cannot be"),
        ("[{group: \"\", permission_set: B}]", "sso[0].group: the name is empty"),
        ("[{group: A, permission_set: B}, {group: A, permission_set: B}]", "sso[1]: it is given twice"),
    ] {
        let found = Config::parse(&head.replace("SSO", sso), "f").map_err(|e| e.to_string()).err().unwrap_or_default();
        assert!(found.contains(expect), "{found}");
    }
}
