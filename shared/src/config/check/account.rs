//! Checks of what an account as a whole is declared to have.

use super::Spot;
use crate::config::layers::{Part, parts};
use crate::config::load::Problems;
use crate::config::{Config, OperatingMode, PasswordPolicy};

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>
pub(super) fn alias(config: &Config, template: &str, problems: &mut Problems, spot: &Spot) {
    let pieces = match parts(template) {
        Ok(pieces) => pieces,
        Err(message) => return problems.add(spot, message),
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let plain = |part: &Part<'_>| matches!(part, Part::Text(text) if !text.chars().all(allowed));
    if pieces.iter().any(plain) {
        problems.add(spot, format!("`{template}` cannot be an alias; expected lower-case letters, digits and hyphens"));
    }
    let named = pieces.contains(&Part::Name) || pieces.iter().any(|part| matches!(part, Part::Tag(_)));
    if named && config.mode == OperatingMode::SingleAccount && config.accounts.len() > 1 {
        problems.add(spot, "in single-account mode this would give one account several aliases; an account has one");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html>
pub(super) fn password_policy(policy: &PasswordPolicy, problems: &mut Problems, spot: &Spot) {
    let ranges = [
        ("min_length", policy.min_length, 6, 128),
        ("reuse", policy.reuse, 1, 24),
        ("max_age_days", policy.max_age_days, 1, 1095),
    ];
    for (key, value, least, most) in ranges {
        if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
            problems.add(&spot.key(key), format!("{value} is out of range; expected {least} to {most}"));
        }
    }
}
