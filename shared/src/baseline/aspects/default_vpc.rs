//! Default VPCs: AWS puts one into every region, open to the internet, and nobody asked for it.
//!
//! Only the VPC that AWS calls default is ever touched, and only when nothing is in it. Whatever uses a VPC shows as
//! a network interface, except gateway endpoints, VPN gateways and peerings, which are looked for by name. The order
//! of deletion is the one AWS forces: <https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html>.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::regions_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{counted, fine_if_gone, list, texts};
use crate::aws::{CallError, Scope};
use crate::config::{self, VpcCleanup};
use crate::types::Region;

/// The default VPC of a region.
pub struct DefaultVpc;

/// A default VPC: what uses it, and what AWS put into it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// Its id.
    pub vpc: String,
    /// What uses it.
    #[serde(skip)]
    pub users: Vec<String>,
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

/// What can be done about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Deletes the VPC and everything that AWS put into it; stops at the first thing that is in the way.
    DeleteDefaultVpc(Found),
}

fn declared(target: &Target) -> bool {
    target.wanted.default_vpc == Some(config::DefaultVpc::DeleteIfUnused)
}

#[async_trait]
impl Aspect for DefaultVpc {
    const NAME: &'static str = "default-vpc";
    type Facts = Option<Found>;
    type Action = Action;

    fn places(target: &Target, enabled: &[Region]) -> Vec<Place> {
        let covered = |region: &&Region| match target.config.regions.vpc_cleanup {
            VpcCleanup::AllEnabled => true,
            VpcCleanup::Governed => target.config.regions.govern.contains(region),
        };
        regions_if(declared(target), enabled.iter().filter(covered))
    }

    async fn observe(look: &Look<'_>, _: &Target) -> Result<Option<Found>, CallError> {
        let params = json!({ "Filters": [{ "Name": "is-default", "Values": ["true"] }] });
        let vpcs = look.pages("ec2", "DescribeVpcs", params).await?;
        let default = vpcs.iter().find(|vpc| vpc.get("IsDefault") == Some(&Value::Bool(true)));
        let Some(vpc) = default.and_then(|vpc| vpc.get("VpcId")?.as_str()) else { return Ok(None) };
        let users = users(look, vpc).await?;
        if !users.is_empty() {
            return Ok(Some(Found { vpc: vpc.to_owned(), users, ..Found::default() }));
        }
        content(look, vpc).await.map(Some)
    }

    fn plan(target: &Target, found: &Option<Found>) -> Planned<Action> {
        let Some(found) = found.as_ref().filter(|_| declared(target)) else { return Planned::nothing() };
        if found.users.is_empty() {
            return Planned::steps(vec![Action::DeleteDefaultVpc(found.clone())]);
        }
        let kept = (format!("the default VPC {}", found.vpc), format!("in use by {}", few(&found.users)));
        Planned { kept: vec![kept], ..Planned::nothing() }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::DeleteDefaultVpc(found) = action;
        let vpc = &found.vpc;
        for id in &found.internet_gateways {
            let detach = json!({ "InternetGatewayId": id, "VpcId": vpc });
            fine_if_gone(scope.call("ec2", "DetachInternetGateway", detach).await)?;
        }
        for (operation, member, ids) in [
            ("DeleteInternetGateway", "InternetGatewayId", &found.internet_gateways),
            ("DeleteEgressOnlyInternetGateway", "EgressOnlyInternetGatewayId", &found.egress_gateways),
            ("DeleteSubnet", "SubnetId", &found.subnets),
            ("DeleteRouteTable", "RouteTableId", &found.route_tables),
            ("DeleteNetworkAcl", "NetworkAclId", &found.network_acls),
            ("DeleteSecurityGroup", "GroupId", &found.security_groups),
        ] {
            for id in ids {
                fine_if_gone(scope.call("ec2", operation, json!({ member: id })).await)?;
            }
        }
        match scope.call("ec2", "DeleteVpc", json!({ "VpcId": vpc })).await {
            Ok(_) => Ok(Taken::Done),
            Err(error) if error.is_gone() => Ok(Taken::AlreadySo),
            Err(error) => Err(error.into()),
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

async fn content(scope: &Scope, vpc: &str) -> Result<Found, CallError> {
    let (internet, egress, subnets, tables, acls, groups) = tokio::try_join!(
        scope.pages("ec2", "DescribeInternetGateways", within(vpc, "attachment.vpc-id")),
        scope.pages("ec2", "DescribeEgressOnlyInternetGateways", json!({})),
        scope.pages("ec2", "DescribeSubnets", within(vpc, "vpc-id")),
        scope.pages("ec2", "DescribeRouteTables", within(vpc, "vpc-id")),
        scope.pages("ec2", "DescribeNetworkAcls", within(vpc, "vpc-id")),
        scope.pages("ec2", "DescribeSecurityGroups", within(vpc, "vpc-id")),
    )?;
    let here = |gateway: &Value| list(gateway, "Attachments").iter().any(|at| at.get("VpcId") == Some(&vpc.into()));
    let main = |table: &Value| list(table, "Associations").iter().any(|at| at.get("Main") == Some(&true.into()));
    let default_acl = |acl: &Value| acl.get("IsDefault") == Some(&true.into());
    let default_group = |group: &Value| group.get("GroupName") == Some(&"default".into());
    let ids = |items: Vec<Value>, member: &str, keep: &dyn Fn(&Value) -> bool| {
        texts(&items.into_iter().filter(|item| keep(item)).collect::<Vec<_>>(), member)
    };
    Ok(Found {
        vpc: vpc.to_owned(),
        users: Vec::new(),
        internet_gateways: ids(internet, "InternetGatewayId", &here),
        egress_gateways: ids(egress, "EgressOnlyInternetGatewayId", &here),
        subnets: ids(subnets, "SubnetId", &|_| true),
        route_tables: ids(tables, "RouteTableId", &|table| !main(table)),
        network_acls: ids(acls, "NetworkAclId", &|acl| !default_acl(acl)),
        security_groups: ids(groups, "GroupId", &|group| !default_group(group)),
    })
}

/// The first three of a list, and how many more there are.
fn few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::DeleteDefaultVpc(found) = self;
        let gateways = found.internet_gateways.len() + found.egress_gateways.len();
        let parts = [
            (gateways, "gateway"),
            (found.subnets.len(), "subnet"),
            (found.route_tables.len(), "route table"),
            (found.network_acls.len(), "network ACL"),
            (found.security_groups.len(), "security group"),
        ];
        let with: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, noun)| counted(*n, noun)).collect();
        let with = if with.is_empty() { "nothing in it".to_owned() } else { with.join(", ") };
        write!(f, "delete the default VPC {} ({with})", found.vpc)
    }
}
