"""Settings of accounts: contacts, regions, quotas, Systems Manager, EC2's and KMS's, as strict as AWS."""

from __future__ import annotations

import unittest

from .support import MANAGEMENT, Caller, code_of, create_account, member, organization

CONTACT = {
    "AlternateContactType": "SECURITY",
    "EmailAddress": "security@acme.example",
    "Name": "Security",
    "PhoneNumber": "+10000000000",
    "Title": "Team",
}
CONCURRENCY = {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384"}


def put_contact(caller: Caller, **more: str) -> str:
    """How it goes to set the security contact."""
    return code_of(lambda: caller("account").put_alternate_contact(**CONTACT, **more))


class Contacts(unittest.TestCase):
    def test_contacts_are_absent_until_put(self) -> None:
        client = Caller().assume(member("one"))("account")
        asked = {"AlternateContactType": "SECURITY"}
        self.assertEqual("ResourceNotFoundException", code_of(lambda: client.get_alternate_contact(**asked)))
        client.put_alternate_contact(**CONTACT)
        self.assertEqual(CONTACT, client.get_alternate_contact(**asked)["AlternateContact"])

    def test_others_are_named_by_those_who_may(self) -> None:
        organization()
        target = create_account("contacts@acme.example")["AccountId"]
        self.assertEqual("AccessDeniedException", put_contact(Caller().assume(member("one")), AccountId=target))
        Caller()("organizations").enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
        self.assertEqual("ok", put_contact(Caller(), AccountId=target))
        self.assertEqual("AccessDeniedException", put_contact(Caller().assume(member("one")), AccountId=target))
        self.assertEqual("AccessDeniedException", put_contact(Caller(), AccountId=MANAGEMENT))
        self.assertEqual("ok", put_contact(Caller()))


class Regions(unittest.TestCase):
    def test_a_change_excludes_another(self) -> None:
        client = Caller().assume(member("changing"))("account")

        def enable() -> str:
            return code_of(lambda: client.enable_region(RegionName="eu-central-2"))

        self.assertEqual(["ok", "ConflictException"], [enable(), enable()])
        listed = client.list_regions(RegionOptStatusContains=["ENABLING"])["Regions"]
        self.assertEqual(["eu-central-2"], [region["RegionName"] for region in listed])
        self.assertEqual("ENABLED", client.get_region_opt_status(RegionName="eu-central-2")["RegionOptStatus"])
        self.assertEqual("ok", enable())
        self.assertEqual("ENABLED", client.get_region_opt_status(RegionName="eu-central-2")["RegionOptStatus"])


class Quotas(unittest.TestCase):
    def test_new_accounts_have_less_than_the_default(self) -> None:
        client = Caller().assume(member("one"))("service-quotas")
        self.assertEqual(10, client.get_service_quota(**CONCURRENCY)["Quota"]["Value"])
        self.assertEqual(1000, client.get_aws_default_service_quota(**CONCURRENCY)["Quota"]["Value"])
        listed = client.list_service_quotas(ServiceCode="lambda")["Quotas"]
        self.assertIn(("L-B99A9384", 10), [(quota["QuotaCode"], quota["Value"]) for quota in listed])
        unknown = {"ServiceCode": "lambda", "QuotaCode": "L-00000000"}
        self.assertEqual("NoSuchResourceException", code_of(lambda: client.get_service_quota(**unknown)))
        paginator = client.get_paginator("list_service_quotas")
        pages = paginator.paginate(ServiceCode="vpc", PaginationConfig={"PageSize": 9})
        codes = [quota["QuotaCode"] for page in pages for quota in page["Quotas"]]
        self.assertLess(9, len(codes))
        self.assertEqual(len(codes), len(set(codes)))

    def test_one_request_is_open_at_a_time(self) -> None:
        client = Caller().assume(member("one"))("service-quotas", "eu-west-1")

        def ask(value: float) -> str:
            return code_of(lambda: client.request_service_quota_increase(**CONCURRENCY, DesiredValue=value))

        self.assertEqual("IllegalArgumentException", ask(10))
        self.assertEqual(["ok", "ResourceAlreadyExistsException"], [ask(1000), ask(2000)])
        history = client.list_requested_service_quota_change_history_by_quota(**CONCURRENCY)["RequestedQuotas"]
        self.assertEqual([("PENDING", 1000)], [(entry["Status"], entry["DesiredValue"]) for entry in history])
        elsewhere = Caller().assume(member("one"))("service-quotas", "eu-west-2")
        asked = elsewhere.list_requested_service_quota_change_history_by_quota(**CONCURRENCY)["RequestedQuotas"]
        self.assertEqual([], asked)

    def test_the_template_asks_for_new_accounts(self) -> None:
        organization()
        client = Caller()("service-quotas")
        item = {**CONCURRENCY, "AwsRegion": "eu-west-1", "DesiredValue": 500.0}
        denied = "AWSServiceAccessNotEnabledException"
        self.assertEqual(denied, code_of(client.get_association_for_service_quota_template))
        Caller()("organizations").enable_aws_service_access(ServicePrincipal="servicequotas.amazonaws.com")
        self.assertEqual(
            "ServiceQuotaTemplateNotInUseException", code_of(client.get_association_for_service_quota_template)
        )
        client.associate_service_quota_template()
        associated = client.get_association_for_service_quota_template()
        self.assertEqual("ASSOCIATED", associated["ServiceQuotaTemplateAssociationStatus"])
        for value in (400.0, 500.0):
            client.put_service_quota_increase_request_into_template(**item | {"DesiredValue": value})
        listed = client.list_service_quota_increase_requests_in_template()
        values = [entry["DesiredValue"] for entry in listed["ServiceQuotaIncreaseRequestInTemplateList"]]
        self.assertEqual([500.0], values)
        born = Caller().assume(create_account("templated@acme.example")["AccountId"])("service-quotas", "eu-west-1")
        asked = born.list_requested_service_quota_change_history_by_quota(**CONCURRENCY)["RequestedQuotas"]
        self.assertEqual([500.0], [entry["DesiredValue"] for entry in asked])
        here = Caller()("service-quotas", "eu-west-1")
        self.assertEqual(
            "TemplatesNotAvailableInRegionException", code_of(here.list_service_quota_increase_requests_in_template)
        )
        of_member = Caller().assume(member("one"))("service-quotas")
        self.assertEqual("AccessDeniedException", code_of(of_member.associate_service_quota_template))


class SystemsManager(unittest.TestCase):
    SETTING = {"SettingId": "/ssm/documents/console/public-sharing-permission"}

    def check(self, caller: Caller) -> None:
        client = caller("ssm", "eu-west-1")
        before = client.get_service_setting(**self.SETTING)["ServiceSetting"]
        self.assertEqual(("Enable", "Default"), (before["SettingValue"], before["Status"]))
        client.update_service_setting(**self.SETTING, SettingValue="Disable")
        after = client.get_service_setting(**self.SETTING)["ServiceSetting"]
        self.assertEqual(("Disable", "Customized"), (after["SettingValue"], after["Status"]))
        self.assertEqual("Enable", client.reset_service_setting(**self.SETTING)["ServiceSetting"]["SettingValue"])
        unknown = code_of(lambda: client.get_service_setting(SettingId="/ssm/unknown"))
        self.assertEqual("ServiceSettingNotFound", unknown)

    def test_public_sharing_is_a_setting(self) -> None:
        self.check(Caller().assume(member("one")))
        self.check(Caller())


class Encryption(unittest.TestCase):
    def check(self, caller: Caller) -> None:
        kms = caller("kms", "eu-west-2")
        key = kms.create_key(Tags=[{"TagKey": "owner", "TagValue": "baseline"}])["KeyMetadata"]["KeyId"]
        name = {"AliasName": "alias/baseline"}
        kms.create_alias(**name, TargetKeyId=key)
        self.assertEqual("AlreadyExistsException", code_of(lambda: kms.create_alias(**name, TargetKeyId=key)))
        found = [entry for entry in kms.list_aliases()["Aliases"] if entry["AliasName"] == "alias/baseline"]
        self.assertEqual([key], [entry["TargetKeyId"] for entry in found])
        self.assertFalse(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
        kms.enable_key_rotation(KeyId=key)
        self.assertTrue(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
        policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "stage", "TagValue": "dev"}])
        kms.untag_resource(KeyId=key, TagKeys=["owner"])
        self.assertEqual(["stage"], [tag["TagKey"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]])

    def test_keys_are_found_by_alias(self) -> None:
        self.check(Caller().assume(member("one")))
        self.check(Caller())

    def test_key_policies_are_read(self) -> None:
        kms = Caller().assume(member("one"))("kms")
        key = {"KeyId": kms.create_key()["KeyMetadata"]["KeyId"], "PolicyName": "default"}
        self.assertEqual("MalformedPolicyDocumentException", code_of(lambda: kms.put_key_policy(**key, Policy="{")))

    def test_volumes_have_a_default_key(self) -> None:
        caller = Caller().assume(member("one"))
        ec2, kms = caller("ec2", "eu-west-2"), caller("kms", "eu-west-2")
        self.assertEqual("alias/aws/ebs", ec2.get_ebs_default_kms_key_id()["KmsKeyId"])
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        self.assertEqual(arn, ec2.modify_ebs_default_kms_key_id(KmsKeyId=arn)["KmsKeyId"])
        self.assertEqual(arn, ec2.get_ebs_default_kms_key_id()["KmsKeyId"])
        self.assertEqual("alias/aws/ebs", ec2.reset_ebs_default_kms_key_id()["KmsKeyId"])

    def test_default_key_of_the_management_account_stands_as_it_was_named(self) -> None:
        ec2 = Caller()("ec2", "eu-west-2")
        ec2.modify_ebs_default_kms_key_id(KmsKeyId="alias/own")
        self.assertEqual("alias/own", ec2.get_ebs_default_kms_key_id()["KmsKeyId"])


if __name__ == "__main__":
    unittest.main()
