"""Services that watch accounts: cost anomalies, analyzers, GuardDuty, Security Hub and Config, as strict as AWS."""

from __future__ import annotations

import json
import unittest
from typing import Any

from botocore.exceptions import ClientError

from .support import MANAGEMENT, Caller, code_of, member, organization

SERVICES = {"MonitorName": "services", "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE"}
IMPACT = {"Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "MatchOptions": ["GREATER_THAN_OR_EQUAL"]}


def of(name: str, service: str, region: str = "us-east-1") -> Any:
    """A member's client."""
    return Caller().assume(member(name))(service, region)


def message_of(call: Any) -> str:
    """The message of an error, behind its code."""
    try:
        call()
    except ClientError as problem:
        return f"{problem.response['Error']['Code']}: {problem.response['Error']['Message']}"
    return "ok"


class CostAnomalies(unittest.TestCase):
    def test_services_are_watched_once(self) -> None:
        ce = of("costs", "ce")
        arn = ce.create_anomaly_monitor(AnomalyMonitor=SERVICES)["MonitorArn"]
        again = code_of(lambda: ce.create_anomaly_monitor(AnomalyMonitor=SERVICES))
        self.assertEqual("LimitExceededException", again)
        ce.update_anomaly_monitor(MonitorArn=arn, MonitorName="renamed")
        found = ce.get_anomaly_monitors()["AnomalyMonitors"]
        self.assertEqual([(arn, "renamed", "SERVICE")], [tuple_of(monitor) for monitor in found])
        self.assertEqual([], of("other-costs", "ce").get_anomaly_monitors()["AnomalyMonitors"])
        unknown = code_of(lambda: ce.get_anomaly_monitors(MonitorArnList=[arn + "0"]))
        self.assertEqual("UnknownMonitorException", unknown)

    def test_subscriptions_may_share_a_name(self) -> None:
        ce = Caller()("ce")
        monitor = ce.create_anomaly_monitor(AnomalyMonitor=SERVICES)["MonitorArn"]
        wanted = {
            "SubscriptionName": "team",
            "MonitorArnList": [monitor],
            "Frequency": "DAILY",
            "Subscribers": [{"Type": "EMAIL", "Address": "billing@acme.example"}],
            "ThresholdExpression": {"Dimensions": {**IMPACT, "Values": ["20"]}},
        }
        arns = {ce.create_anomaly_subscription(AnomalySubscription=wanted)["SubscriptionArn"] for _ in range(2)}
        found = ce.get_anomaly_subscriptions(MonitorArn=monitor)["AnomalySubscriptions"]
        self.assertEqual(arns, {subscription["SubscriptionArn"] for subscription in found})
        one = arns.pop()
        ce.update_anomaly_subscription(SubscriptionArn=one, Frequency="WEEKLY")
        changed = ce.get_anomaly_subscriptions(SubscriptionArnList=[one])["AnomalySubscriptions"][0]
        self.assertEqual(("WEEKLY", "team"), (changed["Frequency"], changed["SubscriptionName"]))
        mail_at_once = {**wanted, "Frequency": "IMMEDIATE"}
        refused = code_of(lambda: ce.create_anomaly_subscription(AnomalySubscription=mail_at_once))
        self.assertEqual("ValidationException", refused)
        nothing = {**wanted, "MonitorArnList": [monitor + "0"]}
        refused = code_of(lambda: ce.create_anomaly_subscription(AnomalySubscription=nothing))
        self.assertEqual("UnknownMonitorException", refused)


def tuple_of(monitor: dict[str, Any]) -> tuple[str, ...]:
    """What tells monitors apart."""
    return monitor["MonitorArn"], monitor["MonitorName"], monitor["MonitorDimension"]


class Analyzers(unittest.TestCase):
    def test_there_is_one_of_a_type_in_a_region(self) -> None:
        client = of("analyzed", "accessanalyzer", "eu-west-1")

        def create(name: str, kind: str = "ACCOUNT") -> str:
            return code_of(lambda: client.create_analyzer(analyzerName=name, type=kind, tags={"owner": "baseline"}))

        self.assertEqual([], client.list_analyzers()["analyzers"])
        self.assertEqual("ok", create("first"))
        self.assertEqual("ConflictException", create("first"))
        self.assertEqual("ServiceQuotaExceededException", create("second"))
        self.assertEqual("ValidationException", create("whole", "ORGANIZATION"))
        listed = client.list_analyzers(type="ACCOUNT")["analyzers"]
        self.assertEqual([("first", "ACTIVE")], [(entry["name"], entry["status"]) for entry in listed])
        analyzer = client.get_analyzer(analyzerName="first")["analyzer"]
        self.assertEqual(("ACCOUNT", {"owner": "baseline"}), (analyzer["type"], analyzer["tags"]))
        self.assertEqual("ResourceNotFoundException", code_of(lambda: client.get_analyzer(analyzerName="none")))
        self.assertEqual([], of("analyzed", "accessanalyzer", "eu-west-2").list_analyzers()["analyzers"])

    def test_organizations_are_analyzed_by_those_who_may(self) -> None:
        organization()
        client = Caller()("accessanalyzer")
        client.create_analyzer(analyzerName="whole", type="ORGANIZATION")
        self.assertEqual("ORGANIZATION", client.get_analyzer(analyzerName="whole")["analyzer"]["type"])


class GuardDuty(unittest.TestCase):
    def test_there_is_one_detector_in_a_region(self) -> None:
        client = of("detected", "guardduty", "eu-west-1")
        self.assertEqual([], client.list_detectors()["DetectorIds"])
        detector = client.create_detector(Enable=True)["DetectorId"]
        again = message_of(lambda: client.create_detector(Enable=True))
        self.assertIn("BadRequestException: ", again)
        self.assertIn("a detector already exists for the current account.", again)
        client.update_detector(DetectorId=detector, FindingPublishingFrequency="FIFTEEN_MINUTES")
        found = client.get_detector(DetectorId=detector)
        self.assertEqual(("ENABLED", "FIFTEEN_MINUTES"), (found["Status"], found["FindingPublishingFrequency"]))
        unknown = code_of(lambda: client.get_detector(DetectorId="0" * 32))
        self.assertEqual("BadRequestException", unknown)

    def test_an_administrator_configures_each_region(self) -> None:
        organization()
        here, admin = Caller()("guardduty", "eu-north-1"), of("security", "guardduty", "eu-north-1")
        self.assertEqual([], here.list_organization_admin_accounts()["AdminAccounts"])
        here.enable_organization_admin_account(AdminAccountId=member("security"))
        again = code_of(lambda: here.enable_organization_admin_account(AdminAccountId=member("security")))
        self.assertEqual("BadRequestException", again)
        admins = here.list_organization_admin_accounts()["AdminAccounts"]
        self.assertEqual([member("security")], [entry["AdminAccountId"] for entry in admins])
        detector = admin.list_detectors()["DetectorIds"][0]
        before = admin.describe_organization_configuration(DetectorId=detector)
        self.assertEqual("NONE", before["AutoEnableOrganizationMembers"])
        admin.update_organization_configuration(
            DetectorId=detector,
            AutoEnableOrganizationMembers="ALL",
            Features=[{"Name": "S3_DATA_EVENTS", "AutoEnable": "ALL"}],
        )
        after = admin.describe_organization_configuration(DetectorId=detector)
        self.assertEqual("ALL", after["AutoEnableOrganizationMembers"])
        self.assertEqual(["S3_DATA_EVENTS"], [feature["Name"] for feature in after["Features"]])
        elsewhere = Caller()("guardduty", "eu-west-3").list_organization_admin_accounts()["AdminAccounts"]
        self.assertEqual([], elsewhere)
        services = Caller()("organizations").list_delegated_services_for_account(AccountId=member("security"))
        self.assertIn("guardduty.amazonaws.com", [entry["ServicePrincipal"] for entry in services["DelegatedServices"]])

    def test_others_configure_nothing(self) -> None:
        client = of("detected", "guardduty", "eu-west-2")
        detector = client.create_detector(Enable=True)["DetectorId"]
        refused = code_of(lambda: client.describe_organization_configuration(DetectorId=detector))
        self.assertEqual("BadRequestException", refused)

    def test_members_are_listed(self) -> None:
        organization()
        Caller()("guardduty", "eu-west-3").enable_organization_admin_account(AdminAccountId=member("hunter"))
        admin = of("hunter", "guardduty", "eu-west-3")
        detector = admin.list_detectors()["DetectorIds"][0]
        details = [{"AccountId": member("prey"), "Email": "prey@acme.example"}]
        admin.create_members(DetectorId=detector, AccountDetails=details)
        listed = admin.list_members(DetectorId=detector)["Members"]
        expected = [(member("prey"), "Enabled")]
        self.assertEqual(expected, [(entry["AccountId"], entry["RelationshipStatus"]) for entry in listed])
        self.assertEqual(1, len(of("prey", "guardduty", "eu-west-3").list_detectors()["DetectorIds"]))


class SecurityHub(unittest.TestCase):
    def test_it_is_enabled_once(self) -> None:
        client = of("hub", "securityhub", "eu-west-1")
        self.assertEqual("InvalidAccessException", code_of(client.describe_hub))
        self.assertEqual("InvalidAccessException", code_of(client.get_enabled_standards))
        client.enable_security_hub(EnableDefaultStandards=False)
        again = code_of(lambda: client.enable_security_hub(EnableDefaultStandards=False))
        self.assertEqual("ResourceConflictException", again)
        self.assertIn(":hub/default", client.describe_hub()["HubArn"])
        self.assertEqual([], client.get_enabled_standards()["StandardsSubscriptions"])
        self.assertEqual([], client.list_enabled_products_for_import()["ProductSubscriptions"])
        standard = "arn:aws:securityhub:eu-west-1::standards/aws-foundational-security-best-practices/v/1.0.0"
        client.batch_enable_standards(StandardsSubscriptionRequests=[{"StandardsArn": standard}])
        found = client.get_enabled_standards()["StandardsSubscriptions"]
        self.assertEqual([(standard, "READY")], [(entry["StandardsArn"], entry["StandardsStatus"]) for entry in found])

    def test_an_administrator_configures_each_region(self) -> None:
        organization()
        here, admin = Caller()("securityhub", "eu-north-1"), of("security", "securityhub", "eu-north-1")
        self.assertEqual([], here.list_organization_admin_accounts()["AdminAccounts"])
        here.enable_organization_admin_account(AdminAccountId=member("security"))
        admins = here.list_organization_admin_accounts()["AdminAccounts"]
        self.assertEqual([member("security")], [entry["AccountId"] for entry in admins])
        self.assertEqual("InvalidAccessException", code_of(admin.describe_organization_configuration))
        admin.enable_security_hub(EnableDefaultStandards=False)
        self.assertFalse(admin.describe_organization_configuration()["AutoEnable"])
        admin.update_organization_configuration(AutoEnable=True, AutoEnableStandards="NONE")
        after = admin.describe_organization_configuration()
        self.assertEqual((True, "NONE"), (after["AutoEnable"], after["AutoEnableStandards"]))
        central = {"ConfigurationType": "CENTRAL"}
        admin.update_organization_configuration(
            AutoEnable=False, AutoEnableStandards="NONE", OrganizationConfiguration=central
        )
        refused = code_of(lambda: admin.update_organization_configuration(AutoEnable=True))
        self.assertEqual("InvalidInputException", refused)
        other = code_of(lambda: here.enable_organization_admin_account(AdminAccountId=member("hub")))
        self.assertEqual("InvalidInputException", other)
        elsewhere = Caller()("securityhub", "eu-west-3")
        self.assertEqual([], elsewhere.list_organization_admin_accounts()["AdminAccounts"])


class Config(unittest.TestCase):
    def test_recorders_need_channels(self) -> None:
        account = Caller().assume(member("recorded"))
        client = account("config", "eu-west-1")
        role = f"arn:aws:iam::{member('recorded')}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
        group = {"allSupported": True, "includeGlobalResourceTypes": False}

        def record(name: str) -> str:
            recorder = {"name": name, "roleARN": role, "recordingGroup": group}
            return code_of(lambda: client.put_configuration_recorder(ConfigurationRecorder=recorder))

        start = {"ConfigurationRecorderName": "default"}
        channel = {"name": "default", "s3BucketName": "acme-recorded"}
        self.assertEqual([], client.describe_configuration_recorders()["ConfigurationRecorders"])
        unrecorded = code_of(lambda: client.put_delivery_channel(DeliveryChannel=channel))
        self.assertEqual("NoAvailableConfigurationRecorderException", unrecorded)
        self.assertEqual(["ok", "ok"], [record("default"), record("default")])
        self.assertEqual("MaxNumberOfConfigurationRecordersExceededException", record("another"))
        early = code_of(lambda: client.start_configuration_recorder(**start))
        self.assertEqual("NoAvailableDeliveryChannelException", early)
        account("s3").create_bucket(Bucket="acme-recorded")
        allow(account("s3"), "acme-recorded", "config.amazonaws.com")
        client.put_delivery_channel(DeliveryChannel=channel)
        status = client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
        self.assertEqual([False], [entry["recording"] for entry in status])
        client.start_configuration_recorder(**start)
        status = client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
        self.assertEqual([True], [entry["recording"] for entry in status])

    def test_aggregators_are_put_again(self) -> None:
        client = Caller()("config", "eu-west-1")
        arn = f"arn:aws:iam::{MANAGEMENT}:role/aggregator"
        source = {"RoleArn": arn, "AllAwsRegions": True}
        for _ in range(2):
            client.put_configuration_aggregator(
                ConfigurationAggregatorName="whole", OrganizationAggregationSource=source
            )
        found = client.describe_configuration_aggregators()["ConfigurationAggregators"]
        self.assertEqual(["whole"], [entry["ConfigurationAggregatorName"] for entry in found])


def allow(s3: Any, bucket: str, service: str) -> None:
    """Let a service write into a bucket."""
    statements = [
        {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}"},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
    ]
    allowed = [{"Effect": "Allow", "Principal": {"Service": service}, **statement} for statement in statements]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": allowed}))


if __name__ == "__main__":
    unittest.main()
