//! Logs and metrics: one JSON object a line on standard output, with the fields that Powertools users look for
//! (`timestamp level message service cold_start function_request_id xray_trace_id`) and dotted ones of our own;
//! metrics in CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).

mod format;
mod metrics;

use jiff::Timestamp;
use lambda_runtime::Context;
use serde_json::Value;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::event::Message;
use crate::job::{Failure, Invocation};

pub use metrics::{Metric, Unit, emit, emit_by};

/// JSON lines for a Lambda function; the level comes from `POWERTOOLS_LOG_LEVEL` or `AWS_LAMBDA_LOG_LEVEL`.
pub fn start_for_lambda() {
    let level = ["POWERTOOLS_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"].iter().find_map(|name| std::env::var(name).ok());
    let filter =
        EnvFilter::try_new(level.unwrap_or_else(|| "info".to_owned())).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().event_format(format::JsonLine).with_writer(std::io::stdout);
    let subscriber = tracing_subscriber::registry().with(filter).with(format::KeepSpanFields).with(lines);
    if subscriber.try_init().is_err() {
        tracing::debug!("a log subscriber is already in place");
    }
}

/// Plain lines on standard error, for the command line.
pub fn start_for_terminal(level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt().without_time().with_target(false).with_writer(std::io::stderr);
    if subscriber.with_env_filter(filter).try_init().is_err() {
        tracing::debug!("a log subscriber is already in place");
    }
}

/// The span around one invocation: its fields stand in every line inside.
pub(crate) fn invocation_span(service: &'static str, cold_start: bool, context: &Context) -> tracing::Span {
    tracing::info_span!(
        "invocation",
        service,
        cold_start,
        function_request_id = %context.request_id,
        xray_trace_id = context.xray_trace_id.as_deref().unwrap_or_default(),
    )
}

/// Logs and counts how one message ended: the only place where a failure is logged.
pub(crate) fn outcome(
    service: &'static str,
    invocation: &Invocation,
    message: &Message,
    outcome: &Result<Value, Failure>,
) {
    let duration_ms = Timestamp::now().duration_since(invocation.started).as_millis();
    let duration_ms = u64::try_from(duration_ms).unwrap_or_default();
    match outcome {
        Ok(report) => {
            tracing::info!(message.id = %message.id, duration_ms, "{service} handled {}", message.id);
            tracing::debug!(message.id = %message.id, report = %report, "the report on {}", message.id);
            emit(service, &[Metric::count("Handled", 1), Metric::new("Duration", duration_ms, Unit::Milliseconds)]);
        }
        Err(failure) => {
            tracing::error!(
                message.id = %message.id,
                error.kind = failure.kind(),
                duration_ms,
                event.raw = %clipped(&message.text),
                "{service} could not handle {}: {failure}", message.id
            );
            emit(service, &[Metric::count("Failed", 1), Metric::count(failure.kind(), 1)]);
        }
    }
}

/// At most 2,000 characters of an event, for the log; the whole of it stays with the queue.
fn clipped(text: &str) -> String {
    text.chars().take(2_000).collect()
}
