//! `cargo xtask package`: the functions as zips, the same bytes from the same sources.

use std::process::ExitCode;

use crate::house::House;
use crate::problem::Problem;

/// `dist/<function>.zip`.
pub fn run(_: &House, _: &[String]) -> Result<ExitCode, Problem> {
    Err("`package` is not built yet".into())
}
