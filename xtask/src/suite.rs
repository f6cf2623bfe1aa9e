//! `cargo xtask test`: everything that must hold, as named steps; it goes on after a failure and says all at the end.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::house::House;
use crate::problem::Problem;
use crate::step::{self, Finished, took};
use crate::tally::Tally;
use crate::{deny, models, programs, python};

/// Enough random inputs for every operation to be met; `cargo xtask conformance` takes more.
const CONFORMANCE: &str = "1000";

/// What became of all steps.
#[derive(Default)]
struct Outcome {
    tests: Tally,
    failed: Vec<String>,
    unchecked: Vec<String>,
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

    /// What is said at the end; what was not looked at is never left out of it.
    fn summary(&self, time: Duration) -> String {
        let mut text = match self.failed.as_slice() {
            [] => format!("all steps are green after {}\n", took(time)),
            failed => format!("failed after {}: {}\n", took(time), failed.join(", ")),
        };
        for what in &self.unchecked {
            text.push_str(&format!("not checked: {what}\n"));
        }
        text.push_str(&format!("{} passed, {} failed", self.tests.passed, self.tests.failed));
        text
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
    for check in rust_checks(house, python.as_deref()) {
        outcome.note(&step::run(house, check.name, check.command)?, check.counts);
    }
    if let Some(verdict) = outcome.keep("dependencies", deny::look(house)) {
        verdict.steps.iter().for_each(|step| outcome.note(step, false));
        outcome.unchecked = verdict.unchecked;
    }
    let programs = outcome.keep("programs", programs::build(house));
    if let (Some(python), Some(programs)) = (python, programs) {
        for check in program_checks(house, &python, &programs, fast) {
            outcome.note(&step::run(house, check.name, check.command)?, check.counts);
        }
    } else {
        println!("  what needs Python or the programs was not run");
    }
    if !fast && let Some(judges) = outcome.keep("infrastructure", python::infrastructure(house)) {
        outcome.note(&step::run(house, "infrastructure", infrastructure(house, &judges))?, true);
    }
    println!("\n{}", outcome.summary(began.elapsed()));
    Ok(if outcome.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One step: what it is called, what it runs, whether it counts tests.
struct Check {
    name: &'static str,
    command: Command,
    counts: bool,
}

/// What cargo alone can tell, quickest answers first.
fn rust_checks(house: &House, python: Option<&Path>) -> Vec<Check> {
    let check = |name, counts, subcommand, arguments: &[&str]| {
        let mut command = house.cargo(subcommand);
        command.args(arguments).env("FORESTER_ROOT", &house.root);
        python.map(|python| command.env("FORESTER_PYTHON", python));
        Check { name, command, counts }
    };
    vec![
        check("format", false, "fmt", &["--all", "--check"]),
        check("clippy", false, "clippy", &["--workspace", "--all-targets", "--", "-D", "warnings"]),
        check("unit tests", true, "test", &["--workspace", "--lib", "--bins", "--no-fail-fast"]),
        check("documentation tests", true, "test", &["--workspace", "--doc", "--no-fail-fast"]),
    ]
}

/// The client against botocore; then, unless it has to be fast, the local stack and the real binaries on it.
fn program_checks(house: &House, python: &Path, programs: &Path, fast: bool) -> Vec<Check> {
    let check = |name, counts, mut command: Command| {
        programs::environment(house, &mut command, programs, python);
        Check { name, command, counts }
    };
    let script = |name, counts, arguments: &[&str]| check(name, counts, models::script(house, python, arguments));
    let mut list = vec![
        script("models are current", false, &["shared/models/generate.py", "--check"]),
        script("conformance", false, &["shared/models/conformance.py", "--count", CONFORMANCE]),
    ];
    if !fast {
        let discover = ["-m", "unittest", "discover", "-s", "infra/local/tests", "-t", "infra/local"];
        list.push(script("local stack tests", true, &discover));
        let mut cargo = house.cargo("test");
        cargo.args(["--workspace", "--test", "*", "--no-fail-fast"]);
        list.push(check("end-to-end tests", true, cargo));
    }
    list
}

/// What linters and the tests of `infra/tests` say of the templates; no AWS, emulated or real, is asked.
fn infrastructure(house: &House, python: &Path) -> Command {
    models::script(house, python, &["-m", "unittest", "discover", "-s", "infra/tests", "-t", "infra"])
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

    #[test]
    fn what_was_not_checked_is_said_before_the_count() {
        let mut outcome = Outcome { unchecked: vec!["advisories".to_owned()], ..Outcome::default() };
        outcome.add("a step", true, Tally { passed: 3, failed: 0 });
        let said = outcome.summary(Duration::from_secs(4));
        assert_eq!(said, "all steps are green after 4.0 s\nnot checked: advisories\n3 passed, 0 failed");
    }
}
