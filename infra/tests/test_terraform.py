"""The Terraform module and the template are the same graph: resources, types, references. Read as plain text."""

from __future__ import annotations

import re
import unittest
from pathlib import Path
from typing import Iterator

from terraform import generate
from tests.templates import INFRA, listed, load, references

HOME = load("template.yaml")
MODULE = INFRA / "terraform"

# What a type of the template is in Terraform, first the one that stands for it; the others carry its name, too.
TYPES = {
    "AWS::CloudWatch::Alarm": {"aws_cloudwatch_metric_alarm"},
    "AWS::CloudWatch::Dashboard": {"aws_cloudwatch_dashboard"},
    "AWS::DynamoDB::Table": {"aws_dynamodb_table"},
    "AWS::Events::EventBusPolicy": {"aws_cloudwatch_event_bus_policy"},
    "AWS::Events::Rule": {"aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"},
    "AWS::IAM::ManagedPolicy": {"aws_iam_policy"},
    "AWS::IAM::Role": {"aws_iam_role", "aws_iam_role_policy"},
    "AWS::KMS::Key": {"aws_kms_key"},
    "AWS::Lambda::Permission": {"aws_lambda_permission"},
    "AWS::Lambda::Url": {"aws_lambda_function_url"},
    "AWS::Logs::LogGroup": {"aws_cloudwatch_log_group"},
    "AWS::S3::Bucket": {
        "aws_s3_bucket", "aws_s3_bucket_versioning", "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_lifecycle_configuration",
    },
    "AWS::S3::BucketPolicy": {"aws_s3_bucket_policy"},
    "AWS::SNS::Subscription": {"aws_sns_topic_subscription"},
    "AWS::SNS::Topic": {"aws_sns_topic"},
    "AWS::SNS::TopicPolicy": {"aws_sns_topic_policy"},
    "AWS::SQS::Queue": {"aws_sqs_queue"},
    "AWS::SQS::QueuePolicy": {"aws_sqs_queue_policy"},
    "AWS::Scheduler::Schedule": {"aws_scheduler_schedule"},
    "AWS::Serverless::Function": {"aws_lambda_function", "aws_iam_role", "aws_iam_role_policy_attachment"},
    "AWS::Serverless::StateMachine": {"aws_sfn_state_machine", "aws_iam_role", "aws_iam_role_policy"},
}
# A function may have these as well.
MAYBE = {"aws_iam_role_policy", "aws_lambda_event_source_mapping"}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def blocks(text: str, kind: str) -> Iterator[tuple[list[str], str]]:
    """Top-level blocks: their labels, and what is between their braces."""
    for found in re.finditer(rf'^{kind}((?: "[^"]+")+) \{{$', text, re.MULTILINE):
        end = text.index("\n}\n", found.end())
        yield re.findall(r'"([^"]+)"', found[1]), text[found.end():end]


def nodes() -> dict[str, set[str]]:
    """Names with the types of the resources that bear them."""
    found: dict[str, set[str]] = {}
    for (kind, name), _ in blocks((MODULE / "main.tf").read_text(encoding="utf-8"), "resource"):
        found.setdefault(name, set()).add(kind)
    return found


def edges_of_module() -> dict[str, set[str]]:
    """Whom each name refers to: other resources, and variables but for the name of the whole."""
    found: dict[str, set[str]] = {}
    text = (MODULE / "main.tf").read_text(encoding="utf-8")
    used = {name: set(re.findall(r"\bvar\.(\w+)", body)) for name, body in re.findall(r"^  (\w+) = (.*)$", text, re.M)}
    for (_, name), body in blocks(text, "resource"):
        edges = set(re.findall(r"(?<!data\.)\baws_\w+\.(\w+)", body)) | set(re.findall(r"\bvar\.(\w+)", body))
        for local in re.findall(r"\blocal\.(\w+)", body):
            edges |= used[local]
        found.setdefault(name, set()).update(edges - {name, "name"})
    return found


def edges_of_template() -> dict[str, set[str]]:
    found = {}
    for name, resource in HOME["Resources"].items():
        edges = references(resource) | set(listed(resource.get("DependsOn")))
        if resource["Type"] == "AWS::Serverless::Function":
            edges |= references(HOME["Globals"]["Function"])
        conditions = {resource.get("Condition")} | set(re.findall(r"'Fn::If': \['(\w+)'", str(resource)))
        for condition in conditions - {None}:
            edges |= references(HOME["Conditions"][condition])
        known = HOME["Resources"].keys() | HOME["Parameters"].keys()
        edges = {one if one in known else re.sub(r"(Role|Url)$", "", one) for one in edges}
        found[snake(name)] = {snake(one) for one in edges} - {snake(name)}
    return found


class Module(unittest.TestCase):
    maxDiff = None

    def test_the_files_are_what_the_template_gives(self) -> None:
        for name, text in generate.files().items():
            there = (MODULE / name).read_text(encoding="utf-8")
            self.assertTrue(there == text, f"{name} is not current: run python infra/terraform/generate.py")

    def test_there_is_a_resource_for_each_of_the_template_and_no_other(self) -> None:
        found = nodes()
        self.assertEqual({snake(name) for name in HOME["Resources"]}, set(found))
        for name, resource in HOME["Resources"].items():
            wanted = TYPES[resource["Type"]]
            maybe = MAYBE if resource["Type"] == "AWS::Serverless::Function" else set()
            self.assertEqual(found[snake(name)] - maybe, wanted - maybe, name)

    def test_they_refer_to_each_other_alike(self) -> None:
        here, there = edges_of_module(), edges_of_template()
        for name in there:
            self.assertEqual(here[name], there[name], name)
        self.assertGreater(sum(len(edges) for edges in here.values()), 150)

    def test_inputs_and_outputs_have_the_same_names(self) -> None:
        text = (MODULE / "variables.tf").read_text(encoding="utf-8")
        variables = {labels[0] for labels, _ in blocks(text, "variable")}
        self.assertEqual(variables, {snake(name) for name in HOME["Parameters"]} | {"name"})
        outputs = {labels[0] for labels, _ in blocks((MODULE / "main.tf").read_text(encoding="utf-8"), "output")}
        self.assertEqual(outputs, {snake(name) for name in HOME["Outputs"]})

    def test_a_queue_reads_and_a_rule_hands_over_as_in_the_template(self) -> None:
        """A few whole lines, so that a mistake of the generator does not hide in its own output."""
        text = (MODULE / "main.tf").read_text(encoding="utf-8")
        for line in (
            "  event_source_arn = aws_sqs_queue.baseline_queue.arn",
            "    maximum_concurrency = 10",
            "  deletion_protection_enabled = true",
            "  arn = aws_sqs_queue.alarm_queue.arn",
            '  architectures = [var.architecture]',
            "  visibility_timeout_seconds = 3600",
        ):
            self.assertIn(line + "\n", text)

    def test_braces_and_quotes_end(self) -> None:
        for path in Path(MODULE).glob("*.tf"):
            bare = re.sub(r'"(?:\\.|[^"\\])*"', "", path.read_text(encoding="utf-8"))
            self.assertNotIn('"', bare, path.name)
            for opening, closing in ("{}", "[]", "()"):
                self.assertEqual(bare.count(opening), bare.count(closing), path.name)


if __name__ == "__main__":
    unittest.main()
