//! A role belongs to one aspect: two that want the same name would undo each other's work, run after run.

use std::collections::BTreeMap;

use super::Spot;
use crate::config::Config;
use crate::config::load::Problems;

pub(super) fn clashes(config: &Config, problems: &mut Problems, spot: &Spot) {
    let mut known: BTreeMap<String, (&'static str, usize)> = BTreeMap::new();
    for (n, layer) in config.layers.iter().enumerate() {
        for (name, kind) in config.role_names(layer) {
            // IAM does not tell upper from lower case.
            let (first, at) = *known.entry(name.to_ascii_lowercase()).or_insert((kind, n));
            if first != kind {
                let message = format!("the role `{name}` is also one of `layers[{at}].{first}`; choose another name");
                problems.add(&spot.index(n).key(kind), message);
            }
        }
    }
}
