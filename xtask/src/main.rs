//! `cargo xtask`: the tasks of this house, on a machine that has nothing but Rust and Python 3.
//!
//! This crate alone is compiled in the clone; what it builds goes to a cache that all clones share (`house.rs`),
//! so that a second clone does not compile a few hundred crates again.

mod bench;
mod catalogue;
mod demo;
mod deny;
mod forester;
mod fuzz;
mod house;
mod judge;
mod models;
mod package;
mod problem;
mod programs;
mod python;
mod sbom;
mod stack;
mod step;
mod suite;
mod tally;
mod tools;

use std::process::ExitCode;

use house::House;
use problem::Problem;

/// One task: what people type, what it does, and the code.
struct Task {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&House, &[String]) -> Result<ExitCode, Problem>,
}

/// The order is that of the help text.
const TASKS: &[Task] = &[
    Task { name: "demo", arguments: "", about: "all four jobs on real events, against a local AWS", run: demo::run },
    Task {
        name: "test",
        arguments: "[fast]",
        about: "format, lints, units, crates, models, conformance; if not fast: stack, e2e, infra",
        run: suite::run,
    },
    Task {
        name: "stack",
        arguments: "",
        about: "a local AWS for another terminal, until Ctrl-C; prints what to export",
        run: stack::run,
    },
    Task {
        name: "forester",
        arguments: "ARGS...",
        about: "builds the command line and runs it (`cargo forester ARGS` for short)",
        run: forester::run,
    },
    Task {
        name: "models",
        arguments: "[--check]",
        about: "cuts AWS's service models down to what is called (--check: are they current?)",
        run: models::generate,
    },
    Task {
        name: "catalogue",
        arguments: "check",
        about: "compares the resource types that a reset knows with AWS's service models",
        run: catalogue::run,
    },
    Task {
        name: "conformance",
        arguments: "[--count N]",
        about: "compares the AWS client with botocore on random inputs",
        run: models::conformance,
    },
    Task {
        name: "bench",
        arguments: "[size] [start] | baseline | reset | alerts",
        about: "what functions, baselines, resets and alerts cost",
        run: bench::run,
    },
    Task {
        name: "fuzz",
        arguments: "[TARGET...] [SECONDS]",
        about: "LLVM's fuzzer over what is read from outside: signals, patterns, files",
        run: fuzz::run,
    },
    Task {
        name: "judge",
        arguments: "prowler",
        about: "Prowler's findings in an emulated organization, before and after a baseline",
        run: judge::run,
    },
    Task {
        name: "package",
        arguments: "[--x86-64]",
        about: "the functions as zips for Lambda in dist/ (arm64 unless told otherwise)",
        run: package::run,
    },
    Task {
        name: "deny",
        arguments: "",
        about: "licences, sources and advisories of the dependencies, and those that nothing uses",
        run: deny::run,
    },
    Task { name: "clean", arguments: "", about: "removes what this tool cached, for all clones", run: house::clean },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("cargo xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode, Problem> {
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help());
        return Ok(ExitCode::from(2));
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return Ok(ExitCode::SUCCESS);
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprint!("there is no task `{name}`\n\n{}", help());
        return Ok(ExitCode::from(2));
    };
    // The command line has its own help; every other task's is the line of the list.
    if task.name != "forester" && rest.iter().any(|word| word == "--help" || word == "-h") {
        println!("cargo xtask {} {}\n    {}", task.name, task.arguments, task.about);
        return Ok(ExitCode::SUCCESS);
    }
    (task.run)(&House::find()?, rest)
}

fn help() -> String {
    let mut text = String::from("The tasks of this repository.\n\n");
    for task in TASKS {
        let left = format!("{} {}", task.name, task.arguments);
        text.push_str(&format!("  cargo xtask {left:<22} {}\n", task.about));
    }
    text.push_str(
        "\nSettings: CARGO_TARGET_DIR (where to build; default: a cache that all clones share, below XDG_CACHE_HOME\n\
         or ~/.cache), FORESTER_VENV (a Python environment with infra/local/requirements.txt; default: made there).\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_task() {
        let text = help();
        for task in TASKS {
            assert!(text.contains(&format!("cargo xtask {} ", task.name)), "{} is missing", task.name);
        }
    }

    #[test]
    fn help_fits_a_terminal() {
        for line in help().lines() {
            assert!(line.len() <= 120, "{line}");
        }
    }
}
