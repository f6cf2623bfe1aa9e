"""Accounts that close in their own time, and policies on an account that deny."""

from __future__ import annotations

import json
import unittest

from .support import Caller, code_of, member, organization, stack


class Closing(unittest.TestCase):
    def setUp(self) -> None:
        organization()
        self.organizations = Caller()("organizations")
        stack().control("POST", "config", {"closing_looks": 2})
        self.addCleanup(stack().control, "POST", "config", {"closing_looks": 0, "close_quota": -1})

    def state(self, account: str) -> str:
        return self.organizations.describe_account(AccountId=account)["Account"]["State"]

    def close(self, account: str) -> str:
        return code_of(lambda: self.organizations.close_account(AccountId=account))

    def test_account_is_closing_for_a_while_and_then_closed(self) -> None:
        account = member("slow-to-close")
        self.assertEqual("ok", self.close(account))
        self.assertEqual("PENDING_CLOSURE", self.state(account))
        self.assertEqual("ConflictException", self.close(account))
        self.assertEqual(["PENDING_CLOSURE", "SUSPENDED"], [self.state(account) for _ in range(2)])
        self.assertEqual("AccountAlreadyClosedException", self.close(account))

    def reason(self, account: str) -> str:
        try:
            self.organizations.close_account(AccountId=account)
        except self.organizations.exceptions.ConstraintViolationException as problem:
            return problem.response["Reason"]
        return "ok"

    def test_three_close_at_a_time(self) -> None:
        accounts = [member(f"closing-{n}") for n in range(4)]
        self.assertEqual(["ok"] * 3, [self.reason(account) for account in accounts[:3]])
        self.assertEqual("CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED", self.reason(accounts[3]))
        for account in accounts[:3]:
            while self.state(account) != "SUSPENDED":
                pass
        self.assertEqual("ok", self.reason(accounts[3]))
        while self.state(accounts[3]) != "SUSPENDED":
            pass

    def test_quota_is_kept_on_demand(self) -> None:
        stack().control("POST", "config", {"close_quota": 0})
        account = member("one-too-many")
        self.assertEqual("CLOSE_ACCOUNT_QUOTA_EXCEEDED", self.reason(account))
        self.assertEqual("ACTIVE", self.state(account))


class Denials(unittest.TestCase):
    def test_policy_on_an_account_denies_whom_it_does_not_spare(self) -> None:
        account, organizations = member("frozen"), Caller()("organizations")
        condition = {
            "ArnNotLike": {"aws:PrincipalArn": ["arn:*:iam::*:role/OrganizationAccountAccessRole"]},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"},
            "Null": {"aws:AssumedRoot": "true"},
        }
        statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
        content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        inside = Caller().assume(account)
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        inside("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=document)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        inside("iam").put_role_policy(RoleName="worker", PolicyName="all", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [everything]}))
        worker = inside.assume(account, "worker")
        policy = organizations.create_policy(
            Name="freeze-test", Type="SERVICE_CONTROL_POLICY", Description="", Content=content
        )["Policy"]["PolicySummary"]["Id"]
        organizations.attach_policy(PolicyId=policy, TargetId=account)
        stack().control("POST", "config", {"enforce_policies": True})
        self.addCleanup(stack().control, "POST", "config", {"enforce_policies": False})
        self.assertEqual("AccessDeniedException", code_of(lambda: worker("sqs").create_queue(QueueName="q")))
        self.assertEqual("UnauthorizedOperation", code_of(lambda: worker("ec2").describe_vpcs()))
        self.assertEqual("ok", code_of(lambda: inside("ec2").describe_vpcs()))
        organizations.detach_policy(PolicyId=policy, TargetId=account)
        self.assertEqual("ok", code_of(lambda: worker("ec2").describe_vpcs()))
