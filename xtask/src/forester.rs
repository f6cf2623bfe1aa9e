//! `cargo forester`: the command line of this clone, built if need be, run where the caller stands.

use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::house::House;
use crate::problem::Problem;
use crate::programs;

/// Builds, then becomes `forester`.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    let program = house.scratch.join("forester");
    {
        let _held = house.lock_target()?;
        let mut cargo = house.cargo("build");
        cargo.args(programs::SELECTION).args(["--bin", "forester"]);
        // Cargo's progress is for people; a script wants the command's output alone.
        if !std::io::stderr().is_terminal() {
            cargo.arg("--quiet");
        }
        let built = cargo.status().map_err(|cause| format!("cannot start cargo: {cause}"))?;
        if !built.success() {
            return Err("the command line does not compile; the errors are above".into());
        }
        programs::link(&house.target.join("debug/forester"), &program)?;
    }
    Err(format!("cannot start {}: {}", program.display(), Command::new(&program).args(arguments).exec()).into())
}
