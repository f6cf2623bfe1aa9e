//! `cargo xtask bench`: what each function weighs and how fast it starts, built as it goes to Lambda.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::house::{self, House};
use crate::problem::Problem;
use crate::{package, programs, python, sbom, step};

const FIGURES: [&str; 2] = ["size", "start"];

/// What a baseline costs as the organization grows, and a reset as the account does: the word, and the program. Numbers
/// of accounts, or of resources, may follow.
const GROWTHS: [(&str, &str); 2] = [("baseline", "forester-growth"), ("reset", "forester-emptying")];

/// Builds and zips the functions, then becomes `forester-bench`.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    if let Some((word, sizes)) = arguments.split_first()
        && let Some((_, program)) = GROWTHS.iter().find(|(name, _)| name == word)
    {
        return programs::run_on_the_stack(house, program, sizes, &[]);
    }
    if arguments == ["alerts"] {
        return alerts(house);
    }
    let wanted = wanted(arguments)?;
    println!("Building the functions for Lambda: optimized as a whole, which takes minutes when something has changed");
    let functions = house.functions()?;
    let directory = built(house, package::selection(&functions), &functions)?;
    let bill = sbom::write(house, &functions, &house::host()?)?;
    for name in &functions {
        package::zip(&directory.join(name), &bill, &directory.join(name).with_extension("zip"))?;
    }
    let program = programs::build(house)?.join("forester-bench");
    let mut bench = Command::new(&program);
    bench.arg(&directory).args(wanted).arg("--").args(&functions).env("FORESTER_ROOT", &house.root);
    Err(format!("cannot start {}: {}", program.display(), bench.exec()).into())
}

/// Builds the function and its counterpart's driver as they go to Lambda, then becomes the driver.
fn alerts(house: &House) -> Result<ExitCode, Problem> {
    const PROGRAM: &str = "forester-alerts-bench";
    const FUNCTION: &str = "budget-router";
    let python = python::interpreter(house)?;
    println!("Building {FUNCTION} for Lambda: optimized as a whole, which takes minutes when something has changed");
    let selection = ["-p", FUNCTION, "-p", "forester-e2e", "--bin", FUNCTION, "--bin", PROGRAM];
    let directory = built(house, selection, &[FUNCTION, PROGRAM])?;
    let mut bench = Command::new(directory.join(PROGRAM));
    programs::environment(house, &mut bench, &directory, &python);
    Err(format!("cannot start {PROGRAM}: {}", bench.arg(directory.join(FUNCTION)).exec()).into())
}

/// Builds what is selected as it goes to Lambda, from the sources of this clone, and gives the directory that holds `names`.
fn built<'a>(
    house: &House,
    selection: impl IntoIterator<Item = &'a str>,
    names: &[impl AsRef<Path>],
) -> Result<PathBuf, Problem> {
    let directory = house.scratch.join("lambda");
    house::make(&directory)?;
    let _held = house.lock_target()?;
    package::forget_other_clones(house, &[])?;
    let mut cargo = house.cargo("build");
    cargo.args(["--profile", "lambda"]).args(selection);
    step::run(house, "built for Lambda", cargo)?.or_problem()?;
    for name in names {
        programs::link(&house.target.join("lambda").join(name), &directory.join(name))?;
    }
    Ok(directory)
}

/// The figures asked for; without a word, all.
fn wanted(arguments: &[String]) -> Result<Vec<&str>, Problem> {
    if let Some(other) = arguments.iter().find(|word| !FIGURES.contains(&word.as_str())) {
        let growths = GROWTHS.map(|(word, _)| word).join(", ");
        return Err(format!("`bench` knows {}, {growths} and alerts, not `{other}`", FIGURES.join(", ")).into());
    }
    Ok(if arguments.is_empty() { FIGURES.to_vec() } else { arguments.iter().map(String::as_str).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expect: Option<&[&str]>) {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        assert_eq!(wanted(&arguments).ok().as_deref(), expect, "{arguments:?}");
    }

    #[test]
    fn without_a_word_all_figures_are_shown() {
        check(&[], Some(&["size", "start"]));
        check(&["start"], Some(&["start"]));
        check(&["speed"], None);
    }
}
