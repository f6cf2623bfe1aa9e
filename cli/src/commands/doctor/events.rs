//! Whether events can reach Forester: the trail that EventBridge hears of, and rules that fire for nothing.

use forester::Forester;
use forester::aws::{CallError, Scope};
use forester::config::OperatingMode;
use forester::types::{AccountId, Region};
use serde_json::{Value, json};

use super::finding::Finding;

/// Where Organizations, IAM and sign-ins of root users tell of themselves.
const GLOBAL: &str = "us-east-1";

/// EventBridge hears of API calls only where a trail with logging on records them
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>); those of Organizations
/// are recorded in us-east-1, so the trail has to be there or in all regions.
pub async fn trail(home: &Scope) -> Finding {
    let what = "a trail with logging on records this account's events of us-east-1";
    let hint = "without one EventBridge hears nothing of Organizations: create a trail (an organization trail is best)";
    let trails = match home.call("cloudtrail", "DescribeTrails", json!({})).await {
        Ok(answer) => answer.get("trailList").and_then(Value::as_array).cloned().unwrap_or_default(),
        Err(error) => return Finding::unknown(what, &error),
    };
    let mut finding = Finding::missing(what, hint);
    for trail in trails.iter().filter(|trail| records_organizations(trail)) {
        match home.call("cloudtrail", "GetTrailStatus", json!({ "Name": trail.get("TrailARN") })).await {
            Ok(status) if status.get("IsLogging") == Some(&Value::Bool(true)) => return Finding::ok(what),
            Ok(_) => {}
            Err(error) => finding = Finding::unknown(what, &error),
        }
    }
    finding
}

fn records_organizations(trail: &Value) -> bool {
    let everywhere = trail.get("IsMultiRegionTrail") == Some(&Value::Bool(true));
    everywhere || trail.get("HomeRegion") == Some(&json!("us-east-1"))
}

/// Rules of this account that are switched off or can never match, and the forwarder that a home elsewhere needs.
pub async fn rules(forester: &Forester, account: &AccountId) -> Vec<Finding> {
    let home = &forester.config.home_region;
    let mut findings = vec![idle_ones(home, &rules_in(forester, account, home).await)];
    if home.as_ref() != GLOBAL && forester.config.mode == OperatingMode::Organization {
        let Ok(global) = GLOBAL.parse::<Region>() else { return findings };
        let there = rules_in(forester, account, &global).await;
        findings.push(idle_ones(&global, &there));
        findings.push(forwarder(&there, &global, home).await);
    }
    findings
}

/// A region as it is asked, and its rules.
type Rules = Result<(Scope, Vec<Value>), CallError>;

async fn rules_in(forester: &Forester, account: &AccountId, region: &Region) -> Rules {
    let scope = forester.accounts.scope(account, region).await?;
    let rules = scope.pages("events", "ListRules", json!({})).await?;
    Ok((scope, rules))
}

fn idle_ones(region: &Region, rules: &Rules) -> Finding {
    let what = format!("no rule of {region} is there for nothing");
    match rules {
        Ok((_, rules)) => {
            let idle: Vec<String> = rules.iter().filter_map(idle).collect();
            if idle.is_empty() { Finding::ok(what) } else { Finding::missing(what, idle.join("; ")) }
        }
        Err(error) => Finding::unknown(what, error),
    }
}

/// Why a rule never fires. Budgets puts no thresholds on a bus, whatever many a rule was written for
/// (<https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-budgets.html>).
fn idle(rule: &Value) -> Option<String> {
    let word = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, pattern) = (word("Name"), serde_json::from_str::<Value>(word("EventPattern")).unwrap_or_default());
    if word("State") == "DISABLED" && name.to_ascii_lowercase().contains("forester") {
        return Some(format!("{name} is switched off: `aws events enable-rule --name {name}`"));
    }
    let texts = |name: &str| -> Vec<&str> {
        pattern.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let (sources, kinds) = (texts("source"), texts("detail-type"));
    let calls = |kind: &&str| kind.ends_with("via CloudTrail");
    let only_budgets = !sources.is_empty() && sources.iter().all(|source| *source == "aws.budgets");
    let never = only_budgets && !kinds.is_empty() && !kinds.iter().any(calls);
    never.then(|| {
        format!("{name} waits for thresholds on the bus, where Budgets puts none: subscribe a topic to the budget")
    })
}

/// What happens in the global region has to be carried home.
async fn forwarder(rules: &Rules, global: &Region, home: &Region) -> Finding {
    let what = format!("events of {global} are forwarded to {home}");
    let hint = "deploy infra/forwarder.yaml there; until then only the sweep finds new accounts";
    let (scope, rules) = match rules {
        Ok(there) => there,
        Err(error) => return Finding::unknown(what, error),
    };
    for rule in rules {
        match scope.pages("events", "ListTargetsByRule", json!({ "Rule": rule.get("Name") })).await {
            Ok(targets) if targets.iter().any(|target| leads_to(target, home)) => return Finding::ok(what),
            Ok(_) => {}
            Err(error) => return Finding::unknown(what, &error),
        }
    }
    Finding::missing(what, hint)
}

fn leads_to(target: &Value, region: &Region) -> bool {
    let arn = target.get("Arn").and_then(Value::as_str).unwrap_or_default();
    arn.contains(&format!(":events:{region}:")) && arn.contains(":event-bus/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, state: &str, pattern: Value, expect: Option<&str>) {
        let rule = json!({ "Name": name, "State": state, "EventPattern": pattern.to_string() });
        let found = idle(&rule);
        assert_eq!(found.is_some(), expect.is_some(), "{rule}: {found:?}");
        assert!(found.unwrap_or_default().contains(expect.unwrap_or_default()), "{rule}");
    }

    #[test]
    fn rules_that_fire_for_nothing_are_told_and_others_left_in_peace() {
        let invented = json!({"source": ["aws.budgets"], "detail-type": ["Budget Threshold Exceeded"]});
        let calls = json!({"source": ["aws.budgets"], "detail-type": ["AWS API Call via CloudTrail"]});
        check("spend", "ENABLED", invented, Some("subscribe a topic to the budget"));
        check("spend", "ENABLED", calls.clone(), None);
        check("forester-Created", "DISABLED", calls.clone(), Some("enable-rule --name forester-Created"));
        check("somebody-elses", "DISABLED", calls, None);
        check("all", "ENABLED", json!({"source": ["aws.organizations", "aws.budgets"]}), None);
    }

    #[test]
    fn forwarder_leads_to_a_bus_of_the_home_region() {
        let home = "eu-west-1".parse().unwrap();
        let leads = |arn: &str| leads_to(&json!({ "Arn": arn }), &home);
        assert!(leads("arn:aws:events:eu-west-1:111122223333:event-bus/default"));
        assert!(!leads("arn:aws:events:us-east-1:111122223333:event-bus/default"));
        assert!(!leads("arn:aws:sqs:eu-west-1:111122223333:event-bus"));
    }
}
