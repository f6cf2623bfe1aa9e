//! Cargo's helpers that look at the dependencies: installed once, one version each, for all clones.
//!
//! They are compiled here from crates.io, from the lock file that their authors published. Without optimization that
//! takes less than a minute each instead of three, and they look for no longer than a few seconds.

use std::fs;
use std::path::PathBuf;

use crate::house::{self, House};
use crate::problem::Problem;
use crate::step;

/// A program of one exact version.
pub struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Licences, sources, banned crates and advisories.
pub const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };

/// Unused dependencies. The newest one that our oldest compiler takes: 1.13 needs Rust 1.95.
pub const SHEAR: Tool = Tool { name: "cargo-shear", version: "1.12.4" };

/// Where the program is, installed now if need be.
pub fn program(house: &House, tool: &Tool) -> Result<PathBuf, Problem> {
    let home = house.cache.join(format!("{}-{}", tool.name, tool.version));
    let program = home.join("bin").join(tool.name);
    // Readers wait too: another clone may be at it. Cargo moves a program to its place when it is complete.
    let _held = house::lock(&house.cache.join(format!("{}.lock", tool.name)))?;
    if program.is_file() {
        return Ok(program);
    }
    let build = home.join("build");
    let mut cargo = house.cargo("install");
    cargo.args([tool.name, "--version", &format!("={}", tool.version), "--locked", "--debug"]);
    cargo.args(["--config", "profile.dev.debug=false", "--root"]).arg(&home).arg("--target-dir").arg(&build);
    step::run(house, &format!("{} installed", tool.name), cargo)?.or_problem()?;
    // Half a gigabyte that nobody needs again; an install that failed keeps it, and goes on from there.
    fs::remove_dir_all(&build).map_err(|cause| Problem::file("remove", &build, &cause))?;
    Ok(program)
}
