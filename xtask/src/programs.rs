//! The programs of this clone, built and put where another clone's build cannot replace them.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::house::{self, House};
use crate::problem::Problem;
use crate::{python, step};

/// What every build of programs selects. The whole workspace, whatever is needed of it, and examples, because they make
/// cargo count the tests' dependencies: so it settles on the same features as for the tests, and compiles crates once.
pub const SELECTION: [&str; 2] = ["--workspace", "--examples"];

/// Builds every binary and gives the directory that holds them.
pub fn build(house: &House) -> Result<PathBuf, Problem> {
    let _held = house.lock_target()?;
    let mut cargo = house.cargo("build");
    cargo.args(SELECTION).arg("--bins");
    step::run(house, "programs", cargo)?.or_problem()?;
    collect(house)
}

/// Builds everything, then becomes the program `name`, which starts a local stack for itself: so its exit code and the
/// terminal's signals are its own.
pub fn run_on_the_stack(
    house: &House,
    name: &str,
    arguments: &[String],
    variables: &[(&str, PathBuf)],
) -> Result<ExitCode, Problem> {
    let python = python::interpreter(house)?;
    let directory = build(house)?;
    let program = directory.join(name);
    if !program.is_file() {
        return Err(format!("the package forester-e2e has no binary {name}").into());
    }
    let mut command = Command::new(&program);
    environment(house, &mut command, &directory, &python);
    command.args(arguments).envs(variables.iter().cloned());
    Err(format!("cannot start {}: {}", program.display(), command.exec()).into())
}

/// Links the programs in the target directory to this clone.
fn collect(house: &House) -> Result<PathBuf, Problem> {
    let to = house.scratch.join("bin");
    house::make(&to)?;
    let functions = house.functions()?;
    let ours =
        ["forester", "forester-demo", "forester-bench", "forester-emptying", "forester-growth", "forester-judge"];
    let programs = functions.iter().map(String::as_str).chain(ours);
    let examples = ["call", "conformance"].map(|name| ("debug/examples", name));
    for (from, name) in programs.map(|name| ("debug", name)).chain(examples) {
        let built = house.target.join(from).join(name);
        if built.is_file() {
            link(&built, &to.join(name))?;
        }
    }
    Ok(to)
}

/// A hard link where that is possible, a copy elsewhere; replaces what was there.
pub fn link(from: &Path, to: &Path) -> Result<(), Problem> {
    if to.exists() {
        fs::remove_file(to).map_err(|cause| Problem::file("replace", to, &cause))?;
    }
    fs::hard_link(from, to)
        .or_else(|_| fs::copy(from, to).map(drop))
        .map_err(|cause| Problem::file("write", to, &cause))
}

/// What the demo and the end-to-end tests are told: where the programs are, which Python, which clone.
pub fn environment(house: &House, command: &mut Command, programs: &Path, python: &Path) {
    command
        .env("FORESTER_BIN_DIR", programs)
        .env("FORESTER_PYTHON", python)
        .env("FORESTER_ROOT", &house.root)
        .current_dir(&house.root);
}
