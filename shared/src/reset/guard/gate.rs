//! What is asked while a slice works: every few seconds whether resets are stopped, and while things are deleted
//! whether this is still the account that was meant. An account that was moved, or credentials that were
//! renewed into another one, are seen within seconds and not only in the next slice.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::state::Stage;
use super::{Guard, Refusal, unreadable};
use crate::aws::CallError;
use crate::config::{Approve, Sandbox};
use crate::types::AccountId;

/// How many answers, and how long, a yes is good for.
const BATCH: usize = 96;
const EVERY: Duration = Duration::from_secs(5);

/// How many times, and how long, the organization is believed within a stage: it allows few questions a second.
const PASSES: usize = 6;
const BELIEVED: Duration = Duration::from_secs(30);

/// The gate of one slice.
pub struct Gate<'a> {
    guard: Guard<'a>,
    sandbox: &'a Sandbox,
    account: &'a AccountId,
    /// Somebody insists, whatever the hour.
    insists: bool,
    /// When the organization was asked last in this stage, and how often the gate was passed since.
    placed: Option<(Instant, usize)>,
    /// The stage that was let through last, how much was answered since, and when that was.
    stage: Option<Stage>,
    answers: usize,
    last: Instant,
}

impl<'a> Gate<'a> {
    /// The gate of one slice, after all guards said yes.
    pub fn new(guard: Guard<'a>, sandbox: &'a Sandbox, account: &'a AccountId, insists: bool) -> Self {
        Self { guard, sandbox, account, insists, placed: None, stage: None, answers: 0, last: Instant::now() }
    }

    /// Whether the run has what it needs to begin.
    pub fn approved(&self, plan: Option<&str>) -> Result<(), Refusal> {
        match self.sandbox.guards.approve {
            Approve::Plan if plan.is_none() => Err(Refusal::Approval(self.account.clone())),
            Approve::Plan | Approve::Nothing => Ok(()),
        }
    }

    /// When to ask again, if it is not the time now.
    pub fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        let windows = self.sandbox.windows.as_ref().filter(|_| !self.insists)?;
        windows.closed_until(now)
    }

    /// One more answer came in.
    pub fn count(&mut self) {
        self.answers += 1;
    }

    /// Whether the last yes is good still.
    pub fn is_fresh(&self, stage: &Stage) -> bool {
        self.stage.as_ref() == Some(stage) && self.answers < BATCH && self.last.elapsed() < EVERY
    }

    /// Whether the run may go on in this stage. Asked anew when the stage changes, and every so many answers or seconds.
    pub async fn pass(&mut self, stage: &Stage) -> Result<(), Refusal> {
        self.running().await?;
        if matches!(stage, Stage::Deleting | Stage::Vpcs | Stage::Baseline | Stage::Recreating) {
            self.placed(stage).await?;
            self.guard.identity(self.account).await?;
        }
        (self.stage, self.answers, self.last) = (Some(stage.clone()), 0, Instant::now());
        Ok(())
    }

    /// Whether the organization still says that the account may be emptied.
    async fn placed(&mut self, stage: &Stage) -> Result<(), Refusal> {
        let known = self.placed.filter(|_| self.stage.as_ref() == Some(stage));
        let known = known.filter(|(asked, passes)| *passes < PASSES && asked.elapsed() < BELIEVED);
        match known {
            Some((asked, passes)) => self.placed = Some((asked, passes + 1)),
            None => {
                self.guard.place(self.account).await?;
                self.placed = Some((Instant::now(), 1));
            }
        }
        Ok(())
    }

    /// Whether nobody has stopped resets. A switch that cannot be read is taken for one that stops.
    pub async fn running(&self) -> Result<(), Refusal> {
        let Some(parameter) = &self.sandbox.kill_switch else { return Ok(()) };
        let value = match self.read(parameter).await {
            Ok(answer) => answer.pointer("/Parameter/Value").and_then(Value::as_str).map(str::to_owned),
            // https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
            Err(error) if error.has_code("ParameterNotFound") => return Ok(()),
            Err(error) => return Err(unreadable("kill_switch")(error)),
        };
        let reason = || format!("the answer about {parameter} holds no value");
        let value = value.ok_or_else(|| Refusal::Untold { guard: "kill_switch", reason: reason() })?;
        if value.trim().eq_ignore_ascii_case("off") {
            return Ok(());
        }
        Err(Refusal::Stopped { parameter: parameter.clone(), value })
    }

    async fn read(&self, parameter: &str) -> Result<Value, CallError> {
        let home = self.guard.accounts.home().await?;
        let scope = self.guard.accounts.scope(&home, &self.guard.config.home_region).await?;
        scope.call("ssm", "GetParameter", json!({ "Name": parameter })).await
    }
}
