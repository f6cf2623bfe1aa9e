//! The time in which an alarm's events must have happened.
//!
//! Best known from the alarm's own evaluation data, else from the reason's text (day/month/year, UTC, the start of a
//! data point's period), else reckoned back from the state change. The ends are padded: CloudTrail hands events over
//! out of order and minutes late, and a log event's timestamp is not the event's
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html>).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::model::{instant, text};
use super::sources::Alarm;

/// A span of time; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
}

const BEFORE: SignedDuration = SignedDuration::from_mins(15);
const AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How long an alarm is looked back that does not say when it began.
const UNKNOWN: SignedDuration = SignedDuration::from_hours(1);

impl Window {
    /// The window of an alarm, as far as its message tells.
    pub fn of(alarm: &Alarm) -> Option<Self> {
        let at = alarm.at;
        let data = alarm.reason_data.as_deref().and_then(|data| evaluated(data, at));
        data.or_else(|| stated(&alarm.reason, at?, alarm.period)).map(Self::padded)
    }

    /// The window of an alarm that `DescribeAlarms` returned.
    pub fn described(alarm: &Value) -> Option<Self> {
        let at = text(alarm, "/StateUpdatedTimestamp").and_then(instant);
        let data = text(alarm, "/StateReasonData").and_then(|data| evaluated(data, at));
        let period = alarm.get("Period").and_then(Value::as_i64).unwrap_or(300);
        data.or_else(|| stated(text(alarm, "/StateReason")?, at?, period)).map(Self::padded)
    }

    /// The evaluation periods before the state change: what is left when nothing tells.
    pub fn reckoned(at: Timestamp, period: i64, periods: i64) -> Self {
        let length = SignedDuration::from_secs(period.saturating_mul(periods.max(1)));
        Self::padded(Self { from: earlier(at, length), to: at })
    }

    /// The whole time of an alarm that is over: from before it began to its end.
    pub fn episode(alarm: &Alarm) -> Option<Self> {
        let at = alarm.at?;
        let length = SignedDuration::from_secs(alarm.period.saturating_mul(alarm.periods.max(1)));
        // A message by SNS does not say when the alarm began.
        let from = alarm
            .since
            .map_or_else(|| earlier(at, length.saturating_mul(2).max(UNKNOWN)), |since| earlier(since, length));
        Some(Self::padded(Self { from, to: at }))
    }

    /// The smallest window around both.
    pub fn joined(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    fn padded(self) -> Self {
        Self { from: earlier(self.from, BEFORE), to: self.to.checked_add(AFTER).unwrap_or(self.to) }
    }
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(at)
}

/// From `stateReasonData`: where the evaluated data begins, and when it was asked for.
fn evaluated(data: &str, at: Option<Timestamp>) -> Option<Window> {
    let data: Value = serde_json::from_str(data).ok()?;
    let points = data.get("evaluatedDatapoints").and_then(Value::as_array).into_iter().flatten();
    let first = points.filter_map(|point| text(point, "/timestamp").and_then(instant)).min();
    let from = text(&data, "/startDate").and_then(instant).into_iter().chain(first).min()?;
    let to = text(&data, "/queryDate").and_then(instant).or(at)?;
    Some(Window { from, to })
}

/// From the reason's text: every data point in it, `[2.0 (12/11/26 04:20:00)]`.
fn stated(reason: &str, at: Timestamp, period: i64) -> Option<Window> {
    let points = reason.split('(').skip(1).filter_map(|rest| {
        let (stamp, _) = rest.split_once(')')?;
        let time = DateTime::strptime("%d/%m/%y %H:%M:%S", stamp).ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    let points: Vec<Timestamp> = points.collect();
    let (first, last) = (points.iter().min()?, points.iter().max()?);
    let end = last.checked_add(SignedDuration::from_secs(period)).unwrap_or(at);
    Some(Window { from: *first, to: end.max(at) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-12T04:26:51.123Z";

    fn check(reason: &str, data: Option<&str>, expect: Option<(&str, &str)>) {
        let alarm = Alarm {
            reason: reason.to_owned(),
            reason_data: data.map(str::to_owned),
            at: instant(AT),
            period: 300,
            ..Alarm::default()
        };
        let expect = expect.map(|(from, to)| Window { from: from.parse().unwrap(), to: to.parse().unwrap() });
        assert_eq!(Window::of(&alarm), expect);
    }

    #[test]
    fn evaluation_data_is_best() {
        let data = r#"{"queryDate":"2026-11-12T04:26:51.118+0000","startDate":"2026-11-12T04:20:00.000+0000"}"#;
        check("(01/01/26 00:00:00)", Some(data), Some(("2026-11-12T04:05:00Z", "2026-11-12T04:28:51.118Z")));
    }

    #[test]
    fn day_comes_before_month_in_the_text() {
        check(
            "[2.0 (12/11/26 04:20:00)] was greater",
            None,
            Some(("2026-11-12T04:05:00Z", "2026-11-12T04:28:51.123Z")),
        );
    }

    #[test]
    fn text_without_data_points_tells_nothing() {
        check("no datapoints (1.0) were received", None, None);
        check("no datapoints", Some("not json"), None);
    }

    #[test]
    fn episode_reaches_from_before_the_alarm_to_its_end() {
        let mut alarm = Alarm {
            at: instant(AT),
            period: 300,
            periods: 1,
            since: instant("2026-11-12T02:00:00Z"),
            ..Alarm::default()
        };
        let window = Window::episode(&alarm).unwrap();
        assert_eq!(
            (window.from.to_string(), window.to.to_string()),
            ("2026-11-12T01:40:00Z".into(), "2026-11-12T04:28:51.123Z".into())
        );
        alarm.since = None;
        assert_eq!(Window::episode(&alarm).unwrap().from.to_string(), "2026-11-12T03:11:51.123Z");
    }

    #[test]
    fn reckoned_window_spans_all_periods() {
        let window = Window::reckoned(AT.parse().unwrap(), 86_400, 1);
        assert_eq!(window.from.to_string(), "2026-11-11T04:11:51.123Z");
    }
}
