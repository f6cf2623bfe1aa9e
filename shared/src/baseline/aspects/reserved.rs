//! What the aspects keep in an account under a name that is known beforehand, by the types of a reset: a reset that took
//! it away would only have it made anew, without what it had recorded.
//!
//! Roles and keys are told elsewhere. GuardDuty's detectors have no name, and neither has a recorder or an analyzer that
//! was there under a name of its own: those a reset takes, and the baseline makes them again.

use super::services::Part;
use super::{
    access_analyzer, break_glass, budget, config_bucket, config_recorder, dns_zone, log_alarms, log_watch, oidc,
    security_hub, trail,
};
use crate::baseline::{Aspect, Target};

/// Types and names.
pub fn declared_names(target: &Target) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    let recorded = target.wanted.trail.as_ref().filter(|trail| trail.remove != Some(true));
    if recorded.is_some() {
        names.extend(trail::names(target));
    }
    let watches = watches(target);
    if recorded.is_some() && !watches.is_empty() {
        names.push(("AWS::SNS::Topic", log_watch::topic_name(target)));
        names.extend(watches.into_iter().map(|name| ("AWS::CloudWatch::Alarm", name)));
    }
    if target.wanted.budget.is_some() {
        names.push(("AWS::Budgets::Budget", budget::name(target)));
    }
    names.extend(services(target));
    names.extend(oidc::arns(target).map(|arn| ("AWS::IAM::OIDCProvider", arn)));
    // Route 53 ends every name with a dot.
    names.extend(dns_zone::own_names(target).iter().map(|name| ("AWS::Route53::HostedZone", format!("{name}."))));
    names
}

fn watches(target: &Target) -> Vec<String> {
    let mut watches = Vec::new();
    if log_alarms::declared(target) {
        watches.extend(log_alarms::watches(target));
    }
    if !break_glass::BreakGlassAlarm::places(target, &[]).is_empty() {
        watches.extend(break_glass::watches(target).0);
    }
    watches.into_iter().map(|watch| watch.name).collect()
}

fn services(target: &Target) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    if Part::of(target, config_bucket::pick).own {
        names.push(("AWS::Config::ConfigurationRecorder", config_recorder::NAME.to_owned()));
        names.push(("AWS::Config::DeliveryChannel", config_recorder::NAME.to_owned()));
        let own = config_bucket::owner(target) == target.account.id;
        let bucket = config_bucket::bucket(target).ok().filter(|_| own);
        names.extend(bucket.map(|bucket| ("AWS::S3::Bucket", bucket)));
    }
    if Part::of(target, access_analyzer::pick).own {
        names.push(("AWS::AccessAnalyzer::Analyzer", access_analyzer::name(target)));
    }
    if Part::of(target, security_hub::pick).own {
        names.push(("AWS::SecurityHub::Hub", security_hub::HUB.to_owned()));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::world::World;
    use crate::reset::catalogue::Catalogue;

    #[tokio::test]
    async fn reset_is_told_of_what_the_baseline_keeps_and_the_catalogue_knows_each_type() {
        let world = World::fresh(
            "- {match: {all: true}, trail: {bucket: acme-trail, alarms: cis}, budget: {monthly: 100},\n   \
             services: {config: account, access_analyzer: account, securityhub: account, config_bucket: acme-config}}",
        );
        let names = declared_names(&world.prepare().await.target);
        for told in [
            ("AWS::CloudTrail::Trail", "forester"),
            ("AWS::S3::Bucket", "acme-trail"),
            ("AWS::S3::Bucket", "acme-config"),
            ("AWS::Logs::LogGroup", "forester-trail"),
            ("AWS::IAM::Role", "ForesterTrailLogs"),
            ("AWS::SNS::Topic", "forester-alarms"),
            ("AWS::Budgets::Budget", "forester-monthly"),
            ("AWS::Config::ConfigurationRecorder", "forester"),
            ("AWS::Config::DeliveryChannel", "forester"),
            ("AWS::AccessAnalyzer::Analyzer", "forester"),
            ("AWS::SecurityHub::Hub", "default"),
        ] {
            assert!(names.contains(&(told.0, told.1.to_owned())), "{told:?} is not among {names:?}");
        }
        let alarms = names.iter().filter(|(kind, _)| *kind == "AWS::CloudWatch::Alarm").count();
        assert_eq!(alarms, crate::cis::CONTROLS.len());
        let catalogue = Catalogue::embedded().unwrap();
        let stranger = names.iter().find(|(kind, _)| catalogue.kind(&kind.parse().unwrap()).is_none());
        assert_eq!(stranger, None);
    }

    #[tokio::test]
    async fn what_is_not_declared_is_not_kept() {
        let world = World::fresh("- {match: {all: true}, trail: {bucket: acme-trail, remove: true}}");
        assert_eq!(declared_names(&world.prepare().await.target), Vec::new());
    }
}
