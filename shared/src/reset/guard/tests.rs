//! Every guard refuses, says why, and refuses too when it cannot see.

use super::super::fake::{Cloud, SANDBOX};
use super::super::slice::{Next, Order, SliceError, SliceReport};
use super::super::state::End;
use super::super::verdict::Verdict;
use super::*;
use crate::aws::ErrorClass;
use serde_json::json;

const FAST: &str = "  rescan_after: 0s\n  default_vpc: delete\n";
const RUN: &str = "555566667777-20270115T080000Z";
const NEXT_RUN: &str = "555566667777-20270116T080000Z";

/// An account with something in it.
fn cloud() -> Cloud {
    Cloud::new().with("eu-west-1", "ListTables", [json!("table")])
}

fn with(change: impl FnOnce(&mut Cloud)) -> Cloud {
    let mut cloud = cloud();
    change(&mut cloud);
    cloud
}

fn failing(operation: &'static str, class: ErrorClass) -> Cloud {
    let cloud = cloud();
    cloud.change(|world| {
        world.fault = Some(Box::new(move |_, asked, _| (asked == operation).then_some((class, "Failure"))));
    });
    cloud
}

/// Nothing was written in the account; the freeze is a policy of the organization, and is taken away again.
fn untouched(cloud: &Cloud) {
    let mut writes = cloud.world.lock().unwrap().writes.clone();
    writes.retain(|write| !write.starts_with("organizations "));
    assert_eq!(writes, Vec::<String>::new(), "nothing was written");
}

/// The first slice is refused with these words, and nothing happened.
async fn refused(cloud: &Cloud, section: &str, expect: &str) {
    let error = cloud.reset(&format!("{FAST}{section}")).slice(&cloud.order(RUN)).await.unwrap_err().to_string();
    assert!(error.contains(expect), "{error}");
    untouched(cloud);
    assert_eq!(cloud.ids(), ["table"]);
}

async fn runs(cloud: &Cloud, section: &str) -> SliceReport {
    let report = cloud.drive(&cloud.reset(&format!("{FAST}{section}")), RUN, None).await.unwrap();
    assert_eq!((cloud.ids().len(), report.verdict), (0, Some(Verdict::Green)), "{}", report.progress);
    report
}

#[tokio::test]
async fn what_others_depend_on_is_never_emptied() {
    let declared = cloud();
    declared.change(|world| world.holds = Some("keeps the organization's trail".to_owned()));
    refused(&declared, "", "guard `holder`: 555566667777 keeps the organization's trail").await;
    let blind = cloud();
    blind.change(|world| world.holds_unknown = true);
    refused(&blind, "", "guard `holder`: cannot be checked, so nothing is deleted: no forest").await;
    let stack = json!({"StackId": "s", "StackName": "trees", "Description": "Forester keeps the accounts of an organization - x"});
    let stack = Cloud::new().with("eu-west-1", "DescribeStacks", [stack]);
    let error = stack.reset(FAST).slice(&stack.order(RUN)).await.unwrap_err().to_string();
    assert!(error.contains("guard `holder`: 555566667777 holds Forester's own stack trees"), "{error}");
    for (operation, class) in [("DescribeStacks", ErrorClass::Denied), ("DescribeTrails", ErrorClass::Denied)] {
        refused(&failing(operation, class), "", "guard `holder`: cannot be checked").await;
    }
}

#[tokio::test]
async fn bucket_of_another_accounts_trail_is_told_from_ones_own() {
    let trail = |account: &str, organization: bool| {
        let arn = format!("arn:aws:cloudtrail:eu-west-1:{account}:trail/t");
        json!([{"Name": "t", "TrailARN": arn, "IsOrganizationTrail": organization, "S3BucketName": "logs"}])
    };
    let bucket = || Cloud::new().with("eu-west-1", "ListBuckets", [json!({"Name": "logs"})]);
    for (account, organization) in [("111122223333", true), ("111122223333", false), (SANDBOX, true)] {
        let cloud = bucket();
        cloud.change(|world| world.trails = trail(account, organization));
        let error = cloud.reset(FAST).slice(&cloud.order(RUN)).await.unwrap_err().to_string();
        assert!(error.contains("holds logs, the bucket of the organization's trail"), "{error}");
        untouched(&cloud);
    }
    let own = cloud();
    own.change(|world| world.trails = trail(SANDBOX, false));
    runs(&own, "").await;
    let elsewhere = cloud();
    elsewhere.change(|world| world.trails = trail("111122223333", true));
    runs(&elsewhere, "").await;
}

#[tokio::test]
async fn words_of_accounts_that_matter_refuse() {
    let named = |name: &str| with(|cloud| cloud.account.name = name.to_owned());
    for name in ["shop-prod", "ShopProd", "PRODUCTION", "live", "acme.live.2"] {
        refused(&named(name), "", "guard `words`: the name of 555566667777 says").await;
    }
    for name in ["product-lab", "delivery", "nonprod", "non-prod", "sbx-olive", "reproduction"] {
        runs(&named(name), "").await;
    }
    let tagged = |key: &str, value: &str| {
        with(|cloud| {
            cloud.account.tags.insert(key.to_owned(), value.to_owned());
        })
    };
    refused(&tagged("stage", "prod"), "", "the tag stage=prod of 555566667777 says `prod`").await;
    refused(&tagged("production", "yes"), "", "guard `words`").await;
    runs(&tagged("production", "no"), "").await;
    runs(&tagged("owner", "live-team@acme.example"), "").await;
    let aliased = cloud();
    aliased.change(|world| world.aliases = vec!["acme-live".to_owned()]);
    refused(&aliased, "", "the alias of 555566667777 says `live`").await;
    refused(&failing("ListAccountAliases", ErrorClass::Denied), "", "guard `words`: cannot be checked").await;
    refused(&named("shop-crown"), "  guards: {words: [Crown], first_run: delete}\n", "says `crown`").await;
    runs(&named("shop-prod"), "  guards: {except: [\"555566667777\"], first_run: delete}\n").await;
    refused(&named("shop-prod"), "  guards: {except: [\"111122223333\"]}\n", "guard `words`").await;
}

#[tokio::test]
async fn account_with_such_a_word_is_not_even_due() {
    let cloud = with(|cloud| cloud.account.name = "shop-prod".to_owned());
    let due = cloud.reset(FAST).due(cloud.now()).await.unwrap();
    assert_eq!((due.accounts.len(), due.skipped.len()), (0, 1));
    assert!(due.skipped[0].reason.contains("guard `words`"), "{:?}", due.skipped);
}

#[tokio::test]
async fn first_run_only_plans_and_the_next_one_deletes() {
    let cloud = cloud();
    let reset = cloud.reset(&format!("{FAST}  guards: {{}}\n"));
    let first = cloud.drive(&reset, RUN, None).await.unwrap();
    assert_eq!((first.next, first.verdict), (Next::Done, None));
    assert!(first.progress.contains("1 to delete, nothing deleted"), "{}", first.progress);
    untouched(&cloud);
    let receipt = cloud.receipt(&first);
    assert_eq!((receipt.planned.len(), receipt.deleted), (1, 0));
    assert!(receipt.to_string().contains("the first run of an account only plans"), "{receipt}");
    assert_eq!(cloud.world.lock().unwrap().baselined, 0);
    // Asked again, a run that is over says so again, and does not become one that deletes.
    let again = cloud.drive(&reset, RUN, None).await.unwrap();
    assert_eq!((again.next, cloud.ids().len()), (Next::Done, 1));
    let second = cloud.drive(&reset, NEXT_RUN, None).await.unwrap();
    assert_eq!((second.verdict, cloud.ids().len()), (Some(Verdict::Green), 0));
}

#[tokio::test]
async fn first_run_deletes_with_an_approved_plan() {
    let cloud = cloud();
    let reset = cloud.reset(&format!("{FAST}  guards: {{}}\n"));
    let hash = reset.plan(&cloud.account.id).await.unwrap().plan.unwrap();
    untouched(&cloud);
    let report = cloud.drive(&reset, RUN, Some(hash)).await.unwrap();
    assert_eq!((report.verdict, cloud.ids().len()), (Some(Verdict::Green), 0));
}

#[tokio::test]
async fn plan_that_was_never_told_does_not_count() {
    let cloud = cloud();
    let reset = cloud.reset(&format!("{FAST}  guards: {{}}\n"));
    // The slice dies before the receipt is written: the head knows no end yet.
    let early = Order { deadline: cloud.now(), ..cloud.order(RUN) };
    reset.slice(&early).await.unwrap();
    let report = cloud.drive(&reset, NEXT_RUN, None).await.unwrap();
    assert_eq!((report.verdict, cloud.ids().len()), (None, 1), "the other run is the first still");
    untouched(&cloud);
}

#[tokio::test]
async fn refused_run_is_no_first_run() {
    let cloud = cloud();
    let limited = cloud.reset(&format!("{FAST}  guards: {{first_run: delete}}\n  limits: {{deletes: 0}}\n"));
    let report = cloud.drive(&limited, RUN, None).await.unwrap();
    assert_eq!(report.next, Next::Refused);
    let report = cloud.drive(&cloud.reset(&format!("{FAST}  guards: {{}}\n")), NEXT_RUN, None).await.unwrap();
    assert_eq!((report.verdict, cloud.ids().len()), (None, 1));
}

#[tokio::test]
async fn plan_is_needed_where_the_file_asks_for_it() {
    let section = format!("{FAST}  guards: {{approve: plan}}\n");
    let cloud = cloud();
    let reset = cloud.reset(&section);
    let error = cloud.drive(&reset, RUN, None).await.unwrap_err().to_string();
    assert!(error.contains("guard `approve`") && error.contains("--plan HASH"), "{error}");
    untouched(&cloud);
    let hash = reset.plan(&cloud.account.id).await.unwrap().plan.unwrap();
    let report = cloud.drive(&reset, RUN, Some(hash)).await.unwrap();
    assert_eq!((report.verdict, cloud.ids().len()), (Some(Verdict::Green), 0));
}

const SWITCH: &str = "  kill_switch: /forester/stop\n";

#[tokio::test]
async fn kill_switch_stops_unless_it_is_off_or_absent() {
    let switched = |value: Option<&str>| {
        let cloud = cloud();
        cloud.change(|world| world.parameter = value.map(str::to_owned));
        cloud
    };
    runs(&switched(None), SWITCH).await;
    runs(&switched(Some("off")), SWITCH).await;
    for value in ["on", "", "offline", "true"] {
        refused(&switched(Some(value)), SWITCH, "guard `kill_switch`: the parameter /forester/stop is `").await;
    }
    for class in [ErrorClass::Denied, ErrorClass::Transient, ErrorClass::Gone] {
        refused(&failing("GetParameter", class), SWITCH, "guard `kill_switch`: cannot be checked").await;
    }
}

#[tokio::test]
async fn kill_switch_is_seen_before_the_next_batch() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", (0..300).map(|n| json!(format!("table-{n:03}"))));
    let world = cloud.world.clone();
    let deletes = std::sync::atomic::AtomicU32::new(0);
    cloud.change(|world| {
        world.fault = Some(Box::new(move |_, operation, _| {
            // Somebody throws the switch while the first batch is under way.
            let n = deletes.fetch_add(u32::from(operation == "DeleteTable"), std::sync::atomic::Ordering::SeqCst);
            (operation == "GetParameter" && n > 0).then_some((ErrorClass::Denied, "AccessDenied"))
        }));
    });
    let error = cloud.drive(&cloud.reset(&format!("{FAST}{SWITCH}")), RUN, None).await.unwrap_err().to_string();
    assert!(error.contains("guard `kill_switch`"), "{error}");
    let left = cloud.ids().len();
    assert!((100..300).contains(&left), "what was under way went, and no more: {left} left");
    world.lock().unwrap().fault = None;
    let report = cloud.drive(&cloud.reset(&format!("{FAST}{SWITCH}")), RUN, None).await.unwrap();
    assert_eq!((report.verdict, cloud.ids().len()), (Some(Verdict::Green), 0), "the run goes on where it stopped");
}

/// The clock of tests stands at 2027-01-15T08:00:00Z, a Friday.
const NIGHTS: &str =
    "  windows: {open: [{days: [mon-fri], from: \"20:00\", to: \"23:00\"}], holidays: [\"2027-01-18\"]}\n";

#[tokio::test]
async fn outside_of_the_windows_a_slice_waits() {
    let cloud = cloud();
    let reset = cloud.reset(&format!("{FAST}{NIGHTS}"));
    let report = reset.slice(&cloud.order(RUN)).await.unwrap();
    assert_eq!((report.next, report.seconds), (Next::Wait, 12 * 3_600 + 1));
    assert!(report.progress.contains("guard `windows`: resets rest until 2027-01-15T20:00:00Z"), "{}", report.progress);
    untouched(&cloud);
    let insisting = Order { insists: true, ..cloud.order(RUN) };
    assert_eq!(reset.slice(&insisting).await.unwrap().next, Next::Wait, "between the two scans");
    assert_eq!(cloud.ids().len(), 0);
}

#[tokio::test]
async fn window_that_closes_during_a_slice_ends_it() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", (0..300).map(|n| json!(format!("table-{n:03}"))));
    cloud.pass(12 * 3_600 + 1_800);
    let clock = cloud.clone();
    cloud.change(|world| {
        world.fault = Some(Box::new(move |_, operation, _| {
            if operation == "DeleteTable" {
                clock.pass(60);
            }
            None
        }));
    });
    let reset = cloud.reset(&format!("{FAST}{NIGHTS}"));
    let order = cloud.order(RUN);
    let late = Order { deadline: order.deadline + jiff::SignedDuration::from_hours(9), ..order };
    let report = reset.slice(&late).await.unwrap();
    assert_eq!((report.next, cloud.ids().len() > 100), (Next::Wait, true), "{}", report.progress);
    // The next window is on Tuesday: Monday is a holiday.
    let next = cloud.now() + jiff::SignedDuration::from_secs(i64::try_from(report.seconds).unwrap());
    assert!(next >= "2027-01-19T20:00:00Z".parse().unwrap(), "{next}");
    let report = cloud.drive(&reset, RUN, None).await;
    assert!(report.is_ok(), "{report:?}");
}

#[tokio::test]
async fn account_that_is_moved_or_loses_its_tag_is_left_alone_from_the_next_slice_on() {
    let moved: fn(&mut Account) = |account| account.ou = "Workloads".parse().unwrap();
    let untagged: fn(&mut Account) = |account| account.tags.clear();
    let renamed: fn(&mut Account) = |account| account.name = "shop-prod".to_owned();
    for (change, expect) in [(moved, "guard `ou`"), (untagged, "guard `tag`"), (renamed, "guard `words`")] {
        let mut cloud = cloud();
        let early = Order { deadline: cloud.now(), ..cloud.order(RUN) };
        cloud.reset(FAST).slice(&early).await.unwrap();
        change(&mut cloud.account);
        let error = cloud.drive(&cloud.reset(FAST), RUN, None).await.unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
        untouched(&cloud);
    }
}

#[tokio::test]
async fn lock_that_was_lost_ends_the_slice_before_the_next_call() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", (0..300).map(|n| json!(format!("table-{n:03}"))));
    let thief = cloud.clone();
    cloud.change(|world| {
        world.fault = Some(Box::new(move |_, operation, _| {
            if operation == "DeleteTable" {
                // Somebody took the slice for dead, and the lock with it.
                thief.steal_lock();
            }
            None
        }));
    });
    let reset = cloud.reset(FAST);
    let mut error = None;
    while error.is_none() {
        error = reset.slice(&cloud.order(RUN)).await.err();
    }
    assert!(matches!(error, Some(SliceError::Store(_))), "{error:?}");
    let left = cloud.ids().len();
    assert!((100..300).contains(&left), "what was under way went, and no more: {left} left");
    let saved = reset.book().load(RUN).await.unwrap().unwrap();
    assert_eq!(saved.end(), None::<&End>);
}
