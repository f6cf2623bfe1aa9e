//! `forester alerts test RECEIVER`.

use forester::alert::{Deliverer, State};
use serde_json::json;

use super::invocation;
use crate::context::Context;
use crate::output::{Exit, Problem, result};

/// Send a test message to each channel of a receiver
#[derive(Debug, clap::Args)]
pub struct Test {
    /// A receiver of the file
    receiver: String,
}

impl Test {
    /// Sends, and tells how each channel took it.
    pub async fn run(self, context: &Context) -> Result<Exit, Problem> {
        let receiver = &self.receiver;
        context.confirm(format_args!("Send a test message to each channel of {receiver}?"))?;
        let forester = context.forester().await?;
        let sent = Deliverer::new(&forester).test(receiver, &invocation()).await.map_err(Problem::failed)?;
        let exit =
            if sent.iter().all(|(_, state)| matches!(state, State::Sent { .. })) { Exit::Done } else { Exit::Unclean };
        let text: Vec<String> =
            sent.iter().map(|(channel, state)| format!("{receiver} by {channel}: {}", told(state))).collect();
        let channels: Vec<_> =
            sent.iter().map(|(channel, state)| json!({ "channel": channel, "state": state })).collect();
        result(context.form, &json!({ "receiver": receiver, "channels": channels }), text.join("\n"));
        Ok(exit)
    }
}

fn told(state: &State) -> String {
    match state {
        State::Sent { answer, .. } => format!("sent ({answer})"),
        State::Dead { reason } => format!("refused: {reason}"),
        State::Failed { reason, .. } => format!("not now: {reason}"),
        State::Pending | State::Sending { .. } => "not sent".to_owned(),
    }
}
