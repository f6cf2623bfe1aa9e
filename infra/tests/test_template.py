"""What must hold of every queue, function, rule, schedule, topic and bucket of the templates, also of those to come."""

from __future__ import annotations

import fnmatch
import json
import re
import unittest
from typing import Any

from tests.templates import INFRA, TEMPLATES, listed, load, of_type, references, statements, walk

TEMPLATE = load("template.yaml")
QUEUES = of_type(TEMPLATE, "AWS::SQS::Queue")
FUNCTIONS = of_type(TEMPLATE, "AWS::Serverless::Function")
RULES = of_type(TEMPLATE, "AWS::Events::Rule")
SCHEDULES = of_type(TEMPLATE, "AWS::Scheduler::Schedule")
GLOBALS = TEMPLATE["Globals"]["Function"]
DAYS_14 = 1209600


def size(policy: Any) -> int:
    return len(json.dumps(policy, separators=(",", ":")))


def dead_letter_queues() -> set[str]:
    return {
        name for queue in QUEUES.values()
        for name in references(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
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

    def test_policies_fit_into_what_iam_takes(self) -> None:
        """Without white space: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>."""
        for name in TEMPLATES:
            for resource, properties in load(name)["Resources"].items():
                properties = properties.get("Properties", {})
                inline = [part for part in listed(properties.get("Policies")) if isinstance(part, dict)]
                self.assertLessEqual(sum(size(part) for part in inline), 10_240, f"{name} {resource}")
                if "PolicyDocument" in properties and "PolicyName" not in properties:
                    self.assertLessEqual(size(properties["PolicyDocument"]), 6_144, f"{name} {resource}")

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


class Kept(unittest.TestCase):
    def test_state_cannot_be_lost_by_a_slip(self) -> None:
        for name, resource in TEMPLATE["Resources"].items():
            if resource["Type"] in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
                kept = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
                self.assertEqual(kept, ("Retain", "Retain"), name)
        for name, table in of_type(TEMPLATE, "AWS::DynamoDB::Table").items():
            self.assertTrue(table["DeletionProtectionEnabled"], name)
            self.assertTrue(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], name)
            self.assertTrue(table["TimeToLiveSpecification"]["Enabled"], name)

    def test_buckets_are_private_versioned_encrypted_tidied_and_reached_by_tls_only(self) -> None:
        policies = of_type(TEMPLATE, "AWS::S3::BucketPolicy").values()
        for name, bucket in of_type(TEMPLATE, "AWS::S3::Bucket").items():
            self.assertEqual(bucket["VersioningConfiguration"], {"Status": "Enabled"}, name)
            self.assertEqual(set(bucket["PublicAccessBlockConfiguration"].values()), {True}, name)
            self.assertIn("BucketEncryption", bucket, name)
            self.assertIn("LifecycleConfiguration", bucket, name)
            denied = [statement["Condition"] for policy in policies if name in references(policy["Bucket"])
                      for statement in statements(policy) if statement["Effect"] == "Deny"]
            self.assertIn({"Bool": {"aws:SecureTransport": "false"}}, denied, name)

    def test_every_function_has_a_log_group_with_an_end_and_is_made_after_it(self) -> None:
        groups = of_type(TEMPLATE, "AWS::Logs::LogGroup")
        for name, function in FUNCTIONS.items():
            group = f"{name}Logs"
            called = function["FunctionName"]["Fn::Sub"]
            self.assertEqual(groups[group]["LogGroupName"], {"Fn::Sub": f"/aws/lambda/{called}"})
            self.assertIn("RetentionInDays", groups[group])
            self.assertIn(group, listed(TEMPLATE["Resources"][name]["DependsOn"]))

    def test_topics_are_encrypted_with_a_key_that_their_publishers_may_use(self) -> None:
        for name, topic in of_type(TEMPLATE, "AWS::SNS::Topic").items():
            (key,) = references(topic["KmsMasterKeyId"])
            users = {user for statement in statements(TEMPLATE["Resources"][key]) for user in
                     listed((statement.get("Principal") or {}).get("Service"))}
            publishers = {user for policy in of_type(TEMPLATE, "AWS::SNS::TopicPolicy").values()
                          if name in references(policy["Topics"]) for statement in statements(policy)
                          for user in listed(statement["Principal"]["Service"])}
            self.assertLessEqual(publishers, users, name)


class Watched(unittest.TestCase):
    alarms = of_type(TEMPLATE, "AWS::CloudWatch::Alarm")

    def of_metric(self, metric: str) -> set[str]:
        """What is watched by this metric."""
        found = [alarm for alarm in self.alarms.values() if alarm["MetricName"] == metric]
        return {name for alarm in found for name in references(alarm["Dimensions"])}

    def test_every_function_has_alarms_on_errors_and_throttles(self) -> None:
        self.assertEqual(self.of_metric("Errors"), set(FUNCTIONS))
        self.assertEqual(self.of_metric("Throttles"), set(FUNCTIONS))

    def test_every_queue_is_watched_for_its_oldest_message_or_for_dead_letters(self) -> None:
        dead = dead_letter_queues()
        self.assertEqual(self.of_metric("ApproximateAgeOfOldestMessage"), QUEUES.keys() - dead)
        self.assertEqual(self.of_metric("ApproximateNumberOfMessagesVisible"), dead)

    def test_a_message_may_be_tried_twice_before_somebody_is_told_of_its_age(self) -> None:
        for name, alarm in self.alarms.items():
            if alarm["MetricName"] == "ApproximateAgeOfOldestMessage":
                (queue,) = references(alarm["Dimensions"])
                self.assertEqual(alarm["Threshold"], 2 * QUEUES[queue]["VisibilityTimeout"], name)

    def test_silence_is_an_alarm(self) -> None:
        heartbeat = self.alarms["HeartbeatAlarm"]
        self.assertEqual((heartbeat["MetricName"], heartbeat["TreatMissingData"]), ("Handled", "breaching"))

    def test_every_alarm_says_how_bad_it_is_and_goes_to_the_topic(self) -> None:
        for name, alarm in self.alarms.items():
            self.assertRegex(alarm["AlarmDescription"], r"\. severity=(critical|high|medium)$", name)
            self.assertIn("AlarmTopic", references(alarm["AlarmActions"]), name)

    def test_metrics_of_alarms_and_of_the_board_are_counted_by_the_code(self) -> None:
        code = "".join(path.read_text(encoding="utf-8") for path in (INFRA.parent / "shared/src").rglob("*.rs"))
        named = {alarm["MetricName"] for alarm in self.alarms.values() if alarm["Namespace"] == "Forester"}
        for widget in self.board()["widgets"]:
            named |= {metric[1] for metric in widget["properties"].get("metrics", []) if metric[0] == "Forester"}
        for metric in named:
            self.assertTrue(f'"{metric}"' in code, f"nobody counts {metric}")
        self.assertGreater(len(named), 10)

    def test_a_file_that_is_refused_is_an_alarm_whichever_function_refuses_it(self) -> None:
        alarm = self.alarms["ConfigurationAlarm"]
        (dimension,) = alarm["Dimensions"]
        code = (INFRA.parent / "shared/src/live.rs").read_text(encoding="utf-8")
        self.assertIn(f'emit("{dimension["Value"]}", &[Metric::count("{alarm["MetricName"]}", 1)])', code)

    def test_the_board_is_json_and_shows_every_alarm_queue_and_function(self) -> None:
        shown = references(TEMPLATE["Resources"]["Board"]["Properties"]["DashboardBody"])
        self.assertLessEqual(self.alarms.keys() | QUEUES.keys() | FUNCTIONS.keys(), shown)
        for widget in self.board()["widgets"]:
            self.assertLessEqual(widget["x"] + widget["width"], 24)

    @staticmethod
    def board() -> dict[str, Any]:
        """The dashboard's body, with names where the deployment puts in others."""
        body = TEMPLATE["Resources"]["Board"]["Properties"]["DashboardBody"]["Fn::Sub"]
        return json.loads(re.sub(r"\$\{([A-Za-z0-9:.]+)\}", r"\1", body))


class Rules(unittest.TestCase):
    def test_every_target_lets_its_rule_in(self) -> None:
        policies = of_type(TEMPLATE, "AWS::SQS::QueuePolicy").values()
        for name, rule in RULES.items():
            for target in rule["Targets"]:
                (queue,) = references(target["Arn"])
                into = [policy for policy in policies if queue in references(policy["Queues"])]
                named = references([statement["Condition"] for policy in into for statement in statements(policy)])
                self.assertIn(name, named, f"{queue} does not let {name} in")

    def test_what_cannot_be_handed_over_is_kept(self) -> None:
        """<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html>"""
        targets = [(name, target) for name, rule in RULES.items() for target in rule["Targets"]]
        targets += [(name, schedule["Target"]) for name, schedule in SCHEDULES.items()]
        for name, target in targets:
            self.assertEqual(references(target["DeadLetterConfig"]), {"DeadLetters"}, name)

    def test_no_rule_takes_what_a_caller_may_make_up(self) -> None:
        """Whoever may put events on a bus may choose their source, but for those of AWS."""
        for name, rule in RULES.items():
            sources = rule["EventPattern"].get("source", [])
            self.assertTrue(sources, f"{name} takes events of any source: ask for {{prefix: aws.}}")
            for source in sources:
                start = source["prefix"] if isinstance(source, dict) else source
                self.assertTrue(start.startswith("aws."), name)

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

    def test_calls_that_cannot_wait_for_an_alarm_are_pushed_and_no_others(self) -> None:
        for name, pushed in PUSHED.items():
            path = INFRA.parent / f"events/alarm-fanout/cloudtrail-{name}.json"
            event = json.loads(path.read_text(encoding="utf-8"))
            self.assertEqual(any(matches(rule["EventPattern"], event) for rule in RULES.values()), pushed, name)

    def test_everybody_may_delete_what_is_not_ours(self) -> None:
        """The same call, once about somebody's queue and once about Forester's."""
        for call, parameters, ours in (
            ("sqs DeleteQueue", {"queueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/orders"}, False),
            ("sqs DeleteQueue", {"queueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/forester-Outbox"}, True),
            ("lambda DeleteFunction20150331", {"functionName": "orders"}, False),
            ("lambda DeleteFunction20150331", {"functionName": "forester-alert-delivery"}, True),
            ("events RemoveTargets", {"rule": "Forester-AlarmRule"}, True),
            ("events RemoveTargets", {"rule": "nightly"}, False),
            ("monitoring DeleteAlarms", {"alarmNames": ["orders", "CIS-4.3-RootUsage"]}, True),
            ("monitoring DeleteAlarms", {"alarmNames": ["orders"]}, False),
            ("cloudtrail StopLogging", {"name": "any"}, True),
            ("sqs StopLogging", {"name": "any"}, False),
            ("events PutRule", {"name": "forester-WatchTimer", "state": "DISABLED"}, True),
            ("events PutRule", {"name": "nightly", "state": "DISABLED"}, False),
            ("scheduler UpdateSchedule", {"name": "forester-WatchTimer-1A2B3C"}, True),
            ("states UpdateStateMachine", {"stateMachineArn": "arn:aws:states:us-east-1:111122223333:stateMachine:Orders"}, False),
        ):
            service, name = call.split()
            detail = {"eventSource": f"{service}.amazonaws.com", "eventName": name, "requestParameters": parameters}
            event = {"source": f"aws.{service}", "detail-type": "AWS API Call via CloudTrail", "detail": detail}
            told = any(matches(RULES[rule]["EventPattern"], event) for rule in ("BlindRule", "TamperRule"))
            self.assertEqual(told, ours, f"{call} {parameters}")

    def test_patterns_fit_into_what_eventbridge_takes(self) -> None:
        """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""
        for name, rule in RULES.items():
            pattern = json.dumps(rule["EventPattern"], separators=(",", ":"))
            self.assertLessEqual(len(pattern), 2048, name)

    def test_instances_are_seen_by_both_calls_that_name_a_type(self) -> None:
        for call, parameters, told in (
            ("RunInstances", {"instanceType": "p5.48xlarge"}, True),
            ("RunInstances", {"instanceType": "t3.micro"}, False),
            ("ModifyInstanceAttribute", {"instanceId": "i-1", "instanceType": {"value": "g6.xlarge"}}, True),
            ("ModifyInstanceAttribute", {"instanceId": "i-1", "disableApiTermination": {"value": True}}, False),
        ):
            detail = {"eventSource": "ec2.amazonaws.com", "eventName": call, "requestParameters": parameters}
            event = {"source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail", "detail": detail}
            self.assertEqual(matches(RULES["InstanceRule"]["EventPattern"], event), told, f"{call} {parameters}")

    def test_schedules_start_with_a_role_and_end_in_json(self) -> None:
        for name, schedule in SCHEDULES.items():
            self.assertEqual(references(schedule["Target"]["RoleArn"]), {"SchedulerRole"}, name)
            self.assertIsInstance(json.loads(schedule["Target"]["Input"]), dict, name)
        allowed = references(TEMPLATE["Resources"]["SchedulerRole"]["Properties"]["Policies"])
        wanted = {target for schedule in SCHEDULES.values() for target in references(schedule["Target"]["Arn"])}
        self.assertLessEqual(wanted, allowed)


SOURCES = ("aws.organizations", "aws.controltower", "aws.account", "aws.cloudwatch", "aws.ce")
# Requests, whose results are told too.
ASKED = {"CreateAccount", "InviteAccountToOrganization"}


PUSHED = {
    "root-console-login": True,
    "root-create-access-key": True,
    "console-login-iam-user-no-mfa": True,
    "stop-logging-hostile-user-agent": True,
    "delete-metric-filter-tamper": True,
    "put-alarm-mute-rule-tamper": True,
    "service-event-root-invokedby": False,
    "console-login-sso-false-positive": False,
    "console-login-failed": False,
    "access-denied": False,
}


def matches(pattern: Any, event: Any) -> bool:
    """The part of EventBridge's language that the rules use."""
    for key, wanted in pattern.items():
        if key == "$or":
            if not any(matches(part, event) for part in wanted):
                return False
            continue
        found = event.get(key) if isinstance(event, dict) else None
        if isinstance(wanted, dict):
            if not matches(wanted, found):
                return False
        elif not any(one(item, value) for item in wanted for value in (listed(found) or [None])):
            return False
    return True


def one(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict) and "exists" in wanted:
        return wanted["exists"] == (found is not None)
    if isinstance(wanted, dict) and "wildcard" in wanted:
        return isinstance(found, str) and fnmatch.fnmatchcase(found, wanted["wildcard"])
    if isinstance(wanted, dict) and "prefix" in wanted:
        return isinstance(found, str) and found.startswith(wanted["prefix"])
    return wanted == found


if __name__ == "__main__":
    unittest.main()
