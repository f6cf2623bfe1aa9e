//! `forester alerts ladder` and `forester alerts unfreeze ACCOUNT`: what spend did beyond a message, and undoing it.

use forester::alert::ladder::{Breaker, Step};
use jiff::Timestamp;
use serde_json::json;

use crate::commands::reset::find;
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Show what the ladder did to an account, or whether it has stopped; let it go on
#[derive(Debug, clap::Args)]
pub struct Ladder {
    /// The account, by its 12-digit id or by its name in the file
    account: Option<String>,
    /// Let the ladder go on after it has stopped because of too many accounts at once
    #[arg(long, requires = "because", conflicts_with = "account")]
    resume: bool,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

impl Ladder {
    /// Reads the book, or closes the breaker.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let store = forester.store.as_ref();
        if self.resume {
            context.confirm("Let the ladder act on accounts again?")?;
            let was = Breaker::close(store).await.map_err(Problem::failed)?;
            let because = self.because.unwrap_or_default();
            let text = was.as_ref().map_or_else(
                || "The ladder had not stopped.".to_owned(),
                |(since, why)| format!("The ladder goes on ({because}). It had stopped at {since}: {why}"),
            );
            result(context.form, &json!({ "stopped": was, "because": because }), text);
            return Ok(Exit::Done);
        }
        let (breaker, _) = Breaker::load(store).await.map_err(Problem::failed)?;
        let mut text = vec![breaker.open.as_ref().map_or_else(
            || format!("The ladder works; {} accounts lately.", breaker.acts.len()),
            |(since, why)| format!("The ladder stopped at {since}: {why}; `--resume --because TEXT` lets it go on."),
        )];
        let steps = match &self.account {
            Some(account) => Step::all(store, &find(&forester, account).await?).await.map_err(Problem::failed)?,
            None => Vec::new(),
        };
        text.extend(steps.iter().map(line));
        result(context.form, &json!({ "breaker": breaker, "steps": steps }), text.join("\n"));
        Ok(if breaker.open.is_some() { Exit::Unclean } else { Exit::Done })
    }
}

fn line(step: &Step) -> String {
    let Step { start, budget, at, act, when, said, .. } = step;
    format!("{start} {budget} {at}% {}: {said} ({when})", act.name())
}

/// Let people work again in an account that the ladder has frozen
#[derive(Debug, clap::Args)]
pub struct Unfreeze {
    /// The account, by its 12-digit id or by its name in the file
    account: String,
    /// Why, for others to read
    #[arg(long, value_name = "TEXT")]
    because: String,
}

impl Unfreeze {
    /// Lifts the policy, and keeps the ladder from freezing the account again in this period.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let account = find(&forester, &self.account).await?;
        context.confirm(format_args!("Let people work in {account} again?"))?;
        let ladder = forester.ladder().map_err(Problem::failed)?;
        let was = ladder.undo(&account, &self.because, Timestamp::now()).await.map_err(Problem::failed)?;
        let text = match was {
            true => format!("People work in {account} again; the ladder does not freeze it again in this period."),
            false => format!("{account} was not frozen by the ladder."),
        };
        result(context.form, &json!({ "account": account, "unfrozen": was }), text);
        Ok(Exit::Done)
    }
}
