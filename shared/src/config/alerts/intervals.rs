//! Named times: hours, weekdays, days of the month and months, in a time zone.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A time that has a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// An IANA name; default UTC.
    #[serde(default = "utc")]
    pub timezone: String,
    /// The time is any of these.
    pub when: Vec<Stretch>,
}

/// Hours of days; whatever is not said is any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// `22:00-06:00`; one that ends no later than it begins ends on the next day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<String>,
    /// `sat`, or `mon-fri`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<String>,
    /// `1`, `1-7`; `-1` is the last day, `-3--1` the last three.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days_of_month: Vec<String>,
    /// `dec`, or `nov-jan`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// An interval, read.
#[derive(Clone, Debug)]
struct Calendar {
    zone: TimeZone,
    stretches: Vec<Hours>,
}

#[derive(Clone, Debug)]
struct Hours {
    /// From, to, and whether `to` is on the next day.
    times: Vec<(Time, Time, bool)>,
    weekdays: BTreeSet<i8>,
    days: Vec<(i8, i8)>,
    months: BTreeSet<i8>,
}

/// How far ahead a change is looked for.
const HORIZON_DAYS: i64 = 400;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl Interval {
    /// Whether it is that time. An interval that cannot be read was refused before, and never is.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.calendar().is_ok_and(|calendar| calendar.holds(now))
    }

    /// What is wrong with it: the path below it, and what.
    pub fn problems(&self) -> Option<(String, String)> {
        match self.calendar() {
            Err(problem) => Some(problem),
            Ok(_) if self.when.is_empty() => Some(("when".to_owned(), "name at least one stretch of time".to_owned())),
            Ok(_) => None,
        }
    }

    fn calendar(&self) -> Result<Calendar, (String, String)> {
        let zone = TimeZone::get(&self.timezone).map_err(|_| {
            let message = format!("`{}` is not a time zone such as Europe/Amsterdam", self.timezone);
            ("timezone".to_owned(), message)
        })?;
        let read = |(n, stretch): (usize, &Stretch)| {
            stretch.hours().map_err(|(member, message)| (format!("when[{n}].{member}"), message))
        };
        Ok(Calendar { zone, stretches: self.when.iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }
}

/// The first moment after `now` at which `is` no longer holds, as far as the intervals change anything.
pub fn end_of(intervals: &[&Interval], now: Timestamp, is: impl Fn(Timestamp) -> bool) -> Option<Timestamp> {
    let calendars: Vec<Calendar> = intervals.iter().filter_map(|interval| interval.calendar().ok()).collect();
    (-1..HORIZON_DAYS).find_map(|n| {
        let mut changes: Vec<Timestamp> = calendars.iter().flat_map(|calendar| calendar.changes(now, n)).collect();
        changes.sort();
        changes.into_iter().find(|at| *at > now && !is(*at))
    })
}

impl Stretch {
    fn hours(&self) -> Result<Hours, (&'static str, String)> {
        let wrong = |member: &'static str, text: &str, like: &str| (member, format!("`{text}` is not {like}"));
        let mut hours =
            Hours { times: Vec::new(), weekdays: BTreeSet::new(), days: Vec::new(), months: BTreeSet::new() };
        for text in &self.times {
            hours.times.push(times(text).ok_or_else(|| wrong("times", text, "a time such as 22:00-06:00"))?);
        }
        for text in &self.weekdays {
            let days = names(text, &WEEKDAYS).ok_or_else(|| wrong("weekdays", text, "a day such as sat or mon-fri"))?;
            hours.weekdays.extend(days);
        }
        for text in &self.days_of_month {
            hours.days.push(days(text).ok_or_else(|| wrong("days_of_month", text, "a day such as 1, 1-7 or -1"))?);
        }
        for text in &self.months {
            let months = names(text, &MONTHS).ok_or_else(|| wrong("months", text, "a month such as dec or nov-jan"))?;
            hours.months.extend(months);
        }
        if hours.times.is_empty() {
            hours.times.push((Time::midnight(), Time::midnight(), true));
        }
        Ok(hours)
    }
}

impl Calendar {
    fn holds(&self, now: Timestamp) -> bool {
        let today = now.to_zoned(self.zone.clone()).date();
        let yesterday = today.checked_sub(1.day()).unwrap_or(today);
        let spans = [yesterday, today].into_iter().flat_map(|day| self.spans(day));
        spans.into_iter().any(|(from, to)| from <= now && now < to)
    }

    /// The stretches that begin on this day.
    fn spans(&self, day: Date) -> Vec<(Timestamp, Timestamp)> {
        let next = day.checked_add(1.day()).unwrap_or(day);
        let on = self.stretches.iter().filter(|hours| hours.is_on(day)).flat_map(|hours| &hours.times);
        let span = |(from, to, over): &(Time, Time, bool)| {
            Some((self.instant(day, *from)?, self.instant(if *over { next } else { day }, *to)?))
        };
        on.filter_map(span).collect()
    }

    /// When something begins or ends, of what begins on the day that is `n` days away.
    fn changes(&self, now: Timestamp, n: i64) -> Vec<Timestamp> {
        let today = now.to_zoned(self.zone.clone()).date();
        let Ok(day) = today.checked_add(n.days()) else { return Vec::new() };
        self.spans(day).into_iter().flat_map(|(from, to)| [from, to]).collect()
    }

    fn instant(&self, day: Date, time: Time) -> Option<Timestamp> {
        day.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp())
    }
}

impl Hours {
    fn is_on(&self, day: Date) -> bool {
        let of_month = |n: i8| if n < 0 { day.days_in_month() + 1 + n } else { n };
        let is_day = |(first, last): &(i8, i8)| of_month(*first) <= day.day() && day.day() <= of_month(*last);
        (self.weekdays.is_empty() || self.weekdays.contains(&day.weekday().to_monday_one_offset()))
            && (self.months.is_empty() || self.months.contains(&day.month()))
            && (self.days.is_empty() || self.days.iter().any(is_day))
    }
}

fn times(text: &str) -> Option<(Time, Time, bool)> {
    let (from, to) = text.split_once('-')?;
    let from = time(from)?;
    if to.trim() == "24:00" {
        return Some((from, Time::midnight(), true));
    }
    let to = time(to)?;
    Some((from, to, to <= from))
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten();
    Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
}

/// Days of a month: one, or two with a `-` between them; either may count from the end.
fn days(text: &str) -> Option<(i8, i8)> {
    let text = text.trim();
    let between = text.char_indices().skip(1).find(|(_, c)| *c == '-').map(|(at, _)| at);
    let (first, last) = match between {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, text),
    };
    let day = |text: &str| text.trim().parse::<i8>().ok().filter(|n| (1..=31).contains(&n.abs()));
    let (first, last) = (day(first)?, day(last)?);
    (first.signum() != last.signum() || first <= last).then_some((first, last))
}

/// Names by number, counted from 1; a range may go over the end.
fn names(text: &str, of: &[&str]) -> Option<Vec<i8>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        let text = text.trim().to_lowercase();
        of.iter().position(|name| *name == text || name.get(..3) == Some(text.as_str()))
    };
    let (first, last) = (number(first)?, number(last)?);
    let length = (last + of.len() - first) % of.len();
    (0..=length).map(|n| i8::try_from((first + n) % of.len() + 1).ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Until when it is that time, or `no`.
    fn check(interval: Value, now: &str, expect: &str) {
        let interval: Interval = serde_json::from_value(interval).unwrap();
        assert_eq!(interval.problems(), None);
        let now: Timestamp = now.parse().unwrap();
        let until = interval.holds(now).then(|| end_of(&[&interval], now, |at| interval.holds(at)));
        let told = until.map_or("no".to_owned(), |until| until.map_or("always".to_owned(), |until| until.to_string()));
        assert_eq!(told, expect, "at {now}");
    }

    #[test]
    fn nights_belong_to_the_day_on_which_they_begin() {
        let nights =
            json!({"timezone": "Europe/Amsterdam", "when": [{"times": ["22:00-06:00"], "weekdays": ["mon-fri"]}]});
        // 2027-01-13 is a Wednesday, an hour ahead of UTC.
        check(nights.clone(), "2027-01-13T12:00:00Z", "no");
        check(nights.clone(), "2027-01-13T21:00:00Z", "2027-01-14T05:00:00Z");
        check(nights.clone(), "2027-01-16T04:00:00Z", "2027-01-16T05:00:00Z");
        check(nights, "2027-01-18T04:00:00Z", "no");
    }

    #[test]
    fn stretches_that_meet_are_one() {
        let off = json!({"when": [{"weekdays": ["sat", "sun"]}, {"times": ["00:00-08:00"], "weekdays": ["monday"]}]});
        check(off, "2027-01-16T12:00:00Z", "2027-01-18T08:00:00Z");
    }

    #[test]
    fn days_count_from_both_ends_of_the_month() {
        let close = json!({"when": [{"days_of_month": ["-2--1"], "months": ["dec-feb"]}]});
        check(close.clone(), "2027-02-27T00:00:00Z", "2027-03-01T00:00:00Z");
        check(close.clone(), "2027-02-26T23:59:59Z", "no");
        check(close, "2027-03-31T12:00:00Z", "no");
    }

    #[test]
    fn hour_that_exists_twice_is_no_trouble() {
        let night = json!({"timezone": "Europe/Amsterdam", "when": [{"times": ["02:30-03:30"]}]});
        check(night, "2027-10-31T00:45:00Z", "2027-10-31T02:30:00Z");
    }

    #[test]
    fn what_never_ends_has_no_end() {
        check(json!({"when": [{}]}), "2027-01-01T00:00:00Z", "always");
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let place = |value: Value| {
            let interval: Interval = serde_json::from_value(value).unwrap();
            interval.problems().map(|(path, _)| path).unwrap_or_default()
        };
        assert_eq!(place(json!({"when": []})), "when");
        assert_eq!(place(json!({"timezone": "Mars/Base", "when": [{}]})), "timezone");
        assert_eq!(place(json!({"when": [{}, {"weekdays": ["caturday"]}]})), "when[1].weekdays");
        assert_eq!(place(json!({"when": [{"times": ["8pm-9pm"]}]})), "when[0].times");
        assert_eq!(place(json!({"when": [{"days_of_month": ["32"]}]})), "when[0].days_of_month");
        assert_eq!(place(json!({"when": [{"months": ["smarch"]}]})), "when[0].months");
    }
}
