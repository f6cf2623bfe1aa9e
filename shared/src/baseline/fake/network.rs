//! Networks that somebody made in fake accounts: VPCs with tags, their subnets and route tables, and the peerings
//! between them, which both sides see.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::types::{AccountId, Region};

type Tags = BTreeMap<String, String>;
type Accounts = BTreeMap<AccountId, FakeAccount>;

/// A VPC with tags and what is in it; routes by table and destination.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeNetwork {
    pub id: String,
    pub tags: Tags,
    pub cidrs: Vec<String>,
    pub subnets: BTreeMap<String, FakeSubnet>,
    pub tables: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeSubnet {
    pub tags: Tags,
    pub default_for_az: bool,
    /// The account that shares it with this one, where it is not its own.
    pub owner: Option<AccountId>,
}

/// A peering; its sides are account and VPC.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::baseline) struct FakePeering {
    pub id: String,
    pub region: Region,
    pub status: String,
    pub requester: (AccountId, String),
    pub accepter: (AccountId, String),
}

impl FakePeering {
    fn is_alive(&self) -> bool {
        ["pending-acceptance", "active"].contains(&self.status.as_str())
    }

    fn is_of(&self, account: &AccountId, vpc: &str) -> bool {
        [&self.requester, &self.accepter].iter().any(|(owner, id)| owner == account && id == vpc)
    }
}

impl FakeNetwork {
    /// With a main route table and another one, as they are made.
    pub fn tagged(id: &str, key: &str, value: &str, cidr: &str) -> Self {
        let local = || BTreeMap::from([(cidr.to_owned(), "local".to_owned())]);
        let tables = ["main", "other"].map(|name| (format!("rtb-{id}-{name}"), local()));
        let cidrs = vec![cidr.to_owned()];
        Self { id: id.to_owned(), tags: tag(key, value), cidrs, tables: tables.into(), ..Self::default() }
    }
}

impl FakeSubnet {
    pub fn tagged(key: &str, value: &str) -> Self {
        Self { tags: tag(key, value), ..Self::default() }
    }
}

fn tag(key: &str, value: &str) -> Tags {
    Tags::from([(key.to_owned(), value.to_owned())])
}

/// Answers what is about such networks; all else is about the VPCs that AWS makes.
pub(super) fn network(
    (accounts, peerings): (&mut Accounts, &mut Vec<FakePeering>),
    (id, region): (&AccountId, &Region),
    operation: &str,
    params: &Value,
) -> Option<Answer> {
    let wanted = filters(params);
    let by_tag = wanted.keys().any(|name| name.starts_with("tag:"));
    let networks = accounts.get_mut(id).unwrap().networks.entry(region.clone()).or_default();
    match operation {
        "DescribeVpcs" if by_tag => {
            let found = networks.iter().filter(|network| fits(&wanted, &network.tags)).map(|network| {
                let state = json!({ "State": "associated" });
                let blocks = network.cidrs.iter().map(|cidr| json!({ "CidrBlock": cidr, "CidrBlockState": state }));
                json!({ "VpcId": network.id, "OwnerId": id, "CidrBlockAssociationSet": blocks.collect::<Vec<_>>() })
            });
            Some(Ok(json!({ "Vpcs": found.collect::<Vec<_>>() })))
        }
        "DescribeSubnets" if by_tag => {
            let subnets = networks.iter().flat_map(|network| &network.subnets);
            let subnet = |(name, subnet): (&String, &FakeSubnet)| {
                let owner = subnet.owner.as_ref().unwrap_or(id);
                json!({ "SubnetId": name, "OwnerId": owner, "DefaultForAz": subnet.default_for_az,
                    "SubnetArn": format!("arn:aws:ec2:{region}:{owner}:subnet/{name}") })
            };
            let found = subnets.filter(|(_, subnet)| fits(&wanted, &subnet.tags)).map(subnet);
            Some(Ok(json!({ "Subnets": found.collect::<Vec<_>>() })))
        }
        "DescribeRouteTables" => {
            let network = networks.iter().find(|network| wanted.get("vpc-id") == Some(&network.id))?;
            let shown = network.tables.iter().map(|(table, routes)| {
                let routes = routes.iter().map(|(cidr, via)| route(peerings, cidr, via));
                json!({ "RouteTableId": table, "Routes": routes.collect::<Vec<_>>() })
            });
            Some(Ok(json!({ "RouteTables": shown.collect::<Vec<_>>() })))
        }
        "CreateRoute" | "ReplaceRoute" => Some(routed(networks, peerings, id, operation, params)),
        "CreateVpcPeeringConnection" => Some(asked(accounts, peerings, (id, region), params)),
        "AcceptVpcPeeringConnection" => Some(accepted(peerings, id, params)),
        "DescribeVpcPeeringConnections" if wanted.is_empty() => {
            let own =
                |peering: &&FakePeering| peering.region == *region && sides(peering).any(|(owner, _)| owner == id);
            let found = peerings.iter().filter(own).map(shown);
            Some(Ok(json!({ "VpcPeeringConnections": found.collect::<Vec<_>>() })))
        }
        _ => None,
    }
}

fn sides(peering: &FakePeering) -> impl Iterator<Item = &(AccountId, String)> {
    [&peering.requester, &peering.accepter].into_iter()
}

fn shown(peering: &FakePeering) -> Value {
    let side = |(owner, vpc): &(AccountId, String)| json!({ "OwnerId": owner, "VpcId": vpc });
    json!({ "VpcPeeringConnectionId": peering.id, "Status": { "Code": peering.status },
        "RequesterVpcInfo": side(&peering.requester), "AccepterVpcInfo": side(&peering.accepter) })
}

/// A route over a peering that is not active leads nowhere.
fn route(peerings: &[FakePeering], cidr: &str, via: &str) -> Value {
    let peering = via.starts_with("pcx-");
    let active = peerings.iter().any(|peering| peering.id == via && peering.status == "active");
    let member = if peering { "VpcPeeringConnectionId" } else { "GatewayId" };
    let state = if peering && !active { "blackhole" } else { "active" };
    json!({ "DestinationCidrBlock": cidr, "State": state, member: via })
}

fn routed(
    networks: &mut [FakeNetwork],
    peerings: &[FakePeering],
    id: &AccountId,
    operation: &str,
    params: &Value,
) -> Answer {
    let table = text(params, "RouteTableId");
    let network = networks.iter_mut().find(|network| network.tables.contains_key(table));
    let network = network.ok_or((ErrorClass::Gone, "InvalidRouteTableID.NotFound"))?;
    let via = text(params, "VpcPeeringConnectionId");
    let leads = |peering: &&FakePeering| peering.id == via && peering.is_alive() && peering.is_of(id, &network.id);
    peerings.iter().find(leads).ok_or((ErrorClass::Gone, "InvalidVpcPeeringConnectionID.NotFound"))?;
    let routes = network.tables.get_mut(table).unwrap();
    let cidr = text(params, "DestinationCidrBlock").to_owned();
    match (operation, routes.contains_key(&cidr)) {
        ("CreateRoute", true) => return Err((ErrorClass::Exists, "RouteAlreadyExists")),
        ("ReplaceRoute", false) => return Err((ErrorClass::Gone, "InvalidRoute.NotFound")),
        _ => routes.insert(cidr, via.to_owned()),
    };
    Ok(json!({}))
}

fn asked(
    accounts: &Accounts,
    peerings: &mut Vec<FakePeering>,
    (id, region): (&AccountId, &Region),
    params: &Value,
) -> Answer {
    let requester = (id.clone(), text(params, "VpcId").to_owned());
    let accepter: (AccountId, String) =
        (text(params, "PeerOwnerId").parse().unwrap(), text(params, "PeerVpcId").to_owned());
    let exists = |(owner, vpc): &(AccountId, String)| {
        let networks = accounts.get(owner).and_then(|account| account.networks.get(region));
        networks.is_some_and(|networks| networks.iter().any(|network| network.id == *vpc))
    };
    if !exists(&requester) {
        return Err((ErrorClass::Gone, "InvalidVpcID.NotFound"));
    }
    let same = |peering: &&FakePeering| {
        peering.is_alive() && peering.is_of(id, &requester.1) && peering.is_of(&accepter.0, &accepter.1)
    };
    if peerings.iter().any(|peering| same(&peering)) {
        return Err((ErrorClass::Exists, "VpcPeeringConnectionAlreadyExists"));
    }
    let status = if exists(&accepter) { "pending-acceptance" } else { "failed" }.to_owned();
    let id = format!("pcx-{}", peerings.len());
    peerings.push(FakePeering { id, region: region.clone(), status, requester, accepter });
    Ok(json!({ "VpcPeeringConnection": peerings.last().map(shown) }))
}

fn accepted(peerings: &mut [FakePeering], id: &AccountId, params: &Value) -> Answer {
    let wanted = text(params, "VpcPeeringConnectionId");
    let peering = peerings.iter_mut().find(|peering| peering.id == wanted && peering.accepter.0 == *id);
    let peering = peering.ok_or((ErrorClass::Gone, "InvalidVpcPeeringConnectionID.NotFound"))?;
    if peering.status != "pending-acceptance" {
        return Err((ErrorClass::Conflict, "InvalidStateTransition"));
    }
    peering.status = "active".to_owned();
    Ok(json!({}))
}

fn fits(wanted: &BTreeMap<String, String>, tags: &Tags) -> bool {
    wanted.iter().all(|(name, value)| tags.get(name.trim_start_matches("tag:")) == Some(value))
}

/// The filters of a request that have one value.
fn filters(params: &Value) -> BTreeMap<String, String> {
    let filter = |filter: &Value| Some((filter["Name"].as_str()?.to_owned(), filter["Values"][0].as_str()?.to_owned()));
    params["Filters"].as_array().into_iter().flatten().filter_map(filter).collect()
}
