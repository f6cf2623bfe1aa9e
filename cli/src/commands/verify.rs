//! `forester verify`: reads everything again and compares it with what is declared. Writes nothing.

use forester::baseline::{Baseline, Plan as Steps};
use serde_json::json;

use super::plan::prepare;
use crate::context::Context;
use crate::output::{Exit, Problem, result};
use crate::pick::{Pick, document};

/// Compare accounts with what is declared for them
#[derive(Debug, clap::Args)]
pub struct Verify {
    #[command(flatten)]
    pick: Pick,
}

impl Verify {
    /// Makes the plan again: what it holds is drift.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let baseline = Baseline::new(&context.forester().await?);
        let prepared = prepare(&baseline, &self.pick).await?;
        let plans: Vec<&Steps> = prepared.iter().map(|prepared| &prepared.plan).collect();
        let drifted: Vec<String> = plans.iter().filter(|plan| !plan.is_clean()).map(ToString::to_string).collect();
        let held = plans.len() - drifted.len();
        let sum = format!("{held} of {} accounts are as declared", plans.len());
        let text = if drifted.is_empty() { sum } else { format!("{}\n\n{sum}", drifted.join("\n")) };
        result(context.form, &document(json!(plans)), text);
        Ok(if drifted.is_empty() { Exit::Done } else { Exit::Unclean })
    }
}
