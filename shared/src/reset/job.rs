//! The function `sandbox-reset`: says what is due, works one slice, or names the run of one account. The state machine
//! in `infra/statemachines/sandbox-reset.asl.json` asks in this order.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::due::{Due, DueAccount};
use super::engine::EngineError;
use super::guard::Refusal;
use super::notice::{NoticeReport, Outcome};
use super::slice::{Next, Order, Reset, SliceError, SliceReport};
use super::verdict::Verdict;
use crate::event::{BadEvent, Message};
use crate::job::{Failure, Invocation, Job};
use crate::telemetry::{Metric, emit};
use crate::types::AccountId;

const EXPECTED: &str = "{\"action\":\"due\"}, {\"action\":\"notices\"}, {\"action\":\"pool\"}, {\"action\":\"reset\",\"account\":…}, {\"action\":\"slice\",\"account\":…,\"run\":…} or a scheduled event";

/// What the function is asked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
enum Request {
    /// Which accounts are due.
    Due {
        /// When the schedule fired; names the runs.
        time: Option<Timestamp>,
    },
    /// Which owners are to be told of a reset that comes.
    Notices,
    /// One account, because somebody asks.
    Reset {
        /// The account.
        account: AccountId,
    },
    /// The accounts that are kept ready.
    Pool,
    /// One slice of work.
    Slice {
        /// The account.
        account: AccountId,
        /// Its run.
        run: String,
        /// The hash of an approved plan.
        plan: Option<String>,
    },
}

impl TryFrom<&Message> for Request {
    type Error = BadEvent;

    fn try_from(message: &Message) -> Result<Self, BadEvent> {
        let bad = |problem: String| BadEvent { problem, expected: EXPECTED };
        let event = message.json().ok_or_else(|| bad("it is not JSON".to_owned()))?;
        let source = event.get("source").and_then(Value::as_str);
        if matches!(source, Some("aws.scheduler" | "aws.events")) {
            let time = event.get("time").and_then(Value::as_str).and_then(|time| time.parse().ok());
            return Ok(Self::Due { time });
        }
        serde_json::from_value(event).map_err(|error| bad(error.to_string()))
    }
}

#[async_trait]
impl Job for Reset {
    async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
        match Request::try_from(message)? {
            Request::Due { time } => {
                let due = self.due(time.unwrap_or(invocation.started)).await.map_err(failure)?;
                Ok(json!(due))
            }
            Request::Notices => {
                let deadline = invocation.deadline.min(latest(invocation.started));
                let report = self.notices(deadline, true).await.map_err(failure)?;
                tell(&report);
                Ok(json!(report))
            }
            Request::Pool => Ok(json!({ "pool": self.tend_pool().await.map_err(failure)? })),
            Request::Reset { account } => {
                let run = self.run_for(&account, invocation.started).await?;
                let accounts = vec![DueAccount { account, run }];
                Ok(json!(Due { accounts, at_once: 1, ..Due::default() }))
            }
            Request::Slice { account, run, plan } => {
                let deadline = invocation.deadline.min(latest(invocation.started));
                let slice = invocation.request_id.clone();
                let order = Order { account, run, plan, slice, deadline, insists: false };
                self.slice(&order)
                    .await
                    .or_else(|error| refused(&order, error))
                    .inspect(count)
                    .map(|report| json!(report))
            }
        }
    }
}

/// A slice is short even where the platform would allow more: what is saved often is lost seldom.
fn latest(started: Timestamp) -> Timestamp {
    started.checked_add(SignedDuration::from_mins(10)).unwrap_or(Timestamp::MAX)
}

/// A guard's no is an answer, not a failure: a repetition would get the same.
fn refused(order: &Order, error: SliceError) -> Result<SliceReport, Failure> {
    match error {
        SliceError::Refused(refusal) if !refusal.may_pass() => Ok(SliceReport {
            run: order.run.clone(),
            account: order.account.clone(),
            next: Next::Refused,
            seconds: 0,
            progress: refusal.to_string(),
            verdict: None,
            receipt: None,
            html: None,
        }),
        error => Err(failure(error)),
    }
}

fn failure(error: SliceError) -> Failure {
    match error {
        SliceError::Refused(Refusal::NoSection | Refusal::Section(_)) => Failure::Config(error.to_string()),
        SliceError::Refused(refusal) if refusal.may_pass() => Failure::Retryable(refusal.to_string()),
        SliceError::Refused(refusal) => Failure::Denied(refusal.to_string()),
        SliceError::Store(error) => error.into(),
        SliceError::Engine(EngineError::Call(error)) => error.into(),
        SliceError::Engine(error @ EngineError::Baseline { .. }) => Failure::Retryable(error.to_string()),
    }
}

/// Notices that did not go are said in the log and counted, each once a waking; the next waking tries again.
fn tell(report: &NoticeReport) {
    let mut late = 0;
    for upcoming in &report.accounts {
        if let Some(Outcome::Later(why)) = &upcoming.outcome {
            late += 1;
            tracing::warn!(account.id = %upcoming.account, "the notice of a reset did not go: {why}");
        }
        if let Some(note) = &upcoming.note {
            tracing::info!(account.id = %upcoming.account, "{note}");
        }
    }
    let sent = report.accounts.iter().filter(|upcoming| upcoming.outcome == Some(Outcome::Sent)).count();
    let sent = u64::try_from(sent).unwrap_or(u64::MAX);
    emit("sandbox-reset", &[Metric::count("NoticesSent", sent), Metric::count("NoticesLate", late)]);
}

fn count(report: &SliceReport) {
    let name = match (report.next, report.verdict) {
        (Next::Continue | Next::Wait, _) => return,
        (Next::Refused, _) => "ResetRefused",
        (Next::Stuck, _) => "ResetStuck",
        (Next::Done, Some(Verdict::Green)) => "ResetGreen",
        (Next::Done, Some(Verdict::Amber)) => "ResetAmber",
        (Next::Done, Some(Verdict::Red)) => "ResetRed",
        (Next::Done, None) => "ResetPlanned",
    };
    emit("sandbox-reset", &[Metric::count(name, 1)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<Request>) {
        let message = Message::direct("e", text);
        assert_eq!(Request::try_from(&message).ok(), expect);
    }

    fn account() -> AccountId {
        "555566667777".parse().unwrap()
    }

    #[test]
    fn samples_are_understood() {
        let time = "2027-01-03T02:00:00Z".parse().ok();
        let run = "555566667777-20270103T020000Z".to_owned();
        check(include_str!("../../../events/sandbox-reset/due.json"), Some(Request::Due { time: None }));
        check(include_str!("../../../events/sandbox-reset/schedule.json"), Some(Request::Due { time }));
        check(include_str!("../../../events/sandbox-reset/notices.json"), Some(Request::Notices));
        check(include_str!("../../../events/sandbox-reset/reset.json"), Some(Request::Reset { account: account() }));
        check(include_str!("../../../events/sandbox-reset/pool.json"), Some(Request::Pool));
        let slice = Request::Slice { account: account(), run, plan: None };
        check(include_str!("../../../events/sandbox-reset/slice.json"), Some(slice));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        check("{", None);
        check(r#"{"action":"nuke","account":"555566667777"}"#, None);
        check(r#"{"action":"reset","account":"prod"}"#, None);
        check(r#"{"action":"reset","account":"555566667777","force":true}"#, None);
        check(r#"{"source":"aws.organizations","detail":{}}"#, None);
    }
}
