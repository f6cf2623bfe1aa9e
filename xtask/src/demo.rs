//! `cargo xtask demo`: everything that the demonstration needs, then the demonstration.

use std::process::ExitCode;

use crate::house::House;
use crate::problem::Problem;
use crate::programs;

/// Prepares, then becomes `forester-demo`.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    println!("Preparing (the first time, minutes: a few hundred crates and two emulators)");
    programs::run_on_the_stack(house, "forester-demo", arguments, &[])
}
