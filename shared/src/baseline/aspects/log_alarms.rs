//! Alarms on what CloudTrail records: a metric filter and an alarm for each control of the CIS benchmark, once, where
//! the trail's log group is; with a trail of the organization they watch every account.

use async_trait::async_trait;

use super::log_watch::{self, Action, Found, Watch};
use crate::aws::{CallError, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::cis::CONTROLS;
use crate::config;
use crate::types::Region;

/// The alarms on the trail's log group.
pub struct LogAlarms;

/// Whether the controls are watched, and with them the topic of the alarms kept.
pub(super) fn declared(target: &Target) -> bool {
    target.wanted.trail.as_ref().is_some_and(|trail| trail.alarms == Some(config::LogAlarms::Cis))
}

pub(super) fn watches(target: &Target) -> Vec<Watch> {
    let watch = |control: &crate::cis::Control| Watch {
        name: target.labelled(&control.alarm()),
        about: format!("CIS 4.{}: {}", control.number, control.about),
        pattern: control.pattern.to_owned(),
        namespace: "Forester/CIS",
    };
    CONTROLS.iter().map(watch).collect()
}

#[async_trait]
impl Aspect for LogAlarms {
    const NAME: &'static str = "log-alarms";
    type Facts = Found;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        if declared(target) { vec![Place::Region(target.home().clone())] } else { Vec::new() }
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Found, CallError> {
        log_watch::observe(look, target, &watches(target)).await
    }

    fn plan(target: &Target, found: &Found) -> Planned<Action> {
        log_watch::plan(target, found, &watches(target))
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        log_watch::take(scope, action).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::ErrorClass;
    use crate::baseline::world::{World, id};

    const LAYER: &str = "- {match: {all: true}, enforce: ENFORCE, trail: {bucket: acme-trail, alarms: cis, \
                         notify: {email: [ops@acme.example]}}}";

    fn world() -> World {
        World::fresh(LAYER)
    }

    #[tokio::test]
    async fn every_control_has_its_filter_and_its_alarm() {
        let world = world();
        assert_eq!(world.apply().await.complaints(), Vec::<String>::new());
        let account = world.cloud.account(&id());
        let group = account.log_groups.values().next().unwrap();
        assert_eq!((group.filters.len(), account.alarms.len()), (15, 15));
        for control in &CONTROLS {
            let filter = &group.filters[&control.alarm()];
            assert_eq!(filter["filterPattern"], control.pattern);
            let metric = &filter["metricTransformations"][0];
            let alarm = &account.alarms[&control.alarm()];
            assert_eq!(
                (&alarm["MetricName"], &alarm["Namespace"]),
                (&metric["metricName"], &metric["metricNamespace"])
            );
            assert_eq!(
                (&alarm["Statistic"], &alarm["Threshold"], &alarm["Period"]),
                (&"Sum".into(), &1.0.into(), &300.into())
            );
            assert_eq!(alarm["AlarmActions"], json!(["arn:aws:sns:eu-west-1:444455556666:forester-alarms"]));
        }
    }

    #[tokio::test]
    async fn second_apply_writes_nothing_and_asks_no_address_again() {
        let world = world();
        world.apply().await;
        world.cloud.writes();
        world.apply().await;
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn only_what_drifted_is_put_and_actions_of_others_stay() {
        let world = world();
        world.apply().await;
        world.cloud.change(&id(), |account| {
            let alarm = account.alarms.get_mut("CIS-4.3-RootUsage").unwrap();
            alarm["Threshold"] = 100.into();
            alarm["OKActions"] = json!(["arn:aws:sns:eu-west-1:444455556666:calm"]);
            alarm["AlarmActions"] = json!(["arn:aws:sns:eu-west-1:444455556666:theirs"]);
        });
        world.cloud.writes();
        world.apply().await;
        assert_eq!(world.cloud.writes(), ["PutMetricAlarm"]);
        let alarm = world.cloud.account(&id()).alarms["CIS-4.3-RootUsage"].clone();
        assert_eq!(alarm["Threshold"], 1.0);
        assert_eq!(alarm["OKActions"][0], "arn:aws:sns:eu-west-1:444455556666:calm");
        assert_eq!(alarm["AlarmActions"].as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn alarm_that_may_not_be_set_stops_no_other() {
        let world = world();
        world.cloud.fail("PutMetricFilter", None, ErrorClass::Denied, "AccessDeniedException");
        let report = world.apply().await;
        assert_eq!(report.failed.len(), 1, "{report}");
        assert_eq!(world.cloud.account(&id()).alarms.len(), 15);
    }
}
