//! The function's work: one event, the accounts it is about, their baselines.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::observe::side_by_side;
use super::{Baseline, BaselineRequest, Report};
use crate::Forester;
use crate::event::Message;
use crate::job::{Failure, Invocation, Job};
use crate::org::{Account, AccountState, Forest};
use crate::store::StoreError;
use crate::telemetry::{Metric, emit};
use crate::types::AccountId;

/// How many accounts are worked on at the same time.
const AT_ONCE: usize = 8;

/// The time that one account may still need; no account is begun with less.
const ROOM: SignedDuration = SignedDuration::from_secs(45);

/// Brings accounts to their baseline.
pub struct BaselineJob(Baseline);

impl BaselineJob {
    /// From the wired parts.
    pub fn new(forester: &Forester) -> Self {
        Self(Baseline::new(forester))
    }
}

impl From<Baseline> for BaselineJob {
    fn from(baseline: Baseline) -> Self {
        Self(baseline)
    }
}

#[async_trait]
impl Job for BaselineJob {
    async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
        let request = BaselineRequest::try_from(message)?;
        let (accounts, because, lasting) = match request {
            BaselineRequest::Nothing { because } => return Ok(json!({ "accounts": [], "because": because })),
            BaselineRequest::Account { id, because } => (self.one(&id).await?, because, Lasting::Fails),
            BaselineRequest::Everything { because } => (self.all().await?, because, Lasting::IsTold),
        };
        let forest = self.0.forest().await?;
        let outcomes = self.bring(invocation, accounts, &forest).await;
        verdict(outcomes, &because, lasting)
    }
}

/// What a complaint does that no repetition can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasting {
    /// It fails the message, so that the one account's event ends in the dead-letter queue and a person looks.
    Fails,
    /// It is logged and counted, because repeating a whole sweep for it would help nobody; the next sweep looks again.
    IsTold,
}

/// What became of one account: a report, or why there is none.
type Outcome = (Account, Result<Report, Failure>);

impl BaselineJob {
    async fn one(&self, id: &AccountId) -> Result<Vec<Account>, Failure> {
        let accounts = self.0.accounts_of(id).await?;
        match accounts.first() {
            None => Err(Failure::Retryable(format!(
                "the organization does not hold account {id} (yet); the message comes again, and then goes to the \
                 dead-letter queue"
            ))),
            Some(account) if account.state == AccountState::PendingActivation => {
                Err(Failure::Retryable(format!("account {id} is not activated yet; the message comes again")))
            }
            Some(_) => Ok(accounts),
        }
    }

    /// Every account, the one that was longest not looked at first, so that a sweep that runs out of time goes on
    /// where it stopped.
    async fn all(&self) -> Result<Vec<Account>, Failure> {
        let mut aged = Vec::new();
        for account in self.0.directory().accounts().await? {
            if account.state == AccountState::Active {
                let last = match self.0.last(&account).await {
                    // A ledger that cannot be read is one that was never written; this look writes it anew.
                    Err(StoreError::Corrupt { .. }) => None,
                    last => last?,
                };
                aged.push((last.map_or(Timestamp::MIN, |ledger| ledger.at), account));
            }
        }
        aged.sort_by_key(|(at, _)| *at);
        Ok(aged.into_iter().map(|(_, account)| account).collect())
    }

    async fn bring(&self, invocation: &Invocation, accounts: Vec<Account>, forest: &Arc<Forest>) -> Vec<Outcome> {
        let mut work = Vec::new();
        for account in accounts {
            work.push(self.bring_one(invocation, account, forest).boxed());
        }
        side_by_side(AT_ONCE, work).await
    }

    async fn bring_one(&self, invocation: &Invocation, account: Account, forest: &Arc<Forest>) -> Outcome {
        let left = invocation.deadline.duration_since(Timestamp::now());
        let outcome = match left < ROOM {
            true => Err(Failure::Retryable("not begun: the invocation ran out of time".to_owned())),
            false => self.0.bring(account.clone(), forest, invocation.started).await.map_err(Failure::from),
        };
        (account, outcome)
    }
}

/// One answer for all accounts: a failure when any of them is not as declared, of the kind that most needs a person.
fn verdict(outcomes: Vec<Outcome>, because: &str, rule: Lasting) -> Result<Value, Failure> {
    let mut reports = Vec::new();
    let (mut passing, mut lasting) = (Vec::new(), Vec::new());
    for (account, outcome) in outcomes {
        let told = |complaint: String| format!("{} ({}): {complaint}", account.name, account.id);
        match outcome {
            Ok(report) => {
                let complaints = report.complaints().into_iter().map(told);
                if report.may_pass() {
                    passing.extend(complaints)
                } else {
                    lasting.extend(complaints)
                }
                reports.push(report);
            }
            Err(failure @ Failure::Partial(_)) => lasting.push(told(failure.to_string())),
            Err(failure) => passing.push(told(failure.to_string())),
        }
    }
    if rule == Lasting::IsTold && !lasting.is_empty() {
        tracing::error!(complaints = lasting.len(), "accounts that are not as declared:\n{}", lasting.join("\n"));
        emit("account-baseline", &[Metric::count("Incomplete", lasting.len().try_into().unwrap_or(u64::MAX))]);
        lasting.clear();
    }
    match (lasting.is_empty(), passing.is_empty()) {
        (true, true) => Ok(json!({ "because": because, "accounts": reports })),
        (true, false) => Err(Failure::Retryable(passing.join("\n"))),
        (false, _) => Err(Failure::Partial(lasting.into_iter().chain(passing).collect::<Vec<_>>().join("\n"))),
    }
}
