//! Amazon Resource Names, taken apart and put together in this file alone.
//!
//! Form: `arn:partition:service:region:account-id:resource`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>); region and account may be empty.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{AccountId, Malformed, Partition, string_type};

/// A checked ARN of six fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn(String);

impl Arn {
    /// An IAM resource of an account, such as `role/Administrator`.
    pub fn iam(partition: Partition, account: &AccountId, resource: &str) -> Self {
        Self(format!("arn:{}:iam::{account}:{resource}", partition.id()))
    }

    /// A policy that AWS manages, such as `ReadOnlyAccess` or `job-function/Billing`.
    pub fn managed_policy(partition: Partition, name: &str) -> Self {
        Self(format!("arn:{}:iam::aws:policy/{name}", partition.id()))
    }

    /// A resource of AWS Organizations, such as `ou/o-exampleorgid/ou-abcd-12345678`; `management` owns them all.
    pub fn organizations(partition: Partition, management: &AccountId, resource: &str) -> Self {
        Self(format!("arn:{}:organizations::{management}:{resource}", partition.id()))
    }

    /// An S3 bucket, whose ARN names neither region nor account.
    pub fn bucket(partition: Partition, name: &str) -> Self {
        Self(format!("arn:{}:s3:::{name}", partition.id()))
    }

    /// A resource of one account, in a region; for what has no region, an empty one.
    pub fn of(partition: Partition, service: &str, region: &str, account: &AccountId, resource: &str) -> Self {
        Self(format!("arn:{}:{service}:{region}:{account}:{resource}", partition.id()))
    }

    /// Field `n`, counted from 0; the sixth keeps its own colons.
    fn field(&self, n: usize) -> &str {
        self.0.splitn(6, ':').nth(n).unwrap_or_default()
    }

    /// The service prefix, such as `sns`.
    pub fn service(&self) -> &str {
        self.field(2)
    }

    /// The region code, empty for global resources.
    pub fn region(&self) -> &str {
        self.field(3)
    }

    /// The owning account, empty for S3 buckets and a few others.
    pub fn account(&self) -> &str {
        self.field(4)
    }

    /// Everything after the fifth colon.
    pub fn resource(&self) -> &str {
        self.field(5)
    }
}

impl FromStr for Arn {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        match fields.as_slice() {
            ["arn", partition, service, _, _, resource]
                if !partition.is_empty() && !service.is_empty() && !resource.is_empty() =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Malformed::new(text, "an ARN (arn:partition:service:region:account:resource)")),
        }
    }
}
string_type!(Arn, "^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_keeps_its_colons() {
        let arn: Arn = "arn:aws:cloudwatch:us-east-1:222233334444:alarm:CIS: root".parse().unwrap();
        assert_eq!((arn.region(), arn.account(), arn.resource()), ("us-east-1", "222233334444", "alarm:CIS: root"));
    }

    #[test]
    fn role_of_another_partition() {
        let account = "111122223333".parse().unwrap();
        assert_eq!(Arn::iam(Partition::AwsCn, &account, "role/A").as_ref(), "arn:aws-cn:iam::111122223333:role/A");
    }
}
