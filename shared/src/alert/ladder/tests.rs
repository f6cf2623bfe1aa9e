//! The ladder over a made-up sandbox, from a budget's answer to what is done and told.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::super::delivery::Clock;
use super::super::fakes::{FakeBudgets, FakeQueue, config, invocation, spending};
use super::super::incident::Place;
use super::super::model::Alert;
use super::super::plan::Signal;
use super::super::settle::Out;
use super::super::spending::{Confirmation, Spending};
use super::super::timer::Timers;
use super::super::{Delivery, Text, Ticket};
use super::*;
use crate::aws::budgets::{BudgetFacts, Spend, TimeUnit};
use crate::job::Failure;
use crate::store::{Key, MemoryStore, Store};

const NOW: &str = "2026-11-19T09:00:00Z";
const ANA: &str = "444455556666";
const BEN: &str = "555566667777";
const CAI: &str = "666677778888";

/// Accounts that are sandboxes; what was done to them.
#[derive(Default)]
struct FakeSandboxes {
    guard: Mutex<Option<No>>,
    done: Mutex<Vec<String>>,
    frozen: Mutex<BTreeMap<AccountId, Timestamp>>,
}

#[async_trait]
impl Sandboxes for FakeSandboxes {
    async fn may(&self, _account: &AccountId) -> Result<(), No> {
        self.guard.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    async fn freeze(&self, account: &AccountId, until: Timestamp, _because: &str) -> Result<String, No> {
        self.done.lock().unwrap().push(format!("freeze {account}"));
        self.frozen.lock().unwrap().insert(account.clone(), until);
        Ok("by a policy".to_owned())
    }

    async fn unfreeze(&self, account: &AccountId) -> Result<bool, No> {
        Ok(self.frozen.lock().unwrap().remove(account).is_some())
    }

    async fn frozen(&self) -> Result<Vec<(AccountId, Timestamp)>, No> {
        Ok(self.frozen.lock().unwrap().clone().into_iter().collect())
    }

    async fn reset(&self, account: &AccountId, name: &str) -> Result<String, No> {
        self.done.lock().unwrap().push(format!("reset {account} as {name}"));
        Ok("by the state machine".to_owned())
    }
}

struct Stage {
    sandboxes: Arc<FakeSandboxes>,
    queue: Arc<FakeQueue>,
    store: Arc<MemoryStore>,
    ladder: Ladder,
}

impl Stage {
    fn new(act: &str) -> Self {
        let hook = json!([{"webhook": {"url": "https://hooks.acme.example/x"}}]);
        let alerts = json!({
            "receivers": {"platform": hook, "owner": hook, "managers": hook},
            "route": {"receiver": "platform", "routes": [{"match": {"kind": "budget"}, "receiver": "owner"}]},
            "ladder": {"act": act, "at_most": {"accounts": 2, "within": "1h"}, "steps": [
                {"at": 80, "do": "notify", "also": ["managers"]},
                {"at": 100, "do": "freeze"},
                {"at": 120, "do": "reset"}]},
        });
        let (queue, store) = (Arc::new(FakeQueue::default()), Arc::new(MemoryStore::default()));
        let sandboxes = Arc::new(FakeSandboxes::default());
        let out = Out::Queue(Arc::<FakeQueue>::clone(&queue));
        let timers = Timers { store: Arc::<MemoryStore>::clone(&store), mailbox: None };
        let desk = Desk { config: config(alerts), store: Arc::<MemoryStore>::clone(&store), out, timers };
        let spend = |amount: &str| Some(Spend { amount: amount.parse().unwrap(), unit: "USD".to_owned() });
        let facts = BudgetFacts {
            unit: TimeUnit::Monthly,
            is_cost: true,
            actual: spend("105"),
            limit: spend("100"),
            accounts: std::iter::once(ANA.parse().unwrap()).collect(),
            ..BudgetFacts::default()
        };
        let budgets = Arc::new(FakeBudgets(Some(facts)));
        let ladder = Ladder { desk, budgets, sandboxes: Arc::<FakeSandboxes>::clone(&sandboxes) };
        Self { sandboxes, queue, store, ladder }
    }

    /// A notification arrives, is told, and moves somebody up.
    async fn arrives(&self, spending: Spending, at: &str) -> Result<(), Failure> {
        let mut alert = Alert::new("m1", "aws-budgets", "budget", "raw");
        alert.title = Text::line("Budget b: over");
        alert.account = spending.account.clone();
        alert.identity.episode = spending.start.to_string();
        alert.spending = Some(spending);
        let (signal, clock) = (Signal::new(alert), Clock::new(&invocation(at, 60)));
        self.ladder.desk.settle(&signal, &clock).await?;
        self.ladder.climb(&signal.place, &signal.alert, &clock).await
    }

    fn done(&self) -> Vec<String> {
        std::mem::take(&mut *self.sandboxes.done.lock().unwrap())
    }

    /// What was told since the last look: receiver, turn, and the first fact.
    async fn told(&self) -> Vec<String> {
        let sent = std::mem::take(&mut *self.queue.0.lock().unwrap());
        let mut told = Vec::new();
        for (body, _, _) in sent {
            let body: Value = serde_json::from_str(&body).unwrap();
            let ticket: Ticket = serde_json::from_value(body["delivery"].clone()).unwrap();
            let key = Key::new(format!("outbox#{}", ticket.receiver), ticket.delivery);
            let item = self.store.get(&key).await.unwrap().unwrap();
            let delivery: Delivery = serde_json::from_value(item.body).unwrap();
            let fact = delivery.alert.facts.iter().find(|fact| fact.name == "ladder" || fact.name == "why");
            let fact = fact.map(|fact| fact.value.to_string()).unwrap_or_default();
            told.push(format!("{} {}: {fact}", delivery.receiver, delivery.turn.name()));
        }
        told
    }

    async fn steps(&self, account: &str) -> Vec<(u32, StepState)> {
        let steps = Step::all(self.store.as_ref(), &account.parse().unwrap()).await.unwrap();
        steps.into_iter().map(|step| (step.at, step.state)).collect()
    }
}

#[tokio::test]
async fn each_step_is_taken_once_a_period_and_told_in_the_thread() {
    let stage = Stage::new("live");
    stage.arrives(spending(ANA, "104.6"), NOW).await.unwrap();
    assert_eq!(stage.done(), [format!("freeze {ANA}")]);
    let told = stage.told().await;
    assert!(told.contains(&"owner first: ".to_owned()), "{told:?}");
    assert!(told.contains(&"managers first: notify at 80%: told to managers as well".to_owned()), "{told:?}");
    assert!(told.contains(&"owner update: freeze at 100%: done: by a policy".to_owned()), "{told:?}");
    stage.arrives(spending(ANA, "104.6"), NOW).await.unwrap();
    assert_eq!((stage.done().len(), stage.told().await.len()), (0, 0), "the same again does and tells nothing");
    stage.arrives(spending(ANA, "121"), NOW).await.unwrap();
    let done = stage.done();
    assert!(
        done.len() == 1 && done[0].starts_with(&format!("reset {ANA} as ladder-{ANA}-2026-11-01-120-")),
        "{done:?}"
    );
    let next = Spending { start: "2026-12-01".parse().unwrap(), ..spending(ANA, "100") };
    stage.arrives(next, "2026-12-20T09:00:00Z").await.unwrap();
    assert_eq!(stage.done(), [format!("freeze {ANA}")], "a new period is a new ladder");
}

#[tokio::test]
async fn dry_run_says_what_it_would_do_and_does_nothing() {
    let stage = Stage::new("dry-run");
    stage.arrives(spending(ANA, "500"), NOW).await.unwrap();
    assert_eq!(stage.done(), [""; 0]);
    let told = stage.told().await.join("\n");
    assert!(told.contains("freeze at 100%: would be done") && told.contains("reset at 120%: would be done"), "{told}");
    assert_eq!(stage.steps(ANA).await, [(80, StepState::Done), (100, StepState::DryRun), (120, StepState::DryRun)]);
}

#[tokio::test]
async fn what_a_guard_refuses_is_told_and_not_done() {
    let stage = Stage::new("live");
    *stage.sandboxes.guard.lock().unwrap() = Some(No::Refused("444455556666 is not in Sandbox".to_owned()));
    stage.arrives(spending(ANA, "500"), NOW).await.unwrap();
    assert_eq!(stage.done(), [""; 0]);
    assert!(stage.told().await.join("\n").contains("not done: 444455556666 is not in Sandbox"));
}

#[tokio::test]
async fn guard_that_cannot_tell_leads_to_another_try() {
    let stage = Stage::new("live");
    *stage.sandboxes.guard.lock().unwrap() = Some(No::Later("the organization is busy".to_owned()));
    assert!(matches!(stage.arrives(spending(ANA, "100"), NOW).await, Err(Failure::Retryable(_))));
    *stage.sandboxes.guard.lock().unwrap() = None;
    stage.arrives(spending(ANA, "100"), "2026-11-19T09:06:00Z").await.unwrap();
    assert_eq!(stage.done(), [format!("freeze {ANA}")]);
}

#[tokio::test]
async fn forecasts_and_what_is_not_confirmed_only_inform() {
    let stage = Stage::new("live");
    let forecast = Spending { is_actual: false, confirmed: Confirmation::Unknown, ..spending(ANA, "500") };
    stage.arrives(forecast, NOW).await.unwrap();
    stage.arrives(Spending { confirmed: Confirmation::Below, ..spending(BEN, "500") }, NOW).await.unwrap();
    stage.arrives(Spending { account: None, ..spending(CAI, "500") }, NOW).await.unwrap();
    assert_eq!(stage.done(), [""; 0]);
}

#[tokio::test]
async fn too_many_accounts_at_once_stop_the_ladder_until_a_person_has_looked() {
    let stage = Stage::new("live");
    stage.arrives(spending(ANA, "100"), NOW).await.unwrap();
    stage.arrives(spending(BEN, "100"), NOW).await.unwrap();
    assert_eq!(stage.done().len(), 2);
    stage.told().await;
    stage.arrives(spending(CAI, "500"), NOW).await.unwrap();
    assert_eq!(stage.done(), [""; 0], "the third account is one too many");
    let told = stage.told().await.join("\n");
    assert!(told.contains("platform first: the ladder stops here: 2 accounts within"), "the root hears: {told}");
    stage.arrives(spending(ANA, "500"), "2026-11-20T09:00:00Z").await.unwrap();
    assert_eq!(stage.done(), [""; 0], "it stays so");
    assert!(Breaker::close(stage.store.as_ref()).await.unwrap().is_some());
    stage.arrives(spending(CAI, "500"), "2026-11-20T09:00:00Z").await.unwrap();
    assert_eq!(stage.done().len(), 2, "freeze and reset of one account");
}

#[tokio::test]
async fn freeze_ends_with_the_period_or_when_a_person_says_so() {
    let stage = Stage::new("live");
    stage.arrives(spending(ANA, "100"), NOW).await.unwrap();
    let tick = async |at: &str| stage.ladder.tick(&Clock::new(&invocation(at, 60))).await.unwrap()["unfrozen"].clone();
    assert_eq!(tick("2026-11-30T23:00:00Z").await, json!([]));
    assert_eq!(tick("2026-12-01T00:10:00Z").await, json!([ANA]));
    let stage = Stage::new("live");
    stage.arrives(spending(ANA, "100"), NOW).await.unwrap();
    stage.done();
    assert!(stage.ladder.undo(&ANA.parse().unwrap(), "paid for", NOW.parse().unwrap()).await.unwrap());
    assert_eq!(stage.steps(ANA).await, [(80, StepState::Done), (100, StepState::Undone)]);
    stage.arrives(spending(ANA, "100"), NOW).await.unwrap();
    assert_eq!(stage.done(), [""; 0], "and is not frozen again in this period");
}

#[tokio::test]
async fn first_day_of_a_period_is_too_early_and_its_second_is_not() {
    let stage = Stage::new("live");
    let early = Spending { confirmed: Confirmation::TooEarly, ..spending(ANA, "105") };
    stage.arrives(early, "2026-11-01T03:00:00Z").await.unwrap();
    let tick = async |at: &str| stage.ladder.tick(&Clock::new(&invocation(at, 60))).await.unwrap()["again"].clone();
    assert_eq!(tick("2026-11-01T12:00:00Z").await, json!(0));
    assert_eq!(stage.done(), [""; 0]);
    assert_eq!(tick("2026-11-02T00:30:00Z").await, json!(1));
    assert_eq!(stage.done(), [format!("freeze {ANA}")], "the budget still says so");
    assert_eq!(tick("2026-11-02T01:30:00Z").await, json!(0));
}

#[tokio::test]
async fn what_was_too_early_is_of_another_period_when_that_has_passed() {
    let stage = Stage::new("live");
    let early = Spending { confirmed: Confirmation::TooEarly, ..spending(ANA, "105") };
    stage.arrives(early, "2026-11-01T03:00:00Z").await.unwrap();
    let clock = Clock::new(&invocation("2026-11-07T00:30:00Z", 60));
    let december = Place { thing: "x".to_owned(), episode: "y".to_owned(), account: None };
    assert!(december.id().starts_with("inc_"));
    stage.ladder.tick(&clock).await.unwrap();
    assert_eq!(stage.done().len(), 1);
}
