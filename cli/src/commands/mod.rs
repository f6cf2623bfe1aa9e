//! The commands, a file each. Adding one: its file, a `mod` line, a variant, an arm.

mod accounts;
mod alerts;
mod apply;
mod deploy;
mod doctor;
mod events;
mod explain;
mod plan;
mod reset;
mod resolve;
mod schema;
mod validate;
mod verify;

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
    /// Show the tree of OUs and accounts
    Accounts(accounts::Accounts),
    /// Show the aspects in force for an account
    Resolve(resolve::Resolve),
    /// Show which layer said what for an account, and what it overrode
    Explain(explain::Explain),
    /// Show the steps that would bring accounts to their baseline
    Plan(plan::Plan),
    /// Bring accounts to their baseline
    Apply(apply::Apply),
    /// Compare accounts with what is declared for them
    Verify(verify::Verify),
    /// Empty sandbox accounts, prove it, and apply their baselines again
    Reset(reset::Reset),
    /// Explain, send and test alerts; find alarms that watch over nothing
    Alerts(alerts::Alerts),
    /// Hand event files to the functions that would take them
    Events(events::Events),
    /// Deploy Forester into the account and region of the credentials at hand
    Deploy(deploy::Deploy),
    /// Remove what `forester deploy` brought, and let people into every account that Forester holds
    Remove(deploy::Remove),
    /// Tell what the organization lacks for Forester to work
    Doctor(doctor::Doctor),
}

impl Command {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        match self {
            Self::Validate(command) => command.run(context).await,
            Self::Schema(command) => command.run(context).await,
            Self::Accounts(command) => command.run(context).await,
            Self::Resolve(command) => command.run(context).await,
            Self::Explain(command) => command.run(context).await,
            Self::Plan(command) => command.run(context).await,
            Self::Apply(command) => command.run(context).await,
            Self::Verify(command) => command.run(context).await,
            Self::Reset(command) => command.run(context).await,
            Self::Alerts(command) => command.run(context).await,
            Self::Events(command) => command.run(context).await,
            Self::Deploy(command) => command.run(context).await,
            Self::Remove(command) => command.run(context).await,
            Self::Doctor(command) => command.run(context).await,
        }
    }
}
