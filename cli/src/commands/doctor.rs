//! `forester doctor`: what the organization lacks for Forester to work.

use crate::context::Context;
use crate::output::{Exit, Problem};

/// Tell what the organization lacks for Forester to work
#[derive(Debug, clap::Args)]
pub struct Doctor {}

impl Doctor {
    /// Runs every check and says what to do about each that does not hold.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        context.forester().await?;
        Err(Problem::failed("doctor is not built in this version"))
    }
}
