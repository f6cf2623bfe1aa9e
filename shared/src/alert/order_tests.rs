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

/// Each delivery as turn and thread, the threads numbered in the order in which they began.
async fn threads(stage: &Stage) -> Vec<(Turn, usize)> {
    let mut known: Vec<String> = Vec::new();
    let mut threads = Vec::new();
    for delivery in stage.deliveries().await {
        let n = known.iter().position(|thread| *thread == delivery.incident).unwrap_or(known.len());
        if n == known.len() {
            known.push(delivery.incident);
        }
        threads.push((delivery.turn, n));
    }
    threads
}

#[tokio::test]
async fn alarm_that_cannot_be_silenced_is_told_at_once_though_its_rule_was_told_a_moment_ago() {
    let stage = Stage::new(aws(), None);
    for name in [CALL, SIGN_IN, ALARM, ALARM_BY_SNS] {
        stage.router.handle(&invocation("2026-11-12T05:00:00Z", 120), &sample(name)[0]).await.unwrap();
    }
    let told = [(Turn::First, 0), (Turn::First, 1), (Turn::First, 2), (Turn::Update, 2)];
    assert_eq!(
        threads(&stage).await,
        told,
        "both calls, the bare alarm, and in its thread where to read of its causes"
    );
    let bare = &stage.deliveries().await[2].alert;
    assert!(bare.evidence.is_empty(), "it did not wait: {:?}", bare.evidence);
    let note = stage.deliveries().await[3].alert.notes.last().unwrap().to_string();
    assert!(note.starts_with("what is behind it was told before: ") && note.contains("(inc_"), "{note}");
    stage.router.handle(&invocation("2026-11-12T05:10:00Z", 120), &sample(OVER)[0]).await.unwrap();
    let mut ends = threads(&stage).await.split_off(told.len());
    ends.sort_unstable();
    assert_eq!(
        ends,
        [(Turn::Resolve, 0), (Turn::Resolve, 2)],
        "where the calls were told first, and where the alarm was"
    );
}

#[tokio::test]
async fn alarm_that_may_be_silenced_waits_for_its_causes_where_its_rule_was_told_a_moment_ago() {
    let event = &sample("alarm-fanout/cloudtrail-schedule-key-deletion")[0];
    let record = event.json().unwrap()["detail"].clone();
    let mut answers = trail();
    answers.truncate(1);
    answers.push(("FilterLogEvents", json!({"events": [{"message": record.to_string()}]})));
    let stage = Stage::new(FakeAws::answering(&answers), None);
    let mut alarm = sample(ALARM).remove(0);
    alarm.text = alarm.text.replace("CIS-4.3-RootAccountUsage", "CIS-4.7-KeyDeletion").replace("severity=critical", "");
    stage.router.handle(&invocation("2026-11-12T05:00:00Z", 120), event).await.unwrap();
    stage.router.handle(&invocation("2026-11-12T05:00:00Z", 120), &alarm).await.unwrap();
    assert_eq!(threads(&stage).await, [(Turn::First, 0)], "the alarm knows nothing that people were not told");
}
