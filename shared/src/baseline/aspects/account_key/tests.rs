//! What becomes of keys, from nothing, after faults and after changes by hand.

use serde_json::{Value, json};

use crate::aws::ErrorClass;
use crate::baseline::fake::{FakeAccount, FakeKey, FakeMember, FakeOrganization};
use crate::baseline::world::{REGIONS, World, id};
use crate::types::Region;

const LAYER: &str = "  - {match: {all: true}, keys: {account: {alias: acme-account, rotate: true, use_by: [root]}}}\n";
const ALIAS: &str = "alias/acme-account";

fn home() -> Region {
    "eu-west-1".parse().unwrap()
}

/// The key behind the alias.
fn key(world: &World) -> FakeKey {
    let account = world.cloud.account(&id());
    account.keys[&(home(), account.aliases[&(home(), ALIAS.to_owned())].clone())].clone()
}

fn sids(key: &FakeKey) -> Vec<Value> {
    key.policy["Statement"].as_array().unwrap().iter().map(|statement| statement["Sid"].clone()).collect()
}

/// An account with a key that somebody else made behind the alias.
fn with_key(key: FakeKey) -> FakeAccount {
    let mut account = FakeAccount::fresh(&REGIONS);
    account.keys.insert((home(), "by-hand".to_owned()), key);
    account.aliases.insert((home(), ALIAS.to_owned()), "by-hand".to_owned());
    account
}

#[tokio::test]
async fn governed_region_gets_its_key_once() {
    let world = World::fresh(LAYER);
    let report = world.apply().await;
    assert_eq!((report.done.len(), report.is_clean()), (1, true), "{report}");
    assert!(key(&world).rotates);
    assert_eq!(sids(&key(&world)), ["ForesterAccount", "ForesterUse", "ForesterGrant"]);
    world.cloud.calls();
    assert_eq!(world.apply().await.steps, []);
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn key_left_without_its_alias_is_found_again_and_no_second_one_is_made() {
    let world = World::fresh(LAYER);
    world.cloud.fail("CreateAlias", None, ErrorClass::Gone, "NotFoundException");
    let report = world.apply().await;
    assert_eq!((report.failed.len(), report.may_pass()), (1, true), "{report}");
    world.cloud.heal();
    let report = world.apply().await;
    assert!(report.is_clean(), "{report}");
    assert!(key(&world).rotates);
    assert_eq!(world.cloud.account(&id()).keys.len(), 1);
    assert_eq!(world.apply().await.steps, []);
}

#[tokio::test]
async fn rotation_that_comes_too_early_for_kms_comes_again() {
    let world = World::fresh(LAYER);
    world.cloud.fail("EnableKeyRotation", None, ErrorClass::Gone, "NotFoundException");
    let report = world.apply().await;
    assert_eq!((report.failed.len(), report.may_pass()), (1, true), "{report}");
    world.cloud.heal();
    assert!(world.apply().await.is_clean());
    assert!(key(&world).rotates);
    assert_eq!(world.cloud.account(&id()).keys.len(), 1);
}

#[tokio::test]
async fn key_of_somebody_else_behind_the_alias_is_taken_over_and_its_statements_stay() {
    let theirs = json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"},
        "Action": "kms:Encrypt", "Resource": "*"});
    for (enforce, expect) in [("additive", true), ("strict", false)] {
        let policy = json!({"Version": "2012-10-17", "Statement": [theirs]});
        let layer = LAYER.replace("all: true}", &format!("all: true}}, enforce: {enforce}"));
        let world = World::new(&layer, with_key(FakeKey { policy, ..FakeKey::fresh() }));
        assert!(world.apply().await.is_clean());
        assert_eq!(sids(&key(&world)).contains(&"Theirs".into()), expect, "{enforce}");
        assert!(key(&world).rotates);
        assert_eq!(world.cloud.account(&id()).keys.len(), 1);
        assert_eq!(world.apply().await.steps, []);
    }
}

#[tokio::test]
async fn key_about_to_be_deleted_is_a_problem_and_left_alone() {
    let doomed = FakeKey { state: "PendingDeletion".to_owned(), ..FakeKey::fresh() };
    let world = World::new(LAYER, with_key(doomed));
    let report = world.apply().await;
    assert!(report.errors[0].reason.contains("about to be deleted"), "{report}");
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn alias_that_somebody_took_meanwhile_is_told_with_the_key_that_is_left() {
    let world = World::fresh(LAYER);
    let prepared = world.prepare().await;
    world.cloud.change(&id(), |account| {
        account.keys.insert((home(), "by-hand".to_owned()), FakeKey::fresh());
        account.aliases.insert((home(), ALIAS.to_owned()), "by-hand".to_owned());
    });
    let report = world.take(&prepared).await;
    assert!(report.failed[0].hint.contains("delete the key key-"), "{report}");
}

#[tokio::test]
async fn account_that_may_use_it_and_is_not_there_yet_is_waited_for() {
    let organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Workloads"])
        .with(&id(), FakeMember::new("dev", "Workloads"));
    let sections = "accounts: {later: {email: later@acme.example}}\n\
        layers:\n- {match: {all: true}, keys: {account: {use_by: [later]}}}\n";
    let report = World::organization(sections, organization).apply().await;
    let waits = "the account later is still to be created; it is to use alias/account";
    assert_eq!(report.waiting[0].summary, waits, "{report}");
}

#[tokio::test]
async fn reset_is_told_of_the_declared_keys_in_regions_that_there_are() {
    let world = World::fresh(LAYER);
    world.apply().await;
    world.cloud.change(&id(), |account| drop(account.keys.insert((home(), "other".to_owned()), FakeKey::fresh())));
    let prepared = world.prepare().await;
    let keys = async || world.baseline.declared_keys(&prepared.target).await;
    assert_eq!(keys().await.unwrap(), ["key-0"]);
    world.cloud.fail("ListAliases", None, ErrorClass::NotReady, "OptInRequired");
    assert_eq!(keys().await.unwrap(), Vec::<String>::new());
    world.cloud.heal();
    world.cloud.fail("ListAliases", None, ErrorClass::Denied, "AccessDeniedException");
    assert!(keys().await.is_err(), "what cannot be read is not given up");
}
