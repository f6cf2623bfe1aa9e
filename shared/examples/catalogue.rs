//! `cargo xtask catalogue check`: compares the catalogue with the service models, both as they lie on the disk, and counts
//! what is there. A change of data needs no build.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use forester::reset::catalogue::check::{Models, problems};
use forester::reset::catalogue::{Catalogue, Verified};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<ExitCode> {
    let shared = std::env::args().nth(1).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let files = files(&shared.join("catalogue"))?;
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let catalogue = Catalogue::read(&files)?;
    let found = problems(&catalogue, &Models::read(&shared.join("models"))?);
    found.iter().for_each(|problem| println!("{problem}"));
    let services: BTreeSet<&str> = catalogue.kinds().map(|kind| kind.service.as_str()).collect();
    let tried = catalogue.kinds().filter(|kind| kind.verified == Verified::Emulator).count();
    let (types, services, wrong) = (catalogue.kinds().count(), services.len(), found.len());
    println!("{types} types of {services} services, {tried} tried on the emulator; {wrong} problems");
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn files(directory: &Path) -> Outcome<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path)?));
        }
    }
    files.sort();
    Ok(files)
}
