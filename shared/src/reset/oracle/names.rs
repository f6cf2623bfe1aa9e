//! What a service is called: CloudFormation, IAM, ARNs, CloudTrail and bills each have names of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

/// The names that come along: facts, see the file.
const TEXT: &str = include_str!("../../../catalogue/services.json");

#[derive(Default, Deserialize)]
struct File {
    services: BTreeMap<String, Vec<String>>,
    quiet: String,
    quiet_costs: Vec<String>,
    arns: BTreeMap<String, String>,
    records: String,
}

/// Names of services.
#[derive(Debug, Default)]
pub struct Names {
    /// From any name to the first parts of CloudFormation types.
    prefixes: BTreeMap<String, BTreeSet<String>>,
    /// Services that hold nothing that could be deleted.
    quiet: BTreeSet<String>,
    /// Types whose ARNs have a word of their own.
    arns: BTreeMap<String, String>,
    /// What is only told of work that was done, and cannot be deleted.
    records: BTreeSet<String>,
}

impl Names {
    /// The names that come with this version. A file that cannot be read knows no service, and then none is covered.
    pub fn embedded() -> &'static Self {
        static READ: OnceLock<Names> = OnceLock::new();
        READ.get_or_init(|| Self::new(serde_json::from_str(TEXT).unwrap_or_default()))
    }

    fn new(file: File) -> Self {
        let mut names = Self { arns: file.arns, ..Self::default() };
        for (prefix, known) in &file.services {
            let words = known.first().map(String::as_str).unwrap_or_default().split(' ');
            let all = words.chain(known.iter().skip(1).map(String::as_str)).chain([prefix.as_str()]);
            for name in all {
                names.prefixes.entry(fold(name)).or_default().insert(prefix.clone());
            }
        }
        let quiet = file.quiet.split(' ').chain(file.quiet_costs.iter().map(String::as_str));
        names.quiet = quiet.map(fold).collect();
        names.records = file.records.split(' ').map(str::to_owned).collect();
        names
    }

    /// The first parts of the CloudFormation types of a service.
    pub fn prefixes(&self, service: &str) -> impl Iterator<Item = &str> {
        self.prefixes.get(&fold(service)).into_iter().flatten().map(String::as_str)
    }

    /// Whether a service holds nothing.
    pub fn quiet(&self, service: &str) -> bool {
        self.quiet.contains(&fold(service))
    }

    /// Whether the words of an ARN stand for a record of work that was done.
    pub fn record(&self, service: &str, word: Option<&str>) -> bool {
        word.is_some_and(|word| self.records.contains(&format!("{service}:{word}")))
    }

    /// The CloudFormation type that an ARN's words stand for, where they are not its own name.
    pub fn by_arn(&self, service: &str, word: &str) -> Option<&str> {
        self.arns.get(&format!("{service}:{word}")).map(String::as_str)
    }
}

/// A name without the differences that do not matter: `Amazon EC2 Container Registry (ECR)` and `AWS::ECR` do differ.
pub fn fold(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let short = ["amazon", "aws"].iter().find_map(|maker| letters.strip_prefix(maker).filter(|rest| !rest.is_empty()));
    short.map_or_else(|| letters.clone(), str::to_owned)
}

/// The service of an ARN, and the word for the type of resource: `rds` and `db`. The word is empty where there is none.
pub fn arn_words(arn: &str) -> (&str, &str) {
    let mut parts = arn.splitn(6, ':');
    let service = parts.nth(2).unwrap_or_default();
    let rest = parts.nth(2).unwrap_or_default().trim_start_matches('/');
    let end = rest.find([':', '/']);
    (service, end.and_then(|end| rest.get(..end)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expect: &[&str]) {
        assert_eq!(Names::embedded().prefixes(name).collect::<Vec<_>>(), expect, "{name}");
    }

    #[test]
    fn services_are_known_under_all_their_names() {
        check("ec2", &["EC2"]);
        check("Amazon Elastic Compute Cloud - Compute", &["EC2"]);
        check("Amazon Simple Storage Service", &["S3", "S3Express"]);
        check("AWS Lambda", &["Lambda"]);
        check("elasticfilesystem", &["EFS"]);
        check("AmazonCloudWatch", &["CloudWatch", "Logs"]);
        check("elasticloadbalancing", &["ElasticLoadBalancing", "ElasticLoadBalancingV2"]);
        check("kafka", &["MSK"]);
        check("nothing-like-it", &[]);
    }

    #[test]
    fn what_holds_nothing_is_known() {
        assert!(Names::embedded().quiet("sts") && Names::embedded().quiet("Tax"));
        assert!(Names::embedded().record("sagemaker", Some("training-job")));
        assert!(!Names::embedded().record("sagemaker", Some("endpoint")) && !Names::embedded().record("sqs", None));
        assert!(!Names::embedded().quiet("ec2") && !Names::embedded().quiet("nothing-like-it"));
    }

    #[test]
    fn arns_name_service_and_type() {
        assert_eq!(arn_words("arn:aws:rds:eu-west-1:555566667777:db:main"), ("rds", "db"));
        assert_eq!(arn_words("arn:aws:ec2:eu-west-1:555566667777:volume/vol-1"), ("ec2", "volume"));
        assert_eq!(arn_words("arn:aws:apigateway:eu-west-1::/restapis/a1"), ("apigateway", "restapis"));
        assert_eq!(arn_words("arn:aws:s3:::bucket"), ("s3", ""));
        assert_eq!(arn_words("nonsense"), ("", ""));
    }
}
