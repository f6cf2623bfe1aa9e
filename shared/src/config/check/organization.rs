//! Checks of what is declared of the organization as a whole.

use super::Spot;
use crate::config::load::Problems;
use crate::config::{Config, Layer, OperatingMode};
use crate::types::OuPath;

/// How deep OUs may lie below the root
/// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>).
const DEEPEST: usize = 5;

/// How long the name of an OU may be
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganizationalUnit.html>).
const LONGEST: usize = 128;

/// The OUs that Forester needs itself, and those that the accounts are in.
pub(super) fn units(config: &Config, problems: &mut Problems, spot: &Spot) {
    let own = &config.organization;
    for (key, path) in [("intake", &own.intake), ("suspended", &own.suspended)] {
        if path.is_root() {
            problems.add(&spot.key(key), "the root cannot be it; expected the path of an OU");
        }
        unit(path, problems, &spot.key(key));
    }
    if own.intake == own.suspended {
        problems.add(spot, "`intake` and `suspended` are the same OU; expected two");
    }
    for (name, entry) in &config.accounts {
        if let Some(path) = &entry.ou {
            unit(path, problems, &Spot::default().key("accounts").key(name).key("ou"));
        }
    }
}

fn unit(path: &OuPath, problems: &mut Problems, spot: &Spot) {
    let names: Vec<&str> = path.as_ref().split('/').collect();
    if names.len() > DEEPEST {
        problems.add(spot, format!("`{path}` lies {} OUs deep; AWS allows {DEEPEST}", names.len()));
    }
    if names.iter().any(|name| name.chars().count() > LONGEST) {
        problems.add(spot, format!("`{path}` has a name of more than {LONGEST} characters"));
    }
}

/// What a layer can declare only where there is an organization.
pub(super) fn layer(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    if config.mode == OperatingMode::Organization {
        return;
    }
    for (key, declared) in [("quarantine_until", layer.quarantine_until.is_some())] {
        if declared {
            let message = "this needs an organization, and there is none in this mode; expected `mode: organization`";
            problems.add(&spot.key(key), message);
        }
    }
}
