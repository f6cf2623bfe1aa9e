//! Checks of what is recorded: the trail, its bucket and its log group.

use super::{Spot, money};
use crate::config::layers::{Part, parts};
use crate::config::load::Problems;
use crate::config::{Config, Layer, OperatingMode, Trail};
use crate::types::{Arn, TopicArn};

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const LOG_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub(super) fn trail(config: &Config, layer: &Layer, trail: &Trail, problems: &mut Problems, spot: &Spot) {
    if let Some(name) = trail.name.as_deref().filter(|name| !is_trail_name(name)) {
        let expected = "expected 3 to 128 letters, digits, periods, underscores or dashes, no two signs side by side";
        problems.add(&spot.key("name"), format!("`{name}` cannot be a trail's name; {expected}"));
    }
    if let Some(template) = &trail.bucket {
        bucket(template, problems, &spot.key("bucket"));
        shared(config, layer, template, problems, &spot.key("bucket"));
    }
    if trail.retention_days == Some(0) {
        problems.add(&spot.key("retention_days"), "0 days would keep nothing; expected 1 or more, or no key: for ever");
    }
    if let Some(days) = trail.log_days.filter(|days| !LOG_DAYS.contains(days)) {
        let known: Vec<String> = LOG_DAYS.iter().map(u32::to_string).collect();
        let message =
            format!("CloudWatch Logs cannot keep events for {days} days; expected one of {}", known.join(", "));
        problems.add(&spot.key("log_days"), message);
    }
    // CloudTrail takes an alias as well, and tells the key behind it: the two would never be the same.
    let is_key =
        |key: &str| key.parse::<Arn>().is_ok_and(|arn| arn.service() == "kms" && arn.resource().starts_with("key/"));
    if let Some(key) = trail.kms.as_deref().filter(|key| !is_key(key)) {
        problems.add(&spot.key("kms"), format!("`{key}` is not the ARN of a KMS key"));
    }
    if let Some(notify) = &trail.notify {
        money::notify(notify, problems, &spot.key("notify"));
        if let Some(Ok(topic)) = notify.sns.as_ref().map(|topic| topic.parse::<TopicArn>())
            && topic.region() != &config.home_region
        {
            let message = format!(
                "an alarm tells topics of its own region; the alarms are in {}, the topic in {}",
                config.home_region,
                topic.region()
            );
            problems.add(&spot.key("notify").key("sns"), message);
        }
    }
    if trail.organization == Some(true) && config.mode == OperatingMode::Organization && one_account(layer).is_none() {
        let message = "one account keeps the organization's trail; expected a layer with `match: {account: NAME}`";
        problems.add(&spot.key("organization"), message);
    }
}

/// The account that a layer names, when it names exactly one.
fn one_account(layer: &Layer) -> Option<&str> {
    layer.matches.account.as_deref().filter(|name| !name.contains('*'))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(super) fn bucket(template: &str, problems: &mut Problems, spot: &Spot) {
    let pieces = match parts(template) {
        Ok(pieces) => pieces,
        Err(message) => return problems.add(spot, message),
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let plain = |part: &Part<'_>| matches!(part, Part::Text(text) if !text.chars().all(allowed));
    let whole = pieces.iter().all(|part| matches!(part, Part::Text(_)));
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = template.starts_with(edge) && template.ends_with(edge);
    let fits = !template.contains("..") && (!whole || (3..=63).contains(&template.len()) && ends);
    if !fits || pieces.iter().any(plain) {
        let expected =
            "expected 3 to 63 lower-case letters, digits, hyphens and periods, letters or digits at both ends";
        problems.add(spot, format!("`{template}` cannot be a bucket's name; {expected}"));
    }
}

/// Two names in one account would write each other's bucket policy.
fn shared(config: &Config, layer: &Layer, template: &str, problems: &mut Problems, spot: &Spot) {
    let several = config.mode == OperatingMode::SingleAccount && config.accounts.len() > 1;
    if several && one_account(layer).is_none() && !template.contains('{') {
        let message = "in single-account mode several names would share this bucket; expected `{name}` in it, or a layer for one account";
        problems.add(spot, message);
    }
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html>
fn is_trail_name(name: &str) -> bool {
    let sign = |c: char| "._-".contains(c);
    let edge = |c: char| c.is_ascii_alphanumeric();
    let pairs = name.chars().zip(name.chars().skip(1)).any(|(one, next)| sign(one) && sign(next));
    let known = name.chars().all(|c| edge(c) || sign(c));
    (3..=128).contains(&name.len()) && known && !pairs && name.starts_with(edge) && name.ends_with(edge)
}

/// A trail needs a bucket; which layer says so does not matter.
pub(super) fn across_layers(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    let declared = layer.trail.as_ref().filter(|trail| trail.remove != Some(true));
    let trails = || config.layers.iter().filter_map(|layer| layer.trail.as_ref());
    if declared.is_some() && !trails().any(|trail| trail.bucket.is_some()) {
        problems.add(&spot.key("trail"), "no layer says which bucket the log files go to; expected `bucket`");
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn check(mode: &str, layer: &str, expect: &[&str]) {
        let text = format!(
            "version: 1\nmode: {mode}\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\naccess: {{role: A}}\n\
             accounts: {{audit: {{id: \"222233334444\", ou: S}}}}\nlayers:\n{layer}\n"
        );
        let found = Config::parse(&text, "f").map(|_| String::new()).unwrap_or_else(|errors| errors.to_string());
        let lines: Vec<&str> = found.lines().collect();
        let fits = lines.iter().zip(expect).all(|(found, expect)| found.contains(expect));
        assert!(lines.len() == expect.len() && fits, "{found}");
    }

    #[test]
    fn trail_of_the_organization_is_kept_in_one_account() {
        let trail = "trail: {organization: true, bucket: acme-trail}";
        check(
            "organization",
            &format!("- match: {{all: true}}\n  {trail}"),
            &["expected a layer with `match: {account: NAME}`"],
        );
        check("organization", &format!("- match: {{account: audit}}\n  {trail}"), &[]);
    }

    #[test]
    fn trail_needs_a_bucket() {
        check("organization", "- match: {all: true}\n  trail: {}", &["trail: no layer says which bucket"]);
    }

    #[test]
    fn values_that_aws_would_refuse_are_told() {
        let trail = "trail: {name: a..b, bucket: Acme_Trail, retention_days: 0, log_days: 2555, kms: alias/x, \
                     notify: {sns: \"arn:aws:sns:us-east-1:222233334444:t\"}}";
        check(
            "organization",
            &format!("- match: {{account: audit}}\n  {trail}"),
            &[
                "`a..b` cannot be a trail's name",
                "`Acme_Trail` cannot be a bucket's name",
                "0 days would keep nothing",
                "cannot keep events for 2555 days; expected one of 1, 3, 5",
                "`alias/x` is not the ARN of a KMS key",
                "the alarms are in eu-west-1, the topic in us-east-1",
            ],
        );
    }

    #[test]
    fn key_of_the_log_files_is_named_by_its_own_arn() {
        let layer = |key: &str| format!("- match: {{account: audit}}\n  trail: {{bucket: acme-trail, kms: \"{key}\"}}");
        check("organization", &layer("arn:aws:kms:eu-west-1:222233334444:key/1234abcd"), &[]);
        check(
            "organization",
            &layer("arn:aws:kms:eu-west-1:222233334444:alias/logs"),
            &["`arn:aws:kms:eu-west-1:222233334444:alias/logs` is not the ARN of a KMS key"],
        );
    }

    #[test]
    fn buckets_may_be_named_after_the_account() {
        check("organization", "- match: {all: true}\n  trail: {bucket: \"acme-{id}\"}", &[]);
    }
}
