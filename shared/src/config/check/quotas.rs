//! Checks of service quotas.

use super::Spot;
use crate::config::load::Problems;
use crate::config::{Config, Quota};

/// <https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestServiceQuotaIncrease.html>
pub(super) fn quotas(config: &Config, quotas: &[Quota], problems: &mut Problems, spot: &Spot) {
    const MOST: u64 = 10_000_000_000;
    for (n, quota) in quotas.iter().enumerate() {
        let spot = spot.index(n);
        for (key, word, example) in [("service", &quota.service, "lambda"), ("code", &quota.code, "L-B99A9384")] {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if word.len() < 2 || !word.starts_with(|c: char| c.is_ascii_alphabetic()) || !word.chars().all(fits) {
                let message = format!("`{word}` is no {key} of Service Quotas; expected for example {example}");
                problems.add(&spot.key(key), message);
            }
        }
        if quota.at_least == 0 || quota.at_least > MOST {
            problems.add(&spot.key("at_least"), format!("{} is out of range; expected 1 to {MOST}", quota.at_least));
        }
        if quotas.iter().take(n).any(|other| (&other.service, &other.code) == (&quota.service, &quota.code)) {
            problems.add(&spot, format!("{} {} is given twice", quota.service, quota.code));
        }
        super::account::in_home_partition(config, quota.regions.iter().flatten(), problems, &spot.key("regions"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems_of;

    #[test]
    fn quota_with_regions_is_taken() {
        let words = "quotas: [{service: lambda, code: L-B99A9384, at_least: 1000, regions: [us-east-1]}]";
        assert_eq!(problems_of(words), Vec::<String>::new());
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        let found = problems_of(
            "quotas: [{service: \"la mbda\", code: L-1, at_least: 0}, {service: ec2, code: L-1, at_least: 1}, \
             {service: ec2, code: L-1, at_least: 2, regions: [cn-north-1]}]",
        );
        let expect = [
            "layers[0].quotas[0].service: `la mbda` is no service of Service Quotas; expected for example lambda",
            "layers[0].quotas[0].at_least: 0 is out of range; expected 1 to 10000000000",
            "layers[0].quotas[2]: ec2 L-1 is given twice",
            "layers[0].quotas[2].regions[0]: cn-north-1 is in another partition than the home region, where the account is not",
        ];
        assert_eq!(found, expect);
        assert!(problems_of("quotas: [{service: a1, code: L-1, at_least: -5}]")[0].contains("whole number"));
    }
}
