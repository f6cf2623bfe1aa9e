//! Resets on bad days: every kind of fault, at a twentieth and at a fifth of all calls, and a process that is killed again
//! and again. What can be emptied is; what cannot is said; nothing is touched elsewhere.

use std::process::Stdio;
use std::time::Duration;

use forester_e2e::command::Terminal;
use forester_e2e::stack::{SeenCall, Stack};
use forester_e2e::world::World;
use forester_e2e::{Outcome, environment, jobs, seed};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

const ACCOUNT: &str = "sbx-ana";

/// Faults after which the account must be empty all the same, and the sandbox that meets each.
const PASSING: [(&str, &str); 4] = [("throttle", ACCOUNT), ("5xx", "sbx-bo"), ("reset", "sbx-cy"), ("lost", "sbx-di")];

/// How often the process is killed.
const KILLS: u64 = 30;

/// How often a command that fails as a whole is started again, as the state machine does.
const STARTS: usize = 8;

async fn world() -> Outcome<(Stack, World)> {
    let stack = Stack::start().await?;
    let world = World::create(&stack).await?;
    stack.control("config", &json!({ "regions": ["us-east-1", "eu-west-1"], "unknown_is_empty": true })).await?;
    Ok((stack, world))
}

fn terminal(name: &str, stack: &Stack) -> Outcome<Terminal> {
    Terminal::open(name, &environment::configuration()?, Some(stack))
}

/// A terminal whose resets do not wait long for what is in the way: what was denied stays there until the run ends.
fn hasty(name: &str, stack: &Stack) -> Outcome<Terminal> {
    Terminal::open(name, &environment::patient("1m")?, Some(stack))
}

fn id(world: &World, name: &str) -> Outcome<String> {
    Ok(world.ids.get(name).ok_or_else(|| format!("no account {name}"))?.to_string())
}

/// Runs the reset until it ends with a receipt, however often the command fails as a whole.
async fn reset(terminal: &Terminal, account: &str) -> Outcome<Value> {
    let mut said = String::new();
    for _ in 0..STARTS {
        let ran = terminal.run(&["reset", "run", account, "--yes", "--output", "json"]).await?;
        if let Ok(receipt) = ran.json() {
            return Ok(receipt);
        }
        said.push_str(&ran.stderr);
    }
    Err(format!("no receipt after {STARTS} starts: {said}").into())
}

/// Writes since call `since` that are neither in a sandbox nor to the organization about it. The access report has to be
/// made before it is read, which changes nothing else.
async fn astray(stack: &Stack, world: &World, since: u64) -> Outcome<Vec<SeenCall>> {
    let names = world.ids.iter().filter(|(name, _)| name.starts_with("sbx-"));
    let sandboxes: Vec<&str> = names.map(|(_, id)| id.as_ref()).collect();
    let elsewhere = |call: &SeenCall| {
        let account = call.account.as_deref().unwrap_or_default();
        let report = call.action.as_deref() == Some("GenerateOrganizationsAccessReport");
        let about = report || matches!(call.service.as_str(), "organizations" | "budgets");
        let home = account == stack.management.as_ref() && about;
        !home && !sandboxes.contains(&account)
    };
    Ok(stack.calls(since).await?.into_iter().filter(|call| call.write && elsewhere(call)).collect())
}

/// Breaks this share of an account's calls.
async fn break_calls(stack: &Stack, account: &str, kind: &str, share: f64) -> Outcome<()> {
    stack.control("faults", &json!({ "match": { "account": account }, "kind": kind, "share": share })).await.map(drop)
}

/// Each sandbox meets its own kind of fault, and the organization's account a little of each.
#[tokio::test]
async fn faults_that_pass_change_nothing_about_the_end() -> Outcome<()> {
    let (stack, mut world) = world().await?;
    for (_, name) in PASSING.into_iter().filter(|(_, name)| *name != ACCOUNT) {
        world.vend(name, "Sandbox", &[("forester-sandbox", "true")]).await?;
    }
    for share in [0.05, 0.2] {
        let since = stack.last_call().await?;
        for (_, name) in PASSING {
            seed::fill(&world, name).await?;
        }
        for (kind, name) in PASSING {
            break_calls(&stack, &id(&world, name)?, kind, share).await?;
            break_calls(&stack, stack.management.as_ref(), kind, share / 4.0).await?;
        }
        let ends = PASSING.map(|(kind, name)| comes_to_its_end(&stack, &world, name, format!("{kind} at {share}")));
        let receipts = try_join_all(ends).await?;
        stack.heal().await?;
        for ((kind, name), receipt) in PASSING.into_iter().zip(receipts) {
            let case = format!("{kind} at {share}");
            println!("{case}: {} after {} calls", receipt["verdict"], receipt["calls"]);
            honest(&world, name, &receipt, &case).await?;
            if receipt["verdict"] != json!("green") {
                let again = reset(&terminal(name, &stack)?, &id(&world, name)?).await?;
                assert_eq!(again["verdict"], json!("green"), "{case}");
            }
            assert_eq!(jobs::reset::left(&world, name).await?, Vec::<String>::new(), "{case}");
        }
        assert_eq!(astray(&stack, &world, since).await?, Vec::<SeenCall>::new(), "at {share}");
    }
    stack.stop().await
}

async fn comes_to_its_end(stack: &Stack, world: &World, name: &str, case: String) -> Outcome<Value> {
    let receipt = reset(&terminal(name, stack)?, &id(world, name)?).await;
    receipt.map_err(|error| format!("{case}: {error}").into())
}

/// Green only when plain calls find nothing; anything else names where.
async fn honest(world: &World, name: &str, receipt: &Value, case: &str) -> Outcome<()> {
    let left = jobs::reset::left(world, name).await?;
    if receipt.get("verdict") == Some(&json!("green")) {
        assert_eq!(left, Vec::<String>::new(), "{case}: green may not lie");
        return Ok(());
    }
    let count = |path: &str| receipt.pointer(path).and_then(Value::as_array).map_or(0, Vec::len);
    let told = jobs::reset::unsound(receipt).len() + count("/baseline/failed") + count("/notes");
    assert!(told > 0, "{case}: not green, and no reason");
    Ok(())
}

#[tokio::test]
async fn what_is_denied_is_told_and_taken_next_time() -> Outcome<()> {
    let (stack, world) = world().await?;
    let terminal = hasty("denied-faults", &stack)?;
    for share in [0.05, 0.2] {
        seed::fill(&world, ACCOUNT).await?;
        let since = stack.last_call().await?;
        let account = id(&world, ACCOUNT)?;
        // The way into the account is open: a guard that is denied refuses, and then nothing is tried at all.
        for service in ["ec2", "sqs", "s3", "dynamodb", "logs", "lambda", "sns"] {
            let order =
                json!({ "match": { "service": service, "account": account }, "kind": "denied", "share": share });
            stack.control("faults", &order).await?;
        }
        let receipt = reset(&terminal, ACCOUNT).await?;
        stack.heal().await?;
        honest(&world, ACCOUNT, &receipt, &format!("denied at {share}")).await?;
        assert_eq!(reset(&terminal, ACCOUNT).await?["verdict"], json!("green"), "denied at {share}, healed");
        assert_eq!(jobs::reset::left(&world, ACCOUNT).await?, Vec::<String>::new());
        assert_eq!(astray(&stack, &world, since).await?, Vec::<SeenCall>::new());
    }
    stack.stop().await
}

/// Starts the command and kills it once the account has seen `calls` more; whether it had ended before.
async fn killed_after(stack: &Stack, terminal: &Terminal, calls: u64) -> Outcome<bool> {
    terminal.run(&["reset", "unlock", ACCOUNT, "--yes"]).await?;
    let since = stack.last_call().await?;
    let mut command = terminal.command(&["reset", "run", ACCOUNT, "--yes"])?;
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(status?.success()),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        if stack.last_call().await? >= since + calls {
            child.kill().await?;
            return Ok(false);
        }
    }
}

#[tokio::test]
async fn a_process_that_is_killed_thirty_times_comes_to_the_same_end() -> Outcome<()> {
    let (stack, world) = world().await?;
    let terminal = terminal("killed", &stack)?;
    seed::fill(&world, ACCOUNT).await?;
    let since = stack.last_call().await?;
    let mut kills = 0;
    // Steps of a multiplicative generator: spread over a scan and a round of deleting, the same in every run.
    let mut dice: u64 = 7;
    while kills < KILLS {
        dice = dice * 48_271 % 2_147_483_647;
        if killed_after(&stack, &terminal, 20 + dice % 400).await? {
            seed::fill(&world, ACCOUNT).await?;
        }
        kills += 1;
    }
    terminal.run(&["reset", "unlock", ACCOUNT, "--yes"]).await?;
    let receipt = reset(&terminal, ACCOUNT).await?;
    assert_eq!(receipt["verdict"], json!("green"), "left: {}", receipt["left"]);
    assert_eq!(jobs::reset::left(&world, ACCOUNT).await?, Vec::<String>::new());
    assert_eq!(jobs::baseline::missing(&world, ACCOUNT).await?, Vec::<String>::new());
    assert_eq!(astray(&stack, &world, since).await?, Vec::<SeenCall>::new());
    stack.stop().await
}
