//! The `forester` command's contract: exit codes, JSON, refusals, against the local stack.

use forester_e2e::command::Terminal;
use forester_e2e::stack::Stack;
use forester_e2e::world::World;
use forester_e2e::{Outcome, environment, seed};
use serde_json::json;

#[tokio::test]
async fn three_mistakes_are_three_lines_with_positions() -> Outcome<()> {
    let config = "version: 1\nmode: organisation\nhome_region: Ireland\nregions: {govern: [eu-west-1]}\n\
                  access: {role: R}\nacounts: {}\n";
    let terminal = Terminal::open("mistakes", config, None)?;
    let ran = terminal.run(&["validate"]).await?;
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, 1, "{said}");
    for position in ["forester.yaml:2:1", "forester.yaml:3:1", "forester.yaml:6:1"] {
        assert!(said.contains(position), "{position} is missing in:\n{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_file_is_said_plainly() -> Outcome<()> {
    let terminal = Terminal::open("missing", "", None)?;
    let ran = terminal.run(&["--config", "nowhere.yaml", "validate"]).await?;
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("nowhere.yaml"), "{}", ran.stderr);
    Ok(())
}

#[tokio::test]
async fn the_schema_is_one_json_document() -> Outcome<()> {
    let terminal = Terminal::open("schema", "", None)?;
    let schema = terminal.run(&["schema"]).await?.json()?;
    assert!(schema["properties"]["layers"].is_object(), "{schema}");
    Ok(())
}

#[tokio::test]
async fn plan_apply_plan_converges() -> Outcome<()> {
    let stack = Stack::start().await?;
    World::create(&stack).await?;
    let terminal = Terminal::open("converge", &environment::configuration()?, Some(&stack))?;
    let plan = terminal.run(&["plan", "--all", "--output", "json"]).await?;
    assert_eq!(plan.code, 2, "{plan:?}");
    let accounts = plan.json()?["accounts"].as_array().map_or(0, Vec::len);
    assert_eq!(accounts, 4, "{}", plan.stdout);
    let refused = terminal.run(&["apply", "--all"]).await?;
    assert_eq!(refused.code, 3, "without a terminal and without --yes: {refused:?}");
    let applied = terminal.run(&["apply", "--all", "--yes", "--output", "json"]).await?;
    assert_eq!(applied.code, 0, "{applied:?}");
    let since = stack.last_call().await?;
    let again = terminal.run(&["apply", "--all", "--yes"]).await?;
    assert_eq!(again.code, 0, "{again:?}");
    let calls = stack.calls(since).await?;
    let writes: Vec<_> = calls.iter().filter(|call| call.write && call.service != "sts").collect();
    assert!(writes.is_empty(), "a second apply makes no write call: {writes:?}");
    let verified = terminal.run(&["verify", "--all"]).await?;
    assert_eq!(verified.code, 0, "{verified:?}");
    stack.stop().await
}

#[tokio::test]
async fn a_sandbox_is_planned_then_emptied() -> Outcome<()> {
    let stack = Stack::start().await?;
    stack.shorten().await?;
    let world = World::create(&stack).await?;
    seed::fill(&world, "sbx-ana").await?;
    let terminal = Terminal::open("reset", &environment::configuration()?, Some(&stack))?;
    let planned = terminal.run(&["reset", "plan", "sbx-ana"]).await?;
    assert_eq!(planned.code, 2, "{planned:?}");
    let refused = terminal.run(&["reset", "run", "sbx-ana", "--plan", "0000", "--yes"]).await?;
    assert_eq!(refused.code, 3, "a plan that is not this one: {refused:?}");
    let ran = terminal.run(&["reset", "run", "sbx-ana", "--yes", "--output", "json"]).await?;
    assert_eq!((ran.code, &ran.json()?["verdict"]), (0, &json!("green")), "{ran:?}");
    stack.stop().await
}

#[tokio::test]
async fn only_sandboxes_are_ever_emptied() -> Outcome<()> {
    let stack = Stack::start().await?;
    World::create(&stack).await?;
    let terminal = Terminal::open("guards", &environment::configuration()?, Some(&stack))?;
    for account in ["dev", "audit", "management"] {
        let since = stack.last_call().await?;
        let ran = terminal.run(&["reset", "run", account, "--yes"]).await?;
        assert_eq!(ran.code, 3, "{account}: {ran:?}");
        let calls = stack.calls(since).await?;
        let deletes =
            calls.iter().filter(|call| call.action.as_deref().is_some_and(|action| action.starts_with("Delete")));
        assert_eq!(deletes.count(), 0, "{account}");
    }
    stack.stop().await
}

#[tokio::test]
async fn an_event_is_explained_without_any_call() -> Outcome<()> {
    let terminal = Terminal::open("explain", &environment::configuration()?, None)?;
    let event = environment::root()?.join("events/budget-router/actual-monthly-80pct.json");
    let ran = terminal.run(&["alerts", "explain", &event.display().to_string(), "--output", "json"]).await?;
    let told = ran.json()?;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(told["alert"]["kind"], json!("budget"), "{told}");
    assert!(!told["messages"].as_array().is_none_or(Vec::is_empty), "{told}");
    Ok(())
}
