//! What holds for every account in any state, and for events in any order.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fake::{FakeAccount, FakeBudget, FakeRole, FakeVpc, Trip};
use super::tests::EVERYTHING;
use super::world::{REGIONS, World, id};

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
        ..FakeRole::default()
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

    /// Events of one account, some of them twice, in any order, with a call failing somewhere in between: after the
    /// next sweep the account is as if there had been the sweep alone.
    #[test]
    fn order_of_events_does_not_matter(
        events in prop::collection::vec(some(&EVENTS), 1..6),
        failing in prop::option::of((0_usize..120, some(&[Trip::Refused, Trip::Lost]))),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (calm, _) = World::fresh(EVERYTHING).reaching();
            calm.apply().await;
            let (world, post) = World::fresh(EVERYTHING).reaching();
            if let Some((n, trip)) = failing {
                world.cloud.trip(n, trip);
            }
            for name in events {
                // What becomes of one event alone is not what counts here.
                drop(world.handle(event(name), 5).await);
            }
            world.cloud.heal();
            drop(world.handle(json!({ "action": "sweep" }), 5).await);
            let letters = std::mem::take(&mut *post.letters.lock().unwrap());
            for letter in letters.iter().filter(|letter| letter.body.contains(id().as_ref())) {
                prop_assert!(world.deliver(letter, Timestamp::now()).await.is_ok());
            }
            prop_assert_eq!(world.cloud.account(&id()), calm.cloud.account(&id()));
            let elsewhere = world.cloud.calls().into_iter().find(|(account, ..)| *account != id());
            prop_assert_eq!(elsewhere, None);
            Ok(())
        })?;
    }
}

/// Files of `events/account-baseline`, which are about the account that the tests look at.
const EVENTS: [&str; 10] = [
    "accept-handshake",
    "account-joined-organization",
    "close-account-result",
    "control-tower-update-managed-account",
    "create-account",
    "create-account-result-succeeded",
    "move-account",
    "move-account-refused",
    "region-opt-in-enabled",
    "tag-resource-account",
];

fn event(name: &str) -> Value {
    let file = format!("{}/../events/account-baseline/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}
