//! `cargo xtask deny`: licences, sources, banned crates and advisories, by cargo-deny and `deny.toml`.

use std::process::{ExitCode, Stdio};

use crate::house::House;
use crate::problem::Problem;

/// Runs cargo-deny, or says how to get it.
pub fn run(house: &House, _: &[String]) -> Result<ExitCode, Problem> {
    let there = house.cargo("deny").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        return Err("cargo-deny is not installed; get it with: cargo install cargo-deny --locked".into());
    }
    let status = house.cargo("deny").arg("check").status().map_err(|cause| format!("cannot start cargo: {cause}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
