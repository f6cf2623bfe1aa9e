//! The Python environment of the local stack and the model generator: made once per `requirements.txt`, for all clones.
//!
//! It is built where it stays, because the programs inside name their interpreter by its full path; a stamp written at
//! the end tells a finished environment from one that was interrupted.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::house::{self, House};
use crate::problem::Problem;
use crate::step;

const OLDEST: (u32, u32) = (3, 11);
const STAMP: &str = "complete";

/// The interpreter of the environment for `infra/local/requirements.txt`, made now if need be.
pub fn interpreter(house: &House) -> Result<PathBuf, Problem> {
    if let Some(given) = std::env::var_os("FORESTER_VENV").filter(|path| !path.is_empty()) {
        return chosen(given);
    }
    let requirements = house.root.join("infra/local/requirements.txt");
    environment(house, "venv", &requirements, &[])
}

/// The interpreter of the environment that looks at the templates: `infra/requirements.txt`, which lists every package.
pub fn infrastructure(house: &House) -> Result<PathBuf, Problem> {
    environment(house, "infrastructure", &house.root.join("infra/requirements.txt"), &["--no-deps"])
}

/// The interpreter of an environment with `requirements` installed; `kind` begins its name, `options` are for pip.
pub fn environment(house: &House, kind: &str, requirements: &Path, options: &[&str]) -> Result<PathBuf, Problem> {
    let wanted = fs::read_to_string(requirements).map_err(|cause| Problem::file("read", requirements, &cause))?;
    let version = system_python()?;
    let home = house.cache.join(name(kind, &wanted, &version));
    let python = home.join("bin/python");
    // The lock is taken by readers too: they wait for an environment that another clone is building.
    let _held = house::lock(&house.cache.join(format!("{kind}.lock")))?;
    if home.join(STAMP).is_file() && python.exists() {
        return Ok(python);
    }
    if home.exists() {
        fs::remove_dir_all(&home).map_err(|cause| Problem::file("remove", &home, &cause))?;
    }
    build(house, kind, &home, requirements, options)?;
    let stamp = home.join(STAMP);
    fs::write(&stamp, wanted).map_err(|cause| Problem::file("write", &stamp, &cause))?;
    Ok(python)
}

fn build(house: &House, kind: &str, home: &Path, requirements: &Path, options: &[&str]) -> Result<(), Problem> {
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(home);
    let made = step::run(house, &format!("{kind} made"), make)?;
    if !made.ok {
        return Err("python3 cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv".into());
    }
    let mut install = Command::new(home.join("bin/python"));
    install.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]);
    install.args(options).arg("--requirement").arg(requirements);
    step::run(house, &format!("{kind} filled"), install)?.or_problem()?;
    Ok(())
}

fn chosen(home: OsString) -> Result<PathBuf, Problem> {
    let python = PathBuf::from(home).join("bin/python");
    if python.exists() {
        return Ok(python);
    }
    Err(format!("FORESTER_VENV does not name a Python environment: there is no {}", python.display()).into())
}

/// What `python3 --version` says, if it is new enough.
fn system_python() -> Result<String, Problem> {
    let asked = Command::new("python3").arg("--version").output();
    let answer = asked.map_err(|cause| format!("Python 3 is needed (for the local AWS) and not found: {cause}"))?;
    let said = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    match version(&said) {
        Some(found) if found >= OLDEST => Ok(said),
        _ => Err(format!("python3 must be {}.{} or newer; it says `{said}`", OLDEST.0, OLDEST.1).into()),
    }
}

fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("Python ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn name(kind: &str, requirements: &str, version: &str) -> String {
    format!("{kind}-{:016x}", house::fnv1a(format!("{version}\n{requirements}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_version(said: &str, expect: Option<(u32, u32)>) {
        assert_eq!(version(said), expect, "{said}");
    }

    #[test]
    fn versions_compare_as_numbers() {
        check_version("Python 3.11.7", Some((3, 11)));
        check_version("Python 3.9", Some((3, 9)));
        check_version("", None);
        assert!((3, 9) < OLDEST);
    }

    #[test]
    fn another_requirement_or_python_is_another_environment() {
        let here = name("venv", "moto==5\n", "Python 3.11.7");
        assert_eq!(here, name("venv", "moto==5\n", "Python 3.11.7"));
        assert_ne!(here, name("venv", "moto==6\n", "Python 3.11.7"));
        assert_ne!(here, name("venv", "moto==5\n", "Python 3.12.0"));
        assert!(here.starts_with("venv-"), "{here}");
    }
}
