//! `cargo xtask judge prowler`: Prowler's checks on an emulated organization, before and after its baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Instant;

use forester::baseline::ASPECTS;
use forester_e2e::command::Terminal;
use forester_e2e::judge::{Answers, Catalogue, Judged, Row, Verdict, declared, scan, table};
use forester_e2e::stack::Stack;
use forester_e2e::world::World;
use forester_e2e::{Outcome, environment};

/// Where regional checks look: what `infra/judge/forester.yaml` governs.
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match hear().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nThere is no judgement: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Scans, applies the baseline, scans again and prints what changed. Whether all is as it should be.
async fn hear() -> Outcome<bool> {
    let began = Instant::now();
    let tell = |what: &str| println!("{:>6.1}s {what}", began.elapsed().as_secs_f64());
    let catalogue = Catalogue::load()?;
    tell("starting the emulators, creating the organization");
    let stack = Stack::start().await?;
    let world = World::create(&stack).await?;
    let config = std::fs::read_to_string(environment::root()?.join("infra/judge/forester.yaml"))?;
    let terminal = Terminal::open("judge", &config, Some(&stack))?;
    let declared = declared(&stack, &world, &config).await?;
    let asked = catalogue.only(&declared);
    tell("Prowler looks at the accounts as AWS makes them");
    let before = look(&stack, &world, &asked).await?;
    tell("forester apply");
    let clean = apply(&terminal).await?;
    tell("Prowler looks again");
    let after = look(&stack, &world, &asked).await?;
    stack.stop().await?;
    let both: BTreeMap<Judged, (Answers, Answers)> = before
        .into_iter()
        .zip(after.into_values())
        .map(|((judged, before), after)| (judged, (before, after)))
        .collect();
    let rows = Row::all(&asked, |judged| both.get(&judged));
    println!("\n{}", table(&rows));
    for line in unasked(&catalogue, &declared) {
        println!("{line}");
    }
    Ok(clean && rows.iter().all(|row| !matches!(row.verdict, Verdict::Missed(_))))
}

/// Whether every step was taken; what failed is printed.
async fn apply(terminal: &Terminal) -> Outcome<bool> {
    let arguments: Vec<&str> = ["apply", "--yes"].into_iter().chain(Judged::ALL.map(Judged::account)).collect();
    let ran = terminal.run(&arguments).await?;
    match ran.code {
        0 => Ok(true),
        4 => {
            println!("\nforester apply did not do everything:\n{}\n", ran.stdout.trim());
            Ok(false)
        }
        code => Err(format!("forester apply ended with {code}: {}", ran.stderr.trim()).into()),
    }
}

/// What Prowler says of every account that it is asked about.
async fn look(stack: &Stack, world: &World, catalogue: &Catalogue) -> Outcome<BTreeMap<Judged, Answers>> {
    let mut answers = BTreeMap::new();
    for judged in Judged::ALL {
        let checks = catalogue.asked(judged);
        if !checks.is_empty() {
            answers.insert(judged, scan(stack, world, judged, &REGIONS, &checks).await?);
        }
    }
    Ok(answers)
}

/// What was not asked, and why.
fn unasked(catalogue: &Catalogue, declared: &BTreeSet<String>) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (aspect, checks) in &catalogue.0 {
        let reason = if checks.is_empty() {
            "Prowler has no check"
        } else if !ASPECTS.iter().any(|kind| kind.name() == aspect) {
            "Forester has no such aspect yet"
        } else if !declared.contains(aspect) {
            "infra/judge/forester.yaml does not declare it"
        } else {
            continue;
        };
        reasons.entry(reason).or_default().push(aspect);
    }
    reasons.into_iter().map(|(reason, aspects)| format!("not asked; {reason}: {}", aspects.join(", "))).collect()
}
