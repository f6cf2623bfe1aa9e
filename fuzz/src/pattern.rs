//! The filter-pattern language: a pattern in the first line, an event in the rest.

use forester::pattern::Pattern;
use serde_json::Value;

use crate::{seeds, text};

/// Reads the pattern and judges the event. The same pattern in other words judges it alike.
pub fn run(data: &[u8]) {
    let text = text(data);
    let (written, event) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(pattern) = Pattern::parse(written) else { return };
    let fits = pattern.matches(event);
    if let Ok(json) = serde_json::from_str::<Value>(event)
        && pattern.canonical().is_some()
    {
        assert_eq!(fits, pattern.matches_json(&json), "text and JSON are judged differently");
    }
    let again = pattern.canonical().and_then(|words| Pattern::parse(&words).ok());
    if let Some(again) = again {
        assert_eq!(fits, again.matches(event), "the same in other words is judged differently");
    }
}

/// Every case that the language is tested with.
pub fn seeds() -> Vec<Vec<u8>> {
    let cases = seeds::files("shared/src/pattern", &["cases.json"]);
    let cases: Value = cases.first().and_then(|file| serde_json::from_slice(file).ok()).unwrap_or_default();
    let groups = cases.as_object().into_iter().flatten().filter_map(|(_, group)| group.as_array());
    groups.flatten().filter_map(|case| seed(&cases, case)).collect()
}

/// A case is a pattern and the name of an event, or a text that is one.
fn seed(cases: &Value, case: &Value) -> Option<Vec<u8>> {
    let (pattern, name) = (case.get(0)?.as_str()?, case.get(1)?.as_str()?);
    let event = match cases.get("events").and_then(|events| events.get(name)) {
        None => name.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(event) => event.to_string(),
    };
    Some(format!("{pattern}\n{event}").into_bytes())
}
