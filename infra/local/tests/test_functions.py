"""Functions: their environment, their identity, and everything that wakes them."""

from __future__ import annotations

import io
import json
import sys
import unittest
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from .support import MANAGEMENT, Caller, eventually, stack

BOOTSTRAP = Path(__file__).parent / "bootstrap.py"
ROLE = f"arn:aws:iam::{MANAGEMENT}:role/functions"


@cache
def package() -> bytes:
    """The function's zip file."""
    file = zipfile.ZipInfo("bootstrap")
    file.external_attr = 0o755 << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(file, f"#!{sys.executable}\n{BOOTSTRAP.read_text()}")
    return packed.getvalue()


def function(name: str, **variables: str) -> str:
    """Create a function; its ARN."""
    settings = {"Runtime": "provided.al2023", "Handler": "bootstrap", "Role": ROLE, "Timeout": 10}
    environment = {"Variables": variables}
    answer = Caller()("lambda").create_function(
        FunctionName=name, Code={"ZipFile": package()}, Environment=environment, **settings
    )
    return answer["FunctionArn"]


def queue(name: str, **attributes: str) -> tuple[str, str]:
    """Create a queue; its URL and its ARN."""
    url = Caller()("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:us-east-1:{MANAGEMENT}:{name}"


def taken(url: str, seconds: float = 15.0) -> list[str]:
    """The bodies of the messages that are in a queue, when there are some."""
    sqs = Caller()("sqs")
    found = eventually(lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"), seconds) or []
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in found]


class Environment(unittest.TestCase):
    def test_functions_reach_the_stack_as_their_role(self) -> None:
        said, _ = queue("said")
        arn = function("speaker", SAY=said, AWS_ENDPOINT_URL="http://elsewhere.invalid", OWN="1")
        since = len(stack().log())
        answer = Caller()("lambda").invoke(FunctionName=arn, Payload=b"{}")
        found = json.loads(answer["Payload"].read())
        self.assertEqual(stack().contract["endpoint"], found["AWS_ENDPOINT_URL"])
        self.assertEqual(("1", MANAGEMENT), (found["OWN"], found["AWS_ACCESS_KEY_ID"]))
        self.assertNotIn("MINISTACK_ACCOUNT_ID", found)
        calls = [entry for entry in stack().log(since) if entry["action"] == "SendMessage"]
        self.assertEqual(
            [f"arn:aws:sts::{MANAGEMENT}:assumed-role/functions/speaker"], [call["origin"] for call in calls]
        )
        self.assertEqual(["{}"], taken(said))


class Wakers(unittest.TestCase):
    """Each test has a function that says on a queue with what it was woken."""

    def prepare(self, name: str) -> tuple[str, str]:
        said, _ = queue(f"{name}-said")
        return function(name, SAY=said), said

    def subscribe(self, name: str, source: str) -> None:
        settings = {"BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
        Caller()("lambda").create_event_source_mapping(EventSourceArn=source, FunctionName=name, **settings)

    def check(self, said: str, text: str) -> None:
        self.assertIn(text, "".join(taken(said)))

    def test_failed_messages_come_again_and_then_die(self) -> None:
        _, said = self.prepare("batch")
        dead, dead_arn = queue("batch-dead")
        redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
        work, work_arn = queue("batch-work", VisibilityTimeout="1", RedrivePolicy=redrive)
        self.subscribe("batch", work_arn)
        sqs = Caller()("sqs")
        for body in ("poison", "good"):
            sqs.send_message(QueueUrl=work, MessageBody=body)
        self.assertEqual(["poison"], taken(dead))
        heard = [body for _ in range(3) for body in taken(said, 1)]
        bodies = [record["body"] for text in heard for record in json.loads(text)["Records"]]
        self.assertEqual((2, 1), (bodies.count("poison"), bodies.count("good")))

    def test_fifo_groups_keep_their_order(self) -> None:
        _, said = self.prepare("fifo")
        url, arn = queue("fifo-work.fifo", FifoQueue="true", ContentBasedDeduplication="true")
        self.subscribe("fifo", arn)
        for number in range(3):
            for group in "ab":
                Caller()("sqs").send_message(QueueUrl=url, MessageBody=f"{group}{number}", MessageGroupId=group)
        bodies: list[str] = []

        def all_came() -> bool:
            for text in taken(said, 0.2):
                bodies.extend(record["body"] for record in json.loads(text)["Records"])
            return len(bodies) == 6

        self.assertTrue(eventually(all_came, 15))
        for group in "ab":
            self.assertEqual([f"{group}{n}" for n in range(3)], [body for body in bodies if body.startswith(group)])

    def test_a_rule_wakes_through_a_queue(self) -> None:
        _, said = self.prepare("ruled")
        _, arn = queue("ruled-work")
        self.subscribe("ruled", arn)
        events = Caller()("events")
        events.put_rule(Name="ruled", EventPattern=json.dumps({"source": ["acme.ruled"]}))
        events.put_targets(Rule="ruled", Targets=[{"Id": "queue", "Arn": arn}])
        events.put_events(Entries=[{"Source": "acme.ruled", "DetailType": "x", "Detail": '{"n": "by-rule"}'}])
        self.check(said, "by-rule")

    def test_a_topic_wakes_through_a_queue(self) -> None:
        _, said = self.prepare("topic")
        _, arn = queue("topic-work")
        self.subscribe("topic", arn)
        topic = Caller()("sns").create_topic(Name="alerts")["TopicArn"]
        Caller()("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        Caller()("sns").publish(TopicArn=topic, Message="by-topic", Subject="AWS Budgets: forester")
        self.check(said, "by-topic")

    def test_a_schedule_wakes(self) -> None:
        arn, said = self.prepare("scheduled-function")
        target = {"Arn": arn, "RoleArn": ROLE, "Input": '{"n": "by-schedule"}'}
        Caller()("scheduler").create_schedule(
            Name="wake", ScheduleExpression="at(2026-01-01T00:00:00)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
        self.check(said, "by-schedule")
        target["Input"] = '{"n": "by-updated-schedule"}'
        Caller()("scheduler").update_schedule(
            Name="wake", ScheduleExpression="at(2026-01-02T00:00:00)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
        self.check(said, "by-updated-schedule")

    def test_a_state_machine_wakes_in_both_languages(self) -> None:
        arn, said = self.prepare("stepped")
        jsonata = {"Arguments": {"n": "{% 'by-' & $states.input.how %}"}, "Output": {"done": True}}
        jsonpath = {"Parameters": {"n.$": "States.Format('by-{}', $.how)"}}
        for language, more in (("JSONata", jsonata), ("JSONPath", jsonpath)):
            with self.subTest(language=language):
                self.run_machine(language, {"Type": "Task", "Resource": arn, "End": True, **more})
                self.check(said, f"by-{language}")

    def test_waits_can_be_skipped(self) -> None:
        stack().control("POST", "config", {"wait_scale": 0})
        self.addCleanup(stack().control, "POST", "config", {"wait_scale": 1})
        self.run_machine("JSONata", {"Type": "Wait", "Seconds": 600, "End": True}, "waiting")

    def run_machine(self, language: str, task: dict[str, Any], name: str = "waking") -> None:
        states = Caller()("stepfunctions")
        definition = {"QueryLanguage": language, "StartAt": "Wake", "States": {"Wake": task}}
        machine = states.create_state_machine(
            name=f"{name}-{language}", roleArn=ROLE, definition=json.dumps(definition)
        )
        started = states.start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps({"how": language})
        )

        def ended() -> str | None:
            status = states.describe_execution(executionArn=started["executionArn"])["status"]
            return status if status != "RUNNING" else None

        self.assertEqual("SUCCEEDED", eventually(ended))


class Template(unittest.TestCase):
    def test_a_sam_template_becomes_a_working_stack(self) -> None:
        s3, cloudformation = Caller()("s3"), Caller()("cloudformation")
        s3.create_bucket(Bucket="acme-code")
        s3.put_object(Bucket="acme-code", Key="function.zip", Body=package())
        cloudformation.create_stack(
            StackName="sam",
            TemplateBody=json.dumps(TEMPLATE),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )

        def ended() -> dict[str, Any] | None:
            described = cloudformation.describe_stacks(StackName="sam")["Stacks"][0]
            return None if described["StackStatus"] == "CREATE_IN_PROGRESS" else described

        described = eventually(ended, 30)
        self.assertEqual("CREATE_COMPLETE", described["StackStatus"])
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        Caller()("sqs").send_message(QueueUrl=outputs["Work"], MessageBody="by-template")
        self.assertIn("by-template", "".join(taken(outputs["Said"])))
        machine = {"stateMachineArn": outputs["Machine"], "input": '{"n": "by-machine"}'}
        Caller()("stepfunctions").start_execution(**machine)
        self.assertIn("by-machine", "".join(taken(outputs["Said"])))


TEMPLATE = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Work": {"Type": "AWS::SQS::Queue"},
        "Said": {"Type": "AWS::SQS::Queue"},
        "Worker": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "provided.al2023",
                "Handler": "bootstrap",
                "CodeUri": {"Bucket": "acme-code", "Key": "function.zip"},
                "Environment": {"Variables": {"SAY": {"Ref": "Said"}}},
                "Policies": [{"SQSSendMessagePolicy": {"QueueName": {"Fn::GetAtt": ["Said", "QueueName"]}}}],
                "Events": {
                    "Queue": {
                        "Type": "SQS",
                        "Properties": {
                            "Queue": {"Fn::GetAtt": ["Work", "Arn"]},
                            "FunctionResponseTypes": ["ReportBatchItemFailures"],
                        },
                    },
                    "Nightly": {"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "cron(0 3 * * ? *)"}},
                },
            },
        },
        "Machine": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Definition": {
                    "StartAt": "Wake",
                    "States": {"Wake": {"Type": "Task", "Resource": "${Worker}", "End": True}},
                },
                "DefinitionSubstitutions": {"Worker": {"Fn::GetAtt": ["Worker", "Arn"]}},
                "Policies": [{"LambdaInvokePolicy": {"FunctionName": {"Ref": "Worker"}}}],
            },
        },
    },
    "Outputs": {name: {"Value": {"Ref": name}} for name in ("Work", "Said", "Machine")},
}


if __name__ == "__main__":
    unittest.main()
