//! `cargo xtask models` and `cargo xtask conformance`: the AWS client's models, from botocore and against botocore.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::house::House;
use crate::problem::Problem;
use crate::{programs, python};

/// Writes `shared/models/`, or with `--check` says whether it is what botocore's models give.
pub fn generate(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    let command = script(house, &python::interpreter(house)?, &["shared/models/generate.py"]);
    become_it(command, arguments)
}

/// Sends random inputs through both clients and compares what they would send and what they read.
pub fn conformance(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    let python = python::interpreter(house)?;
    let mut command = script(house, &python, &["shared/models/conformance.py"]);
    programs::environment(house, &mut command, &programs::build(house)?, &python);
    become_it(command, arguments)
}

/// Python with `arguments`, in the clone.
pub fn script(house: &House, python: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(python);
    command.args(arguments).current_dir(&house.root);
    command
}

fn become_it(mut command: Command, arguments: &[String]) -> Result<ExitCode, Problem> {
    let cause = command.args(arguments).exec();
    Err(format!("cannot start {}: {cause}", Path::new(command.get_program()).display()).into())
}
