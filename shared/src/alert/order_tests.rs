//! Signals in every order, repeated, by two routers on one store at the same time: people hear the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::super::fakes::{FakeAws, invocation, sample};
use super::super::incident::Turn;
use super::super::outbox::Delivery;
use super::tests::{Stage, sandbox_budget, trail};
use super::*;

const BUDGET: &str = "budget-router/actual-monthly-100pct";
const ALARM: &str = "alarm-fanout/eventbridge-alarm-state-change";
const ALARM_BY_SNS: &str = "alarm-fanout/sns-cis-root-usage-alarm";
const OVER: &str = "alarm-fanout/sns-cis-root-usage-ok";
const CALL: &str = "alarm-fanout/cloudtrail-root-create-access-key";
const SIGN_IN: &str = "alarm-fanout/cloudtrail-root-console-login";
const STORY: [&str; 6] = [BUDGET, ALARM, ALARM_BY_SNS, OVER, CALL, SIGN_IN];

/// What the same alarm looks like whenever it is searched for.
fn aws() -> Arc<FakeAws> {
    let mut answers = trail();
    answers.remove(1);
    FakeAws::answering(&answers)
}

/// Two routers on one store take the signals, each the next one as soon as it is free.
async fn played(signals: &[&'static str], turns: &[u8]) -> Vec<Delivery> {
    let stage = Stage::new(aws(), Some(sandbox_budget()));
    stage.store.turns.lock().unwrap().extend(turns);
    let todo = std::sync::Mutex::new(signals.iter().rev().copied().collect::<Vec<_>>());
    let worker = || async {
        loop {
            let Some(next) = todo.lock().unwrap().pop() else { return };
            for message in sample(next) {
                stage.router.handle(&invocation("2026-11-12T05:00:00Z", 120), &message).await.unwrap();
            }
        }
    };
    tokio::join!(worker(), worker());
    stage.store.turns.lock().unwrap().clear();
    stage.deliveries().await
}

/// What people have heard in the end: by receiver and title of the matter's kind, the events, and whether it is over.
fn heard(deliveries: &[Delivery]) -> BTreeMap<(String, String), (BTreeSet<String>, bool)> {
    let mut heard: BTreeMap<(String, String), (BTreeSet<String>, bool)> = BTreeMap::new();
    for delivery in deliveries {
        let kind = if delivery.alert.kind == "budget" { "budget" } else { "call" };
        let (events, over) = heard.entry((delivery.receiver.clone(), kind.to_owned())).or_default();
        events.extend(delivery.alert.evidence.iter().flat_map(|event| event.ids().cloned()));
        *over |= delivery.turn == Turn::Resolve;
    }
    heard
}

/// Nothing is told twice: no delivery, no beginning or end of a matter, and no event.
fn told_once(deliveries: &[Delivery]) -> Result<(), TestCaseError> {
    let mut deliveries = deliveries.to_vec();
    deliveries.sort_by(|a, b| a.id.cmp(&b.id));
    deliveries.dedup_by(|a, b| a.id == b.id);
    let mut seen = BTreeSet::new();
    for delivery in &deliveries {
        let alert = &delivery.alert;
        let told = match delivery.turn {
            Turn::First | Turn::Update => alert.evidence.iter().flat_map(|event| event.ids().cloned()).collect(),
            _ => Vec::new(),
        };
        for event in told {
            prop_assert!(seen.insert((delivery.receiver.clone(), event.clone())), "{event} was told twice");
        }
        if delivery.turn != Turn::Update {
            let beginning = format!("{:?} of {}", delivery.turn, delivery.incident);
            prop_assert!(seen.insert((delivery.receiver.clone(), beginning.clone())), "{beginning} was told twice");
        }
    }
    Ok(())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Every signal at least once, some again, in any order.
fn signals() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(0..STORY.len(), 0..6).prop_flat_map(|again| {
        let all: Vec<&'static str> =
            STORY.iter().copied().chain(again.into_iter().filter_map(|n| STORY.get(n).copied())).collect();
        Just(all).prop_shuffle()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn people_hear_the_same_in_any_order_and_nothing_twice(
        signals in signals(),
        turns in proptest::collection::vec(0_u8..4, 0..40),
    ) {
        let expected = heard(&run(played(&STORY, &[])));
        let deliveries = run(played(&signals, &turns));
        told_once(&deliveries)?;
        prop_assert_eq!(heard(&deliveries), expected);
    }
}

#[test]
fn story_has_what_it_is_about() {
    let heard = heard(&run(played(&STORY, &[])));
    let call = &heard[&("security".to_owned(), "call".to_owned())];
    assert_eq!((call.0.len(), call.1), (2, true), "both calls behind the alarm, and its end: {heard:?}");
    assert!(heard.contains_key(&("owner".to_owned(), "budget".to_owned())));
}

/// The report's turn of each signal, one after the other.
async fn turns(signals: &[&'static str]) -> Vec<Value> {
    let stage = Stage::new(aws(), None);
    let mut turns = Vec::new();
    for name in signals {
        let report = stage.router.handle(&invocation("2026-11-12T05:00:00Z", 120), &sample(name)[0]).await.unwrap();
        turns.push(report["alerts"][0]["turn"].clone());
    }
    turns
}

#[tokio::test]
async fn call_that_was_told_by_its_event_is_not_told_again_by_the_alarm() {
    assert_eq!(turns(&[CALL, SIGN_IN, ALARM]).await, ["first", "first", "known"]);
    assert_eq!(turns(&[ALARM, CALL, SIGN_IN]).await, ["first", "known", "known"]);
    assert_eq!(turns(&[CALL, ALARM]).await, ["first", "update"], "the alarm knows of one call more");
}

#[tokio::test]
async fn end_that_is_heard_of_first_ends_what_is_heard_of_later() {
    let stage = Stage::new(aws(), None);
    for name in [OVER, ALARM, OVER, ALARM] {
        stage.router.handle(&invocation("2026-11-12T05:00:00Z", 120), &sample(name)[0]).await.unwrap();
    }
    let turns: Vec<Turn> = stage.deliveries().await.into_iter().map(|delivery| delivery.turn).collect();
    assert_eq!(turns, [Turn::First, Turn::Update, Turn::Resolve]);
}
