//! Close and create, killed at every call: one account is closed, one takes its place, and nobody else is touched.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::json;

use crate::aws::ErrorClass;
use crate::reset::fake::{Cloud, HOME, SANDBOX};
use crate::reset::fake_organization::FakeMember;
use crate::reset::slice::{Next, SliceReport};
use crate::reset::verdict::Verdict;

const SECTION: &str = "  how: recreate\n  recreate: {email: \"aws+{name}-g{generation}@acme.example\"}\n";
const EMPTY: &str = "  rescan_after: 1m\n  patience: 10m\n  retries: 0\n  fallback: recreate\n  recreate: {email: \
                     \"aws+{name}-g{generation}@acme.example\"}\n";
const POOL: &str = "  pool: {ready: 2, ou: Pool, prefix: spare}\n";

fn member(name: &str) -> FakeMember {
    FakeMember {
        name: name.to_owned(),
        email: format!("aws+{name}@acme.example"),
        state: "ACTIVE",
        parent: "ou-ab12-11111111".to_owned(),
        tags: BTreeMap::from([
            ("forester-sandbox".to_owned(), "true".to_owned()),
            ("owner".to_owned(), "ana@acme.example".to_owned()),
        ]),
    }
}

fn cloud() -> Cloud {
    let mut cloud = Cloud::new();
    cloud.account.joined = Some(cloud.now() - SignedDuration::from_hours(24 * 30));
    cloud.change(|world| {
        world.organization.members.insert(SANDBOX.to_owned(), member("sbx-ana"));
        world.organization.members.insert(HOME.to_owned(), member("root"));
    });
    cloud
}

async fn run(cloud: &Cloud, section: &str) -> SliceReport {
    cloud.drive(&cloud.reset(section), "run-1", None).await.unwrap()
}

/// Closes, requests, and the accounts that lie where the sandbox lay.
fn outcome(cloud: &Cloud) -> (Vec<String>, usize, Vec<(String, String, String)>) {
    let world = cloud.world.lock().unwrap();
    let there =
        world.organization.members.iter().filter(|(id, member)| {
            member.state == "ACTIVE" && member.parent == "ou-ab12-11111111" && id.as_str() != HOME
        });
    let there = there.map(|(id, member)| (id.clone(), member.name.clone(), member.email.clone()));
    let made = world.organization.members.keys().filter(|id| id.starts_with("7777")).count();
    (world.organization.closed.clone(), made, there.collect())
}

fn successor(n: usize, generation: u32) -> (String, String, String) {
    (format!("7777{n:08}"), "sbx-ana".to_owned(), format!("aws+sbx-ana-g{generation}@acme.example"))
}

#[tokio::test]
async fn account_is_closed_and_another_takes_its_name_its_place_and_its_tags() {
    let cloud = cloud();
    let report = run(&cloud, SECTION).await;
    assert_eq!((report.next, report.verdict), (Next::Done, Some(Verdict::Green)));
    assert_eq!(outcome(&cloud), (vec![SANDBOX.to_owned()], 1, vec![successor(0, 2)]));
    let world = cloud.world.lock().unwrap();
    let tags = &world.organization.members["777700000000"].tags;
    assert_eq!((tags["owner"].as_str(), tags["forester-successor-of"].as_str()), ("ana@acme.example", SANDBOX));
    drop(world);
    let notes = cloud.receipt(&report).notes.join("\n");
    assert!(notes.contains("777700000000 <aws+sbx-ana-g2@acme.example> takes its place"), "{notes}");
    assert!(notes.contains("nothing has to be changed there"), "{notes}");
    assert_eq!(cloud.world.lock().unwrap().baselined, 0, "the birth of the account sets its baseline off");
}

#[tokio::test]
async fn killed_at_any_call_one_is_closed_and_one_is_made() {
    let calm = {
        let cloud = cloud();
        run(&cloud, SECTION).await;
        cloud.world.lock().unwrap().calls
    };
    for n in 1..=calm {
        let cloud = cloud();
        cloud.change(|world| world.kill_at = Some(n));
        let report = run(&cloud, SECTION).await;
        assert_eq!(report.verdict, Some(Verdict::Green), "killed at {n}");
        assert_eq!(outcome(&cloud), (vec![SANDBOX.to_owned()], 1, vec![successor(0, 2)]), "killed at {n}");
        let asked = cloud.world.lock().unwrap().organization.requests.len();
        assert_eq!(asked, 1, "killed at {n}: a request whose answer was lost is found again");
    }
}

#[tokio::test]
async fn run_whose_account_is_closed_and_out_of_the_way_is_found_again() {
    let cloud = cloud();
    let reset = cloud.reset(SECTION);
    reset.slice(&cloud.order("run-1")).await.unwrap();
    cloud.change(|world| {
        let member = world.organization.members.get_mut(SANDBOX).unwrap();
        assert_eq!(member.state, "PENDING_CLOSURE");
        "ou-ab12-99999999".clone_into(&mut member.parent);
    });
    let due = reset.due(cloud.now()).await.unwrap();
    assert_eq!(due.accounts.iter().map(|due| due.run.as_str()).collect::<Vec<_>>(), ["run-1"], "{due:?}");
    run(&cloud, SECTION).await;
    let due = reset.due(cloud.now()).await.unwrap();
    assert!(due.accounts.iter().all(|due| due.run != "run-1"), "{due:?}");
}

#[tokio::test]
async fn new_account_that_is_not_listed_yet_is_not_asked_for_again() {
    let cloud = cloud();
    cloud.change(|world| world.organization.unlisted = 40);
    let report = run(&cloud, SECTION).await;
    assert_eq!(report.next, Next::Done);
    assert_eq!(cloud.world.lock().unwrap().organization.requests.len(), 1);
    assert_eq!(outcome(&cloud).2, vec![successor(0, 2)]);
}

#[tokio::test]
async fn where_open_requests_cannot_be_told_none_is_made() {
    let cloud = cloud();
    let fault = |_: &str, operation: &str, _: &serde_json::Value| {
        (operation == "ListCreateAccountStatus").then_some((ErrorClass::Throttled, "TooManyRequestsException"))
    };
    cloud.change(|world| world.fault = Some(Box::new(fault)));
    let reset = cloud.reset(SECTION);
    let unreadable = cloud.drive(&reset, "run-1", None).await;
    assert!(unreadable.is_err(), "an open request cannot be told from none, so none is made");
    assert_eq!(cloud.world.lock().unwrap().organization.requests.len(), 0);
    cloud.change(|world| world.fault = None);
    run(&cloud, SECTION).await;
    assert_eq!(outcome(&cloud).2, vec![successor(0, 2)]);
}

#[tokio::test]
async fn address_that_somebody_has_is_left_to_him_and_never_used_again() {
    let cloud = cloud();
    cloud.change(|world| {
        world.organization.taken.insert("aws+sbx-ana-g2@acme.example".to_owned());
    });
    let report = run(&cloud, SECTION).await;
    assert_eq!((report.verdict, outcome(&cloud).2), (Some(Verdict::Green), vec![successor(1, 3)]));
}

#[tokio::test]
async fn the_next_generation_follows_the_last() {
    let cloud = cloud();
    run(&cloud, SECTION).await;
    let mut next = cloud.clone();
    next.account.id = "777700000000".parse().unwrap();
    next.pass(40 * 24 * 3600);
    let order = crate::reset::slice::Order { account: next.account.id.clone(), ..next.order("run-2") };
    let reset = next.reset(SECTION);
    let mut order = order;
    for _ in 0..200 {
        let report = reset.slice(&order).await.unwrap();
        if report.next == Next::Done {
            break;
        }
        next.pass(i64::try_from(report.seconds).unwrap());
        order = crate::reset::slice::Order { account: next.account.id.clone(), ..next.order("run-2") };
    }
    assert_eq!(outcome(&next).2, vec![successor(1, 3)]);
}

#[tokio::test]
async fn nothing_but_a_sandbox_is_ever_closed() {
    let untagged = cloud();
    untagged.change(|world| {
        world.organization.members.get_mut(SANDBOX).unwrap().tags.clear();
    });
    let elsewhere = cloud();
    elsewhere.change(|world| "r-ab12".clone_into(&mut world.organization.members.get_mut(SANDBOX).unwrap().parent));
    let mut privileged = cloud();
    privileged.privileged.push(SANDBOX.parse().unwrap());
    for cloud in [untagged, elsewhere, privileged] {
        let refused = cloud.reset(SECTION).slice(&cloud.order("run-1")).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(outcome(&cloud).0, Vec::<String>::new());
    }
}

#[tokio::test]
async fn guards_are_asked_once_more_right_before_closing() {
    let cloud = cloud();
    // The run has come as far as closing, and AWS has no time.
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "CloseAccount").then_some((ErrorClass::Throttled, "TooManyRequestsException"))
        }));
    });
    let reset = cloud.reset(SECTION);
    let report = reset.slice(&cloud.order("run-1")).await.unwrap();
    assert_eq!(report.next, Next::Wait);
    cloud.change(|world| {
        world.fault = None;
        world.organization.members.get_mut(SANDBOX).unwrap().tags.clear();
    });
    let report = run(&cloud, SECTION).await;
    assert_eq!((report.next, outcome(&cloud).0.len()), (Next::Refused, 0));
    assert!(cloud.receipt(&report).notes.join("\n").contains("guard `tag`"));
}

#[tokio::test]
async fn young_and_committed_accounts_are_not_closed() {
    let mut young = cloud();
    young.account.joined = Some(young.now() - SignedDuration::from_hours(24));
    let mut ageless = cloud();
    ageless.account.joined = None;
    let committed = cloud().with("eu-west-1", "DescribeReservedInstances", [json!({"State": "active"})]);
    let unreadable = cloud();
    unreadable.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "DescribeSavingsPlans").then_some((ErrorClass::Denied, "AccessDenied"))
        }));
    });
    for (cloud, why) in
        [(young, "min_age"), (ageless, "how old"), (committed, "still paid for"), (unreadable, "cannot be told")]
    {
        let report = run(&cloud, SECTION).await;
        assert_eq!(report.next, Next::Refused, "{why}");
        assert!(cloud.receipt(&report).notes.join("\n").contains(why), "{why}");
        assert_eq!(outcome(&cloud).0, Vec::<String>::new(), "{why}");
    }
}

#[tokio::test]
async fn committed_account_is_closed_where_the_file_says_so() {
    let cloud = cloud().with("eu-west-1", "DescribeReservedInstances", [json!({"State": "active"})]);
    let section = SECTION.replace("@acme.example\"}", "@acme.example\", abandon_commitments: true}");
    assert_eq!(run(&cloud, &section).await.next, Next::Done);
}

#[tokio::test]
async fn quota_of_aws_ends_the_run_with_nothing_changed_and_is_remembered() {
    let cloud = cloud();
    cloud.change(|world| world.organization.quota = 0);
    let report = run(&cloud, SECTION).await;
    assert_eq!((report.next, outcome(&cloud).1), (Next::Refused, 0));
    cloud.change(|world| world.organization.quota = 250);
    let report = cloud.drive(&cloud.reset(SECTION), "run-2", None).await.unwrap();
    assert_eq!(report.next, Next::Refused);
    let notes = cloud.receipt(&report).notes.join("\n");
    assert!(notes.contains("the next one is possible at"), "{notes}");
    assert_eq!(outcome(&cloud).0, Vec::<String>::new(), "AWS is not even asked");
}

#[tokio::test]
async fn three_closing_at_once_are_waited_for() {
    let cloud = cloud();
    cloud.change(|world| {
        for n in 1..=3 {
            let closing = FakeMember { state: "PENDING_CLOSURE", ..member(&format!("other-{n}")) };
            world.organization.members.insert(format!("66666666666{n}"), closing);
        }
    });
    let reset = cloud.reset(SECTION);
    let report = reset.slice(&cloud.order("run-1")).await.unwrap();
    assert_eq!((report.next, outcome(&cloud).0.len()), (Next::Wait, 0));
    cloud.change(|world| world.organization.members.retain(|id, _| !id.starts_with("6666")));
    assert_eq!(run(&cloud, SECTION).await.next, Next::Done);
}

#[tokio::test]
async fn baseline_that_is_not_seen_makes_the_verdict_amber_and_is_told() {
    let cloud = cloud();
    cloud.change(|world| world.baseline_fails = true);
    let report = run(&cloud, SECTION).await;
    assert_eq!((report.next, report.verdict), (Next::Done, Some(Verdict::Amber)));
    let notes = cloud.receipt(&report).notes.join("\n");
    assert!(notes.contains("the baseline of 777700000000 was not seen within 30m"), "{notes}");
}

/// A sandbox with something in it that cannot be deleted.
fn stubborn() -> Cloud {
    let cloud = cloud().with("eu-west-1", "ListTables", [json!("table")]);
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "DeleteTable").then_some((ErrorClass::Denied, "AccessDenied"))
        }));
    });
    cloud
}

#[tokio::test]
async fn what_cannot_be_emptied_twice_is_closed() {
    let cloud = stubborn();
    let report = run(&cloud, EMPTY).await;
    assert_eq!((report.next, outcome(&cloud).0.len()), (Next::Stuck, 0), "once is not enough");
    let report = cloud.drive(&cloud.reset(EMPTY), "run-2", None).await.unwrap();
    assert_eq!((report.next, report.verdict), (Next::Done, Some(Verdict::Green)));
    assert_eq!(outcome(&cloud), (vec![SANDBOX.to_owned()], 1, vec![successor(0, 2)]));
    assert!(cloud.world.lock().unwrap().organization.on(SANDBOX).is_empty(), "and nothing stays frozen");
}

#[tokio::test]
async fn fallback_that_is_refused_leaves_the_account_stuck_and_says_both() {
    let cloud = stubborn();
    cloud.change(|world| world.organization.quota = 0);
    run(&cloud, EMPTY).await;
    let report = cloud.drive(&cloud.reset(EMPTY), "run-2", None).await.unwrap();
    assert_eq!((report.next, outcome(&cloud).0.len()), (Next::Stuck, 0));
    let receipt = cloud.receipt(&report);
    assert!(!receipt.left.is_empty());
    assert!(receipt.notes.join("\n").contains("could not be emptied, and was not closed"), "{:?}", receipt.notes);
}

#[tokio::test]
async fn pool_is_filled_kept_and_taken_from() {
    let cloud = cloud();
    let section = format!("{SECTION}{POOL}");
    for _ in 0..12 {
        cloud.reset(&section).tend_pool().await.unwrap();
    }
    let pool = cloud.reset(&section).tend_pool().await.unwrap();
    assert_eq!(pool.iter().filter(|entry| entry.ready).count(), 2, "{pool:?}");
    assert_eq!(cloud.world.lock().unwrap().organization.requests.len(), 2, "no more than are wanted");
    let report = run(&cloud, &section).await;
    assert_eq!(report.verdict, Some(Verdict::Green));
    let (closed, _, there) = outcome(&cloud);
    assert_eq!((closed.len(), there.len(), there[0].1.as_str()), (1, 1, "spare-1"));
    assert_eq!(cloud.world.lock().unwrap().organization.requests.len(), 2, "nothing was waited for");
    let tags = cloud.world.lock().unwrap().organization.members[&there[0].0].tags.clone();
    assert_eq!(tags["forester-name"], "sbx-ana");
    let pool = cloud.reset(&section).tend_pool().await.unwrap();
    assert_eq!(pool.iter().filter(|entry| entry.claimed.is_none()).count(), 2, "another one is on its way: {pool:?}");
}

#[tokio::test]
async fn killed_at_any_call_one_account_of_the_pool_is_taken() {
    let section = format!("{SECTION}{POOL}");
    for n in (1..60).step_by(3) {
        let cloud = cloud();
        for _ in 0..12 {
            cloud.reset(&section).tend_pool().await.unwrap();
        }
        cloud.change(|world| world.kill_at = Some(world.calls + n));
        run(&cloud, &section).await;
        let (closed, made, there) = outcome(&cloud);
        assert_eq!((closed.len(), made, there.len()), (1, 2, 1), "killed at {n}");
    }
}
