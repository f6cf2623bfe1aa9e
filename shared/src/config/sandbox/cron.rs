//! When EventBridge Scheduler fires: its cron expressions, read and worked out as AWS documents them
//! (<https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based>).
//!
//! People are told the time of a reset before it comes, so what is not understood for certain is an error and never a
//! guess: ranges that run backwards and Quartz's `LW` and `L-3`, which AWS does not document, are refused.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The last year that AWS takes.
const LAST_YEAR: i16 = 2199;

/// A cron expression of six fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// Which days of a month; one of the two fields is always `?`.
#[derive(Clone, Debug, PartialEq)]
enum Days {
    OfMonth(Vec<OfMonth>),
    OfWeek(Vec<OfWeek>),
}

#[derive(Clone, Debug, PartialEq)]
enum OfMonth {
    On(BTreeSet<i16>),
    Last,
    /// The weekday nearest to the day, within the month.
    Nearest(i16),
}

/// Days of the week count from 1, a Sunday.
#[derive(Clone, Debug, PartialEq)]
enum OfWeek {
    On(BTreeSet<i16>),
    /// The last one of the month.
    Last(i16),
    /// The first, second … one of the month.
    Nth(i16, i16),
}

impl std::str::FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [minutes, hours, day, month, weekday, year] = text.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(
                "expected six fields: minutes hours day-of-month month day-of-week year (0 2 ? * SUN *)".to_owned()
            );
        };
        let days = match (day, weekday) {
            ("?", "?") => Err("day-of-month and day-of-week are both `?`; one of them must say a day".to_owned()),
            ("?", weekday) => of_week(weekday).map(Days::OfWeek),
            (day, "?") => of_month(day).map(Days::OfMonth),
            _ => {
                Err("day-of-month and day-of-week are both given; write `?` in one of them, as AWS wants it".to_owned())
            }
        };
        Ok(Self {
            minutes: Field("minutes", 0, 59, &[]).read(minutes)?,
            hours: Field("hours", 0, 23, &[]).read(hours)?,
            days: days?,
            months: Field("month", 1, 12, &MONTHS).read(month)?,
            years: Field("year", 1970, LAST_YEAR, &[]).read(year)?,
        })
    }
}

/// A field's name, its smallest and largest value, and the words for its values.
struct Field(&'static str, i16, i16, &'static [&'static str]);

const OF_MONTH: Field = Field("day-of-month", 1, 31, &[]);
const OF_WEEK: Field = Field("day-of-week", 1, 7, &DAYS);

impl Field {
    fn read(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let mut all = BTreeSet::new();
        for part in text.split(',') {
            all.extend(self.part(part)?);
        }
        Ok(all)
    }

    /// `*`, `5`, `1-5`, `0/15`, `1-30/2`, `*/10`.
    fn part(&self, text: &str) -> Result<Vec<i16>, String> {
        let Self(_, first, last, _) = *self;
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => {
                (range, Some(step.parse::<i16>().ok().filter(|step| *step > 0).ok_or_else(|| self.wrong(text))?))
            }
            None => (text, None),
        };
        let (from, until) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, until)) => (self.value(from)?, self.value(until)?),
            None => {
                let from = self.value(range)?;
                (from, if step.is_some() { last } else { from })
            }
        };
        if from > until {
            return Err(format!("{}: `{text}` runs backwards; write it as two ranges", self.0));
        }
        Ok((from..=until).step_by(usize::try_from(step.unwrap_or(1)).unwrap_or(1)).collect())
    }

    fn value(&self, text: &str) -> Result<i16, String> {
        let Self(_, first, last, words) = *self;
        let word = words.iter().position(|word| word.eq_ignore_ascii_case(text)).and_then(|n| i16::try_from(n).ok());
        let plain = || text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i16>().ok()).flatten();
        let value = word.map(|n| n + first).or_else(plain);
        value.filter(|value| (first..=last).contains(value)).ok_or_else(|| self.wrong(text))
    }

    fn wrong(&self, text: &str) -> String {
        let Self(name, first, last, words) = self;
        let words = match words {
            [from, .., until] => format!(" or {from}-{until}"),
            _ => String::new(),
        };
        format!("{name}: `{text}` is not understood; expected {first}-{last}{words}, with `,`, `-`, `*` or `/`")
    }
}

fn of_month(text: &str) -> Result<Vec<OfMonth>, String> {
    let one = |part: &str| match (part, part.strip_suffix(['W', 'w'])) {
        ("L" | "l", _) => Ok(OfMonth::Last),
        (_, Some(day)) => OF_MONTH.value(day).map(OfMonth::Nearest),
        _ => OF_MONTH.read(part).map(OfMonth::On),
    };
    text.split(',').map(one).collect()
}

fn of_week(text: &str) -> Result<Vec<OfWeek>, String> {
    if text.contains('#') && text.contains(',') {
        return Err("day-of-week: with `#` there can be only one expression".to_owned());
    }
    let one = |part: &str| match (part.split_once('#'), part.strip_suffix(['L', 'l'])) {
        (Some((day, nth)), _) => {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(|| OF_WEEK.wrong(part))?;
            Ok(OfWeek::Nth(OF_WEEK.value(day)?, nth))
        }
        // Alone, it is the last day of the week.
        (None, Some("")) => Ok(OfWeek::On(BTreeSet::from([7]))),
        (None, Some(day)) => OF_WEEK.value(day).map(OfWeek::Last),
        (None, None) => OF_WEEK.read(part).map(OfWeek::On),
    };
    text.split(',').map(one).collect()
}

impl Cron {
    /// The first time after `now` at which it fires; `None`: never again.
    pub fn next(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_zoned(zone.clone()).datetime();
        // A day back, because clocks that are set back say the same hour twice.
        let mut date = local.date().saturating_sub(1.day());
        while date.year() <= *self.years.last()? {
            if !self.years.contains(&date.year()) || !self.months.contains(&i16::from(date.month())) {
                date = date.first_of_month().checked_add(1.month()).ok()?;
                continue;
            }
            if self.days.hold(date) {
                let times = self.times(date).filter_map(|time| instant(zone, time));
                if let Some(found) = times.filter(|time| *time > now).min() {
                    return Some(found);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The first time at or after `from` at which it fires.
    pub fn at_or_after(&self, zone: &TimeZone, from: Timestamp) -> Option<Timestamp> {
        self.next(zone, from.checked_sub(1.nanosecond()).ok()?)
    }

    fn times(&self, date: Date) -> impl Iterator<Item = DateTime> {
        let small = |value: &i16| i8::try_from(*value).unwrap_or_default();
        let at = move |hour: &i16, minute: &i16| date.at(small(hour), small(minute), 0, 0);
        self.hours.iter().flat_map(move |hour| self.minutes.iter().map(move |minute| at(hour, minute)))
    }
}

/// The moment of a time on the wall. In spring a time that does not exist is skipped; in autumn one that comes twice
/// counts once. AWS does not say which of the two it takes: the first is assumed.
fn instant(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(time);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}

impl Days {
    fn hold(&self, date: Date) -> bool {
        match self {
            Self::OfMonth(any) => any.iter().any(|one| one.holds(date)),
            Self::OfWeek(any) => any.iter().any(|one| one.holds(date)),
        }
    }
}

impl OfMonth {
    fn holds(&self, date: Date) -> bool {
        match self {
            Self::On(days) => days.contains(&i16::from(date.day())),
            Self::Last => date == date.last_of_month(),
            Self::Nearest(day) => nearest(date, *day) == Some(date),
        }
    }
}

/// The weekday (Monday to Friday) nearest to a day of the month of `date`, without leaving the month.
fn nearest(date: Date, day: i16) -> Option<Date> {
    let wanted = Date::new(date.year(), date.month(), i8::try_from(day).ok()?).ok()?;
    let shift = match wanted.weekday() {
        Weekday::Saturday if day == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if wanted == wanted.last_of_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    wanted.checked_add(shift.days()).ok()
}

impl OfWeek {
    fn holds(&self, date: Date) -> bool {
        let weekday = i16::from(date.weekday().to_sunday_one_offset());
        match self {
            Self::On(days) => days.contains(&weekday),
            Self::Last(day) => weekday == *day && i16::from(date.day()) + 7 > i16::from(date.days_in_month()),
            Self::Nth(day, nth) => weekday == *day && (i16::from(date.day()) - 1) / 7 + 1 == *nth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes after `now`, as many times as are expected, in local time.
    fn check(cron: &str, zone: &str, now: &str, expect: &[&str]) {
        let (cron, zone): (Cron, _) = (cron.parse().unwrap(), TimeZone::get(zone).unwrap());
        let mut now: Timestamp = now.parse().unwrap();
        for expect in expect {
            now = cron.next(&zone, now).unwrap();
            assert_eq!(now.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string(), *expect);
        }
    }

    fn wrong(cron: &str, says: &str) {
        let error = cron.parse::<Cron>().unwrap_err();
        assert!(error.contains(says), "{cron}: {error}");
    }

    const JANUARY: &str = "2027-01-01T00:00:00Z";

    #[test]
    fn documented_examples() {
        // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
        check("0 10 * * ? *", "UTC", JANUARY, &["Fri 2027-01-01 10:00", "Sat 2027-01-02 10:00"]);
        check("15 12 * * ? *", "UTC", JANUARY, &["Fri 2027-01-01 12:15"]);
        check("0 18 ? * MON-FRI *", "UTC", JANUARY, &["Fri 2027-01-01 18:00", "Mon 2027-01-04 18:00"]);
        check("0 8 1 * ? *", "UTC", JANUARY, &["Fri 2027-01-01 08:00", "Mon 2027-02-01 08:00"]);
        check("0/15 * * * ? *", "UTC", JANUARY, &["Fri 2027-01-01 00:15", "Fri 2027-01-01 00:30"]);
        check("0/10 * ? * MON-FRI *", "UTC", "2027-01-01T23:55:00Z", &["Mon 2027-01-04 00:00", "Mon 2027-01-04 00:10"]);
        check(
            "0/5 8-17 ? * MON-FRI *",
            "UTC",
            "2027-01-01T17:50:00Z",
            &["Fri 2027-01-01 17:55", "Mon 2027-01-04 08:00"],
        );
        check("0/30 20-23 ? * MON-FRI *", "UTC", JANUARY, &["Fri 2027-01-01 20:00", "Fri 2027-01-01 20:30"]);
        // https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        check(
            "15 10 ? * 6L 2022-2023",
            "UTC",
            "2023-10-28T00:00:00Z",
            &["Fri 2023-11-24 10:15", "Fri 2023-12-29 10:15"],
        );
    }

    #[test]
    fn last_nearest_and_nth_days() {
        check("0 2 L * ? *", "UTC", "2028-01-31T03:00:00Z", &["Tue 2028-02-29 02:00", "Fri 2028-03-31 02:00"]);
        check("0 2 ? * L *", "UTC", JANUARY, &["Sat 2027-01-02 02:00", "Sat 2027-01-09 02:00"]);
        check("0 2 ? * SUNL *", "UTC", JANUARY, &["Sun 2027-01-31 02:00", "Sun 2027-02-28 02:00"]);
        check("0 2 ? * 3#2 *", "UTC", JANUARY, &["Tue 2027-01-12 02:00", "Tue 2027-02-09 02:00"]);
        check("0 2 ? * FRI#5 *", "UTC", "2027-01-30T00:00:00Z", &["Fri 2027-04-30 02:00"]);
        // 1 May 2027 is a Saturday, 31 January a Sunday, 15 May a Saturday.
        check("0 2 1W 5 ? *", "UTC", JANUARY, &["Mon 2027-05-03 02:00"]);
        check("0 2 31W 1 ? *", "UTC", JANUARY, &["Fri 2027-01-29 02:00"]);
        check("0 2 15W * ? *", "UTC", "2027-05-01T00:00:00Z", &["Fri 2027-05-14 02:00", "Tue 2027-06-15 02:00"]);
        check("0 2 1,15,L * ? *", "UTC", "2027-01-02T00:00:00Z", &["Fri 2027-01-15 02:00", "Sun 2027-01-31 02:00"]);
    }

    #[test]
    fn lists_ranges_and_steps() {
        check("0 2 ? FEB,aug mon 2027", "UTC", "2027-02-22T03:00:00Z", &["Mon 2027-08-02 02:00"]);
        check(
            "*/20 1 ? * 1 *",
            "UTC",
            JANUARY,
            &["Sun 2027-01-03 01:00", "Sun 2027-01-03 01:20", "Sun 2027-01-03 01:40"],
        );
        check("0 8-16/4 2/10 * ? *", "UTC", "2027-01-02T15:00:00Z", &["Sat 2027-01-02 16:00", "Tue 2027-01-12 08:00"]);
    }

    #[test]
    fn zones_and_their_clocks() {
        let zone = "Europe/Amsterdam";
        check("0 2 ? * SUN *", zone, "2027-01-01T00:00:00Z", &["Sun 2027-01-03 02:00"]);
        // On 28 March 2027 there is no 02:30, so that Sunday is skipped.
        check("30 2 ? * SUN *", zone, "2027-03-22T00:00:00Z", &["Sun 2027-04-04 02:30"]);
        // On 31 October 2027 02:30 comes twice, and counts once.
        check("30 2 ? * SUN *", zone, "2027-10-25T00:00:00Z", &["Sun 2027-10-31 02:30", "Sun 2027-11-07 02:30"]);
    }

    #[test]
    fn a_schedule_can_end() {
        let never: Cron = "0 2 ? * SUN 2026".parse().unwrap();
        assert_eq!(never.next(&TimeZone::UTC, JANUARY.parse().unwrap()), None);
        let no_such_day: Cron = "0 2 31 2 ? *".parse().unwrap();
        assert_eq!(no_such_day.next(&TimeZone::UTC, JANUARY.parse().unwrap()), None);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        wrong("0 2 * *", "six fields");
        wrong("0 2 * * * *", "write `?` in one");
        wrong("0 2 ? * ? *", "both `?`");
        wrong("60 2 ? * SUN *", "minutes: `60`");
        wrong("0 2 ? * SUNDAY *", "day-of-week");
        wrong("0 2 ? * 0 *", "day-of-week");
        wrong("0 22-2 ? * SUN *", "backwards");
        wrong("0 2 LW * ? *", "day-of-month");
        wrong("0 2 L-3 * ? *", "day-of-month");
        wrong("0 2 ? * MON#6 *", "day-of-week");
        wrong("0 2 ? * MON#1,FRI#2 *", "only one");
        wrong("0/0 2 ? * SUN *", "minutes");
        wrong("+5 2 ? * SUN *", "minutes");
        wrong("0 2 ? * SUN 1969", "year");
    }
}
