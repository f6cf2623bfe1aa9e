//! `forester plan`: the steps that would be taken. Writes nothing.

use forester::baseline::{Baseline, Plan as Steps, Prepared};
use serde_json::json;

use crate::context::Context;
use crate::output::{Exit, Problem, result};
use crate::pick::{Pick, document};

/// Show the steps that would bring accounts to their baseline
#[derive(Debug, clap::Args)]
pub struct Plan {
    #[command(flatten)]
    pick: Pick,
}

impl Plan {
    /// Looks at the accounts and plans each.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let baseline = Baseline::new(&context.forester().await?);
        let prepared = prepare(&baseline, &self.pick).await?;
        let plans: Vec<&Steps> = prepared.iter().map(|prepared| &prepared.plan).collect();
        result(context.form, &document(json!(plans)), text(&plans));
        Ok(match (plans.iter().any(|plan| !plan.steps.is_empty()), plans.iter().all(|plan| plan.is_clean())) {
            (true, _) => Exit::Changes,
            (false, true) => Exit::Done,
            (false, false) => Exit::Unclean,
        })
    }
}

/// The plans of the accounts that were picked.
pub async fn prepare(baseline: &Baseline, pick: &Pick) -> Result<Vec<Prepared>, Problem> {
    let accounts = pick.accounts(baseline).await?;
    baseline.prepare_all(accounts).await.map_err(Problem::failed)
}

/// Every plan, and a line that sums up.
pub fn text(plans: &[&Steps]) -> String {
    let sum = |count: fn(&Steps) -> usize| plans.iter().map(|plan| count(plan)).sum::<usize>();
    let (steps, errors) = (sum(|plan| plan.steps.len()), sum(|plan| plan.errors.len()));
    let waiting = sum(|plan| plan.waiting.len());
    let waiting = if waiting > 0 { format!(", {waiting} waiting") } else { String::new() };
    let each: Vec<String> = plans.iter().map(ToString::to_string).collect();
    format!("{}\n\n{} accounts, {steps} steps, {errors} errors{waiting}", each.join("\n"), plans.len())
}
