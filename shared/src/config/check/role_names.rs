//! A role belongs to one aspect: two that want the same name would undo each other's work, run after run.

use std::collections::BTreeMap;

use super::Spot;
use crate::config::load::Problems;
use crate::config::{Config, DeployRole, Layer};

pub(super) fn clashes(config: &Config, problems: &mut Problems, spot: &Spot) {
    let mut known: BTreeMap<String, (&'static str, usize)> = BTreeMap::new();
    for (n, layer) in config.layers.iter().enumerate() {
        for (name, kind) in names(config, layer) {
            // IAM does not tell upper from lower case.
            let (first, at) = *known.entry(name.to_ascii_lowercase()).or_insert((kind, n));
            if first != kind {
                let message = format!("the role `{name}` is also one of `layers[{at}].{first}`; choose another name");
                problems.add(&spot.index(n).key(kind), message);
            }
        }
    }
}

/// The roles that a layer names, each with its key.
fn names(config: &Config, layer: &Layer) -> Vec<(String, &'static str)> {
    let groups = config.identities.iter().flat_map(|identities| identities.groups.keys());
    let mirrored = layer
        .mirror_roles
        .iter()
        .flat_map(|mirror| groups.clone().map(|group| (format!("{}{group}", mirror.prefix()), "mirror_roles")));
    let declared = layer.roles.iter().flatten().map(|(name, _)| (name.clone(), "roles"));
    let oidc = layer.oidc.iter().flatten().flat_map(|(_, provider)| provider.roles.keys());
    let oidc = oidc.map(|name| (name.clone(), "oidc"));
    let deploy = layer.deploy_roles.iter().flat_map(|_| DeployRole::ALL.iter());
    let deploy = deploy.map(|role| (role.name().to_owned(), "deploy_roles"));
    declared.chain(mirrored).chain(oidc).chain(deploy).collect()
}
