"""Organizations: policies, units, trusted services and central root access, as strict as AWS."""

from __future__ import annotations

import json
import unittest
from typing import Any

from botocore.exceptions import ClientError

from .support import MANAGEMENT, Caller, code_of, create_account, enable_policies, member, organization

ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
PLANS = json.dumps({"plans": {"daily": {"regions": {"@@assign": ["eu-west-1"]}}}})
SCP = "SERVICE_CONTROL_POLICY"


def organizations() -> Any:
    """The management account's client, with an organization."""
    organization()
    return Caller()("organizations")


def policy(name: str, kind: str = SCP, content: str = ALLOW) -> str:
    """The id of a new policy."""
    made = organizations().create_policy(Name=name, Description="", Type=kind, Content=content)
    return made["Policy"]["PolicySummary"]["Id"]


def reason_of(call: Any) -> str:
    """The reason that an error gives."""
    try:
        call()
    except ClientError as problem:
        return problem.response.get("Reason", problem.response["Error"]["Code"])
    return "ok"


def attach(policy_id: str, target: str) -> str:
    """How an attachment goes."""
    return code_of(lambda: organizations().attach_policy(PolicyId=policy_id, TargetId=target))


class Policies(unittest.TestCase):
    def types(self) -> list[str]:
        return [entry["Type"] for entry in organizations().list_roots()["Roots"][0]["PolicyTypes"]]

    def test_types_are_enabled_once(self) -> None:
        client, root = organizations(), organization()
        self.assertIn(SCP, self.types())
        enable = {"RootId": root, "PolicyType": "BACKUP_POLICY"}
        plans = policy("plans", "BACKUP_POLICY", PLANS)
        self.assertEqual("PolicyTypeNotEnabledException", attach(plans, root))
        self.assertEqual("ok", code_of(lambda: client.enable_policy_type(**enable)))
        self.assertEqual("PolicyTypeAlreadyEnabledException", code_of(lambda: client.enable_policy_type(**enable)))
        self.assertEqual("ok", attach(plans, root))
        self.assertIn("BACKUP_POLICY", self.types())

    def test_declarative_policies_are_policies(self) -> None:
        client, kind = organizations(), "DECLARATIVE_POLICY_EC2"
        enable_policies(kind)
        content = {"ec2_attributes": {"serial_console_access": {"status": {"@@assign": "disabled"}}}}
        declared = policy("declared", kind, json.dumps(content))
        self.assertEqual("ok", attach(declared, member("declared")))
        found = client.list_policies_for_target(TargetId=member("declared"), Filter=kind)["Policies"]
        self.assertEqual([(declared, kind)], [(entry["Id"], entry["Type"]) for entry in found])
        self.assertIn("/declarative_policy_ec2/p-", found[0]["Arn"])

    def test_names_are_unique(self) -> None:
        client, taken, other = organizations(), policy("taken"), policy("other")
        self.assertEqual("DuplicatePolicyException", code_of(lambda: policy("taken")))
        self.assertEqual(
            "DuplicatePolicyException", code_of(lambda: client.update_policy(PolicyId=other, Name="taken"))
        )
        self.assertEqual("ok", code_of(lambda: client.update_policy(PolicyId=taken, Name="taken", Content=ALLOW)))

    def test_content_has_a_largest_size(self) -> None:
        def padded(size: int) -> str:
            return ALLOW + " " * (size - len(ALLOW))

        self.assertEqual("ok", reason_of(lambda: policy("largest", SCP, padded(5120))))
        self.assertEqual("POLICY_CONTENT_LIMIT_EXCEEDED", reason_of(lambda: policy("larger", SCP, padded(5121))))
        self.assertEqual("MalformedPolicyDocumentException", code_of(lambda: policy("broken", SCP, "{")))

    def test_policies_of_aws_stay_as_they_are(self) -> None:
        change = {"PolicyId": "p-FullAWSAccess", "Content": ALLOW}
        self.assertEqual("IMMUTABLE_POLICY", reason_of(lambda: organizations().update_policy(**change)))

    def test_attachments_are_counted(self) -> None:
        target, many = member("attached"), [policy(f"many-{number}") for number in range(5)]
        self.assertEqual(["ok"] * 4, [attach(entry, target) for entry in many[:4]])
        self.assertEqual("DuplicatePolicyAttachmentException", attach(many[0], target))
        # The one by default makes five.
        self.assertEqual("ConstraintViolationException", attach(many[4], target))
        targets = organizations().list_targets_for_policy(PolicyId=many[0])["Targets"]
        self.assertEqual([(target, "ACCOUNT")], [(entry["TargetId"], entry["Type"]) for entry in targets])

    def test_one_service_control_policy_stays(self) -> None:
        client, target, own = organizations(), member("guarded"), policy("own")

        def detach(entry: str) -> str:
            return reason_of(lambda: client.detach_policy(PolicyId=entry, TargetId=target))

        self.assertEqual("PolicyNotAttachedException", detach(own))
        self.assertEqual("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", detach("p-FullAWSAccess"))
        client.attach_policy(PolicyId=own, TargetId=target)
        self.assertEqual(["ok", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"], [detach("p-FullAWSAccess"), detach(own)])

    def test_targets_come_in_pages(self) -> None:
        pages = organizations().get_paginator("list_targets_for_policy").paginate(
            PolicyId="p-FullAWSAccess", PaginationConfig={"PageSize": 1}
        )
        found = [entry["TargetId"] for page in pages for entry in page["Targets"]]
        self.assertLess(1, len(found))
        self.assertIn(organization(), found)


class Units(unittest.TestCase):
    def test_names_are_unique_among_siblings(self) -> None:
        client = organizations()

        def create(parent: str) -> dict[str, Any]:
            return client.create_organizational_unit(ParentId=parent, Name="unique")["OrganizationalUnit"]

        unit = create(organization())["Id"]
        self.assertEqual("DuplicateOrganizationalUnitException", code_of(lambda: create(organization())))
        self.assertEqual("ok", code_of(lambda: create(unit)))
        self.assertEqual("ParentNotFoundException", code_of(lambda: create("ou-none-00000000")))
        self.assertEqual(
            "OrganizationalUnitNotEmptyException",
            code_of(lambda: client.delete_organizational_unit(OrganizationalUnitId=unit)),
        )

    def test_system_tags_are_refused(self) -> None:
        tags = [{"Key": "aws:stage", "Value": "dev"}]
        tag = {"ResourceId": member("tagged"), "Tags": tags}
        self.assertEqual("INVALID_SYSTEM_TAGS_PARAMETER", reason_of(lambda: organizations().tag_resource(**tag)))

    def test_the_management_account_stays_open(self) -> None:
        close = {"AccountId": MANAGEMENT}
        self.assertEqual("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", reason_of(lambda: organizations().close_account(**close)))

    def test_accounts_are_created_with_tags(self) -> None:
        client = organizations()
        tags = [{"Key": "stage", "Value": "dev"}]
        request = client.create_account(Email="born@acme.example", AccountName="born", Tags=tags)
        pages = client.get_paginator("list_create_account_status").paginate()
        accounts = {entry["Id"]: entry.get("AccountId") for page in pages for entry in page["CreateAccountStatuses"]}
        account = accounts[request["CreateAccountStatus"]["Id"]]
        self.assertEqual(tags, client.list_tags_for_resource(ResourceId=account)["Tags"])


class TrustedServices(unittest.TestCase):
    def register(self, account: str, service: str) -> str:
        names = {"AccountId": account, "ServicePrincipal": service}
        return reason_of(lambda: organizations().register_delegated_administrator(**names))

    def test_administrators_are_of_trusted_services(self) -> None:
        client, audit, service = organizations(), member("audit"), "inspector2.amazonaws.com"
        self.assertEqual("SERVICE_ACCESS_NOT_ENABLED", self.register(audit, service))
        client.enable_aws_service_access(ServicePrincipal=service)
        self.assertEqual("ok", self.register(audit, service))
        self.assertEqual("AccountAlreadyRegisteredException", self.register(audit, service))
        self.assertEqual("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR", self.register(MANAGEMENT, service))
        admins = client.list_delegated_administrators(ServicePrincipal=service)["DelegatedAdministrators"]
        self.assertEqual([audit], [admin["Id"] for admin in admins])
        services = client.list_delegated_services_for_account(AccountId=audit)["DelegatedServices"]
        self.assertEqual([service], [entry["ServicePrincipal"] for entry in services])
        trusted = client.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
        self.assertIn(service, [entry["ServicePrincipal"] for entry in trusted])

    def test_unknown_services_leave_nothing_behind(self) -> None:
        self.assertEqual("InvalidInputException", self.register(member("nobody"), "none.amazonaws.com"))
        self.assertEqual(
            "AccountNotRegisteredException",
            code_of(lambda: organizations().list_delegated_services_for_account(AccountId=member("nobody"))),
        )


class RootAccess(unittest.TestCase):
    def test_features_need_trust_and_sessions_need_features(self) -> None:
        client, iam, sts = organizations(), Caller()("iam"), Caller()("sts", "eu-west-1")
        born_before = member("with-root")

        def assume_root(account: str) -> Any:
            policy_arn = "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
            return sts.assume_root(TargetPrincipal=account, TaskPolicyArn={"arn": policy_arn})["Credentials"]

        self.assertEqual("ServiceAccessNotEnabledException", code_of(iam.list_organizations_features))
        self.assertEqual("ServiceAccessNotEnabledException", code_of(iam.enable_organizations_root_sessions))
        client.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
        self.assertEqual([], iam.list_organizations_features()["EnabledFeatures"])
        self.assertEqual("AccessDenied", code_of(lambda: assume_root(born_before)))
        for _ in range(2):
            iam.enable_organizations_root_credentials_management()
            iam.enable_organizations_root_sessions()
        enabled = iam.list_organizations_features()["EnabledFeatures"]
        self.assertEqual({"RootCredentialsManagement", "RootSessions"}, set(enabled))
        member_iam = Caller().assume(born_before)("iam")
        self.assertEqual(
            "AccountNotManagementOrDelegatedAdministratorException", code_of(member_iam.list_organizations_features)
        )

        def root_of(account: str) -> Any:
            keys = assume_root(account)
            return Caller(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])("iam")

        root = root_of(born_before)
        codes = [code_of(root.get_login_profile), code_of(root.delete_login_profile), code_of(root.get_login_profile)]
        self.assertEqual(["ok", "ok", "NoSuchEntity"], codes)
        self.assertEqual([], root.list_access_keys()["AccessKeyMetadata"])
        born_after = create_account("without-root@acme.example")["AccountId"]
        self.assertEqual("NoSuchEntity", code_of(root_of(born_after).get_login_profile))
        self.assertEqual("AccessDenied", code_of(lambda: assume_root(MANAGEMENT)))


if __name__ == "__main__":
    unittest.main()
