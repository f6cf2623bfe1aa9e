//! Keeps resets at rest while Forester is removed: their function gets nothing to run with, whoever starts it.

use std::time::Duration;

use forester::aws::{CallError, Scope};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::output::{Problem, note};

/// Lists of executions are eventually consistent
/// (<https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html>).
const PAUSE: Duration = Duration::from_secs(5);

/// The state machine of resets and the function that does the work.
pub struct Rest<'a> {
    scope: &'a Scope,
    machine: Option<String>,
    function: String,
}

impl<'a> Rest<'a> {
    /// Of a stack.
    pub fn new(scope: &'a Scope, machine: Option<String>, stack: &str) -> Self {
        Self { scope, machine, function: format!("{stack}-sandbox-reset") }
    }

    /// Refuses while the state machine of resets works.
    pub async fn look(&self) -> Result<(), Problem> {
        let Some(machine) = &self.machine else { return Ok(()) };
        let asked = json!({ "stateMachineArn": machine, "statusFilter": "RUNNING" });
        let running = match self.scope.pages("stepfunctions", "ListExecutions", asked).await {
            Ok(running) => running,
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => return Err(Problem::failed(error)),
        };
        let Some(first) = running.first() else { return Ok(()) };
        let execution = first.get("executionArn").and_then(Value::as_str).unwrap_or_default();
        Err(Problem::refused(format_args!(
            "resets are under way, and end by letting people in again: {execution}. Wait for the end, or set the \
             `kill_switch` of the file, by which they end soon; nothing was removed"
        )))
    }

    /// Lets no slice of a reset begin, and refuses if one is under way that was not seen before; then they go on.
    pub async fn keep(&self) -> Result<(), Problem> {
        let none = json!({ "FunctionName": self.function, "ReservedConcurrentExecutions": 0 });
        match self.scope.call("lambda", "PutFunctionConcurrency", none).await {
            Err(error) if !error.is_gone() => return Err(Problem::failed(error)),
            Ok(_) | Err(_) => {}
        }
        sleep(PAUSE).await;
        match self.look().await {
            Ok(()) => Ok(()),
            Err(refused) => self.end().await.and(Err(refused)),
        }
    }

    /// Lets resets work again.
    pub async fn end(&self) -> Result<(), Problem> {
        let named = json!({ "FunctionName": self.function });
        match self.scope.call("lambda", "DeleteFunctionConcurrency", named).await {
            Err(error) if !error.is_gone() => {
                note(format_args!("resets stay off: {} has a concurrency of 0", self.function));
                Err(Problem::failed(error))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// States has a word of its own for what is not there.
fn is_gone(error: &CallError) -> bool {
    error.is_gone() || error.has_code("StateMachineDoesNotExist")
}

#[cfg(test)]
mod tests {
    use forester::aws::ErrorClass;

    use super::super::fake::{Answers, scope};
    use super::*;

    async fn look(answers: Answers) -> Result<(), String> {
        let scope = scope(answers);
        let machine = Some("arn:aws:states:us-east-1:111122223333:stateMachine:m".to_owned());
        Rest::new(&scope, machine, "forester").look().await.map_err(|problem| problem.message)
    }

    #[tokio::test]
    async fn nothing_works_where_nothing_is_and_what_works_is_named() {
        let gone = Answers::new().refusing("ListExecutions", ErrorClass::Other, "StateMachineDoesNotExist");
        assert_eq!(look(gone).await, Ok(()));
        assert_eq!(look(Answers::new()).await, Ok(()));
        let running = json!({ "executions": [{ "executionArn": "arn:run-1" }] });
        let why = look(Answers::new().with("ListExecutions", running)).await.err().unwrap();
        assert!(why.contains("arn:run-1"), "{why}");
        let denied = Answers::new().refusing("ListExecutions", ErrorClass::Denied, "AccessDeniedException");
        assert!(look(denied).await.is_err(), "what cannot be seen is not at rest");
    }
}
