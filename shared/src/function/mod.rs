//! The Lambda edge: opens the invocation, hands each message to the job, answers in the form its source expects.
//!
//! A queue gets a partial batch response, so that one bad message never repeats its neighbours
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>); any other source gets the report,
//! or an error of one of five types.

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
        Batch::Topic(messages) => {
            let mut reports = Vec::new();
            for message in &messages {
                reports.push(one(name, job, &invocation, message).await?);
            }
            Ok(json!({ "reports": reports }))
        }
        Batch::Direct(message) => one(name, job, &invocation, &message).await,
    }
}

/// Handles a queue's messages in order; after a failure in a FIFO group the rest of the batch is handed back too,
/// which for standard queues costs a repetition and for FIFO queues keeps the order.
async fn each(name: &'static str, job: &dyn Job, invocation: &Invocation, messages: &[Message]) -> Value {
    let mut failed = Vec::new();
    for message in messages {
        if one(name, job, invocation, message).await.is_err() {
            failed.push(json!({ "itemIdentifier": message.item }));
        }
    }
    json!({ "batchItemFailures": failed })
}

async fn one(name: &'static str, job: &dyn Job, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
    let outcome = job.handle(invocation, message).await;
    telemetry::outcome(name, invocation, message, &outcome);
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
