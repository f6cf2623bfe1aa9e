//! Checks of people who live in one account and work in others.

use std::collections::BTreeSet;

use super::identity::{boundary_and_session, policy, role_name};
use super::{Spot, account_name};
use crate::config::load::Problems;
use crate::config::{Config, Identities, MirrorRoles};
use crate::types::AccountId;

pub(super) fn section(config: &Config, identities: &Identities, problems: &mut Problems, spot: &Spot) {
    let Identities { home, groups, .. } = identities;
    if home.parse::<AccountId>().is_err() {
        account_name(home, problems, &spot.key("home"));
    }
    if groups.is_empty() {
        problems.add(&spot.key("groups"), "no group is named; expected for example `groups: {dev: PowerUserAccess}`");
    }
    for (name, own) in groups {
        // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html
        let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
        if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
            let message = format!("`{name}` cannot be a group's name; expected up to 128 of A-Z a-z 0-9 + = , . @ _ -");
            problems.add(&spot.key("groups").key(name), message);
        }
        policy(own, problems, &spot.key("groups").key(name));
    }
    for prefix in prefixes(config) {
        for name in groups.keys().map(|group| format!("{prefix}{group}")) {
            role_name(config, &name, problems, &spot.key("groups"));
        }
    }
}

/// How the names of mirrored roles begin, in whichever layer.
fn prefixes(config: &Config) -> BTreeSet<&str> {
    config.layers.iter().filter_map(|layer| layer.mirror_roles.as_ref()).map(MirrorRoles::prefix).collect()
}

pub(super) fn mirror_roles(config: &Config, mirror: &MirrorRoles, problems: &mut Problems, spot: &Spot) {
    let Some(identities) = &config.identities else {
        problems.add(spot, "there are no groups to mirror; expected `identities` with `home` and `groups` in the file");
        return;
    };
    let mut known = |group: &String, spot: &Spot| {
        if !identities.groups.contains_key(group) {
            let names: Vec<&str> = identities.groups.keys().map(String::as_str).collect();
            problems.add(spot, format!("there is no group `{group}`; `identities.groups` names {}", names.join(", ")));
        }
    };
    for (n, group) in mirror.groups.iter().flatten().enumerate() {
        known(group, &spot.key("groups").index(n));
    }
    for (key, groups) in &mirror.deny_in {
        for (n, group) in groups.iter().enumerate() {
            known(group, &spot.key("deny_in").key(key).index(n));
        }
    }
    for group in mirror.policy_override.keys() {
        known(group, &spot.key("policy_override").key(group));
    }
    for (group, other) in &mirror.policy_override {
        policy(other, problems, &spot.key("policy_override").key(group));
    }
    for key in mirror.deny_in.keys().filter(|key| !config.can_deny(key)) {
        let message = format!(
            "`{key}` denies nothing: it is no account of this file, no `stage` tag of one and no OU of one; \
             an OU that the file does not know is written as a pattern, `{key}/**`"
        );
        problems.add(&spot.key("deny_in").key(key), message);
    }
    if mirror.prefix.as_ref().is_some_and(String::is_empty) {
        problems.add(&spot.key("prefix"), "the prefix is empty: nothing would tell a mirrored role from any other");
    }
    boundary_and_session(mirror.boundary.as_deref(), mirror.session_hours, problems, spot);
}
