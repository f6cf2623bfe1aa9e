//! The template, and what it needs beside itself: the functions as `cargo xtask package` made them, and the state machine.
//!
//! Each goes to the bucket under the SHA-256 of its content, so that the same packages change nothing, and what a stack
//! that is rolled back needs is still there.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::bucket::Bucket;
use crate::output::Problem;

const TEMPLATE: &str = include_str!("../../../../infra/template.yaml");
const MACHINE: &str = include_str!("../../../../infra/statemachines/sandbox-reset.asl.json");
/// How the template names the two kinds of things that lie beside it.
const PACKAGES: &str = "../dist/";
const MACHINE_PATH: &str = "statemachines/sandbox-reset.asl.json";

/// Everything that is uploaded.
pub struct Packages {
    template: String,
    functions: Vec<(String, Vec<u8>)>,
    /// What the functions were built for, where the packages say so.
    pub architecture: Option<String>,
}

impl Packages {
    /// Reads what the template names from `directory`.
    pub fn read(directory: &Path, template: Option<&Path>) -> Result<Self, Problem> {
        let template = match template {
            Some(path) => std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?,
            None => TEMPLATE.to_owned(),
        };
        let mut functions = Vec::new();
        for name in named(&template) {
            let path: PathBuf = directory.join(name);
            let package = std::fs::read(&path).map_err(|error| {
                Problem::failed(format_args!(
                    "cannot read the package {}: {error}. Run `cargo xtask package` first, or say where its packages \
                     are with --packages",
                    path.display()
                ))
            })?;
            functions.push((name.to_owned(), package));
        }
        let architecture = std::fs::read_to_string(directory.join("architecture")).ok();
        Ok(Self { template, functions, architecture: architecture.map(|text| text.trim().to_owned()) })
    }

    /// Uploads all of it below `prefix`, and returns the URL of the template.
    pub async fn upload(&self, bucket: &Bucket<'_>, prefix: &str) -> Result<String, Problem> {
        let mut template = self.template.clone();
        let machine = (MACHINE_PATH.to_owned(), MACHINE.as_bytes());
        let functions = self.functions.iter().map(|(name, package)| (format!("{PACKAGES}{name}"), package.as_slice()));
        for (path, body) in functions.chain([machine]) {
            let name = path.rsplit('/').next().unwrap_or_default();
            let key = format!("{prefix}/{}-{name}", hash(body));
            bucket.once(&key, body).await?;
            template = template.replace(&path, &bucket.uri(&key));
        }
        let key = format!("{prefix}/{}-template.yaml", hash(template.as_bytes()));
        bucket.once(&key, template.as_bytes()).await?;
        Ok(bucket.url(&key))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::failed(format_args!("cannot read {}: {error}", path.display()))
}

/// The packages that a template names, each once.
fn named(template: &str) -> Vec<&str> {
    let mut names: Vec<&str> = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("CodeUri:")?.trim().strip_prefix(PACKAGES))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Half of the SHA-256, in hexadecimal digits.
fn hash(body: &[u8]) -> String {
    Sha256::digest(body).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_template_has_a_package() {
        assert_eq!(
            named(TEMPLATE),
            [
                "account-baseline.zip",
                "alarm-fanout.zip",
                "alert-actions.zip",
                "alert-delivery.zip",
                "budget-router.zip",
                "sandbox-reset.zip"
            ]
        );
        assert!(TEMPLATE.contains(MACHINE_PATH));
    }

    #[test]
    fn what_is_not_packaged_yet_is_told_before_anything_is_done() {
        let problem = Packages::read(Path::new("/nowhere/at/all"), None).err().unwrap();
        assert!(problem.message.contains("cargo xtask package"), "{}", problem.message);
    }

    #[test]
    fn same_content_has_the_same_name() {
        assert_eq!(hash(b"a"), hash(b"a"));
        assert_ne!(hash(b"a"), hash(b"b"));
        assert_eq!(hash(b"a").len(), 32);
    }
}
