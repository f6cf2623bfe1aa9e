//! `forester apply`: takes the steps of a plan, and goes on past failures.

use forester::baseline::{Baseline, Plan as Steps};
use forester::types::Mode;
use jiff::Timestamp;
use serde_json::json;

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
        let mut reports = Vec::new();
        for prepared in &prepared {
            reports.push(baseline.apply(prepared, Mode::Apply, Timestamp::now()).await.map_err(Problem::failed)?);
        }
        let each: Vec<String> = reports.iter().map(ToString::to_string).collect();
        result(context.form, &document(json!(reports)), each.join("\n"));
        Ok(if reports.iter().all(|report| report.is_clean()) { Exit::Done } else { Exit::Unclean })
    }
}
