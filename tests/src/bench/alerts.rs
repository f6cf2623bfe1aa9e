//! What an alert costs: how many a second one core reads, routes and renders, and how long it takes from starting the
//! process to the message at its webhook; beside a function of the usual shape in Python.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use forester::alert::explain;
use forester::config::Config;
use forester::event::open;
use jiff::Timestamp;
use serde_json::Value;
use tokio::process::Command;

use super::{aws, machine};
use crate::http::Server;
use crate::runtime_api::{Answer, Function};
use crate::webhook::Webhook;
use crate::{Outcome, environment};

/// How often each function is started.
const STARTS: usize = 20;
/// How long messages are counted.
const LONG: Duration = Duration::from_secs(2);
/// The event that is sent after a start.
const EVENT: &str = "events/budget-router/actual-monthly-80pct.json";

/// Measures both and returns the table; `function` is `budget-router` as it goes to Lambda.
pub async fn measure(function: &Path) -> Outcome<String> {
    let (root, webhook) = (environment::root()?, Webhook::listen().await?);
    let directory = std::env::temp_dir().join(format!("forester-bench-alerts-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let measured = figures(function, &root, &webhook, &directory).await;
    std::fs::remove_dir_all(&directory)?;
    measured
}

async fn figures(function: &Path, root: &Path, webhook: &Webhook, directory: &Path) -> Outcome<String> {
    let config = directory.join("forester.yaml");
    std::fs::write(&config, configuration(&webhook.url))?;
    let script = script(directory)?;
    let files = samples(root)?;
    let ours = rate(&config, &files)?;
    let theirs = their_rate(&script, &files).await?;
    let server = Server::start(|request| async move { aws(&request) }).await?;
    let aws = server.url();
    let event: Value = serde_json::from_str(&std::fs::read_to_string(root.join(EVENT))?)?;
    let (mut cold, mut their_cold) = (Vec::new(), Vec::new());
    // The first round brings the programs into memory and does not count.
    for round in 0..=STARTS {
        let state = directory.join(format!("state-{round}"));
        let variables = [
            ("AWS_ENDPOINT_URL", aws.clone()),
            ("FORESTER_CONFIG", config.display().to_string()),
            ("FORESTER_STATE", state.display().to_string()),
            ("FORESTER_ALLOW_LOOPBACK", "1".to_owned()),
        ];
        let one = delivered(function, variables, &event, webhook).await?;
        let other = delivered(&script, [("HOOK", webhook.url.clone())], &event, webhook).await?;
        if round > 0 {
            cold.push(one);
            their_cold.push(other);
        }
    }
    Ok(format!(
        "{}\n\nalerts a second, one core: read, routed and rendered (Python: read and formatted)\ncold start to \
         delivered: from starting the process to the message at a webhook on loopback, {STARTS} starts each; ours looks \
         up, remembers in a file and signs nothing; Lambda adds about 14 ms of its own\n\n             alerts/s     cold \
         start to delivered, ms\n                             min     p50     p90\n{}{}",
        machine(),
        line("forester", ours, cold),
        line("python", theirs, their_cold),
    ))
}

/// Starts the program, hands it the event, and waits for its answer; the message must be there by then.
async fn delivered<const N: usize>(
    program: &Path,
    variables: [(&str, String); N],
    event: &Value,
    webhook: &Webhook,
) -> Outcome<Duration> {
    let before = webhook.received().len();
    let mut function = Function::start(program, variables).await?;
    let outcome = function.invoke(event).await;
    let took = function.first_poll + outcome.elapsed;
    let log = function.stop().await;
    if webhook.received().len() != before + 1 || !matches!(outcome.answer, Answer::Response(_)) {
        return Err(format!("{} did not deliver: {:?}\n{log}", program.display(), outcome.answer).into());
    }
    Ok(took)
}

fn configuration(url: &str) -> String {
    format!(
        "version: 1\nmode: virtual-root\nhome_region: us-east-1\nregions: {{govern: [us-east-1]}}\naccess: {{role: R}}\n\
         accounts: {{root: {{id: \"111122223333\"}}}}\nalerts:\n  receivers: {{platform: [{{webhook: {{url: \"{url}\"}}}}]}}\n  \
         route: {{receiver: platform, routes: [{{match: {{severity: critical}}, continue: true}}, {{match: {{kind: budget}}}}]}}\n"
    )
}

/// The samples of both functions.
fn samples(root: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for function in ["budget-router", "alarm-fanout"] {
        for entry in std::fs::read_dir(root.join("events").join(function))? {
            files.push(entry?.path());
        }
    }
    files.sort();
    Ok(files)
}

fn rate(config: &Path, files: &[PathBuf]) -> Outcome<f64> {
    let config = Config::parse(&std::fs::read_to_string(config)?, "bench")?;
    let alerts = config.alerts.as_ref().ok_or("the configuration has no alerts")?;
    let texts: Vec<String> = files.iter().map(std::fs::read_to_string).collect::<Result<_, _>>()?;
    let (mut count, began) = (0_u32, Instant::now());
    while began.elapsed() < LONG {
        for text in &texts {
            let payload: Value = serde_json::from_str(text)?;
            for message in open(&payload, "bench").messages() {
                std::hint::black_box(explain(&config, alerts, &message, Timestamp::UNIX_EPOCH));
                count += 1;
            }
        }
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// The Python function as a program.
fn script(directory: &Path) -> Outcome<PathBuf> {
    let script = directory.join("function.py");
    let text = format!("#!{}\n{}", environment::python()?.display(), include_str!("alerts.py"));
    std::fs::write(&script, text)?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

async fn their_rate(script: &Path, files: &[PathBuf]) -> Outcome<f64> {
    let output = Command::new(script).arg("rate").args(files).output().await?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    said.parse().map_err(|_| format!("python said {said:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn line(name: &str, rate: f64, mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    format!("{name:<12} {rate:>8.0} {:>10.1} {:>7.1} {:>7.1}\n", at(0), at(50), at(90))
}
