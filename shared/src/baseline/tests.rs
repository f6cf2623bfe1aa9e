//! What a baseline promises: it converges, it repeats without writing, and a part that fails fails alone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fake::{FakeAccount, FakeBudget, FakeCloud, FakeMember, FakeOrganization, FakeRole, FakeVpc};
use super::world::{REGIONS, World, id};
use super::{Baseline, BaselineJob, Ledger, Report, State};
use crate::aws::{Accounts, ErrorClass};
use crate::config::Config;
use crate::event::{Batch, open};
use crate::job::{Failure, Invocation, Job};
use crate::org::{AccountState, FileDirectory};
use crate::store::MemoryStore;
use crate::types::{AccountId, Mode};

const EVERYTHING: &str = r#"
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
    assert!(!report.may_pass());
    world.cloud.heal();
    assert_eq!(words(&world.apply().await), ["encrypt-by-default us-east-1"]);
}

#[tokio::test]
async fn region_that_is_not_ready_is_an_error_of_its_own_and_may_pass() {
    let world = World::fresh(EVERYTHING);
    world.cloud.fail("DescribeVpcs", Some("ap-southeast-2"), ErrorClass::NotReady, "OptInRequired");
    let report = world.apply().await;
    assert_eq!((report.done.len(), report.errors.len(), report.may_pass()), (11, 1, true));
    assert_eq!(report.errors[0].region.to_string(), "ap-southeast-2");
    let ledger = Ledger::load(world.store.as_ref(), &id(), "dev").await.unwrap().unwrap();
    assert_eq!((ledger.state, ledger.done), (State::Incomplete, 11));
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
    assert_eq!((report.done.len(), report.failed.len(), report.may_pass()), (11, 1, false));
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

impl World {
    async fn handle(&self, event: Value, minutes: i64) -> Result<Value, Failure> {
        let started = Timestamp::now();
        let deadline = started.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let invocation = Invocation { request_id: "r".to_owned(), started, deadline };
        let Batch::Direct(message) = open(&event, "r") else { panic!("not bare") };
        BaselineJob::from(self.baseline.clone()).handle(&invocation, &message).await
    }
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

fn some<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(values.to_vec())
}

/// Accounts in any state that people leave them in.
fn accounts() -> impl Strategy<Value = FakeAccount> {
    let trust = some(&[
        "{}".to_owned(),
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"AROAX"},"Action":"sts:AssumeRole"}}"#
            .to_owned(),
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"Forester","Effect":"Deny","Principal":"*","Action":"*"}]}"#.to_owned(),
    ]);
    let role = (trust, prop::collection::btree_set("[A-Z]{1,3}", 0..3)).prop_map(|(trust, policies)| FakeRole {
        trust,
        policies: policies.into_iter().map(|name| format!("arn:aws:iam::aws:policy/{name}")).collect(),
        tags: [("purpose".to_owned(), "other".to_owned())].into(),
    });
    let alert = (some(&["ACTUAL", "FORECASTED"]), some(&[50.0, 80.0, 33.3])).prop_map(|(kind, threshold)| {
        let notification = json!({"NotificationType": kind, "ComparisonOperator": "GREATER_THAN",
            "Threshold": threshold, "ThresholdType": "PERCENTAGE"});
        (notification, vec![json!({"SubscriptionType": "SNS", "Address": "arn:aws:sns:us-east-1:1:other"})])
    });
    let budget = (some(&["99.50", "10", "x"]), prop::option::of(alert)).prop_map(|(amount, alert)| FakeBudget {
        budget: json!({"BudgetLimit": {"Amount": amount, "Unit": "USD"}, "TimeUnit": "MONTHLY", "BudgetType": "COST"}),
        alerts: alert.map(|(alert, who)| (normal(alert), who)).into_iter().collect(),
    });
    let policy = some(&[json!({"MinimumPasswordLength": 8, "MaxPasswordAge": 90}), json!({"RequireNumbers": true})]);
    let used = prop::collection::vec(any::<bool>(), 3);
    (prop::option::of("[a-z]{3,6}"), prop::option::of(policy), prop::option::of(role), prop::option::of(budget), used)
        .prop_map(|(alias, password_policy, role, budget, used)| {
            let mut account = FakeAccount::fresh(&REGIONS);
            for (region, used) in account.regions.clone().iter().zip(used) {
                if used {
                    account.vpcs.insert(region.clone(), FakeVpc::fresh(region).with("eni", "eni-1"));
                }
            }
            account.roles = role.into_iter().map(|role| ("Review".to_owned(), role)).collect();
            account.budgets = budget.into_iter().map(|budget| ("forester-monthly".to_owned(), budget)).collect();
            FakeAccount { alias, password_policy, ..account }
        })
}

/// AWS answers with whole thresholds as it was given them.
fn normal(mut alert: Value) -> Value {
    if let Some(whole) = alert["Threshold"].as_f64().filter(|threshold| threshold.fract() == 0.0) {
        #[expect(clippy::cast_possible_truncation, reason = "a percentage")]
        let whole = whole as i64;
        alert["Threshold"] = whole.into();
    }
    alert
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn plan_of_what_was_applied_is_empty(account in accounts(), enforce in some(&["additive", "strict"])) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new(&EVERYTHING.replace("ENFORCE", enforce), account);
            let report = world.apply().await;
            prop_assert!(report.is_clean(), "{report}");
            prop_assert!(world.cloud.calls().iter().all(|(account, ..)| *account == id()), "left the account");
            let again = world.prepare().await.plan;
            prop_assert_eq!(&again.steps, &vec![], "{}", again);
            prop_assert_eq!(world.cloud.writes(), Vec::<String>::new());
            Ok(())
        })?;
    }
}
