//! Checks of what is declared of the organization as a whole.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Spot;
use crate::config::load::Problems;
use crate::config::{Config, Layer, OperatingMode, PolicyType};
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

/// Accounts that have to be made can be: AWS takes their names and addresses
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>).
pub(super) fn accounts(config: &Config, problems: &mut Problems, spot: &Spot) {
    if config.mode == OperatingMode::VirtualRoot && !config.matrix.is_empty() {
        let message =
            "accounts of a table have no ids, and in virtual-root mode there is no organization to look them up in";
        problems.add(&Spot::default().key("matrix"), message);
    }
    let mut addresses: BTreeMap<String, &str> = BTreeMap::new();
    for (name, entry) in &config.accounts {
        let spot = spot.key(name);
        let Some(email) = &entry.email else { continue };
        if let Some(other) = addresses.insert(email.to_lowercase(), name) {
            let message = format!("`{email}` is the address of {other} as well; every account has one of its own");
            problems.add(&spot.key("email"), message);
        }
        if !email.contains('@') || !(6..=64).contains(&email.chars().count()) {
            problems.add(&spot.key("email"), format!("`{email}` is not an e-mail address of 6 to 64 characters"));
        }
        let plain = name.chars().all(|c| (' '..='~').contains(&c));
        if entry.id.is_none() && (!plain || !(1..=50).contains(&name.chars().count())) {
            problems.add(&spot, format!("`{name}` cannot be an account's name; expected up to 50 ASCII characters"));
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

/// The policies that the file adds, and those that come along with what the file puts into them.
pub(super) fn policies(config: &Config, problems: &mut Problems, spot: &Spot) {
    for (name, policy) in &config.policies {
        let spot = spot.key(name);
        let fits = |c: char| !c.is_control();
        if name.is_empty() || name.chars().count() > LONGEST || !name.chars().all(fits) {
            problems.add(&spot, format!("`{name}` cannot be a policy's name; expected up to {LONGEST} characters"));
        }
        if policy.description.as_ref().is_some_and(|text| text.chars().count() > 512) {
            problems.add(&spot.key("description"), "this is longer than 512 characters");
        }
        match (&policy.content, &policy.file) {
            (None, None) => problems.add(&spot, "there is no document; expected `content`, or `file`"),
            (Some(content), _) => document(policy.kind, content, problems, &spot.key("content")),
            (None, Some(_)) => {}
        }
    }
    for name in config.policy_names() {
        let Some(document) = config.policy(name) else { continue };
        let (length, longest) = (document.text().chars().count(), document.kind.longest());
        if length > longest {
            let message = format!("`{name}` is {length} characters long; a {} has at most {longest}", document.kind);
            problems.add(&spot.key(name), message);
        }
    }
}

fn document(kind: PolicyType, content: &Value, problems: &mut Problems, spot: &Spot) {
    let (key, example) = match kind {
        PolicyType::Scp | PolicyType::Rcp => ("Statement", "a policy document with `Version` and `Statement`"),
        PolicyType::DeclarativeEc2 => ("ec2_attributes", "a declarative policy, a mapping below `ec2_attributes`"),
    };
    if content.get(key).is_none() {
        problems.add(spot, format!("there is no `{key}`; expected {example}"));
    }
}

/// The policies of a layer: each must be there, and they must fit on one target.
fn given(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    let mut counts: BTreeMap<PolicyType, usize> = BTreeMap::new();
    for (n, name) in layer.policies.iter().flatten().enumerate() {
        let spot = spot.index(n);
        match config.policy(name) {
            Some(document) => *counts.entry(document.kind).or_default() += 1,
            None if config.policies.contains_key(name) => {}
            None => {
                let known: Vec<&str> = config.policy_names().into_iter().collect();
                problems.add(&spot, format!("there is no policy `{name}`; expected one of {}", known.join(", ")));
            }
        }
        if layer.policies.iter().flatten().take(n).any(|other| other == name) {
            problems.add(&spot, format!("`{name}` is given twice"));
        }
    }
    for (kind, count) in counts {
        // AWS attaches a policy of its own to everything, and it counts.
        let most = kind.most() - usize::from(kind.authorizes());
        if count > most {
            problems
                .add(spot, format!("{count} policies of one kind ({kind}); there is room for {most} beside AWS's own"));
        }
    }
}

/// What a layer can declare only where there is an organization.
pub(super) fn layer(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    if config.mode == OperatingMode::Organization {
        return given(config, layer, problems, &spot.key("policies"));
    }
    let declared = [
        ("policies", layer.policies.is_some()),
        ("quarantine_until", layer.quarantine_until.is_some()),
        ("root_credentials", layer.root_credentials.is_some()),
    ];
    for (key, declared) in declared {
        if declared {
            let message = "this needs an organization, and there is none in this mode; expected `mode: organization`";
            problems.add(&spot.key(key), message);
        }
    }
}
