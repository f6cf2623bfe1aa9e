//! `cargo xtask catalogue check`: the resource types that a reset knows, against AWS's service models.

use std::process::ExitCode;

use crate::house::House;
use crate::problem::Problem;

/// Builds and runs the library's example of that name.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    wanted(arguments)?;
    let _held = house.lock_target()?;
    let mut cargo = house.cargo("run");
    cargo.args(["--quiet", "--package", "forester", "--example", "catalogue"]);
    cargo.arg("--").arg(house.root.join("shared"));
    let status = cargo.status().map_err(|cause| format!("cannot start cargo: {cause}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The one thing that is done to it.
fn wanted(arguments: &[String]) -> Result<(), Problem> {
    match arguments {
        [word] if word == "check" => Ok(()),
        other => Err(format!("`catalogue` knows check, not `{}`", other.join(" ")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_check_is_known() {
        assert!(wanted(&["check".to_owned()]).is_ok());
        assert!(wanted(&[]).is_err());
        assert!(wanted(&["check".to_owned(), "now".to_owned()]).is_err());
    }
}
