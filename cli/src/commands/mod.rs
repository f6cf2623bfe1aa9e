//! The commands, a file each. Adding one: its file, a `mod` line, a variant, an arm.

mod doctor;

use clap::Subcommand;

use crate::context::Context;
use crate::output::{Exit, Problem};

/// What `forester` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell what the organization lacks for Forester to work
    Doctor(doctor::Doctor),
}

impl Command {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        match self {
            Self::Doctor(command) => command.run(context).await,
        }
    }
}
