//! `cargo xtask demo`: the four jobs on the local stack, told as a timeline, each effect read back.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use forester_e2e::jobs::{self, Effect};
use forester_e2e::local::Local;
use forester_e2e::{Outcome, environment};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let timeline = Timeline::start();
    match play(&timeline).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            timeline.end();
            eprintln!("\nThe demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn play(timeline: &Timeline) -> Outcome<()> {
    let mut local = Local::start(&|stage| timeline.tell(stage)).await?;
    let accounts: Vec<String> = local.world.ids.iter().map(|(name, id)| format!("{name} {id}")).collect();
    timeline.tell(&format!("the forest: {}", accounts.join(", ")));
    let mut effects = Vec::new();
    timeline.tell("creating the account `pay`: its CreateAccountResult event wakes account-baseline");
    effects.push(jobs::baseline::run(&mut local).await?);
    timeline.done(effects.last());
    timeline.tell("the same event once more");
    let writes = jobs::baseline::again(&local).await?;
    if !writes.is_empty() {
        return Err(format!("a second run must not write, but it called {writes:?}").into());
    }
    timeline.tell("0 write calls in the second run");
    timeline.tell("the sandbox schedule fires: sandbox-reset empties sbx-ana slice by slice");
    effects.push(jobs::reset::run(&local).await?);
    timeline.done(effects.last());
    timeline.tell("AWS Budgets notifies through a topic, twice");
    effects.push(jobs::budget::run(&local).await?);
    timeline.done(effects.last());
    timeline.tell("the root user acts in `dev`; the audit account's alarm goes off");
    effects.push(jobs::alarm::run(&local).await?);
    timeline.done(effects.last());
    let kept = keep(&local).await?;
    timeline.tell("stopping the emulators");
    timeline.end();
    println!();
    local.stack.stop().await?;
    println!("\n{}", table(&effects));
    println!("{kept}");
    Ok(())
}

/// Writes the receipt and the delivered messages to `target/demo` and says where they are.
async fn keep(local: &Local) -> Outcome<String> {
    let directory = environment::root()?.join("target/demo");
    std::fs::create_dir_all(&directory)?;
    let receipt = jobs::reset::newest(local).await?;
    let path = directory.join("receipt.json");
    std::fs::write(&path, serde_json::to_string_pretty(&receipt)?)?;
    let mut lines = vec![format!("receipt            {}", path.display())];
    for (n, message) in local.webhook.received().iter().enumerate() {
        let path = directory.join(format!("message-{}.json", n + 1));
        let body: serde_json::Value = serde_json::from_str(&message.body)?;
        std::fs::write(&path, serde_json::to_string_pretty(&body)?)?;
        lines.push(format!("delivered message  {}", path.display()));
    }
    Ok(lines.join("\n"))
}

fn table(effects: &[Effect]) -> String {
    let head = ["event", "function", "AWS calls", "took"].map(str::to_owned);
    let rows = effects.iter().map(|effect| {
        let took = format!("{:.1} s", effect.took.as_secs_f64());
        [effect.event.to_owned(), effect.function.to_owned(), effect.calls.to_string(), took]
    });
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
    let mut lines = Vec::new();
    for (n, [event, function, calls, took]) in rows.iter().enumerate() {
        lines.push(format!("{event:<31}{function:<32}{calls:>9}{took:>9}"));
        let changes = n.checked_sub(1).and_then(|n| effects.get(n)).map(|effect| effect.changes.as_slice());
        lines.extend(changes.unwrap_or_default().iter().map(|change| format!("    {change}")));
    }
    lines.join("\n")
}

/// Lines with the time since the start; on a terminal a spinner shows what is under way.
struct Timeline {
    began: Instant,
    spinner: ProgressBar,
}

impl Timeline {
    fn start() -> Self {
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("        {spinner} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        spinner.set_style(style);
        spinner.enable_steady_tick(Duration::from_millis(120));
        Self { began: Instant::now(), spinner }
    }

    fn tell(&self, what: &str) {
        let line = format!("{:>6.1}s {what}", self.began.elapsed().as_secs_f64());
        self.spinner.suspend(|| println!("{line}"));
    }

    fn done(&self, effect: Option<&Effect>) {
        for change in effect.map(|effect| effect.changes.as_slice()).unwrap_or_default() {
            self.tell(&format!("  read back: {change}"));
        }
    }

    fn end(&self) {
        self.spinner.finish_and_clear();
    }
}
