//! The resource types that a reset knows, as data: a file a service in `shared/catalogue/`, an entry a type.
//!
//! A new type is one entry. Code is only written for what data cannot say (see `hooks`).

pub mod check;
mod entry;
pub mod path;
mod when;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::cloudcontrol::{self, Registry};

pub use entry::{
    Batch, Clear, Contents, Describe, Gone, Hook, Kind, Lift, List, Parents, Phase, Spare, SpareAs, Step, Tags,
    TypeName, Verified,
};
pub use when::{Pattern, When};

/// One file a service, named as the service model is; `build.rs` lists them.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// What the catalogue cannot be read for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the catalogue is wrong: {file}: {problem}")]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Every type that a reset knows, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    kinds: Arc<BTreeMap<TypeName, Kind>>,
    /// Types without an entry, which Cloud Control lists and deletes.
    beyond: Arc<BTreeMap<TypeName, Kind>>,
    /// The same that a run has learned of.
    learned: BTreeMap<TypeName, Kind>,
    /// For each type, the types that must be gone before it.
    after: Arc<BTreeMap<TypeName, BTreeSet<TypeName>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "type")]
    kinds: Vec<Kind>,
}

impl Catalogue {
    /// The catalogue that comes with this version.
    pub fn embedded() -> Result<&'static Self, Unreadable> {
        static READ: OnceLock<Result<Catalogue, Unreadable>> = OnceLock::new();
        READ.get_or_init(|| Self::read(FILES).map(Self::and_beyond)).as_ref().map_err(Clone::clone)
    }

    /// Reads every file of a directory, as [`Catalogue::read`] does.
    pub fn read_directory(directory: &Path) -> Result<Self, Unreadable> {
        let wrong =
            |error: std::io::Error| Unreadable { file: directory.display().to_string(), problem: error.to_string() };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                files.push((name, std::fs::read_to_string(&path).map_err(wrong)?));
            }
        }
        files.sort();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Self::read(&files)
    }

    /// Reads files of `(service, text)`; a type given twice, or an edge to nowhere, is an error.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, Unreadable> {
        let mut kinds = BTreeMap::new();
        for (service, text) in files {
            let wrong = |problem: String| Unreadable { file: format!("{service}.toml"), problem };
            let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
            for mut kind in file.kinds {
                kind.settle(service);
                let name = kind.name.clone();
                if kinds.insert(name.clone(), kind).is_some() {
                    return Err(wrong(format!("{name} is there twice")));
                }
            }
        }
        let mut catalogue = Self { kinds: Arc::new(kinds), ..Self::default() };
        catalogue.join()?;
        Ok(catalogue)
    }

    /// Turns `after` and `before` of every entry into one table.
    fn join(&mut self) -> Result<(), Unreadable> {
        let mut after: BTreeMap<TypeName, BTreeSet<TypeName>> = BTreeMap::new();
        for kind in self.kinds.values() {
            for (first, then) in kind.edges() {
                if let Some(stranger) = [first, then].into_iter().find(|name| !self.kinds.contains_key(*name)) {
                    let problem = format!("{} names {stranger}, which is in no file", kind.name);
                    return Err(Unreadable { file: format!("{}.toml", kind.service), problem });
                }
                after.entry(then.clone()).or_default().insert(first.clone());
            }
        }
        self.after = Arc::new(after);
        Ok(())
    }

    /// Some of the types, with what stands before what among them.
    #[cfg(test)]
    pub fn only(&self, wanted: impl Fn(&Kind) -> bool) -> Self {
        let kinds: BTreeMap<_, _> = self
            .kinds
            .iter()
            .filter(|(_, kind)| wanted(kind))
            .map(|(name, kind)| (name.clone(), kind.clone()))
            .collect();
        let known =
            |names: &BTreeSet<TypeName>| names.iter().filter(|name| kinds.contains_key(*name)).cloned().collect();
        let after = self.after.iter().map(|(name, first)| (name.clone(), known(first))).collect();
        Self { kinds: Arc::new(kinds), after: Arc::new(after), ..self.clone() }
    }

    /// The same with every type that Cloud Control can list and that has no entry.
    fn and_beyond(mut self) -> Self {
        let kinds = cloudcontrol::kinds(|name| self.kinds.contains_key(name));
        self.beyond = Arc::new(by_name(kinds));
        self
    }

    /// The same with what a run has learned.
    pub fn with(&self, registry: &Registry) -> Self {
        let known = |kind: &Kind| self.kinds.contains_key(&kind.name) || self.beyond.contains_key(&kind.name);
        Self { learned: by_name(registry.kinds().filter(|kind| !known(kind))), ..self.clone() }
    }

    /// One type, with an entry or without.
    pub fn kind(&self, name: &TypeName) -> Option<&Kind> {
        self.kinds.get(name).or_else(|| self.beyond.get(name)).or_else(|| self.learned.get(name))
    }

    /// Every type, with an entry or without.
    pub fn all(&self) -> impl Iterator<Item = &TypeName> {
        self.kinds.keys().chain(self.beyond().map(|kind| &kind.name))
    }

    /// The types without an entry, by name.
    pub fn beyond(&self) -> impl Iterator<Item = &Kind> {
        self.beyond.values().chain(self.learned.values())
    }

    /// All types that have an entry, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    /// The types that must be gone before this one.
    pub fn after(&self, name: &TypeName) -> impl Iterator<Item = &TypeName> {
        self.after.get(name).into_iter().flatten()
    }
}

fn by_name(kinds: impl IntoIterator<Item = Kind>) -> BTreeMap<TypeName, Kind> {
    kinds.into_iter().map(|kind| (kind.name.clone(), kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_files_are_read() {
        assert!(Catalogue::embedded().unwrap().kinds().count() >= 38);
    }

    #[test]
    fn nothing_waits_for_itself() {
        fn reach<'c>(catalogue: &'c Catalogue, from: &'c TypeName, seen: &mut BTreeSet<&'c TypeName>) {
            for first in catalogue.after(from) {
                if seen.insert(first) {
                    reach(catalogue, first, seen);
                }
            }
        }
        let catalogue = Catalogue::embedded().unwrap();
        for kind in catalogue.kinds() {
            let mut seen = BTreeSet::new();
            reach(catalogue, &kind.name, &mut seen);
            assert!(!seen.contains(&kind.name), "{} waits for itself through {seen:?}", kind.name);
        }
    }

    #[test]
    fn edge_to_an_unknown_type_is_an_error() {
        let text = r#"
            [[type]]
            name = "AWS::SQS::Queue"
            phase = "data"
            id = "{$}"
            after = ["AWS::SQS::Missing"]
            list = {operation = "ListQueues", items = "QueueUrls[]"}
            delete = [{operation = "DeleteQueue", params = {QueueUrl = "{$}"}}]
        "#;
        let error = Catalogue::read(&[("sqs", text)]).unwrap_err().to_string();
        assert!(error.contains("AWS::SQS::Missing"), "{error}");
    }
}
