//! Where the build put things: set by `cargo xtask`, which builds the binaries and the Python environment first.

use std::path::PathBuf;

use crate::Outcome;

fn set_by_xtask(name: &str) -> Outcome<PathBuf> {
    let value = std::env::var_os(name).ok_or_else(|| format!("{name} is not set: run this through `cargo xtask`"))?;
    Ok(PathBuf::from(value))
}

/// The Python that has the emulators.
pub fn python() -> Outcome<PathBuf> {
    set_by_xtask("FORESTER_PYTHON")
}

/// The Python that has Prowler.
pub fn judge_python() -> Outcome<PathBuf> {
    set_by_xtask("FORESTER_JUDGE_PYTHON")
}

/// The directory of the built binaries.
pub fn binaries() -> Outcome<PathBuf> {
    set_by_xtask("FORESTER_BIN_DIR")
}

/// The root of the repository.
pub fn root() -> Outcome<PathBuf> {
    set_by_xtask("FORESTER_ROOT")
}
