//! VPC peering in a mesh: of each two accounts, the one that the mesh names first asks, and the other accepts.
//!
//! Each side sees to its own routes, which AWS takes before the other side has accepted
//! (<https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-routing.html>). A connection is known by its two VPCs;
//! one that was rejected, expired or failed is no connection. Routes that go somewhere else already are somebody's.

mod cidr;
mod pair;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::regions_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{counted, sharing};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::config::shares::PeerShare;
use crate::types::{AccountId, Region};
use read::Mesh;

/// The peering connections of meshes, and the routes over them.
pub struct Peering;

/// What can be done about peering.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Asks the other account for a connection, and routes to it.
    RequestPeering {
        /// What the other account is called.
        peer: String,
        /// Its id.
        account: AccountId,
        /// The VPC here.
        vpc: String,
        /// The VPC there.
        peer_vpc: String,
        /// The name that the connection gets as a tag.
        name: String,
        /// The routes to it.
        routes: Vec<Route>,
    },
    /// Accepts what the other account has asked for.
    AcceptPeering {
        /// What the other account is called.
        peer: String,
        /// The connection.
        connection: String,
    },
    /// Routes over a connection.
    RouteToPeer {
        /// What the other account is called.
        peer: String,
        /// The connection.
        connection: String,
        /// The route.
        route: Route,
    },
}

/// A route to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// The route table.
    table: String,
    /// Where to.
    cidr: String,
    /// Whether it takes the place of one that leads nowhere any more.
    replaces: bool,
}

/// The meshes that the account is part of.
fn meshes(target: &Target) -> impl Iterator<Item = &PeerShare> {
    let shares = target.config.shares.iter().filter_map(|share| share.peer.as_ref());
    shares.filter(|share| share.mesh.iter().any(|name| sharing::is(target, name)))
}

#[async_trait]
impl Aspect for Peering {
    const NAME: &'static str = "peering";
    /// In the order of the file.
    type Facts = Vec<Mesh>;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        let here =
            |region: &&Region| meshes(target).any(|share| share.region.as_ref().is_none_or(|only| only == *region));
        regions_if(true, sharing::regions(target, enabled).filter(here))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Vec<Mesh>, CallError> {
        let mut found = Vec::new();
        for share in meshes(target).filter(|share| share.region.as_ref().is_none_or(|only| only == look.region())) {
            found.push(read::mesh(look, target, share).await?);
        }
        Ok(found)
    }

    fn plan(target: &Target, meshes: &Vec<Mesh>) -> Planned<Action> {
        let mut planned = Planned::nothing();
        for mesh in meshes {
            pair::plan(target, mesh, &mut planned);
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::RequestPeering { account, vpc, peer_vpc, name, routes, .. } => {
                let (connection, taken) = request(scope, account, (vpc, peer_vpc), name).await?;
                for wanted in routes {
                    route(scope, &connection, wanted).await.map_err(later)?;
                }
                Ok(taken)
            }
            Action::AcceptPeering { connection, .. } => {
                let params = json!({ "VpcPeeringConnectionId": connection });
                let outcome = scope.call("ec2", "AcceptVpcPeeringConnection", params).await;
                outcome.map(|_| Taken::Done).map_err(|error| later(error.into()))
            }
            Action::RouteToPeer { connection, route: wanted, .. } => {
                route(scope, connection, wanted).await.map_err(later)?;
                Ok(Taken::Done)
            }
        }
    }
}

/// A new connection is not known everywhere at once: a call may miss what a list has told.
fn later(error: StepError) -> StepError {
    StepError { may_pass: error.may_pass || error.cause.is_gone(), ..error }
}

/// Asks for a connection, unless the other side has done so meanwhile; its id.
async fn request(
    scope: &Scope,
    account: &AccountId,
    (vpc, peer_vpc): (&str, &str),
    name: &str,
) -> Result<(String, Taken), StepError> {
    let tags = json!([{ "Key": "Name", "Value": name }]);
    let params = json!({ "VpcId": vpc, "PeerVpcId": peer_vpc, "PeerOwnerId": account,
        "TagSpecifications": [{ "ResourceType": "vpc-peering-connection", "Tags": tags }] });
    match scope.call("ec2", "CreateVpcPeeringConnection", params).await {
        Err(error) if error.class == ErrorClass::Exists => {
            let connections = read::connections(scope).await?;
            let found = connections.iter().find(|found| found.is_alive() && found.joins(vpc, peer_vpc));
            found.map(|found| (found.id.clone(), Taken::AlreadySo)).ok_or_else(|| error.into())
        }
        outcome => {
            let answer = outcome?;
            let id = answer.pointer("/VpcPeeringConnection/VpcPeeringConnectionId").and_then(Value::as_str);
            Ok((id.unwrap_or_default().to_owned(), Taken::Done))
        }
    }
}

async fn route(scope: &Scope, connection: &str, Route { table, cidr, replaces }: &Route) -> Result<(), StepError> {
    let operation = if *replaces { "ReplaceRoute" } else { "CreateRoute" };
    let params = json!({ "RouteTableId": table, "DestinationCidrBlock": cidr, "VpcPeeringConnectionId": connection });
    scope.call("ec2", operation, params).await?;
    Ok(())
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestPeering { peer, vpc, peer_vpc, routes, .. } => {
                write!(f, "ask {peer} to peer {peer_vpc} with {vpc}, with {}", counted(routes.len(), "route"))
            }
            Self::AcceptPeering { peer, connection } => write!(f, "accept {connection} from {peer}"),
            Self::RouteToPeer { peer, connection, route: Route { table, cidr, .. } } => {
                write!(f, "route {cidr} in {table} to {peer} over {connection}")
            }
        }
    }
}
