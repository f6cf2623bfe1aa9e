//! AWS on a bad day: throttled, broken, denied in part, answers lost. What can be done is done, the rest is said.

use forester_e2e::command::Terminal;
use forester_e2e::stack::Stack;
use forester_e2e::world::World;
use forester_e2e::{Outcome, environment};
use serde_json::json;

async fn set_up(name: &str) -> Outcome<(Stack, Terminal)> {
    let stack = Stack::start().await?;
    World::create(&stack).await?;
    let terminal = Terminal::open(name, &environment::configuration()?, Some(&stack))?;
    Ok((stack, terminal))
}

#[tokio::test]
async fn passing_faults_leave_no_trace() -> Outcome<()> {
    let (stack, terminal) = set_up("passing").await?;
    stack.fault(json!({ "service": "ec2", "action": "DescribeVpcs" }), "throttle", 2).await?;
    stack.fault(json!({ "service": "ec2", "action": "EnableEbsEncryptionByDefault" }), "5xx", 1).await?;
    stack.fault(json!({ "service": "iam", "action": "CreateAccountAlias" }), "lost", 1).await?;
    stack.fault(json!({ "service": "iam", "action": "CreateRole" }), "lost", 1).await?;
    stack.fault(json!({ "service": "budgets", "action": "CreateBudget" }), "reset", 1).await?;
    let applied = terminal.run(&["apply", "dev", "--yes"]).await?;
    assert_eq!(applied.code, 0, "{applied:?}");
    stack.heal().await?;
    let verified = terminal.run(&["verify", "dev"]).await?;
    assert_eq!(verified.code, 0, "{verified:?}");
    stack.stop().await
}

#[tokio::test]
async fn a_denied_step_fails_alone_and_is_taken_next_time() -> Outcome<()> {
    let (stack, terminal) = set_up("denied").await?;
    stack.fault(json!({ "service": "iam", "action": "UpdateAccountPasswordPolicy" }), "denied", 1).await?;
    let applied = terminal.run(&["apply", "dev", "--yes", "--output", "json"]).await?;
    assert_eq!(applied.code, 4, "{applied:?}");
    let report = applied.json()?;
    let failed = report["accounts"][0]["failed"].as_array().cloned().unwrap_or_default();
    assert_eq!(failed.len(), 1, "{report}");
    assert_eq!(failed[0]["step"]["aspect"], json!("password-policy"));
    assert!(failed[0]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "a failure says what to do: {report}");
    let again = terminal.run(&["apply", "dev", "--yes", "--output", "json"]).await?;
    assert_eq!(
        again.json()?["accounts"][0]["done"].as_array().map(Vec::len),
        Some(1),
        "only the failed step: {again:?}"
    );
    stack.stop().await
}
