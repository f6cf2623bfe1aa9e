//! Forester's own notices: an account that is not as declared and will not be by itself, a file that is refused.

use serde_json::Value;

use super::{Incoming, Source};
use crate::alert::model::{Alert, Identity, Severity, account, text};
use crate::alert::text::Text;

/// The source of Forester's own notices.
pub(super) struct Notices;

impl Source for Notices {
    fn name(&self) -> &'static str {
        "forester"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let json = &incoming.json;
        if text(json, "/source") != Some("forester") || text(json, "/detail-type") != Some("Forester Notice") {
            return None;
        }
        let rule = text(json, "/detail/rule").unwrap_or("notice");
        let kind = text(json, "/detail/kind").unwrap_or("baseline");
        let mut alert = Alert::new(&incoming.message.id, self.name(), kind, &incoming.message.text);
        alert.severity = Severity::High;
        alert.account = account(json, "/detail/account");
        alert.title = Text::line(text(json, "/detail/title").unwrap_or("Forester has something to say"));
        alert.time = text(json, "/time").and_then(|time| time.parse().ok());
        alert.label("rule", rule);
        alert.label("account.name", text(json, "/detail/name").unwrap_or_default());
        let named = if kind == "baseline" { "not as declared" } else { "because" };
        for fact in json.pointer("/detail/facts").and_then(Value::as_array).into_iter().flatten() {
            alert.fact(named, fact.as_str().unwrap_or_default());
        }
        // The same matter once a day, however often it is tried.
        let day = text(json, "/time").and_then(|time| time.get(..10)).unwrap_or_default();
        let about = [text(json, "/detail/account"), text(json, "/detail/matter")].map(Option::unwrap_or_default);
        alert.identity = Identity::new(kind, &[rule, &about.concat()], day);
        Some(alert)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Message;

    #[test]
    fn notice_is_one_matter_a_day() {
        let read = |time: &str| {
            let detail = json!({"account": "444455556666", "name": "dev", "rule": "baseline-failed",
                "title": "Account dev (444455556666) is not as declared", "facts": ["alias: taken"]});
            let event = json!({"source": "forester", "detail-type": "Forester Notice", "time": time, "detail": detail});
            let message = Message::direct(time, event.to_string());
            super::super::detect(&Incoming::new(&message)).1
        };
        let (morning, noon, next) =
            (read("2026-11-22T08:00:00Z"), read("2026-11-22T12:00:00Z"), read("2026-11-23T08:00:00Z"));
        assert_eq!((morning.kind.as_str(), morning.labels["rule"].as_str()), ("baseline", "baseline-failed"));
        assert_eq!(morning.facts[0].value.as_str(), "alias: taken");
        assert_eq!(morning.identity, noon.identity);
        assert_ne!(morning.identity, next.identity);
    }

    #[test]
    fn file_that_is_refused_is_a_matter_of_its_own_for_each_edition() {
        let read = |mark: &str| {
            let detail = json!({"kind": "configuration", "rule": "configuration-refused", "matter": mark,
                "title": "s3://acme-forester/forester.yaml has a mistake", "facts": ["line 3: `modee` is not known"]});
            let event = json!({"source": "forester", "detail-type": "Forester Notice", "time": "2026-11-22T08:00:00Z",
                "detail": detail});
            super::super::detect(&Incoming::new(&Message::direct(mark, event.to_string()))).1
        };
        let (first, second) = (read("tag-1"), read("tag-2"));
        assert_eq!((first.kind.as_str(), first.labels["rule"].as_str()), ("configuration", "configuration-refused"));
        assert_eq!(first.facts[0].value.as_str(), "line 3: `modee` is not known");
        assert_ne!(first.identity, second.identity);
    }
}
