"""What goes lets go of what it held."""

from __future__ import annotations

import unittest

from .support import Caller, code_of, member


class LettingGo(unittest.TestCase):
    def setUp(self) -> None:
        self.client = lambda service: Caller().assume(member("letting-go"))(service, "us-east-1")

    def test_a_network_acl_goes_after_its_subnets(self) -> None:
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
        used = {"Name": "association.subnet-id", "Values": [subnet]}
        before = ec2.describe_network_acls(Filters=[used])["NetworkAcls"][0]["Associations"]
        old = next(one["NetworkAclAssociationId"] for one in before if one["SubnetId"] == subnet)
        ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)
        delete = lambda: ec2.delete_network_acl(NetworkAclId=acl)  # noqa: E731
        self.assertEqual("DependencyViolation", code_of(delete))
        ec2.delete_subnet(SubnetId=subnet)
        self.assertEqual("ok", code_of(delete))

    def test_peerings_of_transit_gateways_are_listed_alone(self) -> None:
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
        ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, VpcId=vpc, SubnetIds=[subnet])
        self.assertEqual([], ec2.describe_transit_gateway_peering_attachments()["TransitGatewayPeeringAttachments"])

    def test_a_task_that_stops_leaves_its_subnet(self) -> None:
        ec2, ecs = self.client("ec2"), self.client("ecs")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
        ecs.create_cluster(clusterName="acme")
        container = {"name": "acme", "image": "acme", "memory": 64}
        ecs.register_task_definition(family="acme", networkMode="awsvpc", containerDefinitions=[container])
        network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
        ran = ecs.run_task(cluster="acme", taskDefinition="acme", launchType="FARGATE", networkConfiguration=network)
        self.assertEqual("DependencyViolation", code_of(lambda: ec2.delete_subnet(SubnetId=subnet)))
        ecs.stop_task(cluster="acme", task=ran["tasks"][0]["taskArn"], reason="test")
        self.assertEqual("ok", code_of(lambda: ec2.delete_subnet(SubnetId=subnet)))

    def test_settings_go_after_the_portal_that_has_them(self) -> None:
        web = self.client("workspaces-web")
        settings = {"browserSettingsArn": web.create_browser_settings(browserPolicy="{}")["browserSettingsArn"]}
        portal = {"portalArn": web.create_portal(displayName="acme")["portalArn"]}
        web.associate_browser_settings(**settings, **portal)
        delete = lambda: web.delete_browser_settings(**settings)  # noqa: E731
        self.assertEqual("ConflictException", code_of(delete))
        web.disassociate_browser_settings(**portal)
        self.assertIsNone(web.get_portal(**portal)["portal"].get("browserSettingsArn"))
        self.assertEqual("ok", code_of(delete))

    def test_stack_sets_are_listed_by_status(self) -> None:
        stacks = self.client("cloudformation")
        for name in ("kept", "deleted"):
            body = '{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}'
            stacks.create_stack_set(StackSetName=name, TemplateBody=body)
        stacks.delete_stack_set(StackSetName="deleted")
        active = stacks.list_stack_sets(Status="ACTIVE")["Summaries"]
        self.assertEqual(["kept"], [one["StackSetName"] for one in active])

    def test_a_channel_without_a_broadcast_has_no_stream_to_stop(self) -> None:
        ivs = self.client("ivs")
        arn = ivs.create_channel(name="acme")["channel"]["arn"]
        self.assertEqual("ChannelNotBroadcasting", code_of(lambda: ivs.stop_stream(channelArn=arn)))


if __name__ == "__main__":
    unittest.main()
