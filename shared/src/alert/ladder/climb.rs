//! Taking the steps: each once a period, whatever comes twice, and told where the matter is told.

use super::super::delivery::Clock;
use super::super::incident::{Addressee, Incident, Place, Turn};
use super::super::model::{Alert, Fact, Severity, Status};
use super::super::spending::{Confirmation, Spending};
use super::super::{Identity, Text};
use super::book::{Breaker, Step, StepState};
use super::plan::plan;
use super::{Ladder, No, tick};
use crate::alert::plan::Signal;
use crate::config::alerts::{Act, Do, Ladder as Declared, Rung};
use crate::job::Failure;
use crate::telemetry::{Metric, emit};
use crate::types::AccountId;

impl Ladder {
    /// Takes the steps that the alert's budget bears out, and tells of them in the matter at `place`.
    pub async fn climb(&self, place: &Place, alert: &Alert, clock: &Clock) -> Result<(), Failure> {
        let declared = self.desk.alerts()?.ladder.as_ref();
        let Some((declared, spending)) = declared.zip(alert.spending.as_ref()) else { return Ok(()) };
        let (account, rungs) = match plan(declared, spending) {
            Ok(steps) => steps,
            Err(why) => {
                tracing::info!(alert.id = %alert.id, "the ladder does nothing: {why}");
                if spending.confirmed == Confirmation::TooEarly {
                    tick::later(self.desk.store.as_ref(), place, alert, clock.now()).await?;
                }
                return Ok(());
            }
        };
        for rung in rungs {
            self.step(place, declared, rung, account, spending, clock).await?;
        }
        Ok(())
    }

    async fn step(
        &self,
        place: &Place,
        declared: &Declared,
        rung: &Rung,
        account: &AccountId,
        spending: &Spending,
        clock: &Clock,
    ) -> Result<(), Failure> {
        let store = self.desk.store.as_ref();
        let mut step = Step::begun(account, spending, rung, clock.now());
        let live = declared.act == Act::Live;
        match step.claim(store, live, clock.now()).await? {
            Ok(version) => {
                (step.state, step.said) = self.take(declared, rung, account, spending, &step, clock).await?;
                step.when = clock.now();
                step.keep(store, version, clock.now()).await?;
                tell(&step);
            }
            Err(known) if known.state == StepState::Begun => {
                let what = format!("somebody else is taking step {} of {account}", known.at);
                return Err(Failure::Retryable(what));
            }
            Err(known) => step = known,
        }
        if !step.told {
            self.tell(place, &step, rung, clock).await?;
            step.told = true;
            step.change(store, clock.now()).await?;
        }
        Ok(())
    }

    /// Takes one step, and says how it stands then.
    async fn take(
        &self,
        declared: &Declared,
        rung: &Rung,
        account: &AccountId,
        spending: &Spending,
        step: &Step,
        clock: &Clock,
    ) -> Result<(StepState, String), Failure> {
        match rung.r#do {
            Do::Notify => Ok((StepState::Done, format!("told to {} as well", rung.also.join(", ")))),
            Do::Freeze => match self.hindered(declared, account, clock).await? {
                Some(stands) => Ok(stands),
                None => {
                    let because = format!("{}% of the budget {} is spent", rung.at, spending.budget);
                    taken(self.sandboxes.freeze(account, spending.until, &because).await)
                }
            },
            Do::Reset => match self.hindered(declared, account, clock).await? {
                Some(stands) => Ok(stands),
                None => taken(self.sandboxes.reset(account, &step.name()).await),
            },
        }
    }

    /// What keeps a step that touches the account from being taken, and how it stands then.
    async fn hindered(
        &self,
        declared: &Declared,
        account: &AccountId,
        clock: &Clock,
    ) -> Result<Option<(StepState, String)>, Failure> {
        match self.sandboxes.may(account).await {
            Ok(()) => {}
            Err(No::Refused(why)) => return Ok(Some((StepState::Refused, format!("not done: {why}")))),
            Err(No::Later(why)) => return Err(Failure::Retryable(why)),
        }
        if declared.act == Act::DryRun {
            let what = "would be done; this is a dry run (alerts.ladder.act), and nothing was";
            return Ok(Some((StepState::DryRun, what.to_owned())));
        }
        if let Err(why) = Breaker::admit(self.desk.store.as_ref(), account, declared.at_most, clock.now()).await? {
            self.shout(&why, account, clock).await?;
            return Ok(Some((StepState::Stopped, format!("not done: {why}"))));
        }
        Ok(None)
    }

    /// Says in the matter's thread what was done, to whoever heard of it, to those whom the step names, and where that
    /// is nobody to the root's receiver.
    async fn tell(&self, place: &Place, step: &Step, rung: &Rung, clock: &Clock) -> Result<(), Failure> {
        let root = self.desk.alerts()?.route.receiver.clone().unwrap_or_default();
        let line = format!("{} at {}%: {}", step.act.name(), step.at, step.said);
        let fact = Fact { name: "ladder".to_owned(), value: Text::line(&line) };
        let also = rung.also.clone();
        let change = move |incident: &mut Incident| {
            if incident.alert.facts.contains(&fact) {
                return false;
            }
            incident.alert.facts.insert(0, fact.clone());
            incident.alert.severity = incident.alert.severity.max(gravity(step));
            let to = addressees(incident, &also, &root);
            incident.tell(Vec::new(), to);
            true
        };
        self.desk.change(place, clock, change).await.map(drop)
    }

    /// The breaker is open: the root's receiver hears of it, whatever else is routed or silenced.
    pub(super) async fn shout(&self, why: &str, account: &AccountId, clock: &Clock) -> Result<(), Failure> {
        let (breaker, _) = Breaker::load(self.desk.store.as_ref()).await?;
        let since = breaker.open.map_or_else(|| clock.now(), |(since, _)| since).to_string();
        let mut alert = Alert::new(&format!("ladder-breaker-{since}"), "forester-ladder", "ladder", why);
        alert.title = Text::line("The ladder has stopped: too many accounts at once");
        (alert.severity, alert.status, alert.time) = (Severity::Critical, Status::Firing, Some(clock.now()));
        alert.label("rule", "ladder-breaker");
        alert.label("unsilenceable", "true");
        alert.fact("why", why);
        alert.fact("account", account.as_ref());
        alert.fact("next", "look at the budgets, then `forester alerts ladder --resume --because TEXT`");
        alert.identity = Identity::new("ladder-breaker", &[], &since);
        let root = self.desk.alerts()?.route.receiver.clone().unwrap_or_default();
        let place = Place::of(&alert);
        self.desk.settle(&Signal::new(alert), clock).await?;
        let heard_by_root = move |incident: &mut Incident| {
            if incident.heard.contains_key(&root) {
                return false;
            }
            let to = vec![first(incident, &root, "because the ladder has stopped")];
            incident.tell(Vec::new(), to);
            true
        };
        self.desk.change(&place, clock, heard_by_root).await.map(drop)
    }
}

/// How a step stands that touched the account, or was kept from it.
fn taken(touched: Result<String, No>) -> Result<(StepState, String), Failure> {
    match touched {
        Ok(how) => Ok((StepState::Done, format!("done: {how}"))),
        Err(No::Refused(why)) => Ok((StepState::Refused, format!("not done: {why}"))),
        Err(No::Later(why)) => Err(Failure::Retryable(why)),
    }
}

/// How bad it is that a step was taken.
fn gravity(step: &Step) -> Severity {
    match (step.act, step.state) {
        (Do::Freeze | Do::Reset, StepState::Done | StepState::Stopped) => Severity::High,
        _ => Severity::Info,
    }
}

fn addressees(incident: &Incident, also: &[String], root: &str) -> Vec<Addressee> {
    let before = incident.heard.iter().map(|(receiver, thread)| Addressee {
        receiver: receiver.clone(),
        turn: Turn::Update,
        thread: thread.clone(),
        because: format!("to {receiver}, who was told of the matter before"),
        hold: None,
    });
    let mut to: Vec<Addressee> = before.collect();
    for name in also.iter().filter(|name| !incident.heard.contains_key(*name)) {
        to.push(first(incident, name, "by the ladder's step"));
    }
    if to.is_empty() {
        to.push(first(incident, root, "because nobody else hears what the ladder does"));
    }
    to
}

fn first(incident: &Incident, receiver: &str, why: &str) -> Addressee {
    let because = format!("to {receiver}, {why}");
    Addressee { receiver: receiver.to_owned(), turn: Turn::First, thread: incident.id.clone(), because, hold: None }
}

fn tell(step: &Step) {
    let Step { account, at, said, .. } = step;
    let act = step.act.name();
    tracing::warn!(account.id = %account, step.kind = act, "ladder: {act} of {account} at {at}%: {said}");
    let done = u64::from(step.state == StepState::Done && step.act != Do::Notify);
    let stopped = u64::from(step.state == StepState::Stopped);
    emit("ladder", &[Metric::count("LadderActs", done), Metric::count("LadderStopped", stopped)]);
}
