//! What an account costs a day, by service: the one reader of Cost Explorer, for the receipt and for whoever wants to
//! know which services are in use.
//!
//! The figures are about, and late: billing data is refreshed at least once a day, and the newest day is still filling
//! (<https://docs.aws.amazon.com/cost-management/latest/userguide/ce-what-is.html>), so the last whole days before it are
//! taken. Every page of an answer costs 0.01 USD (<https://aws.amazon.com/aws-cost-management/aws-cost-explorer/faqs/>),
//! so it is asked once a run. A call that failed means "not known", never nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::engine::global_region;
use super::receipt::KeptLine;
use super::verdict::{LeftLine, Line, State};
use crate::aws::{Accounts, CallError};
use crate::types::{AccountId, Region};

/// How many whole days are looked at.
const DAYS: i32 = 7;

/// The most pages that are paid for.
const PAGES: usize = 10;

/// Charges that are no use of a service: the values are those of the dimension `RECORD_TYPE`
/// (<https://docs.aws.amazon.com/cost-management/latest/userguide/ce-filtering.html>).
const NOT_USAGE: [&str; 3] = ["Credit", "Refund", "Tax"];

/// Types that cost nothing by themselves, so that keeping one keeps no cost
/// (<https://aws.amazon.com/vpc/pricing/>; IAM: <https://aws.amazon.com/iam/>).
const FREE: [&str; 11] = [
    "AWS::EC2::DHCPOptions",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::KeyPair",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::NetworkAcl",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
];

/// Services whose name in Cost Explorer is not the name of their types. One that is missing here, and does not go by the
/// name of its types, counts for nothing stopped.
const NAMES: &[(&str, &[&str])] = &[
    ("AWS Certificate Manager", &["CertificateManager", "ACMPCA"]),
    ("AWS Database Migration Service", &["DMS"]),
    ("AWS Key Management Service", &["KMS"]),
    ("AWS Systems Manager", &["SSM"]),
    ("AWS Transfer Family", &["Transfer"]),
    ("AWS WAF", &["WAFv2", "WAF", "WAFRegional"]),
    ("Amazon API Gateway", &["ApiGateway", "ApiGatewayV2"]),
    ("Amazon DocumentDB (with MongoDB compatibility)", &["DocDB"]),
    ("Amazon EC2 Container Registry (ECR)", &["ECR"]),
    ("Amazon Elastic Compute Cloud - Compute", &["EC2", "AutoScaling"]),
    ("Amazon Elastic Container Registry Public", &["ECR"]),
    ("Amazon Elastic Container Service", &["ECS"]),
    ("Amazon Elastic Container Service for Kubernetes", &["EKS"]),
    ("Amazon Elastic File System", &["EFS"]),
    ("Amazon Elastic Kubernetes Service", &["EKS"]),
    ("Amazon Elastic Load Balancing", &["ElasticLoadBalancing", "ElasticLoadBalancingV2"]),
    ("Amazon Elastic MapReduce", &["EMR", "EMRContainers", "EMRServerless"]),
    ("Amazon Kinesis Firehose", &["KinesisFirehose"]),
    ("Amazon MQ", &["AmazonMQ"]),
    ("Amazon Managed Streaming for Apache Kafka", &["MSK"]),
    ("Amazon Managed Workflows for Apache Airflow", &["MWAA"]),
    ("Amazon OpenSearch Service", &["OpenSearchService", "Elasticsearch", "OpenSearchServerless"]),
    ("Amazon Relational Database Service", &["RDS"]),
    ("Amazon Route 53", &["Route53", "Route53Resolver"]),
    ("Amazon Simple Notification Service", &["SNS"]),
    ("Amazon Simple Queue Service", &["SQS"]),
    ("Amazon Simple Storage Service", &["S3"]),
    ("Amazon Virtual Private Cloud", &["EC2"]),
    ("AmazonCloudWatch", &["CloudWatch", "Logs"]),
    ("EC2 - Other", &["EC2"]),
];

/// What an account cost a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spend {
    /// The first day that was looked at.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// The currency.
    pub currency: String,
    /// The mean a day of every service that Cost Explorer names for the account, those included that cost nothing.
    pub services: BTreeMap<String, Decimal>,
}

/// Why it is not known.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotKnown {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// There is no line about the account: it is new, or the account that asks does not pay for it.
    #[error(
        "Cost Explorer holds nothing about {0} from {1} to {2}: it is new, or the account that asks is not the one that pays"
    )]
    Nothing(AccountId, Date, Date),
    /// The answer has another form than expected.
    #[error("Cost Explorer's answer cannot be read: {0}")]
    Shape(String),
}

/// What a run knows of its account's costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// The file says not to ask.
    Off,
    /// It could not be found out, with the reason.
    Unknown(String),
    /// It is known.
    Known(Spend),
}

/// What a reset saves, as far as that can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// The file says not to ask.
    Off,
    /// It could not be found out, with the reason.
    Unknown(String),
    /// About so much.
    Known(Bill),
}

/// What the account cost a day, and what of it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// The first day that was looked at.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// The currency.
    pub currency: String,
    /// What the account cost a day.
    pub a_day: Decimal,
    /// What of it belonged to services whose resources are gone.
    pub stopped: Decimal,
    /// Service by service, the dearest first.
    pub services: Vec<ServiceCost>,
}

/// What one service cost a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceCost {
    /// The service, as Cost Explorer names it.
    pub service: String,
    /// The mean a day.
    pub a_day: Decimal,
    /// What became of it.
    pub state: Fate,
}

/// What became of a service's costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Its resources are gone.
    Stopped,
    /// Something of it is left or kept, or could not be looked at.
    Remains,
    /// Nothing of it was deleted, so nothing is claimed.
    Unexplained,
}

/// Asks Cost Explorer what `account` cost a day in the last whole days before `now`. The call is made in the account that
/// Forester runs in; only the management account sees what others cost.
pub async fn spend(
    accounts: &dyn Accounts,
    home: &Region,
    account: &AccountId,
    now: Timestamp,
) -> Result<Spend, NotKnown> {
    let (from, until) = window(now);
    let payer = accounts.scope(&accounts.home().await?, &global_region(home)).await?;
    let mut params = question(account, from, until);
    let mut sums = Sums::default();
    for _ in 0..PAGES {
        let answer = payer.call("ce", "GetCostAndUsage", params.clone()).await?;
        sums.take_in(&answer)?;
        match answer.get("NextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty()) {
            Some(token) => _ = params.as_object_mut().map(|ask| ask.insert("NextPageToken".into(), token.into())),
            None if sums.services.is_empty() => return Err(NotKnown::Nothing(account.clone(), from, until)),
            None => return Ok(sums.mean(from, until)),
        }
    }
    Err(NotKnown::Shape(format!("it has more than {PAGES} pages")))
}

/// Whole days that Cost Explorer has had time to fill: yesterday is not one of them.
fn window(now: Timestamp) -> (Date, Date) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let until = today.saturating_sub(1.days());
    (until.saturating_sub(DAYS.days()), until)
}

fn question(account: &AccountId, from: Date, until: Date) -> Value {
    json!({
        "TimePeriod": {"Start": from.to_string(), "End": until.to_string()},
        "Granularity": "DAILY",
        "Metrics": ["UnblendedCost"],
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        "Filter": {"And": [
            {"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [account]}},
            {"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": NOT_USAGE}}},
        ]},
    })
}

#[derive(Default)]
struct Sums {
    currency: Option<String>,
    services: BTreeMap<String, Decimal>,
}

impl Sums {
    fn take_in(&mut self, answer: &Value) -> Result<(), NotKnown> {
        let missing = |what: &str| NotKnown::Shape(format!("it lacks {what}"));
        let days = answer.get("ResultsByTime").and_then(Value::as_array).ok_or_else(|| missing("ResultsByTime"))?;
        for group in days.iter().filter_map(|day| day.get("Groups")?.as_array()).flatten() {
            let service = group.pointer("/Keys/0").and_then(Value::as_str).ok_or_else(|| missing("Keys"))?;
            let text =
                |member: &str| group.pointer(&format!("/Metrics/UnblendedCost/{member}")).and_then(Value::as_str);
            let amount = text("Amount").ok_or_else(|| missing("Amount"))?;
            let amount = amount.parse::<Decimal>().or_else(|_| Decimal::from_scientific(amount));
            let amount = amount.map_err(|error| NotKnown::Shape(error.to_string()))?;
            let unit = text("Unit").ok_or_else(|| missing("Unit"))?;
            if self.currency.get_or_insert_with(|| unit.to_owned()) != unit {
                return Err(NotKnown::Shape("it mixes currencies".to_owned()));
            }
            *self.services.entry(service.to_owned()).or_default() += amount;
        }
        Ok(())
    }

    fn mean(self, from: Date, until: Date) -> Spend {
        let a_day = |(service, sum)| (service, sum / Decimal::from(DAYS));
        let services = self.services.into_iter().map(a_day).collect();
        Spend { from, until, currency: self.currency.unwrap_or_default(), services }
    }
}

/// The services of types (`EC2` in `AWS::EC2::VPC`) that a service of Cost Explorer stands for. Empty: not known.
pub fn type_services<'n>(service: &str, known: impl Iterator<Item = &'n str>) -> BTreeSet<&'n str> {
    let named = NAMES.iter().find(|(name, _)| *name == service).map(|(_, services)| *services);
    let plain = service.trim_start_matches("Amazon").trim_start_matches("AWS").replace(' ', "");
    known
        .filter(|known| match named {
            Some(services) => services.contains(known),
            None => known.eq_ignore_ascii_case(&plain),
        })
        .collect()
}

/// The service in the name of a type.
pub fn service_of(kind: &str) -> &str {
    kind.split("::").nth(1).unwrap_or(kind)
}

/// What the ledger says about costs.
pub struct Settled<'a> {
    /// Things that went, by type.
    pub gone: &'a BTreeMap<&'a str, u32>,
    /// Every (region, type).
    pub ledger: &'a [Line],
    /// What is left.
    pub left: &'a [LeftLine],
    /// What is kept.
    pub kept: &'a [KeptLine],
}

impl Settled<'_> {
    /// What of the costs is over. It is a claim, so it takes a service of which something went and nothing costly stays.
    pub fn bill(&self, asked: &Asked) -> Cost {
        let spend = match asked {
            Asked::Off => return Cost::Off,
            Asked::Unknown(why) => return Cost::Unknown(why.clone()),
            Asked::Known(spend) => spend,
        };
        let mut services: Vec<ServiceCost> = spend
            .services
            .iter()
            .map(|(service, a_day)| ServiceCost { service: service.clone(), a_day: *a_day, state: self.fate(service) })
            .collect();
        services.sort_by(|a, b| b.a_day.cmp(&a.a_day).then_with(|| a.service.cmp(&b.service)));
        let stopped = services.iter().filter(|service| service.state == Fate::Stopped).map(|service| service.a_day);
        Cost::Known(Bill {
            from: spend.from,
            until: spend.until,
            currency: spend.currency.clone(),
            a_day: services.iter().map(|service| service.a_day).sum(),
            stopped: stopped.sum(),
            services,
        })
    }

    fn fate(&self, service: &str) -> Fate {
        let known = self.ledger.iter().map(|line| service_of(&line.kind));
        let of = type_services(service, known);
        let ours = |kind: &str| of.contains(service_of(kind));
        let costs = |kind: &str| ours(kind) && !FREE.contains(&kind);
        let unread = |line: &&Line| matches!(line.state, State::Denied | State::Error | State::Undeletable);
        let remains = self.left.iter().any(|left| costs(&left.kind))
            || self.kept.iter().any(|kept| costs(&kept.kind))
            || self.ledger.iter().filter(unread).any(|line| costs(&line.kind));
        match (remains, self.gone.keys().any(|kind| ours(kind))) {
            (true, _) => Fate::Remains,
            (false, true) => Fate::Stopped,
            (false, false) => Fate::Unexplained,
        }
    }
}

impl Cost {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Off => "not asked (`sandbox.costs` is `none`)".to_owned(),
            Self::Unknown(why) => format!("not known: {why}"),
            Self::Known(bill) => format!(
                "about {} a day stopped of about {} a day, from Cost Explorer (mean of {} to {}, without credits, refunds and taxes)",
                money(bill.stopped, &bill.currency),
                money(bill.a_day, &bill.currency),
                bill.from,
                bill.until.yesterday().unwrap_or(bill.until),
            ),
        }
    }
}

/// An amount for people: two places, and a small one is not told as nothing.
pub fn money(amount: Decimal, currency: &str) -> String {
    let small = Decimal::new(1, 2);
    match amount {
        _ if amount > Decimal::ZERO && amount < small => format!("less than 0.01 {currency}"),
        _ => format!("{:.2} {currency}", amount.round_dp(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[(&str, &str)]) -> Value {
        let groups: Vec<Value> = rows
            .iter()
            .map(|(service, amount)| json!({"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}))
            .collect();
        json!({"ResultsByTime": [{"Groups": groups}, {"Groups": []}]})
    }

    fn spent(rows: &[(&str, &str)]) -> Spend {
        let mut sums = Sums::default();
        sums.take_in(&answer(rows)).unwrap();
        sums.mean("2026-12-25".parse().unwrap(), "2027-01-01".parse().unwrap())
    }

    #[test]
    fn the_newest_day_is_left_out() {
        let (from, until) = window("2027-01-03T02:00:00Z".parse().unwrap());
        assert_eq!(
            (from.to_string(), until.to_string()),
            ("2026-12-26".into(), "2027-01-02".into()),
            "1 January is the last"
        );
    }

    #[test]
    fn days_are_summed_and_divided() {
        let spend =
            spent(&[("Amazon DynamoDB", "7"), ("Amazon DynamoDB", "7"), ("AWS Lambda", "0"), ("Tiny", "1.4E-9")]);
        assert_eq!(spend.services["Amazon DynamoDB"], Decimal::from(2));
        assert_eq!(spend.services["AWS Lambda"], Decimal::ZERO, "in use, though free");
    }

    #[test]
    fn an_answer_without_an_amount_is_not_nothing() {
        let broken = json!({"ResultsByTime": [{"Groups": [{"Keys": ["X"], "Metrics": {}}]}]});
        assert!(matches!(Sums::default().take_in(&broken), Err(NotKnown::Shape(_))));
        assert!(matches!(Sums::default().take_in(&json!({})), Err(NotKnown::Shape(_))));
    }

    fn line(kind: &str, state: State) -> Line {
        Line { region: "eu-west-1".into(), kind: kind.into(), state, count: 0, note: String::new() }
    }

    fn check(service: &str, gone: &[&'static str], ledger: &[Line], kept: &[&str], expect: Fate) {
        let gone = gone.iter().map(|kind| (*kind, 1)).collect();
        let kept: Vec<KeptLine> = kept
            .iter()
            .map(|kind| KeptLine {
                kind: (*kind).into(),
                id: "x".into(),
                region: "eu-west-1".into(),
                reason: "said so".into(),
            })
            .collect();
        let settled = Settled { gone: &gone, ledger, left: &[], kept: &kept };
        assert_eq!(settled.fate(service), expect, "{service}");
    }

    #[test]
    fn stopped_takes_something_gone_and_nothing_costly_left() {
        let ledger = [line("AWS::EC2::Instance", State::Cleaned), line("AWS::EC2::VPC", State::Protected)];
        check("EC2 - Other", &["AWS::EC2::Instance"], &ledger, &["AWS::EC2::VPC"], Fate::Stopped);
        check("EC2 - Other", &["AWS::EC2::Instance"], &ledger, &["AWS::EC2::Volume"], Fate::Remains);
        check("EC2 - Other", &[], &ledger, &[], Fate::Unexplained);
        check("AWS Support (Business)", &["AWS::EC2::Instance"], &ledger, &[], Fate::Unexplained);
        let denied = [line("AWS::EC2::Instance", State::Cleaned), line("AWS::EC2::Volume", State::Denied)];
        check("EC2 - Other", &["AWS::EC2::Instance"], &denied, &[], Fate::Remains);
    }

    #[test]
    fn services_that_go_by_their_types_name_need_no_entry() {
        let ledger = [line("AWS::DynamoDB::Table", State::Cleaned)];
        check("Amazon DynamoDB", &["AWS::DynamoDB::Table"], &ledger, &[], Fate::Stopped);
    }

    #[test]
    fn what_is_not_known_is_said_and_never_nothing() {
        let gone = BTreeMap::new();
        let settled = Settled { gone: &gone, ledger: &[], left: &[], kept: &[] };
        assert_eq!(settled.bill(&Asked::Unknown("denied".into())).words(), "not known: denied");
        assert_eq!(money(Decimal::new(1, 4), "USD"), "less than 0.01 USD");
        assert_eq!(money(Decimal::new(1234, 2), "USD"), "12.34 USD");
    }
}
