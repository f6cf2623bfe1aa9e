//! Which steps a budget bears out. Pure.

use rust_decimal::Decimal;

use super::super::spending::{Confirmation, Spending};
use crate::config::alerts::{Ladder, Rung};
use crate::types::AccountId;

/// The account and its steps, from the lowest up; else why there is none.
pub fn plan<'a>(ladder: &'a Ladder, spending: &'a Spending) -> Result<(&'a AccountId, Vec<&'a Rung>), &'static str> {
    if !spending.is_actual {
        return Err("a forecast only informs");
    }
    if !spending.is_cost {
        return Err("the budget does not count money");
    }
    let account = spending.account.as_ref().ok_or("the budget's spend is not of one account alone")?;
    if spending.confirmed != Confirmation::Yes {
        return Err(spending.confirmed.sentence());
    }
    let percent = spending.percent.ok_or("the budget does not say how much of it is spent")?;
    let reached = ladder.steps.iter().filter(|step| Decimal::from(step.at) <= percent).collect();
    Ok((account, reached))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::fakes;
    use super::*;

    fn spending(percent: &str) -> Spending {
        fakes::spending("444455556666", percent)
    }

    fn check(spending: &Spending, expect: Result<&[u32], &str>) {
        let steps = json!([{"at": 80, "do": "notify"}, {"at": 100, "do": "freeze"}, {"at": 120, "do": "reset"}]);
        let ladder: Ladder = serde_json::from_value(steps).unwrap();
        let got = plan(&ladder, spending).map(|(_, steps)| steps.iter().map(|step| step.at).collect::<Vec<_>>());
        assert_eq!(got.as_deref().map_err(|why| *why), expect);
    }

    #[test]
    fn steps_are_those_that_are_reached() {
        check(&spending("79.9"), Ok(&[]));
        check(&spending("80"), Ok(&[80]));
        check(&spending("104.6"), Ok(&[80, 100]));
        check(&spending("500"), Ok(&[80, 100, 120]));
    }

    #[test]
    fn nothing_is_done_that_the_budget_does_not_bear_out() {
        check(&Spending { is_actual: false, ..spending("500") }, Err("a forecast only informs"));
        check(&Spending { is_cost: false, ..spending("500") }, Err("the budget does not count money"));
        check(&Spending { account: None, ..spending("500") }, Err("the budget's spend is not of one account alone"));
        let nothing = Err("the budget does not say how much of it is spent");
        check(&Spending { percent: None, ..spending("500") }, nothing);
        for confirmed in
            [Confirmation::TooEarly, Confirmation::Late, Confirmation::Over, Confirmation::Below, Confirmation::Unknown]
        {
            check(&Spending { confirmed, ..spending("500") }, Err(confirmed.sentence()));
        }
    }
}
