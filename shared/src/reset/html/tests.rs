use jiff::Timestamp;
use serde_json::json;

use super::{page, plan_page};
use crate::config::Sandbox;
use crate::reset::fake::Cloud;
use crate::reset::letter::Announced;
use crate::reset::plan::{PlanReport, Planned};
use crate::reset::receipt::Receipt;
use crate::reset::snooze::{Snoozed, Snoozes};

const HOSTILE: &str =
    "</td></table><script>alert(1)</script><img src=x onerror=\"a()\">'&#x3c;\u{202e}\u{0}\n--><style>*{}</style>";

/// Every element of ours; what a name brings in is none of them.
const OURS: [&str; 33] = [
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "strong", "span", "code", "ul", "li",
    "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "svg", "desc", "text", "rect",
    "a", "em", "ol", "br",
];

/// Reads the page as a browser would and checks that elements are ours, closed, and load nothing.
fn check(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = page.strip_prefix("<!doctype html>").unwrap();
    let (before, style) = body.split_once("<style>").unwrap();
    let (_, after) = style.split_once("</style>").unwrap();
    for part in before.split('<').skip(1).chain(after.split('<').skip(1)) {
        let (tag, _) = part.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        assert!(OURS.contains(&name), "<{tag}>");
        let loads = ["src=", "href=", "srcset=", "data=", "action=", " on"].iter().any(|word| tag.contains(word));
        assert!(!loads, "<{tag}>");
        if name != "meta" && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!page.contains("url("), "styles load nothing");
    assert!(!page.contains(['\u{202e}', '\u{0}']), "nothing hides");
}

fn receipt(text: &str) -> Receipt {
    let line = |state: &str| json!({"region": text, "type": format!("AWS::{text}::X"), "state": state, "count": 1, "note": text});
    let thing = json!({"type": format!("AWS::{text}::X"), "id": text, "region": text, "reason": text});
    let at = "2027-01-03T02:00:00Z";
    let value = json!({
        "run": text, "account": "555566667777", "verdict": "red", "why": [text], "started": at, "finished": "2027-01-03T03:10:00Z",
        "deleted": 7, "calls": 3, "scans": 2, "plan": text, "ledger": [line("empty"), line("cleaned"), line("error")],
        "left": [thing], "kept": [thing], "baseline": {"summary": text, "failed": [text]}, "notes": [text],
        "gone": [{"type": format!("AWS::{text}::X"), "region": text, "count": 7}],
        "went": [{"type": "AWS::S3::Bucket", "id": text, "name": text, "region": text, "at": at}], "unnamed": 6,
        "cost": {"known": {"from": "2026-12-26", "until": "2027-01-02", "currency": text, "a_day": "3", "stopped": "1",
            "services": [{"service": text, "a_day": "3", "state": "stopped"}]}},
        "timeline": [{"at": at, "what": text, "waited": 60}, {"at": "2027-01-03T03:10:00Z", "what": "end", "waited": 0}],
        "snoozes": [{"who": text, "when": at, "until": at, "because": text}], "told": {"failed": text},
    });
    serde_json::from_value(value).unwrap()
}

#[test]
fn no_word_of_others_becomes_part_of_the_receipt_page() {
    check(&page(&receipt(HOSTILE)));
    check(&page(&receipt("")));
    let csv = crate::reset::csv::table(&receipt(HOSTILE));
    assert_eq!(csv.lines().count(), 5, "a line break in a name begins no line: {csv}");
}

#[test]
fn receipt_page_says_what_people_ask() {
    let page = page(&receipt("acme"));
    for told in [
        "What is left",
        "What went, by service",
        "6 more are only counted",
        "about 1.00 acme a day stopped",
        "stopped: its resources are gone",
        "What stays on purpose",
        "1 h 10 min",
        "put off before",
        "nobody could be told: acme",
        "acme: 3 lists, 2 not empty",
    ] {
        assert!(page.contains(told), "{told}");
    }
    assert_eq!(page.matches("<svg role=\"img\"").count(), 2);
    assert!(page.contains("<desc id=\"services-d\">acme 7</desc>"), "charts speak");
    assert!(page.contains("prefers-color-scheme:dark"));
}

#[test]
fn receipt_of_a_run_that_knows_less_is_a_page_all_the_same() {
    let mut old = serde_json::to_value(receipt("acme")).unwrap();
    for newer in ["why", "gone", "went", "unnamed", "cost", "timeline", "snoozes", "told"] {
        old.as_object_mut().unwrap().remove(newer);
    }
    check(&page(&serde_json::from_value(old).unwrap()));
}

#[test]
fn no_word_of_others_becomes_part_of_a_notice_page() {
    let mut account = Cloud::new().account;
    account.name = HOSTILE.to_owned();
    let section = json!({"match": {"ou": "Sandbox", "tag": {"a": "b"}}, "schedule": {"cron": "0 2 ? * SUN *"},
        "protect": [{"tag": {"keep<b>": "*"}}], "snooze": {"at_most": "7d"}});
    let sandbox: Sandbox = serde_json::from_value(section).unwrap();
    let at: Timestamp = "2027-01-03T02:00:00Z".parse().unwrap();
    let mut snoozes = Snoozes::default();
    snoozes.row.push(Snoozed { who: HOSTILE.into(), when: at, until: at, because: HOSTILE.into() });
    let announced = Announced {
        account: &account,
        sandbox: &sandbox,
        schedule: sandbox.schedule.as_ref().unwrap(),
        snoozes: &snoozes,
        reset: at,
        notice: String::from("7d").try_into().unwrap(),
        now: at,
    };
    let planned = |n: usize| Planned {
        kind: format!("AWS::{}{n}::X", if n > 3 { "Lambda" } else { HOSTILE }),
        id: HOSTILE.into(),
        name: format!("{n}{HOSTILE}"),
        region: HOSTILE.into(),
        trim: n == 1,
    };
    let plan = PlanReport {
        account: account.id.clone(),
        hash: HOSTILE.into(),
        delete: (0..60).map(planned).collect(),
        keep: receipt(HOSTILE).kept,
        unknown: receipt(HOSTILE).left,
        unseen: Vec::new(),
        uncovered: Vec::new(),
        calls: 0,
    };
    check(&plan_page(&announced, &plan));
}
