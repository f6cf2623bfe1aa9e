use std::collections::BTreeMap;

use super::*;
use crate::org::AccountState;
use crate::reset::fake::{Cloud, SANDBOX};
use crate::reset::slice::Next;

/// A reset every Sunday at 02:00 UTC, and the fake's clock begins on Friday 15 January 2027.
const WEEKLY: &str = "  schedule: {cron: \"0 2 ? * SUN *\"}\n  rescan_after: 1m\n  freeze: off\n";
const ONCE: &str = "  snooze: {at_most: 7d, times: 1}\n";
const SUNDAY: &str = "2027-01-17T02:00:00Z";
const NEXT_SUNDAY: &str = "2027-01-24T02:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn sandbox() -> AccountId {
    SANDBOX.parse().unwrap()
}

fn length(text: &str) -> Wish {
    Wish::For(Pause::try_from(text.to_owned()).unwrap())
}

async fn wish(cloud: &Cloud, section: &str, wish: Wish) -> Result<PutOff, String> {
    let reset = cloud.reset(&format!("{WEEKLY}{section}"));
    reset.snooze(&sandbox(), wish, "ana", "demo on Tuesday").await.map_err(|error| error.to_string())
}

async fn refused(cloud: &Cloud, section: &str, wanted: Wish, says: &str) {
    let error = wish(cloud, section, wanted).await.unwrap_err();
    assert!(error.contains(says), "{error}");
}

async fn due(cloud: &Cloud, section: &str, time: &str) -> (usize, String) {
    let due = cloud.reset(&format!("{WEEKLY}{section}")).due(at(time)).await.unwrap();
    let told = due.skipped.into_iter().map(|skipped| skipped.reason).chain(due.notes).collect::<Vec<_>>();
    (due.accounts.len(), told.join("\n"))
}

#[tokio::test]
async fn snooze_puts_the_next_reset_off_and_no_other() {
    let cloud = Cloud::new();
    assert_eq!(due(&cloud, ONCE, SUNDAY).await, (1, String::new()));
    let done = wish(&cloud, ONCE, length("3d")).await.unwrap();
    assert_eq!((done.snoozed.until, done.next), (at("2027-01-20T02:00:00Z"), Some(at(NEXT_SUNDAY))));
    let (many, why) = due(&cloud, ONCE, SUNDAY).await;
    assert_eq!((many, why.as_str()), (0, "snoozed until 2027-01-20T02:00:00Z by ana: demo on Tuesday"));
    assert_eq!(due(&cloud, ONCE, NEXT_SUNDAY).await.0, 1);
}

#[tokio::test]
async fn bounds_are_kept_and_said() {
    let cloud = Cloud::new();
    refused(&cloud, "", length("3d"), "the file allows no snooze").await;
    refused(&cloud, ONCE, length("8d"), "by 7d at most (sandbox.snooze.at_most): until 2027-01-24").await;
    refused(&cloud, ONCE, Wish::Until(at("2027-01-16T00:00:00Z")), "nothing would be put off").await;
    refused(&cloud, ONCE, Wish::Until(at("2028-01-16T00:00:00Z")), "at most").await;
    let reset = cloud.reset(&format!("{WEEKLY}{ONCE}"));
    assert_eq!(reset.snooze(&sandbox(), length("1d"), "ana", "  ").await, Err(NoSnooze::NoReason));
    let stranger = "999988887777".parse().unwrap();
    assert!(matches!(reset.snooze(&stranger, length("1d"), "ana", "x").await, Err(NoSnooze::NotSandbox(_))));
    let unscheduled = cloud.reset("");
    assert!(unscheduled.snooze(&sandbox(), length("1d"), "ana", "x").await.is_err());
}

#[tokio::test]
async fn nobody_snoozes_for_ever() {
    let cloud = Cloud::new();
    let twice = "  snooze: {at_most: 7d, times: 2}\n";
    wish(&cloud, twice, length("7d")).await.unwrap();
    wish(&cloud, twice, length("7d")).await.unwrap();
    refused(&cloud, twice, length("1d"), "was put off 2 times since its last reset").await;
    // A week per snooze, however early they are used up.
    assert_eq!(due(&cloud, twice, "2027-01-31T02:00:00Z").await.0, 1);
}

#[tokio::test]
async fn only_a_reset_that_ended_lets_the_count_begin_anew() {
    let mut cloud = Cloud::new();
    wish(&cloud, ONCE, length("1d")).await.unwrap();
    let reset = cloud.reset(&format!("{WEEKLY}{ONCE}"));
    cloud.pass(3_600);
    let refusing = cloud.reset(&format!("{WEEKLY}{ONCE}  limits: {{deletes: 0}}\n"));
    cloud = cloud.with("eu-west-1", "ListTables", [serde_json::json!("table")]);
    let run = refusing.run_for(&sandbox(), cloud.now()).await.unwrap();
    assert_eq!(cloud.drive(&refusing, &run, None).await.unwrap().next, Next::Refused);
    refused(&cloud, ONCE, length("1d"), "was put off 1 times").await;
    cloud.pass(3_600);
    let run = reset.run_for(&sandbox(), cloud.now()).await.unwrap();
    assert_eq!(cloud.drive(&reset, &run, None).await.unwrap().next, Next::Done, "{run}");
    wish(&cloud, ONCE, length("1d")).await.unwrap();
}

#[tokio::test]
async fn run_that_has_begun_is_not_put_off() {
    let cloud = Cloud::new().with("eu-west-1", "ListTables", [serde_json::json!("table")]);
    let reset = cloud.reset(&format!("{WEEKLY}{ONCE}"));
    let run = reset.run_for(&sandbox(), at(SUNDAY)).await.unwrap();
    let order = crate::reset::slice::Order { deadline: cloud.now(), ..cloud.order(&run) };
    reset.slice(&order).await.unwrap();
    refused(&cloud, ONCE, length("1d"), "has begun").await;
    assert_eq!(due(&cloud, ONCE, SUNDAY).await, (1, String::new()), "it goes on");
}

fn tagged(value: &str) -> Cloud {
    let mut cloud = Cloud::new();
    cloud.account.tags.insert(TAG.to_owned(), value.to_owned());
    cloud
}

#[tokio::test]
async fn tag_puts_off_within_the_bounds_and_counts_once() {
    let cloud = tagged("2027-01-20");
    let (many, why) = due(&cloud, ONCE, SUNDAY).await;
    assert_eq!((many, why.contains("until 2027-01-20T00:00:00Z by the account's tag")), (0, true), "{why}");
    assert_eq!(due(&cloud, ONCE, SUNDAY).await.0, 0, "asked again it is the same");
    assert_eq!(due(&cloud, ONCE, NEXT_SUNDAY).await, (1, String::new()));
}

#[tokio::test]
async fn tag_that_is_too_far_or_unreadable_holds_as_far_as_the_bound_and_no_further() {
    for value in ["2099-12-31", "next month"] {
        let cloud = tagged(value);
        let (many, why) = due(&cloud, ONCE, SUNDAY).await;
        assert_eq!(
            (many, why.contains("until 2027-01-24T02:00:00Z"), why.contains("as far as the file allows")),
            (0, true, true),
            "{why}"
        );
        let (many, why) = due(&cloud, ONCE, NEXT_SUNDAY).await;
        assert_eq!(many, 1, "{value}: {why}");
    }
}

#[tokio::test]
async fn changing_the_tag_again_and_again_ends_too() {
    let mut cloud = tagged("2027-01-20");
    assert_eq!(due(&cloud, ONCE, SUNDAY).await.0, 0);
    cloud.account.tags.insert(TAG.to_owned(), "2027-01-30".to_owned());
    let (many, why) = due(&cloud, ONCE, NEXT_SUNDAY).await;
    assert_eq!((many, why.contains("does not count: put off 1 times of 1")), (1, true), "{why}");
}

#[tokio::test]
async fn tag_where_the_file_allows_none_is_told_and_does_not_count() {
    let (many, why) = due(&tagged("2027-01-20"), "", SUNDAY).await;
    assert_eq!((many, why.contains("the file allows no snooze")), (1, true), "{why}");
}

#[tokio::test]
async fn account_without_a_tag_is_as_before() {
    let account = Account { tags: BTreeMap::new(), state: AccountState::Active, ..Cloud::new().account };
    let tagged = Snoozes::default().tagged(&account, None, &TimeZone::UTC, at(SUNDAY), at(SUNDAY));
    assert_eq!(tagged, Tagged::Nothing);
}

#[tokio::test]
async fn receipt_tells_who_put_it_off_and_why() {
    let cloud = Cloud::new();
    wish(&cloud, ONCE, length("1d")).await.unwrap();
    cloud.pass(9 * 86_400);
    let reset = cloud.reset(&format!("{WEEKLY}{ONCE}"));
    let run = reset.run_for(&sandbox(), cloud.now()).await.unwrap();
    let report = cloud.drive(&reset, &run, None).await.unwrap();
    let receipt = cloud.receipt(&report);
    assert_eq!((receipt.snoozes[0].who.as_str(), receipt.snoozes[0].because.as_str()), ("ana", "demo on Tuesday"));
    assert!(cloud.html(&report).contains("by ana: demo on Tuesday"));
}
