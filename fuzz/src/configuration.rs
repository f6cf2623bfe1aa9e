//! `forester.yaml`: whatever is in it, people hear what is wrong, and where.

use forester::config::Config;

use crate::{seeds, text};

/// Reads it. A file that is refused says why.
pub fn run(data: &[u8]) {
    if let Err(errors) = Config::parse(&text(data), "fuzz.yaml") {
        assert!(!errors.to_string().trim().is_empty(), "refused without a word");
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = seeds::files("infra/local", &["forester.yaml"]);
    seeds.extend(seeds::files("infra/examples", &[".yaml"]));
    seeds.push(include_bytes!("../../forester.example.yaml").to_vec());
    seeds
}
