//! When more is asked for, and when not.

use crate::aws::ErrorClass;
use crate::baseline::Report;
use crate::baseline::fake::{FakeAccount, FakeMember, FakeOrganization, FakeQuota};
use crate::baseline::world::{REGIONS, World, id};
use crate::types::{AccountId, Region};

const LAYER: &str = "  - {match: {all: true}, quotas: [{service: lambda, code: L-1, at_least: 1000}]}\n";

fn home() -> Region {
    "eu-west-1".parse().unwrap()
}

fn world(quota: FakeQuota) -> World {
    let mut account = FakeAccount::fresh(&REGIONS);
    account.quotas.insert((home(), "L-1".to_owned()), quota);
    World::new(LAYER, account)
}

fn at(value: f64) -> FakeQuota {
    FakeQuota { value: Some(value), ..FakeQuota::default() }
}

/// What was asked for in the account.
fn requests(world: &World) -> Vec<(f64, &'static str)> {
    world.cloud.account(&id()).quotas[&(home(), "L-1".to_owned())].requests.clone()
}

fn kept(report: &Report) -> Vec<String> {
    report.skipped.iter().map(|skipped| format!("{}: {}", skipped.step.summary, skipped.reason)).collect()
}

#[tokio::test]
async fn low_quota_is_asked_for_once_and_shown_until_it_is_raised() {
    let world = world(at(10.0));
    let report = world.apply().await;
    assert_eq!(report.done[0].action.to_string(), "ask for 1000 of lambda L-1 (Things) instead of 10");
    assert_eq!(requests(&world), [(1000.0, "PENDING")]);
    world.cloud.calls();
    let report = world.apply().await;
    assert_eq!(kept(&report), ["lambda L-1 (Things) at 10: 1000 was asked for, and the request is PENDING"]);
    assert_eq!((report.is_clean(), world.cloud.writes()), (true, Vec::new()));
}

#[tokio::test]
async fn default_counts_where_the_account_has_no_value_of_its_own() {
    let world = world(FakeQuota::default());
    world.apply().await;
    assert_eq!(requests(&world).len(), 1);
}

#[tokio::test]
async fn quota_that_is_high_enough_is_never_lowered() {
    let report = world(at(1000.0)).apply().await;
    assert_eq!((report.steps.len(), report.skipped.len()), (0, 0), "{report}");
}

#[tokio::test]
async fn answers_to_earlier_requests_count_for_what_they_answer() {
    for (request, asks) in [
        ((1000.0, "DENIED"), false),
        ((500.0, "CASE_CLOSED"), false),
        ((5000.0, "DENIED"), true),
        ((1000.0, "APPROVED"), false),
        ((500.0, "APPROVED"), true),
        ((500.0, "CASE_OPENED"), false),
    ] {
        let world = world(FakeQuota { requests: vec![request], ..at(10.0) });
        let report = world.apply().await;
        assert_eq!(requests(&world).len() == 2, asks, "{request:?}: {report}");
        assert_eq!(report.skipped.is_empty(), asks, "{request:?}: {report}");
    }
}

#[tokio::test]
async fn request_that_somebody_made_meanwhile_is_good() {
    let world = world(at(10.0));
    world.cloud.fail("RequestServiceQuotaIncrease", None, ErrorClass::Exists, "ResourceAlreadyExistsException");
    let report = world.apply().await;
    assert_eq!((report.failed.len(), report.skipped[0].reason.as_str()), (0, "already so"));
}

#[tokio::test]
async fn quota_that_nobody_can_raise_or_knows_is_a_problem() {
    let report = world(FakeQuota { fixed: true, ..at(10.0) }).apply().await;
    assert!(report.errors[0].reason.contains("cannot be raised to 1000"), "{report}");
    let report = World::fresh(LAYER).apply().await;
    assert!(report.errors[0].reason.contains("knows no quota L-1 of lambda"), "{report}");
}

#[tokio::test]
async fn regions_of_a_quota_take_the_place_of_the_governed_ones() {
    let mut account = FakeAccount::fresh(&REGIONS);
    account.quotas.insert(("us-east-1".parse().unwrap(), "L-1".to_owned()), at(10.0));
    let layer = LAYER.replace("1000}", "1000, regions: [us-east-1]}");
    let report = World::new(&layer, account).apply().await;
    assert_eq!((report.done[0].place.to_string().as_str(), report.errors.len()), ("us-east-1", 0), "{report}");
}

/// An organization whose layers declare so many quotas for everybody.
fn organization(quotas: usize) -> (World, AccountId) {
    let management: AccountId = "111122223333".parse().unwrap();
    let quota = |n| format!("{{service: lambda, code: L-{n}, at_least: 1000}}");
    let list: Vec<String> = (0..quotas).map(quota).collect();
    let sections = format!("layers:\n- {{match: {{all: true}}, quotas: [{}]}}\n", list.join(", "));
    let organization = FakeOrganization::new(&management, &[]).with(&management, FakeMember::new("root", ""));
    let world = World::organization(&sections, organization);
    world.cloud.change(&management, |account| {
        account.quotas.extend((0..quotas).map(|n| ((home(), format!("L-{n}")), at(1000.0))));
    });
    (world, management)
}

#[tokio::test]
async fn new_accounts_ask_by_themselves_for_what_everybody_needs() {
    let (world, management) = organization(1);
    let report = world.apply_to(&management).await;
    assert!(report.is_clean(), "{report}");
    let template = world.cloud.organization().quota_template;
    assert!(template.associated);
    let key = ("lambda".to_owned(), "L-0".to_owned(), "eu-west-1".to_owned());
    assert_eq!(template.requests.into_iter().collect::<Vec<_>>(), [(key, 1000.0)]);
    world.cloud.calls();
    assert_eq!(world.apply_to(&management).await.steps, []);
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn what_does_not_fit_into_the_template_is_told() {
    let (world, management) = organization(12);
    let report = world.apply_to(&management).await;
    assert_eq!(world.cloud.organization().quota_template.requests.len(), 10);
    assert!(kept(&report)[0].starts_with("the quota template without 2 requests: it takes 10"), "{report}");
}
