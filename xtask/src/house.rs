//! Where things are: the clone, the cache that all clones share, and cargo called so that they can share it.
//!
//! Cargo names what it compiles by package and version, not by checkout, and believes a file's time stamp. With one
//! target directory for two clones, the second therefore gets the first one's code and is told that it is fresh. The
//! `clone.toml` written here sets a harmless profile setting of the workspace's own crates to a number that differs
//! between clones: cargo then names their files apart, while everything from crates.io is compiled once for all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::problem::Problem;

/// One clone, and where its things go.
pub struct House {
    /// The clone.
    pub root: PathBuf,
    /// Shared by all clones: compiled crates, Python environments, tools.
    pub cache: PathBuf,
    /// What cargo builds into.
    pub target: PathBuf,
    /// This clone's logs and links.
    pub scratch: PathBuf,
    /// The target directory is the cache's, not one that the caller chose.
    shared: bool,
}

impl House {
    /// Reads the environment and prepares the directories.
    pub fn find() -> Result<Self, Problem> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).parent().ok_or("the clone has no directory above `xtask`")?.to_path_buf();
        let cache = cache(|name| std::env::var_os(name))?;
        let chosen = std::env::var_os("CARGO_TARGET_DIR").filter(|path| !path.is_empty());
        let house = Self {
            target: chosen.as_ref().map_or_else(|| cache.join("target"), |path| root.join(path)),
            scratch: root.join("target/xtask"),
            shared: chosen.is_none(),
            root,
            cache,
        };
        for directory in [&house.cache, &house.target, &house.scratch] {
            make(directory)?;
        }
        house.write_clone_profile()?;
        Ok(house)
    }

    /// Cargo in this clone, building into the target directory.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = self.program(Path::new(&std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())));
        command.arg(subcommand);
        if self.shared && matches!(subcommand, "build" | "clippy" | "test") {
            command.arg("--config").arg(self.clone_profile());
        }
        command
    }

    /// Cargo, or a program that calls it, in this clone.
    pub fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        for (name, _) in std::env::vars_os() {
            if of_this_process(&name) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Held while something in the target directory must not change under us.
    pub fn lock_target(&self) -> Result<File, Problem> {
        lock(&self.target.join("xtask.lock"))
    }

    /// Whether another clone was the last to ask with this `mark`; from now on it is this one.
    pub fn taken_over(&self, mark: &str) -> Result<bool, Problem> {
        let path = self.target.join(mark);
        let mine = self.root.as_os_str().as_encoded_bytes();
        if fs::read(&path).is_ok_and(|last| last == mine) {
            return Ok(false);
        }
        fs::write(&path, mine).map_err(|cause| Problem::file("write", &path, &cause))?;
        Ok(true)
    }

    /// The packages of the workspace, by the directories that hold them.
    pub fn packages(&self) -> Result<Vec<String>, Problem> {
        let mut names = self.functions()?;
        for member in ["shared", "cli", "tests", "fuzz", "xtask"] {
            names.push(package_name(&self.root.join(member).join("Cargo.toml"))?);
        }
        Ok(names)
    }

    /// The Lambda functions: one package a directory, named like its binary.
    pub fn functions(&self) -> Result<Vec<String>, Problem> {
        let directory = self.root.join("functions");
        let entries = fs::read_dir(&directory).map_err(|cause| Problem::file("read", &directory, &cause))?;
        let manifests = entries.flatten().map(|entry| entry.path().join("Cargo.toml")).filter(|path| path.is_file());
        let mut names = manifests.map(|path| package_name(&path)).collect::<Result<Vec<_>, _>>()?;
        names.sort();
        Ok(names)
    }

    fn clone_profile(&self) -> PathBuf {
        self.scratch.join("clone.toml")
    }

    fn write_clone_profile(&self) -> Result<(), Problem> {
        let number = 256 + fnv1a(self.root.as_os_str().as_encoded_bytes()) % 1_000_000;
        let mut text = String::from("# Keeps this clone's own crates apart in the shared target directory.\n");
        for package in self.packages()? {
            text.push_str(&format!("[profile.dev.package.{package}]\ncodegen-units = {number}\n"));
        }
        let path = self.clone_profile();
        fs::write(&path, text).map_err(|cause| Problem::file("write", &path, &cause))
    }
}

/// `cargo xtask clean`.
pub fn clean(house: &House, _: &[String]) -> Result<ExitCode, Problem> {
    for directory in [&house.cache, &house.scratch] {
        println!("removing {}", directory.display());
        fs::remove_dir_all(directory).map_err(|cause| Problem::file("remove", directory, &cause))?;
    }
    if !house.shared {
        println!("kept {}: CARGO_TARGET_DIR names it, so it is yours", house.target.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a directory and those above it.
pub fn make(directory: &Path) -> Result<(), Problem> {
    fs::create_dir_all(directory).map_err(|cause| Problem::file("make the directory", directory, &cause))
}

/// Waits until no other process holds `path`, then holds it until the answer is dropped.
pub fn lock(path: &Path) -> Result<File, Problem> {
    let file = File::create(path).map_err(|cause| Problem::file("open", path, &cause))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another `cargo xtask` that uses {}", path.display());
        file.lock().map_err(|cause| Problem::file("lock", path, &cause))?;
    }
    Ok(file)
}

/// What this compiler makes programs for.
pub fn host() -> Result<String, Problem> {
    let rustc = Command::new("rustc").arg("-vV").output().map_err(|cause| format!("cannot start rustc: {cause}"))?;
    let text = String::from_utf8_lossy(&rustc.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc -vV names no host")?.to_owned())
}

/// A short, stable name for some content (FNV-1a).
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn cache(get: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Problem> {
    let given = |name: &str| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache")));
    let base = base.ok_or("no place for the cache: neither XDG_CACHE_HOME nor HOME is set to an absolute path")?;
    Ok(base.join("forester"))
}

fn package_name(manifest: &Path) -> Result<String, Problem> {
    let text = fs::read_to_string(manifest).map_err(|cause| Problem::file("read", manifest, &cause))?;
    let name = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    Ok(name.ok_or_else(|| format!("{} has no line `name = \"...\"`", manifest.display()))?.to_owned())
}

/// What `cargo run` tells this process about itself; the next cargo must not take it for its own.
fn of_this_process(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_cache(environment: &[(&str, &str)], expect: Option<&str>) {
        let get = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        assert_eq!(cache(get).ok(), expect.map(PathBuf::from), "{environment:?}");
    }

    #[test]
    fn the_cache_follows_xdg_and_then_home() {
        check_cache(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")], Some("/c/forester"));
        check_cache(&[("HOME", "/h")], Some("/h/.cache/forester"));
    }

    #[test]
    fn a_relative_cache_is_no_cache() {
        check_cache(&[("XDG_CACHE_HOME", "c"), ("HOME", "/h")], Some("/h/.cache/forester"));
        check_cache(&[("XDG_CACHE_HOME", "")], None);
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // From the reference vectors of the FNV authors.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_member_of_the_workspace_is_kept_apart() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf();
        let here = PathBuf::new();
        let house = House { root, cache: here.clone(), target: here.clone(), scratch: here, shared: true };
        let packages = house.packages().unwrap();
        assert_eq!(house.functions().unwrap().len(), 6);
        assert!(packages.iter().any(|name| name == "forester-e2e"), "{packages:?}");
    }

    #[test]
    fn only_what_cargo_said_about_this_process_is_dropped() {
        assert!(of_this_process(OsStr::new("CARGO_PKG_NAME")));
        assert!(!of_this_process(OsStr::new("CARGO_HOME")));
        assert!(!of_this_process(OsStr::new("CARGO_NET_OFFLINE")));
    }
}
