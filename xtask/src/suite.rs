//! `cargo xtask test`: everything that must hold, as named steps; it goes on after a failure and says all at the end.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::house::House;
use crate::problem::Problem;
use crate::step::{self, Finished, took};
use crate::tally::Tally;
use crate::{models, programs, python};

/// Enough random inputs for every operation to be met; `cargo xtask conformance` takes more.
const CONFORMANCE: &str = "1000";

/// What became of all steps.
#[derive(Default)]
struct Outcome {
    tests: Tally,
    failed: Vec<String>,
}

impl Outcome {
    /// Notes a step. One that counts tests must have a count to show, and one that failed without a count is a failure.
    fn note(&mut self, finished: &Finished, counts: bool) {
        let tally = if counts { Tally::read(&finished.output()) } else { None };
        if counts && finished.ok && tally.is_none() {
            println!("    {} reported no test at all", finished.name);
        }
        let ok = finished.ok && (!counts || tally.is_some());
        self.add(&finished.name, ok, tally.unwrap_or_default());
    }

    /// Takes what a preparation gave; one that failed is said and counted.
    fn keep<T>(&mut self, name: &str, result: Result<T, Problem>) -> Option<T> {
        result
            .map_err(|problem| {
                println!("  {name}: {problem}");
                self.add(name, false, Tally::default());
            })
            .ok()
    }

    fn add(&mut self, name: &str, ok: bool, tally: Tally) {
        self.tests = self.tests.plus(tally);
        if !ok {
            self.failed.push(name.to_owned());
            self.tests.failed += u64::from(tally.failed == 0);
        }
    }

    fn print(&self, began: Instant) {
        match self.failed.as_slice() {
            [] => println!("\nall steps are green after {}", took(began.elapsed())),
            failed => println!("\nfailed after {}: {}", took(began.elapsed()), failed.join(", ")),
        }
        println!("{} passed, {} failed", self.tests.passed, self.tests.failed);
    }
}

/// Runs all steps, or with `fast` those that need no local stack.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    let fast = match arguments {
        [] => false,
        [word] if word == "fast" => true,
        other => return Err(format!("`test` takes `fast` or nothing, not `{}`", other.join(" ")).into()),
    };
    let began = Instant::now();
    let mut outcome = Outcome::default();
    let python = outcome.keep("python environment", python::interpreter(house));
    for check in checks(house, python.as_deref()) {
        outcome.note(&step::run(house, check.name, check.command)?, check.counts);
    }
    if !fast {
        end_to_end(house, python.as_deref(), &mut outcome)?;
    }
    outcome.print(began);
    Ok(if outcome.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One step: what it is called, what it runs, whether it counts tests.
struct Check {
    name: &'static str,
    command: Command,
    counts: bool,
}

/// All that needs no local stack, quickest answers first. Without Python, its steps are left out; that is a failure
/// already.
fn checks(house: &House, python: Option<&Path>) -> Vec<Check> {
    let cargo = |arguments: &[&str]| {
        let (subcommand, rest) = arguments.split_first().unwrap_or((&"help", &[]));
        let mut command = house.cargo(subcommand);
        command.args(rest).env("FORESTER_ROOT", &house.root);
        python.map(|python| command.env("FORESTER_PYTHON", python));
        command
    };
    let check = |name, counts, command| Check { name, command, counts };
    let mut list = vec![
        check("format", false, cargo(&["fmt", "--all", "--check"])),
        check("clippy", false, cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
        check("unit tests", true, cargo(&["test", "--workspace", "--lib", "--bins", "--no-fail-fast"])),
        check("documentation tests", true, cargo(&["test", "--workspace", "--doc", "--no-fail-fast"])),
    ];
    if let Some(python) = python {
        let script = |arguments: &[&str]| models::script(house, python, arguments);
        list.push(check("models are current", false, script(&["shared/models/generate.py", "--check"])));
        list.push(check("conformance", false, script(&["shared/models/conformance.py", "--count", CONFORMANCE])));
    }
    list
}

/// The local stack by itself, then the real binaries on it.
fn end_to_end(house: &House, python: Option<&Path>, outcome: &mut Outcome) -> Result<(), Problem> {
    let programs = outcome.keep("programs", programs::build(house));
    let (Some(programs), Some(python)) = (programs, python) else {
        println!("  {:<24} not run: what it needs is missing", "end-to-end tests");
        outcome.add("end-to-end tests", false, Tally::default());
        return Ok(());
    };
    let stack = ["-m", "unittest", "discover", "-s", "infra/local/tests", "-t", "infra/local"];
    outcome.note(&step::run(house, "local stack tests", models::script(house, python, &stack))?, true);
    let mut cargo = house.cargo("test");
    cargo.args(["--workspace", "--test", "*", "--no-fail-fast"]);
    programs::environment(house, &mut cargo, &programs, python);
    outcome.note(&step::run(house, "end-to-end tests", cargo)?, true);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ok: bool, passed: u64, failed: u64, expect: (u64, u64, bool)) {
        let mut outcome = Outcome::default();
        outcome.add("a step", ok, Tally { passed, failed });
        assert_eq!((outcome.tests.passed, outcome.tests.failed, outcome.failed.is_empty()), expect);
    }

    #[test]
    fn counts_are_those_of_the_runners() {
        check(true, 12, 0, (12, 0, true));
        check(false, 10, 2, (10, 2, false));
    }

    #[test]
    fn a_step_that_fails_without_a_count_is_one_failure() {
        check(false, 0, 0, (0, 1, false));
        check(false, 12, 0, (12, 1, false));
    }
}
