"""Writes `main.tf` and `variables.tf` from `template.yaml`: `python infra/terraform/generate.py`.

The template is the one that is deployed and tested; this module says the same in Terraform's words. A type or a property
that is not known here is an error, so that nothing is left out in silence. Every Terraform resource is called as the
template calls its own, and what is one resource there may be several here (a function has a role, a bucket has rules).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.templates import listed, load  # noqa: E402

Properties = dict[str, Any]


class Problem(Exception):
    """What this module has no words for."""


class Code(str):
    """Terraform's language, to be written as it is."""


PSEUDO = {
    "AWS::AccountId": "data.aws_caller_identity.current.account_id",
    "AWS::NoValue": "null",
    "AWS::Partition": "data.aws_partition.current.partition",
    "AWS::Region": "data.aws_region.current.region",
    "AWS::StackName": "var.name",
}
# What `Ref` gives, by type of resource.
REF = {
    "AWS::CloudWatch::Alarm": ("aws_cloudwatch_metric_alarm", "alarm_name"),
    "AWS::CloudWatch::Dashboard": ("aws_cloudwatch_dashboard", "dashboard_name"),
    "AWS::DynamoDB::Table": ("aws_dynamodb_table", "name"),
    "AWS::Events::Rule": ("aws_cloudwatch_event_rule", "name"),
    "AWS::IAM::ManagedPolicy": ("aws_iam_policy", "arn"),
    "AWS::IAM::Role": ("aws_iam_role", "name"),
    "AWS::KMS::Key": ("aws_kms_key", "key_id"),
    "AWS::Lambda::Url": ("aws_lambda_function_url", "function_url"),
    "AWS::Logs::LogGroup": ("aws_cloudwatch_log_group", "name"),
    "AWS::S3::Bucket": ("aws_s3_bucket", "id"),
    "AWS::SNS::Topic": ("aws_sns_topic", "arn"),
    "AWS::SQS::Queue": ("aws_sqs_queue", "url"),
    "AWS::Scheduler::Schedule": ("aws_scheduler_schedule", "name"),
    "AWS::Serverless::Function": ("aws_lambda_function", "function_name"),
    "AWS::Serverless::StateMachine": ("aws_sfn_state_machine", "arn"),
}


NAME = r"\$\{([A-Za-z0-9:.]+)\}"


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Translator:
    """One template, in HCL."""

    def __init__(self, template: dict[str, Any]) -> None:
        self.template = template
        self.resources = template["Resources"]
        self.blocks: list[str] = []

    # ---- values

    def name_of(self, name: str) -> str:
        """What `Ref` says, as code."""
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.template["Parameters"]:
            return f"var.{snake(name)}"
        kind, attribute = REF[self.resources[name]["Type"]]
        return f"{kind}.{snake(name)}.{attribute}"

    def attribute(self, name: str, attribute: str) -> str:
        """What `Fn::GetAtt` says, as code."""
        if name not in self.resources and name.endswith("Role"):
            return f"aws_iam_role.{snake(name.removesuffix('Role'))}.arn"
        kind = REF[self.resources[name]["Type"]][0]
        known = {"Arn": "arn", "QueueName": "name", "TopicName": "name", "FunctionUrl": "function_url"}
        if attribute not in known:
            raise Problem(f"{name}.{attribute}")
        return f"{kind}.{snake(name)}.{known[attribute]}"

    def value(self, value: Any) -> Any:
        """A value of the template as plain data with `Code` inside."""
        if isinstance(value, list):
            return self.listing(value)
        if not isinstance(value, dict):
            return value
        if len(value) != 1:
            return {key: self.value(part) for key, part in value.items()}
        ((function, inside),) = value.items()
        match function:
            case "Ref":
                return Code(self.name_of(inside))
            case "Fn::GetAtt":
                return Code(self.attribute(*inside))
            case "Fn::Sub":
                return Code(self.substituted(inside))
            case "Fn::If":
                condition, yes, no = inside
                return Code(f"local.{snake(condition)} ? {hcl(self.value(yes), 3)} : {hcl(self.value(no), 3)}")
            case "Fn::Join":
                return Code(f"join({hcl(inside[0])}, {hcl(self.value(inside[1]), 1)})")
            case "Fn::Not":
                return Code(f"!({hcl(self.value(inside[0]))})")
            case "Fn::Equals":
                return Code(" == ".join(hcl(self.value(part)) for part in inside))
            case _ if function.startswith("Fn::"):
                raise Problem(function)
        return {function: self.value(inside)}

    def listing(self, values: list[Any]) -> Any:
        """A list; what is there under a condition only is added under it."""
        nothing = {"Ref": "AWS::NoValue"}
        chosen = [part.get("Fn::If", [None])[-1] == nothing if isinstance(part, dict) else False for part in values]
        if not any(chosen):
            return [self.value(part) for part in values]
        maybe = [part["Fn::If"] for part, one in zip(values, chosen) if one]
        always = [self.value(part) for part, one in zip(values, chosen) if not one]
        added = [f"[for one in [{hcl(self.value(yes), 3)}] : one if local.{snake(name)}]" for name, yes, _ in maybe]
        return Code(f"concat({', '.join([hcl(always, 3), *added])})")

    def substituted(self, text: str) -> str:
        def one(name: str) -> str:
            name, _, attribute = name.partition(".")
            return "${" + (self.attribute(name, attribute) if attribute else self.name_of(name)) + "}"

        # Text and names in turn.
        written = (one(part) if at % 2 else quoted(part)[1:-1] for at, part in enumerate(re.split(NAME, text)))
        return f'"{"".join(written)}"'

    def json(self, value: Any) -> Code:
        return Code(f"jsonencode({hcl(self.value(value), 1)})")

    # ---- resources

    def resource(self, kind: str, name: str, body: dict[str, Any]) -> None:
        given = self.resources[name]
        if "Condition" in given:
            body = {"count": Code(f"local.{snake(given['Condition'])} ? 1 : 0"), **body}
        lines = "".join(block(key, part, 1) for key, part in body.items() if part is not None)
        self.blocks.append(f'resource "{kind}" "{snake(name)}" {{\n{lines}}}\n')

    def write(self) -> str:
        for name, resource in self.resources.items():
            kind = resource["Type"].replace("AWS::", "").replace("::", "_").lower()
            writer = getattr(self, kind, None)
            if writer is None:
                raise Problem(f"{name}: a resource of the type {resource['Type']}")
            properties = Taken(name, resource.get("Properties", {}))
            writer(name, properties)
            properties.nothing_left()
        return "\n".join(self.blocks)

    def dynamodb_table(self, name: str, given: Taken) -> None:
        kinds = {one["AttributeName"]: one["AttributeType"] for one in given.take("AttributeDefinitions")}
        keys = {one["KeyType"]: one["AttributeName"] for one in given.take("KeySchema")}
        ttl = given.take("TimeToLiveSpecification")
        self.resource("aws_dynamodb_table", name, {
            "name": Code('"${var.name}-state"'),
            "billing_mode": given.take("BillingMode"),
            "hash_key": keys["HASH"],
            "range_key": keys["RANGE"],
            "deletion_protection_enabled": given.take("DeletionProtectionEnabled"),
            "attribute": [{"name": key, "type": kind} for key, kind in kinds.items()],
            "ttl": [{"attribute_name": ttl["AttributeName"], "enabled": ttl["Enabled"]}],
            "point_in_time_recovery": [
                {"enabled": given.take("PointInTimeRecoverySpecification")["PointInTimeRecoveryEnabled"]}
            ],
            "lifecycle": [{"prevent_destroy": True}],
        })

    def s3_bucket(self, name: str, given: Taken) -> None:
        bucket = Code(f"aws_s3_bucket.{snake(name)}.id")
        self.resource("aws_s3_bucket", name, {
            "bucket_prefix": Code('"${var.name}-receipts-"'), "lifecycle": [{"prevent_destroy": True}],
        })
        versioning = given.take("VersioningConfiguration")["Status"]
        self.resource("aws_s3_bucket_versioning", name, {
            "bucket": bucket, "versioning_configuration": [{"status": versioning}],
        })
        blocked = {snake(key): value for key, value in given.take("PublicAccessBlockConfiguration").items()}
        self.resource("aws_s3_bucket_public_access_block", name, {"bucket": bucket, **blocked})
        ((one),) = given.take("BucketEncryption")["ServerSideEncryptionConfiguration"]
        algorithm = one["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        self.resource("aws_s3_bucket_server_side_encryption_configuration", name, {
            "bucket": bucket,
            "rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": algorithm}]}],
        })
        rules = [{
            "id": rule["Id"], "status": rule["Status"], "filter": [{}],
            "noncurrent_version_expiration": [
                {"noncurrent_days": rule["NoncurrentVersionExpiration"]["NoncurrentDays"]}
            ],
            "abort_incomplete_multipart_upload": [
                {"days_after_initiation": rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]}
            ],
        } for rule in given.take("LifecycleConfiguration")["Rules"]]
        self.resource("aws_s3_bucket_lifecycle_configuration", name, {"bucket": bucket, "rule": rules})

    def s3_bucketpolicy(self, name: str, given: Taken) -> None:
        self.resource("aws_s3_bucket_policy", name, {
            "bucket": self.value(given.take("Bucket")), "policy": self.json(given.take("PolicyDocument")),
        })

    def iam_managedpolicy(self, name: str, given: Taken) -> None:
        self.resource("aws_iam_policy", name, {
            "name_prefix": Code(f'"${{var.name}}-{name}-"'),
            "description": given.take("Description"),
            "policy": self.json(given.take("PolicyDocument")),
        })

    def iam_role(self, name: str, given: Taken) -> None:
        self.resource("aws_iam_role", name, {
            "name_prefix": Code(f'"${{var.name}}-{name}-"'),
            "assume_role_policy": self.json(given.take("AssumeRolePolicyDocument")),
        })
        (policy,) = given.take("Policies")
        self.resource("aws_iam_role_policy", name, {
            "role": Code(f"aws_iam_role.{snake(name)}.id"), "policy": self.json(policy["PolicyDocument"]),
        })

    def kms_key(self, name: str, given: Taken) -> None:
        self.resource("aws_kms_key", name, {
            "description": given.take("Description"),
            "enable_key_rotation": given.take("EnableKeyRotation"),
            "policy": self.json(given.take("KeyPolicy")),
        })

    def sqs_queue(self, name: str, given: Taken) -> None:
        fifo = given.take("FifoQueue", None)
        redrive = given.take("RedrivePolicy", None)
        self.resource("aws_sqs_queue", name, {
            "name": Code(f'"${{var.name}}-{name}.fifo"' if fifo else f'"${{var.name}}-{name}"'),
            "fifo_queue": fifo,
            "deduplication_scope": given.take("DeduplicationScope", None),
            "fifo_throughput_limit": given.take("FifoThroughputLimit", None),
            "content_based_deduplication": given.take("ContentBasedDeduplication", None),
            "visibility_timeout_seconds": given.take("VisibilityTimeout", None),
            "message_retention_seconds": given.take("MessageRetentionPeriod"),
            "sqs_managed_sse_enabled": given.take("SqsManagedSseEnabled"),
            "redrive_policy": redrive and self.json(redrive),
        })

    def sqs_queuepolicy(self, name: str, given: Taken) -> None:
        (queue,) = given.take("Queues")
        self.resource("aws_sqs_queue_policy", name, {
            "queue_url": self.value(queue), "policy": self.json(given.take("PolicyDocument")),
        })

    def events_rule(self, name: str, given: Taken) -> None:
        self.resource("aws_cloudwatch_event_rule", name, {
            "name": Code(f'"${{var.name}}-{name}"'),
            "description": given.take("Description"),
            "event_pattern": self.json(given.take("EventPattern")),
            "state": given.take("State", None),
        })
        (target,) = given.take("Targets")
        self.resource("aws_cloudwatch_event_target", name, {
            "rule": Code(f"aws_cloudwatch_event_rule.{snake(name)}.name"),
            "target_id": target["Id"],
            "arn": self.value(target["Arn"]),
            "dead_letter_config": [{"arn": self.value(target["DeadLetterConfig"]["Arn"])}],
        })

    def events_eventbuspolicy(self, name: str, given: Taken) -> None:
        statement = {"Sid": "Forwarders", **given.take("Statement")}
        given.take("StatementId")
        self.resource("aws_cloudwatch_event_bus_policy", name, {
            "event_bus_name": given.take("EventBusName"),
            "policy": self.json({"Version": "2012-10-17", "Statement": [statement]}),
        })

    def scheduler_schedule(self, name: str, given: Taken) -> None:
        target = given.take("Target")
        self.resource("aws_scheduler_schedule", name, {
            "name": Code(f'"${{var.name}}-{name}"'),
            "description": given.take("Description"),
            "schedule_expression": self.value(given.take("ScheduleExpression")),
            "schedule_expression_timezone": self.value(given.take("ScheduleExpressionTimezone", None)),
            "state": self.value(given.take("State", None)),
            "flexible_time_window": [{"mode": given.take("FlexibleTimeWindow")["Mode"]}],
            "target": [{
                "arn": self.value(target["Arn"]),
                "role_arn": self.value(target["RoleArn"]),
                "input": target["Input"],
                "dead_letter_config": [{"arn": self.value(target["DeadLetterConfig"]["Arn"])}],
            }],
        })

    def sns_topic(self, name: str, given: Taken) -> None:
        self.resource("aws_sns_topic", name, {
            "name": given.take("TopicName"), "kms_master_key_id": self.value(given.take("KmsMasterKeyId")),
        })

    def sns_topicpolicy(self, name: str, given: Taken) -> None:
        (topic,) = given.take("Topics")
        self.resource("aws_sns_topic_policy", name, {
            "arn": self.value(topic), "policy": self.json(given.take("PolicyDocument")),
        })

    def sns_subscription(self, name: str, given: Taken) -> None:
        self.resource("aws_sns_topic_subscription", name, {
            "topic_arn": self.value(given.take("TopicArn")),
            "protocol": given.take("Protocol"),
            "endpoint": self.value(given.take("Endpoint")),
        })

    def logs_loggroup(self, name: str, given: Taken) -> None:
        self.resource("aws_cloudwatch_log_group", name, {
            "name": self.value(given.take("LogGroupName")),
            "retention_in_days": self.value(given.take("RetentionInDays")),
        })

    def cloudwatch_alarm(self, name: str, given: Taken) -> None:
        dimensions = {one["Name"]: self.value(one["Value"]) for one in given.take("Dimensions")}
        self.resource("aws_cloudwatch_metric_alarm", name, {
            "alarm_name": Code(f'"${{var.name}}-{name}"'),
            "alarm_description": given.take("AlarmDescription"),
            "namespace": given.take("Namespace"),
            "metric_name": given.take("MetricName"),
            "dimensions": dimensions,
            "statistic": given.take("Statistic"),
            "period": given.take("Period"),
            "evaluation_periods": given.take("EvaluationPeriods"),
            "threshold": given.take("Threshold"),
            "comparison_operator": given.take("ComparisonOperator"),
            "treat_missing_data": given.take("TreatMissingData"),
            "alarm_actions": self.value(given.take("AlarmActions")),
        })

    def cloudwatch_dashboard(self, name: str, given: Taken) -> None:
        body = json.loads(given.take("DashboardBody")["Fn::Sub"])
        self.resource("aws_cloudwatch_dashboard", name, {
            "dashboard_name": self.value(given.take("DashboardName")), "dashboard_body": self.json(filled(body)),
        })

    def role_of(self, name: str, service: str, policies: list[Any], managed: list[Any]) -> None:
        """The role that SAM makes for a function or a state machine."""
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"},
        ]}
        role = Code(f"aws_iam_role.{snake(name)}.name")
        self.resource("aws_iam_role", name, {
            "name_prefix": Code(f'"${{var.name}}-{name}-"'), "assume_role_policy": self.json(trust),
        })
        statements = [one for policy in policies for one in policy["Statement"]]
        if statements:
            self.resource("aws_iam_role_policy", name, {
                "role": role, "policy": self.json({"Version": "2012-10-17", "Statement": statements}),
            })
        arns = [self.value(one) for one in managed]
        if arns:
            self.resource("aws_iam_role_policy_attachment", name, {
                "count": len(arns), "role": role, "policy_arn": Code(f"{hcl(arns, 1)}[count.index]"),
            })

    def serverless_function(self, name: str, given: Taken) -> None:
        defaults = self.template["Globals"]["Function"]
        policies = given.take("Policies")
        inline = [one for one in policies if "Statement" in one]
        dead = given.take("DeadLetterQueue", None)
        if dead:
            inline.append({"Statement": [
                {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dead["TargetArn"]},
            ]})
        basic = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/"}
        logs = {"Fn::Sub": basic["Fn::Sub"] + "AWSLambdaBasicExecutionRole"}
        read = {"Fn::Sub": basic["Fn::Sub"] + "AWSLambdaSQSQueueExecutionRole"}
        events = given.take("Events", {})
        managed = [one for one in policies if "Statement" not in one] + [logs] + ([read] if events else [])
        self.role_of(name, "lambda.amazonaws.com", inline, managed)
        package = given.take("CodeUri").removeprefix("../")
        variables = {**defaults["Environment"]["Variables"], **given.take("Environment", {}).get("Variables", {})}
        before = listed(self.resources[name].get("DependsOn"))
        depends = [Code(f"{REF[self.resources[one]['Type']][0]}.{snake(one)}") for one in before]
        if dead and inline:
            # Lambda looks whether the role may send there before it makes the function.
            depends.append(Code(f"aws_iam_role_policy.{snake(name)}"))
        file = f'"${{path.module}}/../../{package}"'
        self.resource("aws_lambda_function", name, {
            "function_name": self.value(given.take("FunctionName")),
            "description": given.take("Description"),
            "filename": Code(file),
            "source_code_hash": Code(f"filebase64sha256({file})"),
            "role": Code(f"aws_iam_role.{snake(name)}.arn"),
            "runtime": defaults["Runtime"],
            "handler": defaults["Handler"],
            "architectures": self.value(defaults["Architectures"]),
            "memory_size": given.take("MemorySize", defaults["MemorySize"]),
            "timeout": given.take("Timeout", defaults["Timeout"]),
            "reserved_concurrent_executions": self.value(given.take("ReservedConcurrentExecutions", None)),
            "ephemeral_storage": [{"size": defaults["EphemeralStorage"]["Size"]}],
            "environment": [{"variables": self.value(variables)}],
            "dead_letter_config": dead and [{"target_arn": self.value(dead["TargetArn"])}],
            "depends_on": depends or None,
        })
        for event in events.values():
            self.source(name, event)

    def source(self, name: str, event: Properties) -> None:
        """The queue that a function reads."""
        if event["Type"] != "SQS":
            raise Problem(f"{name}: an event of the type {event['Type']}")
        given = Taken(f"{name}.Events", event["Properties"])
        scaling = given.take("ScalingConfig", None)
        self.resource("aws_lambda_event_source_mapping", name, {
            "event_source_arn": self.value(given.take("Queue")),
            "function_name": Code(f"aws_lambda_function.{snake(name)}.arn"),
            "batch_size": given.take("BatchSize"),
            "function_response_types": given.take("FunctionResponseTypes"),
            "scaling_config": scaling and [{"maximum_concurrency": scaling["MaximumConcurrency"]}],
            "depends_on": [Code(f"aws_iam_role_policy_attachment.{snake(name)}")],
        })
        given.nothing_left()

    def lambda_url(self, name: str, given: Taken) -> None:
        self.resource("aws_lambda_function_url", name, {
            "function_name": self.value(given.take("TargetFunctionArn")), "authorization_type": given.take("AuthType"),
        })

    def lambda_permission(self, name: str, given: Taken) -> None:
        self.resource("aws_lambda_permission", name, {
            "action": given.take("Action"),
            "function_name": self.value(given.take("FunctionName")),
            "principal": given.take("Principal"),
            "source_arn": self.value(given.take("SourceArn", None)),
            "function_url_auth_type": given.take("FunctionUrlAuthType", None),
            "invoked_via_function_url": given.take("InvokedViaFunctionUrl", None),
        })

    def serverless_statemachine(self, name: str, given: Taken) -> None:
        self.role_of(name, "states.amazonaws.com", given.take("Policies"), [])
        names = given.take("DefinitionSubstitutions")
        filled = ", ".join(f"{key} = {hcl(self.value(value))}" for key, value in names.items())
        file = f'"${{path.module}}/../{given.take("DefinitionUri")}"'
        self.resource("aws_sfn_state_machine", name, {
            "name": self.value(given.take("Name")),
            "role_arn": Code(f"aws_iam_role.{snake(name)}.arn"),
            "definition": Code(f"templatefile({file}, {{ {filled} }})"),
        })


class Taken:
    """Properties that have to be asked for, each and all."""

    def __init__(self, name: str, properties: Properties) -> None:
        self.name = name
        self.left = dict(properties)

    def take(self, key: str, *default: Any) -> Any:
        if key not in self.left and not default:
            raise Problem(f"{self.name} without {key}")
        return self.left.pop(key, *default)

    def nothing_left(self) -> None:
        if self.left:
            raise Problem(f"{self.name}: the properties {', '.join(self.left)}")


def filled(value: Any) -> Any:
    """Texts with names in them, as `Fn::Sub`."""
    if isinstance(value, dict):
        return {key: filled(part) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part) for part in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def hcl(value: Any, depth: int = 0) -> str:
    """A value in Terraform's language."""
    match value:
        case Code():
            return str(value)
        case str():
            return quoted(value)
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case int() | float():
            return str(value)
        case []:
            return "[]"
        case list():
            flat = f"[{', '.join(hcl(part, depth) for part in value)}]"
            if len(flat) + 2 * depth <= 110 and "\n" not in flat:
                return flat
            pad = "  " * (depth + 1)
            return "[\n" + "".join(f"{pad}{hcl(part, depth + 1)},\n" for part in value) + "  " * depth + "]"
        case dict():
            pad = "  " * (depth + 1)
            lines = "".join(f"{pad}{key_of(key)} = {hcl(part, depth + 1)}\n" for key, part in value.items())
            return "{\n" + lines + "  " * depth + "}"
    raise Problem(repr(value))


def key_of(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", key) else quoted(key)


def block(key: str, value: Any, depth: int) -> str:
    """An argument, or for a list of mappings a nested block for each."""
    pad = "  " * depth
    if isinstance(value, list) and value and all(type(part) is dict for part in value):
        parts = []
        for part in value:
            inside = "".join(block(name, one, depth + 1) for name, one in part.items() if one is not None)
            parts.append(f"{pad}{key} {{\n{inside}{pad}}}\n")
        return "".join(parts)
    return f"{pad}{key} = {hcl(value, depth)}\n"


HEAD = "# Written by generate.py from template.yaml; change that, and run `python infra/terraform/generate.py`.\n\n"


def main_tf(template: dict[str, Any]) -> str:
    translator = Translator(template)
    conditions = {snake(name): translator.value(part) for name, part in template["Conditions"].items()}
    known = "".join(block(name, part, 1) for name, part in conditions.items())
    data = "".join(f'data "{kind}" "current" {{}}\n' for kind in
                   ("aws_caller_identity", "aws_partition", "aws_region"))
    outputs = "".join(
        f'\noutput "{snake(name)}" {{\n' + (block("description", one["Description"], 1) if "Description" in one else "")
        + block("value", translator.value(one["Value"]), 1) + "}\n"
        for name, one in template["Outputs"].items()
    )
    return f"{HEAD}{data}\nlocals {{\n{known}}}\n\n{translator.write()}{outputs}"


def variables_tf(template: dict[str, Any]) -> str:
    text = HEAD + ('variable "name" {\n  description = "What the parts are called by: the name of the stack"\n'
                   '  type        = string\n  default     = "forester"\n}\n')
    for name, given in template["Parameters"].items():
        left = Taken(name, given)
        kind = {"String": "string", "Number": "number"}[left.take("Type")]
        body = block("description", left.take("Description", name), 1) + f"  type = {kind}\n"
        default = left.take("Default", None)
        if default is not None:
            body += block("default", default, 1)
        rules = []
        if pattern := left.take("AllowedPattern", None):
            rules.append(f"can(regex({quoted(pattern)}, var.{snake(name)}))")
        if allowed := left.take("AllowedValues", None):
            rules.append(f"contains({hcl(allowed)}, var.{snake(name)})")
        if (least := left.take("MinValue", None)) is not None:
            rules.append(f"var.{snake(name)} >= {least}")
        for rule in rules:
            said = f"{snake(name)} does not fit: {rule.replace('var.' + snake(name), 'it')}"
            body += f"  validation {{\n    condition = {rule}\n    error_message = {quoted(said)}\n  }}\n"
        left.nothing_left()
        text += f'\nvariable "{snake(name)}" {{\n{body}}}\n'
    return text


def files() -> dict[str, str]:
    template = load("template.yaml")
    return {"main.tf": main_tf(template), "variables.tf": variables_tf(template)}


def main() -> int:
    try:
        wanted = files()
    except (Problem, KeyError) as problem:
        print(f"generate.py has no words for this in template.yaml: {problem}", file=sys.stderr)
        return 1
    for name, text in wanted.items():
        (HERE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
