//! `cargo xtask judge prowler`: what an independent tool says of an account before and after its baseline.
//!
//! Not part of `cargo xtask test`: the judge has a Python environment of its own.

use std::process::ExitCode;

use crate::house::House;
use crate::problem::Problem;
use crate::{programs, python};

/// Prepares, then becomes `forester-judge`.
pub fn run(house: &House, arguments: &[String]) -> Result<ExitCode, Problem> {
    wanted(arguments)?;
    println!("Preparing (the first time, minutes: what the demo needs, and Prowler, 220 MB)");
    // The file lists every package: Prowler's own list has ten times as many.
    let judge = python::environment(house, "judge", &house.root.join("infra/judge/requirements.txt"), &["--no-deps"])?;
    programs::run_on_the_stack(house, "forester-judge", &[], &[("FORESTER_JUDGE_PYTHON", judge)])
}

/// There is one judge; it is named because there may be more.
fn wanted(arguments: &[String]) -> Result<(), Problem> {
    match arguments {
        [word] if word == "prowler" => Ok(()),
        [] => Err("`judge` wants to know which judge: prowler".into()),
        other => Err(format!("`judge` knows prowler, not `{}`", other.join(" ")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_prowler_is_asked() {
        assert!(wanted(&["prowler".to_owned()]).is_ok());
        assert!(wanted(&[]).is_err());
        assert!(wanted(&["prowler".to_owned(), "fast".to_owned()]).is_err());
    }
}
