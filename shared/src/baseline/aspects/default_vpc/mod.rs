//! Default VPCs: AWS puts one into every region, open to the internet, and nobody asked for it.
//!
//! Only the VPC that AWS calls default is ever touched, and only deleted when nothing is in it. Whatever uses a VPC
//! shows as a network interface, except gateway endpoints, VPN gateways and peerings, which are looked for by name. The
//! order of deletion is the one AWS forces: <https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html>.

mod facts;

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::regions_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use super::{counted, fine_if_gone};
use crate::aws::{CallError, ErrorClass, Scope};
use crate::config::{DefaultVpc as Declared, VpcCleanup};
use crate::types::Region;

pub use facts::{Content, Found, Openings};

/// The default VPC of a region.
pub struct DefaultVpc;

/// What can be done about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Deletes the VPC and everything that AWS put into it; stops at the first thing that is in the way.
    DeleteDefaultVpc(Content),
    /// Takes every rule from the default security group.
    StripDefaultGroup {
        /// The group.
        group: String,
        /// Its rules for what comes in.
        ingress: Vec<Value>,
        /// Its rules for what goes out.
        egress: Vec<Value>,
    },
    /// Lets subnets give out no public addresses.
    KeepSubnetsPrivate {
        /// The subnets.
        subnets: Vec<String>,
    },
    /// Makes the default VPC that is missing.
    CreateDefaultVpc,
}

/// What is declared, unless the VPC is left alone.
fn declared(target: &Target) -> Option<Declared> {
    target.wanted.default_vpc.filter(|declared| *declared != Declared::Keep)
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
        regions_if(declared(target).is_some(), enabled.iter().filter(covered))
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Option<Found>, CallError> {
        let (Some(declared), Some(vpc)) = (declared(target), facts::default_vpc(look).await?) else { return Ok(None) };
        facts::found(look, vpc, declared).await.map(Some)
    }

    fn plan(target: &Target, found: &Option<Found>) -> Planned<Action> {
        match (declared(target), found) {
            (Some(Declared::Recreate), None) => Planned::steps(vec![Action::CreateDefaultVpc]),
            (None, _) | (_, None | Some(Found::There)) => Planned::nothing(),
            (Some(_), Some(Found::Unused(content))) => Planned::steps(vec![Action::DeleteDefaultVpc(content.clone())]),
            (Some(Declared::Delete), Some(Found::Used { vpc, users })) => {
                Planned::problem(format!("the default VPC {vpc} cannot be deleted: it is in use by {}", few(users)))
            }
            (Some(_), Some(Found::Used { vpc, users })) => {
                let kept = (format!("the default VPC {vpc}"), format!("in use by {}", few(users)));
                Planned { kept: vec![kept], ..Planned::nothing() }
            }
            (Some(_), Some(Found::Open(openings))) => strip(openings),
        }
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::DeleteDefaultVpc(content) => delete(scope, content).await,
            Action::StripDefaultGroup { group, ingress, egress } => {
                for (operation, rules) in
                    [("RevokeSecurityGroupIngress", ingress), ("RevokeSecurityGroupEgress", egress)]
                {
                    if !rules.is_empty() {
                        let params = json!({ "GroupId": group, "IpPermissions": rules });
                        fine_if_gone(scope.call("ec2", operation, params).await)?;
                    }
                }
                Ok(Taken::Done)
            }
            Action::KeepSubnetsPrivate { subnets } => {
                for subnet in subnets {
                    let params = json!({ "SubnetId": subnet, "MapPublicIpOnLaunch": { "Value": false } });
                    fine_if_gone(scope.call("ec2", "ModifySubnetAttribute", params).await)?;
                }
                Ok(Taken::Done)
            }
            Action::CreateDefaultVpc => match scope.call("ec2", "CreateDefaultVpc", json!({})).await {
                Err(error) if error.class == ErrorClass::Exists => Ok(Taken::AlreadySo),
                outcome => Ok(outcome.map(|_| Taken::Done)?),
            },
        }
    }
}

/// The rules of a group that something uses stay: they may be what it lives by.
fn strip(openings: &Openings) -> Planned<Action> {
    let Openings { group, users, ingress, egress, subnets } = openings;
    let mut planned = Planned::nothing();
    match (ingress.is_empty() && egress.is_empty(), users.is_empty()) {
        (true, _) => {}
        (false, true) => planned.steps.push(Action::StripDefaultGroup {
            group: group.clone(),
            ingress: ingress.clone(),
            egress: egress.clone(),
        }),
        (false, false) => planned
            .kept
            .push((format!("the rules of the default security group {group}"), format!("in use by {}", few(users)))),
    }
    if !subnets.is_empty() {
        planned.steps.push(Action::KeepSubnetsPrivate { subnets: subnets.clone() });
    }
    planned
}

async fn delete(scope: &Scope, content: &Content) -> Result<Taken, StepError> {
    let vpc = &content.vpc;
    for id in &content.internet_gateways {
        let detach = json!({ "InternetGatewayId": id, "VpcId": vpc });
        fine_if_gone(scope.call("ec2", "DetachInternetGateway", detach).await)?;
    }
    for (operation, member, ids) in [
        ("DeleteInternetGateway", "InternetGatewayId", &content.internet_gateways),
        ("DeleteEgressOnlyInternetGateway", "EgressOnlyInternetGatewayId", &content.egress_gateways),
        ("DeleteSubnet", "SubnetId", &content.subnets),
        ("DeleteRouteTable", "RouteTableId", &content.route_tables),
        ("DeleteNetworkAcl", "NetworkAclId", &content.network_acls),
        ("DeleteSecurityGroup", "GroupId", &content.security_groups),
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
        match self {
            Self::DeleteDefaultVpc(content) => {
                write!(f, "delete the default VPC {} ({})", content.vpc, content.counted())
            }
            Self::StripDefaultGroup { group, ingress, egress } => {
                let rules = counted(ingress.len() + egress.len(), "rule");
                write!(f, "take {rules} from the default security group {group}")
            }
            Self::KeepSubnetsPrivate { subnets } => {
                write!(f, "give no public addresses in {} of the default VPC", counted(subnets.len(), "subnet"))
            }
            Self::CreateDefaultVpc => f.write_str("create the default VPC"),
        }
    }
}

impl Content {
    /// How much of what is in it.
    fn counted(&self) -> String {
        let gateways = self.internet_gateways.len() + self.egress_gateways.len();
        let parts = [
            (gateways, "gateway"),
            (self.subnets.len(), "subnet"),
            (self.route_tables.len(), "route table"),
            (self.network_acls.len(), "network ACL"),
            (self.security_groups.len(), "security group"),
        ];
        let with: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, noun)| counted(*n, noun)).collect();
        if with.is_empty() { "nothing in it".to_owned() } else { with.join(", ") }
    }
}

#[cfg(test)]
mod tests;
