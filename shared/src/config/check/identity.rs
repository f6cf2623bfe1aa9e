//! Checks of who may come into an account.

use std::collections::BTreeMap;

use super::{Spot, account_name, deploy, identities, oidc};
use crate::config::layers::parts;
use crate::config::load::Problems;
use crate::config::{Assignment, Config, Layer, PolicyDocument, Role, is_service};
use crate::types::{AccountId, Arn};

/// The letters of all policies of a role's own, white space aside
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const INLINE_SIZE: usize = 10_240;

/// Everything by which somebody comes in.
pub(super) fn layer(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    for (name, declared) in layer.roles.iter().flatten() {
        role(config, name, declared, problems, &spot.key("roles").key(name));
    }
    if let Some(declared) = &layer.mirror_roles {
        identities::mirror_roles(config, declared, problems, &spot.key("mirror_roles"));
    }
    if let Some(declared) = &layer.deploy_roles {
        deploy::roles(config, declared, problems, &spot.key("deploy_roles"));
    }
    for (n, declared) in layer.sso.iter().flatten().enumerate() {
        let earlier = layer.sso.iter().flatten().take(n);
        assignment(declared, earlier.into_iter().any(|other| other == declared), problems, &spot.key("sso").index(n));
    }
    for (name, declared) in layer.oidc.iter().flatten() {
        oidc::provider(config, declared, problems, &spot.key("oidc").key(name));
    }
}

fn role(config: &Config, name: &str, role: &Role, problems: &mut Problems, spot: &Spot) {
    role_name(config, name, problems, spot);
    for (n, who) in role.trust.iter().flatten().enumerate() {
        principal(who, problems, &spot.key("trust").index(n));
    }
    policies(role.policies.iter().flatten(), problems, &spot.key("policies"));
    boundary_and_session(role.boundary.as_deref(), role.session_hours, problems, spot);
    if let Some(id) = role.external_id.as_ref().filter(|id| !fits_external_id(id)) {
        let message = format!("`{id}` cannot be an external id; expected 2 to 1224 of A-Z a-z 0-9 + = , . @ : / - _");
        problems.add(&spot.key("external_id"), message);
    }
    inline(&role.inline, problems, &spot.key("inline"));
    if role.alarm_on_use == Some(true) && !config.layers.iter().any(|layer| layer.trail.is_some()) {
        let message = "nothing would see it: no layer declares a `trail`, whose log group the alarm watches";
        problems.add(&spot.key("alarm_on_use"), message);
    }
}

/// A role's own policies.
pub(super) fn inline(policies: &BTreeMap<String, PolicyDocument>, problems: &mut Problems, spot: &Spot) {
    for (name, document) in policies {
        if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
            let message =
                format!("`{name}` cannot be a policy's name; expected up to 128 of A-Z a-z 0-9 + = , . @ _ -");
            problems.add(&spot.key(name), message);
        }
        for problem in document.problems() {
            problems.add(&spot.key(name), problem);
        }
    }
    let size: usize = policies.values().map(PolicyDocument::size).sum();
    if size > INLINE_SIZE {
        problems.add(spot, format!("{size} characters together; AWS takes {INLINE_SIZE} for a role"));
    }
}

/// What bounds a role, and how long its sessions last.
pub(super) fn boundary_and_session(boundary: Option<&str>, hours: Option<u32>, problems: &mut Problems, spot: &Spot) {
    if let Some(boundary) = boundary {
        policy(boundary, problems, &spot.key("boundary"));
    }
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html
    if let Some(hours) = hours.filter(|hours| !(1..=12).contains(hours)) {
        problems.add(&spot.key("session_hours"), format!("{hours} is out of range; expected 1 to 12"));
    }
}

/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html>
fn assignment(declared: &Assignment, twice: bool, problems: &mut Problems, spot: &Spot) {
    let Assignment { group, permission_set } = declared;
    if group.is_empty() {
        problems.add(&spot.key("group"), "the name is empty; expected the display name of a group of Identity Center");
    }
    if permission_set.is_empty() || permission_set.len() > 32 || !permission_set.chars().all(fits) {
        let message = format!(
            "`{permission_set}` cannot be a permission set's name; expected up to 32 of A-Z a-z 0-9 + = , . @ _ -"
        );
        problems.add(&spot.key("permission_set"), message);
    }
    if twice {
        problems.add(spot, "it is given twice");
    }
}

/// A name that Forester gives to a role.
pub(super) fn role_name(config: &Config, name: &str, problems: &mut Problems, spot: &Spot) {
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        problems.add(spot, format!("`{name}` cannot be a role's name; expected up to 64 of A-Z a-z 0-9 + = , . @ _ -"));
    }
    if let Some(owner) = config.owner_of_role(name) {
        problems.add(spot, format!("`{name}` belongs to {owner}: Forester never changes it; choose another name"));
    }
}

/// Managed policies, by name or ARN.
pub(super) fn policies<'a>(policies: impl Iterator<Item = &'a String>, problems: &mut Problems, spot: &Spot) {
    for (n, word) in policies.enumerate() {
        policy(word, problems, &spot.index(n));
    }
}

/// A managed policy, by name or ARN.
pub(super) fn policy(policy: &str, problems: &mut Problems, spot: &Spot) {
    let arn = policy.parse::<Arn>().is_ok_and(|arn| arn.service() == "iam" && arn.resource().starts_with("policy/"));
    if !arn && !policy.chars().all(|c| fits(c) || c == '/') {
        problems
            .add(spot, format!("`{policy}` is neither the name of a policy that AWS manages nor the ARN of a policy"));
    } else if let Err(message) = parts(policy) {
        problems.add(spot, message);
    }
}

fn fits(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+=,.@_-".contains(c)
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn fits_external_id(id: &str) -> bool {
    (2..=1224).contains(&id.len()) && id.chars().all(|c| fits(c) || c == ':' || c == '/')
}

fn principal(who: &str, problems: &mut Problems, spot: &Spot) {
    match who.parse::<Arn>() {
        Ok(arn) if arn.service() == "iam" && ["role/", "user/"].iter().any(|kind| arn.resource().starts_with(kind)) => {
        }
        Ok(_) => problems.add(spot, format!("`{who}` can assume nothing; expected the ARN of a role or of a user")),
        Err(_) if is_service(who) || who.parse::<AccountId>().is_ok() => {}
        Err(_) => account_name(who, problems, spot),
    }
}

/// A role needs somebody who may assume it; which layer says so does not matter.
pub(super) fn across_layers(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    for (name, role) in layer.roles.iter().flatten().filter(|(_, role)| role.remove != Some(true)) {
        let trusts =
            |layer: &Layer| layer.roles.iter().flatten().any(|(other, role)| other == name && role.trust.is_some());
        if role.trust.is_none() && !config.layers.iter().any(trusts) {
            problems.add(&spot.key("roles").key(name), "no layer says who may assume it; expected `trust`");
        }
    }
    deploy::across_layers(config, layer, problems, spot);
    oidc::across_layers(config, layer, problems, spot);
}
