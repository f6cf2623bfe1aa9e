//! The `forester` command: whatever a function does, a person can do, plan or explain from a terminal.
//!
//! One grammar for people and scripts: exit codes and JSON are a contract, kept in `output.rs`; each command is a file
//! in `commands/`.

mod answer;
mod commands;
mod context;
mod output;
mod pick;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::context::Context;
use crate::output::Exit;

/// Keeps the accounts of an AWS organization: baselines, sandbox resets, budget and alarm routing.
#[derive(Debug, Parser)]
#[command(name = "forester", version, propagate_version = true)]
struct Arguments {
    /// The file that declares the forest: a path, or s3://bucket/key
    #[arg(long, global = true, env = "FORESTER_CONFIG", default_value = "forester.yaml", value_name = "FILE")]
    config: String,
    /// What goes to standard output
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    output: output::Form,
    /// How much is logged to standard error: error, warn, info, debug, trace
    #[arg(long, global = true, default_value = "warn", value_name = "LEVEL")]
    log: String,
    /// Answer yes to the question that comes before anything is written
    #[arg(long, global = true)]
    yes: bool,
    #[command(subcommand)]
    command: Command,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    forester::telemetry::start_for_terminal(&arguments.log);
    let context = Context::new(arguments.config, arguments.output, arguments.yes);
    let exit = match arguments.command.run(&context).await {
        Ok(exit) => exit,
        Err(problem) => output::report(&problem),
    };
    exit.into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
