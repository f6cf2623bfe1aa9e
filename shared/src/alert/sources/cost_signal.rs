//! Early cost signals: calls that will cost much, minutes after they were made. A budget hears of them a day later
//! (<https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html>).
//!
//! The rules are data. No price stands here: prices differ by region and change, so the hourly cost is said to be not
//! known, and the severity follows from what kind of thing it is and whether it can be taken back.

use serde_json::Value;

use super::cloudtrail::record;
use super::{Incoming, Source};
use crate::alert::Text;
use crate::alert::model::{Alert, Identity, Severity, text};
use crate::alert::record::evidence;
use crate::alert::rules;

/// The source.
pub(super) struct CostSignals;

/// Calls of one service that cost.
struct Rule {
    /// The event source, without `.amazonaws.com`.
    service: &'static str,
    /// The calls.
    calls: &'static [&'static str],
    /// What kind of cost it is: the label `rule`.
    name: &'static str,
    /// How bad it is.
    severity: Severity,
    /// What people read.
    what: &'static str,
}

const fn rule(
    service: &'static str,
    calls: &'static [&'static str],
    name: &'static str,
    severity: Severity,
    what: &'static str,
) -> Rule {
    Rule { service, calls, name, severity, what }
}

const COMMITMENT: &str = "commitment";
const PROVISIONED: &str = "provisioned";
const CLUSTER: &str = "cluster";
const PAID: &str = "paid for a term; it cannot be taken back";
const IDLE: &str = "paid by the hour, used or not";

/// Calls that cost whatever their parameters say.
const RULES: &[Rule] = &[
    rule("savingsplans", &["CreateSavingsPlan"], COMMITMENT, Severity::High, PAID),
    rule("ec2", &["PurchaseReservedInstancesOffering", "PurchaseScheduledInstances"], COMMITMENT, Severity::High, PAID),
    rule(
        "ec2",
        &["PurchaseHostReservation", "PurchaseCapacityBlock", "PurchaseCapacityBlockExtension"],
        COMMITMENT,
        Severity::High,
        PAID,
    ),
    rule("rds", &["PurchaseReservedDBInstancesOffering"], COMMITMENT, Severity::High, PAID),
    rule("elasticache", &["PurchaseReservedCacheNodesOffering"], COMMITMENT, Severity::High, PAID),
    rule("memorydb", &["PurchaseReservedNodesOffering"], COMMITMENT, Severity::High, PAID),
    rule("redshift", &["PurchaseReservedNodeOffering"], COMMITMENT, Severity::High, PAID),
    rule("redshift-serverless", &["CreateReservation"], COMMITMENT, Severity::High, PAID),
    rule(
        "es",
        &["PurchaseReservedInstanceOffering", "PurchaseReservedElasticsearchInstanceOffering"],
        COMMITMENT,
        Severity::High,
        PAID,
    ),
    rule("medialive", &["PurchaseOffering"], COMMITMENT, Severity::High, PAID),
    rule("mediaconnect", &["PurchaseOffering"], COMMITMENT, Severity::High, PAID),
    rule("sagemaker", &["CreateTrainingPlan"], COMMITMENT, Severity::High, PAID),
    rule("shield", &["CreateSubscription"], COMMITMENT, Severity::High, "a subscription for a year"),
    rule("route53domains", &["RegisterDomain", "TransferDomain"], COMMITMENT, Severity::Medium, "a domain, for years"),
    rule("outposts", &["CreateOrder"], COMMITMENT, Severity::High, "hardware that is delivered"),
    rule("snowball", &["CreateJob", "CreateCluster"], COMMITMENT, Severity::Medium, "hardware that is delivered"),
    rule("directconnect", &["CreateConnection"], PROVISIONED, Severity::Medium, IDLE),
    rule("bedrock", &["CreateProvisionedModelThroughput"], PROVISIONED, Severity::High, IDLE),
    rule("ec2", &["AllocateHosts", "CreateCapacityReservation"], PROVISIONED, Severity::High, IDLE),
    rule("sagemaker", &["CreateEndpoint", "CreateCluster"], PROVISIONED, Severity::High, IDLE),
    rule("kendra", &["CreateIndex"], PROVISIONED, Severity::High, IDLE),
    rule("cloudhsm", &["CreateHsm"], PROVISIONED, Severity::High, IDLE),
    rule("acm-pca", &["CreateCertificateAuthority"], PROVISIONED, Severity::Medium, "paid by the month, used or not"),
    rule("network-firewall", &["CreateFirewall"], PROVISIONED, Severity::Medium, IDLE),
    rule("redshift", &["CreateCluster"], CLUSTER, Severity::High, IDLE),
    rule("redshift-serverless", &["CreateWorkgroup"], CLUSTER, Severity::Medium, "paid while it works"),
    rule("es", &["CreateDomain", "CreateElasticsearchDomain"], CLUSTER, Severity::Medium, IDLE),
    rule("aoss", &["CreateCollection"], CLUSTER, Severity::Medium, IDLE),
    rule("kafka", &["CreateCluster", "CreateClusterV2"], CLUSTER, Severity::Medium, IDLE),
    rule("elasticmapreduce", &["RunJobFlow"], CLUSTER, Severity::Medium, IDLE),
    rule("memorydb", &["CreateCluster"], CLUSTER, Severity::Medium, IDLE),
    rule("fsx", &["CreateFileSystem"], CLUSTER, Severity::Medium, IDLE),
    rule(
        "account",
        &["EnableRegion"],
        "new-region",
        Severity::Medium,
        "a region is opened in which nobody may be looking",
    ),
];

/// Families of instances with accelerators, or so large that one is a matter. The longest name that fits counts.
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-type-specifications.html>
const FAMILIES: &[(&str, Severity, &str)] = &[
    ("p", Severity::High, "GPUs for training"),
    ("trn", Severity::High, "chips for training"),
    ("dl", Severity::High, "chips for training"),
    ("g", Severity::High, "GPUs"),
    ("gr", Severity::High, "GPUs"),
    ("inf", Severity::High, "chips for inference"),
    ("vt", Severity::Medium, "chips for video"),
    ("f", Severity::High, "FPGAs"),
    ("u", Severity::High, "terabytes of memory"),
    ("hpc", Severity::High, "machines for supercomputing"),
    ("mac", Severity::Medium, "a host that is paid for 24 hours at least"),
];

/// From this size on (`16xlarge`), whatever the family.
const LARGE: u32 = 16;

/// The members of a request that name types of instances; their names end so, whatever stands before.
const MEMBERS: &[&str] = &["instancetype", "instancetypes", "instanceclass", "nodetype", "cachenodetype"];

impl Source for CostSignals {
    fn name(&self) -> &'static str {
        "cost-signals"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Option<Alert> {
        let record = record(&incoming.json)?;
        // What was refused costs nothing; a dry run is told as an error too.
        if text(record, "/errorCode").is_some() {
            return None;
        }
        let found = by_call(record).or_else(|| by_instance(record))?;
        // What the benchmark or the pack against tampering knows (the root user's calls among it) is told as that,
        // whatever it costs. Every pattern is tried for that, so only what costs is asked.
        if rules::judge(record).is_some() {
            return None;
        }
        let event = evidence(record)?;
        let mut alert = Alert::new(&incoming.message.id, self.name(), "cost-signal", &incoming.message.text);
        alert.severity = found.severity;
        alert.title = Text::line(&format!("{} by {}: {}", event.what, event.who, found.what));
        alert.account = event.account.clone();
        alert.time = event.when;
        alert.label("rule", found.rule);
        alert.label("event", event.what.as_str());
        alert.label("principal", event.who.as_str());
        alert.label("region", event.r#where.as_str());
        alert.label("instance", found.instance.as_deref().unwrap_or_default());
        if let Some(instance) = &found.instance {
            alert.fact("instance type", instance);
        }
        if let Some(count) = count(record) {
            alert.fact("how many", count);
        }
        alert.fact("cost", found.what);
        alert.fact("hourly cost", "not known: prices differ by region and agreement");
        alert.identity = Identity::new("event", &[&event.id], "");
        alert.evidence = vec![event];
        Some(alert)
    }
}

/// What a call will cost.
struct Found {
    rule: &'static str,
    severity: Severity,
    what: String,
    instance: Option<String>,
}

fn by_call(record: &Value) -> Option<Found> {
    let service = text(record, "/eventSource")?.trim_end_matches(".amazonaws.com");
    let call = text(record, "/eventName")?;
    // Some services put the date of their interface into the name: CreateDomain2021_01_01.
    let named = |known: &&str| call.strip_prefix(*known).is_some_and(|rest| rest.is_empty() || dated(rest));
    let rule = RULES.iter().find(|rule| rule.service == service && rule.calls.iter().any(named))?;
    Some(Found { rule: rule.name, severity: rule.severity, what: rule.what.to_owned(), instance: None })
}

fn dated(rest: &str) -> bool {
    rest.starts_with("20") && rest.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// The most serious of the instances that the call asks for or got. Only calls that make something count.
fn by_instance(record: &Value) -> Option<Found> {
    let call = text(record, "/eventName")?;
    let makes = ["Create", "Run", "Request", "Start", "Modify", "Restore", "Update", "Add"];
    if !makes.iter().any(|verb| call.starts_with(verb)) {
        return None;
    }
    let mut types = Vec::new();
    collect(record.get("requestParameters").unwrap_or(&Value::Null), "", &mut types);
    let judged = types.iter().filter_map(|name| judge(name).map(|(severity, what)| (severity, what, name)));
    let (severity, what, name) = judged.max_by_key(|(severity, _, _)| *severity)?;
    let what = format!("{name}, {what}");
    Some(Found { rule: "instance", severity, what, instance: Some(name.clone()) })
}

/// Every type of instance in the parameters, wherever it stands.
fn collect(value: &Value, member: &str, types: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, inner)| collect(inner, name, types)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, member, types)),
        Value::String(name) if MEMBERS.iter().any(|end| member.to_ascii_lowercase().ends_with(end)) => {
            types.push(name.clone());
        }
        _ => {}
    }
}

/// How serious a type of instance is: by its family, or by its size.
fn judge(name: &str) -> Option<(Severity, &'static str)> {
    let mut parts: Vec<&str> = name.split('.').collect();
    // Services put their own word before the type (ml.p4d.24xlarge), and search puts it after.
    parts.retain(|part| !["ml", "db", "cache", "search", "elasticsearch"].contains(part));
    let [family, size] = parts.as_slice() else { return None };
    let letters: String = family.chars().take_while(char::is_ascii_lowercase).collect();
    let known = FAMILIES.iter().find(|(known, ..)| *known == letters && family.len() > letters.len());
    if let Some((_, severity, what)) = known {
        return Some((*severity, *what));
    }
    let factor = size.strip_suffix("xlarge").and_then(|factor| factor.parse::<u32>().ok());
    let large = factor.is_some_and(|factor| factor >= LARGE) || size.starts_with("metal");
    large.then_some((Severity::Medium, "very large"))
}

/// How many were asked for, where the call says so.
fn count(record: &Value) -> Option<String> {
    let members = ["/requestParameters/instancesSet/items/0/maxCount", "/requestParameters/numberOfNodes"];
    let members = members.into_iter().chain(["/requestParameters/modelUnits", "/requestParameters/instanceCount"]);
    let number = members.filter_map(|pointer| record.pointer(pointer)).find(|value| value.is_number());
    number.map(Value::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Message;

    fn read(service: &str, call: &str, parameters: Value) -> Option<Alert> {
        let event = json!({"detail-type": "AWS API Call via CloudTrail", "detail": {
            "eventSource": format!("{service}.amazonaws.com"), "eventName": call, "eventID": "e-1", "awsRegion": "us-west-2",
            "eventTime": "2026-11-12T04:21:37Z", "recipientAccountId": "444455556666", "requestParameters": parameters,
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::444455556666:user/ana"}}});
        CostSignals.read(&Incoming::new(&Message::direct("m1", event.to_string())))
    }

    fn check(service: &str, call: &str, parameters: Value, expect: Option<(&str, Severity)>) {
        let alert = read(service, call, parameters.clone());
        let got = alert.as_ref().map(|alert| (alert.labels["rule"].as_str(), alert.severity));
        assert_eq!(got, expect, "{service}:{call} {parameters}");
    }

    #[test]
    fn instances_count_by_family_and_by_size() {
        let run = |name: &str| json!({"instanceType": name, "instancesSet": {"items": [{"maxCount": 4}]}});
        let (high, medium) = (Some(("instance", Severity::High)), Some(("instance", Severity::Medium)));
        for name in [
            "p4d.24xlarge",
            "p5.48xlarge",
            "p6-b200.48xlarge",
            "g5.xlarge",
            "gr6.4xlarge",
            "trn1.2xlarge",
            "u-6tb1.metal",
        ] {
            check("ec2", "RunInstances", run(name), high);
        }
        for name in ["m7i.48xlarge", "c7g.metal", "r6i.16xlarge", "mac2.metal"] {
            check("ec2", "RunInstances", run(name), medium);
        }
        for name in ["t3.micro", "m5.8xlarge", "i4i.large", "x", "", "g5", "p.large"] {
            check("ec2", "RunInstances", run(name), None);
        }
        let variants =
            json!({"productionVariants": [{"instanceType": "ml.m5.large"}, {"instanceType": "ml.p4d.24xlarge"}]});
        check("sagemaker", "CreateEndpointConfig", variants, high);
        check("rds", "CreateDBInstance", json!({"dBInstanceClass": "db.r6i.32xlarge"}), medium);
        check("ec2", "DescribeInstances", run("p5.48xlarge"), None);
    }

    #[test]
    fn commitments_and_what_is_paid_idle_are_told() {
        check("savingsplans", "CreateSavingsPlan", Value::Null, Some(("commitment", Severity::High)));
        check("bedrock", "CreateProvisionedModelThroughput", Value::Null, Some(("provisioned", Severity::High)));
        check("account", "EnableRegion", json!({"RegionName": "ap-east-2"}), Some(("new-region", Severity::Medium)));
        check("es", "CreateDomain2021_01_01", Value::Null, Some(("cluster", Severity::Medium)));
        check("es", "CreateDomainAndMore", Value::Null, None);
        check("rds", "CreateSavingsPlan", Value::Null, None);
    }

    #[test]
    fn price_is_not_guessed() {
        let alert = read("ec2", "RunInstances", json!({"instanceType": "g5.xlarge"})).unwrap();
        let cost = alert.facts.iter().find(|fact| fact.name == "hourly cost").unwrap();
        assert!(cost.value.as_str().starts_with("not known"), "{}", cost.value);
        assert_eq!(alert.account.unwrap().as_ref(), "444455556666");
    }

    #[test]
    fn root_is_told_as_root_whatever_it_costs() {
        let event = json!({"detail-type": "AWS API Call via CloudTrail", "detail": {"eventSource": "ec2.amazonaws.com",
            "eventName": "RunInstances", "eventID": "e", "eventType": "AwsApiCall", "userIdentity": {"type": "Root"},
            "requestParameters": {"instanceType": "p5.48xlarge"}}});
        assert!(CostSignals.read(&Incoming::new(&Message::direct("m1", event.to_string()))).is_none());
    }

    #[test]
    fn what_was_refused_costs_nothing() {
        let event = json!({"detail-type": "AWS API Call via CloudTrail", "detail": {"eventSource": "ec2.amazonaws.com",
            "eventName": "RunInstances", "eventID": "e", "errorCode": "Client.DryRunOperation",
            "requestParameters": {"instanceType": "p5.48xlarge"}}});
        assert!(CostSignals.read(&Incoming::new(&Message::direct("m1", event.to_string()))).is_none());
    }
}
