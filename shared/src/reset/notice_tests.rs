use serde_json::json;

use super::*;
use crate::aws::ErrorClass;
use crate::reset::fake::{Cloud, SANDBOX};
use crate::reset::people::Letter;
use crate::reset::snooze::Wish;

/// A reset every Sunday at 02:00 UTC; the fake's clock begins on Friday 15 January 2027 at 08:00.
const SECTION: &str = "  schedule: {cron: \"0 2 ? * SUN *\"}\n  notice: [7d, 1d]\n  rescan_after: 1m\n  freeze: off\n\
    \x20 snooze: {at_most: 7d}\n  protect: [{tag: {keep-until: \">= today\"}}]\n";
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn reset(cloud: &Cloud) -> Reset {
    let alerts = "alerts: {receivers: {all: [{sns: {topic: \"arn:aws:sns:eu-west-1:111122223333:t\"}}]}, route: {receiver: all}}\n";
    cloud.reset(&format!("{SECTION}{alerts}"))
}

async fn wake(cloud: &Cloud) -> Upcoming {
    let deadline = cloud.now().checked_add(SignedDuration::from_mins(10)).unwrap();
    let report = reset(cloud).notices(deadline, true).await.unwrap();
    report.accounts.into_iter().next().unwrap()
}

fn letters(cloud: &Cloud) -> Vec<Letter> {
    cloud.world.lock().unwrap().letters.clone()
}

fn occasions(cloud: &Cloud) -> Vec<String> {
    letters(cloud).into_iter().map(|letter| letter.occasion).collect()
}

fn pause(text: &str) -> Pause {
    Pause::try_from(text.to_owned()).unwrap()
}

fn nearest(days: &[&str], before: SignedDuration, closed: &[&str]) -> Option<String> {
    let reset: Timestamp = "2027-01-17T02:00:00Z".parse().unwrap();
    let notices: Vec<Pause> = days.iter().map(|days| pause(days)).collect();
    let closed: Vec<Pause> = closed.iter().map(|days| pause(days)).collect();
    let now = reset.checked_sub(before).unwrap();
    due(&notices, reset, now, |notice| closed.contains(&notice)).map(|notice| notice.to_string())
}

#[test]
fn nearest_notice_speaks_for_those_before_it() {
    let hours = SignedDuration::from_hours;
    let both = ["1d", "7d"];
    assert_eq!(nearest(&both, hours(169), &[]), None);
    assert_eq!(nearest(&both, hours(168), &[]), Some("7d".to_owned()));
    assert_eq!(nearest(&both, hours(30), &["7d"]), None);
    assert_eq!(nearest(&both, hours(24), &["7d"]), Some("1d".to_owned()));
    assert_eq!(nearest(&both, hours(2), &[]), Some("1d".to_owned()), "late, and once");
    assert_eq!(nearest(&both, hours(2), &["1d"]), None, "the missed one does not follow");
    assert_eq!(nearest(&both, hours(0), &[]), None, "never after the reset");
    assert_eq!(nearest(&both, hours(-1), &[]), None);
}

#[tokio::test]
async fn each_notice_is_sent_once_and_a_late_one_still_goes() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("orders")]);
    // 42 hours before: the 7d notice is late by days.
    assert_eq!(wake(&cloud).await.outcome, Some(Outcome::Sent));
    for _ in 0..50 {
        cloud.pass(HOUR);
        wake(&cloud).await;
    }
    let expect = ["2027-01-17T02:00:00Z/7d", "2027-01-17T02:00:00Z/1d", "2027-01-24T02:00:00Z/7d"];
    assert_eq!(occasions(&cloud), expect);
    assert_eq!(cloud.ids(), ["orders"], "a notice deletes nothing");
    assert!(cloud.world.lock().unwrap().writes.is_empty());
}

#[tokio::test]
async fn letter_says_what_goes_what_stays_and_what_can_be_done() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", (0..30).map(|n| json!(format!("table-{n}")))).with(
        "us-east-1",
        "ListRoles",
        [json!({"RoleName": "OrganizationAccountAccessRole", "Path": "/"})],
    );
    wake(&cloud).await;
    let letter = letters(&cloud).remove(0);
    assert_eq!(
        letter.title,
        "Sandbox sbx-ana (555566667777) will be emptied in 42 hours: Sunday 17 January 2027, 02:00 UTC"
    );
    let of = |name: &str| -> Vec<String> {
        letter.facts.iter().filter(|(known, _)| known == name).map(|(_, text)| text.clone()).collect()
    };
    assert_eq!(of("what will go"), ["30 resources in 1 regions: DynamoDB 30"]);
    assert_eq!((of("goes").len(), of("goes").last().unwrap().as_str()), (13, "… and 18 more; the page lists them all"));
    assert!(of("stays")[0].starts_with("1: "));
    assert!(of("to put it off")[0].contains("forester reset snooze 555566667777 --for 7d"));
    assert_eq!(of("to keep something"), ["tag it: `keep-until` with the value `>= today`"]);
    let plan = reset(&cloud).plan(&SANDBOX.parse().unwrap()).await.unwrap().plan.unwrap();
    assert!(of("plan")[0].starts_with(&plan), "the same plan as `reset plan` makes");
    let page = &cloud.files()[letter.page.as_ref().unwrap()];
    assert!((0..30).all(|n| page.contains(&format!("<td>table-{n}</td>"))), "the page has them all");
}

#[tokio::test]
async fn list_that_cannot_be_made_holds_no_notice_up() {
    let cloud = Cloud::new();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "DescribeRegions").then_some((ErrorClass::Denied, "UnauthorizedOperation"))
        }));
    });
    assert_eq!(wake(&cloud).await.outcome, Some(Outcome::Sent));
    let letter = letters(&cloud).remove(0);
    assert!(letter.facts[1].1.contains("the list could not be made"), "{:?}", letter.facts);
    assert_eq!(letter.page, None);
}

#[tokio::test]
async fn list_that_may_be_made_later_is_waited_for_and_not_for_long() {
    let cloud = Cloud::new();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "DescribeRegions").then_some((ErrorClass::Throttled, "RequestLimitExceeded"))
        }));
    });
    assert!(matches!(wake(&cloud).await.outcome, Some(Outcome::Later(_))));
    cloud.pass(HOUR);
    assert_eq!(wake(&cloud).await.outcome, Some(Outcome::Sent), "a letter without a list is better than none");
}

#[tokio::test]
async fn lists_that_were_denied_are_in_the_letter() {
    let cloud = Cloud::new();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "ListTables").then_some((ErrorClass::Denied, "AccessDenied"))
        }));
    });
    wake(&cloud).await;
    let letter = letters(&cloud).remove(0);
    let fact = letter.facts.iter().find(|(name, _)| name == "could not be listed").unwrap();
    assert_eq!(fact.1, "2 lists, so there may be more: AWS::DynamoDB::Table 2");
}

#[tokio::test]
async fn what_could_not_be_told_is_told_at_the_next_waking() {
    let cloud = Cloud::new();
    cloud.change(|world| world.deaf = Some("the queue is away"));
    assert_eq!(wake(&cloud).await.outcome, Some(Outcome::Later("it could not be told: the queue is away".to_owned())));
    cloud.pass(HOUR);
    cloud.change(|world| world.deaf = None);
    assert_eq!(wake(&cloud).await.outcome, Some(Outcome::Sent));
    assert_eq!(letters(&cloud).len(), 1);
}

#[tokio::test]
async fn notice_whose_sender_died_is_taken_over_and_not_before() {
    let cloud = Cloud::new();
    let calls = cloud.world.lock().unwrap().calls;
    cloud.change(|world| world.kill_at = Some(calls + 5));
    assert_eq!(cloud.unless_killed(wake(&cloud)).await, None);
    cloud.pass(5 * 60);
    assert_eq!(wake(&cloud).await.outcome, Some(Outcome::Taken));
    cloud.pass(HOUR);
    assert_eq!(wake(&cloud).await.outcome, Some(Outcome::Sent));
    assert_eq!(letters(&cloud).len(), 1);
}

#[tokio::test]
async fn no_time_left_means_later_and_nothing_taken() {
    let cloud = Cloud::new();
    let report = reset(&cloud).notices(cloud.now(), true).await.unwrap();
    assert!(matches!(report.accounts[0].outcome, Some(Outcome::Later(_))));
    assert_eq!(wake(&cloud).await.outcome, Some(Outcome::Sent));
}

#[tokio::test]
async fn looking_sends_nothing() {
    let cloud = Cloud::new();
    let report = reset(&cloud).notices(cloud.now(), false).await.unwrap();
    assert_eq!((report.accounts[0].due, report.accounts[0].outcome.clone()), (Some(pause("7d")), None));
    assert_eq!((letters(&cloud).len(), cloud.world.lock().unwrap().calls), (0, 0));
    let mut tagged = Cloud::new();
    tagged.account.tags.insert(crate::reset::snooze::TAG.to_owned(), "2027-01-20".to_owned());
    let report = reset(&tagged).notices(tagged.now(), false).await.unwrap();
    assert_eq!(report.accounts[0].reset, Some("2027-01-24T02:00:00Z".parse().unwrap()), "the tag is told");
    assert!(reset(&tagged).snoozed(tagged.now()).await.unwrap().is_empty(), "and not written down");
}

#[tokio::test]
async fn snoozed_account_gets_fresh_notices_for_its_new_time() {
    let cloud = Cloud::new();
    wake(&cloud).await;
    cloud.pass(DAY);
    wake(&cloud).await;
    reset(&cloud).snooze(&SANDBOX.parse().unwrap(), Wish::For(pause("2d")), "ana", "demo").await.unwrap();
    for _ in 0..10 {
        cloud.pass(DAY);
        wake(&cloud).await;
    }
    let expect = [
        "2027-01-17T02:00:00Z/7d",
        "2027-01-17T02:00:00Z/1d",
        "2027-01-24T02:00:00Z/7d",
        "2027-01-24T02:00:00Z/1d",
        "2027-01-31T02:00:00Z/7d",
    ];
    assert_eq!(occasions(&cloud), expect);
    let fresh = letters(&cloud).remove(2);
    assert!(fresh.facts.iter().any(|(name, text)| name == "put off before" && text.contains("by ana: demo")));
}

#[tokio::test]
async fn notices_wait_while_a_run_is_at_work() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("table")]);
    let work = reset(&cloud);
    let run = work.run_for(&SANDBOX.parse().unwrap(), cloud.now()).await.unwrap();
    let order = crate::reset::slice::Order { deadline: cloud.now(), ..cloud.order(&run) };
    work.slice(&order).await.unwrap();
    let upcoming = wake(&cloud).await;
    assert_eq!((upcoming.due, upcoming.note.unwrap().contains("is at work")), (None, true));
}

#[tokio::test]
async fn account_that_is_no_sandbox_gets_no_notice() {
    let mut cloud = Cloud::new();
    cloud.account.tags.clear();
    let report = reset(&cloud).notices(cloud.now(), true).await.unwrap();
    assert_eq!((report.accounts.len(), report.skipped.len(), letters(&cloud).len()), (0, 1, 0));
}

#[tokio::test]
async fn timer_that_does_not_keep_to_the_announced_time_empties_nothing() {
    let cloud = Cloud::new();
    let due = async |time: &str| reset(&cloud).due(time.parse().unwrap()).await.unwrap();
    assert_eq!(due("2027-01-16T02:00:00Z").await.accounts.len(), 1, "nobody was told anything yet");
    wake(&cloud).await;
    let early = due("2027-01-16T02:00:00Z").await;
    assert!(early.accounts.is_empty() && early.skipped[0].reason.contains("at 2027-01-17T02:00:00Z"), "{early:?}");
    assert_eq!(due("2027-01-17T02:00:40Z").await.accounts.len(), 1, "the time that was told");
    cloud.pass(44 * HOUR);
    wake(&cloud).await;
    assert_eq!(due("2027-01-17T05:00:00Z").await.accounts.len(), 1, "late, with the next one announced already");
}
