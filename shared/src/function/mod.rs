//! The Lambda edge: opens the invocation, hands each message to the job, answers in the form its source expects.
//!
//! A queue gets a partial batch response, so that one bad message never repeats its neighbours
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>); any other source gets the report,
//! or an error of one of five types.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};

use crate::event::{Batch, Message, open};
use crate::job::{Failure, Invocation, Job};
use crate::telemetry;

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind().to_owned(), error_message: failure.to_string() }
    }
}

/// Serves `job` as the Lambda function `name` until the platform ends the process.
pub async fn serve(name: &'static str, job: impl Job) -> Result<(), lambda_runtime::Error> {
    let cold = AtomicBool::new(true);
    let (cold, job) = (&cold, &job);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let was_cold = cold.swap(false, Ordering::Relaxed);
        let span = telemetry::invocation_span(name, was_cold, &event.context);
        tracing::Instrument::instrument(answer(name, job, event), span).await
    }))
    .await
}

async fn answer(name: &'static str, job: &dyn Job, event: LambdaEvent<Value>) -> Result<Value, Failure> {
    let invocation = invocation(&event.context);
    match open(&event.payload, &invocation.request_id) {
        Batch::Queue(messages) => Ok(each(name, job, &invocation, &messages).await),
        Batch::Topic(messages) => all(name, job, &invocation, &messages).await,
        Batch::Direct(message) => one(name, job, &invocation, &message).await,
    }
}

/// Handles every message of one delivery. One that fails keeps none of the others from being handled, and fails the whole
/// in the end, which is delivered again then.
async fn all(
    name: &'static str,
    job: &dyn Job,
    invocation: &Invocation,
    messages: &[Message],
) -> Result<Value, Failure> {
    let (mut reports, mut failed) = (Vec::new(), None);
    for message in messages {
        match one(name, job, invocation, message).await {
            Ok(report) => reports.push(report),
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    failed.map_or_else(|| Ok(json!({ "reports": reports })), Err)
}

/// Handles a queue's messages in order. After a failure in a FIFO group the rest of that group is handed back
/// untouched, which keeps its order; other groups, and standard queues, go on.
async fn each(name: &'static str, job: &dyn Job, invocation: &Invocation, messages: &[Message]) -> Value {
    let (mut failed, mut held) = (Vec::new(), BTreeSet::new());
    for message in messages {
        let waits = message.group.as_ref().is_some_and(|group| held.contains(group));
        if waits || one(name, job, invocation, message).await.is_err() {
            failed.push(json!({ "itemIdentifier": message.item }));
            held.extend(message.group.clone());
        }
    }
    json!({ "batchItemFailures": failed })
}

async fn one(name: &'static str, job: &dyn Job, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
    let invocation = Invocation { started: Timestamp::now(), ..invocation.clone() };
    let outcome = job.handle(&invocation, message).await;
    telemetry::outcome(name, &invocation, message, &outcome);
    outcome
}

fn invocation(context: &Context) -> Invocation {
    let deadline = i64::try_from(context.deadline).unwrap_or(i64::MAX);
    Invocation {
        request_id: context.request_id.clone(),
        started: Timestamp::now(),
        deadline: Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::event::BadEvent;

    /// Fails for messages whose text is `bad`.
    struct Picky;

    #[async_trait]
    impl Job for Picky {
        async fn handle(&self, _invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
            let bad = BadEvent { problem: "bad".to_owned(), expected: "good" };
            if message.text == "bad" { Err(bad.into()) } else { Ok(Value::Null) }
        }
    }

    /// Messages as item, group and text; the items that are handed back.
    async fn check(messages: &[(&str, Option<&str>, &str)], expect: &[&str]) {
        let message = |(item, group, text): &(&str, Option<&str>, &str)| Message {
            item: Some((*item).to_owned()),
            group: group.map(str::to_owned),
            ..Message::direct(*item, *text)
        };
        let messages: Vec<Message> = messages.iter().map(message).collect();
        let now = Timestamp::UNIX_EPOCH;
        let invocation = Invocation { request_id: "r".to_owned(), started: now, deadline: now };
        let answer = each("test", &Picky, &invocation, &messages).await;
        let expect: Vec<Value> = expect.iter().map(|item| json!({ "itemIdentifier": item })).collect();
        assert_eq!(answer, json!({ "batchItemFailures": expect }));
    }

    /// Counts what it was asked, and fails for messages whose text is `bad`.
    struct Counting(std::sync::atomic::AtomicUsize);

    #[async_trait]
    impl Job for Counting {
        async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Picky.handle(invocation, message).await
        }
    }

    #[tokio::test]
    async fn message_that_fails_keeps_no_other_of_its_delivery_from_being_handled() {
        let job = Counting(std::sync::atomic::AtomicUsize::new(0));
        let messages = ["good", "bad", "good", "bad"].map(|text| Message::direct(text, text));
        let now = Timestamp::UNIX_EPOCH;
        let invocation = Invocation { request_id: "r".to_owned(), started: now, deadline: now };
        let answer = all("test", &job, &invocation, &messages).await;
        assert!(answer.is_err(), "it is delivered again");
        assert_eq!(job.0.load(Ordering::Relaxed), 4);
        let none = all("test", &job, &invocation, &[]).await.unwrap();
        assert_eq!(none, json!({ "reports": [] }));
    }

    #[tokio::test]
    async fn one_bad_message_fails_alone() {
        check(&[("1", None, "good"), ("2", None, "bad"), ("3", None, "good")], &["2"]).await;
    }

    #[tokio::test]
    async fn fifo_group_waits_behind_its_failure_and_others_go_on() {
        let messages = [("1", Some("a"), "bad"), ("2", Some("b"), "good"), ("3", Some("a"), "good")];
        check(&messages, &["1", "3"]).await;
    }
}
