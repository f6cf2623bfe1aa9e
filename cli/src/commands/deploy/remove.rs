//! `forester remove`: takes away what `forester deploy` brought, and leaves no account that people are kept out of.
//!
//! A reset that is under way holds a policy on its account that lets nobody work, and takes it away at its end. So nothing
//! is removed before the last reset has ended, and no new one begins meanwhile.

use serde_json::{Value, json};

use super::holds::{Hold, Holds};
use super::site::Site;
use super::stack::{Stack, with};
use super::{forwarders, members};
use crate::context::Context;
use crate::output::{Exit, Problem, note, result};

/// Remove what `forester deploy` brought, and let people into every account that Forester holds
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// What the stack is called
    #[arg(long, default_value = "forester", value_name = "NAME")]
    stack: String,
}

impl Remove {
    /// Looks, asks, stops new resets, lets go, deletes.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let config = context.config()?;
        let site = Site::find(context, config).await?;
        let stack = Stack::named(site.scope.clone(), self.stack.clone());
        let outputs = stack.outputs().await?;
        let machine = outputs.get("ResetMachineArn").cloned();
        at_rest(&site, machine.as_deref()).await?;
        let holds = Holds::find(&site).await?;
        let held = held(holds.as_ref()).await?;
        for hold in &held {
            note(format_args!("people are kept out of {} by the policy {}", hold.account, hold.name));
        }
        context.confirm(format_args!(
            "Remove the stack {} in {}, {}, its forwarders and StackSets, and let people into {} accounts?",
            self.stack,
            site.scope.account(),
            site.scope.region(),
            held.len()
        ))?;
        if let Some(timer) = outputs.get("ResetTimerName") {
            switch_off(&site, timer).await?;
            // One that began while we asked.
            at_rest(&site, machine.as_deref()).await?;
        }
        let mut freed = let_go(holds.as_ref()).await?;
        let (gone, failed) = self.delete(&site, &stack).await?;
        // Whatever a function did before it was gone.
        freed.extend(let_go(holds.as_ref()).await?);
        Ok(told(context, &site, &freed, &gone, &failed))
    }

    /// Deletes the stack, so that no function acts any more, then what it had elsewhere; returns what is gone, and what
    /// could not be deleted.
    async fn delete(&self, site: &Site, stack: &Stack) -> Result<(Vec<String>, Vec<String>), Problem> {
        let (mut gone, mut failed) = (Vec::new(), Vec::new());
        if stack.delete().await? {
            gone.push(stack.name.clone());
        }
        for forwarder in forwarders::of(site, &self.stack).await? {
            if forwarder.delete().await? {
                gone.push(format!("{} in {}", forwarder.name, forwarder.scope.region()));
            }
        }
        if site.is_management() {
            for set in members::unwanted(&site.scope, &self.stack) {
                let (was, left) = set.delete().await?;
                gone.extend(was.then(|| set.name.clone()));
                failed.extend(left);
            }
        }
        Ok((gone, failed))
    }
}

async fn held(holds: Option<&Holds>) -> Result<Vec<Hold>, Problem> {
    match holds {
        Some(holds) => holds.all().await,
        None => Ok(Vec::new()),
    }
}

/// Lets people into all accounts that are held now, and returns them.
async fn let_go(holds: Option<&Holds>) -> Result<Vec<Hold>, Problem> {
    let held = held(holds).await?;
    if let Some(holds) = holds {
        holds.let_go(&held).await?;
    }
    Ok(held)
}

/// Refuses while the state machine of resets works.
async fn at_rest(site: &Site, machine: Option<&str>) -> Result<(), Problem> {
    let Some(machine) = machine else { return Ok(()) };
    let asked = json!({ "stateMachineArn": machine, "statusFilter": "RUNNING" });
    let running = site.scope.pages("stepfunctions", "ListExecutions", asked).await.map_err(Problem::failed)?;
    let Some(first) = running.first() else { return Ok(()) };
    let execution = first.get("executionArn").and_then(Value::as_str).unwrap_or_default();
    Err(Problem::refused(format_args!(
        "resets are under way, and end by letting people in again: {execution}. Wait for the end, or set the \
         `kill_switch` of the file, by which they end soon; nothing was removed"
    )))
}

/// Keeps the schedule from starting another reset.
async fn switch_off(site: &Site, timer: &str) -> Result<(), Problem> {
    let asked = json!({ "Name": timer });
    let schedule = site.scope.call("scheduler", "GetSchedule", asked).await.map_err(Problem::failed)?;
    let kept = ["Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target"];
    let same: serde_json::Map<String, Value> =
        kept.iter().filter_map(|name| Some(((*name).to_owned(), schedule.get(*name)?.clone()))).collect();
    let off = with(Value::Object(same), json!({ "State": "DISABLED" }));
    site.scope.call("scheduler", "UpdateSchedule", off).await.map(drop).map_err(Problem::failed)
}

/// Says what is gone, what stays and why.
fn told(context: &Context, site: &Site, held: &[Hold], gone: &[String], failed: &[String]) -> Exit {
    let intake = &site.config.organization.intake;
    let waiting: Vec<&str> =
        site.forest.members.iter().filter(|member| member.ou == *intake).map(|member| member.name.as_str()).collect();
    let freed: Vec<&str> = held.iter().map(|hold| hold.account.as_str()).collect();
    let list = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    let lines = [
        Some(if gone.is_empty() { "nothing was deployed".to_owned() } else { format!("gone: {}", gone.join(", ")) }),
        list("people work again in", &owned(&freed)),
        list("not gone, look there", failed),
        list("still in quarantine, move them by hand", &owned(&waiting)),
        Some(
            "The table, the bucket of receipts and the bucket of the file stay, and whatever baselines made in accounts."
                .to_owned(),
        ),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    let document = json!({ "gone": gone, "freed": freed, "failed": failed, "waiting": waiting });
    result(context.form, &document, lines.join("\n"));
    if failed.is_empty() { Exit::Done } else { Exit::Unclean }
}
