"""Networks between accounts: default VPCs, default groups, peerings and shared images."""

from __future__ import annotations

import unittest
from typing import Any

from .support import MANAGEMENT, Caller, code_of, member, organization


def ec2(name: str, region: str = "eu-west-1") -> Any:
    """A member's EC2."""
    return Caller().assume(member(name))("ec2", region)


def vpc(client: Any, block: str) -> str:
    """A new VPC's id."""
    return client.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]


class Defaults(unittest.TestCase):
    def test_there_is_one_default_vpc(self) -> None:
        client = ec2("defaults", "eu-north-1")
        self.assertEqual("DefaultVpcAlreadyExists", code_of(client.create_default_vpc))
        filters = [{"Name": "is-default", "Values": ["true"]}]
        default = client.describe_vpcs(Filters=filters)["Vpcs"][0]["VpcId"]
        for gateway in client.describe_internet_gateways()["InternetGateways"]:
            client.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=default)
        for subnet in client.describe_subnets()["Subnets"]:
            client.delete_subnet(SubnetId=subnet["SubnetId"])
        client.delete_vpc(VpcId=default)
        made = client.create_default_vpc()["Vpc"]["VpcId"]
        self.assertEqual([made], [entry["VpcId"] for entry in client.describe_vpcs(Filters=filters)["Vpcs"]])
        attached = client.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [made]}])
        self.assertEqual(1, len(attached["InternetGateways"]))

    def test_default_groups_lose_their_rules(self) -> None:
        client = ec2("defaults", "eu-west-3")
        network = vpc(client, "10.9.0.0/16")
        group = client.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [network]}])["SecurityGroups"][0]
        rules = {"GroupId": group["GroupId"], "IpPermissions": group["IpPermissions"]}
        self.assertEqual(1, len(rules["IpPermissions"]))
        self.assertEqual(group["GroupId"], rules["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"])
        client.revoke_security_group_ingress(**rules)
        egress = {"GroupId": group["GroupId"], "IpPermissions": group["IpPermissionsEgress"]}
        client.revoke_security_group_egress(**egress)
        after = client.describe_security_groups(GroupIds=[group["GroupId"]])["SecurityGroups"][0]
        self.assertEqual(([], []), (after["IpPermissions"], after["IpPermissionsEgress"]))
        gone = code_of(lambda: client.revoke_security_group_egress(**egress))
        self.assertEqual("InvalidPermission.NotFound", gone)

    def test_public_access_of_vpcs_can_be_blocked(self) -> None:
        client = ec2("defaults", "eu-west-3")

        def options() -> dict[str, Any]:
            return client.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]

        self.assertEqual(("off", "account"), (options()["InternetGatewayBlockMode"], options()["ManagedBy"]))
        names = ("InternetGatewayBlockMode", "State")
        mode = {"InternetGatewayBlockMode": "block-ingress"}
        changed = client.modify_vpc_block_public_access_options(**mode)["VpcBlockPublicAccessOptions"]
        self.assertEqual("update-in-progress", changed["State"])
        self.assertEqual(("block-ingress", "update-complete"), tuple(options()[name] for name in names))


class Peering(unittest.TestCase):
    def check(self, block: str, here: str, there: str) -> None:
        near, far = ec2("near", here), ec2("far", there)
        networks = vpc(near, f"10.{block}.0.0/17"), vpc(far, f"10.{block}.128.0/17")
        request = {"VpcId": networks[0], "PeerVpcId": networks[1], "PeerOwnerId": member("far"), "PeerRegion": there}
        peering = near.create_vpc_peering_connection(**request)["VpcPeeringConnection"]["VpcPeeringConnectionId"]

        def states() -> list[str]:
            asked = {"VpcPeeringConnectionIds": [peering]}
            found = [client.describe_vpc_peering_connections(**asked) for client in (near, far)]
            return [entry["VpcPeeringConnections"][0]["Status"]["Code"] for entry in found]

        self.assertEqual(["pending-acceptance"] * 2, states())
        again = code_of(lambda: near.create_vpc_peering_connection(**request))
        self.assertEqual("VpcPeeringConnectionAlreadyExists", again)
        table = near.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [networks[0]]}])["RouteTables"][0]
        route = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": f"10.{block}.128.0/17"}
        near.create_route(**route, VpcPeeringConnectionId=peering)
        own = code_of(lambda: near.accept_vpc_peering_connection(VpcPeeringConnectionId=peering))
        self.assertEqual("OperationNotPermitted", own)
        far.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
        self.assertEqual(["active"] * 2, states())
        routes = near.describe_route_tables(RouteTableIds=[table["RouteTableId"]])["RouteTables"][0]["Routes"]
        self.assertIn(peering, [entry.get("VpcPeeringConnectionId") for entry in routes])
        owners = near.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering])["VpcPeeringConnections"][0]
        self.assertEqual(member("near"), owners["RequesterVpcInfo"]["OwnerId"])
        self.assertEqual(member("far"), owners["AccepterVpcInfo"]["OwnerId"])

    def test_peerings_wait_for_the_other_account(self) -> None:
        self.check("1", "eu-west-1", "eu-west-1")

    def test_peerings_cross_regions(self) -> None:
        self.check("2", "eu-west-1", "us-east-1")


class Images(unittest.TestCase):
    def test_images_are_shared_with_accounts_and_units(self) -> None:
        client = ec2("golden")
        image = client.register_image(Name="golden-1", RootDeviceName="/dev/xvda")["ImageId"]
        unit = Caller()("organizations").create_organizational_unit(ParentId=organization(), Name="images")
        arn = unit["OrganizationalUnit"]["Arn"]
        whole = Caller()("organizations").describe_organization()["Organization"]["Arn"]
        for added in ({"UserId": MANAGEMENT}, {"OrganizationalUnitArn": arn}, {"OrganizationArn": whole}):
            for _ in range(2):
                client.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [added]})

        def shared() -> list[dict[str, str]]:
            asked = {"ImageId": image, "Attribute": "launchPermission"}
            return client.describe_image_attribute(**asked)["LaunchPermissions"]

        expected = [{"UserId": MANAGEMENT}, {"OrganizationalUnitArn": arn}, {"OrganizationArn": whole}]
        self.assertCountEqual(expected, shared())
        client.modify_image_attribute(ImageId=image, LaunchPermission={"Remove": expected[1:]})
        self.assertEqual(expected[:1], shared())


if __name__ == "__main__":
    unittest.main()
