//! `cargo xtask catalogue check`: compares the catalogue with the service models, both as they lie on the disk, and counts
//! what is there. A change of data needs no build.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use forester::reset::catalogue::check::{Models, problems};
use forester::reset::catalogue::{Catalogue, Verified};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<ExitCode> {
    let shared = std::env::args().nth(1).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let catalogue = Catalogue::read_directory(&shared.join("catalogue"))?;
    let found = problems(&catalogue, &Models::read(&shared.join("models"))?);
    found.iter().for_each(|problem| println!("{problem}"));
    let services: BTreeSet<&str> = catalogue.kinds().map(|kind| kind.service.as_str()).collect();
    let tried = catalogue.kinds().filter(|kind| kind.verified == Verified::Emulator).count();
    let (types, services, wrong) = (catalogue.kinds().count(), services.len(), found.len());
    println!("{types} types of {services} services, {tried} tried on the emulator; {wrong} problems");
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
