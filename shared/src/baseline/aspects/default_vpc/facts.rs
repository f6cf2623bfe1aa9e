//! What there is of a default VPC, as far as the declaration asks for it.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::{list, texts};
use super::Declared;
use crate::aws::{CallError, Scope};

/// A default VPC.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It is there, and nothing more is asked for.
    There,
    /// Something uses it.
    Used {
        /// Its id.
        vpc: String,
        /// What uses it.
        users: Vec<String>,
    },
    /// Nothing uses it.
    Unused(Content),
    /// What is open in it.
    Open(Openings),
}

/// What AWS put into a default VPC.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Content {
    /// Its id.
    pub vpc: String,
    /// Internet gateways attached to it.
    pub internet_gateways: Vec<String>,
    /// Egress-only internet gateways attached to it.
    pub egress_gateways: Vec<String>,
    /// Its subnets.
    pub subnets: Vec<String>,
    /// Its route tables but for the main one, which goes with the VPC.
    pub route_tables: Vec<String>,
    /// Its network ACLs but for the default one.
    pub network_acls: Vec<String>,
    /// Its security groups but for the default one.
    pub security_groups: Vec<String>,
}

/// What is open in a default VPC.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Openings {
    /// The default security group.
    pub group: String,
    /// The network interfaces in the group.
    pub users: Vec<String>,
    /// The group's rules for what comes in.
    pub ingress: Vec<Value>,
    /// The group's rules for what goes out.
    pub egress: Vec<Value>,
    /// Subnets that give out public addresses.
    pub subnets: Vec<String>,
}

/// The id of the default VPC, if there is one.
pub(super) async fn default_vpc(scope: &Scope) -> Result<Option<String>, CallError> {
    let params = json!({ "Filters": [{ "Name": "is-default", "Values": ["true"] }] });
    let vpcs = scope.pages("ec2", "DescribeVpcs", params).await?;
    let default = vpcs.iter().find(|vpc| vpc.get("IsDefault") == Some(&Value::Bool(true)));
    Ok(default.and_then(|vpc| vpc.get("VpcId")?.as_str()).map(str::to_owned))
}

/// What the declaration asks for.
pub(super) async fn found(scope: &Scope, vpc: String, declared: Declared) -> Result<Found, CallError> {
    match declared {
        Declared::Keep | Declared::Recreate => Ok(Found::There),
        Declared::Strip => openings(scope, &vpc).await.map(Found::Open),
        Declared::DeleteIfUnused | Declared::Delete => {
            let users = users(scope, &vpc).await?;
            if !users.is_empty() {
                return Ok(Found::Used { vpc, users });
            }
            content(scope, vpc).await.map(Found::Unused)
        }
    }
}

fn within(vpc: &str, filter: &str) -> Value {
    json!({ "Filters": [{ "Name": filter, "Values": [vpc] }] })
}

/// Everything that would break or be in the way.
async fn users(scope: &Scope, vpc: &str) -> Result<Vec<String>, CallError> {
    let (interfaces, endpoints, gateways, asked, answered) = tokio::try_join!(
        scope.pages("ec2", "DescribeNetworkInterfaces", within(vpc, "vpc-id")),
        scope.pages("ec2", "DescribeVpcEndpoints", within(vpc, "vpc-id")),
        scope.call("ec2", "DescribeVpnGateways", within(vpc, "attachment.vpc-id")),
        scope.pages("ec2", "DescribeVpcPeeringConnections", within(vpc, "requester-vpc-info.vpc-id")),
        scope.pages("ec2", "DescribeVpcPeeringConnections", within(vpc, "accepter-vpc-info.vpc-id")),
    )?;
    let attached = |gateway: &&Value| {
        list(gateway, "VpcAttachments").iter().any(|attachment| {
            attachment.get("VpcId") == Some(&vpc.into()) && attachment.get("State") != Some(&"detached".into())
        })
    };
    let living = |peering: &Value| {
        let status = peering.pointer("/Status/Code").and_then(Value::as_str).unwrap_or_default();
        !["deleted", "deleting", "rejected", "expired", "failed"].contains(&status)
    };
    let mut users = texts(&interfaces, "NetworkInterfaceId");
    users.extend(texts(&endpoints, "VpcEndpointId"));
    let gateways: Vec<Value> = list(&gateways, "VpnGateways").iter().filter(attached).cloned().collect();
    users.extend(texts(&gateways, "VpnGatewayId"));
    let peerings: Vec<Value> = asked.into_iter().chain(answered).filter(living).collect();
    users.extend(texts(&peerings, "VpcPeeringConnectionId"));
    users.sort();
    users.dedup();
    Ok(users)
}

async fn content(scope: &Scope, vpc: String) -> Result<Content, CallError> {
    let (internet, egress, subnets, tables, acls, groups) = tokio::try_join!(
        scope.pages("ec2", "DescribeInternetGateways", within(&vpc, "attachment.vpc-id")),
        scope.pages("ec2", "DescribeEgressOnlyInternetGateways", json!({})),
        scope.pages("ec2", "DescribeSubnets", within(&vpc, "vpc-id")),
        scope.pages("ec2", "DescribeRouteTables", within(&vpc, "vpc-id")),
        scope.pages("ec2", "DescribeNetworkAcls", within(&vpc, "vpc-id")),
        scope.pages("ec2", "DescribeSecurityGroups", within(&vpc, "vpc-id")),
    )?;
    let at: Value = vpc.as_str().into();
    let here = |gateway: &Value| list(gateway, "Attachments").iter().any(|found| found.get("VpcId") == Some(&at));
    let main = |table: &Value| list(table, "Associations").iter().any(|at| at.get("Main") == Some(&true.into()));
    let default_acl = |acl: &Value| acl.get("IsDefault") == Some(&true.into());
    let ids = |items: Vec<Value>, member: &str, keep: &dyn Fn(&Value) -> bool| {
        texts(&items.into_iter().filter(|item| keep(item)).collect::<Vec<_>>(), member)
    };
    Ok(Content {
        internet_gateways: ids(internet, "InternetGatewayId", &here),
        egress_gateways: ids(egress, "EgressOnlyInternetGatewayId", &here),
        subnets: ids(subnets, "SubnetId", &|_| true),
        route_tables: ids(tables, "RouteTableId", &|table| !main(table)),
        network_acls: ids(acls, "NetworkAclId", &|acl| !default_acl(acl)),
        security_groups: ids(groups, "GroupId", &|group| !is_default(group)),
        vpc,
    })
}

async fn openings(scope: &Scope, vpc: &str) -> Result<Openings, CallError> {
    let (groups, subnets) = tokio::try_join!(
        scope.pages("ec2", "DescribeSecurityGroups", within(vpc, "vpc-id")),
        scope.pages("ec2", "DescribeSubnets", within(vpc, "vpc-id")),
    )?;
    let public = |subnet: &&Value| subnet.get("MapPublicIpOnLaunch") == Some(&true.into());
    let public: Vec<Value> = subnets.iter().filter(public).cloned().collect();
    let default = groups.into_iter().find(is_default).unwrap_or_default();
    let rules = |member: &str| list(&default, member).to_vec();
    let mut openings = Openings {
        group: default.get("GroupId").and_then(Value::as_str).unwrap_or_default().to_owned(),
        users: Vec::new(),
        ingress: rules("IpPermissions"),
        egress: rules("IpPermissionsEgress"),
        subnets: texts(&public, "SubnetId"),
    };
    if !openings.ingress.is_empty() || !openings.egress.is_empty() {
        let interfaces = scope.pages("ec2", "DescribeNetworkInterfaces", within(&openings.group, "group-id")).await?;
        openings.users = texts(&interfaces, "NetworkInterfaceId");
    }
    Ok(openings)
}

fn is_default(group: &Value) -> bool {
    group.get("GroupName") == Some(&"default".into())
}
