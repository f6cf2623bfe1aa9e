//! Calls that fail, by kind and by share, with dice that fall the same in every run.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::Value;

use super::fake::{Cloud, Dice, HOME, SANDBOX};
use super::slice::{Next, SliceReport};
use super::tests::{FAST, KEPT, full};
use super::verdict::{State, Verdict};
use crate::aws::ErrorClass;

/// What a call meets: by account, operation and parameters.
type Fault = Box<dyn Fn(&str, &str, &Value) -> Option<(ErrorClass, &'static str)> + Send>;

/// Fails this share of calls, in this way.
fn share(percent: u64, seed: u64, refused: (ErrorClass, &'static str)) -> Fault {
    let dice = Mutex::new(Dice::new(seed));
    Box::new(move |_, _, _| (dice.lock().unwrap().roll(100) < percent).then_some(refused))
}

/// Slices until it is over. A slice that a guard could not let in, or that failed, is asked for again, as the state
/// machine does.
async fn drive(cloud: &Cloud) -> SliceReport {
    let reset = cloud.reset(FAST);
    for _ in 0..10_000 {
        match reset.slice(&cloud.order("run-1")).await {
            Ok(report) if matches!(report.next, Next::Continue) => {}
            Ok(report) if matches!(report.next, Next::Wait) => cloud.pass(i64::try_from(report.seconds).unwrap()),
            Ok(report) => return report,
            Err(_) => cloud.pass(30),
        }
    }
    panic!("the run never ended");
}

fn only_the_sandbox_was_entered(cloud: &Cloud) {
    let world = cloud.world.lock().unwrap();
    let elsewhere = world.called.iter().filter(|(account, _)| account != SANDBOX);
    // The organization is asked about the account, and freezes it; costs are read where the bill is paid.
    let (freezes, reads) = (["Policy", "TagResource"], ["Describe", "Get", "List"]);
    let astray: Vec<_> = elsewhere
        .filter(|(account, operation)| {
            let about = freezes.iter().any(|word| operation.contains(word))
                || reads.iter().any(|word| operation.starts_with(word));
            account != HOME || !about
        })
        .collect();
    assert!(astray.is_empty(), "{astray:?}");
}

async fn ends_the_same(percent: u64, refused: (ErrorClass, &'static str), after: bool) {
    for seed in 1..=2 {
        let cloud = full();
        let fault = share(percent, seed, refused);
        cloud.change(|world| {
            world.attempts = 2;
            if after { world.lost = Some(fault) } else { world.fault = Some(fault) }
        });
        let report = drive(&cloud).await;
        let ids: Vec<String> = cloud.ids();
        assert_eq!(
            (ids, report.verdict),
            (KEPT.map(str::to_owned).to_vec(), Some(Verdict::Green)),
            "{refused:?} {seed}"
        );
        only_the_sandbox_was_entered(&cloud);
    }
}

#[tokio::test]
async fn throttles_change_nothing() {
    ends_the_same(5, (ErrorClass::Throttled, "Throttling"), false).await;
    ends_the_same(20, (ErrorClass::Throttled, "Throttling"), false).await;
}

#[tokio::test]
async fn server_errors_change_nothing() {
    ends_the_same(5, (ErrorClass::Transient, "InternalError"), false).await;
    ends_the_same(20, (ErrorClass::Transient, "InternalError"), false).await;
}

#[tokio::test]
async fn broken_connections_change_nothing() {
    ends_the_same(5, (ErrorClass::Transient, ""), false).await;
    ends_the_same(20, (ErrorClass::Transient, ""), false).await;
}

#[tokio::test]
async fn lost_answers_change_nothing() {
    ends_the_same(5, (ErrorClass::Transient, ""), true).await;
    ends_the_same(20, (ErrorClass::Transient, ""), true).await;
}

/// Whatever is still there is named, or its list is said to be unread; and nothing is green that is not gone.
#[tokio::test]
async fn denials_are_told_and_never_green() {
    for (percent, seed) in [(5, 1), (5, 2), (20, 1), (20, 2)] {
        let cloud = full();
        let asked = share(percent, seed, (ErrorClass::Denied, "AccessDenied"));
        cloud.change(|world| {
            world.fault = Some(Box::new(move |region, operation, params| {
                let guard = ["GetCallerIdentity", "DescribeRegions"].contains(&operation);
                asked(region, operation, params).filter(|_| !guard)
            }));
        });
        let report = drive(&cloud).await;
        let receipt = cloud.receipt(&report);
        let stays: Vec<String> = cloud.ids().into_iter().filter(|id| !KEPT.contains(&id.as_str())).collect();
        let told: BTreeSet<&str> = receipt.left.iter().map(|left| left.id.as_str()).collect();
        let unread = receipt.ledger.iter().filter(|line| matches!(line.state, State::Denied | State::Error)).count();
        assert!(
            stays.iter().all(|id| told.contains(id.as_str()) || unread > 0),
            "{percent} % {seed}: {stays:?}, {told:?}"
        );
        assert!(report.verdict != Some(Verdict::Green) || stays.is_empty(), "{percent} % {seed}: {stays:?}");
        assert!(receipt.ledger.iter().all(|line| line.state != State::Denied || line.note.contains("AccessDenied")));
        only_the_sandbox_was_entered(&cloud);
    }
}
