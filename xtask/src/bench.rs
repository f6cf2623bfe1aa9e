//! `cargo xtask bench`: what each function weighs and how fast it starts, built as it goes to Lambda.

use std::process::ExitCode;

use crate::house::House;
use crate::problem::Problem;

/// Figures side by side.
pub fn run(_: &House, _: &[String]) -> Result<ExitCode, Problem> {
    Err("`bench` is not built yet".into())
}
