//! `forester alerts`: what an event would come to, and making it so.

mod explain;
mod incidents;
mod ladder;
mod lint;
mod redrive;
mod send;
mod silence;
mod status;
mod test;

use std::path::Path;

use forester::Forester;
use forester::aws::sqs::{DeadLetters, SdkQueue};
use forester::event::{Message, open};
use forester::job::Invocation;
use jiff::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::output::{Exit, Problem};

/// Explain, send, test, follow, silence and acknowledge alerts; find alarms that watch over nothing
#[derive(Debug, clap::Args)]
pub struct Alerts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell offline what an event parses to, who would hear of it and why, and what they would get
    Explain(explain::Explain),
    /// The same, looked up and delivered
    Send(send::Send),
    /// Find the alarms and metric filters of an account that can never fire or that nobody hears
    Lint(lint::Lint),
    /// Show what is on its way, late, dead or lost, receiver by receiver
    Status(status::Status),
    /// Send what did not arrive once more
    Redrive(redrive::Redrive),
    /// Show what the ladder did to an account, or whether it has stopped; let it go on
    Ladder(ladder::Ladder),
    /// Let people work again in an account that the ladder has frozen
    Unfreeze(ladder::Unfreeze),
    /// Send a test message to each channel of a receiver
    Test(test::Test),
    /// Show the matters that are open: who was told, who has taken them
    Incidents(incidents::Incidents),
    /// Say that you have taken a matter: nobody else is called for it
    Ack(incidents::Ack),
    /// Deliver nothing that matches, until a time, for a reason
    Silence(silence::Silence),
    /// Show the silences that hold, those of the file included
    Silences(silence::Silences),
    /// End a silence that was given by command
    Unsilence(silence::Unsilence),
    /// Do what alerts must do by now: groups, digests, repetitions, escalations, ends
    Sweep(incidents::Sweep),
}

impl Alerts {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        match self.command {
            Command::Explain(command) => command.run(context),
            Command::Send(command) => command.run(context).await,
            Command::Lint(command) => command.run(context).await,
            Command::Status(command) => command.run(context).await,
            Command::Redrive(command) => command.run(context).await,
            Command::Ladder(command) => command.run(context).await,
            Command::Unfreeze(command) => command.run(context).await,
            Command::Test(command) => command.run(context).await,
            Command::Incidents(command) => command.run(context).await,
            Command::Ack(command) => command.run(context).await,
            Command::Silence(command) => command.run(context).await,
            Command::Silences(command) => command.run(context).await,
            Command::Unsilence(command) => command.run(context).await,
            Command::Sweep(command) => command.run(context).await,
        }
    }
}

/// The messages in an event file: JSON as Lambda would get it, or the bare text of a notification.
pub fn messages(file: &Path) -> Result<Vec<Message>, Problem> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Problem::failed(format_args!("cannot read {}: {error}", file.display())))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(match serde_json::from_str(&text) {
        Ok(payload) => open(&payload, &name).messages(),
        Err(_) => vec![Message::direct(name, text)],
    })
}

/// The delivery queue and what it gave up on, where the environment names a queue.
async fn letters(forester: &Forester) -> Result<Option<(SdkQueue, DeadLetters)>, Problem> {
    let Some(url) = &forester.settings.outbox else { return Ok(None) };
    let region = forester.sdk.region().unwrap_or_else(|| forester.config.home_region.clone());
    let queue = SdkQueue::new(&forester.sdk, url, region).map_err(Problem::failed)?;
    let letters = queue.dead_letters().await.map_err(Problem::failed)?;
    Ok(letters.map(|letters| (queue, letters)))
}

/// The circumstances of a job that a person started: no platform ends it, so it has a quarter of an hour.
pub fn invocation() -> Invocation {
    let started = Timestamp::now();
    let deadline = started.checked_add(SignedDuration::from_mins(15)).unwrap_or(started);
    Invocation { request_id: format!("cli-{}", started.as_millisecond()), started, deadline }
}

/// Who does it: as they say, or as the machine knows them.
pub fn somebody(by: Option<String>) -> String {
    by.or_else(|| std::env::var("USER").ok())
        .filter(|by| !by.trim().is_empty())
        .unwrap_or_else(|| "the command line".to_owned())
}
