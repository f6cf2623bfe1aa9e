"""What must hold of every queue, function, rule, schedule, topic and bucket of the templates, also of those to come."""

from __future__ import annotations

import json
import re
import unittest
from typing import Any

from tests.templates import INFRA, listed, load, of_type, references, statements, walk

TEMPLATE = load("template.yaml")
QUEUES = of_type(TEMPLATE, "AWS::SQS::Queue")
FUNCTIONS = of_type(TEMPLATE, "AWS::Serverless::Function")
RULES = of_type(TEMPLATE, "AWS::Events::Rule")
SCHEDULES = of_type(TEMPLATE, "AWS::Scheduler::Schedule")
GLOBALS = TEMPLATE["Globals"]["Function"]
DAYS_14 = 1209600


def dead_letter_queues() -> set[str]:
    return {
        name for queue in QUEUES.values() for name in references(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
    }


def sources(function: dict[str, Any]) -> list[str]:
    """The queues that a function reads."""
    events = function.get("Events", {}).values()
    return [name for event in events if event["Type"] == "SQS" for name in references(event["Properties"]["Queue"])]


class Queues(unittest.TestCase):
    def test_what_cannot_be_handled_goes_to_a_dead_letter_queue(self) -> None:
        for name in QUEUES.keys() - dead_letter_queues():
            self.assertIn("RedrivePolicy", QUEUES[name], name)
            self.assertGreaterEqual(QUEUES[name]["RedrivePolicy"]["maxReceiveCount"], 5, name)

    def test_a_dead_letter_queue_is_of_the_kind_of_its_source(self) -> None:
        for name, queue in QUEUES.items():
            for dead in references(queue.get("RedrivePolicy", {})):
                self.assertEqual(queue.get("FifoQueue", False), QUEUES[dead].get("FifoQueue", False), name)

    def test_messages_are_encrypted_and_kept_as_long_as_can_be(self) -> None:
        for name, queue in QUEUES.items():
            self.assertTrue(queue.get("SqsManagedSseEnabled"), name)
            self.assertEqual(queue.get("MessageRetentionPeriod"), DAYS_14, name)

    def test_a_message_is_hidden_for_six_times_as_long_as_its_function_may_work(self) -> None:
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        read = 0
        for name, function in FUNCTIONS.items():
            for queue in sources(function):
                read += 1
                timeout = function.get("Timeout", GLOBALS["Timeout"])
                self.assertGreaterEqual(QUEUES[queue]["VisibilityTimeout"], 6 * timeout, f"{name} reads {queue}")
        self.assertGreaterEqual(read, 4)

    def test_every_queue_that_is_not_for_dead_letters_is_read_and_one_message_fails_alone(self) -> None:
        self.assertEqual({queue for function in FUNCTIONS.values() for queue in sources(function)},
                         QUEUES.keys() - dead_letter_queues())
        for name, function in FUNCTIONS.items():
            for event in function.get("Events", {}).values():
                if event["Type"] == "SQS":
                    self.assertEqual(event["Properties"]["FunctionResponseTypes"], ["ReportBatchItemFailures"], name)


class Access(unittest.TestCase):
    def test_services_may_only_act_for_something_that_is_named(self) -> None:
        """No confused deputy: <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>."""
        kinds = ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::KMS::Key", "AWS::Events::EventBusPolicy")
        for kind in kinds:
            for name, properties in of_type(TEMPLATE, kind).items():
                for statement in statements(properties):
                    if statement["Effect"] == "Allow" and "Service" in (statement.get("Principal") or {}):
                        keys = {key.lower() for part in statement.get("Condition", {}).values() for key in part}
                        self.assertTrue(keys & {"aws:sourcearn", "aws:sourceaccount"}, f"{name}: {statement}")

    def test_nothing_is_open_to_everybody(self) -> None:
        for name, resource in TEMPLATE["Resources"].items():
            for statement in statements(resource):
                if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
                    self.assertIn("aws:PrincipalOrgID", json.dumps(statement.get("Condition", {})), name)

    def test_no_function_may_do_a_whole_service(self) -> None:
        for name, resource in TEMPLATE["Resources"].items():
            for statement in statements(resource):
                if statement["Effect"] == "Allow" and resource["Type"] != "AWS::KMS::Key":
                    for action in listed(statement.get("Action")):
                        self.assertNotIn("*", action, f"{name}: {statement}")
                    self.assertFalse({"NotAction", "NotResource"} & statement.keys(), name)

    def test_roles_are_entered_by_name_and_root_users_for_named_tasks(self) -> None:
        entered = 0
        for name, resource in TEMPLATE["Resources"].items():
            for statement in statements(resource.get("Properties")):
                actions = listed(statement.get("Action"))
                if "sts:AssumeRole" in actions and "Resource" in statement:
                    entered += 1
                    for arn in listed(statement["Resource"]):
                        self.assertRegex(arn["Fn::Sub"], r":role/\$\{(MemberRole|FallbackRole)\}$", name)
                if "sts:AssumeRoot" in actions:
                    self.assertIn("sts:TaskPolicyArn", statement["Condition"]["ArnEquals"], name)
        self.assertEqual(entered, 1)


class Rules(unittest.TestCase):
    def test_every_target_lets_its_rule_in(self) -> None:
        policies = of_type(TEMPLATE, "AWS::SQS::QueuePolicy").values()
        for name, rule in RULES.items():
            for target in rule["Targets"]:
                (queue,) = references(target["Arn"])
                into = [policy for policy in policies if queue in references(policy["Queues"])]
                named = references([statement["Condition"] for policy in into for statement in statements(policy)])
                self.assertIn(name, named, f"{queue} does not let {name} in")

    def test_every_kind_of_event_that_is_taken_has_a_rule(self) -> None:
        """The samples in `events/` are what the functions take; each must be matched by some rule."""
        taken = 0
        for path in sorted((INFRA.parent / "events").glob("*/*.json")):
            event = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(event, dict) or event.get("source") not in SOURCES or "alarmData" in event:
                continue
            if event["detail"].get("errorCode") or event["detail"].get("eventName") in ASKED:
                continue
            taken += 1
            self.assertTrue(any(matches(rule["EventPattern"], event) for rule in RULES.values()), path.name)
        self.assertGreater(taken, 15)

    def test_schedules_start_with_a_role_and_end_in_json(self) -> None:
        for name, schedule in SCHEDULES.items():
            self.assertEqual(references(schedule["Target"]["RoleArn"]), {"SchedulerRole"}, name)
            self.assertIn("action", json.loads(schedule["Target"]["Input"]), name)
        allowed = references(TEMPLATE["Resources"]["SchedulerRole"]["Properties"]["Policies"])
        wanted = {target for schedule in SCHEDULES.values() for target in references(schedule["Target"]["Arn"])}
        self.assertLessEqual(wanted, allowed)


SOURCES = ("aws.organizations", "aws.controltower", "aws.account", "aws.cloudwatch", "aws.ce")
# Requests, whose results are told too.
ASKED = {"CreateAccount", "InviteAccountToOrganization"}


def matches(pattern: Any, event: Any) -> bool:
    """The part of EventBridge's language that the rules use: exact values and prefixes."""
    for key, wanted in pattern.items():
        found = event.get(key) if isinstance(event, dict) else None
        if isinstance(wanted, dict):
            if not matches(wanted, found):
                return False
        elif not any(one(item, found) for item in wanted):
            return False
    return True


def one(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict) and "prefix" in wanted:
        return isinstance(found, str) and found.startswith(wanted["prefix"])
    return wanted == found


if __name__ == "__main__":
    unittest.main()
