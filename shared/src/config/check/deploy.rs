//! Checks of the roles of pipelines.

use super::identity::{boundary_and_session, policies};
use super::{Spot, account_name};
use crate::config::load::Problems;
use crate::config::{Config, DeployRoles, Layer};
use crate::types::{AccountId, Arn};

pub(super) fn roles(config: &Config, declared: &DeployRoles, problems: &mut Problems, spot: &Spot) {
    if let Some(trust) = declared.trust.as_ref().filter(|trust| trust.parse::<AccountId>().is_err()) {
        account_name(trust, problems, &spot.key("trust"));
    }
    policies(declared.execution_policies.iter().flatten(), problems, &spot.key("execution_policies"));
    policies(declared.build_policies.iter().flatten(), problems, &spot.key("build_policies"));
    boundary_and_session(declared.boundary.as_deref(), None, problems, spot);
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let wrong = |bucket: &&String| !(3..=63).contains(&bucket.len()) || !bucket.chars().all(fits);
    if let Some(bucket) = declared.bucket.as_ref().filter(wrong) {
        let message = format!("`{bucket}` cannot be a bucket's name; expected 3 to 63 of a-z 0-9 - .");
        problems.add(&spot.key("bucket"), message);
    }
    if let Some(key) = declared.key.as_ref() {
        let arn = key.parse::<Arn>().is_ok_and(|arn| {
            let here = arn.region() == config.home_region.as_ref();
            here && arn.service() == "kms" && arn.resource().starts_with("key/")
        });
        if !arn && !key.starts_with("alias/") {
            let message = format!("`{key}` is neither an alias (`alias/NAME`) nor the ARN of a key in the home region");
            problems.add(&spot.key("key"), message);
        }
    }
}

/// The roles need somebody to trust; which layer says so does not matter.
pub(super) fn across_layers(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    let Some(declared) = layer.deploy_roles.as_ref().filter(|declared| declared.remove != Some(true)) else { return };
    let trusts = |layer: &Layer| layer.deploy_roles.as_ref().is_some_and(|declared| declared.trust.is_some());
    if declared.trust.is_none() && !config.layers.iter().any(trusts) {
        problems.add(&spot.key("deploy_roles"), "no layer says where the pipeline is; expected `trust`");
    }
}
