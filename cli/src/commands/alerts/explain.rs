//! `forester alerts explain FILE`.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;

use super::messages;
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Tell offline what an event parses to, who would hear of it and why, and what they would get
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// An event file, as Lambda would get it, or the bare text of a notification
    file: PathBuf,
}

impl Explain {
    /// Explains each message in the file; several make a JSON list.
    pub fn run(self, context: &Context) -> Result<Exit, Problem> {
        let config = context.config()?;
        let missing = || Problem::failed(format_args!("{} has no `alerts` section", context.config_name()));
        let alerts = config.alerts.as_ref().ok_or_else(missing)?;
        let now = Timestamp::now();
        let mut explained: Vec<Value> = messages(&self.file)?
            .iter()
            .map(|message| forester::alert::explain(&config, alerts, message, now))
            .collect();
        let text = explained.iter().map(text).collect::<Vec<_>>().join("\n\n");
        let json = match explained.len() {
            1 => explained.remove(0),
            _ => Value::Array(explained),
        };
        result(context.form, &json, text);
        Ok(Exit::Done)
    }
}

fn text(explained: &Value) -> String {
    let word = |pointer: &str| explained.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    let list = |pointer: &str| explained.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let part = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let line = |name: &str, value: String| format!("  {name:<11} {value}");
    let mut out = vec![
        word("/alert/title"),
        line("source", format!("{}, kind {}", word("/alert/source"), word("/alert/kind"))),
        line("severity", format!("{}, {}", word("/alert/severity"), word("/alert/status"))),
        line("account", word("/alert/account")),
    ];
    let labels = explained.pointer("/alert/labels").and_then(Value::as_object).into_iter().flatten();
    out.extend(labels.map(|(name, value)| line("label", format!("{name} = {}", value.as_str().unwrap_or_default()))));
    let owner = list("/alert/facts").find(|fact| part(fact, "name") == "owner");
    out.extend(owner.map(|fact| line("owner", part(fact, "value"))));
    for taken in list("/route") {
        let took = format!("{} -> {}: {}", part(taken, "at"), part(taken, "receiver"), part(taken, "because"));
        out.push(line("route", took));
        out.extend(terms(taken).into_iter().map(|term| line("", term)));
    }
    out.push(line("suppressed", word("/suppressed_by")));
    for message in list("/messages") {
        let waits = part(message, "waits");
        let waits = if waits.is_empty() { String::new() } else { format!(", later: {waits}") };
        let to = format!("to {} by {}{waits}:", part(message, "receiver"), part(message, "channel"));
        out.push(line("message", to));
        out.extend(part(message, "body").lines().map(|body| format!("    {body}")));
    }
    out.join("\n")
}

/// What a route says beyond who hears: groups, repetition, hours, escalation.
fn terms(taken: &Value) -> Vec<String> {
    let terms = taken.get("terms").and_then(Value::as_object).into_iter().flatten();
    let said = terms.filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    said.map(|(name, value)| format!("{name}: {}", value.to_string().replace('"', ""))).collect()
}
