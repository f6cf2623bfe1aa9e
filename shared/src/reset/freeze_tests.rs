//! Who is kept out, from when to when; and what a crash leaves.

use serde_json::json;

use super::fake::{Cloud, SANDBOX};
use super::slice::{Next, SliceError};
use super::state::End;
use super::verdict::Verdict;
use crate::aws::ErrorClass;

const SECTION: &str = "  rescan_after: 1m\n  patience: 10m\n  retries: 0\n";
const POLICY: &str = "forester-freeze-555566667777";
const QUARANTINE: &str = "forester-sandbox-quarantine";

/// A sandbox with a table in it, and a role that Batch works by.
fn sandbox() -> Cloud {
    let trust = json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "batch.amazonaws.com"}}]});
    Cloud::new().with("eu-west-1", "ListTables", [json!("table")]).with(
        "us-east-1",
        "ListRoles",
        [json!({"RoleName": "batch", "Path": "/service-role/",
            "Arn": "arn:aws:iam::555566667777:role/service-role/batch", "AssumeRolePolicyDocument": trust})],
    )
}

/// A sandbox with something in it that cannot be deleted.
fn stubborn() -> Cloud {
    let cloud = sandbox();
    let fault = |_: &str, operation: &str, _: &serde_json::Value| {
        (operation == "DeleteTable").then_some((ErrorClass::Denied, "AccessDenied"))
    };
    cloud.change(|world| world.fault = Some(Box::new(fault)));
    cloud
}

fn frozen(cloud: &Cloud) -> Vec<String> {
    cloud.world.lock().unwrap().organization.on(SANDBOX)
}

fn policies(cloud: &Cloud) -> usize {
    cloud.world.lock().unwrap().organization.policies.len()
}

#[tokio::test]
async fn nobody_works_in_the_account_while_it_is_emptied_and_everybody_afterwards() {
    let cloud = sandbox();
    let watched = cloud.world.clone();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (order, note) = (cloud.order("run-1"), seen.clone());
    // What is attached when the first thing goes.
    let fault = move |_: &str, operation: &str, _: &serde_json::Value| {
        if operation == "DeleteTable" {
            note.lock().unwrap().push(());
        }
        None
    };
    cloud.change(|world| world.fault = Some(Box::new(fault)));
    let report = cloud.reset(SECTION).slice(&order).await.unwrap();
    assert_eq!((report.next, seen.lock().unwrap().len()), (Next::Wait, 1), "the table is gone, and the run rests");
    {
        let world = watched.lock().unwrap();
        assert_eq!(world.organization.on(SANDBOX), [POLICY]);
        let policy = world.organization.policies.values().next().unwrap();
        assert!(policy.content.contains("arn:aws:iam::555566667777:role/service-role/batch"), "{}", policy.content);
        let writes = &world.writes;
        let at = |word: &str| writes.iter().position(|write| write.contains(word)).unwrap();
        assert!(at("AttachPolicy") < at("DeleteTable"), "{writes:?}");
    }
    let report = cloud.drive(&cloud.reset(SECTION), "run-1", None).await.unwrap();
    assert_eq!((report.verdict, frozen(&cloud), policies(&cloud)), (Some(Verdict::Green), vec![], 0));
}

#[tokio::test]
async fn a_run_that_ends_stuck_or_refused_leaves_nobody_frozen() {
    let cloud = stubborn();
    let report = cloud.drive(&cloud.reset(SECTION), "run-1", None).await.unwrap();
    assert_eq!((report.next, frozen(&cloud)), (Next::Stuck, vec![]));
    let cloud = sandbox();
    let section = format!("{SECTION}  limits: {{deletes: 0}}\n");
    let report = cloud.drive(&cloud.reset(&section), "run-1", None).await.unwrap();
    assert_eq!((report.next, frozen(&cloud)), (Next::Refused, vec![]));
}

#[tokio::test]
async fn a_plan_freezes_nobody() {
    let cloud = sandbox();
    cloud.reset(SECTION).plan(&cloud.account.id).await.unwrap();
    assert_eq!((policies(&cloud), cloud.world.lock().unwrap().writes.clone()), (0, Vec::<String>::new()));
}

#[tokio::test]
async fn killed_at_any_call_nobody_stays_frozen() {
    let calm = {
        let cloud = sandbox();
        cloud.drive(&cloud.reset(SECTION), "run-1", None).await.unwrap();
        cloud.world.lock().unwrap().calls
    };
    for n in (1..=12).chain(calm - 12..=calm) {
        let cloud = sandbox();
        cloud.change(|world| world.kill_at = Some(n));
        let report = cloud.drive(&cloud.reset(SECTION), "run-1", None).await.unwrap();
        assert_eq!((report.verdict, frozen(&cloud)), (Some(Verdict::Green), vec![]), "killed at {n}");
    }
}

#[tokio::test]
async fn an_account_that_is_no_sandbox_any_more_is_let_go() {
    let mut cloud = sandbox();
    cloud.reset(SECTION).slice(&cloud.order("run-1")).await.unwrap();
    assert_eq!(frozen(&cloud), [POLICY]);
    cloud.account.tags.clear();
    let refused = cloud.reset(SECTION).slice(&cloud.order("run-1")).await;
    assert!(matches!(refused, Err(SliceError::Refused(_))), "{refused:?}");
    assert_eq!(frozen(&cloud), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_dead_run_left_frozen_is_let_go_when_it_is_asked_what_is_due() {
    let cloud = sandbox();
    cloud.reset(SECTION).slice(&cloud.order("run-1")).await.unwrap();
    cloud.reset(SECTION).due(cloud.now()).await.unwrap();
    assert_eq!(frozen(&cloud), [POLICY], "a run that rests is not dead");
    cloud.pass(25 * 3600);
    cloud.reset(SECTION).due(cloud.now()).await.unwrap();
    assert_eq!(frozen(&cloud), Vec::<String>::new());
}

#[tokio::test]
async fn a_freeze_that_cannot_be_lifted_is_told_and_lifted_later() {
    let cloud = sandbox();
    let fault = |_: &str, operation: &str, _: &serde_json::Value| {
        (operation == "DetachPolicy").then_some((ErrorClass::Denied, "AccessDenied"))
    };
    cloud.change(|world| world.fault = Some(Box::new(fault)));
    let report = cloud.drive(&cloud.reset(SECTION), "run-1", None).await.unwrap();
    let notes = cloud.receipt(&report).notes;
    assert!(notes.iter().any(|note| note.contains("still frozen") && note.contains(POLICY)), "{notes:?}");
    cloud.change(|world| world.fault = None);
    cloud.reset(SECTION).due(cloud.now()).await.unwrap();
    assert_eq!(frozen(&cloud), Vec::<String>::new());
}

#[tokio::test]
async fn no_room_for_a_policy_stops_the_run_only_where_a_freeze_is_required() {
    let cloud = sandbox();
    cloud.change(|world| world.organization.foreign = 5);
    let report = cloud.drive(&cloud.reset(SECTION), "run-1", None).await.unwrap();
    let notes = cloud.receipt(&report).notes;
    assert_eq!(report.verdict, Some(Verdict::Green));
    assert!(notes.iter().any(|note| note.contains("as many service control policies as AWS allows")), "{notes:?}");
    let cloud = sandbox();
    cloud.change(|world| world.organization.foreign = 5);
    let report = cloud.drive(&cloud.reset(&format!("{SECTION}  freeze: required\n")), "run-1", None).await.unwrap();
    assert_eq!((report.next, cloud.ids().contains(&"table".to_owned())), (Next::Refused, true));
}

#[tokio::test]
async fn a_policy_of_somebody_else_is_not_touched() {
    let cloud = sandbox();
    cloud.change(|world| {
        let theirs = json!({"Name": POLICY, "Content": "{}", "Tags": []});
        world.organization.call("CreatePolicy", &theirs).unwrap();
    });
    let report = cloud.drive(&cloud.reset(SECTION), "run-1", None).await.unwrap();
    let notes = cloud.receipt(&report).notes;
    assert!(notes.iter().any(|note| note.contains("without the tag forester=reset")), "{notes:?}");
    assert_eq!(cloud.world.lock().unwrap().organization.policies["p-1"].content, "{}");
}

#[tokio::test]
async fn after_three_failed_runs_nobody_works_there_and_no_schedule_takes_it() {
    let cloud = stubborn();
    for n in 1..=3 {
        assert_eq!(cloud.reset(SECTION).due(cloud.now()).await.unwrap().accounts.len(), 1, "due before run {n}");
        let report = cloud.drive(&cloud.reset(SECTION), &format!("run-{n}"), None).await.unwrap();
        assert_eq!(report.next, Next::Stuck);
        assert_eq!(frozen(&cloud).len(), usize::from(n == 3), "after run {n}");
        let told = cloud.receipt(&report).notes.iter().any(|note| note.contains("forester reset release 555566667777"));
        assert_eq!(told, n == 3);
    }
    assert_eq!(frozen(&cloud), [QUARANTINE]);
    let due = cloud.reset(SECTION).due(cloud.now()).await.unwrap();
    assert!(due.accounts.is_empty());
    assert!(due.skipped[0].reason.contains("3 resets in a row failed, the last one is run-3"), "{due:?}");
    let held = cloud.reset(SECTION).release(&cloud.account.id, "the table was deleted by hand").await.unwrap();
    assert!(held.is_some());
    assert_eq!(frozen(&cloud), Vec::<String>::new());
    assert_eq!(cloud.reset(SECTION).due(cloud.now()).await.unwrap().accounts.len(), 1);
    let standing = cloud.reset(SECTION).standing(&cloud.account.id).await.unwrap();
    assert!(standing.released.unwrap().contains("deleted by hand"));
    assert!(
        cloud.reset(SECTION).release(&cloud.account.id, "again").await.unwrap().is_none(),
        "there is none any more"
    );
}

#[tokio::test]
async fn a_green_run_begins_the_count_anew_and_a_repeated_end_counts_once() {
    let cloud = stubborn();
    for n in 1..=2 {
        cloud.drive(&cloud.reset(SECTION), &format!("run-{n}"), None).await.unwrap();
        cloud.drive(&cloud.reset(SECTION), &format!("run-{n}"), None).await.unwrap();
    }
    assert_eq!(cloud.reset(SECTION).standing(&cloud.account.id).await.unwrap().failures, 2);
    cloud.change(|world| world.fault = None);
    cloud.drive(&cloud.reset(SECTION), "run-3", None).await.unwrap();
    assert_eq!(cloud.reset(SECTION).standing(&cloud.account.id).await.unwrap().failures, 0);
}

#[tokio::test]
async fn quarantine_without_room_for_its_policy_still_stops_the_schedule_and_says_so() {
    let cloud = stubborn();
    cloud.change(|world| world.organization.foreign = 5);
    let section = format!("{SECTION}  quarantine: {{after: 1}}\n");
    let report = cloud.drive(&cloud.reset(&section), "run-1", None).await.unwrap();
    let notes = cloud.receipt(&report).notes;
    assert!(notes.iter().any(|note| note.contains("people can still work in it")), "{notes:?}");
    assert!(cloud.reset(&section).due(cloud.now()).await.unwrap().accounts.is_empty());
    let head = cloud.reset(&section).book().head("run-1").await.unwrap().unwrap();
    assert_eq!(head.end, Some(End::Stuck));
}
