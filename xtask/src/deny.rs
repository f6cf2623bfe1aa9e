//! `cargo xtask deny`: what may be among the dependencies. Licences, sources, banned crates and advisories by cargo-deny
//! and `deny.toml`; dependencies that nothing uses by cargo-shear.
//!
//! Advisories need RustSec's database, which is a git repository outside every package registry. Where it cannot be
//! had, that is said, as something that was not looked at: neither a failure of the code nor a success.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::house::House;
use crate::problem::Problem;
use crate::step::{self, Finished};
use crate::tools;

/// What was looked at, and what could not be.
pub struct Verdict {
    /// The steps that ran, happy or not.
    pub steps: Vec<Finished>,
    /// What was not looked at, and why.
    pub unchecked: Vec<String>,
}

/// Runs all of it; the outcome is that of the steps.
pub fn run(house: &House, _: &[String]) -> Result<ExitCode, Problem> {
    let verdict = look(house)?;
    let green = verdict.steps.iter().all(|step| step.ok);
    Ok(if green { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Looks at the dependencies, with the programs for it installed if need be.
pub fn look(house: &House) -> Result<Verdict, Problem> {
    let deny = tools::program(house, &tools::DENY)?;
    let shear = tools::program(house, &tools::SHEAR)?;
    let mut unused = house.program(&shear);
    unused.args(["--locked", "--deny-warnings"]);
    let mut steps = vec![
        step::run(house, "licences and sources", check(house, &deny, &["bans", "licenses", "sources"]))?,
        step::run(house, "unused dependencies", unused)?,
    ];
    let mut unchecked = Vec::new();
    match database(house, &deny)? {
        Ok(()) => steps.push(step::run(house, "advisories", check(house, &deny, &["advisories"]))?),
        Err(reason) => unchecked.push(format!("advisories, because RustSec's database cannot be fetched ({reason})")),
    }
    for what in &unchecked {
        println!("  not checked: {what}");
    }
    Ok(Verdict { steps, unchecked })
}

fn check(house: &House, deny: &Path, which: &[&str]) -> Command {
    let mut command = house.program(deny);
    command.env("GIT_TERMINAL_PROMPT", "0").args(["--locked", "check", "--hide-inclusion-graph"]).args(which);
    command
}

/// Fetches RustSec's database, or says why that cannot be.
fn database(house: &House, deny: &Path) -> Result<Result<(), String>, Problem> {
    let mut fetch = house.program(deny);
    fetch.env("GIT_TERMINAL_PROMPT", "0").args(["fetch", "db"]).stdin(Stdio::null());
    let answer = fetch.output().map_err(|cause| format!("cannot start {}: {cause}", deny.display()))?;
    let said = String::from_utf8_lossy(&answer.stderr);
    Ok(if answer.status.success() { Ok(()) } else { Err(last_line(&said).to_owned()) })
}

/// Where git says what went wrong.
fn last_line(said: &str) -> &str {
    said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no reason was given")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, expect: &str) {
        assert_eq!(last_line(said), expect);
    }

    #[test]
    fn the_reason_is_the_last_thing_that_was_said() {
        check("[ERROR] failed to clone\nfatal: could not resolve host\n\n", "fatal: could not resolve host");
        check("", "no reason was given");
    }
}
