//! What a baseline promises: it converges, it repeats without writing, and a part that fails fails alone.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::fake::{FakeAccount, FakeBudget, FakeCloud, FakeMember, FakeOrganization, FakeRole, FakeVpc, Trip};
use super::world::{FakePost, REGIONS, World, id};
use super::{Baseline, Ledger, Report, State};
use crate::aws::{Accounts, CallError, CallSite, ErrorClass};
use crate::config::Config;
use crate::job::Failure;
use crate::org::{Account, AccountState, Directory, FileDirectory};
use crate::store::{Key, MemoryStore, Store, When};
use crate::types::{AccountId, Mode, Region};

pub(super) const EVERYTHING: &str = r#"
  - match: {all: true}
    enforce: ENFORCE
    alias: "acme-{name}"
    password_policy: {min_length: 14, reuse: 24, symbols: true}
    defaults: {s3_block_public: true, ebs_encryption: true}
    default_vpc: delete-if-unused
    roles:
      Admin:  {policies: [AdministratorAccess], trust: [root], mfa: true}
      Review: {policies: [ReadOnlyAccess, SecurityAudit], trust: [root, "222233334444"], tags: {purpose: review}}
    budget:
      monthly: 99.5
      actual: [50, 80]
      forecast: [100]
      notify: {email: ["fin@acme.example"], sns: "arn:aws:sns:us-east-1:{id}:budgets"}
"#;

fn words(report: &Report) -> Vec<String> {
    report.done.iter().map(|step| format!("{} {}", step.action.word(), step.place)).collect()
}

#[tokio::test]
async fn new_account_gets_everything_in_the_order_of_work() {
    let world = World::fresh(EVERYTHING);
    let report = world.apply().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        words(&report),
        [
            "set-alias global",
            "set-password-policy global",
            "block-public-access global",
            "encrypt-by-default ap-southeast-2",
            "encrypt-by-default eu-west-1",
            "encrypt-by-default us-east-1",
            "delete-default-vpc ap-southeast-2",
            "delete-default-vpc eu-west-1",
            "delete-default-vpc us-east-1",
            "create-role global",
            "create-role global",
            "create-budget global",
        ]
    );
    let account = world.cloud.account(&id());
    assert_eq!((account.alias.as_deref(), account.vpcs.len(), account.encrypted.len()), (Some("acme-dev"), 0, 3));
    assert_eq!(account.budgets["forester-monthly"].alerts.len(), 3);
}

#[tokio::test]
async fn second_apply_makes_no_write_call() {
    let world = World::fresh(EVERYTHING);
    world.apply().await;
    world.cloud.calls();
    let report = world.apply().await;
    assert_eq!((report.steps, world.cloud.writes()), (vec![], vec![]));
}

#[tokio::test]
async fn dry_run_and_observe_write_nothing_and_say_why() {
    let world = World::new(&EVERYTHING.replace("ENFORCE", "observe"), FakeAccount::fresh(&REGIONS));
    let report = world.apply().await;
    assert_eq!((report.done.len(), report.skipped.len(), world.cloud.writes().len()), (0, 12, 0));
    assert_eq!(report.skipped[0].reason, "the file says `enforce: observe`");
    let ledger = Ledger::load(world.store.as_ref(), &id(), "dev").await.unwrap().unwrap();
    assert_eq!(ledger.state, State::Drifted);
}

#[tokio::test]
async fn default_vpc_in_use_is_kept_with_the_reason() {
    for (kind, user) in [("eni", "eni-1"), ("endpoint", "vpce-1"), ("vgw", "vgw-1"), ("peering", "pcx-1")] {
        let world = World::fresh("  - {match: {all: true}, default_vpc: delete-if-unused}\n");
        let region = "us-east-1".parse().unwrap();
        world.cloud.change(&id(), |account| {
            account.vpcs.insert(region, FakeVpc::fresh(&"us-east-1".parse().unwrap()).with(kind, user));
        });
        let report = world.apply().await;
        assert_eq!(report.done.len(), 2);
        assert_eq!(report.skipped[0].reason, format!("in use by {user}"));
        let left = &world.cloud.account(&id()).vpcs;
        assert_eq!(left.values().next().unwrap().content["subnet"].len(), 3, "not half deleted");
    }
}

#[tokio::test]
async fn vpc_that_is_not_the_default_is_never_touched() {
    let world = World::fresh("  - {match: {all: true}, default_vpc: delete-if-unused}\n");
    world.cloud.change(&id(), |account| account.vpcs.values_mut().for_each(|vpc| vpc.default = false));
    assert_eq!(world.apply().await.steps, []);
    assert_eq!(world.cloud.account(&id()).vpcs.len(), 3);
}

#[tokio::test]
async fn extras_in_a_default_vpc_go_with_it() {
    let world = World::fresh("  - {match: {all: true}, default_vpc: delete-if-unused}\n");
    world.cloud.change(&id(), |account| {
        for (region, vpc) in &mut account.vpcs {
            *vpc = FakeVpc::fresh(region).with("eigw", "eigw-1").with("rtb", "rtb-x").with("acl", "x").with("sg", "x");
        }
    });
    let report = world.apply().await;
    assert!(report.is_clean() && world.cloud.account(&id()).vpcs.is_empty(), "{report}");
}

#[tokio::test]
async fn denied_region_fails_alone_and_says_what_to_do() {
    let world = World::fresh(EVERYTHING);
    world.cloud.fail("EnableEbsEncryptionByDefault", Some("us-east-1"), ErrorClass::Denied, "UnauthorizedOperation");
    let report = world.apply().await;
    assert_eq!((report.done.len(), report.failed.len()), (11, 1));
    assert!(report.failed[0].hint.contains("ec2:EnableEbsEncryptionByDefault"), "{}", report.failed[0].hint);
    assert_eq!(report.lasting().len(), 1);
    world.cloud.heal();
    assert_eq!(words(&world.apply().await), ["encrypt-by-default us-east-1"]);
}

#[tokio::test]
async fn region_that_is_not_ready_waits_and_the_rest_goes_first() {
    let world = World::fresh(EVERYTHING);
    world.cloud.fail("DescribeVpcs", Some("ap-southeast-2"), ErrorClass::NotReady, "OptInRequired");
    let report = world.apply().await;
    assert_eq!((report.done.len(), report.errors.len(), report.waiting.len()), (10, 0, 2));
    assert!(report.to_string().contains("ap-southeast-2: ebs-encryption, default-vpc: not ready yet"), "{report}");
    let ledger = Ledger::load(world.store.as_ref(), &id(), "dev").await.unwrap().unwrap();
    assert_eq!((ledger.state, ledger.done), (State::Incomplete, 10));
    let open: Vec<&str> = ledger.open.iter().map(String::as_str).collect();
    assert_eq!(open, ["default-vpc ap-southeast-2", "ebs-encryption ap-southeast-2"]);
}

#[tokio::test]
async fn account_that_cannot_be_entered_has_a_plan_that_says_so() {
    let world = World::fresh(EVERYTHING);
    world.cloud.fail("AssumeRole", None, ErrorClass::Denied, "AccessDenied");
    let plan = world.prepare().await.plan;
    assert_eq!((plan.steps.len(), plan.errors.len()), (0, 1));
    assert!(plan.errors[0].reason.contains("sts:AssumeRole"), "{plan}");
}

#[tokio::test]
async fn suspended_account_gets_no_steps_and_no_calls() {
    let world = World::fresh(EVERYTHING);
    let plan = world.prepare_in(AccountState::Suspended).await.plan;
    assert!(plan.is_clean() && plan.kept[0].reason.contains("suspended"), "{plan}");
    assert_eq!(world.cloud.calls(), []);
}

#[tokio::test]
async fn alias_that_somebody_has_is_an_error_for_a_person() {
    let world = World::fresh(EVERYTHING);
    world.cloud.take_alias("acme-dev");
    let report = world.apply().await;
    assert_eq!((report.done.len(), report.lasting().len()), (11, 1));
    assert!(report.failed[0].hint.contains("choose another"));
}

#[tokio::test]
async fn policy_that_does_not_exist_is_named() {
    let layer = "  - {match: {all: true}, roles: {A: {policies: [NoSuchPolicy], trust: [root]}}}\n";
    let report = World::fresh(layer).apply().await;
    assert!(report.failed[0].hint.contains("policy/NoSuchPolicy"), "{report}");
}

#[tokio::test]
async fn governed_region_that_is_not_enabled_is_an_error() {
    let world = World::new("  - {match: {all: true}, alias: acme-x}\n", FakeAccount::fresh(&["us-east-1"]));
    let plan = world.prepare().await.plan;
    assert_eq!(plan.errors[0].reason, "eu-west-1 is governed, and the account has not enabled it");
}

#[tokio::test]
async fn role_or_budget_made_meanwhile_is_brought_to_the_declaration() {
    let world = World::fresh(EVERYTHING);
    let prepared = world.prepare().await;
    let stale = FakeRole { trust: "{}".to_owned(), ..FakeRole::default() };
    world.cloud.change(&id(), |account| {
        account.roles.insert("Admin".to_owned(), stale);
        account.budgets.insert("forester-monthly".to_owned(), FakeBudget { budget: json!({}), alerts: vec![] });
    });
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    assert!(world.baseline.apply(&prepared, Mode::Apply, now).await.unwrap().is_clean());
    assert_eq!(world.prepare().await.plan.steps, []);
}

#[tokio::test]
async fn additive_leaves_what_strict_removes() {
    for (enforce, expect) in [("additive", 0), ("strict", 4)] {
        let world = World::new(&EVERYTHING.replace("ENFORCE", enforce), FakeAccount::fresh(&REGIONS));
        world.apply().await;
        world.cloud.change(&id(), |account| {
            let role = account.roles.get_mut("Review").unwrap();
            role.policies.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
            role.tags.insert("extra".to_owned(), "1".to_owned());
            let alerts = &mut account.budgets.get_mut("forester-monthly").unwrap().alerts;
            alerts[0].1.push(json!({"SubscriptionType": "EMAIL", "Address": "extra@acme.example"}));
            let notification = json!({"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN",
                "Threshold": 500.0, "ThresholdType": "ABSOLUTE_VALUE"});
            alerts.push((notification, vec![]));
        });
        let report = world.apply().await;
        assert_eq!((report.done.len(), report.is_clean()), (expect, true), "{enforce}: {report}");
    }
}

#[tokio::test]
async fn json_has_the_shape_that_scripts_read() {
    let world = World::fresh("  - {match: {all: true}, alias: acme-x, defaults: {ebs_encryption: true}}\n");
    let prepared = world.prepare().await;
    let plan = serde_json::to_value(&prepared.plan).unwrap();
    assert_eq!(
        plan["steps"][0],
        json!({"aspect": "alias", "region": "global", "action": "set-alias", "summary": "set the alias to acme-x"})
    );
    assert_eq!((&plan["id"], &plan["name"], &plan["errors"]), (&json!("444455556666"), &json!("dev"), &json!([])));
    world.cloud.fail("CreateAccountAlias", None, ErrorClass::Throttled, "Throttling");
    let report = serde_json::to_value(world.apply().await).unwrap();
    assert_eq!(report["done"].as_array().unwrap().len(), 3);
    assert_eq!(report["failed"][0]["step"], plan["steps"][0]);
    assert_eq!(report["failed"][0]["hint"], "nothing to do: the next run tries again");
}

#[tokio::test]
async fn alias_whose_answer_was_lost_is_not_blamed_on_somebody_else() {
    let world = World::fresh("  - {match: {all: true}, alias: acme-x}\n");
    let prepared = world.prepare().await;
    world.cloud.change(&id(), |account| account.alias = Some("acme-x".to_owned()));
    let report = world.baseline.apply(&prepared, Mode::Apply, "2026-11-22T10:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!((report.failed.len(), report.skipped[0].reason.as_str()), (0, "already so"));
}

#[tokio::test]
async fn event_brings_its_account_and_tells_what_was_done() {
    let world = World::fresh(EVERYTHING);
    let report = world.handle(json!({"account": "444455556666"}), 5).await.unwrap();
    assert_eq!(report["accounts"][0]["done"].as_array().unwrap().len(), 12);
    assert_eq!(world.handle(json!({"account": "444455556666"}), 5).await.unwrap()["accounts"][0]["done"], json!([]));
}

#[tokio::test]
async fn unknown_account_comes_again() {
    let failure = World::fresh(EVERYTHING).handle(json!({"account": "999999999999"}), 5).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Retryable(why) if why.contains("does not hold account 999999999999")),
        "{failure}"
    );
}

#[tokio::test]
async fn what_may_pass_comes_again_and_what_may_not_is_partial() {
    let world = World::fresh(EVERYTHING);
    world.cloud.fail("DescribeVpcs", Some("us-east-1"), ErrorClass::NotReady, "OptInRequired");
    assert_eq!(world.handle(json!({"account": "444455556666"}), 5).await.unwrap_err().kind(), "Retryable");
    world.cloud.fail("GetEbsEncryptionByDefault", None, ErrorClass::Denied, "UnauthorizedOperation");
    let failure = world.handle(json!({"account": "444455556666"}), 5).await.unwrap_err();
    assert_eq!(failure.kind(), "Partial");
    assert!(failure.to_string().contains("ec2:GetEbsEncryptionByDefault"), "{failure}");
}

#[tokio::test]
async fn what_is_not_ready_is_looked_at_again_alone() {
    let (world, post) = World::fresh(EVERYTHING).reaching();
    world.cloud.fail("DescribeVpcs", Some("us-east-1"), ErrorClass::NotReady, "OptInRequired");
    let report = world.handle(json!({"account": "444455556666"}), 5).await.unwrap();
    let letter = post.letter();
    assert_eq!((report["again_in"].clone(), letter.delay), (json!(10), 10));
    world.cloud.heal();
    world.cloud.calls();
    let now = Timestamp::now();
    let report = world.deliver(&letter, now).await.unwrap();
    assert_eq!(report["accounts"][0]["done"].as_array().unwrap().len(), 2, "{report}");
    let calls = world.cloud.calls();
    assert!(calls.iter().all(|(_, region, _)| region.as_ref() != "ap-southeast-2"), "{calls:?}");
    assert!(calls.iter().all(|(.., operation)| operation != "GetRole"), "what held is not asked again: {calls:?}");
    assert!(post.letters.lock().unwrap().is_empty() && post.notices.lock().unwrap().is_empty());
}

#[tokio::test]
async fn tries_come_further_and_further_apart_and_after_two_hours_a_person_hears() {
    let (world, post) = World::fresh(EVERYTHING).reaching();
    world.cloud.fail("DescribeVpcs", Some("us-east-1"), ErrorClass::NotReady, "OptInRequired");
    let mut now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    world.handle_at(json!({"account": "444455556666"}), 90_000, now).await.unwrap();
    let mut delays = Vec::new();
    let given_up = loop {
        let letters = std::mem::take(&mut *post.letters.lock().unwrap());
        let [letter] = letters.as_slice() else { panic!("{letters:?}") };
        delays.push(letter.delay);
        now += SignedDuration::from_secs(letter.delay.into());
        let report = world.deliver(letter, now).await.unwrap();
        if report.get("gave_up_on").is_some() {
            break report;
        }
    };
    assert_eq!(delays[..9], [10, 15, 30, 60, 120, 300, 600, 900, 900]);
    assert_eq!(now.to_string(), "2026-11-22T12:03:55Z");
    assert!(given_up["gave_up_on"][0].as_str().unwrap().contains("us-east-1"), "{given_up}");
    let notices = post.notices.lock().unwrap();
    assert_eq!((notices.len(), notices[0].rule, notices[0].name.as_str()), (1, "baseline-overdue", "dev"));
}

#[tokio::test]
async fn account_that_was_just_born_and_does_not_let_us_in_is_asked_again() {
    let (world, post) = World::fresh(EVERYTHING).reaching();
    world.cloud.fail("AssumeRole", None, ErrorClass::Denied, "AccessDenied");
    let born: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    world.handle_at(json!({"account": "444455556666"}), 90_000, born).await.unwrap();
    let letter = post.letter();
    let late = world.deliver(&letter, born + SignedDuration::from_mins(16)).await.unwrap_err();
    assert!(late.to_string().contains("sts:AssumeRole"), "{late}");
    assert_eq!(post.notices.lock().unwrap()[0].rule, "baseline-failed");
}

#[tokio::test]
async fn lasting_failure_is_told_and_does_not_hold_up_what_may_pass() {
    let (world, post) = World::fresh(EVERYTHING).reaching();
    world.cloud.take_alias("acme-dev");
    world.cloud.fail("DescribeVpcs", Some("us-east-1"), ErrorClass::NotReady, "OptInRequired");
    let report = world.handle(json!({"account": "444455556666"}), 5).await.unwrap();
    assert_eq!(report["again_in"], 10);
    let notices = post.notices.lock().unwrap();
    assert!(notices[0].facts[0].contains("choose another"), "{notices:?}");
}

#[tokio::test]
async fn sweep_posts_a_letter_for_every_account_and_a_failure_in_one_is_its_own() {
    let (world, post) = World::fresh("  - {match: {all: true}, alias: \"acme-{name}\"}\n").reaching();
    let report = world.handle(json!({"action": "sweep"}), 5).await.unwrap();
    assert_eq!(report["queued"], 2);
    let letters = std::mem::take(&mut *post.letters.lock().unwrap());
    for letter in &letters {
        world.deliver(letter, Timestamp::now()).await.unwrap();
    }
    assert_eq!(world.cloud.account(&id()).alias.as_deref(), Some("acme-dev"));
    let notices = post.notices.lock().unwrap();
    assert_eq!((notices.len(), notices[0].name.as_str()), (1, "root"), "the one that cannot be entered");
}

#[tokio::test]
async fn two_events_of_one_account_do_not_work_side_by_side() {
    let (world, post) = World::fresh(EVERYTHING).reaching();
    let account = world.baseline.directory().account(&id()).await.unwrap().unwrap();
    let held = world.baseline.lock(&account, Timestamp::now()).await.unwrap().unwrap();
    world.handle(json!({"account": "444455556666"}), 5).await.unwrap();
    assert_eq!(world.cloud.calls(), []);
    world.baseline.unlock(held).await;
    let report = world.deliver(&post.letter(), Timestamp::now()).await.unwrap();
    assert_eq!(report["accounts"][0]["done"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn event_that_another_run_held_up_is_looked_at_as_a_whole() {
    let (world, post) = World::fresh(EVERYTHING).reaching();
    world.cloud.fail("DescribeVpcs", Some("us-east-1"), ErrorClass::NotReady, "OptInRequired");
    world.apply().await;
    let account = world.baseline.directory().account(&id()).await.unwrap().unwrap();
    let held = world.baseline.lock(&account, Timestamp::now()).await.unwrap().unwrap();
    world.handle(json!({"account": "444455556666"}), 5).await.unwrap();
    world.cloud.change(&id(), |account| account.alias = None);
    world.baseline.unlock(held).await;
    world.deliver(&post.letter(), Timestamp::now()).await.unwrap();
    assert_eq!(world.cloud.account(&id()).alias.as_deref(), Some("acme-dev"), "what the event was about is seen");
}

#[tokio::test]
async fn region_that_has_come_up_is_looked_at_by_the_try_that_waited_for_it() {
    let layer = "  - {match: {all: true}, regions: {enable: [ap-east-1]}, defaults: {ebs_encryption: true}}\n";
    let region: Region = "ap-east-1".parse().unwrap();
    let (world, post) = World::fresh(layer).reaching();
    world.cloud.change(&id(), |account| _ = account.opt_in.insert(region.clone(), "ENABLING".to_owned()));
    world.handle(json!({"account": "444455556666"}), 5).await.unwrap();
    world.cloud.change(&id(), |account| {
        account.opt_in.insert(region.clone(), "ENABLED".to_owned());
        account.regions.push(region.clone());
    });
    world.deliver(&post.letter(), Timestamp::now()).await.unwrap();
    assert!(world.cloud.account(&id()).encrypted.contains(&region));
}

#[tokio::test]
async fn ledger_that_cannot_be_read_is_written_anew() {
    let world = World::fresh(EVERYTHING);
    let key = Key::new("account#444455556666", "baseline#dev");
    world.store.put(&key, json!({"at": "yesterday"}), None, When::Always).await.unwrap();
    world.handle(json!({"account": "444455556666"}), 5).await.unwrap();
    let ledger = Ledger::load(world.store.as_ref(), &id(), "dev").await.unwrap().unwrap();
    assert_eq!(ledger.state, State::Held);
}

#[tokio::test]
async fn closed_account_is_not_kept_any_more() {
    let organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Sandbox", "Intake", "Suspended"])
        .with(&id(), FakeMember::new("dev", "Sandbox"));
    let file = "layers:\n- {match: {ou: Sandbox}, alias: \"sbx-{name}\", quarantine_until: guarded}\n";
    let world = World::organization(file, organization);
    world.apply().await;
    world.cloud.reorganize(|organization| {
        organization.members.get_mut(&id()).unwrap().state = AccountState::Suspended;
    });
    let event = json!({"source": "aws.organizations", "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventName": "CloseAccount", "requestParameters": {"accountId": "444455556666"}}});
    let report = world.handle(event.clone(), 5).await.unwrap();
    assert_eq!((&report["departed"], &report["ledgers"]), (&json!("444455556666"), &json!(1)));
    let ledger = Ledger::load(world.store.as_ref(), &id(), "dev").await.unwrap().unwrap();
    assert_eq!(ledger.state, State::Departed);
    assert_eq!(world.cloud.organization().members[&id()].ou.as_ref(), "Suspended", "out of the way");
}

#[tokio::test]
async fn event_of_a_departure_that_did_not_happen_brings_the_account_to_its_baseline() {
    let world = World::fresh(EVERYTHING);
    let event = json!({"source": "aws.organizations", "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventName": "RemoveAccountFromOrganization", "requestParameters": {"accountId": "444455556666"}}});
    let report = world.handle(event, 5).await.unwrap();
    assert_eq!(report["accounts"][0]["done"].as_array().unwrap().len(), 12);
}

/// An organization with `dev` in an OU; every account has an alias.
fn small_organization() -> World {
    let organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Sandbox", "Intake", "Suspended"])
        .with(&id(), FakeMember::new("dev", "Sandbox"));
    let layers = "layers:\n- {match: {all: true}, alias: \"acme-{name}\", quarantine_until: guarded}\n";
    World::organization(layers, organization)
}

#[tokio::test]
async fn letter_of_an_account_that_left_ends_and_that_of_one_on_its_way_in_does_not() {
    let (world, post) = small_organization().reaching();
    let start: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    world.cloud.fail("CreateAccountAlias", None, ErrorClass::Throttled, "Throttling");
    world.handle_at(json!({"account": "444455556666"}), 90_000, start).await.unwrap();
    let letter = post.letter();
    world.cloud.reorganize(|organization| _ = organization.members.remove(&id()));
    let event = json!({"source": "aws.organizations", "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventName": "LeaveOrganization", "userIdentity": {"accountId": "444455556666"}}});
    world.handle_at(event, 90_000, start + SignedDuration::from_secs(5)).await.unwrap();
    let report = world.deliver(&letter, start + SignedDuration::from_secs(10)).await.unwrap();
    assert_eq!((&report["gave_up_on"][0], post.letters.lock().unwrap().len()), (&json!("it has left"), 0));

    let back = start + SignedDuration::from_hours(1);
    world.handle_at(json!({"account": "444455556666"}), 90_000, back).await.unwrap();
    let letter = post.letter();
    world.deliver(&letter, back + SignedDuration::from_secs(10)).await.unwrap();
    let letter = post.letter();
    world.cloud.heal();
    world.cloud.reorganize(|organization| _ = organization.members.insert(id(), FakeMember::new("dev", "")));
    world.deliver(&letter, back + SignedDuration::from_secs(25)).await.unwrap();
    assert_eq!(world.cloud.account(&id()).alias.as_deref(), Some("acme-dev"));
}

#[tokio::test]
async fn account_that_left_and_came_back_is_a_new_one() {
    let world = small_organization();
    world.apply().await;
    let account = world.baseline.directory().account(&id()).await.unwrap().unwrap();
    let forest = world.baseline.forest().await.unwrap();
    assert!(!world.baseline.target(account.clone(), &forest).await.unwrap().newcomer);
    world.baseline.forget(&id(), Timestamp::now()).await.unwrap();
    assert!(world.baseline.target(account, &forest).await.unwrap().newcomer);
}

#[tokio::test]
async fn sweep_spreads_its_letters_and_finds_closed_accounts_that_lie_about() {
    let (world, post) = small_organization().reaching();
    let closed: AccountId = "555566667777".parse().unwrap();
    world.cloud.reorganize(|organization| {
        let closed_member = FakeMember { state: AccountState::Suspended, ..FakeMember::new("old", "Sandbox") };
        organization.members.insert(closed.clone(), closed_member);
    });
    world.handle(json!({"action": "sweep"}), 5).await.unwrap();
    let letters = std::mem::take(&mut *post.letters.lock().unwrap());
    assert_eq!(letters.iter().map(|letter| letter.delay).collect::<Vec<_>>(), [0, 2, 4]);
    assert!(letters[0].body.contains("111122223333"), "others need what the management account makes");
    for letter in &letters {
        world.deliver(letter, Timestamp::now()).await.unwrap();
    }
    assert_eq!(world.cloud.organization().members[&closed].ou.as_ref(), "Suspended");
    assert_eq!(world.handle(json!({"action": "sweep"}), 5).await.unwrap()["queued"], 2);
}

#[tokio::test]
async fn sweep_of_a_thousand_accounts_stays_within_the_longest_delay() {
    let (world, post) = small_organization().reaching();
    world.cloud.reorganize(|organization| {
        for n in 0..1000 {
            let id = format!("{}", 300_000_000_000_u64 + n).parse().unwrap();
            organization.members.insert(id, FakeMember::new(&format!("a{n}"), "Sandbox"));
        }
    });
    world.handle(json!({"action": "sweep"}), 5).await.unwrap();
    let letters = post.letters.lock().unwrap();
    assert_eq!(letters.len(), 1002);
    assert!(letters.iter().all(|letter| (0..900).contains(&letter.delay)));
    assert!(letters[500].delay > 400, "evenly");
}

/// An organization that too many ask at once.
struct Busy;

impl Busy {
    fn throttled() -> CallError {
        let site = CallSite::new("organizations", "ListParents", &id(), &"us-east-1".parse().unwrap());
        site.error(ErrorClass::Throttled, "too many requests")
    }
}

#[async_trait]
impl Directory for Busy {
    async fn accounts(&self) -> Result<Vec<Account>, CallError> {
        Err(Self::throttled())
    }
    async fn account(&self, _: &AccountId) -> Result<Option<Account>, CallError> {
        Err(Self::throttled())
    }
    async fn privileged(&self) -> Result<Vec<AccountId>, CallError> {
        Err(Self::throttled())
    }
}

#[tokio::test]
async fn organization_that_too_many_ask_is_asked_again_within_seconds() {
    let config = World::fresh(EVERYTHING).prepare().await.target.config;
    let (accounts, post) = (Arc::new(FakeCloud::default()), Arc::new(FakePost::default()));
    let store = Arc::new(MemoryStore::default());
    let baseline = Baseline::of(config, accounts, Arc::new(Busy), store.clone());
    let baseline = baseline.reaching(Some(post.clone()), post.clone());
    let world = World { cloud: FakeCloud::default(), baseline, store };
    let report = world.handle(json!({"account": "444455556666"}), 5).await.unwrap();
    assert_eq!((&report["again_in"], post.letter().delay), (&json!(10), 10), "{report}");
    let last = json!({"account": "444455556666", "attempt": 4, "sweep": true});
    world.handle(last, 5).await.unwrap();
    assert!(post.letters.lock().unwrap().is_empty(), "the next sweep comes in any case");
}

#[tokio::test]
async fn nothing_is_taken_that_nobody_was_shown() {
    let management: AccountId = "111122223333".parse().unwrap();
    let member = || FakeMember::new("dev", "");
    let file = "accounts: {dev: {id: \"444455556666\", ou: Sandbox}}\nlayers: []\n";
    let world = World::organization(file, FakeOrganization::new(&management, &[]).with(&id(), member()));
    let account = world.baseline.find("dev").await.unwrap();
    let prepared = world.baseline.prepare_all(account).await.unwrap();
    assert_eq!((prepared[0].plan.steps.len(), prepared[0].plan.waiting.len()), (0, 1), "it waits for its OU");
    world.cloud.organize(FakeOrganization::new(&management, &["Sandbox"]).with(&id(), member()));
    world.baseline.apply_all(prepared, false, Timestamp::now()).await;
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

/// One run for every call that a baseline makes, with that call refused, or made and its answer lost.
#[tokio::test]
async fn whatever_call_fails_the_next_run_ends_where_it_would_have() {
    let undisturbed = World::fresh(EVERYTHING);
    undisturbed.apply().await;
    for trip in [Trip::Refused, Trip::Lost] {
        for n in 0.. {
            let world = World::fresh(EVERYTHING);
            world.cloud.trip(n, trip);
            world.apply().await;
            if !world.cloud.tripped() {
                assert!(n > 50, "a baseline of this kind makes more than {n} calls");
                break;
            }
            let report = world.apply().await;
            assert!(report.is_clean(), "{trip:?} call {n}: {report}");
            assert_eq!(world.prepare().await.plan.steps, [], "{trip:?} call {n}");
            assert_eq!(world.cloud.account(&id()), undisturbed.cloud.account(&id()), "{trip:?} call {n}");
        }
    }
}

#[tokio::test]
async fn sweep_reaches_every_account_and_is_not_repeated_for_one_that_it_cannot_enter() {
    let world = World::fresh("  - {match: {all: true}, alias: \"acme-{name}\"}\n");
    let report = world.handle(json!({"action": "sweep"}), 5).await.unwrap();
    assert!(report.to_string().contains("111122223333"), "{report}");
    assert_eq!(world.cloud.account(&id()).alias.as_deref(), Some("acme-dev"));
}

#[tokio::test]
async fn account_is_not_begun_when_time_is_short() {
    let world = World::fresh(EVERYTHING);
    let failure = world.handle(json!({"account": "444455556666"}), 0).await.unwrap_err();
    assert!(failure.to_string().contains("ran out of time"), "{failure}");
    assert_eq!(world.cloud.calls(), []);
}

#[tokio::test]
async fn every_name_is_the_home_account_in_single_account_mode() {
    let text = "version: 1\nmode: single-account\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
        access: {role: Admin}\naccounts: {dev: {tags: {stage: dev}}, prod: {tags: {stage: prod}}}\nlayers:\n\
        - match: {tag: {stage: prod}}\n  roles: {Deploy: {policies: [ReadOnlyAccess], trust: [dev]}}\n";
    let config = Arc::new(Config::parse(text, "f").unwrap());
    let home: AccountId = "111122223333".parse().unwrap();
    let cloud = FakeCloud::default().with(&home, FakeAccount::fresh(&["eu-west-1"]));
    let accounts: Arc<dyn Accounts> = Arc::new(cloud.clone());
    let directory = Arc::new(FileDirectory::new(config.clone(), accounts.clone()));
    let baseline = Baseline::of(config, accounts, directory, Arc::new(MemoryStore::default()));
    assert_eq!(baseline.accounts_of(&home).await.unwrap().len(), 2);
    let prod = baseline.find("prod").await.unwrap();
    let prepared = baseline.prepare_all(prod).await.unwrap();
    assert_eq!(prepared[0].plan.steps.len(), 1);
    assert!(prepared[0].plan.to_string().contains("for 111122223333"), "{}", prepared[0].plan);
}

#[tokio::test]
async fn layers_follow_the_place_in_the_organization() {
    let organization = FakeOrganization::new(&"111122223333".parse().unwrap(), &["Sandbox", "Workloads"])
        .with(&id(), FakeMember::new("dev", "Workloads"))
        .with(&"555566667777".parse().unwrap(), FakeMember::new("ana", "Sandbox"));
    let world = World::organization("layers:\n- {match: {ou: Sandbox}, alias: \"sbx-{name}\"}\n", organization);
    assert_eq!(world.apply().await.steps, []);
    assert_eq!(words(&world.apply_to(&"555566667777".parse().unwrap()).await), ["set-alias global"]);
}

#[tokio::test]
async fn plan_of_a_new_account_fits_a_screen() {
    let plan = World::fresh(EVERYTHING).prepare().await.plan;
    insta::assert_snapshot!(plan, @r"
    dev (444455556666): 12 steps
      global
        alias             set the alias to acme-dev
        password-policy   set the password policy: at least 14 characters, a symbol, none of the last 24
        s3-public-access  block public access to S3 in the whole account
        roles             create role Admin with AdministratorAccess, for 111122223333
        roles             create role Review with ReadOnlyAccess, SecurityAudit, for 111122223333, 222233334444
        budget            create budget forester-monthly: 99.5 USD a month, alerts at 50% spent, 80% spent, 100% forecast
      3 regions: ap-southeast-2 eu-west-1 us-east-1
        ebs-encryption    encrypt new EBS volumes by default
        default-vpc       delete the default VPC vpc-1 (1 gateway, 3 subnets)
    ");
}
