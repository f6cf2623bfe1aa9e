//! The function's work: one event, the accounts it is about, their baselines.
//!
//! What may pass by itself (a service that is not awake, a throttle, another account's part) is posted to the function's
//! own queue to be seen again later, and nobody waits for it here. What lasts is told to people.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::observe::side_by_side;
use super::rounds::Outcome;
use super::{Baseline, BaselineRequest, Errand, Notice, Report, State, Target};
use crate::Forester;
use crate::aws::sqs::Letter;
use crate::event::Message;
use crate::job::{Failure, Invocation, Job};
use crate::org::{Account, AccountState, Forest};
use crate::telemetry::{Metric, emit};
use crate::types::AccountId;

/// How many accounts are worked on at the same time.
const AT_ONCE: usize = 8;

/// The time that one account may still need; no account is begun with less.
const ROOM: SignedDuration = SignedDuration::from_secs(45);

/// The seconds after which an account is looked at again, try after try.
const DELAYS: [i32; 8] = [10, 15, 30, 60, 120, 300, 600, 900];

/// The seconds between two letters of a sweep, where there are few.
const GAP: usize = 2;

/// The seconds that SQS keeps a letter back at most.
const LONGEST: usize = 900;

/// How often a sweep's errand is put off before it is left to the next sweep.
const SWEEP_TRIES: u32 = 4;

/// How long a new account may take to let us in.
const YOUNG: SignedDuration = SignedDuration::from_mins(15);

/// How long something may go on passing by itself before a person is told.
const DEADLINE: SignedDuration = SignedDuration::from_hours(2);

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
        match BaselineRequest::try_from(message)? {
            BaselineRequest::Nothing { because } => Ok(json!({ "accounts": [], "because": because })),
            BaselineRequest::Account(errand) => self.run(invocation, errand).await,
            BaselineRequest::Departed { id, because } => self.depart(invocation, id, because).await,
            BaselineRequest::Everything { because } => match &self.0.mailbox {
                Some(_) => self.fan_out(&because).await,
                None => self.sweep(invocation, &because).await,
            },
        }
    }
}

impl BaselineJob {
    /// One account to its baseline, or as far as it comes today.
    async fn run(&self, invocation: &Invocation, errand: Errand) -> Result<Value, Failure> {
        let now = invocation.started;
        let (accounts, forest) = match self.found(&errand.id, now).await {
            Ok(found) => found,
            // Its letter would go on asking for what is not there any more.
            Err(Failure::Retryable(_)) if self.left_since(&errand).await? => return Ok(over(&errand, "it has left")),
            Err(Failure::Retryable(why)) if errand.sweep && errand.attempt >= SWEEP_TRIES => {
                return Ok(over(&errand, &why));
            }
            Err(Failure::Retryable(why)) => return self.later(errand, now, vec![why], None).await,
            Err(failure) => return Err(failure),
        };
        let mut work = Vec::new();
        for account in accounts {
            work.push(self.bring(invocation, account, &forest, Some(&errand)).boxed());
        }
        let sum = Sum::of(side_by_side(AT_ONCE, work).await);
        if !sum.lasting.is_empty() {
            self.tell(&errand.id, &sum, "baseline-failed", "is not as declared, and will not be by itself").await;
        }
        let put_off = !sum.passing.is_empty() && (self.0.mailbox.is_some() || sum.lasting.is_empty());
        let left_to_the_sweep = errand.sweep && (!put_off || errand.attempt >= SWEEP_TRIES);
        match sum.is_clean() {
            true => Ok(json!({ "because": errand.because, "accounts": sum.reports })),
            false if left_to_the_sweep => Ok(complained(&errand.because, &sum)),
            false if put_off => self.later(errand, now, sum.passing.clone(), Some(sum)).await,
            false => Err(Failure::Partial(sum.complaints())),
        }
    }

    /// The accounts behind an id and the forest around them, or why there is nothing to look at yet. A list that AWS
    /// does not give now (many ask for it at once) is one to ask for again within seconds, like everything that passes.
    async fn found(&self, id: &AccountId, now: Timestamp) -> Result<(Vec<Account>, Arc<Forest>), Failure> {
        let accounts = self.0.accounts_of(id).await?;
        match accounts.first().map(|account| account.state) {
            None => Err(Failure::Retryable(format!("the organization does not hold account {id} (yet)"))),
            Some(AccountState::PendingActivation) => {
                Err(Failure::Retryable(format!("account {id} is not activated yet")))
            }
            Some(_) => Ok((accounts, self.0.recent_forest(now).await?)),
        }
    }

    /// Whether the account left after the errand was first seen. One that is only on its way in left earlier, if ever.
    async fn left_since(&self, errand: &Errand) -> Result<bool, Failure> {
        let Some(since) = errand.since else { return Ok(false) };
        let ledgers = self.0.ledgers(&errand.id).await?;
        Ok(ledgers.iter().any(|ledger| ledger.state == State::Departed && ledger.at > since))
    }

    /// Posts an errand to be seen again; after the deadline tells a person instead.
    async fn later(
        &self,
        errand: Errand,
        now: Timestamp,
        why: Vec<String>,
        sum: Option<Sum>,
    ) -> Result<Value, Failure> {
        let since = errand.since.unwrap_or(now);
        let sum = sum.unwrap_or_default();
        if now.duration_since(since) > DEADLINE {
            let overdue = Sum { lasting: why.clone(), ..sum };
            let told = self.tell(&errand.id, &overdue, "baseline-overdue", "is still not as declared after two hours");
            return match told.await || errand.sweep {
                true => Ok(json!({ "because": errand.because, "accounts": overdue.reports, "gave_up_on": why })),
                false => Err(Failure::Partial(why.join("\n"))),
            };
        }
        let Some(mailbox) = &self.0.mailbox else { return Err(Failure::Retryable(why.join("\n"))) };
        let attempt = usize::try_from(errand.attempt).unwrap_or(usize::MAX);
        let delay = DELAYS.get(attempt).or(DELAYS.last()).copied().unwrap_or_default();
        let looked = errand.looked || sum.is_whole();
        let next = Errand { since: Some(since), attempt: errand.attempt.saturating_add(1), looked, ..errand };
        mailbox.post(&[Letter { body: next.letter().to_string(), delay }]).await?;
        tracing::info!(account.id = %next.id, delay, "account {} is looked at again: {}", next.id, why.join("; "));
        Ok(json!({ "because": next.because, "accounts": sum.reports, "again_in": delay, "waits_for": why }))
    }

    /// Says it to people; whether somebody is there to hear it.
    async fn tell(&self, id: &AccountId, sum: &Sum, rule: &'static str, what: &str) -> bool {
        let name = sum.names.first().cloned().unwrap_or_else(|| id.to_string());
        let title = format!("Account {name} ({id}) {what}");
        tracing::error!(account.id = %id, rule, complaints = sum.lasting.len(), "{title}:\n{}", sum.lasting.join("\n"));
        emit("account-baseline", &[Metric::count("Incomplete", 1)]);
        let notice = Notice { account: id.clone(), name, rule, title, facts: sum.lasting.clone() };
        match self.0.notices.tell(&notice).await {
            Ok(heard) => heard,
            Err(reason) => {
                tracing::error!(account.id = %id, rule, "the notice could not be routed: {reason}");
                false
            }
        }
    }

    /// An account that is going. One that is there and active after all is brought to its baseline: events come in any
    /// order, and the organization is the truth.
    async fn depart(&self, invocation: &Invocation, id: AccountId, because: String) -> Result<Value, Failure> {
        let mut report = json!({ "because": because, "accounts": [] });
        if let Some(account) = self.0.directory().account(&id).await? {
            match account.state {
                AccountState::Active if because == CLOSING => {}
                AccountState::Active => return self.run(invocation, Errand::new(id, because)).await,
                // What is left to do for a closed account is to move it out of the way.
                _ => report = self.run(invocation, Errand::new(id.clone(), because)).await?,
            }
        }
        let forgotten = self.0.forget(&id, invocation.started).await?;
        if let Value::Object(members) = &mut report {
            members.insert("departed".to_owned(), json!(id));
            members.insert("ledgers".to_owned(), forgotten.into());
        }
        Ok(report)
    }

    /// A message for every account, so that each is looked at by an invocation of its own.
    async fn fan_out(&self, because: &str) -> Result<Value, Failure> {
        let Some(mailbox) = &self.0.mailbox else { return Ok(Value::Null) };
        let forest = self.0.forest().await?;
        let due = forest.members.iter().filter(|member| self.0.concerns(member));
        let mut ids: Vec<&AccountId> = due.map(|member| &member.id).collect();
        ids.dedup();
        // Others need what the management account makes.
        ids.sort_by_key(|id| !forest.is_management(id));
        let letter = |(id, delay): (&&AccountId, i32)| {
            let errand = Errand { sweep: true, ..Errand::new((*id).clone(), because) };
            Letter { body: errand.letter().to_string(), delay }
        };
        let letters: Vec<Letter> = ids.iter().zip(spread(ids.len())).map(letter).collect();
        mailbox.post(&letters).await?;
        Ok(json!({ "because": because, "queued": letters.len() }))
    }

    /// Every account in this invocation, where there is no queue to spread them over.
    async fn sweep(&self, invocation: &Invocation, because: &str) -> Result<Value, Failure> {
        let accounts = self.all().await?;
        let forest = self.0.forest().await?;
        let mut work = Vec::new();
        for account in accounts {
            work.push(self.bring(invocation, account, &forest, None).boxed());
        }
        let sum = Sum::of(side_by_side(AT_ONCE, work).await);
        match sum.passing.is_empty() {
            true => Ok(complained(because, &sum)),
            false => Err(Failure::Retryable(sum.passing.join("\n"))),
        }
    }

    /// Every account, the one that was longest not looked at first, so that a sweep that runs out of time goes on
    /// where it stopped.
    async fn all(&self) -> Result<Vec<Account>, Failure> {
        let mut aged = Vec::new();
        for account in self.0.directory().accounts().await? {
            if account.state == AccountState::Active {
                aged.push((self.0.last(&account).await?.map_or(Timestamp::MIN, |ledger| ledger.at), account));
            }
        }
        aged.sort_by_key(|(at, _)| *at);
        Ok(aged.into_iter().map(|(_, account)| account).collect())
    }

    async fn bring(
        &self,
        invocation: &Invocation,
        account: Account,
        forest: &Arc<Forest>,
        errand: Option<&Errand>,
    ) -> Outcome {
        let outcome = self.bring_one(invocation, account.clone(), forest, errand).await;
        (account, outcome)
    }

    async fn bring_one(
        &self,
        invocation: &Invocation,
        account: Account,
        forest: &Arc<Forest>,
        errand: Option<&Errand>,
    ) -> Result<Report, Failure> {
        if invocation.deadline.duration_since(Timestamp::now()) < ROOM {
            return Err(Failure::Retryable("not begun: the invocation ran out of time".to_owned()));
        }
        let now = invocation.started;
        let Some(held) = self.0.lock(&account, now).await? else {
            return Err(Failure::Retryable("another run works on the account".to_owned()));
        };
        let outcome = self.locked(account, forest, errand, now).await;
        self.0.unlock(held).await;
        outcome
    }

    async fn locked(
        &self,
        account: Account,
        forest: &Arc<Forest>,
        errand: Option<&Errand>,
        now: Timestamp,
    ) -> Result<Report, Failure> {
        let last = self.0.last(&account).await?;
        let target = self.0.target(account, forest).await?;
        let only = last.filter(|_| errand.is_some_and(|errand| errand.looked));
        let only = only.and_then(|ledger| ledger.worth_another_look(&target));
        let recent = |errand: &Errand| !errand.sweep && now.duration_since(errand.since.unwrap_or(now)) < YOUNG;
        let young = target.newcomer && errand.is_some_and(recent);
        Ok(self.0.bring(Target { only, young, ..target }, now).await?)
    }
}

/// The delays of this many letters: so far apart that the messages of new accounts find room between them, and all of
/// them within the longest delay that a queue has.
fn spread(count: usize) -> impl Iterator<Item = i32> {
    let delay = move |n: usize| n.saturating_mul(GAP).min(n.saturating_mul(LONGEST) / count.max(1));
    (0..count).map(move |n| delay(n).try_into().unwrap_or(i32::MAX))
}

/// The account is still active when somebody asks for its closure.
const CLOSING: &str = "it is being closed";

/// What became of the accounts of one message.
#[derive(Default)]
struct Sum {
    names: Vec<String>,
    reports: Vec<Report>,
    passing: Vec<String>,
    lasting: Vec<String>,
}

impl Sum {
    fn of(outcomes: Vec<Outcome>) -> Self {
        let mut sum = Self::default();
        for (account, outcome) in outcomes {
            let told = |complaint: String| format!("{} ({}): {complaint}", account.name, account.id);
            match outcome {
                Ok(report) => {
                    sum.passing.extend(report.passing().into_iter().map(told));
                    sum.lasting.extend(report.lasting().into_iter().map(told));
                    sum.reports.push(report);
                }
                Err(failure @ (Failure::Partial(_) | Failure::Denied(_))) => {
                    sum.lasting.push(told(failure.to_string()));
                }
                Err(failure) => sum.passing.push(told(failure.to_string())),
            }
            sum.names.push(account.name);
        }
        sum
    }

    /// Whether each account was looked at, and none left to another run.
    fn is_whole(&self) -> bool {
        !self.names.is_empty() && self.reports.len() == self.names.len()
    }

    fn is_clean(&self) -> bool {
        self.passing.is_empty() && self.lasting.is_empty()
    }

    /// Everything that is amiss, what a person has to mend first.
    fn complaints(&self) -> String {
        self.lasting.iter().chain(&self.passing).map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// An errand that ends with nothing looked at.
fn over(errand: &Errand, why: &str) -> Value {
    json!({ "because": errand.because, "accounts": [], "gave_up_on": [why] })
}

/// What no repetition can help is logged and counted: repeating a whole sweep for it would help nobody, and the next
/// sweep looks again.
fn complained(because: &str, sum: &Sum) -> Value {
    if !sum.lasting.is_empty() {
        let count = sum.lasting.len();
        tracing::error!(complaints = count, "accounts that are not as declared:\n{}", sum.lasting.join("\n"));
        emit("account-baseline", &[Metric::count("Incomplete", count.try_into().unwrap_or(u64::MAX))]);
    }
    json!({ "because": because, "accounts": sum.reports })
}
