use serde_json::json;

use super::*;
use crate::alert::fakes::samples;

/// An event of this name and source, with more.
fn event(source: &str, name: &str, more: Value) -> Value {
    let mut record = json!({"eventSource": format!("{source}.amazonaws.com"), "eventName": name, "eventType": "AwsApiCall",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::444455556666:assumed-role/deploy/ci"}});
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn check(source: &str, name: &str, more: Value, expect: Option<(&str, Severity)>) {
    let judged = judge(&event(source, name, more));
    let found = judged.as_ref().map(|judged| (judged.rule.as_str(), judged.severity));
    assert_eq!(found, expect, "{source}:{name}");
}

#[test]
fn every_rule_can_judge_and_has_a_runbook() {
    let patterns: usize = tamper::PACK.iter().map(|known| known.patterns.len()).sum();
    assert_eq!(RULES.len(), CONTROLS.len() + patterns, "a pattern of the pack does not parse");
    for rule in RULES.iter() {
        assert!(Runbook::of(&rule.name).is_some(), "{} has no runbook", rule.name);
        let expr = rule.pattern.conditions().unwrap();
        assert_eq!(crate::pattern::contradiction(expr), None, "{}", rule.name);
    }
}

#[test]
fn facts_of_runbooks_are_not_cut_off() {
    for rule in RULES.iter() {
        let book = Runbook::of(&rule.name).unwrap();
        assert!(book.means.chars().count() < 300 && book.checks.iter().all(|check| check.chars().count() < 300));
        assert!(book.link().starts_with("https://docs.aws.amazon.com/"));
    }
    assert!(Runbook::of("cis-4.3").unwrap().link().ends_with("#cloudwatch-1"));
}

#[test]
fn who_blinds_the_watchers_is_told_whatever_is_silenced() {
    let forester = |key: &str| json!({ "requestParameters": { key: "forester-AlarmFanout-1X" } });
    let cases = [
        ("cloudtrail", "StopLogging", json!({}), "cis-4.5"),
        ("cloudtrail", "PutEventSelectors", json!({}), "tamper-trail"),
        ("logs", "DeleteMetricFilter", json!({}), "tamper-metric-filter"),
        (
            "logs",
            "DeleteLogGroup",
            json!({"requestParameters": {"logGroupName": "aws-controltower/CloudTrailLogs"}}),
            "tamper-log-group",
        ),
        (
            "monitoring",
            "DeleteAlarms",
            json!({"requestParameters": {"alarmNames": ["x", "CIS-4.3-RootUsage"]}}),
            "tamper-alarm",
        ),
        (
            "monitoring",
            "SetAlarmState",
            json!({"requestParameters": {"alarmName": "CIS-4.3-RootUsage"}}),
            "tamper-alarm",
        ),
        ("monitoring", "PutAlarmMuteRule", json!({}), "tamper-mute"),
        (
            "monitoring",
            "PutCompositeAlarm",
            json!({"requestParameters": {"actionsSuppressor": "quiet"}}),
            "tamper-mute",
        ),
        ("events", "DisableRule", forester("name"), "tamper-event-rule"),
        ("events", "RemoveTargets", forester("rule"), "tamper-event-rule"),
        (
            "sns",
            "Unsubscribe",
            json!({"requestParameters": {"subscriptionArn": "arn:aws:sns:us-east-1:222233334444:security-alarms:1"}}),
            "tamper-topic",
        ),
        ("lambda", "DeleteFunction20150331", forester("functionName"), "tamper-forester"),
        ("lambda", "PutFunctionConcurrency20171031", forester("functionName"), "tamper-forester"),
        ("sqs", "PurgeQueue", forester("queueUrl"), "tamper-forester"),
        ("dynamodb", "DeleteTable", forester("tableName"), "tamper-forester"),
        ("secretsmanager", "DeleteSecret", forester("secretId"), "tamper-forester"),
    ];
    for (source, name, more, rule) in cases {
        let judged = judge(&event(source, name, more)).unwrap_or_else(|| panic!("{name} falls under no rule"));
        assert_eq!((judged.rule.as_str(), judged.unsilenceable), (rule, true), "{name}");
        assert!(judged.severity >= Severity::High, "{name}");
    }
}

#[test]
fn everyday_work_that_looks_alike_is_not_tampering() {
    check("logs", "DeleteLogGroup", json!({"requestParameters": {"logGroupName": "/aws/lambda/shop"}}), None);
    check("events", "DisableRule", json!({"requestParameters": {"name": "nightly"}}), None);
    check("monitoring", "PutCompositeAlarm", json!({"requestParameters": {"alarmName": "x"}}), None);
    let scaled = json!({"userIdentity": {"invokedBy": "application-autoscaling.amazonaws.com"},
        "requestParameters": {"alarmNames": ["TargetTracking-x"]}});
    check("monitoring", "DeleteAlarms", scaled, None);
    let by_hand = json!({"requestParameters": {"alarmNames": ["cpu"]}});
    check("monitoring", "DeleteAlarms", by_hand, Some(("tamper-alarm-elsewhere", Severity::Low)));
    let deployed = json!({"requestParameters": {"functionName": "forester-AlarmFanout"}});
    check("lambda", "UpdateFunctionCode20150331v2", deployed, Some(("tamper-forester-changed", Severity::Medium)));
}

#[test]
fn severity_follows_what_the_call_gives() {
    let attach = |arn: &str| json!({ "requestParameters": { "policyArn": arn } });
    check(
        "iam",
        "AttachRolePolicy",
        attach("arn:aws:iam::aws:policy/ReadOnlyAccess"),
        Some(("cis-4.4", Severity::Low)),
    );
    let admin = attach("arn:aws:iam::aws:policy/AdministratorAccess");
    check("iam", "AttachRolePolicy", admin.clone(), Some(("cis-4.4", Severity::High)));
    let mut refused = admin;
    refused["errorCode"] = json!("AccessDenied");
    check("iam", "AttachRolePolicy", refused, Some(("cis-4.4", Severity::Info)));
    let inline = |text: &str| json!({ "requestParameters": { "policyDocument": text } });
    let broad = r#"{"Statement": {"Effect": "Allow", "Action": ["s3:Get*", "*"], "Resource": "*"}}"#;
    check("iam", "PutUserPolicy", inline(broad), Some(("cis-4.4", Severity::High)));
    let narrow = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#;
    check("iam", "PutUserPolicy", inline(narrow), Some(("cis-4.4", Severity::Low)));
    check("iam", "PutUserPolicy", inline("not json"), Some(("cis-4.4", Severity::Low)));

    let bucket = |principal: Value, condition: Value| {
        let mut statement = json!({"Effect": "Allow", "Principal": principal});
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        json!({"requestParameters": {"bucketPolicy": {"Statement": [statement]}}})
    };
    check("s3", "PutBucketPolicy", bucket(json!("*"), Value::Null), Some(("cis-4.8", Severity::High)));
    check("s3", "PutBucketPolicy", bucket(json!({"AWS": "*"}), Value::Null), Some(("cis-4.8", Severity::High)));
    check(
        "s3",
        "PutBucketPolicy",
        bucket(json!("*"), json!({"StringEquals": {}})),
        Some(("cis-4.8", Severity::Medium)),
    );
    check(
        "s3",
        "PutBucketAcl",
        json!({"requestParameters": {"x-amz-acl": ["public-read"]}}),
        Some(("cis-4.8", Severity::High)),
    );

    let range = |cidr: &str| json!({"requestParameters": {"ipPermissions": {"items": [{"ipRanges": {"items": [{"cidrIp": cidr}]}}]}}});
    check("ec2", "AuthorizeSecurityGroupIngress", range("0.0.0.0/0"), Some(("cis-4.10", Severity::High)));
    check("ec2", "AuthorizeSecurityGroupIngress", range("10.0.0.0/8"), Some(("cis-4.10", Severity::Low)));
    check("ec2", "RevokeSecurityGroupIngress", range("0.0.0.0/0"), Some(("cis-4.10", Severity::Low)));

    check("cloudtrail", "StartLogging", json!({}), Some(("cis-4.5", Severity::Low)));
    check("organizations", "MoveAccount", json!({}), Some(("cis-4.15", Severity::Medium)));
    check("organizations", "LeaveOrganization", json!({}), Some(("cis-4.15", Severity::High)));
}

#[test]
fn root_weighs_most_whatever_it_does() {
    let root = json!({"userIdentity": {"type": "Root"}, "requestParameters": {}});
    check("iam", "CreatePolicy", root.clone(), Some(("cis-4.3", Severity::Critical)));
    let judged = judge(&event("iam", "CreatePolicy", root)).unwrap();
    assert_eq!((judged.unsilenceable, judged.also), (true, vec!["cis-4.4".to_owned()]));
    let session = json!({"userIdentity": {"type": "Root", "sessionContext": {"assumedRoot": "true"}}});
    check("iam", "DeleteLoginProfile", session, Some(("cis-4.3", Severity::High)));
}

/// A judgement of every sample event: rule, severity, what kind of principal.
#[test]
fn every_sample_event_is_judged() {
    let mut lines = Vec::new();
    for (name, messages) in samples("alarm-fanout") {
        for message in messages {
            let json = message.json().unwrap_or_default();
            let record = json.get("detail").filter(|detail| detail.get("eventSource").is_some());
            let Some(record) = record.or_else(|| Some(&json).filter(|json| json.get("eventSource").is_some())) else {
                continue;
            };
            let judged = judge(record).map_or("-".to_owned(), |judged| {
                let silent = if judged.unsilenceable { " unsilenceable" } else { "" };
                let also =
                    if judged.also.is_empty() { String::new() } else { format!(" also {}", judged.also.join(" ")) };
                format!("{} {}{silent}{also}", judged.rule, judged.severity.name())
            });
            lines.push(format!("{name} ({}): {judged}", principal_kind(record)));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
