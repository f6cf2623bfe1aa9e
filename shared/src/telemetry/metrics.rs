//! Metrics in the embedded metric format: a log line that CloudWatch reads as data points.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of every metric.
const NAMESPACE: &str = "Forester";

/// The unit of a metric, as CloudWatch spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Milliseconds.
    Milliseconds,
}

/// One data point.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    name: String,
    value: u64,
    unit: Unit,
}

impl Metric {
    /// A data point of any unit.
    pub fn new(name: &str, value: u64, unit: Unit) -> Self {
        Self { name: name.to_owned(), value, unit }
    }

    /// A number of things.
    pub fn count(name: &str, value: u64) -> Self {
        Self::new(name, value, Unit::Count)
    }
}

/// Writes `metrics` with the one dimension `service`. Only where a Lambda log takes them up: a terminal gets none.
#[expect(clippy::print_stdout, reason = "the embedded metric format is a line on standard output")]
pub fn emit(service: &str, metrics: &[Metric]) {
    if std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some() {
        println!("{}", line(service, metrics, Timestamp::now()));
    }
}

fn line(service: &str, metrics: &[Metric], now: Timestamp) -> Value {
    let unit = |unit| match unit {
        Unit::Count => "Count",
        Unit::Milliseconds => "Milliseconds",
    };
    let declared: Vec<Value> = metrics.iter().map(|m| json!({ "Name": m.name, "Unit": unit(m.unit) })).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": declared }],
        }),
    );
    line.insert("service".into(), service.into());
    line.extend(metrics.iter().map(|m| (m.name.clone(), m.value.into())));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_declares_what_it_carries() {
        let line = line("budget-router", &[Metric::count("Handled", 2)], Timestamp::UNIX_EPOCH);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"], json!([{"Name": "Handled", "Unit": "Count"}]));
        assert_eq!((&line["Handled"], &line["service"]), (&json!(2), &json!("budget-router")));
    }
}
