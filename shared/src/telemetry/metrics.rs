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

/// Writes `metrics` with a second dimension besides `service`, such as the name of a rule.
#[expect(clippy::print_stdout, reason = "the embedded metric format is a line on standard output")]
pub fn emit_by(service: &str, by: (&str, &str), metrics: &[Metric]) {
    if std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some() {
        println!("{}", line_by(service, Some(by), metrics, Timestamp::now()));
    }
}

fn line(service: &str, metrics: &[Metric], now: Timestamp) -> Value {
    line_by(service, None, metrics, now)
}

fn line_by(service: &str, by: Option<(&str, &str)>, metrics: &[Metric], now: Timestamp) -> Value {
    let unit = |unit| match unit {
        Unit::Count => "Count",
        Unit::Milliseconds => "Milliseconds",
    };
    let declared: Vec<Value> = metrics.iter().map(|m| json!({ "Name": m.name, "Unit": unit(m.unit) })).collect();
    let mut line = Map::new();
    let dimensions: Vec<&str> = std::iter::once("service").chain(by.map(|(name, _)| name)).collect();
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": declared }],
        }),
    );
    line.insert("service".into(), service.into());
    line.extend(by.map(|(name, value)| (name.to_owned(), value.into())));
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
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["service"]]));
        assert_eq!((&line["Handled"], &line["service"]), (&json!(2), &json!("budget-router")));
    }

    #[test]
    fn second_dimension_is_declared_and_carried() {
        let line = line_by("alerts", Some(("noise", "scanner")), &[Metric::count("LeftOut", 3)], Timestamp::UNIX_EPOCH);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["service", "noise"]]));
        assert_eq!((&line["LeftOut"], &line["noise"]), (&json!(3), &json!("scanner")));
    }
}
