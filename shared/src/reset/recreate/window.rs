//! The closes of the last 30 days, in one document that is changed under a condition: so no two runs take the same place.
//!
//! AWS counts closes of everybody, and so knows of more than this; what it refuses is remembered.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::store::{Item, Key, Store, StoreError, When};
use crate::types::AccountId;

/// AWS's window, and a margin for clocks.
const DAYS_30: SignedDuration = SignedDuration::from_hours(30 * 24 + 1);

/// How many closes AWS works on at a time.
const AT_ONCE: usize = 3;

/// A close that has not ended by then is not counted among those in progress.
const LOST: SignedDuration = SignedDuration::from_hours(48);

/// How long AWS's no is believed.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);

/// How often a write that somebody else was faster with is tried.
const TRIES: usize = 8;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Closes {
    closes: Vec<Close>,
    /// When AWS said that there are too many.
    full: Option<Timestamp>,
}

/// One close.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Close {
    account: AccountId,
    run: String,
    at: Timestamp,
    open: bool,
}

/// Whether an account may be closed now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Admission {
    /// It has its place.
    Granted,
    /// Others come first.
    Busy,
    /// Not before this time, for this reason.
    Full(Timestamp, String),
}

/// The window in the store.
pub(super) struct Window<'a>(pub &'a dyn Store);

impl Window<'_> {
    /// Takes a place for the account, unless the run has one already.
    pub async fn admit(
        &self,
        account: &AccountId,
        run: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.change(now, |known| {
            if known.closes.iter().any(|close| close.account == *account && close.run == run) {
                return (false, Admission::Granted);
            }
            if let Some(full) = known.full.filter(|at| now.duration_since(*at) < BELIEVED) {
                let until = later(full, BELIEVED);
                return (
                    false,
                    Admission::Full(until, "AWS said that the organization has closed too many".to_owned()),
                );
            }
            if known.closes.len() >= limit {
                let until = known.closes.iter().map(|close| later(close.at, DAYS_30)).min().unwrap_or(now);
                let reason = format!("{} of {limit} accounts were closed in the last 30 days", known.closes.len());
                return (false, Admission::Full(until, reason));
            }
            let open = |close: &&Close| close.open && now.duration_since(close.at) < LOST;
            if known.closes.iter().filter(open).count() >= AT_ONCE {
                return (false, Admission::Busy);
            }
            known.closes.push(Close { account: account.clone(), run: run.to_owned(), at: now, open: true });
            (true, Admission::Granted)
        })
        .await
    }

    /// The account is closed: others may be.
    pub async fn closed(&self, account: &AccountId, now: Timestamp) -> Result<(), StoreError> {
        self.change(now, |known| {
            let mut changed = false;
            for close in known.closes.iter_mut().filter(|close| close.account == *account && close.open) {
                (close.open, changed) = (false, true);
            }
            (changed, ())
        })
        .await
    }

    /// The account was not closed; `full` when AWS said that there were too many.
    pub async fn withdraw(&self, account: &AccountId, full: bool, now: Timestamp) -> Result<(), StoreError> {
        self.change(now, |known| {
            known.closes.retain(|close| close.account != *account || !close.open);
            if full {
                known.full = Some(now);
            }
            (true, ())
        })
        .await
    }

    async fn change<T>(
        &self,
        now: Timestamp,
        mut change: impl FnMut(&mut Closes) -> (bool, T) + Send,
    ) -> Result<T, StoreError> {
        let key = Key::new("closures", "window");
        for n in 1.. {
            let item = self.0.get(&key).await?;
            let mut known: Closes = item.as_ref().map(Item::read).transpose()?.unwrap_or_default();
            known.closes.retain(|close| now.duration_since(close.at) < DAYS_30);
            let (changed, answer) = change(&mut known);
            if !changed {
                return Ok(answer);
            }
            let when = item.map_or(When::AbsentAt(now), |item| When::Version(item.version));
            match self.0.put(&key, json!(known), None, when).await {
                Ok(_) => return Ok(answer),
                Err(StoreError::Lost { .. }) if n < TRIES => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Lost { key })
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    fn id(n: u64) -> AccountId {
        format!("{n:012}").parse().unwrap()
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
    }

    #[tokio::test]
    async fn three_are_closed_at_once_and_a_place_is_taken_once() {
        let store = MemoryStore::default();
        let window = Window(&store);
        for n in 1..=3 {
            assert_eq!(window.admit(&id(n), "r", 10, at(0)).await.unwrap(), Admission::Granted);
        }
        assert_eq!(window.admit(&id(4), "r", 10, at(0)).await.unwrap(), Admission::Busy);
        assert_eq!(window.admit(&id(3), "r", 10, at(0)).await.unwrap(), Admission::Granted, "the same once more");
        window.closed(&id(1), at(1)).await.unwrap();
        assert_eq!(window.admit(&id(4), "r", 10, at(1)).await.unwrap(), Admission::Granted);
        assert_eq!(
            window.admit(&id(5), "r", 10, at(49)).await.unwrap(),
            Admission::Granted,
            "a lost one blocks nobody"
        );
    }

    #[tokio::test]
    async fn window_of_thirty_days_is_kept_and_passes() {
        let store = MemoryStore::default();
        let window = Window(&store);
        for n in 1..=2 {
            window.admit(&id(n), "r", 2, at(0)).await.unwrap();
            window.closed(&id(n), at(0)).await.unwrap();
        }
        let Admission::Full(until, reason) = window.admit(&id(3), "r", 2, at(1)).await.unwrap() else { panic!() };
        assert_eq!((until, reason.as_str()), (at(721), "2 of 2 accounts were closed in the last 30 days"));
        assert_eq!(window.admit(&id(3), "r", 2, until).await.unwrap(), Admission::Granted);
    }

    #[tokio::test]
    async fn what_aws_refuses_is_remembered_for_a_day_and_takes_no_place() {
        let store = MemoryStore::default();
        let window = Window(&store);
        window.admit(&id(1), "r", 1, at(0)).await.unwrap();
        window.withdraw(&id(1), true, at(0)).await.unwrap();
        assert!(matches!(window.admit(&id(2), "r", 1, at(1)).await.unwrap(), Admission::Full(..)));
        assert_eq!(window.admit(&id(2), "r", 1, at(25)).await.unwrap(), Admission::Granted);
    }
}
