//! `alerts.noise`: what is not worth a message, under a name, for a reason, until a day.
//!
//! The benchmark's filters stay as they are, because auditors compare them; what they catch without need is left out
//! here, by a filter pattern over the event. What is left out is counted under the rule's name and never lost from
//! sight.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pattern::Pattern;

/// CloudTrail events that nobody needs to hear of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// What it is called in reports and metrics.
    pub name: String,
    /// The rule whose events it leaves out (`cis-4.1`); `*` is a wildcard.
    pub rule: String,
    /// A filter pattern over CloudTrail events, as CloudWatch Logs has it: `{ $.userIdentity.arn = "*/ci" }`.
    pub r#where: String,
    /// The last day on which it holds (UTC).
    #[schemars(with = "String")]
    pub until: Date,
    /// Why: it stands in reports.
    pub because: String,
    /// Who decided it.
    pub by: String,
}

/// What is wrong with the list: the path below `alerts`, and what is wrong there.
pub(super) fn problems(noise: &[Noise]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (n, rule) in noise.iter().enumerate() {
        let mut add = |member: &str, problem: String| found.push((format!("noise[{n}].{member}"), problem));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if rule.name.is_empty() || rule.name.len() > 60 || !rule.name.chars().all(plain) {
            add("name", "a name is 1 to 60 letters, digits and -: it names a metric".to_owned());
        }
        if noise.iter().take(n).any(|other| other.name == rule.name) {
            add("name", format!("`{}` is there already; each rule is counted by its name", rule.name));
        }
        if rule.rule == "cis-4.3" || rule.rule.starts_with("tamper-") {
            add(
                "rule",
                format!("`{}` cannot be left out: use of the root user and tampering are always told", rule.rule),
            );
        }
        if rule.rule.trim().is_empty() {
            add("rule", "name the rule whose events it leaves out, such as cis-4.1, or `*`".to_owned());
        }
        match Pattern::parse(&rule.r#where) {
            Err(error) => add("where", error.to_string()),
            Ok(pattern) if pattern.canonical().is_none() => {
                let wanted = "a pattern over the event's JSON is needed, such as { $.userIdentity.arn = \"*/ci\" }";
                add("where", wanted.to_owned());
            }
            Ok(_) => {}
        }
        for (member, value) in [("because", &rule.because), ("by", &rule.by)] {
            if value.trim().is_empty() {
                add(member, "say it: it stands in reports".to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(noise: serde_json::Value, expect: &[&str]) {
        let noise: Vec<Noise> = serde_json::from_value(noise).unwrap();
        let found: Vec<String> =
            problems(&noise).into_iter().map(|(path, message)| format!("{path}: {message}")).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn rule_needs_a_name_a_pattern_a_reason_and_an_author() {
        let fine = json!({"name": "scanner", "rule": "cis-4.1", "where": "{ $.userIdentity.arn = \"*/scanner\" }",
            "until": "2027-03-31", "because": "it tries everything by design", "by": "ana"});
        check(json!([fine]), &[]);
        check(json!([fine, fine]), &["noise[1].name: `scanner` is there already; each rule is counted by its name"]);
        check(
            json!([{"name": "a b", "rule": "tamper-trail", "where": "{ $.a = }", "until": "2027-03-31", "because": " ", "by": ""},
                {"name": "x", "rule": "", "where": "ERROR", "until": "2027-03-31", "because": "b", "by": "c"}]),
            &[
                "noise[0].name: a name is 1 to 60 letters, digits and -: it names a metric",
                "noise[0].rule: `tamper-trail` cannot be left out: use of the root user and tampering are always told",
                "noise[0].where: at character 9: expected a value, found `}`; a text with more than letters, digits and . * \
                 _ - + : / goes in double quotation marks",
                "noise[0].because: say it: it stands in reports",
                "noise[0].by: say it: it stands in reports",
                "noise[1].rule: name the rule whose events it leaves out, such as cis-4.1, or `*`",
                "noise[1].where: a pattern over the event's JSON is needed, such as { $.userIdentity.arn = \"*/ci\" }",
            ],
        );
    }

    #[test]
    fn rule_without_an_end_is_refused() {
        let endless = json!({"name": "x", "rule": "*", "where": "{ $.a = 1 }", "because": "b", "by": "c"});
        let error = serde_json::from_value::<Noise>(endless).unwrap_err().to_string();
        assert!(error.contains("missing field `until`"), "{error}");
    }
}
