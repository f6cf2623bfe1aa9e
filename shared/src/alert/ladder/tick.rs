//! What time does to the ladder, every hour: whoever was frozen for a period is let in when it is over, and what was too
//! early on a period's first day is looked at again on its second.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::budget_facts;
use super::super::delivery::Clock;
use super::super::incident::Place;
use super::super::model::Alert;
use super::book::{Step, StepState};
use super::{Ladder, No};
use crate::config::alerts::Do;
use crate::job::Failure;
use crate::store::{Key, Store, StoreError, When};
use crate::types::AccountId;

/// The partition of what was too early.
const LATER: &str = "ladder-later";
/// How long it is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);

/// A matter that was too early to act on.
#[derive(Serialize, Deserialize)]
struct Later {
    place: Place,
    alert: Alert,
}

/// Remembers a matter that is to be looked at again on the second day of its period.
pub(super) async fn later(store: &dyn Store, place: &Place, alert: &Alert, now: Timestamp) -> Result<(), StoreError> {
    let key = Key::new(LATER, place.id());
    let body = serde_json::to_value(Later { place: place.clone(), alert: alert.clone() });
    let body = body.map_err(|error| StoreError::corrupt(&key, &error))?;
    store.put(&key, body, now.checked_add(KEPT).ok(), When::Always).await.map(drop)
}

impl Ladder {
    /// Looks at everything that waits for time to pass.
    pub async fn tick(&self, clock: &Clock) -> Result<Value, Failure> {
        let (mut thawed, mut failed) = (Vec::new(), Vec::new());
        let frozen = self.sandboxes.frozen().await.map_err(|no| Failure::Retryable(no.to_string()))?;
        for (account, _) in frozen.iter().filter(|(_, until)| *until <= clock.now()) {
            match self.sandboxes.unfreeze(account).await {
                Ok(_) => thawed.push(account.clone()),
                Err(no) => failed.push(format!("{account} is still frozen: {no}")),
            }
        }
        let again = self.look_again(clock).await?;
        match failed.is_empty() {
            true => Ok(json!({ "unfrozen": thawed, "again": again })),
            false => Err(Failure::Partial(failed.join("; "))),
        }
    }

    async fn look_again(&self, clock: &Clock) -> Result<usize, Failure> {
        let (store, now, mut looked) = (self.desk.store.as_ref(), clock.now(), 0);
        for item in store.list(LATER, "").await? {
            if !item.lives(now) {
                continue;
            }
            let Later { place, mut alert } = item.read()?;
            let Some(before) = alert.spending.take() else { continue };
            let facts = match self.budgets.describe(&before.owner, &before.budget).await {
                Ok(facts) => facts,
                Err(error) => {
                    tracing::warn!("what was too early for the ladder is looked at again in the next hour: {error}");
                    continue;
                }
            };
            let Some(spending) = budget_facts::again(&before, &facts, now) else { continue };
            alert.spending = Some(spending);
            self.climb(&place, &alert, clock).await?;
            store.delete(&item.key, When::Version(item.version)).await.or_else(lost)?;
            looked += 1;
        }
        Ok(looked)
    }

    /// Lets everybody in again because a person says so; the step is not taken again in its period. False: nobody was
    /// kept out.
    pub async fn undo(&self, account: &AccountId, because: &str, now: Timestamp) -> Result<bool, Failure> {
        let store = self.desk.store.as_ref();
        for mut step in Step::all(store, account).await? {
            if step.act == Do::Freeze && step.until > now && step.state != StepState::Undone {
                step.state = StepState::Undone;
                step.said = format!("undone at {now}: {because}");
                step.change(store, now).await?;
            }
        }
        self.sandboxes.unfreeze(account).await.map_err(|no| match no {
            No::Refused(why) => Failure::Denied(why),
            No::Later(why) => Failure::Retryable(why),
        })
    }
}

fn lost(error: StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::Lost { .. } => Ok(()),
        error => Err(error),
    }
}
