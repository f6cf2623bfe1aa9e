//! Timestamps: RFC 3339 text on our side, three formats on the wire.
//!
//! Formats and defaults: <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#timestamp-formats>

use jiff::fmt::{rfc2822, strtime};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Number, Value};

use super::model::TimeFormat;

/// A caller's or a service's timestamp: RFC 3339, RFC 2822, or epoch seconds as a number or as text.
pub(super) fn parse(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => from_epoch(number.as_f64()?),
        Value::String(text) => parse_text(text.trim()),
        _ => None,
    }
}

/// A timestamp in any of the forms that services write as text.
pub(crate) fn parse_text(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if let Ok(epoch) = text.parse() {
        return from_epoch(epoch);
    }
    // EC2 and CloudTrail leave the offset out in places; it is UTC all the same.
    let zoneless = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    rfc2822::parse(text).ok().or_else(zoneless).map(|zoned| zoned.timestamp())
}

fn from_epoch(seconds: f64) -> Option<Timestamp> {
    // Rounded to microseconds: a float holds no more of today's dates, and .123 should read as .123.
    let micros = SignedDuration::try_from_secs_f64(seconds).ok()?.as_micros();
    let rounded = (seconds * 1e6).round();
    let micros = if (rounded - micros as f64).abs() <= 1.0 { rounded as i64 } else { i64::try_from(micros).ok()? };
    Timestamp::from_microsecond(micros).ok()
}

/// The timestamp as text in one of the wire's formats.
pub(super) fn text(time: Timestamp, format: TimeFormat) -> String {
    match format {
        TimeFormat::Iso8601 => iso8601(time),
        TimeFormat::Unix => epoch(time).to_string(),
        TimeFormat::Rfc822 => strtime::format("%a, %d %b %Y %H:%M:%S GMT", time).unwrap_or_default(),
    }
}

fn iso8601(time: Timestamp) -> String {
    let format = if time.subsec_microsecond() == 0 && time.subsec_millisecond() == 0 {
        "%Y-%m-%dT%H:%M:%SZ"
    } else {
        "%Y-%m-%dT%H:%M:%S.%6fZ"
    };
    strtime::format(format, time).unwrap_or_default()
}

/// Epoch seconds as the JSON protocols send them: whole where they are whole.
pub(super) fn epoch(time: Timestamp) -> Number {
    let micros = time.as_microsecond();
    if micros % 1_000_000 == 0 {
        return (micros / 1_000_000).into();
    }
    Number::from_f64(micros as f64 / 1e6).unwrap_or_else(|| time.as_second().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(given: Value, expect: &str) {
        assert_eq!(parse(&given).map(|time| time.to_string()).as_deref(), Some(expect), "{given}");
    }

    #[test]
    fn every_form_of_a_moment_is_read() {
        check(json!("2026-11-22T01:02:03Z"), "2026-11-22T01:02:03Z");
        check(json!("2026-11-22T01:02:03.500+01:00"), "2026-11-22T00:02:03.5Z");
        check(json!("2026-11-22T01:02:03"), "2026-11-22T01:02:03Z");
        check(json!("Sun, 22 Nov 2026 01:02:03 GMT"), "2026-11-22T01:02:03Z");
        check(json!(1_795_309_323), "2026-11-22T01:02:03Z");
        check(json!(1_795_309_323.123), "2026-11-22T01:02:03.123Z");
        check(json!("1795309323"), "2026-11-22T01:02:03Z");
        assert_eq!(parse(&json!("yesterday")), None);
    }

    #[test]
    fn wire_formats() {
        let time: Timestamp = "2026-11-02T01:02:03Z".parse().unwrap();
        assert_eq!(text(time, TimeFormat::Iso8601), "2026-11-02T01:02:03Z");
        assert_eq!(text(time, TimeFormat::Unix), "1793581323");
        assert_eq!(text(time, TimeFormat::Rfc822), "Mon, 02 Nov 2026 01:02:03 GMT");
    }
}
