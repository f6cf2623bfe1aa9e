//! What is in the functions, as a CycloneDX bill of materials: in every package, for whoever has only that.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::house::House;
use crate::problem::Problem;
use crate::{python, step};

/// Writes the bill of `functions`, built for `triple`, and says where it is.
pub fn write(house: &House, functions: &[String], triple: &str) -> Result<PathBuf, Problem> {
    let tools = python::environment(house, "sbom", &house.root.join("xtask/sbom.txt"), &[])
        .map_err(|problem| format!("what writes the bill of materials cannot be had: {problem}"))?;
    let metadata = metadata(house, triple)?;
    let bill = house.scratch.join("forester.cdx.json");
    let mut script = Command::new(tools);
    script
        .args(["-c", include_str!("sbom.py")])
        .args([&metadata, &house.root.join("Cargo.lock"), &bill])
        .args(functions);
    let written = step::run(house, "bill of materials", script)?.or_problem()?;
    println!("  forester.cdx.json in each, {}", written.output().trim());
    Ok(bill)
}

/// What cargo knows of every package and of what needs it, on one architecture.
fn metadata(house: &House, triple: &str) -> Result<PathBuf, Problem> {
    let path: &Path = &house.scratch.join("metadata.json");
    let out = File::create(path).map_err(|cause| Problem::file("write", path, &cause))?;
    let mut cargo = house.cargo("metadata");
    cargo.args(["--format-version", "1", "--locked", "--filter-platform", triple]).stdout(out);
    let status = cargo.status().map_err(|cause| format!("cannot start cargo: {cause}"))?;
    if status.success() { Ok(path.to_owned()) } else { Err("cargo metadata failed; the reason is above".into()) }
}
