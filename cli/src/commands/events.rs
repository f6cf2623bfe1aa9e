//! `forester events replay FILE`: hands an event file to the function that would take it, in process.

use std::path::{Path, PathBuf};

use forester::Forester;
use forester::alert::{Actions, Deliverer, Incoming, Router, detect};
use forester::baseline::BaselineJob;
use forester::event::Message;
use forester::job::{Failure, Job};
use serde_json::{Value, json};

use super::alerts::{invocation, messages};
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Hand event files to the functions that would take them
#[derive(Debug, clap::Args)]
pub struct Events {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Hand an event file to the function that would take it, in process
    Replay(Replay),
}

#[derive(Debug, clap::Args)]
struct Replay {
    /// An event file, as Lambda would get it
    file: PathBuf,
    /// The function; without it, told by the event
    #[arg(long, value_enum)]
    function: Option<Function>,
}

/// The functions, by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Function {
    AccountBaseline,
    SandboxReset,
    BudgetRouter,
    AlarmFanout,
    AlertDelivery,
    AlertActions,
}

impl Events {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        match self.command {
            Command::Replay(replay) => replay.run(context).await,
        }
    }
}

impl Replay {
    async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let messages = messages(&self.file)?;
        context.confirm(format_args!("Handle {} as its function would, writes included?", self.file.display()))?;
        let forester = context.forester().await?;
        let (mut reports, mut failed) = (Vec::new(), false);
        for message in &messages {
            let function = self.function.unwrap_or_else(|| taker(&self.file, message));
            let outcome = handle(&forester, function, message).await;
            failed |= outcome.is_err();
            reports.push(match outcome {
                Ok(report) => json!({ "function": name(function), "message": message.id, "report": report }),
                Err(failure) => json!({
                    "function": name(function), "message": message.id, "failure": failure.kind(), "reason": failure.to_string(),
                }),
            });
        }
        let text = reports.iter().map(line).collect::<Vec<_>>().join("\n");
        result(context.form, &json!({ "replayed": reports }), text);
        Ok(if failed { Exit::Failed } else { Exit::Done })
    }
}

async fn handle(forester: &Forester, function: Function, message: &Message) -> Result<Value, Failure> {
    let job: Box<dyn Job> = match function {
        Function::BudgetRouter | Function::AlarmFanout => {
            Box::new(Router::new(forester).map_err(|error| Failure::Config(error.to_string()))?)
        }
        Function::AlertDelivery => {
            Box::new(Deliverer::queued(forester).map_err(|error| Failure::Config(error.to_string()))?)
        }
        Function::AlertActions => Box::new(Actions::new(forester).map_err(|error| Failure::Config(error.to_string()))?),
        Function::AccountBaseline => Box::new(BaselineJob::new(forester)),
        Function::SandboxReset => Box::new(forester.reset().map_err(|error| Failure::Config(error.to_string()))?),
    };
    job.handle(&invocation(), message).await
}

/// The function that a rule or a queue would hand the message to. A folder named after a function says so itself,
/// as in `events/`.
fn taker(file: &Path, message: &Message) -> Function {
    let folder = file.parent().and_then(Path::file_name).and_then(|folder| folder.to_str()).unwrap_or_default();
    let named = <Function as clap::ValueEnum>::from_str(folder, false);
    named.unwrap_or_else(|_| by_content(message))
}

fn by_content(message: &Message) -> Function {
    let json = message.json().unwrap_or_default();
    let has = |pointer: &str| json.pointer(pointer).is_some();
    let source = json.pointer("/source").and_then(Value::as_str).unwrap_or_default();
    if has("/delivery") {
        return Function::AlertDelivery;
    }
    if has("/requestContext/http/method") {
        return Function::AlertActions;
    }
    if has("/forester") {
        return Function::AlarmFanout;
    }
    let sweep = json.pointer("/action").and_then(Value::as_str) == Some("sweep");
    if sweep || matches!(source, "aws.organizations" | "aws.controltower" | "aws.account") {
        return Function::AccountBaseline;
    }
    if has("/action") || source == "aws.scheduler" {
        return Function::SandboxReset;
    }
    match detect(&Incoming::new(message)).1.kind.as_str() {
        "alarm" | "event" => Function::AlarmFanout,
        _ => Function::BudgetRouter,
    }
}

fn name(function: Function) -> String {
    clap::ValueEnum::to_possible_value(&function).map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn line(report: &Value) -> String {
    let word = |name: &str| report.get(name).and_then(Value::as_str).unwrap_or_default();
    match report.get("report") {
        Some(done) => format!("{} handled {}: {done}", word("function"), word("message")),
        None => format!("{} failed on {}: {}: {}", word("function"), word("message"), word("failure"), word("reason")),
    }
}
