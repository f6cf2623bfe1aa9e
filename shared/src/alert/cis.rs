//! The CIS benchmark's monitoring controls: which one an alarm stands for, and how bad that is.
//!
//! Numbers are those of CIS 1.4 to 5.0 (4.1 to 4.15); 1.2 counted from 3.1, 6.0 counts from 5.1. Security Hub rates all
//! of them low (<https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html>); ours follow what
//! an attacker gains.

use super::model::Severity;

/// The rule (`cis-4.3`) that a name such as `CIS-4.3-RootAccountUsage` points to.
pub(super) fn rule(name: &str) -> Option<String> {
    let start = name.to_ascii_lowercase().find("cis")? + 3;
    let rest = name.get(start..)?.trim_start_matches(['-', '_', ' ', '.']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let number = rest.get(..end)?.trim_end_matches('.');
    let (chapter, control) = number.split_once('.')?;
    let control: u8 = control.parse().ok().filter(|control| (1..=15).contains(control))?;
    matches!(chapter, "3" | "4" | "5").then(|| format!("cis-4.{control}"))
}

/// How bad a rule's alarm is, unless its description says otherwise.
pub(super) fn severity(rule: &str) -> Option<Severity> {
    let severity = match rule {
        "cis-4.3" | "cis-4.5" => Severity::Critical,
        "cis-4.2" | "cis-4.7" | "cis-4.9" | "cis-4.15" => Severity::High,
        "cis-4.8" | "cis-4.12" => Severity::Medium,
        "cis-4.1" => Severity::Info,
        "cis-4.4" | "cis-4.6" | "cis-4.10" | "cis-4.11" | "cis-4.13" | "cis-4.14" => Severity::Low,
        _ => return None,
    };
    Some(severity)
}

/// How bad a single event is: whoever silences the guards comes first.
pub(super) fn severity_of_event(what: &str) -> Severity {
    match what {
        "cloudtrail:StopLogging" | "cloudtrail:DeleteTrail" | "cloudtrail:UpdateTrail" => Severity::Critical,
        "logs:DeleteMetricFilter" | "logs:DeleteLogGroup" | "monitoring:PutAlarmMuteRule" => Severity::High,
        "monitoring:DeleteAlarms" | "monitoring:DisableAlarmActions" | "monitoring:SetAlarmState" => Severity::High,
        "organizations:LeaveOrganization" | "organizations:RemoveAccountFromOrganization" => Severity::High,
        "kms:ScheduleKeyDeletion" | "kms:DisableKey" => Severity::High,
        _ => Severity::Medium,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expect: Option<&str>) {
        assert_eq!(rule(name).as_deref(), expect, "{name}");
    }

    #[test]
    fn names_of_all_editions_point_to_one_rule() {
        check("CIS-4.3-RootAccountUsage", Some("cis-4.3"));
        check("cis_3.3 root", Some("cis-4.3"));
        check("org CIS 5.12", Some("cis-4.12"));
        check("CIS-4.99", None);
        check("precision-4", None);
        check("RootAccountUsed", None);
    }

    #[test]
    fn every_rule_has_a_severity() {
        for control in 1..=15 {
            assert!(severity(&format!("cis-4.{control}")).is_some());
        }
    }
}
