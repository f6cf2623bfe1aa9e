//! What scripts rely on: exit codes, and one JSON document on standard output.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use serde_json::Value;

/// What goes to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// Exactly one JSON document.
    Json,
}

/// How a command ended. The numbers are the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// A plan with changes.
    Changes = 2,
    /// Refused by a guard.
    Refused = 3,
    /// Finished, but not clean: a ledger that is not green, steps that failed.
    Unclean = 4,
}

/// Why a command did not get to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// How the process ends.
    pub exit: Exit,
    /// What happened, why, and what to do.
    pub message: String,
}

impl Problem {
    /// It failed.
    pub fn failed(message: impl Display) -> Self {
        Self { exit: Exit::Failed, message: message.to_string() }
    }

    /// A guard refused.
    pub fn refused(message: impl Display) -> Self {
        Self { exit: Exit::Refused, message: message.to_string() }
    }
}

/// Prints a line to standard output; a reader that went away is not an error worth a message.
pub fn say(text: impl Display) {
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}

/// Prints a line of progress or advice to standard error.
pub fn note(text: impl Display) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Prints the result in the form that was asked for.
pub fn result(form: Form, json: &Value, text: impl Display) {
    match form {
        Form::Json => say(json),
        Form::Text => say(text),
    }
}

/// Tells what went wrong.
pub fn report(problem: &Problem) -> Exit {
    note(format_args!("forester: {}", problem.message));
    problem.exit
}

/// Asks before something is written. `--yes` answers; without a terminal and without `--yes` it refuses.
pub fn confirm(yes: bool, question: impl Display) -> Result<(), Problem> {
    match answered(yes, question)? {
        true => Ok(()),
        false => Err(Problem::refused("not confirmed; nothing was written")),
    }
}

/// The same, for whoever has to say what was written already.
pub fn answered(yes: bool, question: impl Display) -> Result<bool, Problem> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Problem::refused(format_args!("{question} Nobody is there to answer: repeat with --yes.")));
    }
    let mut answer = String::new();
    drop(write!(std::io::stderr().lock(), "{question} Type yes to go on: "));
    std::io::stdin().read_line(&mut answer).map_err(Problem::failed)?;
    Ok(answer.trim() == "yes")
}
