//! What a budget notification does not say: the period, the linked accounts, and whether it is true.
//!
//! The text can be sent by anyone who may publish to the topic, and it names neither the account that spends nor the
//! period, so the budget itself is read before anybody acts. A budget that cannot be read never holds the alert up.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::enrich::World;
use super::model::Alert;
use super::sources::Budget;
use crate::aws::budgets::{BudgetFacts, TimeUnit};

/// Adds what the budget itself says.
pub(super) async fn confirm(mut alert: Alert, said: &Budget, world: &World) -> Alert {
    let (Some(owner), Some(name)) = (&said.owner, &said.name) else {
        alert.partial("the text names no budget");
        return alert;
    };
    match world.budgets.describe(owner, name).await {
        Ok(facts) => add(&mut alert, said, &facts),
        Err(error) if error.is_gone() => alert.partial(format_args!("{owner} has no budget of this name (any more)")),
        Err(error) => alert.partial(error),
    }
    alert
}

fn add(alert: &mut Alert, said: &Budget, facts: &BudgetFacts) {
    if let [account] = facts.accounts.iter().collect::<Vec<_>>().as_slice() {
        alert.account = Some((*account).clone());
    } else if !facts.accounts.is_empty() {
        let ids: Vec<&str> = facts.accounts.iter().map(AsRef::as_ref).collect();
        alert.fact("accounts", ids.join(" "));
    }
    let late = is_late(said, facts);
    if let Some(start) = said.published.and_then(|day| period(facts, day, late)) {
        alert.identity.episode = start.to_string();
        alert.label("period", start.to_string());
        alert.fact("period", format!("{} from {start}", facts.unit.name()));
    }
    if let Some(actual) = &facts.actual {
        alert.fact("actual spend now", format!("{} {}", actual.amount.normalize(), actual.unit));
    }
    if let Some(forecast) = &facts.forecast {
        alert.fact("forecast", format!("{} {}", forecast.amount.normalize(), forecast.unit));
    }
    alert.fact("confirmed", confirmation(said, facts, late));
}

/// Whether the notification may be about the period before: on the first day of a period AWS still sums up the last.
fn is_late(said: &Budget, facts: &BudgetFacts) -> bool {
    let first_day = said.published.and_then(|day| Some(period(facts, day, false)? == day)).unwrap_or(false);
    let spent_less = actual(facts).zip(said.reported()).is_some_and(|(now, reported)| now < reported);
    first_day && said.is_actual_excess() && spent_less
}

fn confirmation(said: &Budget, facts: &BudgetFacts, late: bool) -> &'static str {
    if late {
        return "no: the period has just begun and its spend is lower; the message is about the period before";
    }
    match (said.is_actual_excess(), actual(facts), said.threshold()) {
        (true, Some(now), Some(threshold)) if now >= threshold => "yes: the actual spend is over the threshold",
        (true, Some(_), Some(_)) => "no: the actual spend is below the threshold",
        (true, _, _) => "no: the budget reports no spend that could be compared",
        (false, _, _) => "the budget exists; only actual spend over a threshold can be confirmed",
    }
}

fn actual(facts: &BudgetFacts) -> Option<Decimal> {
    facts.actual.as_ref().map(|spend| spend.amount)
}

/// The first day of the period that a notification of `day` is about.
fn period(facts: &BudgetFacts, day: Date, late: bool) -> Option<Date> {
    let day = if late { day.yesterday().ok()? } else { day };
    match facts.unit {
        // A daily budget reports the day before.
        TimeUnit::Daily => day.yesterday().ok(),
        TimeUnit::Monthly => Some(day.first_of_month()),
        TimeUnit::Quarterly => {
            let first = (day.month() - 1) / 3 * 3 + 1;
            Date::new(day.year(), first, 1).ok()
        }
        TimeUnit::Annually => Date::new(day.year(), 1, 1).ok(),
        TimeUnit::Other => facts.start.map(|start| start.to_zoned(TimeZone::UTC).date()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(unit: TimeUnit, actual: &str) -> BudgetFacts {
        let spend = crate::aws::budgets::Spend { amount: actual.parse().unwrap(), unit: "USD".to_owned() };
        BudgetFacts { unit, actual: Some(spend), ..BudgetFacts::default() }
    }

    fn said(day: &str) -> Budget {
        Budget::read(&format!(
            "AWS Budget Notification {day}\nAWS Account 111122223333\n\nBudget Name: b\nBudgeted Amount: $100.00\n\
             Alert Type: ACTUAL\nAlert Threshold: > $100.00\nACTUAL Amount: $118.90\n"
        ))
    }

    fn check(unit: TimeUnit, day: &str, actual: &str, expect: &str) {
        let (said, facts) = (said(day), facts(unit, actual));
        let late = is_late(&said, &facts);
        assert_eq!(period(&facts, said.published.unwrap(), late).unwrap().to_string(), expect);
    }

    #[test]
    fn period_follows_the_budget() {
        check(TimeUnit::Monthly, "November 19, 2026", "118.90", "2026-11-01");
        check(TimeUnit::Quarterly, "November 19, 2026", "118.90", "2026-10-01");
        check(TimeUnit::Annually, "November 19, 2026", "118.90", "2026-01-01");
        check(TimeUnit::Daily, "November 04, 2026", "118.90", "2026-11-03");
    }

    #[test]
    fn late_data_on_the_first_day_belongs_to_the_period_before() {
        check(TimeUnit::Monthly, "December 01, 2026", "2.10", "2026-11-01");
        check(TimeUnit::Monthly, "December 02, 2026", "2.10", "2026-12-01");
    }

    #[test]
    fn spend_that_is_lower_now_is_not_confirmed() {
        let (said, facts) = (said("November 19, 2026"), facts(TimeUnit::Monthly, "3"));
        assert!(confirmation(&said, &facts, false).starts_with("no: the actual spend is below"));
    }
}
