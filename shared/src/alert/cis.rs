//! The CIS benchmark's monitoring controls: which one an alarm stands for, and how bad that is. The controls themselves
//! are in `crate::cis`.

use super::model::Severity;
use crate::cis::CONTROLS;

/// The rule (`cis-4.3`) that a name such as `CIS-4.3-RootAccountUsage` points to.
pub(super) fn rule(name: &str) -> Option<String> {
    let start = name.to_ascii_lowercase().find("cis")? + 3;
    let rest = name.get(start..)?.trim_start_matches(['-', '_', ' ', '.']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let number = rest.get(..end)?.trim_end_matches('.');
    let (chapter, control) = number.split_once('.')?;
    let number: u8 = control.parse().ok()?;
    let control = CONTROLS.iter().find(|control| control.number == number)?;
    matches!(chapter, "3" | "4" | "5").then(|| control.rule())
}

/// How bad a rule's alarm is, unless its description says otherwise.
pub(super) fn severity(rule: &str) -> Option<Severity> {
    CONTROLS.iter().find(|control| control.rule() == rule).map(|control| control.severity)
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
    fn alarm_that_forester_makes_is_known_by_its_name() {
        for control in &CONTROLS {
            assert_eq!(rule(&control.alarm()).as_deref(), Some(control.rule().as_str()));
            assert_eq!(severity(&control.rule()), Some(control.severity));
        }
    }
}
