"""Events: what AWS services put on the bus, log searches, metric filters and alarms."""

from __future__ import annotations

import json
import time
import unittest
from typing import Any

from .support import (
    MANAGEMENT,
    Caller,
    code_of,
    create_account,
    eventually,
    member,
    organization,
    stack,
)


class Inbox:
    """A queue that hears what a rule matches."""

    def __init__(self, name: str, pattern: dict[str, Any]) -> None:
        self.sqs, events = Caller()("sqs"), Caller()("events")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{MANAGEMENT}:{name}"
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "inbox", "Arn": arn}])

    def take(self, seconds: float = 5.0) -> list[dict[str, Any]]:
        """The events that have come."""
        found = eventually(
            lambda: self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"), seconds
        )
        return [json.loads(message["Body"]) for message in found or []]


class ServiceEvents(unittest.TestCase):
    def test_a_new_account_is_told_as_cloudtrail_tells_it(self) -> None:
        organization()
        inbox = Inbox("created", {"source": ["aws.organizations"], "detail": {"eventName": ["CreateAccountResult"]}})
        account = create_account("told@acme.example")["AccountId"]
        (event,) = inbox.take()
        self.assertEqual("AWS Service Event via CloudTrail", event["detail-type"])
        status = event["detail"]["serviceEventDetails"]["createAccountStatus"]
        self.assertEqual((account, "SUCCEEDED", "****"), (status["accountId"], status["state"], status["accountName"]))

    def test_moves_tags_and_closings_are_told(self) -> None:
        pattern = {
            "source": ["aws.organizations"],
            "detail": {"eventName": [{"anything-but": {"prefix": "CreateAccount"}}]},
        }
        account, organizations = member("busy"), Caller()("organizations")
        unit = organizations.create_organizational_unit(ParentId=organization(), Name="busy")["OrganizationalUnit"][
            "Id"
        ]
        inbox = Inbox("changed", pattern)
        organizations.move_account(AccountId=account, SourceParentId=organization(), DestinationParentId=unit)
        organizations.tag_resource(ResourceId=account, Tags=[{"Key": "owner", "Value": "team"}])
        organizations.close_account(AccountId=account)
        details = {event["detail"]["eventName"]: event["detail"] for event in inbox.take()}
        self.assertEqual({"MoveAccount", "TagResource", "CloseAccount", "CloseAccountResult"}, set(details))
        moved = {"accountId": account, "sourceParentId": organization(), "destinationParentId": unit}
        self.assertEqual(moved, details["MoveAccount"]["requestParameters"])

    def test_organization_events_can_be_switched_off(self) -> None:
        organization()
        inbox = Inbox("silent", {"source": ["aws.organizations"]})
        stack().control("POST", "config", {"organization_events": False})
        self.addCleanup(stack().control, "POST", "config", {"organization_events": True})
        create_account("silent@acme.example")
        stack().control("POST", "config", {"organization_events": True})
        create_account("loud@acme.example")
        self.assertEqual(2, len(inbox.take()), "the loud creation alone has two events")

    def test_any_event_can_be_put_whole(self) -> None:
        inbox = Inbox("whole", {"source": ["aws.controltower"]})
        event = {"source": "aws.controltower", "detail-type": "AWS Service Event via CloudTrail", "detail": {"a": 1}}
        event |= {"account": "222233334444", "time": "2026-01-05T08:27:14Z", "id": "one", "resources": ["x"]}
        self.assertEqual((200, {"id": "one"}), stack().control("POST", "events", event))
        self.assertEqual([{**event, "version": "0", "region": "us-east-1"}], inbox.take())
        self.assertEqual(400, stack().control("POST", "events", {"source": "aws.controltower"})[0])

    def test_callers_cannot_speak_for_aws(self) -> None:
        entry = {"Source": "aws.organizations", "DetailType": "x", "Detail": "{}"}
        self.assertEqual(1, Caller()("events").put_events(Entries=[entry])["FailedEntryCount"])

    def test_schedules_fill_in_their_words(self) -> None:
        sqs, name = Caller()("sqs"), "scheduled"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        target = {"Arn": f"arn:aws:sqs:us-east-1:{MANAGEMENT}:{name}", "RoleArn": f"arn:aws:iam::{MANAGEMENT}:role/x"}
        target["Input"] = '{"time": "<aws.scheduler.scheduled-time>"}'
        window = {"Mode": "OFF"}
        Caller()("scheduler").create_schedule(
            Name=name, ScheduleExpression="at(2026-01-01T00:00:00)", FlexibleTimeWindow=window, Target=target
        )
        found = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), 30)
        self.assertRegex(json.loads(found[0]["Body"])["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


class Logs(unittest.TestCase):
    EVENTS = [
        {"eventName": "DeleteTrail", "errorCode": None},
        {"eventName": "CreateTrail", "errorCode": "AccessDenied"},
        {"eventName": "DescribeTrails"},
    ]
    PATTERN = '{ ($.eventName = "Delete*") || ($.errorCode = AccessDenied) }'

    def prepare(self, caller: Caller, name: str) -> Any:
        logs, now = caller("logs"), int(time.time() * 1000)
        logs.create_log_group(logGroupName=name)
        logs.create_log_stream(logGroupName=name, logStreamName="stream")
        events = [{"timestamp": now + at, "message": json.dumps(event)} for at, event in enumerate(self.EVENTS)]
        logs.put_log_events(logGroupName=name, logStreamName="stream", logEvents=events)
        return logs

    def names(self, logs: Any, **search: Any) -> list[str]:
        pages = logs.get_paginator("filter_log_events").paginate(**search)
        return [json.loads(event["message"])["eventName"] for page in pages for event in page["events"]]

    def test_patterns_are_evaluated_for_every_account(self) -> None:
        for caller in (Caller(), Caller().assume(member("one"))):
            logs = self.prepare(caller, "searched")
            search = {"logGroupName": "searched", "filterPattern": self.PATTERN}
            self.assertEqual(["DeleteTrail", "CreateTrail"], self.names(logs, **search))
            self.assertEqual(["DeleteTrail", "CreateTrail"], self.names(logs, **search, limit=1))
            self.assertEqual(3, len(self.names(logs, logGroupName="searched", limit=2)))

    def test_the_first_page_of_a_search_is_empty_and_not_the_last(self) -> None:
        logs = self.prepare(Caller(), "paged")
        search = {"logGroupName": "paged", "filterPattern": self.PATTERN}
        first = logs.filter_log_events(**search)
        self.assertEqual([], first["events"])
        second = logs.filter_log_events(**search, nextToken=first["nextToken"])
        self.assertEqual((2, False), (len(second["events"]), "nextToken" in second))

    def test_wrong_patterns_and_tokens_are_refused(self) -> None:
        logs = self.prepare(Caller(), "refused")
        for wrong in ({"filterPattern": "{ $.a = }"}, {"nextToken": "no token"}):
            code = code_of(lambda: logs.filter_log_events(logGroupName="refused", **wrong))
            self.assertEqual("InvalidParameterException", code)

    def test_a_log_event_becomes_a_metric_an_alarm_and_an_event(self) -> None:
        logs = self.prepare(Caller(), "watched")
        inbox = Inbox("alarms", {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["trail-deleted"]}})
        transformation = {"metricName": "deleted", "metricNamespace": "Security", "metricValue": "1"}
        logs.put_metric_filter(
            logGroupName="watched", filterName="f", filterPattern=self.PATTERN, metricTransformations=[transformation]
        )
        comparison = {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 1, "EvaluationPeriods": 1}
        metric = {"Namespace": "Security", "MetricName": "deleted", "Statistic": "Sum", "Period": 300}
        Caller()("cloudwatch").put_metric_alarm(AlarmName="trail-deleted", **metric, **comparison)
        event = {"timestamp": int(time.time() * 1000), "message": json.dumps({"eventName": "DeleteTrail"})}
        logs.put_log_events(logGroupName="watched", logStreamName="stream", logEvents=[event])
        (change,) = inbox.take()
        self.assertEqual("CloudWatch Alarm State Change", change["detail-type"])
        self.assertEqual("ALARM", change["detail"]["state"]["value"])
        stat = change["detail"]["configuration"]["metrics"][0]["metricStat"]
        self.assertEqual({"namespace": "Security", "name": "deleted", "dimensions": {}}, stat["metric"])


if __name__ == "__main__":
    unittest.main()
