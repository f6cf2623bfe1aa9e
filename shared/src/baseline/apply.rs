//! Takes the steps of a plan: aspect after aspect in the order of work, the places of an aspect side by side. A step
//! that fails stops nobody else.

use std::fmt;

use futures_util::FutureExt;
use serde::Serialize;

use super::observe::side_by_side;
use super::{ASPECTS, Kept, Place, Plan, PlanError, Step, StepError, Taken, Waiting};
use crate::aws::Accounts;
use crate::config::Enforce;
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

/// Takes the steps, or reports them in a dry run.
pub async fn apply(accounts: &dyn Accounts, plan: &Plan, home: &Region, mode: Mode) -> Report {
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
        let mut work = Vec::new();
        for steps in steps.chunk_by(|one, next| one.place == next.place) {
            work.push(in_place(accounts, &plan.id, home, steps).boxed());
        }
        for (step, outcome) in side_by_side(AT_ONCE, work).await.into_iter().flatten() {
            report.add(step, outcome);
        }
    }
    report
}

type Outcome = (Step, Result<Taken, StepError>);

/// Steps of one place happen in order.
async fn in_place(accounts: &dyn Accounts, account: &AccountId, home: &Region, steps: &[&Step]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for step in steps {
        let outcome = match step.place.enter(accounts, account, home).await {
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

    /// Whether nothing failed and everything could be planned.
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty() && self.errors.is_empty() && self.waiting.is_empty()
    }

    /// Whether everything that is amiss may pass by itself.
    pub fn may_pass(&self) -> bool {
        self.failed.iter().all(|failed| failed.may_pass) && self.errors.iter().all(|error| error.may_pass)
    }

    /// Every failure in a line each.
    pub fn complaints(&self) -> Vec<String> {
        let failed = self.failed.iter().map(|Failed { step, reason, hint, .. }| format!("{step}: {reason}; {hint}"));
        let errors = self.errors.iter().map(|e| format!("{} {}: {}; {}", e.aspect, e.region, e.reason, e.hint));
        errors.chain(failed).collect()
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
        for Waiting { aspect, region, summary, reason, .. } in &self.waiting {
            write!(f, "\n  waits   {aspect} {region}: {summary}: {reason}")?;
        }
        for complaint in self.complaints() {
            write!(f, "\n  failed  {complaint}")?;
        }
        Ok(())
    }
}
