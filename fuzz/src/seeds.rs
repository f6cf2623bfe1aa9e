//! What fuzzing begins with: the events and files of this repository.

use std::fs;
use std::path::{Path, PathBuf};

/// The files below `directory`, in order, that end in one of `endings`.
pub fn files(directory: &str, endings: &[&str]) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(directory), &mut paths);
    paths.sort();
    let wanted = |path: &PathBuf| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending));
    paths.into_iter().filter(wanted).filter_map(|path| fs::read(path).ok()).collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, paths) } else { paths.push(path) }
    }
}
