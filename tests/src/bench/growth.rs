//! What a baseline costs as the organization grows: calls, time and memory of the real command for 1 to 1000 accounts,
//! the first time and once everything holds. Figures, no verdict.

use std::process::Stdio;
use std::time::{Duration, Instant};

use forester::aws::Scope;
use serde_json::json;

use crate::Outcome;
use crate::command::Terminal;
use crate::runtime_api::memory_of;
use crate::stack::Stack;
use crate::world::{HOME, as_root, create_account};

/// How many accounts are created at the same time; AWS takes five.
const AT_ONCE: usize = 5;

/// What the accounts are held to: what every account has once, and the network of one region.
const CONFIG: &str = r#"
version: 1
mode: organization
home_region: us-east-1
regions: {govern: [us-east-1], vpc_cleanup: governed}
access: {role: OrganizationAccountAccessRole}
accounts: {management: {id: "111122223333"}}
layers:
  - match: {account: "app-*"}
    alias: "acme-{name}"
    password_policy: {min_length: 14, reuse: 24}
    defaults: {s3_block_public: true}
    default_vpc: delete-if-unused
    roles:
      SecurityReviewer: {policies: [ReadOnlyAccess], trust: [management]}
    budget: {monthly: 100, actual: [80, 100], forecast: [100], notify: {email: [billing@acme.example]}}
"#;

/// One run of the command over the whole organization.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Run {
    /// Calls that AWS saw.
    pub calls: usize,
    /// Those of them that write.
    pub writes: usize,
    /// From start to end.
    pub took: Duration,
    /// The most memory that the command held.
    pub peak_kib: u64,
    /// Its exit code.
    pub code: i32,
}

/// An organization of a size: its first baseline, and the same again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// How many accounts it has, beside the management account.
    pub accounts: usize,
    /// The first run.
    pub first: Run,
    /// The second run.
    pub again: Run,
}

/// Measures one size on a stack of its own.
pub async fn measure(accounts: usize) -> Outcome<Growth> {
    let stack = Stack::start().await?;
    let sdk = stack.sdk(&HOME.parse()?).await;
    let management = as_root(&sdk, &stack.management).await?;
    management.call("organizations", "CreateOrganization", json!({ "FeatureSet": "ALL" })).await?;
    populate(&management, accounts).await?;
    let terminal = Terminal::open(&format!("growth-{accounts}"), CONFIG, Some(&stack))?;
    let first = run(&stack, &terminal).await?;
    let again = run(&stack, &terminal).await?;
    stack.stop().await?;
    Ok(Growth { accounts, first, again })
}

/// Accounts `app-0` and so on.
async fn populate(management: &Scope, accounts: usize) -> Outcome<()> {
    let numbers: Vec<usize> = (0..accounts).collect();
    for group in numbers.chunks(AT_ONCE) {
        let names = group.iter().map(|n| format!("app-{n}"));
        let created = names.map(async |name| create_account(management, &name).await);
        futures_util::future::try_join_all(created).await?;
    }
    Ok(())
}

async fn run(stack: &Stack, terminal: &Terminal) -> Outcome<Run> {
    let since = stack.last_call().await?;
    let began = Instant::now();
    let mut command = terminal.command(&["--output", "json", "apply", "--all", "--yes"])?;
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let process = child.id().unwrap_or_default();
    let mut peak_kib = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = tick.tick() => peak_kib = memory_of(process).map_or(peak_kib, |held| held.peak_kib.max(peak_kib)),
        }
    };
    let took = began.elapsed();
    let calls = stack.calls(since).await?;
    let writes = calls.iter().filter(|call| call.write).count();
    Ok(Run { calls: calls.len(), writes, took, peak_kib, code: status.code().unwrap_or(-1) })
}

/// A line a size.
pub fn table(rows: &[Growth]) -> String {
    let mut text = "                    first time                            once everything holds\n\
                    accounts   calls  writes  seconds  MiB  exit     calls  writes  seconds  MiB  exit\n"
        .to_owned();
    for Growth { accounts, first, again } in rows {
        text.push_str(&format!("{accounts:>8} {}  {}\n", line(first), line(again)));
    }
    text
}

fn line(run: &Run) -> String {
    let (seconds, mib) = (run.took.as_secs_f64(), run.peak_kib / 1024);
    format!("{:>7} {:>7} {seconds:>8.1} {mib:>4} {:>5}", run.calls, run.writes, run.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_a_line_a_size() {
        let run = Run { calls: 20, writes: 8, took: Duration::from_millis(1_250), peak_kib: 20_480, code: 0 };
        let text = table(&[Growth { accounts: 10, first: run, again: Run { writes: 0, ..run } }]);
        let words: Vec<&str> = text.lines().nth(2).unwrap().split_whitespace().collect();
        assert_eq!(words, ["10", "20", "8", "1.2", "20", "0", "20", "0", "1.2", "20", "0"]);
    }
}
