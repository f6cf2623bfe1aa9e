"""The gateway: routing, the call log, and answers to what no emulator has."""

from __future__ import annotations

import unittest
import urllib.request

from .support import MANAGEMENT, Caller, code_of, member, stack
from .test_faults import signed


class Log(unittest.TestCase):
    def test_calls_are_logged_with_who_what_and_where(self) -> None:
        one = Caller().assume(member("one"))
        since = len(stack().log())
        one("ec2", "eu-west-1").describe_vpcs()
        one("lambda").list_functions()
        one("s3").create_bucket(Bucket="acme-logged")
        one("s3").put_object(Bucket="acme-logged", Key="key", Body=b"x")
        Caller()("sqs").list_queues()
        code_of(lambda: one("iam").get_role(RoleName="Nobody"))
        entries = stack().log(since)
        self.assertEqual(list(range(since + 1, since + 7)), [entry["n"] for entry in entries])
        seen = [
            (e["service"], e["action"], e["account"], e["region"], e["status"], e["plane"], e["write"]) for e in entries
        ]
        account = member("one")
        self.assertEqual(
            [
                ("ec2", "DescribeVpcs", account, "eu-west-1", 200, "moto", False),
                ("lambda", "ListFunctions", account, "us-east-1", 200, "moto", False),
                ("s3", "CreateBucket", account, "us-east-1", 200, "moto", True),
                ("s3", "PutObject", account, "us-east-1", 200, "moto", True),
                ("sqs", "ListQueues", MANAGEMENT, "us-east-1", 200, "ministack", False),
                ("iam", "GetRole", account, "us-east-1", 404, "moto", False),
            ],
            seen,
        )
        self.assertEqual(f"arn:aws:iam::{MANAGEMENT}:root", entries[0]["origin"])

    def test_the_log_is_a_file_too(self) -> None:
        Caller()("sts").get_caller_identity()
        with open(f"{stack().contract['workdir']}/calls.jsonl", encoding="utf-8") as lines:
            self.assertGreaterEqual(sum(1 for _ in lines), 1)


class Recorded(unittest.TestCase):
    def test_mail_that_was_taken_is_shown_as_it_was_asked_for(self) -> None:
        ses = Caller()("sesv2")
        text = {"Simple": {"Subject": {"Data": "hello"}, "Body": {"Text": {"Data": "there"}}}}
        mail = {"FromEmailAddress": "a@acme.example", "Destination": {"ToAddresses": ["b@acme.example"]}, "Content": text}
        self.assertEqual("MessageRejected", code_of(lambda: ses.send_email(**mail)), "nobody has verified the sender")
        ses.create_email_identity(EmailIdentity="acme.example")
        ses.send_email(**mail)
        taken = stack().control("GET", "mail")[1]
        self.assertEqual([{"account": MANAGEMENT, "region": "us-east-1", **mail}], taken)


class Missing(unittest.TestCase):
    def check(self, service: str, operation: str) -> None:
        since = len(stack().log())
        client = Caller().assume(member("one"))(service, attempts=3)
        self.assertEqual("UnsupportedOperation", code_of(getattr(client, operation)))
        calls = [entry for entry in stack().log(since) if entry["service"] != "sts"]
        self.assertEqual([400], [entry["status"] for entry in calls], "it was tried again")

    def test_what_is_missing_is_said_once_in_every_protocol(self) -> None:
        self.check("ec2", "describe_ipam_pools")
        self.check("iam", "get_outbound_web_identity_federation_info")
        self.check("service-quotas", "list_services")
        self.check("xray", "get_groups")
        self.check("detective", "list_graphs")

    def test_lists_that_nobody_has_are_empty_when_asked_for(self) -> None:
        stack().control("POST", "config", {"unknown_is_empty": True})
        self.addCleanup(stack().control, "POST", "config", {"unknown_is_empty": False})
        caller = Caller().assume(member("one"))
        self.assertNotIn("IpamPools", caller("ec2").describe_ipam_pools())
        self.assertNotIn("GraphList", caller("detective").list_graphs())
        self.assertNotIn("Groups", caller("xray").get_groups())
        self.assertEqual("UnsupportedOperation", code_of(lambda: caller("detective").create_graph()))

    def test_accounts_have_the_regions_that_a_test_wants(self) -> None:
        stack().control("POST", "config", {"regions": ["us-east-1", "eu-west-1"]})
        self.addCleanup(stack().control, "POST", "config", {"regions": []})
        caller = Caller().assume(member("one"))
        names = [region["RegionName"] for region in caller("ec2").describe_regions()["Regions"]]
        self.assertEqual(["eu-west-1", "us-east-1"], sorted(names))
        pages = caller("account").get_paginator("list_regions").paginate()
        told = [region["RegionName"] for page in pages for region in page["Regions"]]
        self.assertEqual(["eu-west-1", "us-east-1"], sorted(told))


class Planes(unittest.TestCase):
    def test_s3control_needs_no_host_prefix(self) -> None:
        account = member("one")
        url = stack().contract["endpoint"] + "/v20180820/configuration/publicAccessBlock"
        caller = Caller().assume(account)
        scope = f"{caller.keys['aws_access_key_id']}/20260101/us-east-1/s3/aws4_request"
        headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            "Content-Type": "application/xml",
            "x-amz-account-id": account,
            "x-amz-security-token": str(caller.keys["aws_session_token"]),
        }
        body = (
            '<PublicAccessBlockConfiguration xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">'
            "<BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>"
        )
        put = urllib.request.Request(url, body.encode(), headers, method="PUT")
        with urllib.request.urlopen(put) as answer:
            self.assertEqual(200, answer.status)
        with urllib.request.urlopen(urllib.request.Request(url, None, headers)) as answer:
            self.assertIn(b"<BlockPublicAcls>true", answer.read())
        actions = [entry["action"] for entry in stack().log() if entry["service"] == "s3control"]
        self.assertEqual(["PutPublicAccessBlock", "GetPublicAccessBlock"], actions[-2:])

    def test_things_of_other_accounts_are_reached_by_their_names(self) -> None:
        one = Caller().assume(member("one"))
        theirs = one("sqs").create_queue(QueueName="theirs")["QueueUrl"]
        ours = Caller()("sqs").create_queue(QueueName="ours")["QueueUrl"]
        topic = Caller()("sns").create_topic(Name="ours")["TopicArn"]
        arn = f"arn:aws:sqs:us-east-1:{MANAGEMENT}:ours"
        Caller()("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        Caller()("sqs").send_message(QueueUrl=theirs, MessageBody="to them")
        one("sns").publish(TopicArn=topic, Message="to us")
        self.assertEqual("to them", one("sqs").receive_message(QueueUrl=theirs)["Messages"][0]["Body"])
        self.assertIn("to us", Caller()("sqs").receive_message(QueueUrl=ours)["Messages"][0]["Body"])

    def test_head_answers_keep_their_length(self) -> None:
        for caller in (Caller(), Caller().assume(member("one"))):
            s3 = caller("s3")
            bucket = f"acme-head-{len(str(caller.keys))}"
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="key", Body=b"12345")
            self.assertEqual(5, s3.head_object(Bucket=bucket, Key="key")["ContentLength"])
            self.assertEqual("404", code_of(lambda: s3.head_object(Bucket=bucket, Key="none")))

    def test_budgets_belong_to_their_account(self) -> None:
        account = member("one")
        one, two = (Caller().assume(member(name))("budgets") for name in ("one", "two"))
        limit = {"Amount": "10", "Unit": "USD"}
        budget = {"BudgetName": "monthly", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
        alert = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
        alert["ThresholdType"] = "PERCENTAGE"
        subscribers = [{"SubscriptionType": "EMAIL", "Address": "owner@acme.example"}]
        alerts = [{"Notification": alert, "Subscribers": subscribers}]
        one.create_budget(AccountId=account, Budget=budget, NotificationsWithSubscribers=alerts)
        named = {"AccountId": account, "BudgetName": "monthly"}
        self.assertEqual(
            "DuplicateRecordException", code_of(lambda: one.create_budget(AccountId=account, Budget=budget))
        )
        self.assertEqual(1, len(one.describe_notifications_for_budget(**named)["Notifications"]))
        found = one.describe_subscribers_for_notification(**named, Notification=alert)["Subscribers"]
        self.assertEqual(subscribers, found)
        one.update_budget(AccountId=account, NewBudget={**budget, "BudgetLimit": {"Amount": "20", "Unit": "USD"}})
        self.assertEqual("20", one.describe_budget(**named)["Budget"]["BudgetLimit"]["Amount"])
        self.assertEqual("AccessDeniedException", code_of(lambda: two.describe_budget(**named)))
        named["AccountId"] = member("two")
        self.assertEqual("NotFoundException", code_of(lambda: two.describe_budget(**named)))

    def test_budgets_can_be_spent_from(self) -> None:
        budgets = Caller()("budgets")
        limit = {"Amount": "100", "Unit": "USD"}
        budget = {"BudgetName": "spent", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
        budgets.create_budget(AccountId=MANAGEMENT, Budget=budget)
        order = {"account": MANAGEMENT, "budget": "spent", "actual": 85.5, "forecast": 120}
        self.assertEqual(200, stack().control("POST", "spend", order)[0])
        spend = budgets.describe_budget(AccountId=MANAGEMENT, BudgetName="spent")["Budget"]["CalculatedSpend"]
        self.assertEqual({"Amount": "85.5", "Unit": "USD"}, spend["ActualSpend"])
        self.assertEqual({"Amount": "120.0", "Unit": "USD"}, spend["ForecastedSpend"])

    def test_cloudwatch_answers_cbor_and_query(self) -> None:
        url = stack().contract["endpoint"] + "/"
        body = b"Action=DescribeAlarms&Version=2010-08-01"
        headers = signed("monitoring", {"Content-Type": "application/x-www-form-urlencoded"})
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            self.assertIn(b"DescribeAlarmsResult", answer.read())


if __name__ == "__main__":
    unittest.main()
