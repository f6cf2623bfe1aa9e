//! Checks of who may come into an account.

use super::{Spot, account_name};
use crate::config::load::Problems;
use crate::config::{Config, Layer, Role};
use crate::types::{AccountId, Arn};

pub(super) fn role(name: &str, role: &Role, problems: &mut Problems, spot: &Spot) {
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        problems.add(spot, format!("`{name}` cannot be a role's name; expected up to 64 of A-Z a-z 0-9 + = , . @ _ -"));
    }
    for (n, who) in role.trust.iter().flatten().enumerate() {
        if who.parse::<AccountId>().is_err() {
            account_name(who, problems, &spot.key("trust").index(n));
        }
    }
    for (n, policy) in role.policies.iter().flatten().enumerate() {
        let arn =
            policy.parse::<Arn>().is_ok_and(|arn| arn.service() == "iam" && arn.resource().starts_with("policy/"));
        if !arn && !policy.chars().all(|c| fits(c) || c == '/') {
            let message =
                format!("`{policy}` is neither the name of a policy that AWS manages nor the ARN of a policy");
            problems.add(&spot.key("policies").index(n), message);
        }
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
}
