"""Faults, in the shape that each protocol's SDK understands."""

from __future__ import annotations

import time
import unittest
import urllib.request
from typing import Any
from urllib.error import HTTPError

import cbor2
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from .support import MANAGEMENT, Caller, code_of, member, organization, stack

# One operation for each protocol: (boto3's name, operation, service as logged, what "throttled" is called).
PROTOCOLS = [
    ("ec2", "describe_vpcs", "ec2", "RequestLimitExceeded"),
    ("iam", "list_users", "iam", "Throttling"),
    ("organizations", "describe_organization", "organizations", "TooManyRequestsException"),
    ("dynamodb", "list_tables", "dynamodb", "ThrottlingException"),
    ("lambda", "list_functions", "lambda", "TooManyRequestsException"),
    ("s3", "list_buckets", "s3", "SlowDown"),
    ("sqs", "list_queues", "sqs", "RequestThrottled"),
]
DENIED = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied", "s3": "AccessDenied"}


def signed(service: str, headers: dict[str, str]) -> dict[str, str]:
    """Headers with a credential scope, which is all that the stack reads of a signature."""
    scope = f"{MANAGEMENT}/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0", **headers}


class Faults(unittest.TestCase):
    def setUp(self) -> None:
        organization()
        self.addCleanup(stack().control, "DELETE", "faults")

    def fault(self, kind: str, times: int | None = 1, delay_ms: int = 0, **match: str) -> None:
        order: dict[str, Any] = {"kind": kind, "match": match, "delay_ms": delay_ms}
        status, answer = stack().control("POST", "faults", order if times is None else {**order, "times": times})
        self.assertEqual(200, status, answer)

    def test_throttles_are_understood_in_every_protocol(self) -> None:
        for name, operation, service, expected in PROTOCOLS:
            with self.subTest(service=name):
                self.fault("throttle", service=service)
                self.assertEqual(expected, code_of(getattr(Caller()(name), operation)))

    def test_denials_are_understood_in_every_protocol(self) -> None:
        for name, operation, service, _ in PROTOCOLS:
            with self.subTest(service=name):
                self.fault("denied", service=service)
                self.assertEqual(DENIED.get(name, "AccessDeniedException"), code_of(getattr(Caller()(name), operation)))

    def test_a_retry_gets_past_what_passes(self) -> None:
        for kind, (name, operation, service, _) in zip(("throttle", "5xx", "reset"), PROTOCOLS):
            with self.subTest(kind=kind, service=name):
                self.fault(kind, service=service)
                self.assertEqual("ok", code_of(getattr(Caller()(name, attempts=3), operation)))

    def test_internal_failures_are_understood_in_every_protocol(self) -> None:
        for name, operation, service, _ in PROTOCOLS:
            with self.subTest(service=name):
                self.fault("5xx", service=service)
                self.assertEqual("InternalFailure", code_of(getattr(Caller()(name), operation)))

    def test_only_the_named_call_of_the_named_account_and_region_fails(self) -> None:
        one = Caller().assume(member("one"))
        self.fault("denied", None, service="ec2", action="DescribeVpcs", account=member("one"), region="eu-west-1")
        self.assertEqual("UnauthorizedOperation", code_of(one("ec2", "eu-west-1").describe_vpcs))
        self.assertEqual("ok", code_of(one("ec2", "eu-west-2").describe_vpcs))
        self.assertEqual("ok", code_of(one("ec2", "eu-west-1").describe_subnets))
        self.assertEqual("ok", code_of(Caller().assume(member("two"))("ec2", "eu-west-1").describe_vpcs))
        self.assertEqual(1, stack().control("GET", "faults")[1][0]["hits"])

    def test_a_lost_answer_was_a_call_all_the_same(self) -> None:
        self.fault("lost", service="sqs", action="CreateQueue")
        queues = Caller().assume(member("one"))("sqs")
        with self.assertRaises(ConnectionClosedError):
            queues.create_queue(QueueName="lost")
        self.assertEqual("ok", code_of(lambda: queues.get_queue_url(QueueName="lost")))

    def test_a_lost_creation_is_made_twice_by_a_careless_caller(self) -> None:
        self.fault("lost", service="organizations", action="CreateAccount")
        organizations = Caller()("organizations", attempts=2)
        request = organizations.create_account(Email="lost@acme.example", AccountName="lost")["CreateAccountStatus"]
        ended = organizations.describe_create_account_status(CreateAccountRequestId=request["Id"])
        self.assertEqual("EMAIL_ALREADY_EXISTS", ended["CreateAccountStatus"]["FailureReason"])

    def test_garbage_is_no_answer(self) -> None:
        self.fault("garbage", service="iam")
        with self.assertRaises(ResponseParserError):
            Caller()("iam").list_users()

    def test_delays_delay(self) -> None:
        self.fault("delay", delay_ms=300, service="iam")
        began = time.monotonic()
        self.assertEqual("ok", code_of(Caller()("iam").list_users))
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_hanging_calls_hang_until_the_caller_gives_up(self) -> None:
        self.fault("hang", service="iam")
        with self.assertRaises(ReadTimeoutError):
            Caller()("iam", read_timeout=0.3).list_users()

    def test_cbor_callers_get_cbor_errors(self) -> None:
        self.fault("throttle", service="monitoring", action="DescribeAlarms")
        url = stack().contract["endpoint"] + "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"
        headers = signed("monitoring", {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"})
        with self.assertRaises(HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, cbor2.dumps({}), headers))
        with refused.exception as answer:
            self.assertEqual("ThrottlingException", cbor2.loads(answer.read())["__type"])
        with urllib.request.urlopen(urllib.request.Request(url, cbor2.dumps({}), headers)) as answer:
            self.assertIn("MetricAlarms", cbor2.loads(answer.read()))

    def test_orders_that_would_never_match_are_refused(self) -> None:
        for order in ({"kind": "explode"}, {"kind": "5xx", "match": {"servise": "s3"}}, {"kind": "5xx", "time": 1}):
            with self.subTest(order=order):
                self.assertEqual(400, stack().control("POST", "faults", order)[0])


if __name__ == "__main__":
    unittest.main()
