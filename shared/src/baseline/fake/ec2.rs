//! EC2 of a fake account.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, FakeAccount, text};
use crate::aws::ErrorClass;
use crate::types::Region;

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::baseline) struct FakeVpc {
    pub default: bool,
    /// Kind (`subnet`, `igw`, `eni`, …) and ids.
    pub content: BTreeMap<&'static str, BTreeSet<String>>,
    /// The rules of the default security group, for what comes in and what goes out.
    pub ingress: Vec<Value>,
    pub egress: Vec<Value>,
    /// The subnets that give out public addresses.
    pub public: BTreeSet<String>,
}

/// A kind of thing in a VPC: the list's operation and key, the id's key, the delete's operation.
const IN_VPC: &[(&str, &str, &str, &str, &str)] = &[
    ("eni", "DescribeNetworkInterfaces", "NetworkInterfaces", "NetworkInterfaceId", ""),
    ("endpoint", "DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId", ""),
    ("vgw", "DescribeVpnGateways", "VpnGateways", "VpnGatewayId", ""),
    ("peering", "DescribeVpcPeeringConnections", "VpcPeeringConnections", "VpcPeeringConnectionId", ""),
    ("igw", "DescribeInternetGateways", "InternetGateways", "InternetGatewayId", "DeleteInternetGateway"),
    (
        "eigw",
        "DescribeEgressOnlyInternetGateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
        "DeleteEgressOnlyInternetGateway",
    ),
    ("subnet", "DescribeSubnets", "Subnets", "SubnetId", "DeleteSubnet"),
    ("rtb", "DescribeRouteTables", "RouteTables", "RouteTableId", "DeleteRouteTable"),
    ("acl", "DescribeNetworkAcls", "NetworkAcls", "NetworkAclId", "DeleteNetworkAcl"),
    ("sg", "DescribeSecurityGroups", "SecurityGroups", "GroupId", "DeleteSecurityGroup"),
];

impl FakeVpc {
    /// As AWS makes it: a gateway, subnets, and the table, ACL and group that go with the VPC.
    pub fn fresh(region: &Region) -> Self {
        let ids = |kind: &str, n: usize| (0..n).map(|i| format!("{kind}-{region}-{i}")).collect();
        let content = [("igw", 1), ("subnet", 3), ("rtb", 1), ("acl", 1), ("sg", 1)];
        let own = json!({ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": format!("sg-{region}-0") }] });
        Self {
            default: true,
            content: content.iter().map(|(kind, n)| (*kind, ids(kind, *n))).collect(),
            ingress: vec![own],
            egress: vec![json!({ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] })],
            public: ids("subnet", 3),
        }
    }

    pub fn with(mut self, kind: &'static str, id: &str) -> Self {
        self.content.entry(kind).or_default().insert(id.to_owned());
        self
    }
}

pub(super) fn ec2(account: &mut FakeAccount, region: &Region, operation: &str, params: &Value) -> Answer {
    if let Some(answer) = super::settings::settings(account, region, operation, params) {
        return answer;
    }
    match operation {
        "DescribeRegions" => {
            let regions: Vec<Value> = account
                .regions
                .iter()
                .map(|r| json!({"RegionName": r, "OptInStatus": "opt-in-not-required"}))
                .collect();
            Ok(json!({ "Regions": regions }))
        }
        "GetEbsEncryptionByDefault" => Ok(json!({ "EbsEncryptionByDefault": account.encrypted.contains(region) })),
        "EnableEbsEncryptionByDefault" => {
            account.encrypted.insert(region.clone());
            Ok(json!({ "EbsEncryptionByDefault": true }))
        }
        "GetEbsDefaultKmsKeyId" => {
            Ok(json!({ "KmsKeyId": account.ebs_keys.get(region).map_or("alias/aws/ebs", String::as_str) }))
        }
        // AWS tells the ARN of the key, whatever it was called in the call, and does not look whether it is there.
        "ModifyEbsDefaultKmsKeyId" => {
            let name = text(params, "KmsKeyId");
            let key = account.aliases.get(&(region.clone(), name.to_owned())).map_or(name, String::as_str);
            let arn = format!("arn:aws:kms:{region}:444455556666:key/{key}");
            account.ebs_keys.insert(region.clone(), arn);
            Ok(json!({}))
        }
        "DescribeVpcs" => {
            let vpc = account.vpcs.get(region).map(|vpc| json!({ "VpcId": "vpc-1", "IsDefault": vpc.default }));
            Ok(json!({ "Vpcs": vpc.into_iter().collect::<Vec<_>>() }))
        }
        "DeleteVpc" => {
            let vpc = account.vpcs.get(region).ok_or((ErrorClass::Gone, "InvalidVpcID.NotFound"))?;
            let goes_along = |kind: &str| matches!(kind, "rtb" | "acl" | "sg");
            if vpc.content.iter().any(|(kind, ids)| !ids.is_empty() && (!goes_along(kind) || ids.len() > 1)) {
                return Err((ErrorClass::Conflict, "DependencyViolation"));
            }
            account.vpcs.remove(region);
            Ok(json!({}))
        }
        "CreateDefaultVpc" if account.vpcs.contains_key(region) => Err((ErrorClass::Exists, "DefaultVpcAlreadyExists")),
        "CreateDefaultVpc" => {
            account.vpcs.insert(region.clone(), FakeVpc::fresh(region));
            Ok(json!({}))
        }
        "RevokeSecurityGroupIngress" => revoke(&mut account.vpcs.get_mut(region).unwrap().ingress, params),
        "RevokeSecurityGroupEgress" => revoke(&mut account.vpcs.get_mut(region).unwrap().egress, params),
        "ModifySubnetAttribute" => {
            assert_eq!(params["MapPublicIpOnLaunch"], json!({ "Value": false }));
            account.vpcs.get_mut(region).unwrap().public.remove(text(params, "SubnetId"));
            Ok(json!({}))
        }
        "DetachInternetGateway" => Ok(json!({})),
        _ => in_vpc(account.vpcs.get_mut(region), operation, params),
    }
}

fn revoke(rules: &mut Vec<Value>, params: &Value) -> Answer {
    let revoked = params["IpPermissions"].as_array().unwrap();
    if !revoked.iter().all(|rule| rules.contains(rule)) {
        return Err((ErrorClass::Gone, "InvalidPermission.NotFound"));
    }
    rules.retain(|rule| !revoked.contains(rule));
    Ok(json!({}))
}

fn in_vpc(vpc: Option<&mut FakeVpc>, operation: &str, params: &Value) -> Answer {
    let entry = IN_VPC.iter().find(|(_, list, .., delete)| *list == operation || *delete == operation);
    let (kind, list, key, id, _) = entry.unwrap_or_else(|| panic!("the fake does not know ec2:{operation}"));
    let Some(vpc) = vpc else { return Ok(json!({ *key: [] })) };
    let (ingress, egress, public) = (vpc.ingress.clone(), vpc.egress.clone(), vpc.public.clone());
    let ids = vpc.content.entry(kind).or_default();
    if operation != *list {
        let found = ids.remove(text(params, id));
        return if found { Ok(json!({})) } else { Err((ErrorClass::Gone, "Invalid.NotFound")) };
    }
    let here = json!([{ "VpcId": "vpc-1", "State": "attached" }]);
    let item = |(n, name): (usize, &String)| {
        json!({ *id: name, "VpcId": "vpc-1", "Attachments": here, "VpcAttachments": here, "IsDefault": n == 0,
            "GroupName": if n == 0 { "default" } else { "other" }, "Associations": [{ "Main": n == 0 }],
            "Status": { "Code": "active" }, "MapPublicIpOnLaunch": public.contains(name),
            "IpPermissions": if n == 0 { json!(ingress) } else { json!([]) },
            "IpPermissionsEgress": if n == 0 { json!(egress) } else { json!([]) } })
    };
    Ok(json!({ *key: ids.iter().enumerate().map(item).collect::<Vec<_>>() }))
}
