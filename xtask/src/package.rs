//! `cargo xtask package`: the functions as zips, the same bytes from the same sources.
//!
//! cargo-lambda builds them, because a binary linked on a newer system than Lambda's does not start there. It comes
//! from PyPI with zig as its linker, half a gigabyte, and is fetched when it is needed for the first time.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::house::{self, House};
use crate::problem::Problem;
use crate::{python, sbom, step};

/// One processor architecture of Lambda.
struct Architecture {
    flag: &'static str,
    /// As Lambda and the template call it.
    name: &'static str,
    triple: &'static str,
}

const ARM64: Architecture = Architecture { flag: "--arm64", name: "arm64", triple: "aarch64-unknown-linux-gnu" };
const X86_64: Architecture = Architecture { flag: "--x86-64", name: "x86_64", triple: "x86_64-unknown-linux-gnu" };

/// Writes `dist/<function>.zip`, where the template looks for them.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    let architecture = architecture(arguments)?;
    let tools = python::environment(house, "cargo-lambda", &house.root.join("xtask/cargo-lambda.txt"), &[])
        .map_err(|problem| format!("cargo-lambda cannot be had, and nothing was packaged: {problem}"))?;
    let tools = tools.parent().ok_or("the Python environment has no directory")?;
    let functions = house.functions()?;
    let dist = house.root.join("dist");
    house::make(&dist)?;
    let _held = house.lock_target()?;
    forget_other_clones(house, &["--target", architecture.triple])?;
    step::run(house, "functions for Lambda", cargo_lambda(house, tools, architecture, &functions)?)?.or_problem()?;
    let bill = sbom::write(house, &functions, architecture.triple)?;
    for name in &functions {
        let package = dist.join(name).with_extension("zip");
        zip(&bootstraps(house).join(name).join("bootstrap"), &bill, &package)?;
        let bytes = package.metadata().map_err(|cause| Problem::file("read", &package, &cause))?.len();
        println!("  dist/{name}.zip, {bytes} bytes");
    }
    // Read by `forester deploy`: a function on the other architecture does not start.
    let mark = dist.join("architecture");
    std::fs::write(&mark, architecture.name).map_err(|cause| Problem::file("write", &mark, &cause))?;
    println!("{} packages for {}", functions.len(), architecture.triple);
    Ok(ExitCode::SUCCESS)
}

fn architecture(arguments: &[String]) -> Result<&'static Architecture, Problem> {
    match arguments {
        [] => Ok(&ARM64),
        [word] if word == ARM64.flag => Ok(&ARM64),
        [word] if word == X86_64.flag => Ok(&X86_64),
        other => Err(format!("`package` takes --arm64 or --x86-64, not `{}`", other.join(" ")).into()),
    }
}

fn cargo_lambda(
    house: &House,
    tools: &Path,
    architecture: &Architecture,
    functions: &[String],
) -> Result<Command, Problem> {
    let mut command = house.cargo("lambda");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([tools.to_path_buf()].into_iter().chain(std::env::split_paths(&path)))
        .map_err(|cause| format!("PATH cannot be extended: {cause}"))?;
    command.env("PATH", path).args(["build", "--profile", "lambda", architecture.flag, "--lambda-dir"]);
    command.arg(bootstraps(house)).args(selection(functions));
    Ok(command)
}

/// Where cargo-lambda puts `<function>/bootstrap`; its own choice is where cargo keeps the profile of the same name.
fn bootstraps(house: &House) -> PathBuf {
    house.scratch.join("bootstraps")
}

/// `--package` for each: only what they need is in the build, and in its choice of features.
pub fn selection(functions: &[String]) -> impl Iterator<Item = &str> {
    functions.iter().flat_map(|name| ["--package", name.as_str()])
}

/// Makes cargo compile this clone's own crates again if another clone was the last to build them for Lambda.
///
/// The daily profile keeps clones apart by a setting that differs (see `house.rs`). Here the same sources must give the
/// same bytes in every clone, so they share names, and whoever comes second has to start from its own sources.
pub fn forget_other_clones(house: &House, selection: &[&str]) -> Result<(), Problem> {
    if !house.taken_over("lambda.clone")? {
        return Ok(());
    }
    let mut cargo = house.cargo("clean");
    cargo.args(["--profile", "lambda"]).args(selection).args(self::selection(&house.packages()?));
    step::run(house, "another clone's forgotten", cargo)?.or_problem()?;
    Ok(())
}

/// A package with fixed times and modes: the function, and the bill of what is in it.
pub fn zip(binary: &Path, bill: &Path, package: &Path) -> Result<(), Problem> {
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("zip.py")]).args([binary, bill, package]);
    let status = python.status().map_err(|cause| format!("cannot start python3: {cause}"))?;
    if status.success() { Ok(()) } else { Err(format!("cannot zip {}; the reason is above", binary.display()).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expect: Option<&str>) {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        assert_eq!(architecture(&arguments).ok().map(|found| found.triple), expect, "{arguments:?}");
    }

    #[test]
    fn arm64_is_the_default_as_in_the_template() {
        check(&[], Some("aarch64-unknown-linux-gnu"));
        check(&["--x86-64"], Some("x86_64-unknown-linux-gnu"));
        check(&["--riscv"], None);
    }

    #[test]
    fn the_same_binary_gives_the_same_package() {
        let directory = std::env::temp_dir().join(format!("forester-zip-{}", std::process::id()));
        house::make(&directory).unwrap();
        let (binary, bill) = (directory.join("bootstrap"), directory.join("bill"));
        std::fs::write(&bill, "{}").unwrap();
        let mut packages = Vec::new();
        for (second, name) in ["first.zip", "second.zip"].iter().enumerate() {
            std::fs::write(&binary, "the same").unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + 60 * second as u64);
            std::fs::File::open(&binary).unwrap().set_modified(time).unwrap();
            zip(&binary, &bill, &directory.join(name)).unwrap();
            packages.push(std::fs::read(directory.join(name)).unwrap());
        }
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(packages[0], packages[1]);
    }
}
