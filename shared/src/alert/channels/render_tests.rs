//! Every renderer over every sample, over markup, and over anything at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::samples::{MARKUP, all, arbitrary, delivery, hostile};
use super::*;
use crate::alert::Text;
use crate::alert::incident::Turn;
use crate::alert::model::{Alert, Status};

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:t";

/// Every kind of channel, as a file would declare it.
fn every() -> Vec<Declared> {
    let declared = json!([
        {"sns": {"topic": TOPIC}},
        {"slack": {"channel": "C0123456789", "token": "env:TOKEN"}},
        {"slack_webhook": {"url": "env:HOOK"}},
        {"teams": {"url": "env:HOOK"}},
        {"pagerduty": {"key": "env:KEY"}},
        {"jsm": {"key": "env:KEY", "responders": [{"type": "team", "id": "4513b7ea-3b91-438f-b7e4-e3e54af9147c"}]}},
        {"jira": {"site": "https://acme.atlassian.net", "project": "SEC", "user": "bot@acme.example", "token": "env:TOKEN"}},
        {"email": {"from": "forester@acme.example", "to": ["security@acme.example"]}},
        {"eventbridge": {"bus": "arn:aws:events:eu-west-1:111122223333:event-bus/alerts"}},
        {"amazon_q": {"topic": TOPIC}},
        {"webhook": {"url": "https://hooks.acme.example/x"}},
    ]);
    serde_json::from_value(declared).unwrap()
}

fn render(declared: &Declared, alert: &Alert, turn: Turn) -> String {
    let acknowledge = Some("https://forester.acme.example/ack/x".to_owned());
    of(declared).render(&Delivery { turn, acknowledge, ..delivery(alert) })
}

fn units(value: &Value) -> usize {
    value.as_str().unwrap().encode_utf16().count()
}

/// Holds a rendered message to its vendor's form and limits.
fn judge(declared: &Declared, rendered: &str) {
    let json = || serde_json::from_str::<Value>(rendered).unwrap();
    match declared {
        Declared::Slack(_) | Declared::SlackWebhook(_) => forms::block_kit(&json()),
        Declared::Teams(_) => {
            assert!(rendered.len() <= teams::BYTES, "{} bytes", rendered.len());
            forms::adaptive_card(&json());
        }
        Declared::Pagerduty(_) => {
            let event = json();
            assert!(rendered.len() <= 512 * 1024 && units(&event["dedup_key"]) <= 255);
            assert!(units(&event["payload"]["summary"]) <= 1_024);
            assert!(["trigger", "resolve"].contains(&event["event_action"].as_str().unwrap()));
        }
        Declared::Jsm(_) => {
            let alert = json();
            if let Some(note) = alert.get("note") {
                return assert!(units(note) <= 25_000);
            }
            assert!(units(&alert["message"]) <= 130 && units(&alert["description"]) <= 15_000);
            assert!(units(&alert["alias"]) <= 250 && alert["details"].to_string().len() <= 32_000);
            assert!(alert["tags"].as_array().unwrap().iter().all(|tag| units(tag) <= 50));
        }
        Declared::Jira(_) => {
            let fields = &json()["fields"];
            assert!(units(&fields["summary"]) <= 255 && fields["description"].to_string().len() <= 32_767);
            forms::document(&fields["description"]);
        }
        Declared::Email(_) => {
            let simple = &json()["Content"]["Simple"];
            assert!(units(&simple["Subject"]["Data"]) <= 200);
            assert!(!simple["Subject"]["Data"].as_str().unwrap().contains(['\r', '\n']));
            for header in simple["Headers"].as_array().unwrap() {
                let value = header["Value"].as_str().unwrap();
                assert!(value.len() <= 995 && value.bytes().all(|b| (b' '..=b'~').contains(&b)), "{value}");
            }
        }
        Declared::Eventbridge(_) => {
            assert!(rendered.len() <= 2 * eventbridge::BYTES, "{} bytes", rendered.len());
            let detail = json()["Detail"].as_str().unwrap().to_owned();
            assert!(detail.len() <= 250_000, "{} bytes", detail.len());
            serde_json::from_str::<Value>(&detail).unwrap();
        }
        Declared::AmazonQ(_) => {
            let notification = json();
            assert_eq!((&notification["version"], &notification["source"]), (&json!("1.0"), &json!("custom")));
            assert!(units(&notification["content"]["description"]) <= 4_000);
        }
        Declared::Sns(_) => assert!(rendered.len() <= 262_144, "{} bytes", rendered.len()),
        Declared::Webhook(_) => drop(json()),
    }
}

#[test]
fn every_kind_is_tried_and_described() {
    let schema = serde_json::to_value(schemars::schema_for!(Declared)).unwrap();
    let kinds =
        schema["oneOf"].as_array().unwrap().iter().flat_map(|kind| kind["properties"].as_object().unwrap().keys());
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alerts.md")).unwrap();
    for kind in kinds {
        assert!(every().iter().any(|declared| declared.kind() == kind), "{kind} is not tried");
        assert!(docs.contains(&format!("- {kind}: {{")), "docs/alerts.md does not say how {kind} is declared");
    }
}

#[test]
fn every_sample_keeps_every_form() {
    let samples = all();
    assert!(samples.len() > 50, "{} samples", samples.len());
    for declared in every() {
        for (_, alert) in &samples {
            for turn in [Turn::First, Turn::Update, Turn::Resolve] {
                judge(&declared, &render(&declared, alert, turn));
            }
        }
    }
}

#[test]
fn first_line_says_what_it_is() {
    let machine = |declared: &Declared| matches!(declared, Declared::Eventbridge(_) | Declared::Webhook(_));
    for declared in every().iter().filter(|declared| !machine(declared)) {
        for (name, alert) in all() {
            let shown = first(declared, &render(declared, &alert, Turn::First));
            let severity =
                if alert.status == Status::Resolved { "RESOLVED" } else { &alert.severity.name().to_uppercase() };
            let begins = shown.trim_start_matches(|c: char| !c.is_ascii_uppercase()).starts_with(severity);
            assert!(begins, "{name} by {}: {shown}", declared.kind());
            assert!(shown.encode_utf16().count() > 12, "{name} by {}: {shown}", declared.kind());
        }
    }
}

/// The line that a person sees first.
fn first(declared: &Declared, rendered: &str) -> String {
    let json: Value = serde_json::from_str(rendered).unwrap_or_default();
    let pointer = match declared {
        Declared::Slack(_) | Declared::SlackWebhook(_) => "/blocks/0/text/text",
        Declared::Teams(_) => "/attachments/0/content/body/0/inlines/0/text",
        Declared::Pagerduty(_) => "/payload/summary",
        Declared::Jsm(_) => "/message",
        Declared::Jira(_) => "/fields/summary",
        Declared::Email(_) => "/Content/Simple/Subject/Data",
        Declared::Eventbridge(_) => "/DetailType",
        Declared::AmazonQ(_) => "/content/title",
        Declared::Webhook(_) => "/type",
        Declared::Sns(_) => return rendered.lines().next().unwrap_or_default().to_owned(),
    };
    // What is over has no message of its own in the alert services, only a note.
    let shown = json.pointer(pointer).or_else(|| json.get("note")).and_then(Value::as_str).unwrap_or_default();
    shown.lines().next().unwrap_or_default().to_owned()
}

/// An alert as there are many, in full, in every channel.
#[test]
fn one_alert_in_full() {
    let mut alert = hostile();
    let ordinary = Text::line("arn:aws:iam::444455556666:root");
    alert.title = Text::line("CIS-4.3-RootAccountUsage is ALARM (was OK)");
    for (name, label) in [("account.name", "sbx-ana"), ("ou", "Sandbox"), ("rule", "cis-4.3"), ("region", "us-east-1")]
    {
        alert.label(name, label);
    }
    alert.labels.retain(|name, _| name != "service" && name != "owner");
    alert.facts.clear();
    alert.fact("reason", "Threshold Crossed: 1 datapoint [2.0] was greater than the threshold (1.0).");
    alert.notes = vec![Text::line("enrichment: partial (access denied for organizations:ListParents)")];
    for event in &mut alert.evidence {
        (event.who, event.what) = (ordinary.clone(), Text::line("iam:CreateAccessKey"));
        (event.r#where, event.from, event.agent) =
            (Text::line("us-east-1"), Text::line("203.0.113.64"), Text::line("aws-cli/2.15 <x>"));
        (event.error, event.target) = (None, Some(Text::line("user/legacy")));
    }
    alert.links[0].name = "the alarm".to_owned();
    let mut shown = Vec::new();
    for declared in every() {
        let rendered = render(&declared, &alert, Turn::First);
        let json: Option<Value> = serde_json::from_str(&rendered).ok();
        let pretty = json.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or(rendered);
        shown.push(format!("## {}\n{pretty}", declared.kind()));
    }
    insta::assert_snapshot!(shown.join("\n\n"));
}

/// Alerts that somebody from outside has written into, with what their text must not become.
fn attacks() -> Vec<Alert> {
    let sample = |wanted: &str| all().into_iter().find(|(name, _)| name == wanted).unwrap().1;
    vec![
        hostile(),
        sample("hostile-budget-name"),
        sample("hostile-budget-name-sentence-spoof"),
        sample("cloudtrail-stop-logging-hostile-user-agent"),
    ]
}

#[test]
fn nothing_from_outside_is_more_than_text() {
    for (declared, alert) in every().iter().flat_map(|d| attacks().into_iter().map(move |a| (d.clone(), a))) {
        let rendered = render(&declared, &alert, Turn::First);
        judge(&declared, &rendered);
        assert!(!rendered.contains('\u{202e}'), "what hides is gone");
        let json: Value = serde_json::from_str(&rendered).unwrap_or(Value::Null);
        match &declared {
            Declared::Slack(_) | Declared::SlackWebhook(_) => {
                assert!(!rendered.contains("mrkdwn\":true") && !rendered.contains("\"type\":\"mrkdwn\""));
                assert!(!json["text"].as_str().unwrap().contains(['<', '>']), "{}", json["text"]);
            }
            Declared::AmazonQ(_) => {
                let words = forms::texts(&json).join("\n");
                assert!(!words.contains(['<', '*', '`', '[', '@', '|', '\\']), "{words}");
            }
            Declared::Email(_) => {
                let html = json["Content"]["Simple"]["Body"]["Html"]["Data"].as_str().unwrap();
                assert!(!html.contains("<!channel") && !html.contains("<script") && !html.contains("<at"), "{html}");
                html.split("href=\"").skip(1).for_each(|link| forms::console(link.split('"').next().unwrap()));
            }
            _ => {}
        }
        if !matches!(declared, Declared::Webhook(_) | Declared::Eventbridge(_)) {
            let addresses = rendered.split("://evil").count() - 1;
            assert_eq!(addresses, 0, "{} has an address to click on: {rendered}", declared.kind());
        }
    }
}

#[test]
fn markup_is_shown_as_it_was_written() {
    let shown = |declared: &Declared| render(declared, &hostile(), Turn::First);
    let literal = MARKUP.replace("://", "[:]//").replace('\u{202e}', "");
    for declared in every().iter().filter(|d| matches!(d, Declared::Slack(_) | Declared::Jira(_) | Declared::Sns(_))) {
        let rendered = shown(declared);
        let json: Value = serde_json::from_str(&rendered).unwrap_or_else(|_| rendered.clone().into());
        let found = forms::texts(&json).iter().any(|text| text.contains(&literal));
        assert!(found, "{}: {rendered}", declared.kind());
    }
}

#[test]
fn what_ends_says_so_where_people_look() {
    let mut alert = hostile();
    alert.status = Status::Resolved;
    for declared in every() {
        let rendered = render(&declared, &alert, Turn::Resolve);
        let says = ["RESOLVED", "resolved", "Resolved", "\"resolve\""].iter().any(|word| rendered.contains(word));
        assert!(says, "{}: {rendered}", declared.kind());
    }
}

#[test]
fn person_can_acknowledge_where_the_alert_is_read() {
    for declared in every() {
        let rendered = render(&declared, &hostile(), Turn::First);
        let machine = matches!(declared, Declared::Eventbridge(_) | Declared::Webhook(_));
        assert!(machine || rendered.contains("https://forester.acme.example/ack/x"), "{}", declared.kind());
    }
}

#[test]
fn button_is_a_block_of_its_own_that_slack_takes() {
    let declared = every().remove(1);
    let rendered = of(&declared).render(&Delivery { button: true, ..delivery(&hostile()) });
    judge(&declared, &rendered);
    assert!(rendered.contains("\"action_id\":\"acknowledge\""), "{rendered}");
}

#[test]
fn owners_get_mail_only_where_the_file_allows() {
    let declared = |to: Value| -> Declared {
        let email = json!({"email": {"from": "forester@acme.example", "to": to, "domains": ["acme.example"]}});
        serde_json::from_value(email).unwrap()
    };
    let check = |to: Value, owner: &str, expect: Value, note: &str| {
        let mut alert = hostile();
        alert.labels.remove("owner");
        alert.label("owner", owner);
        let request: Value = serde_json::from_str(&render(&declared(to), &alert, Turn::First)).unwrap();
        assert_eq!(request["Destination"]["ToAddresses"], expect, "{owner}");
        let text = request["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap();
        assert!(text.contains(note), "{text}");
    };
    check(json!(["{owner}"]), "ana@acme.example", json!(["ana@acme.example"]), "");
    check(json!(["{owner}"]), "ana@acme.example, bo@ACME.example", json!(["ana@acme.example", "bo@ACME.example"]), "");
    let stray = "note: ana@evil.example was not written to: it is no address in acme.example";
    check(json!(["{owner}", "sec@acme.example"]), "ana@evil.example", json!(["sec@acme.example"]), stray);
    check(json!(["{owner}"]), "ana@acme.example@evil.example", json!([]), "was not written to");
    check(json!(["{owner}"]), "", json!([]), "note: the account has no owner who could be written to");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn any_alert_keeps_every_limit(alert in arbitrary()) {
        for declared in every() {
            for turn in [Turn::First, Turn::Update, Turn::Resolve] {
                judge(&declared, &render(&declared, &alert, turn));
            }
        }
    }
}
