//! Alerts that channels are tried with: every sample event, one full of markup, and arbitrary ones.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::alert::Text;
use crate::alert::fakes;
use crate::alert::model::{Alert, Evidence, Link, Severity, Status};
use crate::alert::outbox::Delivery;
use crate::alert::sources::{Incoming, detect};

/// Every message of every sample of the functions that route.
pub fn all() -> Vec<(String, Alert)> {
    let mut alerts = Vec::new();
    for function in ["alarm-fanout", "budget-router"] {
        for (name, messages) in fakes::samples(function) {
            alerts.extend(messages.iter().map(|message| (name.clone(), detect(&Incoming::new(message)).1)));
        }
    }
    alerts
}

/// What somebody could try to make of a message, in every place that is filled from outside.
pub const MARKUP: &str = "<!channel> <@U0123456789> <https://evil.example/login|ok> *b* _i_ ~s~ `c` [Click](https://evil.example/login) <at>all</at> @everyone {{DATE(2026-11-12T04:26:51Z)}} ${x} {color:red} <script>alert(1)</script> & \"q\" 'q' \\ h1. | # > \u{202e}gnp.exe";

/// An alert that is full of it.
pub fn hostile() -> Alert {
    let mut alert = Alert::new("m1", "aws-cloudtrail", "alarm", MARKUP);
    alert.severity = Severity::Critical;
    alert.account = Some("444455556666".parse().unwrap());
    alert.title = Text::line(&format!("Title {MARKUP}\r\nBcc: everybody@evil.example"));
    alert.time = Some("2026-11-12T04:26:51Z".parse().unwrap());
    for name in ["account.name", "ou", "owner", "rule", "region", "service"] {
        alert.label(name, format!("sbx {MARKUP}"));
    }
    alert.fact(MARKUP, MARKUP);
    alert.note(MARKUP);
    alert.evidence = vec![evidence(MARKUP)];
    alert.links = vec![Link {
        name: Text::line(&format!("the alarm {MARKUP}")).to_string(),
        url: "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/x".to_owned(),
    }];
    alert
}

/// What is owed of it to a channel.
pub fn delivery(alert: &Alert) -> Delivery {
    Delivery::new(alert, "2026-11-01", "platform", 0, "test")
}

fn evidence(text: &str) -> Evidence {
    Evidence {
        id: "e-1".to_owned(),
        also: Vec::new(),
        when: Some("2026-11-12T04:21:37Z".parse().unwrap()),
        until: None,
        who: Text::line(text),
        what: Text::line(text),
        r#where: Text::line(text),
        account: Some("444455556666".parse().unwrap()),
        actor: Some("111122223333".parse().unwrap()),
        from: Text::line(text),
        agent: Text::line(text),
        error: Some(Text::line(text)),
        target: Some(Text::line(text)),
        count: 3,
    }
}

/// Any text at all: markup, every script, emoji, what takes two code units.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ -~]{0,40}",
        2 => "\\PC{0,80}",
        1 => ".{0,60}",
        1 => Just(MARKUP.to_owned()),
        1 => Just("\u{1f525}".repeat(400)),
        1 => Just("\"\\".repeat(400)),
        1 => Just(String::new()),
    ]
}

prop_compose! {
    /// Any alert at all.
    pub fn arbitrary()(
        title in any_text(),
        raw in prop_oneof![any_text(), Just("\u{7}x\n".repeat(6_000)), Just("\u{6f22}".repeat(9_000))],
        facts in vec((any_text(), any_text()), 0..40),
        notes in vec(any_text(), 0..20),
        events in vec(any_text(), 0..15),
        labels in vec(any_text(), 0..6),
        kind in prop_oneof![Just("budget"), Just("unknown"), Just("alarm")],
        links in 0_usize..12,
        resolved in any::<bool>(),
    ) -> Alert {
        let mut alert = Alert::new("m1", "aws-budgets", kind, &raw);
        alert.title = Text::line(&title);
        alert.status = if resolved { Status::Resolved } else { Status::Firing };
        facts.iter().for_each(|(name, value)| alert.fact(name, value));
        notes.iter().for_each(|note| alert.note(note));
        alert.evidence = events.iter().map(|text| evidence(text)).collect();
        let names = ["account.name", "ou", "region", "owner", "rule", "service"];
        names.iter().zip(labels).for_each(|(name, value)| alert.label(name, value));
        let url = format!("https://console.aws.amazon.com/{}", "x".repeat(1_400));
        alert.links = (0..links).map(|n| Link { name: format!("{title} {n}"), url: url.clone() }).collect();
        alert
    }
}
