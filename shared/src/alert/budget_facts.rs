//! What a budget notification does not say: the period, the linked accounts, and whether it is true.
//!
//! The text can be sent by anyone who may publish to the topic, and it names neither the account that spends nor the
//! period, so the budget itself is read before anybody acts. A budget that cannot be read never holds the alert up.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::{Decimal, RoundingStrategy};

use super::enrich::World;
use super::model::Alert;
use super::sources::Budget;
use super::spending::{Confirmation, Spending};
use crate::aws::budgets::{BudgetFacts, Spend, TimeUnit};
use crate::types::AccountId;

/// Adds what the budget itself says.
pub(super) async fn confirm(mut alert: Alert, said: &Budget, world: &World) -> Alert {
    let (Some(owner), Some(name)) = (&said.owner, &said.name) else {
        alert.partial("the text names no budget");
        return alert;
    };
    match world.budgets.describe(owner, name).await {
        Ok(facts) => add(&mut alert, said, &facts, world.now),
        Err(error) if error.is_gone() => alert.partial(format_args!("{owner} has no budget of this name (any more)")),
        Err(error) => alert.partial(error),
    }
    alert
}

fn add(alert: &mut Alert, said: &Budget, facts: &BudgetFacts, now: Timestamp) {
    if let Some(account) = only(facts) {
        alert.account = Some(account);
    } else if !facts.accounts.is_empty() {
        let ids: Vec<&str> = facts.accounts.iter().map(AsRef::as_ref).collect();
        alert.fact("accounts", ids.join(" "));
    }
    let today = date(now);
    let late = is_late(said, facts);
    let period = Period::of(facts, said.published.unwrap_or(today), late);
    if let Some(period) = period {
        alert.identity.episode = period.start.to_string();
        alert.label("period", period.start.to_string());
        alert.label("until", period.until.to_string());
        alert.fact("period", format!("{} from {}", facts.unit.name(), period.start));
    }
    if let Some(actual) = &facts.actual {
        alert.fact("actual spend now", format!("{} {}", actual.amount.normalize(), actual.unit));
    }
    if let Some(forecast) = &facts.forecast {
        alert.fact("forecast", format!("{} {}", forecast.amount.normalize(), forecast.unit));
    }
    let confirmed = if late { Confirmation::Late } else { confirmation(said, facts, period, today) };
    alert.label("confirmed", confirmed.name());
    alert.fact("confirmed", confirmed.sentence());
    alert.spending = period.and_then(|period| spending(said, facts, period, confirmed));
}

/// The spend of the same period as AWS tells it now; `None` on the period's first day still.
pub(super) fn again(before: &Spending, facts: &BudgetFacts, now: Timestamp) -> Option<Spending> {
    let today = date(now);
    if today == before.start {
        return None;
    }
    let period = Period::of(facts, today, false).filter(|period| period.start == before.start);
    let confirmed = if period.is_some() { Confirmation::Yes } else { Confirmation::Over };
    Some(Spending {
        percent: percent(facts),
        is_cost: facts.is_cost,
        account: only(facts),
        confirmed,
        ..before.clone()
    })
}

/// The one account that all of the spend is of.
fn only(facts: &BudgetFacts) -> Option<AccountId> {
    let mut accounts = facts.accounts.iter();
    accounts.next().filter(|_| accounts.next().is_none()).cloned()
}

fn percent(facts: &BudgetFacts) -> Option<Decimal> {
    facts.actual.as_ref().zip(facts.limit.as_ref()).and_then(share)
}

fn spending(said: &Budget, facts: &BudgetFacts, period: Period, confirmed: Confirmation) -> Option<Spending> {
    Some(Spending {
        owner: said.owner.clone()?,
        budget: said.name.clone()?,
        account: only(facts),
        start: period.start,
        until: period.until,
        percent: percent(facts),
        is_cost: facts.is_cost,
        is_actual: said.is_actual_excess(),
        confirmed,
    })
}

/// The one in percent of the other, never more than it is: somebody may lose an account over it.
fn share((part, whole): (&Spend, &Spend)) -> Option<Decimal> {
    let percent = part.amount.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole.amount)?;
    (part.unit == whole.unit).then(|| percent.round_dp_with_strategy(1, RoundingStrategy::ToZero).normalize())
}

/// Whether the notification may be about the period before: on the first day of a period AWS still sums up the last.
fn is_late(said: &Budget, facts: &BudgetFacts) -> bool {
    let first_day = said.published.is_some_and(|day| begins(facts, day));
    let spent_less = actual(facts).zip(said.reported()).is_some_and(|(now, reported)| now < reported);
    first_day && said.is_actual_excess() && spent_less
}

/// Whether `day` is the first of a period longer than a day.
fn begins(facts: &BudgetFacts, day: Date) -> bool {
    facts.unit != TimeUnit::Daily && Period::of(facts, day, false).is_some_and(|period| period.start == day)
}

fn confirmation(said: &Budget, facts: &BudgetFacts, period: Option<Period>, today: Date) -> Confirmation {
    let (true, Some(now), Some(threshold)) = (said.is_actual_excess(), actual(facts), said.threshold()) else {
        return Confirmation::Unknown;
    };
    // The spend that was read is that of today's period, which need not be the one of the message.
    if facts.unit != TimeUnit::Daily && Period::of(facts, today, false) != period {
        return Confirmation::Over;
    }
    match now >= threshold {
        false => Confirmation::Below,
        true if begins(facts, today) => Confirmation::TooEarly,
        true => Confirmation::Yes,
    }
}

fn actual(facts: &BudgetFacts) -> Option<Decimal> {
    facts.actual.as_ref().map(|spend| spend.amount)
}

/// A period of a budget; days begin at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Period {
    start: Date,
    until: Timestamp,
}

impl Period {
    /// The period that a notification of `day` is about; `late`: the one before.
    fn of(facts: &BudgetFacts, day: Date, late: bool) -> Option<Self> {
        let day = if late { day.yesterday().ok()? } else { day };
        let first = day.first_of_month();
        let (start, end) = match facts.unit {
            // A daily budget reports the day before, and what it reports stands until the next report.
            TimeUnit::Daily => (day.yesterday().ok()?, day.tomorrow().ok()?),
            TimeUnit::Monthly => (first, first.checked_add(1.month()).ok()?),
            TimeUnit::Quarterly => {
                let start = Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok()?;
                (start, start.checked_add(3.months()).ok()?)
            }
            TimeUnit::Annually => {
                let start = Date::new(day.year(), 1, 1).ok()?;
                (start, start.checked_add(1.year()).ok()?)
            }
            TimeUnit::Other => return Some(Self { start: date(facts.start?), until: facts.end? }),
        };
        Some(Self { start, until: end.to_zoned(TimeZone::UTC).ok()?.timestamp() })
    }
}

fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(unit: TimeUnit, actual: &str) -> BudgetFacts {
        let spend = |amount: &str| Some(Spend { amount: amount.parse().unwrap(), unit: "USD".to_owned() });
        BudgetFacts { unit, actual: spend(actual), limit: spend("100"), is_cost: true, ..BudgetFacts::default() }
    }

    fn said(day: &str) -> Budget {
        Budget::read(&format!(
            "AWS Budget Notification {day}\nAWS Account 111122223333\n\nBudget Name: b\nBudgeted Amount: $100.00\n\
             Alert Type: ACTUAL\nAlert Threshold: > $100.00\nACTUAL Amount: $118.90\n"
        ))
    }

    fn check(unit: TimeUnit, day: &str, actual: &str, expect: [&str; 2]) {
        let (said, facts) = (said(day), facts(unit, actual));
        let period = Period::of(&facts, said.published.unwrap(), is_late(&said, &facts)).unwrap();
        assert_eq!([period.start.to_string(), date(period.until).to_string()], expect);
    }

    #[test]
    fn period_follows_the_budget() {
        check(TimeUnit::Monthly, "November 19, 2026", "118.90", ["2026-11-01", "2026-12-01"]);
        check(TimeUnit::Monthly, "December 31, 2026", "118.90", ["2026-12-01", "2027-01-01"]);
        check(TimeUnit::Quarterly, "November 19, 2026", "118.90", ["2026-10-01", "2027-01-01"]);
        check(TimeUnit::Annually, "November 19, 2026", "118.90", ["2026-01-01", "2027-01-01"]);
        check(TimeUnit::Daily, "November 04, 2026", "118.90", ["2026-11-03", "2026-11-05"]);
    }

    #[test]
    fn late_data_on_the_first_day_belongs_to_the_period_before() {
        check(TimeUnit::Monthly, "December 01, 2026", "2.10", ["2026-11-01", "2026-12-01"]);
        check(TimeUnit::Monthly, "December 02, 2026", "2.10", ["2026-12-01", "2027-01-01"]);
    }

    #[test]
    fn budget_of_its_own_dates_has_one_period() {
        let at = |text: &str| Some(text.parse().unwrap());
        let dates = BudgetFacts {
            start: at("2026-11-10T00:00:00Z"),
            end: at("2026-12-24T00:00:00Z"),
            ..facts(TimeUnit::Other, "1")
        };
        let period = Period::of(&dates, said("November 19, 2026").published.unwrap(), false).unwrap();
        assert_eq!((period.start.to_string().as_str(), Some(period.until)), ("2026-11-10", dates.end));
    }

    fn confirmed(unit: TimeUnit, day: &str, actual: &str, now: &str, expect: Confirmation) {
        let mut alert = Alert::new("m", "aws-budgets", "budget", "");
        add(&mut alert, &said(day), &facts(unit, actual), now.parse().unwrap());
        let spending = alert.spending.unwrap();
        assert_eq!(spending.confirmed, expect, "{day} {actual} {now}");
        assert_eq!(alert.labels["confirmed"].as_str(), expect.name());
        assert_eq!(spending.until.to_string(), alert.labels["until"].as_str());
    }

    #[test]
    fn only_what_the_budget_bears_out_is_confirmed() {
        use TimeUnit::{Daily, Monthly};
        confirmed(Monthly, "November 19, 2026", "104", "2026-11-19T09:00:00Z", Confirmation::Yes);
        confirmed(Monthly, "November 19, 2026", "3", "2026-11-19T09:00:00Z", Confirmation::Below);
        confirmed(Monthly, "December 01, 2026", "118.90", "2026-12-01T03:00:00Z", Confirmation::TooEarly);
        confirmed(Monthly, "December 01, 2026", "2.10", "2026-12-01T03:00:00Z", Confirmation::Late);
        confirmed(Monthly, "November 30, 2026", "118.90", "2026-12-02T03:00:00Z", Confirmation::Over);
        confirmed(Daily, "December 01, 2026", "118.90", "2026-12-01T03:00:00Z", Confirmation::Yes);
    }

    #[test]
    fn percent_is_of_the_budget_and_not_of_the_message() {
        assert_eq!(
            share((&facts(TimeUnit::Monthly, "120.04").actual.unwrap(), &facts(TimeUnit::Monthly, "1").limit.unwrap()))
                .unwrap()
                .to_string(),
            "120"
        );
        let nothing = facts(TimeUnit::Monthly, "0").actual.unwrap();
        assert_eq!(share((&nothing, &nothing)), None);
    }

    #[test]
    fn spend_of_several_accounts_is_of_none() {
        let mut several = facts(TimeUnit::Monthly, "104");
        several.accounts = ["444455556666", "555566667777"].iter().map(|id| id.parse().unwrap()).collect();
        let (said, now) = (said("November 19, 2026"), "2026-11-19T09:00:00Z".parse().unwrap());
        let mut alert = Alert::new("m", "aws-budgets", "budget", "");
        add(&mut alert, &said, &several, now);
        assert_eq!(alert.spending.unwrap().account, None);
        assert_eq!(alert.facts[0].value.as_str(), "444455556666 555566667777");
    }
}
