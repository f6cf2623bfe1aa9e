//! What owners are told before a reset, and how they put it off.

use forester::config::Pause;
use forester::reset::{NoSnooze, Outcome, Reset as Work, Snoozed, Upcoming, Wish, day};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{find, problem};
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// How long the command line takes over notices at most.
const LIMIT: SignedDuration = SignedDuration::from_mins(60);

/// Who, how long, why.
#[derive(Debug, clap::Args)]
#[group(id = "length", required = true, multiple = false, args = ["pause", "until"])]
pub struct SnoozeArguments {
    /// The account, by its 12-digit id or by its name in the file
    account: String,
    /// How long after its time the reset may take place: 3d, 12h
    #[arg(long = "for", value_name = "TIME", value_parser = pause)]
    pause: Option<Pause>,
    /// No reset before the start of this day, in the schedule's time zone: 2027-01-10; or a time: 2027-01-10T12:00:00Z
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// Why, for others to read
    #[arg(long, value_name = "TEXT")]
    because: String,
}

fn pause(text: &str) -> Result<Pause, String> {
    Pause::try_from(text.to_owned())
}

/// Puts the next scheduled reset of an account off.
pub async fn snooze(context: &Context, arguments: SnoozeArguments) -> Result<Exit, Problem> {
    let forester = context.forester().await?;
    let account = find(&forester, &arguments.account).await?;
    let zone = forester.config.sandbox.as_ref().and_then(|sandbox| sandbox.schedule.as_ref()?.zone());
    let wish = match (arguments.pause, &arguments.until) {
        (Some(pause), _) => Wish::For(pause),
        (None, Some(text)) => {
            let time = text.parse::<Timestamp>();
            let zone = zone.unwrap_or(jiff::tz::TimeZone::UTC);
            Wish::Until(time.or_else(|_| day(text, &zone)).map_err(Problem::failed)?)
        }
        (None, None) => return Err(Problem::failed("expected --for or --until")),
    };
    let work = forester.reset().map_err(Problem::failed)?;
    let who = work.caller().await.map_err(Problem::failed)?;
    let done = work.snooze(&account, wish, &who, &arguments.because).await.map_err(|error| match error {
        NoSnooze::Store(error) => Problem::failed(error),
        error => Problem::refused(format_args!("not put off: {error}")),
    })?;
    let next = done.next.map_or_else(|| "never".to_owned(), |next| next.to_string());
    let text = format!("Account {account} is {}. Its next reset is at {next}.", done.snoozed);
    result(context.form, &json!({ "account": account, "snooze": done.snoozed, "next": done.next }), text);
    Ok(Exit::Done)
}

/// Tells which notices are due, or sends them.
pub async fn notices(context: &Context, send: bool) -> Result<Exit, Problem> {
    let work = context.forester().await?.reset().map_err(Problem::failed)?;
    if send {
        context.confirm("Tell the owners of the accounts whose reset is near?")?;
    }
    let deadline = Timestamp::now().checked_add(LIMIT).map_err(Problem::failed)?;
    let report = work.notices(deadline, send).await.map_err(problem)?;
    let mut lines: Vec<String> = report.accounts.iter().map(line).collect();
    lines
        .extend(report.skipped.iter().map(|skipped| format!("{}  not a sandbox: {}", skipped.account, skipped.reason)));
    if lines.is_empty() {
        lines.push("no account is reset by a schedule".to_owned());
    }
    result(context.form, &json!(report), lines.join("\n"));
    let late = report.accounts.iter().any(|account| matches!(account.outcome, Some(Outcome::Later(_))));
    Ok(if late { Exit::Unclean } else { Exit::Done })
}

fn line(upcoming: &Upcoming) -> String {
    let reset = upcoming.reset.map_or_else(|| "never again".to_owned(), |reset| reset.to_string());
    let notice = match (upcoming.due, &upcoming.outcome) {
        (None, _) => "no notice due".to_owned(),
        (Some(due), None) => format!("the notice of {due} before is due"),
        (Some(due), Some(Outcome::Sent)) => format!("the notice of {due} before was sent"),
        (Some(due), Some(Outcome::Unheard)) => format!("nobody is named to hear the notice of {due} before"),
        (Some(due), Some(Outcome::Taken)) => format!("somebody else is sending the notice of {due} before"),
        (Some(due), Some(Outcome::Late)) => format!("the reset came before the notice of {due}"),
        (Some(due), Some(Outcome::Later(why))) => format!("the notice of {due} before did not go: {why}"),
    };
    let more = upcoming.snoozed.iter().map(ToString::to_string).chain(upcoming.note.clone());
    let more: String = more.map(|more| format!("; {more}")).collect();
    format!("{}  {:<20} {reset}  {notice}{more}", upcoming.account, upcoming.name)
}

/// The snoozes that hold now, of accounts whose id begins like the run that is asked for.
pub async fn standing(work: &Work, run: Option<&str>) -> Result<Vec<(String, Snoozed)>, Problem> {
    let all = work.snoozed(Timestamp::now()).await.map_err(Problem::failed)?;
    let ours = |account: &String| run.is_none_or(|run| run.starts_with(account.as_str()) || account.starts_with(run));
    Ok(all
        .into_iter()
        .map(|(account, snoozed)| (account.to_string(), snoozed))
        .filter(|(account, _)| ours(account))
        .collect())
}
