//! `forester alerts redrive`.

use forester::alert::{Clock, Deliverer, State, resend};
use jiff::Timestamp;
use serde_json::json;

use super::{invocation, letters};
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Send what did not arrive once more: deliveries that were given up, and what the queue gave up on
#[derive(Debug, clap::Args)]
pub struct Redrive {
    /// Only for this receiver of the file
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
}

impl Redrive {
    /// Asks, then sends.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let forester = context.forester().await?;
        let receiver = self.receiver.as_deref();
        let declared = forester.config.alerts.as_ref().map(|alerts| &alerts.receivers);
        if let Some(name) = receiver.filter(|name| !declared.is_some_and(|all| all.contains_key(*name))) {
            return Err(Problem::failed(format_args!("the configuration has no receiver `{name}`")));
        }
        let to = receiver.map_or_else(|| "all receivers".to_owned(), |name| format!("receiver {name}"));
        context.confirm(format_args!("Send everything that did not arrive to {to} once more?"))?;
        let deliverer = Deliverer::queued(&forester).map_err(Problem::failed)?;
        let sent = deliverer.redrive(receiver, &Clock::new(&invocation())).await.map_err(Problem::failed)?;
        let from_queue = match letters(&forester).await? {
            Some((queue, letters)) => {
                resend(&queue, &letters, receiver, Timestamp::now()).await.map_err(Problem::failed)?
            }
            None => 0,
        };
        let again = sent.iter().filter(|(_, state)| matches!(state, State::Dead { .. })).count();
        let reports: Vec<_> = sent
            .iter()
            .map(|(dead, state)| json!({ "delivery": dead.ticket, "title": dead.title, "state": state }))
            .collect();
        let mut text: Vec<String> = sent.iter().map(|(dead, state)| line(&dead.title.to_string(), state)).collect();
        text.push(format!("{} deliveries and {from_queue} messages of the queue sent once more", sent.len()));
        result(context.form, &json!({ "deliveries": reports, "dead_letters": from_queue }), text.join("\n"));
        Ok(if again > 0 { Exit::Unclean } else { Exit::Done })
    }
}

fn line(title: &str, state: &State) -> String {
    match state {
        State::Sent { .. } => format!("{title}: arrived"),
        State::Dead { reason } => format!("{title}: dead again: {reason}"),
        State::Pending | State::Sending { .. } | State::Failed { .. } => format!("{title}: on its way"),
    }
}
