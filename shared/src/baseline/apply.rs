//! Takes the steps of a plan: aspect after aspect in the order of work, the places of an aspect side by side. A step
//! that fails stops nobody else.

use std::collections::BTreeSet;
use std::fmt;

use futures_util::FutureExt;
use serde::Serialize;

use super::lock::Writer;
use super::observe::side_by_side;
use super::plan::waits;
use super::{ASPECTS, Kept, Place, Plan, PlanError, Step, StepError, Taken, Waiting, part};
use crate::aws::{Accounts, CallSite, ErrorClass};
use crate::config::Enforce;
use crate::store::Store;
use crate::types::{AccountId, Mode, Region};

/// How many places are worked on at the same time.
const AT_ONCE: usize = 16;

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The account.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What was to be done.
    pub steps: Vec<Step>,
    /// What could not be planned.
    pub errors: Vec<PlanError>,
    /// What has to wait.
    pub waiting: Vec<Waiting>,
    /// What was done.
    pub done: Vec<Step>,
    /// What was not done, and need not or may not be.
    pub skipped: Vec<Skipped>,
    /// What should have been done and was not.
    pub failed: Vec<Failed>,
}

/// A step that was not taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// The step.
    pub step: Left,
    /// Why.
    pub reason: String,
}

/// What was left: a step, or something that had none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Left {
    /// The aspect.
    pub aspect: &'static str,
    /// Where.
    pub region: Place,
    /// The action in a word.
    pub action: String,
    /// What it would have been.
    pub summary: String,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failed {
    /// The step.
    pub step: Step,
    /// What happened.
    pub reason: String,
    /// What to do.
    pub hint: String,
    /// Whether the next run may succeed without anybody doing anything.
    #[serde(skip)]
    pub may_pass: bool,
}

/// What the steps are taken with.
pub struct Hands<'a> {
    /// The way into accounts.
    pub accounts: &'a dyn Accounts,
    /// Where locks are kept.
    pub store: &'a dyn Store,
    /// The one writer to the organization.
    pub writer: &'a Writer,
    /// The region for what is not regional.
    pub home: &'a Region,
}

/// Takes the steps, or reports them in a dry run.
pub async fn apply(hands: &Hands<'_>, plan: &Plan, mode: Mode) -> Report {
    let mut report = Report::of(plan);
    let idle = match (mode, plan.enforce) {
        (Mode::DryRun, _) => Some("a dry run writes nothing"),
        (Mode::Apply, Enforce::Observe) => Some("the file says `enforce: observe`"),
        (Mode::Apply, Enforce::Additive | Enforce::Strict) => None,
    };
    if let Some(reason) = idle {
        report.skipped.extend(plan.steps.iter().map(|step| Skipped { step: step.into(), reason: reason.to_owned() }));
        return report;
    }
    for kind in ASPECTS {
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.kind() == *kind).collect();
        let steps = report.released(steps);
        let mut work = Vec::new();
        for steps in steps.chunk_by(|one, next| one.place == next.place) {
            work.push(in_place(hands, &plan.id, steps).boxed());
        }
        for (step, outcome) in side_by_side(AT_ONCE, work).await.into_iter().flatten() {
            report.add(step, outcome);
        }
    }
    report
}

type Outcome = (Step, Result<Taken, StepError>);

/// Steps of one place happen in order; those in the organization one account after the other.
async fn in_place(hands: &Hands<'_>, account: &AccountId, steps: &[&Step]) -> Vec<Outcome> {
    let alone = steps.iter().any(|step| step.place == Place::Organization);
    if !alone {
        return in_order(hands, account, steps).await;
    }
    match hands.writer.organization(hands.store).await {
        Ok(Some(held)) => {
            let outcomes = in_order(hands, account, steps).await;
            held.release(hands.store).await;
            outcomes
        }
        Ok(None) => all_busy(hands, account, steps, "another run is writing to the organization"),
        Err(error) => all_busy(hands, account, steps, &error.to_string()),
    }
}

/// Steps that were not begun and can be taken later.
fn all_busy(hands: &Hands<'_>, account: &AccountId, steps: &[&Step], why: &str) -> Vec<Outcome> {
    let busy = |step: &&Step| {
        let site = CallSite::new("organizations", &step.action.word(), account, hands.home);
        ((*step).clone(), Err(StepError::from(site.error(ErrorClass::Conflict, why))))
    };
    steps.iter().map(busy).collect()
}

async fn in_order(hands: &Hands<'_>, account: &AccountId, steps: &[&Step]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for step in steps {
        let outcome = match step.place.enter(hands.accounts, account, hands.home).await {
            Ok(scope) => step.action.take(&scope).await,
            Err(error) => Err(error.into()),
        };
        outcomes.push(((*step).clone(), outcome));
    }
    outcomes
}

impl Report {
    fn of(plan: &Plan) -> Self {
        Self {
            id: plan.id.to_string(),
            name: plan.name.clone(),
            steps: plan.steps.clone(),
            errors: plan.errors.clone(),
            waiting: plan.waiting.clone(),
            skipped: plan.kept.iter().map(Skipped::from).collect(),
            ..Self::default()
        }
    }

    fn add(&mut self, step: Step, outcome: Result<Taken, StepError>) {
        match outcome {
            Ok(Taken::Done) => self.done.push(step),
            Ok(Taken::AlreadySo) => {
                self.skipped.push(Skipped { step: (&step).into(), reason: "already so".to_owned() });
            }
            Err(error) => {
                let StepError { cause, hint, may_pass } = error;
                self.failed.push(Failed { step, reason: cause.to_string(), hint, may_pass });
            }
        }
    }

    /// The steps that may be taken as things stand: while a guard does not hold, none that ends a quarantine. Such a
    /// step waits, so that the account is neither let out half-guarded nor left behind in silence.
    fn released<'a>(&mut self, steps: Vec<&'a Step>) -> Vec<&'a Step> {
        let open = self.open_guards();
        let (held, free): (Vec<&Step>, Vec<&Step>) =
            steps.into_iter().partition(|step| !open.is_empty() && step.action.releases());
        let names: Vec<&str> = open.into_iter().collect();
        self.waiting.extend(held.into_iter().map(|step| Waiting {
            aspect: step.kind().name(),
            region: step.place.clone(),
            summary: step.action.to_string(),
            reason: format!("the account stays in quarantine until its guards hold; not yet: {}", names.join(", ")),
            on: None,
        }));
        free
    }

    /// The guards that do not hold, or of which it is not known. An account that could not be looked at has none.
    fn open_guards(&self) -> BTreeSet<&'static str> {
        let guard = |aspect: &&'static str| {
            *aspect == "account" || ASPECTS.iter().any(|kind| kind.guards() && kind.name() == *aspect)
        };
        let failed = self.failed.iter().map(|failed| failed.step.kind().name());
        let errors = self.errors.iter().map(|error| error.aspect);
        let waiting = self.waiting.iter().map(|waiting| waiting.aspect);
        failed.chain(errors).chain(waiting).filter(guard).collect()
    }

    /// Whether nothing failed and everything could be planned.
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty() && self.errors.is_empty() && self.waiting.is_empty()
    }

    /// Every failure in a line each.
    pub fn complaints(&self) -> Vec<String> {
        let failed = self.failed.iter().map(|Failed { step, reason, hint, .. }| format!("{step}: {reason}; {hint}"));
        let errors = self.errors.iter().map(|e| format!("{} {}: {}; {}", e.aspect, e.region, e.reason, e.hint));
        errors.chain(failed).collect()
    }

    /// What a later try may mend without anybody doing anything, a line each.
    pub fn passing(&self) -> Vec<String> {
        let failed = self.failed.iter().filter(|failed| failed.may_pass);
        let failed = failed.map(|Failed { step, reason, .. }| format!("{step}: {reason}"));
        let errors = self.errors.iter().filter(|error| error.may_pass);
        let errors = errors.map(|e| format!("{} {}: {}", e.aspect, e.region, e.reason));
        waits(&self.waiting).into_iter().chain(errors).chain(failed).collect()
    }

    /// What only a person can mend, a line each.
    pub fn lasting(&self) -> Vec<String> {
        let lasting = Self {
            failed: self.failed.iter().filter(|failed| !failed.may_pass).cloned().collect(),
            errors: self.errors.iter().filter(|error| !error.may_pass).cloned().collect(),
            ..Self::default()
        };
        lasting.complaints()
    }

    /// The parts that are not as declared (see [`part`]).
    pub fn open(&self) -> BTreeSet<String> {
        let failed = self.failed.iter().map(|failed| part(failed.step.kind().name(), &failed.step.place));
        let errors = self.errors.iter().map(|error| part(error.aspect, &error.region));
        let waiting = self.waiting.iter().map(|waiting| part(waiting.aspect, &waiting.region));
        failed.chain(errors).chain(waiting).collect()
    }

    /// The accounts whose baselines have to do their part before this one can be finished.
    pub fn awaits(&self) -> BTreeSet<&AccountId> {
        self.waiting.iter().filter_map(|waiting| waiting.on.as_ref()).collect()
    }

    /// Takes in what a later look at the same account came to.
    pub fn follow(&mut self, later: Self) {
        let Self { steps, errors, waiting, done, skipped, failed, .. } = later;
        self.steps.extend(steps);
        self.done.extend(done);
        self.skipped = skipped;
        (self.errors, self.waiting, self.failed) = (errors, waiting, failed);
    }
}

impl From<&Step> for Left {
    fn from(step: &Step) -> Self {
        Self {
            aspect: step.kind().name(),
            region: step.place.clone(),
            action: step.action.word(),
            summary: step.action.to_string(),
        }
    }
}

impl From<&Kept> for Skipped {
    fn from(kept: &Kept) -> Self {
        let Kept { aspect, region, summary, reason } = kept.clone();
        Self { step: Left { aspect, region, action: "keep".to_owned(), summary }, reason }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, skipped, failed) = (self.done.len(), self.skipped.len(), self.failed.len() + self.errors.len());
        write!(f, "{} ({}): {done} done, {skipped} skipped, {failed} failed", self.name, self.id)?;
        for step in &self.done {
            write!(f, "\n  done    {step}")?;
        }
        for Skipped { step: Left { aspect, region, summary, .. }, reason } in &self.skipped {
            write!(f, "\n  skipped {aspect} {region}: {summary}: {reason}")?;
        }
        for line in waits(&self.waiting) {
            write!(f, "\n  waits   {line}")?;
        }
        for complaint in self.complaints() {
            write!(f, "\n  failed  {complaint}")?;
        }
        Ok(())
    }
}
