//! When resets may work: days and hours, and dates on which they never do.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far ahead an opening is looked for.
const HORIZON_DAYS: i64 = 400;

/// When resets may work. Outside, a run waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// An IANA name; default UTC.
    #[serde(default = "super::schedule::utc")]
    pub timezone: String,
    /// The hours in which a reset may work; none: all hours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Window>,
    /// Dates on which none works, whatever the hour: `2026-12-25`, or `2026-12-24/2027-01-02` with both ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<String>,
}

/// Some hours of some days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Days of the week, `sat` or `mon-fri`; none: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<String>,
    /// When it opens, such as `20:00`; default `00:00`.
    #[serde(default = "midnight")]
    pub from: String,
    /// When it closes, such as `06:00`; an hour that is not later than `from` is meant on the next day. Default `24:00`.
    #[serde(default = "end_of_day")]
    pub to: String,
}

fn midnight() -> String {
    "00:00".to_owned()
}

fn end_of_day() -> String {
    "24:00".to_owned()
}

/// A window, read.
struct Hours {
    days: BTreeSet<i8>,
    from: Time,
    /// The time, and whether it is on the next day.
    to: (Time, bool),
}

/// What the file says, read.
struct Calendar {
    zone: TimeZone,
    open: Vec<Hours>,
    holidays: Vec<(Date, Date)>,
}

impl Windows {
    /// When a reset may work next, if it may not now. A calendar that cannot be read never opens; the section with it
    /// is wrong and was refused before.
    pub fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        let tomorrow = now.checked_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
        match self.calendar() {
            Ok(calendar) if calendar.open_at(now) => None,
            Ok(calendar) => Some(calendar.opening_after(now).unwrap_or(tomorrow)),
            Err(_) => Some(tomorrow),
        }
    }

    fn calendar(&self) -> Result<Calendar, (String, String)> {
        let zone = TimeZone::get(&self.timezone).map_err(|_| {
            let message = format!("`{}` is not a time zone such as Europe/Amsterdam", self.timezone);
            ("windows.timezone".to_owned(), message)
        })?;
        let open = self.open.iter().enumerate().map(|(n, window)| {
            window.hours().map_err(|(member, message)| (format!("windows.open[{n}].{member}"), message))
        });
        let holidays = self.holidays.iter().enumerate().map(|(n, text)| {
            let message = || format!("`{text}` is not a date such as 2026-12-25, or two with a `/` between them");
            dates(text).ok_or_else(|| (format!("windows.holidays[{n}]"), message()))
        });
        let (open, holidays) = (open.collect::<Result<_, _>>()?, holidays.collect::<Result<_, _>>()?);
        Ok(Calendar { zone, open, holidays })
    }

    pub(super) fn problems(&self) -> Option<(String, String)> {
        match self.calendar() {
            Err(problem) => Some(problem),
            Ok(_) if self.open.is_empty() && self.holidays.is_empty() => {
                Some(("windows".to_owned(), "expected `open` or `holidays`; without either it says nothing".to_owned()))
            }
            Ok(_) => None,
        }
    }
}

impl Window {
    fn hours(&self) -> Result<Hours, (&'static str, String)> {
        let mut days = BTreeSet::new();
        for text in &self.days {
            let message = || format!("`{text}` is not a day such as sat, or days such as mon-fri");
            days.extend(weekdays(text).ok_or_else(|| ("days", message()))?);
        }
        if days.is_empty() {
            days.extend(1..=7);
        }
        let wrong = |text: &str| format!("`{text}` is not a time such as 20:00");
        let from = time(&self.from).ok_or_else(|| ("from", wrong(&self.from)))?;
        let to = match self.to.as_str() {
            "24:00" => (Time::midnight(), true),
            text => time(text).map(|to| (to, to <= from)).ok_or_else(|| ("to", wrong(text)))?,
        };
        Ok(Hours { days, from, to })
    }
}

impl Calendar {
    fn open_at(&self, now: Timestamp) -> bool {
        let today = now.to_zoned(self.zone.clone()).date();
        if self.is_holiday(today) {
            return false;
        }
        let yesterday = today.checked_sub(1.day()).unwrap_or(today);
        self.open.is_empty()
            || [yesterday, today].into_iter().flat_map(|day| self.spans(day)).any(|(from, to)| from <= now && now < to)
    }

    fn opening_after(&self, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(self.zone.clone()).date();
        (0..HORIZON_DAYS).find_map(|n| {
            let day = today.checked_add(n.days()).ok()?;
            // A window that began before a holiday's end opens at midnight.
            let midnight = self.instant(day, Time::midnight());
            let mut starts: Vec<Timestamp> = self.spans(day).map(|(from, _)| from).chain(midnight).collect();
            starts.sort();
            starts.into_iter().find(|start| *start > now && self.open_at(*start))
        })
    }

    /// The windows that open on this day.
    fn spans(&self, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let opens = self.open.iter().filter(move |hours| hours.days.contains(&day.weekday().to_monday_one_offset()));
        opens.filter_map(move |hours| {
            let end = if hours.to.1 { day.checked_add(1.day()).ok()? } else { day };
            Some((self.instant(day, hours.from)?, self.instant(end, hours.to.0)?))
        })
    }

    fn instant(&self, day: Date, time: Time) -> Option<Timestamp> {
        day.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp())
    }

    fn is_holiday(&self, day: Date) -> bool {
        self.holidays.iter().any(|(first, last)| *first <= day && day <= *last)
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten();
    Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
}

fn dates(text: &str) -> Option<(Date, Date)> {
    let (first, last) = text.split_once('/').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// Days by number, Monday first; a range may go over the end of the week.
fn weekdays(text: &str) -> Option<Vec<i8>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (weekday(first)?, weekday(last)?);
    let day = |n: i8| (first - 1 + n) % 7 + 1;
    let length = (last - first).rem_euclid(7);
    Some((0..=length).map(day).collect())
}

fn weekday(text: &str) -> Option<i8> {
    let days = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    let text = text.trim().to_lowercase();
    let named = |day: &Weekday| {
        let name = format!("{day:?}").to_lowercase();
        name == text || name.get(..3) == Some(text.as_str())
    };
    days.into_iter().find(named).map(Weekday::to_monday_one_offset)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn windows(value: Value) -> Windows {
        serde_json::from_value(value).unwrap()
    }

    /// When it opens next, or `open`.
    fn check(windows: &Windows, now: &str, expect: &str) {
        let until = windows.closed_until(now.parse().unwrap());
        assert_eq!(until.map_or("open".to_owned(), |until| until.to_string()), expect, "at {now}");
    }

    #[test]
    fn nights_and_weekends_in_a_time_zone() {
        let windows = windows(json!({"timezone": "Europe/Amsterdam", "open": [
            {"days": ["mon-fri"], "from": "20:00", "to": "06:00"}, {"days": ["sat", "sunday"]}]}));
        assert_eq!(windows.problems(), None);
        // 2027-01-13 is a Wednesday.
        check(&windows, "2027-01-13T12:00:00Z", "2027-01-13T19:00:00Z");
        check(&windows, "2027-01-13T19:00:00Z", "open");
        check(&windows, "2027-01-14T04:59:59Z", "open");
        check(&windows, "2027-01-14T05:00:00Z", "2027-01-14T19:00:00Z");
        check(&windows, "2027-01-16T12:00:00Z", "open");
        check(&windows, "2027-01-18T01:00:00Z", "2027-01-18T19:00:00Z");
    }

    #[test]
    fn holidays_are_closed_at_every_hour() {
        let windows = windows(json!({"holidays": ["2026-12-24/2026-12-26", "2027-01-01"],
            "open": [{"from": "22:00", "to": "04:00"}]}));
        check(&windows, "2026-12-23T23:00:00Z", "open");
        check(&windows, "2026-12-24T01:00:00Z", "2026-12-27T00:00:00Z");
        check(&windows, "2026-12-31T23:30:00Z", "open");
        check(&windows, "2027-01-01T23:30:00Z", "2027-01-02T00:00:00Z");
    }

    #[test]
    fn hour_that_does_not_exist_or_exists_twice_is_no_trouble() {
        let windows = windows(json!({"timezone": "Europe/Amsterdam", "open": [{"from": "02:30", "to": "04:30"}]}));
        check(&windows, "2027-03-28T00:00:00Z", "2027-03-28T01:30:00Z");
        check(&windows, "2027-10-31T00:45:00Z", "open");
    }

    #[test]
    fn what_never_opens_is_asked_again_after_a_day() {
        let never = windows(json!({"holidays": ["2026-01-01/2999-01-01"]}));
        check(&never, "2027-01-13T12:00:00Z", "2027-01-14T12:00:00Z");
        let broken = windows(json!({"timezone": "Mars/Base", "open": [{}]}));
        check(&broken, "2027-01-13T12:00:00Z", "2027-01-14T12:00:00Z");
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let place = |value: Value| windows(value).problems().map(|(path, _)| path).unwrap_or_default();
        assert_eq!(place(json!({})), "windows");
        assert_eq!(place(json!({"timezone": "Mars/Base", "open": [{}]})), "windows.timezone");
        assert_eq!(place(json!({"open": [{}, {"days": ["caturday"]}]})), "windows.open[1].days");
        assert_eq!(place(json!({"open": [{"from": "8pm"}]})), "windows.open[0].from");
        assert_eq!(place(json!({"open": [{"to": "25:00"}]})), "windows.open[0].to");
        assert_eq!(place(json!({"holidays": ["12-25"]})), "windows.holidays[0]");
        assert_eq!(place(json!({"holidays": ["2027-01-02/2027-01-01"]})), "windows.holidays[0]");
    }
}
