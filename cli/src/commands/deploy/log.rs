//! What CloudFormation says while it works on a stack: its events, each told once, until one says that the stack is done.
//!
//! The stack's own status is not asked: right after an operation was started, it may still be that of the last one.

use forester::aws::Scope;
use serde_json::{Value, json};

use super::pace::Pace;
use crate::answer::{page, with, word};
use crate::output::{Problem, note};

/// A stack's events from some time on.
pub struct Log<'a> {
    scope: &'a Scope,
    /// The stack's name, or its id.
    stack: String,
    /// The newest event that was read.
    newest: Option<String>,
    /// Why resources failed.
    failures: Vec<String>,
}

impl<'a> Log<'a> {
    /// Whatever comes after what is there now.
    pub async fn from_now(scope: &'a Scope, stack: &str) -> Result<Self, Problem> {
        let mut log = Self { scope, stack: stack.to_owned(), newest: None, failures: Vec::new() };
        let (page, _) = log.page(None).await?;
        log.newest = page.first().and_then(id);
        Ok(log)
    }

    /// Tells what comes, until the stack itself is done; returns how it ended.
    pub async fn end(&mut self, what: &str) -> Result<String, Problem> {
        let mut pace = Pace::begin();
        loop {
            pace.rest(what).await?;
            let news = self.news().await?;
            self.newest = news.first().and_then(id).or(self.newest.take());
            self.failures.extend(news.iter().rev().filter_map(tell));
            if let Some(end) = news.iter().find_map(ending) {
                return Ok(end);
            }
        }
    }

    /// How an operation failed, with the reasons that resources gave, or what is wrong with the template.
    pub async fn failure(&self, what: &str, ended: &str) -> Problem {
        let found = invalid(self.scope, json!({ "StackName": self.stack })).await;
        let reasons = if found.is_empty() { &self.failures } else { &found };
        let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
        Problem::failed(format_args!("{what} ended as {ended}{reasons}"))
    }

    /// The events since the newest that was read, the latest first, as CloudFormation lists them.
    async fn news(&self) -> Result<Vec<Value>, Problem> {
        let (mut news, mut token) = (Vec::new(), None);
        loop {
            let (page, next) = self.page(token).await?;
            for event in page {
                if self.newest.is_some() && id(&event) == self.newest {
                    return Ok(news);
                }
                news.push(event);
            }
            match next {
                Some(next) => token = Some(next),
                None => return Ok(news),
            }
        }
    }

    async fn page(&self, token: Option<String>) -> Result<(Vec<Value>, Option<String>), Problem> {
        let named = json!({ "StackName": self.stack });
        page(self.scope, "DescribeStackEvents", named, "StackEvents", token).await.map_err(Problem::failed)
    }
}

/// What CloudFormation found wrong before it made anything: neither the events of a stack nor the reason of a change set
/// tell more than how many mistakes there are
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html>).
pub async fn invalid(scope: &Scope, named: Value) -> Vec<String> {
    let asked = with(named, json!({ "Filters": { "FailedEvents": true } }));
    let events = scope.pages("cloudformation", "DescribeEvents", asked).await.unwrap_or_else(|error| {
        note(format_args!("what was found wrong is not known: {error}"));
        Vec::new()
    });
    let told = |event: &Value| {
        let (name, kind) = (word(event, "LogicalResourceId"), word(event, "ResourceType"));
        format!("{name} ({kind}): {}", word(event, "ValidationStatusReason"))
    };
    events.iter().filter(|event| word(event, "EventType") == "VALIDATION_ERROR").map(told).collect()
}

fn id(event: &Value) -> Option<String> {
    event.get("EventId")?.as_str().map(str::to_owned)
}

/// The status of the stack, where an event says that it is done. While an update tidies up after itself it is done for us.
fn ending(event: &Value) -> Option<String> {
    let status = word(event, "ResourceStatus");
    let of_the_stack = word(event, "PhysicalResourceId") == word(event, "StackId");
    match status {
        _ if !of_the_stack => None,
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => Some("UPDATE_COMPLETE".to_owned()),
        // What comes after it is the end.
        "CREATE_FAILED" | "UPDATE_FAILED" => None,
        status if status.ends_with("_IN_PROGRESS") => None,
        status => Some(status.to_owned()),
    }
}

/// Says that a resource is done; returns why it failed.
fn tell(event: &Value) -> Option<String> {
    let (status, name, kind) =
        (word(event, "ResourceStatus"), word(event, "LogicalResourceId"), word(event, "ResourceType"));
    if status.ends_with("_IN_PROGRESS") {
        return None;
    }
    note(format_args!("  {status:16} {kind} {name}"));
    // What is cancelled because of another failure is no reason.
    let reason = word(event, "ResourceStatusReason");
    let failed = status.ends_with("_FAILED") && !reason.contains("cancelled");
    failed.then(|| format!("{name} ({kind}): {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = "arn:aws:cloudformation:us-east-1:111122223333:stack/forester/1";

    fn event(status: &str, physical: &str, reason: &str) -> Value {
        json!({
            "ResourceStatus": status, "LogicalResourceId": "Q", "ResourceType": "AWS::SQS::Queue", "StackId": STACK,
            "PhysicalResourceId": physical, "ResourceStatusReason": reason,
        })
    }

    #[test]
    fn failures_have_reasons_and_cancellations_have_none() {
        assert_eq!(tell(&event("CREATE_FAILED", "q", "no")).as_deref(), Some("Q (AWS::SQS::Queue): no"));
        assert_eq!(tell(&event("CREATE_FAILED", "q", "Resource creation cancelled")), None);
        assert_eq!(tell(&event("CREATE_COMPLETE", "q", "")), None);
    }

    #[test]
    fn only_the_stack_itself_ends_it_and_not_before_it_is_rolled_back() {
        let ends = |status: &str, physical: &str| ending(&event(status, physical, ""));
        assert_eq!(ends("CREATE_COMPLETE", "q"), None);
        assert_eq!(ends("UPDATE_IN_PROGRESS", STACK), None);
        assert_eq!(ends("UPDATE_FAILED", STACK), None);
        assert_eq!(ends("UPDATE_ROLLBACK_IN_PROGRESS", STACK), None);
        assert_eq!(ends("UPDATE_ROLLBACK_COMPLETE", STACK).as_deref(), Some("UPDATE_ROLLBACK_COMPLETE"));
        assert_eq!(ends("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", STACK).as_deref(), Some("UPDATE_COMPLETE"));
        assert_eq!(ends("DELETE_FAILED", STACK).as_deref(), Some("DELETE_FAILED"));
    }
}
