//! Pages: what they say, and that they say what they leave out.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::alert::channels::samples::{arbitrary, hostile};
use crate::alert::model::Link;

fn page(alert: &Alert) -> Page {
    Page::new(alert, Turn::First, None)
}

fn crowded(facts: usize) -> Alert {
    let mut alert = Alert::new("m1", "aws-budgets", "budget", "raw");
    (0..facts).for_each(|n| alert.fact(&format!("fact {n}"), "a value"));
    alert
}

#[test]
fn what_does_not_fit_is_counted_and_said() {
    let fitted = page(&crowded(100)).fit(Limits { value: 100, rows: 20, total: 10_000 });
    let said = fitted.plain();
    assert!(said.contains("fact 14: a value") && !said.contains("fact 15:"), "{said}");
    assert!(said.ends_with("… 85 more facts are left out"), "{said}");
}

#[test]
fn what_fits_is_whole() {
    let whole = page(&crowded(10));
    assert_eq!(whole.fit(Limits { value: 100, rows: 50, total: 10_000 }), whole);
}

#[test]
fn long_values_end_in_an_ellipsis() {
    let mut alert = crowded(0);
    alert.fact("name", "x".repeat(200));
    let said = page(&alert).fit(Limits { value: 20, rows: 50, total: 10_000 }).plain();
    assert!(said.contains(&format!("name: {}…", "x".repeat(19))), "{said}");
}

#[test]
fn events_are_shown_whole_or_not_at_all() {
    let mut alert = hostile();
    let event = alert.evidence[0].clone();
    alert.evidence = vec![event; 9];
    let fitted = page(&alert).fit(Limits { value: 300, rows: 30, total: 10_000 });
    let events: Vec<usize> = fitted.sections.iter().filter(|s| s.kind == Kind::Event).map(|s| s.rows.len()).collect();
    assert!(events.iter().all(|rows| *rows == page(&alert).sections[1].rows.len()), "{events:?}");
    assert!(fitted.plain().contains(&format!("… {} more groups of events are left out", 9 - events.len())));
}

#[test]
fn unread_message_is_shown_as_far_as_there_is_room() {
    let alert = Alert::new("m1", "unknown", "unknown", &"word ".repeat(1_000));
    let said = page(&alert).fit(Limits { value: 100, rows: 20, total: 2_000 }).plain();
    assert!(
        said.contains("as it arrived: word word") && said.contains("more characters of the message are left out"),
        "{said}"
    );
}

#[test]
fn links_lead_to_consoles_of_aws_only() {
    let mut alert = crowded(1);
    let urls = [
        "https://console.aws.amazon.com/costmanagement/home#/budgets",
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home",
        "https://console.aws.amazon.com.evil.example/",
        "https://evil.example/?console.aws.amazon.com",
        "https://evilconsole.aws.amazon.com/",
        "https://evil.example\\@console.aws.amazon.com/",
        "https://a@console.aws.amazon.com/",
        "http://console.aws.amazon.com/",
        "javascript:alert(1)//console.aws.amazon.com",
    ];
    alert.links = urls.iter().map(|url| Link { name: "x".to_owned(), url: (*url).to_owned() }).collect();
    let kept: Vec<String> = page(&alert).links.into_iter().map(|(_, url)| url).collect();
    assert_eq!(kept, urls[..2]);
}

#[test]
fn addresses_in_what_came_from_outside_are_no_links() {
    let said = page(&hostile()).plain();
    assert!(said.contains("https[:]//evil.example/login") && !said.contains("://evil"), "{said}");
}

#[test]
fn update_says_only_what_is_new() {
    let before = hostile();
    let mut after = before.clone();
    after.fact("found", "two events");
    let told = Page::new(&after, Turn::Update, None).beyond(&page(&before));
    let rows: Vec<String> = told.sections.iter().flat_map(|s| &s.rows).map(Row::line).collect();
    assert_eq!(rows, ["found: two events"]);
    assert!(told.headline.as_str().starts_with("UPDATE CRITICAL"), "{}", told.headline);
}

#[test]
fn headline_says_what_the_message_is() {
    let mut alert = hostile();
    let check =
        |alert: &Alert, turn, expect: &str| assert!(headline(alert, turn).as_str().starts_with(expect), "{expect}");
    check(&alert, Turn::First, "CRITICAL [sbx");
    check(&alert, Turn::Repeat, "STILL CRITICAL [sbx");
    check(&alert, Turn::Escalation, "ESCALATED CRITICAL [sbx");
    alert.status = Status::Resolved;
    check(&alert, Turn::Resolve, "RESOLVED [sbx");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn fitted_pages_keep_their_limits(alert in arbitrary(), value in 1_usize..500, rows in 5_usize..60, total in 300_usize..9_000) {
        let whole = page(&alert);
        let fitted = whole.fit(Limits { value, rows, total });
        let all: Vec<&Row> = fitted.sections.iter().flat_map(|section| &section.rows).collect();
        prop_assert!(all.len() <= rows, "{} rows of {rows}", all.len());
        prop_assert!(all.iter().map(|row| row.cost()).sum::<usize>() <= total);
        let left = |page: &Page| page.sections.iter().filter(|s| s.kind == Kind::LeftOut).count();
        let kept = all.len() - fitted.sections.iter().filter(|s| s.kind == Kind::LeftOut).flat_map(|s| &s.rows).count();
        let shown: usize = whole.sections.iter().map(|section| section.rows.len()).sum();
        prop_assert!(left(&fitted) > 0 || kept == shown, "something is left out and nothing says so");
    }

    #[test]
    fn documents_become_small_enough(alert in arbitrary()) {
        let limits = Limits { value: 1_000, rows: 200, total: 50_000 };
        let text = page(&alert).within(limits, 20_000, |page| json!({ "text": page.plain() }));
        prop_assert!(text.len() <= 20_000, "{} bytes", text.len());
    }
}
