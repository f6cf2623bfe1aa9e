"""What an organization declares reaches its accounts, and is theirs no longer."""

from __future__ import annotations

import json
import unittest
from typing import Any

from .support import Caller, code_of, enable_policies, member, organization

DECLARATIVE = "DECLARATIVE_POLICY_EC2"


def assigned(**values: str) -> dict[str, Any]:
    """Attributes with their values."""
    return {name: {"@@assign": value} for name, value in values.items()}


class Declarations(unittest.TestCase):
    def setUp(self) -> None:
        organization()
        self.organizations = Caller()("organizations")
        enable_policies(DECLARATIVE)
        enable_policies("TAG_POLICY")

    def declare(self, target: str, name: str, content: dict[str, Any], kind: str = DECLARATIVE) -> str:
        made = self.organizations.create_policy(Name=name, Description="", Type=kind, Content=json.dumps(content))
        policy = made["Policy"]["PolicySummary"]["Id"]
        self.organizations.attach_policy(PolicyId=policy, TargetId=target)
        return policy

    def test_declared_settings_are_the_organizations(self) -> None:
        made = self.organizations.create_organizational_unit(ParentId=organization(), Name="declared")
        unit, account = made["OrganizationalUnit"]["Id"], member("ruled")
        self.organizations.move_account(AccountId=account, SourceParentId=organization(), DestinationParentId=unit)
        ec2 = Caller().assume(account)("ec2", "eu-west-1")
        policy = self.declare(
            unit,
            "ec2",
            {
                "ec2_attributes": {
                    "exception_message": {"@@assign": "Ask the platform team."},
                    "serial_console_access": assigned(status="disabled"),
                    "image_block_public_access": assigned(state="block_new_sharing"),
                    "snapshot_block_public_access": assigned(state="block_all_sharing"),
                    "instance_metadata_defaults": assigned(http_tokens="required", http_put_response_hop_limit="2"),
                    "vpc_block_public_access": {
                        "internet_gateway_block": assigned(mode="block_ingress", exclusions_allowed="disabled")
                    },
                }
            },
        )
        snapshots = told(ec2.get_snapshot_block_public_access_state())
        self.assertEqual({"State": "block-all-sharing", **BY_POLICY}, snapshots)
        images = told(ec2.get_image_block_public_access_state())
        self.assertEqual({"ImageBlockPublicAccessState": "block-new-sharing", **BY_POLICY}, images)
        console = told(ec2.get_serial_console_access_status())
        self.assertEqual({"SerialConsoleAccessEnabled": False, **BY_POLICY}, console)
        metadata = ec2.get_instance_metadata_defaults()["AccountLevel"]
        self.assertEqual({"HttpTokens": "required", "HttpPutResponseHopLimit": 2, **BY_POLICY}, metadata)
        options = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
        self.assertEqual("block-ingress", options["InternetGatewayBlockMode"])
        self.assertEqual("not-allowed", options["ExclusionsAllowed"])
        refused = code_of(lambda: ec2.modify_instance_metadata_defaults(HttpTokens="optional"))
        self.assertEqual("OperationNotPermitted", refused)
        other = Caller().assume(member("free"))("ec2", "eu-west-1")
        self.assertEqual("account", other.get_serial_console_access_status()["ManagedBy"])
        self.organizations.detach_policy(PolicyId=policy, TargetId=unit)
        self.assertEqual("account", ec2.get_serial_console_access_status()["ManagedBy"])
        self.assertEqual("ok", code_of(lambda: ec2.modify_instance_metadata_defaults(HttpTokens="optional")))

    def test_lower_policies_are_over_higher_ones(self) -> None:
        account = member("tagged-by-policy")
        none = {"TargetId": account, "PolicyType": "TAG_POLICY"}
        missing = code_of(lambda: self.organizations.describe_effective_policy(**none))
        self.assertEqual("EffectivePolicyNotFoundException", missing)
        key = {"tag_key": {"@@assign": "Stage"}, "tag_value": {"@@assign": ["dev", "qa"]}}
        above = self.declare(organization(), "stages", {"tags": {"stage": key}}, "TAG_POLICY")
        self.addCleanup(self.organizations.detach_policy, PolicyId=above, TargetId=organization())
        more = {"tags": {"stage": {"tag_value": {"@@append": ["prod"]}}, "owner": assigned(tag_key="Owner")}}
        self.declare(account, "more-stages", more, "TAG_POLICY")
        content = self.organizations.describe_effective_policy(**none)["EffectivePolicy"]["PolicyContent"]
        stage = {"tag_key": "Stage", "tag_value": ["dev", "qa", "prod"]}
        self.assertEqual({"tags": {"stage": stage, "owner": {"tag_key": "Owner"}}}, json.loads(content))


BY_POLICY = {"ManagedBy": "declarative-policy"}


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without boto3's part in it."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


if __name__ == "__main__":
    unittest.main()
