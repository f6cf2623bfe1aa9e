//! Networks that somebody made in a fake account: VPCs with tags, their subnets and route tables.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, FakeAccount};
use crate::types::{AccountId, Region};

type Tags = BTreeMap<String, String>;

/// A VPC with tags and what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeNetwork {
    pub id: String,
    pub tags: Tags,
    pub subnets: BTreeMap<String, FakeSubnet>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeSubnet {
    pub tags: Tags,
    pub default_for_az: bool,
    /// The account that shares it with this one, where it is not its own.
    pub owner: Option<AccountId>,
}

impl FakeSubnet {
    pub fn tagged(key: &str, value: &str) -> Self {
        Self { tags: tag(key, value), ..Self::default() }
    }
}

pub(in crate::baseline) fn tag(key: &str, value: &str) -> Tags {
    Tags::from([(key.to_owned(), value.to_owned())])
}

/// Answers what asks by tag; all else is about the VPCs that AWS makes.
pub(super) fn network(
    (id, account): (&AccountId, &FakeAccount),
    region: &Region,
    operation: &str,
    params: &Value,
) -> Option<Answer> {
    let wanted = filters(params);
    if !wanted.keys().any(|name| name.starts_with("tag:")) {
        return None;
    }
    let fits =
        |tags: &Tags| wanted.iter().all(|(name, value)| tags.get(name.trim_start_matches("tag:")) == Some(value));
    let networks = account.networks.get(region).into_iter().flatten();
    let subnet = |(name, subnet): (&String, &FakeSubnet)| {
        let owner = subnet.owner.as_ref().unwrap_or(id);
        json!({ "SubnetId": name, "OwnerId": owner, "DefaultForAz": subnet.default_for_az,
            "SubnetArn": format!("arn:aws:ec2:{region}:{owner}:subnet/{name}") })
    };
    match operation {
        "DescribeSubnets" => {
            let subnets = networks.flat_map(|network| &network.subnets).filter(|(_, subnet)| fits(&subnet.tags));
            Some(Ok(json!({ "Subnets": subnets.map(subnet).collect::<Vec<_>>() })))
        }
        _ => panic!("the fake does not know ec2:{operation} by tag"),
    }
}

/// The filters of a request that have one value.
fn filters(params: &Value) -> BTreeMap<String, String> {
    let filter = |filter: &Value| Some((filter["Name"].as_str()?.to_owned(), filter["Values"][0].as_str()?.to_owned()));
    params["Filters"].as_array().into_iter().flatten().filter_map(filter).collect()
}
