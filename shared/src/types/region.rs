//! Regions, and the partition each belongs to.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Malformed, string_type};

/// A region code such as `eu-west-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    /// Where the global services of the commercial partition live.
    pub(crate) fn us_east_1() -> Self {
        Self("us-east-1".to_owned())
    }

    /// The region of a bucket, by the `LocationConstraint` of `GetBucketLocation`, which has two names that are older than
    /// the rule (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>).
    pub fn of_bucket(constraint: Option<&str>) -> Result<Self, Malformed> {
        match constraint {
            None | Some("") => Ok(Self::us_east_1()),
            Some("EU") => "eu-west-1".parse(),
            Some(name) => name.parse(),
        }
    }

    /// The partition that the region is part of, told by its prefix.
    pub fn partition(&self) -> Partition {
        let prefixes = [
            ("cn-", Partition::AwsCn),
            ("us-gov-", Partition::AwsUsGov),
            ("us-iso-", Partition::AwsIso),
            ("us-isob-", Partition::AwsIsoB),
            ("eu-isoe-", Partition::AwsIsoE),
            ("us-isof-", Partition::AwsIsoF),
            ("eusc-", Partition::AwsEusc),
        ];
        prefixes.iter().find(|(prefix, _)| self.0.starts_with(prefix)).map_or(Partition::Aws, |(_, found)| *found)
    }
}

impl Partition {
    /// The region in which AWS Organizations answers and sends its events
    /// (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html>).
    pub fn organizations(self) -> Region {
        let code = match self {
            Self::AwsCn => "cn-northwest-1",
            Self::AwsUsGov => "us-gov-west-1",
            Self::AwsIso => "us-iso-east-1",
            Self::AwsIsoB => "us-isob-east-1",
            Self::AwsIsoE => "eu-isoe-west-1",
            Self::AwsIsoF => "us-isof-south-1",
            Self::AwsEusc => "eusc-de-east-1",
            Self::Aws => "us-east-1",
        };
        Region(code.to_owned())
    }
}

impl FromStr for Region {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let parts: Vec<&str> = text.split('-').collect();
        let number = parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()));
        let words =
            parts.iter().rev().skip(1).all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
        if parts.len() >= 3 && number && words {
            Ok(Self(text.to_owned()))
        } else {
            Err(Malformed::new(text, "a region code such as eu-west-1"))
        }
    }
}
string_type!(Region, "^[a-z]+(-[a-z]+)+-[0-9]+$");

/// A set of regions with its own accounts, endpoints and ARNs.
/// Names as in `aws:partition`: <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Partition {
    /// The commercial regions.
    Aws,
    /// China.
    AwsCn,
    /// GovCloud (US).
    AwsUsGov,
    /// US isolated, Top Secret.
    AwsIso,
    /// US isolated, Secret.
    AwsIsoB,
    /// Europe isolated.
    AwsIsoE,
    /// US isolated, southern.
    AwsIsoF,
    /// European Sovereign Cloud.
    AwsEusc,
}

impl Partition {
    /// The second field of the partition's ARNs.
    pub fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
            Self::AwsEusc => "aws-eusc",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(region: &str, expect: &str) {
        assert_eq!(region.parse::<Region>().unwrap().partition().id(), expect);
    }

    #[test]
    fn partition_follows_the_prefix() {
        check("eu-west-1", "aws");
        check("us-gov-west-1", "aws-us-gov");
        check("us-isob-east-1", "aws-iso-b");
        check("cn-northwest-1", "aws-cn");
    }

    #[test]
    fn old_names_of_locations_are_read() {
        let of = |constraint| Region::of_bucket(constraint).unwrap().to_string();
        assert_eq!(of(None), "us-east-1");
        assert_eq!(of(Some("EU")), "eu-west-1");
        assert_eq!(of(Some("eu-central-1")), "eu-central-1");
    }

    #[test]
    fn display_names_are_not_region_codes() {
        assert!("US East (N. Virginia)".parse::<Region>().is_err());
        assert!("global".parse::<Region>().is_err());
    }
}
