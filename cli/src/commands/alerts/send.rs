//! `forester alerts send FILE`.

use std::path::PathBuf;

use forester::alert::{Deliverer, Out, Router};
use forester::job::Job;
use serde_json::{Value, json};

use super::{invocation, messages};
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Look up, route and deliver the alerts of an event file, from this process
#[derive(Debug, clap::Args)]
pub struct Send {
    /// An event file, as Lambda would get it, or the bare text of a notification
    file: PathBuf,
}

impl Send {
    /// Routes and delivers, without the queue.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let messages = messages(&self.file)?;
        context.confirm(format_args!("Deliver the alerts of {} to their receivers?", self.file.display()))?;
        let forester = context.forester().await?;
        let router = Router::delivering(&forester, Out::Here(Deliverer::new(&forester)));
        let mut reports = Vec::new();
        for message in &messages {
            let report = router.handle(&invocation(), message).await;
            reports.push(report.unwrap_or_else(|failure| json!({ "failed": failure.to_string() })));
        }
        let exit = match (reports.iter().any(|report| report.get("failed").is_some()), reports.iter().any(is_dead)) {
            (true, _) => Exit::Failed,
            (false, true) => Exit::Unclean,
            (false, false) => Exit::Done,
        };
        let text = reports.iter().flat_map(lines).collect::<Vec<_>>().join("\n");
        result(context.form, &json!({ "reports": reports }), text);
        Ok(exit)
    }
}

/// Whether a delivery will never arrive.
fn is_dead(report: &Value) -> bool {
    let alerts = report.get("alerts").and_then(Value::as_array).into_iter().flatten();
    let mut deliveries = alerts.filter_map(|alert| alert.get("deliveries").and_then(Value::as_array)).flatten();
    deliveries.any(|delivery| delivery.pointer("/state/state").and_then(Value::as_str) == Some("DEAD"))
}

fn lines(report: &Value) -> Vec<String> {
    if let Some(failure) = report.get("failed").and_then(Value::as_str) {
        return vec![format!("failed: {failure}")];
    }
    let alerts = report.get("alerts").and_then(Value::as_array).into_iter().flatten();
    alerts.flat_map(alert_lines).collect()
}

fn alert_lines(alert: &Value) -> Vec<String> {
    let word = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    let mut lines = vec![format!("{} ({})", word(alert, "/title"), word(alert, "/turn"))];
    if let Some(why) = alert.get("suppressed_by").and_then(Value::as_str) {
        lines.push(format!("  not delivered: {why}"));
    }
    for delivery in alert.get("deliveries").and_then(Value::as_array).into_iter().flatten() {
        let part = |pointer: &str| word(delivery, pointer);
        let reason = delivery.pointer("/state/reason").and_then(Value::as_str).map(|why| format!(": {why}"));
        let (to, by, state) = (part("/receiver"), part("/channel"), part("/state/state"));
        lines.push(format!("  {state} to {to} by {by}{}", reason.unwrap_or_default()));
    }
    lines
}
