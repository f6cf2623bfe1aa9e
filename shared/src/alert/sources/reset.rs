//! What a reset says: that it comes and what will go, or that it is over and what came of it.

use serde_json::Value;

use super::{Incoming, Source};
use crate::alert::model::{Alert, Identity, Link, Severity, account, text};
use crate::alert::text::Text;

/// The source of letters about resets.
pub(super) struct Resets;

impl Source for Resets {
    fn name(&self) -> &'static str {
        "forester-reset"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let json = &incoming.json;
        if text(json, "/source") != Some("forester") || text(json, "/detail-type") != Some("Forester Reset") {
            return None;
        }
        let rule = text(json, "/detail/rule").unwrap_or("reset");
        let mut alert = Alert::new(&incoming.message.id, self.name(), "reset", &incoming.message.text);
        alert.severity = text(json, "/detail/severity").and_then(Severity::named).unwrap_or(Severity::Medium);
        alert.account = account(json, "/detail/account");
        alert.title = Text::line(text(json, "/detail/title").unwrap_or("a reset has something to say"));
        alert.time = text(json, "/time").and_then(|time| time.parse().ok());
        for (name, value) in pairs(json, "/detail/labels") {
            alert.label(name, value);
        }
        // After the others, so that none of them can stand in for it.
        alert.label("rule", rule);
        for (name, value) in pairs(json, "/detail/facts") {
            alert.fact(name, value);
        }
        if let Some(page) = text(json, "/detail/page") {
            match object(page) {
                Some(url) => alert.links.push(Link { name: "the whole list".to_owned(), url }),
                None => alert.fact("the whole list", page),
            }
        }
        let occasion = text(json, "/detail/occasion").unwrap_or_default();
        alert.identity = Identity::new("reset", &[rule, text(json, "/detail/account").unwrap_or_default()], occasion);
        Some(alert)
    }
}

fn pairs<'a>(json: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let pairs = json.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    pairs.filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)))
}

/// The console's page of an object: the bucket is not public, so only who may read it there sees it.
fn object(page: &str) -> Option<String> {
    let (bucket, key) = page.strip_prefix("s3://")?.split_once('/')?;
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~/".contains(&c);
    let encoded = |text: &str| {
        let part = |c: u8| if plain(c) { char::from(c).to_string() } else { format!("%{c:02X}") };
        text.bytes().map(part).collect::<String>()
    };
    let (bucket, key) = (encoded(&bucket.replace('/', "")), encoded(key));
    Some(format!("https://console.aws.amazon.com/s3/object/{bucket}?prefix={key}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Message;

    fn read(detail: Value) -> Alert {
        let event = json!({"source": "forester", "detail-type": "Forester Reset", "time": "2026-12-27T02:30:00Z", "detail": detail});
        super::super::detect(&Incoming::new(&Message::direct("m", event.to_string()))).1
    }

    fn letter(occasion: &str) -> Value {
        json!({"account": "555566667777", "rule": "reset-receipt", "occasion": occasion, "severity": "info",
            "title": "Sandbox sbx-ana (555566667777) was emptied", "facts": [["left", "<!channel> *x*"], ["run", "r"]],
            "labels": [["verdict", "green"], ["rule", "forged"]], "page": "s3://acme-receipts/resets/5/a b?x/receipt.html"})
    }

    #[test]
    fn letter_becomes_an_alert_that_routes_can_match() {
        let alert = read(letter("run-1"));
        assert_eq!((alert.kind.as_str(), alert.severity), ("reset", Severity::Info));
        assert_eq!((alert.labels["rule"].as_str(), alert.labels["verdict"].as_str()), ("reset-receipt", "green"));
        assert_eq!((alert.facts[0].name.as_str(), alert.facts[0].value.as_str()), ("left", "<!channel> *x*"));
        let link = "https://console.aws.amazon.com/s3/object/acme-receipts?prefix=resets/5/a%20b%3Fx/receipt.html";
        assert_eq!(alert.links[0].url, link);
    }

    #[test]
    fn same_letter_is_the_same_matter() {
        assert_eq!(read(letter("run-1")).identity, read(letter("run-1")).identity);
        assert_ne!(read(letter("run-1")).identity, read(letter("run-2")).identity);
    }

    #[test]
    fn page_that_is_no_object_of_ours_is_no_link() {
        let mut detail = letter("run-1");
        detail["page"] = "https://evil.example/receipt.html".into();
        let alert = read(detail);
        assert_eq!((alert.links.len(), alert.facts.last().unwrap().name.as_str()), (0, "the whole list"));
    }
}
