//! `cargo xtask deny`: licences, sources, banned crates and advisories, by cargo-deny and `deny.toml`.

use std::process::{ExitCode, Stdio};

use crate::house::House;
use crate::problem::Problem;
use crate::step;

/// Two steps, because advisories need the network and the rest does not.
const CHECKS: [(&str, &[&str]); 2] =
    [("licences and sources", &["check", "bans", "licenses", "sources"]), ("advisories", &["check", "advisories"])];

/// Runs cargo-deny, or says how to get it.
pub fn run(house: &House, _: &[String]) -> Result<ExitCode, Problem> {
    let there = house.cargo("deny").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        return Err("cargo-deny is not installed; get it with: cargo install cargo-deny --locked".into());
    }
    let mut green = true;
    for (name, arguments) in CHECKS {
        let mut cargo = house.cargo("deny");
        cargo.args(arguments);
        green &= step::run(house, name, cargo)?.ok;
    }
    Ok(if green { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
