"""Accounts that are not ready when they are born."""

from __future__ import annotations

import unittest

from .support import Caller, code_of, create_account, member, organization, stack


class Newborn(unittest.TestCase):
    def setUp(self) -> None:
        organization()
        member("grown")
        self.addCleanup(stack().control, "POST", "config", {"asleep": {}, "assume_denied": 0})

    def born(self, email: str, **settings: object) -> str:
        status, _ = stack().control("POST", "config", settings)
        self.assertEqual(200, status)
        return create_account(email)["AccountId"]

    def test_services_wake_one_by_one(self) -> None:
        services = {"ec2": 2, "ssm": 1, "sns": 1, "s3": 1}
        caller = Caller().assume(self.born("asleep@acme.example", asleep=services))
        here, there = caller("ec2"), caller("ec2", "eu-west-1")
        self.assertEqual("OptInRequired", code_of(here.describe_regions))
        self.assertEqual("OptInRequired", code_of(there.describe_vpcs))
        self.assertEqual(["OptInRequired", "ok"], [code_of(here.describe_vpcs), code_of(here.describe_vpcs)])
        self.assertEqual("OptInRequired", code_of(there.describe_vpcs))
        self.assertEqual("ok", code_of(there.describe_vpcs))
        ssm = [code_of(caller("ssm").describe_parameters) for _ in range(2)]
        self.assertEqual(["SubscriptionRequiredException", "ok"], ssm)
        self.assertEqual(["OptInRequired", "ok"], [code_of(caller("sns").list_topics) for _ in range(2)])
        self.assertEqual(["NotSignedUp", "ok"], [code_of(caller("s3").list_buckets) for _ in range(2)])
        self.assertEqual("ok", code_of(caller("dynamodb").list_tables))
        self.assertEqual("ok", code_of(caller("iam").list_roles))

    def test_others_are_awake(self) -> None:
        self.born("sleeper@acme.example", asleep={"*": 1})
        self.assertEqual("ok", code_of(Caller().assume(member("grown"))("ec2").describe_regions))
        self.assertEqual("ok", code_of(Caller()("ec2").describe_regions))

    def test_any_service_can_sleep(self) -> None:
        caller = Caller().assume(self.born("dormant@acme.example", asleep={"*": 1, "sqs": 0}))
        self.assertEqual("ok", code_of(caller("sqs").list_queues))
        self.assertEqual("SubscriptionRequiredException", code_of(caller("dynamodb").list_tables))
        self.assertEqual("SubscriptionRequiredException", code_of(caller("guardduty").list_detectors))

    def test_roles_are_denied_at_first(self) -> None:
        account = self.born("denied@acme.example", assume_denied=2)
        attempts = [code_of(lambda: Caller().assume(account)) for _ in range(3)]
        self.assertEqual(["AccessDenied", "AccessDenied", "ok"], attempts)

    def test_wrong_settings_are_refused(self) -> None:
        status, answer = stack().control("POST", "config", {"asleep": {"ec2": "long"}})
        self.assertEqual((400, "asleep.ec2 must be a number of calls"), (status, answer["message"]))


if __name__ == "__main__":
    unittest.main()
