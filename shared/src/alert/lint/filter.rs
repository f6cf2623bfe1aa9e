//! What is wrong with a metric filter's pattern.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::Wrong;
use crate::cis::{CONTROLS, Control};
use crate::pattern::{Condition, Expr, Pattern, contradiction};

/// Everything wrong with a pattern; `rule` is the control that names point to, if any.
pub(super) fn findings(text: &str, rule: Option<&str>) -> Vec<Wrong> {
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(error) => {
            let hint = "correct the pattern; if AWS takes it, tell Forester's authors";
            return vec![(format!("its pattern cannot be read: {error}"), hint)];
        }
    };
    let mut found: Vec<Wrong> = Vec::new();
    if let Some(why) = pattern.conditions().and_then(contradiction) {
        found
            .push((format!("no event ever fits its pattern: {why}"), "one of the two has to go, or join them with ||"));
    }
    if is_of_cloudtrail(&pattern) && pattern.matches_json(&ORDINARY) {
        found.push((
            "an ordinary call fits its pattern, so it counts nearly everything".to_owned(),
            "check what is joined by || and what by &&",
        ));
    }
    if pattern.has_inner_star() {
        found.push((
            "a `*` stands inside a text of its pattern; AWS's guide once said that it is taken literally there"
                .to_owned(),
            "try the filter with an event, or use a regular expression between %",
        ));
    }
    found.extend(control(&pattern, rule).and_then(|control| other_text(&pattern, control)));
    found
}

/// Whether a pattern is about what CloudTrail records.
pub(super) fn is_of_cloudtrail(pattern: &Pattern) -> bool {
    let mut of_cloudtrail = false;
    if let Some(expr) = pattern.conditions() {
        let own = ["$.eventName ", "$.eventSource ", "$.errorCode ", "$.userIdentity.", "$.eventType "];
        expr.each(&mut |condition| {
            let text = condition.to_string();
            of_cloudtrail |= own.iter().any(|start| text.starts_with(start));
        });
    }
    of_cloudtrail
}

/// A call that no control is about.
static ORDINARY: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "eventVersion": "1.11", "eventType": "AwsApiCall", "eventCategory": "Management", "eventName": "DescribeInstances",
        "eventSource": "ec2.amazonaws.com", "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.64",
        "userAgent": "aws-cli/2.28.1", "readOnly": true, "managementEvent": true, "recipientAccountId": "111122223333",
        "requestParameters": {}, "responseElements": null, "eventID": "e", "eventTime": "2026-11-12T04:21:37Z",
        "userIdentity": {"type": "AssumedRole", "accountId": "111122223333", "arn": "arn:aws:sts::111122223333:assumed-role/a/b"},
    })
});

/// The control that a filter is meant for: the one it is named for, or the one it shares most conditions with.
fn control(pattern: &Pattern, rule: Option<&str>) -> Option<&'static Control> {
    let named = CONTROLS.iter().find(|control| Some(control.rule().as_str()) == rule);
    let own = conditions(pattern);
    let alike = || {
        let shared = |control: &&Control| {
            let of_control = Pattern::parse(control.pattern).map(|pattern| conditions(&pattern)).unwrap_or_default();
            (of_control.iter().filter(|condition| own.contains(condition)).count(), of_control.len())
        };
        let best = CONTROLS.iter().max_by_key(|control| shared(control).0)?;
        let (count, of) = shared(&best);
        (count * 2 > of && count * 2 > own.len()).then_some(best)
    };
    named.or_else(alike)
}

/// Where a filter for a control says something else than the control.
fn other_text(pattern: &Pattern, control: &Control) -> Option<Wrong> {
    let own = pattern.canonical();
    let texts: Vec<Pattern> = control.texts().filter_map(|text| Pattern::parse(text).ok()).collect();
    if texts.iter().any(|text| text.canonical() == own) {
        return None;
    }
    let mine = conditions(pattern);
    let difference = |text: &Pattern| {
        let theirs = conditions(text);
        let without = |a: &[String], b: &[String]| a.iter().filter(|one| !b.contains(one)).cloned().collect::<Vec<_>>();
        (without(&theirs, &mine), without(&mine, &theirs))
    };
    let (missing, added) = texts.iter().map(difference).min_by_key(|(missing, added)| missing.len() + added.len())?;
    let said = match (missing.as_slice(), added.as_slice()) {
        ([], []) => "joins the same conditions in another way".to_owned(),
        ([], added) => format!("adds {}", added.join(", ")),
        (missing, []) => format!("lacks {}", missing.join(", ")),
        (missing, added) => format!("lacks {} and adds {}", missing.join(", "), added.join(", ")),
    };
    Some((
        format!("its pattern is not the benchmark's for {}: it {said}", control.rule()),
        "Security Hub takes the exact text only: use it, and leave noise to Forester's rules",
    ))
}

fn conditions(pattern: &Pattern) -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |condition: &Condition| all.push(condition.to_string());
    if let Some(expr) = pattern.conditions() {
        Expr::each(expr, &mut add);
    }
    all.sort();
    all.dedup();
    all
}
