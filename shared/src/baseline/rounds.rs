//! Several accounts together, in rounds: the management account first, because others need what it makes, then the
//! others side by side, then once more those that waited for another's part. A round that got nothing done is the last.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::observe::side_by_side;
use super::{Baseline, Prepared, Report};
use crate::job::Failure;
use crate::org::{Account, AccountState};
use crate::types::{AccountId, Mode};

/// How many accounts are worked on at the same time.
const AT_ONCE: usize = 8;

/// Who waits for whom is a chain of two or three at most; what is not done by then is for the next sweep.
const ROUNDS: usize = 4;

/// What became of one account.
pub type Outcome = (Account, Result<Report, Failure>);

impl Baseline {
    /// Applies plans, round after round. With `grow`, accounts that are created on the way are brought along.
    pub async fn apply_all(&self, prepared: Vec<Prepared>, grow: bool, now: Timestamp) -> Vec<Outcome> {
        let (first, others): (Vec<Prepared>, Vec<Prepared>) =
            prepared.into_iter().partition(|prepared| self.is_management(prepared));
        let mut outcomes = self.round(first, now).await;
        outcomes.extend(self.round(others, now).await);
        let mut moved = outcomes.iter().any(got_done);
        for _ in 1..ROUNDS {
            moved = moved && self.again(&mut outcomes, grow, now).await;
        }
        outcomes
    }

    fn is_management(&self, prepared: &Prepared) -> bool {
        prepared.target.forest.is_management(&prepared.target.account.id)
    }

    async fn round(&self, prepared: Vec<Prepared>, now: Timestamp) -> Vec<Outcome> {
        let work = prepared.into_iter().map(|prepared| {
            async move {
                let report = self.apply(&prepared, Mode::Apply, now).await.map_err(Failure::from);
                (prepared.target.found, report)
            }
            .boxed()
        });
        side_by_side(AT_ONCE, work.collect()).await
    }

    /// Another round, for those that it can help; says whether it got anything done.
    async fn again(&self, outcomes: &mut Vec<Outcome>, grow: bool, now: Timestamp) -> bool {
        let grown = if grow { self.grown(outcomes).await } else { Vec::new() };
        let waits = |(account, outcome): &&Outcome| match outcome {
            Ok(report) => !report.is_clean() && (!grown.is_empty() || waits_for_others(report, &account.id)),
            Err(_) => false,
        };
        let mut next: Vec<Account> = outcomes.iter().filter(waits).map(|(account, _)| account.clone()).collect();
        next.extend(grown);
        if next.is_empty() {
            return false;
        }
        let Ok(prepared) = self.prepare_all(next).await else { return false };
        let later = self.round(prepared, now).await;
        let moved = later.iter().any(got_done);
        for outcome in later {
            join(outcomes, outcome);
        }
        moved
    }

    /// Active accounts that were not there before. What cannot be listed is for the next sweep.
    async fn grown(&self, outcomes: &[Outcome]) -> Vec<Account> {
        let known: BTreeSet<&AccountId> = outcomes.iter().map(|(account, _)| &account.id).collect();
        let Ok(forest) = self.forest().await else { return Vec::new() };
        if forest.members.iter().all(|member| known.contains(&member.id)) {
            return Vec::new();
        }
        let accounts = self.directory().accounts().await.unwrap_or_default().into_iter();
        accounts.filter(|account| account.state == AccountState::Active && !known.contains(&account.id)).collect()
    }
}

fn got_done((_, report): &Outcome) -> bool {
    report.as_ref().is_ok_and(|report| !report.done.is_empty())
}

fn waits_for_others(report: &Report, account: &AccountId) -> bool {
    report.awaits().into_iter().any(|on| on != account)
}

fn join(outcomes: &mut Vec<Outcome>, (account, later): Outcome) {
    let same = |(other, _): &&mut Outcome| other.id == account.id && other.name == account.name;
    match (outcomes.iter_mut().find(same), later) {
        (Some((_, Ok(earlier))), Ok(later)) => earlier.follow(later),
        (Some((_, outcome)), later) => *outcome = later,
        (None, later) => outcomes.push((account, later)),
    }
}
