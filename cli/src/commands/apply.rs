//! `forester apply`: takes the steps of a plan, and goes on past failures.

use forester::baseline::{Baseline, Outcome, Plan as Steps, Report};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{prepare, text};
use crate::context::Context;
use crate::output::{Exit, Problem, note, result};
use crate::pick::{Pick, document};

/// Bring accounts to their baseline
#[derive(Debug, clap::Args)]
pub struct Apply {
    #[command(flatten)]
    pick: Pick,
}

impl Apply {
    /// Plans, shows the plan, asks, applies.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let baseline = Baseline::new(&context.forester().await?);
        let prepared = prepare(&baseline, &self.pick).await?;
        let plans: Vec<&Steps> = prepared.iter().map(|prepared| &prepared.plan).collect();
        let steps: usize = plans.iter().map(|plan| plan.steps.len()).sum();
        if steps > 0 {
            note(text(&plans));
            context.confirm(format_args!("Take these {steps} steps?"))?;
        }
        let outcomes = baseline.apply_all(prepared, self.pick.all(), Timestamp::now()).await;
        let each: Vec<String> = outcomes.iter().map(told).collect();
        result(context.form, &document(outcomes.iter().map(document_of).collect()), each.join("\n"));
        Ok(match outcomes.iter().all(|(_, outcome)| outcome.is_ok()) {
            true if outcomes.iter().flat_map(|(_, outcome)| outcome).all(Report::is_clean) => Exit::Done,
            true => Exit::Unclean,
            false => Exit::Failed,
        })
    }
}

fn told((account, outcome): &Outcome) -> String {
    match outcome {
        Ok(report) => report.to_string(),
        Err(failure) => format!("{} ({}): {failure}", account.name, account.id),
    }
}

fn document_of((account, outcome): &Outcome) -> Value {
    match outcome {
        Ok(report) => json!(report),
        Err(failure) => {
            let error = json!({ "aspect": "account", "region": "global", "reason": failure.to_string(), "hint": "" });
            json!({ "id": account.id, "name": account.name, "steps": [], "errors": [error] })
        }
    }
}
