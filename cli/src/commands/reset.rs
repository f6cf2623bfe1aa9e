//! `forester reset`: plans, runs and explains resets of sandbox accounts, in process, over the same slices as the
//! function.

mod people;

use std::path::{Path, PathBuf};
use std::time::Duration;

use forester::Forester;
use forester::baseline::Baseline;
use forester::config::How;
use forester::reset::catalogue::{Catalogue, Kind};
use forester::reset::{
    Head, Next, Order, PlanReport, Pooled, Receipt, Refusal, Reset as Work, SliceError, SliceReport, Verdict, page,
    table,
};
use forester::types::AccountId;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::context::Context;
use crate::output::{Exit, Form, Problem, note, result};
use crate::pick::one;

/// A slice of the command line: long enough to get on, short enough to hear of it.
const SLICE: SignedDuration = SignedDuration::from_secs(60);

/// Empty a sandbox account, prove it, and apply its baseline again
#[derive(Debug, clap::Args)]
pub struct Reset {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List what would be deleted and what is kept, and print the plan's hash
    Plan {
        /// The account, by its 12-digit id or by its name in the file
        account: String,
    },
    /// Delete everything that is not kept, verify, apply the baseline, print the verdict
    Run {
        /// The account, by its 12-digit id or by its name in the file
        account: String,
        /// Only carry out the plan with this hash
        #[arg(long, value_name = "HASH")]
        plan: Option<String>,
        /// Work outside of the hours and dates of sandbox.windows, too
        #[arg(long)]
        now: bool,
    },
    /// Take an account's lock away from a run that was killed; one that is alive stops
    Unlock {
        /// The account, by its 12-digit id or by its name in the file
        account: String,
    },
    /// Tell how runs stand
    Status {
        /// One run; default: all
        run: Option<String>,
    },
    /// Print the receipt of a run
    Receipt {
        /// The run
        run: String,
        /// Write it as a web page
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        /// Write it as a table for spreadsheets
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
    },
    /// Put the next scheduled reset of an account off, within what the file allows
    Snooze(people::SnoozeArguments),
    /// Tell when accounts are reset next, and which notices to their owners are due
    Notices {
        /// Send those that are due, as the function does
        #[arg(long)]
        send: bool,
    },
    /// Let people and schedules into an account again that is in quarantine
    Release {
        /// The account, by its 12-digit id or by its name in the file
        account: String,
        /// What was looked at, for those who ask later
        #[arg(long, value_name = "TEXT")]
        because: String,
    },
    /// Take the accounts that are kept ready a step further, and ask for those that are missing
    Pool {},
    /// List the types covered, and how
    Catalogue {
        /// One type, such as AWS::EC2::VPC; default: all
        #[arg(value_name = "TYPE")]
        kind: Option<String>,
    },
}

impl Reset {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        match self.action {
            Action::Plan { account } => plan(context, &account).await,
            Action::Run { account, plan, now } => run(context, &account, plan, now).await,
            Action::Unlock { account } => unlock(context, &account).await,
            Action::Status { run } => status(context, run.as_deref()).await,
            Action::Release { account, because } => release(context, &account, &because).await,
            Action::Receipt { run, html, csv } => receipt(context, &run, html, csv).await,
            Action::Snooze(arguments) => people::snooze(context, arguments).await,
            Action::Notices { send } => people::notices(context, send).await,
            Action::Pool {} => pool(context).await,
            Action::Catalogue { kind } => catalogue(context, kind.as_deref()),
        }
    }
}

async fn plan(context: &Context, account: &str) -> Result<Exit, Problem> {
    let forester = context.forester().await?;
    let account = find(&forester, account).await?;
    let planned = forester.reset().map_err(Problem::failed)?.plan(&account).await.map_err(problem)?;
    let report = PlanReport::of(&planned);
    result(context.form, &json!(report), &report);
    Ok(if report.delete.is_empty() { Exit::Done } else { Exit::Changes })
}

async fn run(context: &Context, account: &str, plan: Option<String>, now: bool) -> Result<Exit, Problem> {
    let forester = context.forester().await?;
    let account = find(&forester, account).await?;
    let work = forester.reset().map_err(Problem::failed)?;
    if let Some(until) = work.closed_until(Timestamp::now()).filter(|_| !now) {
        return Err(Problem::refused(format_args!("refused: {}", Refusal::Window { until })));
    }
    let snoozed = people::standing(&work, Some(account.as_ref())).await?;
    let snoozed: String = snoozed.iter().map(|(_, snoozed)| format!(" It is {snoozed}.")).collect();
    let recreates = forester.config.sandbox.as_ref().is_some_and(|sandbox| sandbox.how == How::Recreate);
    let question = match recreates {
        true => format!("Close account {account} for good, and make another in its place?"),
        false => format!("Delete everything in account {account} that the file does not protect?"),
    };
    context.confirm(format_args!("{question}{snoozed}"))?;
    let run = work.run_for(&account, Timestamp::now()).await.map_err(Problem::failed)?;
    let report = drive(&work, &account, &run, plan, now).await?;
    let receipt = work.receipt(&run).await.map_err(Problem::failed)?;
    let receipt = receipt.ok_or_else(|| Problem::failed(format_args!("run {run} left no receipt")))?;
    result(context.form, &receipt.json(), told(&receipt, &report));
    Ok(match (report.next, report.verdict) {
        (Next::Refused, _) => Exit::Refused,
        (_, Some(Verdict::Green)) => Exit::Done,
        (Next::Done, None) => Exit::Changes,
        _ => Exit::Unclean,
    })
}

/// Slices until it is over; what must wait is waited for here, between slices, with nothing locked.
async fn drive(
    work: &Work,
    account: &AccountId,
    run: &str,
    plan: Option<String>,
    insists: bool,
) -> Result<SliceReport, Problem> {
    let mut told = String::new();
    for n in 1_u64.. {
        let deadline = Timestamp::now().checked_add(SLICE).map_err(Problem::failed)?;
        let slice = format!("cli-{}-{n}", std::process::id());
        let (account, run) = (account.clone(), run.to_owned());
        let order = Order { account, run, plan: plan.clone(), slice, deadline, insists };
        let report = work.slice(&order).await.map_err(problem)?;
        if report.progress != told {
            note(format_args!("{}: {}", report.run, report.progress));
            told.clone_from(&report.progress);
        }
        match report.next {
            Next::Continue => {}
            Next::Wait => tokio::time::sleep(Duration::from_secs(report.seconds)).await,
            Next::Done | Next::Stuck | Next::Refused => return Ok(report),
        }
    }
    Err(Problem::failed("the run did not end"))
}

fn told(receipt: &Receipt, report: &SliceReport) -> String {
    let places = report.html.iter().chain(&report.receipt).map(|place| format!("Receipt: {place}\n"));
    format!("{receipt}{}", places.collect::<String>()).trim_end().to_owned()
}

async fn unlock(context: &Context, account: &str) -> Result<Exit, Problem> {
    let forester = context.forester().await?;
    let account = find(&forester, account).await?;
    context.confirm(format_args!("Take the lock of account {account} away from whoever has it?"))?;
    let work = forester.reset().map_err(Problem::failed)?;
    let holder = work.book().unlock(&account).await.map_err(Problem::failed)?;
    let told = match &holder {
        Some(holder) => format!("{account} is free: {holder} had the lock. `forester reset run {account}` goes on."),
        None => format!("nobody had the lock of {account}"),
    };
    result(context.form, &json!({ "account": account, "holder": holder }), told);
    Ok(Exit::Done)
}

async fn status(context: &Context, run: Option<&str>) -> Result<Exit, Problem> {
    let work = context.forester().await?.reset().map_err(Problem::failed)?;
    let heads = work.book().heads(run.unwrap_or_default()).await.map_err(Problem::failed)?;
    if let (Some(run), true) = (run, heads.is_empty()) {
        return Err(unknown(run));
    }
    let line = |head: &Head| {
        let verdict = head.verdict.map_or_else(|| "-".to_owned(), |verdict| verdict.to_string());
        format!("{:<30} {verdict:<6} {}", head.run, head.progress)
    };
    let mut lines: Vec<String> = heads.iter().map(line).collect();
    let snoozed = people::standing(&work, run).await?;
    lines.extend(snoozed.iter().map(|(account, snoozed)| format!("{account:<30} -      {snoozed}")));
    let snoozes = snoozed.iter().map(|(account, snoozed)| json!({ "account": account, "snooze": snoozed }));
    result(
        context.form,
        &json!({ "runs": heads, "snoozes": snoozes.collect::<Vec<_>>() }),
        if lines.is_empty() { "no runs".to_owned() } else { lines.join("\n") },
    );
    Ok(Exit::Done)
}

async fn receipt(context: &Context, run: &str, html: Option<PathBuf>, csv: Option<PathBuf>) -> Result<Exit, Problem> {
    let work = context.forester().await?.reset().map_err(Problem::failed)?;
    let receipt = work.receipt(run).await.map_err(Problem::failed)?.ok_or_else(|| unknown(run))?;
    if let Some(file) = html {
        write(&file, &page(&receipt))?;
    }
    if let Some(file) = csv {
        write(&file, &table(&receipt))?;
    }
    result(context.form, &receipt.json(), receipt.to_string().trim_end());
    Ok(Exit::Done)
}

async fn release(context: &Context, account: &str, because: &str) -> Result<Exit, Problem> {
    if because.trim().is_empty() {
        return Err(Problem::failed("`--because` is empty; say what was looked at"));
    }
    let forester = context.forester().await?;
    let account = find(&forester, account).await?;
    let work = forester.reset().map_err(Problem::failed)?;
    let held = work.release(&account, because).await.map_err(Problem::failed)?;
    let line = match &held {
        Some(held) => {
            format!("account {account} is free again; it was in quarantine since {}: {}", held.since, held.reason)
        }
        None => format!("account {account} was not in quarantine"),
    };
    result(context.form, &json!({ "account": account, "released": held.is_some(), "was": held }), line);
    Ok(Exit::Done)
}

fn write(file: &Path, text: &str) -> Result<(), Problem> {
    let written = std::fs::write(file, text);
    written.map_err(|error| Problem::failed(format_args!("cannot write {}: {error}", file.display())))?;
    note(format_args!("written: {}", file.display()));
    Ok(())
}

async fn pool(context: &Context) -> Result<Exit, Problem> {
    let work = context.forester().await?.reset().map_err(Problem::failed)?;
    let pool = work.tend_pool().await.map_err(problem)?;
    let line = |entry: &Pooled| {
        let id = entry.account.as_ref().map_or_else(|| "-".to_owned(), AccountId::to_string);
        let state = match (&entry.failed, &entry.claimed, entry.ready) {
            (Some(reason), ..) => reason.clone(),
            (None, Some(run), _) => format!("taken by {run}"),
            (None, None, true) => "ready".to_owned(),
            (None, None, false) => "on its way".to_owned(),
        };
        format!("{:<24} {id:<12} {state}", entry.name)
    };
    let lines: Vec<String> = pool.iter().map(line).collect();
    let text = if lines.is_empty() { "no account is kept ready (`sandbox.pool`)".to_owned() } else { lines.join("\n") };
    result(context.form, &json!({ "pool": pool }), text);
    Ok(Exit::Done)
}

fn catalogue(context: &Context, kind: Option<&str>) -> Result<Exit, Problem> {
    let catalogue = Catalogue::embedded().map_err(Problem::failed)?;
    let wanted = |known: &&Kind| kind.is_none_or(|kind| known.name.as_ref() == kind);
    let kinds: Vec<&Kind> = catalogue.kinds().filter(wanted).collect();
    if let (Some(kind), true) = (kind, kinds.is_empty()) {
        return Err(Problem::failed(format_args!(
            "`{kind}` is not in the catalogue; `forester reset catalogue` lists it"
        )));
    }
    let scope = |kind: &Kind| if kind.global { "global" } else { "regional" };
    let json = kinds.iter().map(|kind| {
        let after: Vec<&str> = catalogue.after(&kind.name).map(AsRef::as_ref).collect();
        json!({
            "type": kind.name, "scope": scope(kind), "phase": kind.phase, "hourly": kind.hourly,
            "how": kind.how(), "after": after,
        })
    });
    let json = json!({ "types": json.collect::<Vec<_>>() });
    let line = |kind: &&Kind| {
        let after: Vec<&str> = catalogue.after(&kind.name).map(AsRef::as_ref).collect();
        let after = if after.is_empty() { String::new() } else { format!("; after {}", after.join(", ")) };
        format!("{:<36} {:<8} {}{after}", kind.name.to_string(), scope(kind), kind.how())
    };
    let mut lines: Vec<String> = kinds.iter().map(line).collect();
    if context.form == Form::Text && kind.is_none() {
        lines.push(format!("{} types", kinds.len()));
    }
    result(context.form, &json, lines.join("\n"));
    Ok(Exit::Done)
}

/// The account behind an id or a name of the file.
pub(super) async fn find(forester: &Forester, word: &str) -> Result<AccountId, Problem> {
    let found = one(&Baseline::new(forester), word).await?;
    found
        .first()
        .map(|account| account.id.clone())
        .ok_or_else(|| Problem::failed(format_args!("`{word}` is no account")))
}

fn problem(error: SliceError) -> Problem {
    match error {
        SliceError::Refused(refusal) => Problem::refused(format_args!("refused: {refusal}")),
        SliceError::Store(_) | SliceError::Engine(_) => Problem::failed(error),
    }
}

fn unknown(run: &str) -> Problem {
    Problem::failed(format_args!("there is no run `{run}`; `forester reset status` lists them"))
}
