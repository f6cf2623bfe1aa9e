//! `cargo xtask demo`: everything that the demonstration needs, then the demonstration.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::house::House;
use crate::problem::Problem;
use crate::{programs, python};

/// Prepares, then becomes `forester-demo`, so that its exit code and the terminal's signals are its own.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    println!("Preparing (the first time, minutes: a few hundred crates and two emulators)");
    let python = python::interpreter(house)?;
    let directory = programs::build(house)?;
    let program = directory.join("forester-demo");
    if !program.is_file() {
        return Err("the demonstration is not built: the package forester-e2e has no binary forester-demo".into());
    }
    let mut demo = Command::new(&program);
    programs::environment(house, &mut demo, &directory, &python);
    demo.args(arguments);
    Err(format!("cannot start {}: {}", program.display(), demo.exec()).into())
}
