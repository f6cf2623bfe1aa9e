//! What types cannot say: names that must exist, numbers in their range, sections that need each other.

mod account;
mod audit;
mod contacts;
mod deploy;
mod identities;
mod identity;
mod keys;
mod money;
mod oidc;
mod organization;
mod quotas;
mod role_names;
mod services;
mod shares;
mod strict;

use super::load::Problems;
use super::yaml::Spot;
use super::{Config, Defaults, Layer, Match, OperatingMode};
use crate::types::AccountId;

/// Runs every check.
pub(super) fn all(config: &Config, problems: &mut Problems) {
    let root = Spot::default();
    if config.version != 1 {
        problems.add(&root.key("version"), format!("version {} is unknown; expected 1", config.version));
    }
    if config.regions.govern.is_empty() {
        problems.add(&root.key("regions").key("govern"), "the list is empty; expected at least one region");
    }
    accounts(config, problems, &root.key("accounts"));
    organization::accounts(config, problems, &root.key("accounts"));
    organization::units(config, problems, &root.key("organization"));
    if let Some(declared) = &config.identities {
        identities::section(config, declared, problems, &root.key("identities"));
    }
    organization::policies(config, problems, &root.key("policies"));
    for (n, declared) in config.layers.iter().enumerate() {
        let spot = root.key("layers").index(n);
        layer(config, declared, problems, &spot);
        across_layers(config, declared, problems, &spot);
    }
    role_names::clashes(config, problems, &root.key("layers"));
    strict::contradictions(config, problems, &root.key("layers"));
    shares::all(config, problems, &root.key("shares"));
    if config.alerts.is_none() && config.sandbox.as_ref().is_some_and(|sandbox| !sandbox.notice.is_empty()) {
        let message = "the file has no `alerts` section, so nobody would hear a notice; give one, or remove the line";
        problems.add(&root.key("sandbox").key("notice"), message);
    }
    let sandbox = config.sandbox.iter().flat_map(|section| section.problems()).map(|found| ("sandbox", found));
    let alerts = config.alerts.iter().flat_map(|section| section.problems()).map(|found| ("alerts", found));
    for (section, (path, message)) in sandbox.chain(alerts) {
        problems.add(&root.key(section).below(&path), message);
    }
}

fn accounts(config: &Config, problems: &mut Problems, spot: &Spot) {
    let mut ids: Vec<&AccountId> = Vec::new();
    for (name, entry) in &config.accounts {
        let spot = spot.key(name);
        match (&entry.id, &entry.email, config.mode) {
            (None, _, OperatingMode::VirtualRoot) => {
                problems.add(&spot, "`id` is missing: in virtual-root mode there is no organization to look it up in");
            }
            (None, None, OperatingMode::Organization) => {
                problems.add(&spot, "neither `id` nor `email` is given; one of them tells which account is meant");
            }
            _ => {}
        }
        let Some(id) = &entry.id else { continue };
        match config.mode {
            OperatingMode::SingleAccount if ids.iter().any(|other| *other != id) => {
                problems.add(&spot.key("id"), "in single-account mode every name is the same account; the ids differ");
            }
            OperatingMode::Organization | OperatingMode::VirtualRoot if ids.contains(&id) => {
                problems.add(&spot.key("id"), format!("the id {id} is given to another account as well"));
            }
            _ => {}
        }
        ids.push(id);
    }
}

/// A `match`, of a layer or of a section: it must be able to hold for somebody.
pub(super) fn matches(config: &Config, conditions: &Match, problems: &mut Problems, spot: &Spot) {
    if conditions.is_empty() {
        problems.add(spot, "no condition is given; expected `all: true`, `account`, `ou` or `tag`");
    }
    if let Some(name) = conditions.account.as_deref().filter(|name| !name.contains('*')) {
        account_name(name, problems, &spot.key("account"));
    }
    // Only the file itself tells the OUs outside organization mode.
    let told = config.mode != OperatingMode::Organization;
    if let Some(ou) = conditions.ou.as_ref().filter(|_| told) {
        let fits = |place: &Option<_>| place.as_ref().is_some_and(|place| ou.holds(place));
        if !config.accounts.values().any(|entry| fits(&entry.ou)) {
            problems.add(&spot.key("ou"), format!("no account of the file is in an OU that fits `{ou}`"));
        }
    }
}

fn account_name(name: &str, problems: &mut Problems, spot: &Spot) {
    if !problems.knows_account(name) {
        let known: Vec<&str> = problems.account_names().collect();
        let known = if known.is_empty() { "nobody".to_owned() } else { known.join(", ") };
        problems.add(spot, format!("`{name}` is not an account of this file; `accounts` names {known}"));
    }
}

fn layer(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    matches(config, &layer.matches, problems, &spot.key("match"));
    organization::layer(config, layer, problems, spot);
    if let Some(declared) = &layer.regions {
        account::in_home_partition(
            config,
            declared.enable.iter().flatten(),
            problems,
            &spot.key("regions").key("enable"),
        );
    }
    if let Some(template) = &layer.alias {
        account::alias(config, template, problems, &spot.key("alias"));
    }
    if let Some(declared) = &layer.contacts {
        contacts::contacts(declared, problems, &spot.key("contacts"));
    }
    if let Some(policy) = &layer.password_policy {
        account::password_policy(policy, problems, &spot.key("password_policy"));
    }
    if let Some(declared) = &layer.quotas {
        quotas::quotas(config, declared, problems, &spot.key("quotas"));
    }
    for (name, declared) in layer.keys.iter().flatten() {
        keys::key(name, declared, problems, &spot.key("keys").key(name));
    }
    identity::layer(config, layer, problems, spot);
    if let Some(declared) = &layer.budget {
        money::budget(declared, problems, &spot.key("budget"));
    }
    if let Some(told) = layer.anomaly.as_ref().and_then(|anomaly| anomaly.notify.as_ref()) {
        money::notify(told, problems, &spot.key("anomaly").key("notify"));
    }
    if let Some(declared) = &layer.services {
        services::services(config, declared, problems, &spot.key("services"));
    }
    if let Some(declared) = &layer.trail {
        audit::trail(config, layer, declared, problems, &spot.key("trail"));
    }
    if let Some(Defaults { remove: Some(false), .. }) = &layer.defaults {
        problems.add(&spot.key("defaults").key("remove"), "`remove: false` says nothing; expected true, or no key");
    }
}

/// What no single layer can be blamed for.
fn across_layers(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    money::across_layers(config, layer, problems, spot);
    identity::across_layers(config, layer, problems, spot);
    contacts::across_layers(config, layer, problems, spot);
    keys::across_layers(config, layer, problems, spot);
    audit::across_layers(config, layer, problems, spot);
}

/// What is wrong with a file whose one layer, for every account, declares `words` in flow style: `path: message`.
#[cfg(test)]
fn problems_of(words: &str) -> Vec<String> {
    let text = format!(
        "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\n\
         access: {{role: Admin}}\naccounts: {{audit: {{id: \"222233334444\"}}}}\nlayers:\n\
         - {{match: {{all: true}}, {words}}}\n"
    );
    let problems = Config::parse(&text, "f").err().map(|errors| errors.problems).unwrap_or_default();
    problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
}
