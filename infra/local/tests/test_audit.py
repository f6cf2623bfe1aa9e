"""Trails, logs, alarms, topics and buckets of accounts that keep others' records, as strict as AWS."""

from __future__ import annotations

import json
import unittest
import urllib.request
from typing import Any
from urllib.parse import urlencode

from .support import MANAGEMENT, Caller, code_of, member, organization, stack


def trail_policy(bucket: str, owner: str, *prefixes: str) -> str:
    """A bucket policy for CloudTrail, as the documentation has it."""
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    condition = {"StringLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{owner}:trail/*"}}
    full = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    arn = f"arn:aws:s3:::{bucket}"
    look = {**service, "Action": "s3:GetBucketAcl", "Resource": arn, "Condition": condition}
    places = [f"{arn}/AWSLogs/{prefix}/*" for prefix in prefixes]
    write = {**service, "Action": "s3:PutObject", "Resource": places, "Condition": condition | full}
    return json.dumps({"Version": "2012-10-17", "Statement": [look, write]})


class Trails(unittest.TestCase):
    def test_buckets_let_trails_write(self) -> None:
        account = Caller().assume(member("trail"))
        client, s3, bucket = account("cloudtrail"), account("s3"), "acme-trail-own"

        def create(**more: Any) -> str:
            return code_of(lambda: client.create_trail(Name="own", S3BucketName=bucket, **more))

        self.assertEqual("S3BucketDoesNotExistException", create())
        s3.create_bucket(Bucket=bucket)
        self.assertEqual("InsufficientS3BucketPolicyException", create())
        s3.put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, MANAGEMENT, member("trail")))
        self.assertEqual("InsufficientS3BucketPolicyException", create(), "it is another account's trails that may")
        s3.put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, member("trail"), member("trail")))
        self.assertEqual(["ok", "TrailAlreadyExistsException"], [create(), create()])
        self.assertFalse(client.get_trail_status(Name="own")["IsLogging"])
        for _ in range(2):
            client.start_logging(Name="own")
        self.assertTrue(client.get_trail_status(Name="own")["IsLogging"])
        changed = client.update_trail(Name="own", IsMultiRegionTrail=True, EnableLogFileValidation=True)
        self.assertTrue(changed["IsMultiRegionTrail"])
        gone = code_of(lambda: client.update_trail(Name="own", S3BucketName="acme-trail-none"))
        self.assertEqual("S3BucketDoesNotExistException", gone)
        selectors = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]
        client.put_event_selectors(TrailName="own", EventSelectors=selectors)
        found = client.get_event_selectors(TrailName="own")["EventSelectors"]
        self.assertEqual(["All"], [selector["ReadWriteType"] for selector in found])

    def test_organizations_have_trails(self) -> None:
        organization()
        archive = Caller().assume(member("archive"))
        whole = Caller()("organizations").describe_organization()["Organization"]["Id"]
        bucket, client = "acme-trail-whole", Caller()("cloudtrail")
        archive("s3").create_bucket(Bucket=bucket)
        names = {"Name": "whole", "S3BucketName": bucket, "IsOrganizationTrail": True, "IsMultiRegionTrail": True}

        def create() -> str:
            return code_of(lambda: client.create_trail(**names))

        Caller()("organizations").disable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
        self.assertEqual("CloudTrailAccessNotEnabledException", create())
        Caller()("organizations").enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
        archive("s3").put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, MANAGEMENT, MANAGEMENT))
        self.assertEqual("InsufficientS3BucketPolicyException", create(), "the members' records need a place, too")
        policy = trail_policy(bucket, MANAGEMENT, MANAGEMENT, whole)
        archive("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
        self.assertEqual("ok", create())
        seen = archive("cloudtrail", "eu-west-1").describe_trails()["trailList"]
        arns = [trail["TrailARN"] for trail in seen if trail["IsOrganizationTrail"]]
        self.assertEqual([f"arn:aws:cloudtrail:us-east-1:{MANAGEMENT}:trail/whole"], arns)
        outsider = Caller().assume(member("trail"))("cloudtrail")
        refused = code_of(lambda: outsider.create_trail(**names))
        self.assertEqual("NotOrganizationMasterAccountException", refused)

    def test_service_linked_roles_are_made_once(self) -> None:
        iam = Caller().assume(member("linked"))("iam")

        def create() -> str:
            return code_of(lambda: iam.create_service_linked_role(AWSServiceName="config.amazonaws.com"))

        self.assertEqual(["ok", "InvalidInput"], [create(), create()])
        self.assertEqual("AWSServiceRoleForConfig", iam.get_role(RoleName="AWSServiceRoleForConfig")["Role"]["RoleName"])

    def test_administrators_keep_the_organizations_trail(self) -> None:
        organizations, audit, service = Caller()("organizations"), member("audit-trail"), "cloudtrail.amazonaws.com"
        organization()
        organizations.enable_aws_service_access(ServicePrincipal=service)
        register = Caller()("cloudtrail").register_organization_delegated_admin
        answers = [code_of(lambda: register(MemberAccountId=audit)) for _ in range(2)]
        self.assertEqual(["ok", "AccountRegisteredException"], answers)
        administrators = organizations.list_delegated_administrators(ServicePrincipal=service)
        self.assertIn(audit, [entry["Id"] for entry in administrators["DelegatedAdministrators"]])
        whole = organizations.describe_organization()["Organization"]["Id"]
        account, bucket = Caller().assume(audit), "acme-trail-delegated"
        account("s3").create_bucket(Bucket=bucket)
        account("s3").put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, MANAGEMENT, MANAGEMENT, whole))
        client = account("cloudtrail", "eu-north-1")
        made = client.create_trail(Name="delegated", S3BucketName=bucket, IsOrganizationTrail=True)
        self.assertEqual(f"arn:aws:cloudtrail:eu-north-1:{MANAGEMENT}:trail/delegated", made["TrailARN"])
        client.start_logging(Name=made["TrailARN"])
        self.assertTrue(client.get_trail_status(Name=made["TrailARN"])["IsLogging"])
        own = Caller()("cloudtrail", "eu-north-1").get_trail(Name="delegated")["Trail"]
        self.assertTrue(own["IsOrganizationTrail"])

    def test_the_bucket_may_be_the_management_accounts(self) -> None:
        bucket, client = "acme-trail-management", Caller()("cloudtrail", "eu-west-1")
        s3 = Caller()("s3", "eu-west-1")
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        names = {"Name": "management", "S3BucketName": bucket}
        refused = code_of(lambda: client.create_trail(**names))
        self.assertEqual("InsufficientS3BucketPolicyException", refused)
        s3.put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, MANAGEMENT, MANAGEMENT))
        client.create_trail(**names)
        self.assertEqual(bucket, client.get_trail(Name="management")["Trail"]["S3BucketName"])


class Alarms(unittest.TestCase):
    def check(self, caller: Caller) -> None:
        logs, metrics, topics = caller("logs"), caller("cloudwatch"), caller("sns")
        name = "audit/trail"
        logs.create_log_group(logGroupName=name)
        again = code_of(lambda: logs.create_log_group(logGroupName=name))
        self.assertEqual("ResourceAlreadyExistsException", again)
        logs.put_retention_policy(logGroupName=name, retentionInDays=365)
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        self.assertEqual([365], [group["retentionInDays"] for group in groups])
        transformation = {"metricName": "root", "metricNamespace": "CIS", "metricValue": "1"}
        pattern = '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS }'
        for _ in range(2):
            logs.put_metric_filter(
                logGroupName=name, filterName="root", filterPattern=pattern, metricTransformations=[transformation]
            )
        filters = logs.describe_metric_filters(logGroupName=name)["metricFilters"]
        self.assertEqual([("root", pattern)], [(entry["filterName"], entry["filterPattern"]) for entry in filters])
        topic = topics.create_topic(Name="audit-alarms")["TopicArn"]
        self.assertEqual(topic, topics.create_topic(Name="audit-alarms")["TopicArn"])
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed_to_publish(topic)]})
        topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        kept = json.loads(topics.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        self.assertEqual("cloudwatch.amazonaws.com", kept["Statement"][0]["Principal"]["Service"])
        alarm = {
            "AlarmName": "audit-root",
            "MetricName": "root",
            "Namespace": "CIS",
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [topic],
        }
        for _ in range(2):
            metrics.put_metric_alarm(**alarm)
        told = asked_as_query(caller, "DescribeAlarms")
        for part in ("<AlarmName>audit-root</AlarmName>", "<Period>300</Period>", f"<member>{topic}</member>"):
            self.assertIn(part, told)
        changed = {name: str(value) for name, value in alarm.items() if not isinstance(value, list)}
        asked_as_query(caller, "PutMetricAlarm", **changed, **{"AlarmActions.member.1": topic})
        found = metrics.describe_alarms(AlarmNames=["audit-root"])["MetricAlarms"]
        self.assertEqual([alarm], [{name: entry[name] for name in alarm} for entry in found])

    def test_of_members(self) -> None:
        self.check(Caller().assume(member("alarmed")))

    def test_of_the_management_account(self) -> None:
        self.check(Caller())


def asked_as_query(caller: Caller, action: str, **params: str) -> str:
    """CloudWatch's answer in the protocol that boto3 has left behind, and others speak."""
    scope = f"{caller.keys['aws_access_key_id']}/20260101/us-east-1/monitoring/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Amz-Security-Token": caller.keys["aws_session_token"] or "",
    }
    body = urlencode({"Action": action, "Version": "2010-08-01", **params}).encode()
    with urllib.request.urlopen(urllib.request.Request(stack().contract["endpoint"], body, headers)) as answer:
        return answer.read().decode()


def allowed_to_publish(topic: str) -> dict[str, Any]:
    """The statement that lets alarms publish."""
    service = {"Service": "cloudwatch.amazonaws.com"}
    return {"Effect": "Allow", "Principal": service, "Action": "sns:Publish", "Resource": topic}


class Buckets(unittest.TestCase):
    def check(self, caller: Caller, bucket: str) -> None:
        s3 = caller("s3")
        named = {"Bucket": bucket}
        s3.create_bucket(**named)
        self.assertNotIn("Status", s3.get_bucket_versioning(**named))
        s3.put_bucket_versioning(**named, VersioningConfiguration={"Status": "Enabled"})
        self.assertEqual("Enabled", s3.get_bucket_versioning(**named)["Status"])
        absent = {
            "NoSuchLifecycleConfiguration": s3.get_bucket_lifecycle_configuration,
            "NoSuchBucketPolicy": s3.get_bucket_policy,
            "NoSuchPublicAccessBlockConfiguration": s3.get_public_access_block,
        }
        for code, get in absent.items():
            self.assertEqual(code, code_of(lambda get=get: get(**named)))
        rule = {"ID": "keep", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 2555}}
        s3.put_bucket_lifecycle_configuration(**named, LifecycleConfiguration={"Rules": [rule]})
        self.assertEqual("keep", s3.get_bucket_lifecycle_configuration(**named)["Rules"][0]["ID"])
        flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        block = dict.fromkeys(flags, True)
        s3.put_public_access_block(**named, PublicAccessBlockConfiguration=block)
        self.assertEqual(block, s3.get_public_access_block(**named)["PublicAccessBlockConfiguration"])
        by_default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
        s3.put_bucket_encryption(**named, ServerSideEncryptionConfiguration={"Rules": [by_default]})
        rules = s3.get_bucket_encryption(**named)["ServerSideEncryptionConfiguration"]["Rules"]
        self.assertEqual("aws:kms", rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])
        s3.put_bucket_ownership_controls(
            **named, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        )
        controls = s3.get_bucket_ownership_controls(**named)["OwnershipControls"]["Rules"]
        self.assertEqual("BucketOwnerEnforced", controls[0]["ObjectOwnership"])
        s3.put_bucket_policy(**named, Policy=trail_policy(bucket, MANAGEMENT, MANAGEMENT))
        self.assertEqual(2, len(json.loads(s3.get_bucket_policy(**named)["Policy"])["Statement"]))

    def test_of_members(self) -> None:
        self.check(Caller().assume(member("keeper")), "acme-keeper")

    def test_of_the_management_account(self) -> None:
        self.check(Caller(), "acme-keeper-management")

    def test_names_are_taken_by_others(self) -> None:
        Caller().assume(member("keeper"))("s3").create_bucket(Bucket="acme-taken")
        other = Caller().assume(member("late"))("s3")
        self.assertEqual("BucketAlreadyExists", code_of(lambda: other.create_bucket(Bucket="acme-taken")))


if __name__ == "__main__":
    unittest.main()
