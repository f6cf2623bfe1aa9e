use std::collections::BTreeSet;

use super::super::super::fake::{FakeMember, FakeOrganization, FakeZone, Trip};
use super::super::super::world::World;
use crate::aws::ErrorClass;
use crate::types::AccountId;

const SHARES: &str = r#"
accounts:
  root:   {id: "111122223333"}
  shared: {id: "222233334444", ou: Shared}
  dev:    {id: "444455556666", ou: Workloads, tags: {stage: dev}}
shares:
  - dns: {owner: shared, zone: acme.example, child: "{tag.stage}.acme.example"}
"#;
const SHARED: &str = "222233334444";
const DEV: &str = "444455556666";
const PROD: &str = "777788889999";

fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

/// An owner, an account whose tag the file tells, and one whose tag only Organizations tells.
fn world(sections: &str) -> World {
    let mut prod = FakeMember::new("prod", "Workloads");
    prod.tags.insert("stage".to_owned(), "prod".to_owned());
    let mut dev = FakeMember::new("dev", "Workloads");
    dev.tags.insert("stage".to_owned(), "dev".to_owned());
    let organization = FakeOrganization::new(&id("111122223333"), &["Shared", "Workloads"])
        .with(&id("111122223333"), FakeMember::new("root", ""))
        .with(&id(SHARED), FakeMember::new("shared", "Shared"))
        .with(&id(DEV), dev)
        .with(&id(PROD), prod);
    World::organization(sections, organization)
}

fn zone(world: &World, account: &str, name: &str) -> FakeZone {
    world.cloud.account(&id(account)).zones.into_iter().find(|zone| zone.name == name).unwrap()
}

fn delegated(world: &World, name: &str) -> BTreeSet<String> {
    let records = zone(world, SHARED, "acme.example").records;
    records.get(&(name.to_owned(), "NS".to_owned())).cloned().unwrap_or_default()
}

async fn all(world: &World) -> String {
    let mut told = String::new();
    for account in [SHARED, DEV, PROD] {
        told.push_str(&world.apply_to(&id(account)).await.to_string());
    }
    told
}

#[tokio::test]
async fn owner_waits_for_its_accounts_and_then_delegates_to_each() {
    let world = world(SHARES);
    let first = world.apply_to(&id(SHARED)).await;
    let on: Vec<_> = first.waiting.iter().filter_map(|waiting| waiting.on.clone()).collect();
    assert_eq!(on, [id(DEV), id(PROD)], "{first}");
    all(&world).await;
    assert!(world.apply_to(&id(SHARED)).await.is_clean());
    assert_eq!(delegated(&world, "dev.acme.example"), zone(&world, DEV, "dev.acme.example").servers());
    assert_eq!(delegated(&world, "prod.acme.example"), zone(&world, PROD, "prod.acme.example").servers());
    world.cloud.calls();
    let told = all(&world).await;
    assert_eq!(world.cloud.writes(), [""; 0], "{told}");
}

#[tokio::test]
async fn owner_that_comes_last_delegates_in_one_go() {
    let world = world(SHARES);
    for account in [DEV, PROD, SHARED] {
        assert!(world.apply_to(&id(account)).await.is_clean());
    }
    assert_eq!(delegated(&world, "dev.acme.example").len(), 4);
}

#[tokio::test]
async fn zone_that_is_there_is_used_and_a_private_one_is_not_it() {
    let world = world(SHARES);
    world.cloud.change(&id(DEV), |account| {
        account.zones.push(FakeZone::new("Z0", "dev.acme.example"));
        account.zones.push(FakeZone { private: true, ..FakeZone::new("Z1", "dev.acme.example") });
    });
    assert!(world.apply_to(&id(DEV)).await.is_clean());
    assert_eq!(world.cloud.writes(), [""; 0]);
}

#[tokio::test]
async fn two_zones_of_a_name_are_a_problem_for_people() {
    let world = world(SHARES);
    world.cloud.change(&id(DEV), |account| {
        account.zones = vec![FakeZone::new("Z0", "dev.acme.example"), FakeZone::new("Z1", "dev.acme.example")];
    });
    let (own, owner) = (world.plan_of(&id(DEV)).await, world.plan_of(&id(SHARED)).await);
    assert!(own.errors[0].reason.contains("2 public zones") && own.steps.is_empty(), "{own}");
    assert!(owner.errors[0].reason.contains("2 public zones"), "{owner}");
}

#[tokio::test]
async fn deleted_zone_is_made_anew_and_the_delegation_follows() {
    let world = world(SHARES);
    all(&world).await;
    all(&world).await;
    let before = delegated(&world, "dev.acme.example");
    world.cloud.change(&id(DEV), |account| account.zones.clear());
    all(&world).await;
    assert!(world.apply_to(&id(SHARED)).await.is_clean());
    let after = delegated(&world, "dev.acme.example");
    assert!(after != before && after == zone(&world, DEV, "dev.acme.example").servers());
}

#[tokio::test]
async fn zone_that_another_run_makes_meanwhile_is_not_made_twice() {
    let world = world(SHARES);
    let account = world.baseline.directory().account(&id(DEV)).await.unwrap().unwrap();
    let forest = world.baseline.forest().await.unwrap();
    let target = world.baseline.target(account, &forest).await.unwrap();
    let prepared = world.baseline.prepare(target).await;
    assert!(world.apply_to(&id(DEV)).await.is_clean());
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let report = world.baseline.apply(&prepared, crate::types::Mode::Apply, now).await.unwrap();
    assert!(report.is_clean() && report.done.is_empty(), "{report}");
    assert_eq!(world.cloud.account(&id(DEV)).zones.len(), 1);
}

#[tokio::test]
async fn account_that_cannot_be_read_holds_up_nobody_else() {
    let world = world(SHARES);
    all(&world).await;
    world.cloud.fail_in(&id(DEV), "GetHostedZone", ErrorClass::Denied, "AccessDenied");
    let report = world.apply_to(&id(SHARED)).await;
    assert_eq!(report.errors.len(), 1, "{report}");
    assert_eq!(delegated(&world, "prod.acme.example").len(), 4);
    assert!(report.errors[0].reason.contains("dev.acme.example"), "{report}");
}

#[tokio::test]
async fn two_accounts_of_one_name_are_told_and_neither_gets_it() {
    let world = world(&SHARES.replace("stage: dev", "stage: prod"));
    let plan = world.plan_of(&id(SHARED)).await;
    assert!(plan.errors.iter().all(|error| error.reason.starts_with("prod.acme.example would be that of")), "{plan}");
    assert_eq!(plan.errors.len(), 2, "{plan}");
}

#[tokio::test]
async fn only_ous_that_are_named_have_a_part() {
    let world = world(&SHARES.replace("stage}.acme.example\"", "stage}.acme.example\", to: Nowhere"));
    assert!(world.plan_of(&id(DEV)).await.steps.is_empty());
    let report = world.apply_to(&id(SHARED)).await;
    assert!(report.is_clean() && report.done.len() == 1, "{report}");
}

#[tokio::test]
async fn tag_that_makes_no_domain_name_is_a_problem() {
    let world = world(&SHARES.replace("stage: dev", "stage: \"d v\""));
    world.cloud.reorganize(|organization| {
        let dev = organization.members.get_mut(&id(DEV)).unwrap();
        dev.tags.insert("stage".to_owned(), "d v".to_owned());
    });
    let plan = world.plan_of(&id(DEV)).await;
    assert!(plan.errors[0].reason.contains("`d v.acme.example` is no domain name"), "{plan}");
}

#[tokio::test]
async fn domain_is_whole_whichever_call_fails_or_loses_its_answer() {
    for trip in [Trip::Refused, Trip::Lost] {
        for n in 0.. {
            let world = world(SHARES);
            world.cloud.trip(n, trip);
            all(&world).await;
            if !world.cloud.tripped() {
                assert!(n > 12, "a domain of three accounts takes more than {n} calls");
                break;
            }
            all(&world).await;
            all(&world).await;
            world.cloud.calls();
            let told = all(&world).await;
            assert_eq!(world.cloud.writes(), [""; 0], "{trip:?} call {n}: {told}");
            for account in [SHARED, DEV, PROD] {
                assert_eq!(world.cloud.account(&id(account)).zones.len(), 1, "{trip:?} call {n}");
            }
            assert_eq!(delegated(&world, "prod.acme.example"), zone(&world, PROD, "prod.acme.example").servers());
        }
    }
}
