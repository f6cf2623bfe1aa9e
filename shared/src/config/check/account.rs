//! Checks of what an account as a whole is declared to have.

use super::Spot;
use crate::config::layers::{Part, parts};
use crate::config::load::Problems;
use crate::config::{Config, OperatingMode, PasswordPolicy};
use crate::types::Region;

/// Regions of another partition belong to other accounts.
pub(super) fn in_home_partition<'a>(
    config: &Config,
    regions: impl Iterator<Item = &'a Region>,
    problems: &mut Problems,
    spot: &Spot,
) {
    let home = config.home_region.partition();
    for (n, region) in regions.enumerate().filter(|(_, region)| region.partition() != home) {
        let message = format!("{region} is in another partition than the home region, where the account is not");
        problems.add(&spot.index(n), message);
    }
}

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

#[cfg(test)]
mod tests {
    use super::super::problems_of;

    #[test]
    fn regions_are_codes_of_the_home_partition() {
        assert_eq!(problems_of("regions: {enable: [ap-east-1, il-central-1]}"), Vec::<String>::new());
        let found = problems_of("regions: {enable: [cn-north-1]}");
        assert_eq!(
            found,
            [
                "layers[0].regions.enable[0]: cn-north-1 is in another partition than the home region, where the account is not"
            ]
        );
        let found = problems_of("regions: {enable: [Ireland]}");
        assert!(found[0].contains("layers[0].regions.enable[0]") && found[0].contains("eu-west-1"), "{found:?}");
    }
}
