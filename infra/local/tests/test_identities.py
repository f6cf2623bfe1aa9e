"""Identities in members and in the management account, as strict as AWS."""

from __future__ import annotations

import json
import unittest
from typing import Any

from .support import MANAGEMENT, Caller, code_of, member, organization

ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def trust(principal: dict[str, Any]) -> str:
    """A trust policy."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def both() -> list[Any]:
    """IAM of the management account and of a member."""
    organization()
    return [Caller()("iam"), Caller().assume(member("identities"))("iam")]


class Identities(unittest.TestCase):
    def test_groups_have_both_kinds_of_policies(self) -> None:
        for iam in both():
            iam.create_group(GroupName="dev")
            self.assertEqual("EntityAlreadyExists", code_of(lambda iam=iam: iam.create_group(GroupName="dev")))
            for _ in range(2):
                iam.put_group_policy(GroupName="dev", PolicyName="inline", PolicyDocument=ALLOW)
                iam.attach_group_policy(GroupName="dev", PolicyArn=READ_ONLY)
            self.assertEqual(["inline"], iam.list_group_policies(GroupName="dev")["PolicyNames"])
            document = iam.get_group_policy(GroupName="dev", PolicyName="inline")["PolicyDocument"]
            self.assertEqual(json.loads(ALLOW), document)
            attached = iam.list_attached_group_policies(GroupName="dev")["AttachedPolicies"]
            self.assertEqual([READ_ONLY], [policy["PolicyArn"] for policy in attached])

    def test_providers_are_unique(self) -> None:
        for iam in both():
            wanted = {"Url": "https://token.acme.example", "ClientIDList": ["sts.amazonaws.com"]}
            arn = iam.create_open_id_connect_provider(**wanted)["OpenIDConnectProviderArn"]
            again = code_of(lambda iam=iam, wanted=wanted: iam.create_open_id_connect_provider(**wanted))
            self.assertEqual("EntityAlreadyExists", again)
            self.assertIn(arn, [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]])
            for _ in range(2):
                iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="more")
            provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
            self.assertEqual(("token.acme.example", ["sts.amazonaws.com", "more"]), told(provider))
            iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="more")
            iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["0" * 40])
            provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
            self.assertEqual(["sts.amazonaws.com"], provider["ClientIDList"])
            self.assertEqual(["0" * 40], provider["ThumbprintList"])

    def test_roles_are_changed_in_place(self) -> None:
        for iam in both():
            iam.create_role(RoleName="changed", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
            boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=ALLOW)["Policy"]["Arn"]
            for _ in range(2):
                iam.put_role_permissions_boundary(RoleName="changed", PermissionsBoundary=boundary)
                iam.update_role(RoleName="changed", MaxSessionDuration=7200, Description="longer")
                iam.put_role_policy(RoleName="changed", PolicyName="inline", PolicyDocument=ALLOW)
            role = iam.get_role(RoleName="changed")["Role"]
            self.assertEqual(boundary, role["PermissionsBoundary"]["PermissionsBoundaryArn"])
            self.assertEqual((7200, "longer"), (role["MaxSessionDuration"], role["Description"]))
            document = iam.get_role_policy(RoleName="changed", PolicyName="inline")["PolicyDocument"]
            self.assertEqual(json.loads(ALLOW), document)
            too_long = code_of(lambda iam=iam: iam.update_role(RoleName="changed", MaxSessionDuration=43201))
            self.assertEqual("ValidationError", too_long)
            broken = code_of(
                lambda iam=iam: iam.put_role_policy(RoleName="changed", PolicyName="inline", PolicyDocument="{")
            )
            self.assertEqual("MalformedPolicyDocument", broken)

    def test_users_have_boundaries(self) -> None:
        for iam in both():
            iam.create_user(UserName="bounded")
            iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=READ_ONLY)
            boundary = iam.get_user(UserName="bounded")["User"]["PermissionsBoundary"]
            self.assertEqual(READ_ONLY, boundary["PermissionsBoundaryArn"])
            iam.delete_user_permissions_boundary(UserName="bounded")
            self.assertNotIn("PermissionsBoundary", iam.get_user(UserName="bounded")["User"])


def told(provider: dict[str, Any]) -> tuple[str, list[str]]:
    """What a provider says of itself."""
    return provider["Url"], provider["ClientIDList"]


class Trust(unittest.TestCase):
    def check(self, expected: str, principal: dict[str, Any]) -> None:
        iam = Caller().assume(member("trusting"))("iam")
        document = trust(principal)
        self.assertEqual(
            expected, code_of(lambda: iam.create_role(RoleName="judged", AssumeRolePolicyDocument=document))
        )
        if expected == "ok":
            iam.update_assume_role_policy(RoleName="judged", PolicyDocument=document)
            iam.delete_role(RoleName="judged")

    def test_principals_exist(self) -> None:
        iam = Caller().assume(member("trusted"))("iam")
        iam.create_role(RoleName="there", Path="/team/", AssumeRolePolicyDocument=trust({"AWS": MANAGEMENT}))
        iam.create_user(UserName="anna")
        arn = f"arn:aws:iam::{member('trusted')}"
        self.check("ok", {"AWS": [f"{arn}:role/team/there", f"{arn}:user/anna", f"{arn}:root", member("trusted")]})
        self.check("MalformedPolicyDocument", {"AWS": f"{arn}:role/there"})
        self.check("MalformedPolicyDocument", {"AWS": [f"{arn}:root", f"{arn}:role/nobody"]})
        self.check("MalformedPolicyDocument", {"AWS": f"{arn}:user/nobody"})
        self.check("ok", {"Service": "lambda.amazonaws.com"})
        self.check("ok", {"AWS": "*"})

    def test_updates_are_judged_too(self) -> None:
        iam = Caller().assume(member("trusting"))("iam")
        iam.create_role(RoleName="kept", AssumeRolePolicyDocument=trust({"AWS": MANAGEMENT}))
        nobody = trust({"AWS": f"arn:aws:iam::{member('trusted')}:role/nobody"})
        refused = code_of(lambda: iam.update_assume_role_policy(RoleName="kept", PolicyDocument=nobody))
        self.assertEqual("MalformedPolicyDocument", refused)


if __name__ == "__main__":
    unittest.main()
