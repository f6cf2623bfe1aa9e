"""Accounts: isolation, creation, and what Organizations, STS and IAM refuse."""

from __future__ import annotations

import json
import unittest

from .support import (
    MANAGEMENT,
    Caller,
    code_of,
    create_account,
    member,
    organization,
    stack,
)


class Isolation(unittest.TestCase):
    def test_members_do_not_see_each_other(self) -> None:
        one, two = Caller().assume(member("one")), Caller().assume(member("two"))
        one("s3").create_bucket(Bucket="acme-isolation")
        one("sqs").create_queue(QueueName="isolation")
        one("ec2").enable_ebs_encryption_by_default()
        self.assertEqual([], two("s3").list_buckets()["Buckets"])
        self.assertNotIn("QueueUrls", two("sqs").list_queues(QueueNamePrefix="isolation"))
        self.assertFalse(two("ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.assertEqual("AccessDenied", code_of(lambda: two("s3").list_objects_v2(Bucket="acme-isolation")))

    def test_callers_are_who_they_are(self) -> None:
        self.assertEqual(f"arn:aws:iam::{MANAGEMENT}:root", Caller()("sts").get_caller_identity()["Arn"])
        identity = Caller().assume(member("one"))("sts").get_caller_identity()
        self.assertEqual(member("one"), identity["Account"])
        self.assertIn(":assumed-role/OrganizationAccountAccessRole/test", identity["Arn"])

    def test_unknown_keys_are_refused(self) -> None:
        self.assertEqual("InvalidClientTokenId", code_of(Caller("AKIAUNKNOWN")("sts").get_caller_identity))


class AssumeRole(unittest.TestCase):
    def check(self, expected: str, account: str, role: str, caller: Caller | None = None, **more: str) -> None:
        self.assertEqual(expected, code_of(lambda: (caller or Caller()).assume(account, role, **more)))

    def test_only_existing_roles_of_existing_accounts(self) -> None:
        self.check("AccessDenied", member("one"), "Nobody")
        self.check("AccessDenied", "999999999999", "OrganizationAccountAccessRole")

    def test_only_from_trusted_accounts(self) -> None:
        self.check("AccessDenied", member("two"), "OrganizationAccountAccessRole", Caller().assume(member("one")))

    def test_external_ids_are_compared(self) -> None:
        condition = {"StringEquals": {"sts:ExternalId": "secret"}}
        principal = {"AWS": f"arn:aws:iam::{MANAGEMENT}:role/some-function"}
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": condition}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        Caller().assume(member("one"))("iam").create_role(RoleName="external", AssumeRolePolicyDocument=policy)
        self.check("AccessDenied", member("one"), "external")
        self.check("ok", member("one"), "external", ExternalId="secret")

    def test_closed_accounts_are_closed(self) -> None:
        Caller()("organizations").close_account(AccountId=member("closed"))
        self.check("AccessDenied", member("closed"), "OrganizationAccountAccessRole")


class Organizations(unittest.TestCase):
    def test_creation_is_in_progress_until_asked(self) -> None:
        organization()
        answer = Caller()("organizations").create_account(Email="slow@acme.example", AccountName="slow")
        self.assertEqual("IN_PROGRESS", answer["CreateAccountStatus"]["State"])
        self.assertNotIn("AccountId", answer["CreateAccountStatus"])

    def test_an_address_serves_once(self) -> None:
        member("twice")
        status = create_account("twice@acme.example")
        self.assertEqual(("FAILED", "EMAIL_ALREADY_EXISTS"), (status["State"], status["FailureReason"]))

    def test_account_ids_can_be_chosen(self) -> None:
        stack().control("POST", "config", {"account_ids": ["222233334444"]})
        self.assertEqual("222233334444", create_account("chosen@acme.example")["AccountId"])
        self.assertNotEqual("222233334444", create_account("unchosen@acme.example")["AccountId"])

    def test_accounts_have_both_state_and_status(self) -> None:
        accounts = Caller()("organizations").list_accounts_for_parent(ParentId=organization())["Accounts"]
        self.assertTrue(all(account["State"] == account["Status"] for account in accounts))

    def test_members_may_not_list_accounts(self) -> None:
        organizations = Caller().assume(member("one"))("organizations")
        self.assertEqual("AccessDeniedException", code_of(organizations.list_accounts))
        self.assertEqual("ok", code_of(organizations.describe_organization))

    def test_moves_start_where_the_account_is(self) -> None:
        organizations, root = Caller()("organizations"), organization()
        unit = organizations.create_organizational_unit(ParentId=root, Name="moves")["OrganizationalUnit"]["Id"]

        def move(source: str, target: str) -> str:
            names = {"SourceParentId": source, "DestinationParentId": target}
            return code_of(lambda: organizations.move_account(AccountId=member("mover"), **names))

        self.assertEqual("SourceParentNotFoundException", move(unit, root))
        self.assertEqual("DestinationParentNotFoundException", move(root, "ou-none-00000000"))
        self.assertEqual("ok", move(root, unit))


class AccountSettings(unittest.TestCase):
    def test_aliases_are_unique(self) -> None:
        alias = {"AccountAlias": "acme-one"}
        one, two = (Caller().assume(member(name))("iam") for name in ("one", "two"))
        self.assertEqual("ok", code_of(lambda: one.create_account_alias(**alias)))
        self.assertEqual("EntityAlreadyExists", code_of(lambda: one.create_account_alias(**alias)))
        self.assertEqual("EntityAlreadyExists", code_of(lambda: two.create_account_alias(**alias)))

    def test_ec2_settings_are_kept_by_account_and_region(self) -> None:
        here = Caller().assume(member("one"))("ec2", "eu-west-1")
        here.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=2)
        here.enable_snapshot_block_public_access(State="block-all-sharing")
        here.disable_image_block_public_access()
        self.assertEqual("required", here.get_instance_metadata_defaults()["AccountLevel"]["HttpTokens"])
        self.assertEqual("block-all-sharing", here.get_snapshot_block_public_access_state()["State"])
        self.assertEqual("unblocked", here.get_image_block_public_access_state()["ImageBlockPublicAccessState"])
        self.assertFalse(here.get_serial_console_access_status()["SerialConsoleAccessEnabled"])
        there = Caller().assume(member("one"))("ec2", "eu-west-2")
        self.assertNotIn("HttpTokens", there.get_instance_metadata_defaults()["AccountLevel"])

    def test_regions_are_opted_into(self) -> None:
        account, ec2 = Caller()("account"), Caller().assume(member("one"))("ec2")
        Caller()("organizations").enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
        asked = {"AccountId": member("one"), "RegionName": "eu-south-1"}
        self.assertEqual("DISABLED", account.get_region_opt_status(**asked)["RegionOptStatus"])
        self.assertEqual(17, len(ec2.describe_regions()["Regions"]))
        account.enable_region(**asked)
        states = [account.get_region_opt_status(**asked)["RegionOptStatus"] for _ in range(2)]
        self.assertEqual(["ENABLING", "ENABLED"], states)
        self.assertEqual(18, len(ec2.describe_regions()["Regions"]))
        asked["RegionName"] = "us-east-1"
        self.assertEqual("ValidationException", code_of(lambda: account.disable_region(**asked)))

    def test_regions_that_are_off_answer_nobody(self) -> None:
        two = Caller().assume(member("two"))
        self.assertEqual("AuthFailure", code_of(two("ec2", "af-south-1").describe_vpcs))
        self.assertEqual("UnrecognizedClientException", code_of(two("dynamodb", "af-south-1").list_tables))
        self.assertEqual("InvalidClientTokenId", code_of(two("sns", "af-south-1").list_topics))
        two("account").enable_region(RegionName="af-south-1")
        self.assertEqual("ok", code_of(two("ec2", "af-south-1").describe_vpcs))
        self.assertEqual("AuthFailure", code_of(Caller().assume(member("one"))("ec2", "af-south-1").describe_vpcs))

    def test_aws_policies_can_be_attached(self) -> None:
        iam = Caller().assume(member("one"))("iam")
        arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
        iam.attach_role_policy(RoleName="OrganizationAccountAccessRole", PolicyArn=arn)
        attached = iam.list_attached_role_policies(RoleName="OrganizationAccountAccessRole")["AttachedPolicies"]
        self.assertEqual([arn], [policy["PolicyArn"] for policy in attached])


if __name__ == "__main__":
    unittest.main()
