//! The commands, a file each. Adding one: its file, a `mod` line, a variant, an arm.

mod alerts;
mod doctor;
mod events;
mod schema;
mod validate;

use clap::Subcommand;

use crate::context::Context;
use crate::output::{Exit, Problem};

/// What `forester` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the file and print every problem with line, column and what was expected
    Validate(validate::Validate),
    /// Print the JSON Schema of the file
    Schema(schema::Schema),
    /// Explain, send and test alerts; find alarms that watch over nothing
    Alerts(alerts::Alerts),
    /// Hand event files to the functions that would take them
    Events(events::Events),
    /// Tell what the organization lacks for Forester to work
    Doctor(doctor::Doctor),
}

impl Command {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        match self {
            Self::Validate(command) => command.run(context).await,
            Self::Schema(command) => command.run(context).await,
            Self::Alerts(command) => command.run(context).await,
            Self::Events(command) => command.run(context).await,
            Self::Doctor(command) => command.run(context).await,
        }
    }
}
