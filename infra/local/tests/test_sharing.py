"""What accounts share: resource shares, container images, zones and Identity Center, as strict as AWS."""

from __future__ import annotations

import json
import unittest
from functools import cache
from typing import Any

from .support import MANAGEMENT, Caller, code_of, member, organization


def of(name: str, service: str, region: str = "us-east-1") -> Any:
    """A member's client."""
    return Caller().assume(member(name))(service, region)


@cache
def unit(name: str) -> str:
    """The ARN of a unit, which is made when first asked for."""
    made = Caller()("organizations").create_organizational_unit(ParentId=organization(), Name=name)
    return made["OrganizationalUnit"]["Arn"]


class ResourceShares(unittest.TestCase):
    def subnets(self) -> list[str]:
        return [subnet["SubnetArn"] for subnet in of("network", "ec2").describe_subnets()["Subnets"]][:2]

    def test_units_are_shared_with_when_the_organization_shares(self) -> None:
        ram, arns = of("network", "ram"), self.subnets()

        def create() -> str:
            names = {"name": "workloads", "resourceArns": arns[:1], "principals": [unit("shared")]}
            return code_of(lambda: ram.create_resource_share(**names, tags=[{"key": "owner", "value": "baseline"}]))

        self.assertEqual("UnknownResourceException", create())
        for _ in range(2):
            Caller()("ram").enable_sharing_with_aws_organization()
        self.assertEqual("ok", create())
        shares = ram.get_resource_shares(resourceOwner="SELF", name="workloads")["resourceShares"]
        self.assertEqual([("ACTIVE", {"owner": "baseline"})], [(s["status"], tags(s)) for s in shares])
        share = shares[0]["resourceShareArn"]
        self.assertEqual([], ram.get_resource_shares(resourceOwner="SELF", name="none")["resourceShares"])

        def associated(kind: str) -> dict[str, str]:
            asked = {"associationType": kind, "resourceShareArns": [share]}
            found = ram.get_resource_share_associations(**asked)["resourceShareAssociations"]
            return {entry["associatedEntity"]: entry["status"] for entry in found}

        self.assertEqual({arns[0]: "ASSOCIATED"}, associated("RESOURCE"))
        self.assertEqual({unit("shared"): "ASSOCIATED"}, associated("PRINCIPAL"))
        change = {"resourceShareArn": share, "resourceArns": arns, "principals": [member("tenant")]}
        ram.associate_resource_share(**change)
        self.assertEqual(dict.fromkeys(arns, "ASSOCIATED"), associated("RESOURCE"))
        ram.disassociate_resource_share(resourceShareArn=share, resourceArns=arns[:1])
        self.assertEqual({arns[0]: "DISASSOCIATED", arns[1]: "ASSOCIATED"}, associated("RESOURCE"))
        ram.tag_resource(resourceShareArn=share, tags=[{"key": "stage", "value": "dev"}])
        found = ram.get_resource_shares(resourceOwner="SELF", resourceShareArns=[share])["resourceShares"][0]
        self.assertEqual({"owner": "baseline", "stage": "dev"}, tags(found))
        received = of("tenant", "ram").get_resource_shares(resourceOwner="OTHER-ACCOUNTS")["resourceShares"]
        self.assertEqual([share], [entry["resourceShareArn"] for entry in received])

    def test_what_is_nowhere_is_not_shared(self) -> None:
        ram = of("network", "ram", "eu-west-1")
        nowhere = f"arn:aws:organizations::{MANAGEMENT}:ou/o-none000000/ou-none-00000000"
        other = {"name": "other", "principals": [nowhere]}
        self.assertEqual("UnknownResourceException", code_of(lambda: ram.create_resource_share(**other)))
        unknown = {"resourceShareArn": "arn:aws:ram:eu-west-1:111122223333:resource-share/none"}
        self.assertEqual("UnknownResourceException", code_of(lambda: ram.associate_resource_share(**unknown)))


def tags(share: dict[str, Any]) -> dict[str, str]:
    """A share's tags."""
    return {tag["key"]: tag["value"] for tag in share["tags"]}


class Images(unittest.TestCase):
    def test_repositories_and_registries_have_policies(self) -> None:
        ecr = of("images", "ecr", "eu-west-1")
        ecr.create_repository(repositoryName="app")
        named = {"repositoryName": "app"}
        self.assertEqual("RepositoryPolicyNotFoundException", code_of(lambda: ecr.get_repository_policy(**named)))
        pull = {"Effect": "Allow", "Principal": {"AWS": member("tenant")}, "Action": ["ecr:BatchGetImage"]}
        ecr.set_repository_policy(**named, policyText=json.dumps({"Version": "2012-10-17", "Statement": [pull]}))
        kept = json.loads(ecr.get_repository_policy(**named)["policyText"])
        self.assertEqual(["ecr:BatchGetImage"], kept["Statement"][0]["Action"])
        self.assertEqual("RegistryPolicyNotFoundException", code_of(ecr.get_registry_policy))
        replicate = {
            "Sid": "replication",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{member('tenant')}:root"},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": f"arn:aws:ecr:eu-west-1:{member('images')}:repository/*",
        }
        ecr.put_registry_policy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [replicate]}))
        self.assertIn("ecr:ReplicateImage", ecr.get_registry_policy()["policyText"])
        self.assertEqual([], ecr.describe_registry()["replicationConfiguration"]["rules"])
        rules = [{"destinations": [{"region": "eu-west-1", "registryId": member("tenant")}]}]
        ecr.put_replication_configuration(replicationConfiguration={"rules": rules})
        found = ecr.describe_registry()["replicationConfiguration"]["rules"]
        self.assertEqual([member("tenant")], [entry["registryId"] for entry in found[0]["destinations"]])


class Zones(unittest.TestCase):
    def test_a_reference_makes_one_zone(self) -> None:
        dns = of("zones", "route53")

        def create(reference: str) -> str:
            return code_of(lambda: dns.create_hosted_zone(Name="dev.acme.example", CallerReference=reference))

        self.assertEqual(["ok", "HostedZoneAlreadyExists", "ok"], [create("a"), create("a"), create("b")])
        found = dns.list_hosted_zones_by_name(DNSName="dev.acme.example")["HostedZones"]
        self.assertEqual(["dev.acme.example."] * 2, [zone["Name"] for zone in found])

    def test_children_are_delegated(self) -> None:
        parent, child = of("zones", "route53"), of("child", "route53")
        above = parent.create_hosted_zone(Name="acme.example", CallerReference="parent")["HostedZone"]["Id"]
        made = child.create_hosted_zone(Name="qa.acme.example", CallerReference="child")
        servers = [{"Value": name} for name in made["DelegationSet"]["NameServers"]]
        record = {"Name": "qa.acme.example", "Type": "NS", "TTL": 300, "ResourceRecords": servers}
        for _ in range(2):
            changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
            parent.change_resource_record_sets(HostedZoneId=above, ChangeBatch={"Changes": changes})
        sets = parent.list_resource_record_sets(HostedZoneId=above)["ResourceRecordSets"]
        found = [entry for entry in sets if entry["Name"] == "qa.acme.example."]
        self.assertEqual([servers], [entry["ResourceRecords"] for entry in found])


class IdentityCenter(unittest.TestCase):
    def setUp(self) -> None:
        organization()
        self.sso, self.store = Caller()("sso-admin"), Caller()("identitystore")
        instance = self.sso.list_instances()["Instances"][0]
        self.instance, self.identities = instance["InstanceArn"], instance["IdentityStoreId"]

    def test_the_organization_has_one_instance(self) -> None:
        self.assertEqual(1, len(self.sso.list_instances()["Instances"]))
        self.assertEqual([], Caller()("sso-admin", "eu-west-1").list_instances()["Instances"])
        self.assertEqual([], of("tenant", "sso-admin").list_instances()["Instances"])

    def test_administrators_see_the_organizations_instance(self) -> None:
        organizations, service = Caller()("organizations"), "sso.amazonaws.com"
        organizations.enable_aws_service_access(ServicePrincipal=service)
        organizations.register_delegated_administrator(AccountId=member("identity"), ServicePrincipal=service)
        seen = of("identity", "sso-admin").list_instances()["Instances"]
        self.assertEqual([self.instance], [instance["InstanceArn"] for instance in seen])

    def test_assignments_are_in_progress_until_asked(self) -> None:
        group = self.store.create_group(IdentityStoreId=self.identities, DisplayName="Engineers")["GroupId"]
        made = self.sso.create_permission_set(InstanceArn=self.instance, Name="SandboxAdmin", Description="sandboxes")
        permissions = made["PermissionSet"]["PermissionSetArn"]
        self.assertIn(permissions, self.sso.list_permission_sets(InstanceArn=self.instance)["PermissionSets"])
        names = {"InstanceArn": self.instance, "PermissionSetArn": permissions}
        described = self.sso.describe_permission_set(**names)["PermissionSet"]
        self.assertEqual("SandboxAdmin", described["Name"])
        unique = {"AttributePath": "DisplayName", "AttributeValue": "Engineers"}
        found = self.store.get_group_id(
            IdentityStoreId=self.identities, AlternateIdentifier={"UniqueAttribute": unique}
        )
        self.assertEqual(group, found["GroupId"])
        assignment = {
            **names,
            "TargetId": member("tenant"),
            "TargetType": "AWS_ACCOUNT",
            "PrincipalType": "GROUP",
            "PrincipalId": group,
        }

        def listed() -> list[str]:
            asked = {**names, "AccountId": member("tenant")}
            return [entry["PrincipalId"] for entry in self.sso.list_account_assignments(**asked)["AccountAssignments"]]

        for _ in range(2):
            status = self.sso.create_account_assignment(**assignment)["AccountAssignmentCreationStatus"]
            self.assertEqual("IN_PROGRESS", status["Status"])
            asked = {"InstanceArn": self.instance, "AccountAssignmentCreationRequestId": status["RequestId"]}
            told = self.sso.describe_account_assignment_creation_status(**asked)["AccountAssignmentCreationStatus"]
            self.assertEqual("SUCCEEDED", told["Status"])
            self.assertEqual([group], listed())
        started = self.sso.provision_permission_set(**names, TargetType="AWS_ACCOUNT", TargetId=member("tenant"))
        self.assertEqual("IN_PROGRESS", started["PermissionSetProvisioningStatus"]["Status"])
        status = self.sso.delete_account_assignment(**assignment)["AccountAssignmentDeletionStatus"]
        self.assertEqual("IN_PROGRESS", status["Status"])
        self.assertEqual([group], listed(), "it is there until the deletion is done")
        asked = {"InstanceArn": self.instance, "AccountAssignmentDeletionRequestId": status["RequestId"]}
        told = self.sso.describe_account_assignment_deletion_status(**asked)["AccountAssignmentDeletionStatus"]
        self.assertEqual("SUCCEEDED", told["Status"])
        self.assertEqual([], listed())
        unknown = code_of(lambda: self.sso.create_account_assignment(**assignment | {"TargetId": "999999999999"}))
        self.assertEqual("ResourceNotFoundException", unknown)

    def test_groups_are_listed(self) -> None:
        self.store.create_group(IdentityStoreId=self.identities, DisplayName="Operators")
        groups = self.store.list_groups(IdentityStoreId=self.identities)["Groups"]
        self.assertIn("Operators", [group["DisplayName"] for group in groups])
        unique = {"AttributePath": "DisplayName", "AttributeValue": "Nobody"}
        asked = {"IdentityStoreId": self.identities, "AlternateIdentifier": {"UniqueAttribute": unique}}
        self.assertEqual("ResourceNotFoundException", code_of(lambda: self.store.get_group_id(**asked)))
        again = code_of(lambda: self.store.create_group(IdentityStoreId=self.identities, DisplayName="Operators"))
        self.assertEqual("ConflictException", again)


if __name__ == "__main__":
    unittest.main()
