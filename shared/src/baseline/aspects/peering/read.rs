//! Reads the VPCs of both sides, the connections, and the account's own routes.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::super::super::observe::side_by_side;
use super::super::super::{Look, Target};
use super::super::{list, sharing};
use crate::aws::{CallError, Scope};
use crate::config::shares::PeerShare;
use crate::types::AccountId;

/// How many accounts are asked at the same time.
const AT_ONCE: usize = 8;
/// Connections in these states are there or on their way.
const ALIVE: [&str; 4] = ["initiating-request", "pending-acceptance", "provisioning", "active"];

/// A mesh as it is in one region.
#[derive(Clone, Debug, PartialEq)]
pub struct Mesh {
    /// The tag of its VPCs, for messages.
    pub(super) tag: String,
    /// The account's own VPCs with the tag.
    pub(super) networks: Vec<Network>,
    /// The route tables of its VPC, where it is one.
    pub(super) tables: Vec<Table>,
    /// The other accounts.
    pub(super) peers: Vec<Peer>,
    /// The account's connections, in whatever state.
    pub(super) connections: Vec<Connection>,
}

/// A VPC and its blocks of addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub(super) id: String,
    pub(super) cidrs: Vec<String>,
}

/// Another account of a mesh.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// As the mesh calls it.
    pub(super) name: String,
    /// Its id, once there is such an account.
    pub(super) account: Option<AccountId>,
    /// Whether this account has to ask it.
    pub(super) asked: bool,
    /// Its VPCs with the tag; or why they could not be read, and whether that may pass.
    pub(super) networks: Result<Vec<Network>, (String, bool)>,
}

/// A route table: what its routes go through, by destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub(super) id: String,
    pub(super) routes: BTreeMap<String, Via>,
}

/// What a route goes through, and whether that is there no more.
#[derive(Clone, Debug, PartialEq)]
pub struct Via {
    pub(super) id: String,
    pub(super) blackhole: bool,
}

/// A peering connection: its sides are account and VPC.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) requester: (String, String),
    pub(super) accepter: (String, String),
}

impl Connection {
    /// Whether it is there or on its way.
    pub(super) fn is_alive(&self) -> bool {
        ALIVE.contains(&self.status.as_str())
    }

    /// Whether it is between these VPCs, whichever asked.
    pub(super) fn joins(&self, one: &str, other: &str) -> bool {
        let (from, to) = (self.requester.1.as_str(), self.accepter.1.as_str());
        (from, to) == (one, other) || (from, to) == (other, one)
    }
}

pub(super) async fn mesh(look: &Look<'_>, target: &Target, share: &PeerShare) -> Result<Mesh, CallError> {
    let networks = networks(look, share).await?;
    let tables = match networks.as_slice() {
        [one] => tables(look, &one.id).await?,
        _ => Vec::new(),
    };
    let own = share.mesh.iter().position(|name| sharing::is(target, name));
    let others = share.mesh.iter().enumerate().filter(|(n, _)| Some(*n) != own);
    let looks = others.map(|(n, name)| peer(look, target, share, (name, Some(n) > own)).boxed()).collect();
    let peers = side_by_side(AT_ONCE, looks).await;
    let tag: Vec<String> = share.tag.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Ok(Mesh { tag: tag.join(", "), networks, tables, peers, connections: connections(look).await? })
}

async fn peer(look: &Look<'_>, target: &Target, share: &PeerShare, (name, asked): (&str, bool)) -> Peer {
    let account = target.account_of(name);
    let networks = match &account {
        Some(account) => match look.elsewhere(account, look.region()).await {
            Ok(scope) => networks(&scope, share).await,
            Err(error) => Err(error),
        },
        None => Ok(Vec::new()),
    };
    let networks = networks.map_err(|error| (error.to_string(), error.may_pass()));
    Peer { name: name.to_owned(), account, asked, networks }
}

/// The VPCs with the tags. Those that others share with the account are listed, too, and are not its own.
async fn networks(scope: &Scope, share: &PeerShare) -> Result<Vec<Network>, CallError> {
    let filter = |(key, value): (&String, &String)| json!({ "Name": format!("tag:{key}"), "Values": [value] });
    let filters: Vec<Value> = share.tag.iter().map(filter).collect();
    let vpcs = scope.pages("ec2", "DescribeVpcs", json!({ "Filters": filters })).await?;
    let own = |vpc: &&Value| vpc.get("OwnerId").is_none_or(|owner| *owner == scope.account().as_ref());
    let held = |block: &&Value| block.pointer("/CidrBlockState/State").is_none_or(|state| state == "associated");
    let network = |vpc: &Value| {
        let blocks = list(vpc, "CidrBlockAssociationSet").iter().filter(held);
        let cidrs: Vec<String> = blocks.map(|block| text(block, "/CidrBlock")).collect();
        let cidrs = if cidrs.is_empty() { vec![text(vpc, "/CidrBlock")] } else { cidrs };
        Network { id: text(vpc, "/VpcId"), cidrs }
    };
    Ok(vpcs.iter().filter(own).map(network).collect())
}

async fn tables(scope: &Scope, vpc: &str) -> Result<Vec<Table>, CallError> {
    let filter = json!([{ "Name": "vpc-id", "Values": [vpc] }]);
    let tables = scope.pages("ec2", "DescribeRouteTables", json!({ "Filters": filter })).await?;
    let route = |route: &Value| {
        let through = route.as_object()?.iter().find(|(key, _)| key.ends_with("Id") && !key.starts_with("Destination"));
        let id = through.and_then(|(_, id)| id.as_str()).unwrap_or("something else").to_owned();
        let blackhole = text(route, "/State") == "blackhole";
        Some((route.get("DestinationCidrBlock")?.as_str()?.to_owned(), Via { id, blackhole }))
    };
    let table = |table: &Value| Table {
        id: text(table, "/RouteTableId"),
        routes: list(table, "Routes").iter().filter_map(route).collect(),
    };
    Ok(tables.iter().map(table).collect())
}

/// The connections that the account has on either side.
pub(super) async fn connections(scope: &Scope) -> Result<Vec<Connection>, CallError> {
    let found = scope.pages("ec2", "DescribeVpcPeeringConnections", json!({})).await?;
    let side =
        |found: &Value, side: &str| (text(found, &format!("/{side}/OwnerId")), text(found, &format!("/{side}/VpcId")));
    let connection = |found: &Value| Connection {
        id: text(found, "/VpcPeeringConnectionId"),
        status: text(found, "/Status/Code"),
        requester: side(found, "RequesterVpcInfo"),
        accepter: side(found, "AccepterVpcInfo"),
    };
    Ok(found.iter().map(connection).collect())
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
