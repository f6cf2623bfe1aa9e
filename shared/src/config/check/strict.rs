//! Layers that contradict each other. Where a layer only adds, a later one may say something else: that is what layers
//! are for. Two that both claim to be strict for one account cannot both be obeyed.

use std::collections::BTreeSet;

use super::{Config, Spot};
use crate::config::load::Problems;
use crate::config::{Enforce, Origin, Said, Subject};
use crate::types::AccountId;

/// Every contradiction that an account of the file meets, once.
pub(super) fn contradictions(config: &Config, problems: &mut Problems, spot: &Spot) {
    let mut told = BTreeSet::new();
    for (name, entry) in &config.accounts {
        let id = entry.id.clone().unwrap_or_else(AccountId::unknown);
        let ou = entry.ou.clone().unwrap_or_default();
        let resolved = config.resolve(Subject { id: &id, name, ou: &ou, tags: &entry.tags });
        for (path, origin) in resolved.origins.iter().filter(|(path, _)| *path != "enforce") {
            for said in contradicted(config, origin) {
                if told.insert((origin.layer, said.layer, path.clone())) {
                    let (earlier, now, before) = (said.layer, &origin.value, &said.value);
                    problems.add(
                        &spot.index(origin.layer).below(path),
                        format!(
                            "{now} contradicts {before} of layers[{earlier}] for {name}, and both layers say `enforce: \
                             strict`; expected one value, or one of the two to be additive"
                        ),
                    );
                }
            }
        }
    }
}

/// What strict layers had said before a strict layer said something else.
fn contradicted<'a>(config: &'a Config, origin: &'a Origin) -> impl Iterator<Item = &'a Said> {
    let strict = |layer: usize| config.layers.get(layer).is_some_and(|layer| layer.enforce == Some(Enforce::Strict));
    let differs = move |said: &&Said| strict(said.layer) && said.value != origin.value;
    origin.overrode.iter().filter(differs).filter(move |_| strict(origin.layer))
}
