//! `cargo xtask models` and `cargo xtask conformance`: the AWS client's models, from botocore and against botocore.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::house::House;
use crate::problem::Problem;
use crate::python;

/// Writes `shared/models/`, or with `--check` says whether it is what botocore's models give.
pub fn generate(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    become_script(house, "shared/models/generate.py", arguments)
}

/// Sends random inputs through both clients and compares what they would send and what they read.
pub fn conformance(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    become_script(house, "shared/models/conformance.py", arguments)
}

/// Python with `arguments`, in the clone. Scripts that need a Rust program find cargo and the target directory set.
pub fn script(house: &House, python: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(python);
    command.args(arguments).current_dir(&house.root).env("CARGO_TARGET_DIR", &house.target);
    command
}

fn become_script(house: &House, path: &str, arguments: &[String]) -> Result<ExitCode, Problem> {
    let cause = script(house, &python::interpreter(house)?, &[path]).args(arguments).exec();
    Err(format!("cannot start {path}: {cause}").into())
}
