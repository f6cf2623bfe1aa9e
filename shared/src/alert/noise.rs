//! Events that are not worth a message: rules with a name, counted, and shown with the alert that they keep back.
//!
//! Some come along, because the benchmark's own text catches them without need; the others are the configuration's and
//! end on a day. Nothing of the root user's is ever left out, and no tampering but by the three rules of its pack that
//! may be silenced.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::Text;
use super::model::Alert;
use super::rules::Judgement;
use crate::config::alerts::Noise as Declared;
use crate::config::wildcard;
use crate::pattern::Pattern;
use crate::telemetry::{Metric, emit_by};

/// The rules that leave events out.
#[derive(Clone, Debug)]
pub struct Noise(Arc<[Rule]>);

#[derive(Clone, Debug)]
struct Rule {
    name: String,
    of: String,
    pattern: Pattern,
    said: String,
    /// The last day on which it holds (UTC); what comes along always does.
    until: Option<Date>,
}

/// What comes along: name, the rule whose events it leaves out, which, and why. Those for every rule are for filters with
/// AWS's wider text: our own patterns do not catch their events.
const USUAL: [(&str, &str, &str, &str); 5] = [
    (
        "federated-sign-in",
        "*",
        "{ ($.eventName = ConsoleLogin) && ($.userIdentity.type = AssumedRole) && \
         ($.responseElements.ConsoleLogin = Success) }",
        "who signs in through an identity provider shows the second factor there",
    ),
    (
        "scaling-policy",
        "cis-4.4",
        "{ $.eventSource = \"*autoscaling.amazonaws.com\" }",
        "a policy of Auto Scaling is none of IAM, though its deletion is called the same",
    ),
    (
        "api-route",
        "*",
        "{ ($.eventSource = apigateway.amazonaws.com) && ($.eventName = \"*Route*\") }",
        "a route of an API is none of a network, though its calls are called the same",
    ),
    (
        "log-delivery",
        "*",
        "{ ($.sourceIPAddress = \"delivery.logs.amazonaws.com\") && ($.errorCode = \"AccessDenied*\") }",
        "AWS's own delivery of logs tries and retries",
    ),
    (
        "head-bucket",
        "*",
        "{ ($.eventName = HeadBucket) && ($.errorCode = \"AccessDenied*\") }",
        "programs ask whether a bucket is theirs before they use it",
    ),
];

static USUAL_RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |(name, of, pattern, why): &(&str, &str, &str, &str)| {
        let pattern = Pattern::parse(pattern).ok()?;
        Some(Rule { name: (*name).to_owned(), of: (*of).to_owned(), pattern, said: (*why).to_owned(), until: None })
    };
    USUAL.iter().filter_map(rule).collect()
});

impl Noise {
    /// The usual rules and the declared ones, the declared first. What does not parse was refused with the file.
    pub fn of(declared: &[Declared]) -> Self {
        let declared = declared.iter().filter_map(|rule| {
            let said = format!("{}, until {} by {}", rule.because, rule.until, rule.by);
            let pattern = Pattern::parse(&rule.r#where).ok()?;
            Some(Rule { name: rule.name.clone(), of: rule.rule.clone(), pattern, said, until: Some(rule.until) })
        });
        Self(declared.chain(USUAL_RULES.iter().cloned()).collect())
    }

    /// The rule that leaves the event out, if one does: its name, and why.
    pub(super) fn leaves_out(&self, judged: Option<&Judgement>, record: &Value, now: Timestamp) -> Option<LeftOut> {
        if judged.is_some_and(|judged| judged.unsilenceable) {
            return None;
        }
        let of = judged.map(|judged| judged.rule.as_str()).unwrap_or_default();
        let today = now.to_zoned(TimeZone::UTC).date();
        let holds = |rule: &&Rule| {
            rule.until.is_none_or(|until| today <= until) && wildcard(&rule.of, of) && rule.pattern.matches_json(record)
        };
        let rule = self.0.iter().find(holds)?;
        Some(LeftOut { name: rule.name.clone(), because: rule.said.clone() })
    }
}

/// What left an event out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LeftOut {
    pub name: String,
    pub because: String,
}

impl LeftOut {
    /// Keeps an alert from people, for the reason that reports show.
    pub fn hush(&self, alert: &mut Alert) {
        alert.noise = Some(Text::line(&format!("the noise rule {}: {}", self.name, self.because)));
    }
}

/// Counts what was left out, under each rule's name.
pub(super) fn count(left_out: &BTreeMap<LeftOut, u64>) {
    for (rule, events) in left_out {
        emit_by("alerts", ("noise", &rule.name), &[Metric::count("LeftOut", *events)]);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alert::rules::judge;

    fn declared() -> Vec<Declared> {
        let scanner = json!({"name": "scanner", "rule": "cis-4.*", "where": "{ $.userIdentity.arn = \"*/scanner\" }",
            "until": "2027-03-31", "because": "it tries everything", "by": "ana"});
        serde_json::from_value(json!([scanner])).unwrap()
    }

    fn check(record: &Value, day: &str, expect: Option<&str>) {
        let now = format!("{day}T12:00:00Z").parse().unwrap();
        let left_out = Noise::of(&declared()).leaves_out(judge(record).as_ref(), record, now);
        assert_eq!(left_out.as_ref().map(|rule| rule.name.as_str()), expect, "{record}");
    }

    #[test]
    fn every_usual_rule_parses() {
        assert_eq!(USUAL_RULES.len(), USUAL.len());
    }

    #[test]
    fn what_the_benchmark_catches_without_need_is_left_out() {
        check(
            &json!({"eventName": "DeletePolicy", "eventSource": "autoscaling.amazonaws.com"}),
            "2027-01-01",
            Some("scaling-policy"),
        );
        check(&json!({"eventName": "DeletePolicy", "eventSource": "iam.amazonaws.com"}), "2027-01-01", None);
        let denied =
            |name: &str, from: &str| json!({"eventName": name, "errorCode": "AccessDenied", "sourceIPAddress": from});
        check(&denied("HeadBucket", "192.0.2.1"), "2027-01-01", Some("head-bucket"));
        check(&denied("PutObject", "delivery.logs.amazonaws.com"), "2027-01-01", Some("log-delivery"));
        check(&denied("PutObject", "192.0.2.1"), "2027-01-01", None);
        let of_api = |name: &str| json!({"eventName": name, "eventSource": "apigateway.amazonaws.com"});
        check(&of_api("CreateRoute"), "2027-01-01", Some("api-route"));
        check(&of_api("DeleteRestApi"), "2027-01-01", None);
        let sign_in = |kind: &str| {
            json!({"eventName": "ConsoleLogin", "userIdentity": {"type": kind}, "responseElements": {"ConsoleLogin": "Success"},
                "additionalEventData": {"MFAUsed": "No"}})
        };
        check(&sign_in("AssumedRole"), "2027-01-01", Some("federated-sign-in"));
        check(&sign_in("IAMUser"), "2027-01-01", None);
    }

    #[test]
    fn declared_rule_ends_with_its_last_day() {
        let scan = json!({"eventName": "ListUsers", "errorCode": "AccessDenied", "sourceIPAddress": "192.0.2.1",
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::444455556666:assumed-role/x/scanner"}});
        check(&scan, "2027-03-31", Some("scanner"));
        check(&scan, "2027-04-01", None);
    }

    #[test]
    fn root_and_tampering_are_never_left_out() {
        let by = json!({"type": "Root", "arn": "x/scanner"});
        check(&json!({"eventName": "CreateUser", "eventType": "AwsApiCall", "userIdentity": by}), "2027-01-01", None);
        let stop = json!({"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com", "userIdentity": {"arn": "x/scanner"}});
        check(&stop, "2027-01-01", None);
    }
}
