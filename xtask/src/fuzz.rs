//! `cargo xtask fuzz`: LLVM's fuzzer over what Forester reads from outside, on stable Rust.
//!
//! The flags are those by which rustc counts edges and compares for libFuzzer
//! (<https://llvm.org/docs/SanitizerCoverage.html>). Sanitizers need a nightly compiler and would find little in code
//! without `unsafe`. What was found to be interesting is kept in the clone, and the next run begins with it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::house::{self, House};
use crate::problem::Problem;
use crate::step;

/// The modules of `fuzz/src/lib.rs`.
const TARGETS: [&str; 4] = ["envelope", "signal", "pattern", "configuration"];

const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// How long one target is tried when nobody says.
const SECONDS: u32 = 60;

/// Builds the fuzzer, then tries each target for a while; one that finds something says where it is.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    let (targets, seconds) = wanted(arguments)?;
    let directory = house.scratch.join("fuzz");
    house::make(&directory)?;
    let program = built(house, &directory)?;
    let mut green = true;
    for target in targets {
        let finished = step::run(house, &format!("fuzz {target}"), fuzzer(&program, &directory, target, seconds)?)?;
        println!("    {}", figures(&finished.output()));
        green &= finished.ok;
    }
    Ok(if green { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `[TARGET...] [SECONDS]`.
fn wanted(arguments: &[String]) -> Result<(Vec<&str>, u32), Problem> {
    let (mut targets, mut seconds) = (Vec::new(), SECONDS);
    for word in arguments {
        match word.parse() {
            Ok(number) => seconds = number,
            Err(_) if TARGETS.contains(&word.as_str()) => targets.push(word.as_str()),
            Err(_) => return Err(format!("`fuzz` knows {}, not `{word}`", TARGETS.join(", ")).into()),
        }
    }
    Ok((if targets.is_empty() { TARGETS.to_vec() } else { targets }, seconds))
}

/// The fuzzer, built apart from everything else: every crate in it is another one with these flags.
fn built(house: &House, directory: &Path) -> Result<PathBuf, Problem> {
    let host = house::host()?;
    let target = directory.join("build");
    let mut cargo = house.cargo("build");
    // With a target of its own, build scripts and macros are not counted in.
    cargo.args(["-p", "forester-fuzz", "--features", "libfuzzer", "--target", &host]);
    cargo.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", FLAGS);
    println!("Building the fuzzer: every crate is compiled once more, with counters");
    step::run(house, "built for fuzzing", cargo)?.or_problem()?;
    Ok(target.join(host).join("debug/forester-fuzz"))
}

/// libFuzzer's options: <https://llvm.org/docs/LibFuzzer.html#options>.
fn fuzzer(program: &Path, directory: &Path, target: &str, seconds: u32) -> Result<Command, Problem> {
    let corpus = directory.join(target);
    house::make(&corpus)?;
    let mut command = Command::new(program);
    command.current_dir(directory).env("FORESTER_FUZZ", target).env("FORESTER_FUZZ_SEEDS", &corpus).arg(&corpus);
    command.args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={target}-")]);
    command.args(["-timeout=5", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1"]);
    Ok(command)
}

/// What libFuzzer says at the end, in a line.
fn figures(output: &str) -> String {
    let stat = |name: &str| {
        let line = output.lines().rev().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
        line.map_or("?", |rest| rest.trim_start_matches(':').trim()).to_owned()
    };
    let last = output.lines().rev().find(|line| line.starts_with('#') && line.contains(" cov: ")).unwrap_or_default();
    let after = |word: &str| {
        let mut words = last.split_whitespace().skip_while(|found| *found != word);
        words.nth(1).unwrap_or("?").to_owned()
    };
    format!(
        "{} inputs, {} a second; {} edges, {} inputs kept, {} MiB at most",
        stat("number_of_executed_units"),
        stat("average_exec_per_sec"),
        after("cov:"),
        after("corp:").split('/').next().unwrap_or("?"),
        stat("peak_rss_mb"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expect: Option<(&[&str], u32)>) {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let found = wanted(&arguments).ok();
        assert_eq!(found, expect.map(|(targets, seconds)| (targets.to_vec(), seconds)), "{arguments:?}");
    }

    #[test]
    fn targets_and_a_time_may_be_named() {
        check(&[], Some((&TARGETS, SECONDS)));
        check(&["signal", "5"], Some((&["signal"], 5)));
        check(&["everything"], None);
    }

    #[test]
    fn targets_are_those_of_the_crate() {
        let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/src/lib.rs")).unwrap();
        let names = source.lines().filter_map(|line| line.split_once("Target { name: \"")?.1.split('"').next());
        assert_eq!(names.collect::<Vec<_>>(), TARGETS);
    }

    #[test]
    fn figures_are_read_from_the_end() {
        let output = "#9\tNEW    cov: 5 ft: 7 corp: 2/9b lim: 4\n#12\tDONE   cov: 70 ft: 90 corp: 31/2Kb lim: 9\n\
            stat::number_of_executed_units: 12\nstat::average_exec_per_sec:     4\nstat::peak_rss_mb:              33\n";
        assert_eq!(figures(output), "12 inputs, 4 a second; 70 edges, 31 inputs kept, 33 MiB at most");
        assert_eq!(figures(""), "? inputs, ? a second; ? edges, ? inputs kept, ? MiB at most");
    }
}
