//! Lists the data files that the library carries, so that a new one is a new file and nothing else: service models in
//! `models/*.json`, resource types in `catalogue/*.toml`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    for (directory, ending) in [("models", "json"), ("catalogue", "toml")] {
        println!("cargo::rerun-if-changed={directory}");
        fs::write(out.join(format!("{directory}.rs")), list(&here.join(directory), ending)?)?;
    }
    Ok(())
}

/// An array of `(name, text)`, by name.
fn list(directory: &Path, ending: &str) -> io::Result<String> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|found| found == ending));
    files.sort();
    let mut text = "&[\n".to_owned();
    for path in &files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    ({name:?}, include_str!({:?})),", path.display().to_string());
    }
    Ok(text + "]\n")
}
