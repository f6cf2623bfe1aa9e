//! Where the build put things: set by `cargo xtask`, which builds the binaries and the Python environment first. And the
//! configuration that most tests start from.

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

/// The configuration of the local stack, as text.
pub fn configuration() -> Outcome<String> {
    Ok(std::fs::read_to_string(root()?.join("infra/local/forester.yaml"))?)
}

/// The same, with resets that wait this long for what is in the way.
pub fn patient(patience: &str) -> Outcome<String> {
    Ok(configuration()?.replace("rescan_after: 0s", &format!("rescan_after: 0s\n  patience: {patience}")))
}
