"""What a call asks of IAM: actions, the resources that they are about, and what conditions look at.

An action is usually called as its operation, and what a call is about stands in its parameters. What resources are, is
read by ministack, which judges the services that it has in this way; the few that it does not know are read here.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from ministack.core import iam_actions

from .call import Call

# What IAM calls operations, where that is not their name, is told once for the templates and for here.
DECLARED = Path(__file__).parents[2] / "permissions.toml"
# Services that IAM calls otherwise than requests are signed.
PREFIXES = {"monitoring": "cloudwatch", "s3control": "s3", "tagging": "tag"}
# Services whose actions ministack tells from the request itself, apart from what permissions.toml says of them.
TOLD_APART = {"lambda", "s3"}
# Calls that nobody is denied: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
FREE = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}
# A parameter takes another permission: what is tagged as it is made, and roles that are handed on.
BESIDES = {
    ("cloudtrail", "CreateTrail", "CloudWatchLogsRoleArn"): "iam:PassRole",
    ("cloudtrail", "UpdateTrail", "CloudWatchLogsRoleArn"): "iam:PassRole",
    ("ec2", "CreateVpcPeeringConnection", "TagSpecification"): "ec2:CreateTags",
    ("iam", "CreateRole", "PermissionsBoundary"): "iam:PutRolePermissionsBoundary",
    ("iam", "CreateRole", "Tags"): "iam:TagRole",
    ("kms", "CreateKey", "Tags"): "kms:TagResource",
    ("organizations", "CreateAccount", "Tags"): "organizations:TagResource",
    ("organizations", "CreatePolicy", "Tags"): "organizations:TagResource",
    ("ram", "CreateResourceShare", "tags"): "ram:TagResource",
}
ANY = "*"


@dataclass(frozen=True)
class Asked:
    """One permission that a call takes."""

    action: str
    resource: str = ANY
    context: dict[str, Any] = field(default_factory=dict)


def asked(call: Call, request: web.BaseRequest, body: bytes) -> list[Asked]:
    """Every permission that a call takes; none for what everybody may do."""
    if (call.service, call.action) in FREE:
        return []
    given = parameters(call, request, body)
    context = {"sts:taskpolicyarn": task_policy(given)} if call.action == "AssumeRoot" else {}
    found = [Asked(action(call, request), resource, context) for resource in resources(call, request, body, given)]
    return found + besides(call, given)


def action(call: Call, request: web.BaseRequest) -> str:
    """What IAM calls the operation."""
    if call.service in TOLD_APART:
        query = {key: request.query.getall(key) for key in request.query}
        told = iam_actions.extract_iam_action(call.service, request.method, request.path, {}, b"", query)
        if told:
            return told
    name = f"{PREFIXES.get(call.service, call.service)}:{call.action}"
    return renamed().get(f"{call.service}:{call.action}", name)


@cache
def renamed() -> dict[str, str]:
    """The names of actions that differ from their operation's."""
    told = tomllib.loads(DECLARED.read_text(encoding="utf-8"))["renamed"]
    return {operation: name for table in told.values() for operation, name in table.items()}


def parameters(call: Call, request: web.BaseRequest, body: bytes) -> dict[str, Any]:
    """The parameters of a call, as its protocol writes them; the first of each where there may be many."""
    if call.protocol in ("query", "ec2"):
        fields = {**parse_qs(request.query_string), **parse_qs(body.decode("utf-8", "replace"))}
        return {name: values[0] for name, values in fields.items()}
    if call.protocol not in ("json", "rest-json"):
        return {}
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def task_policy(given: dict[str, Any]) -> str:
    """The policy of a session as root user."""
    return str(given.get("TaskPolicyArn.arn", ""))


def resources(call: Call, request: web.BaseRequest, body: bytes, given: dict[str, Any]) -> list[str]:
    """The ARNs that a call is about; `*` where it is about none, or nobody here can tell."""
    if call.service == "organizations":
        return [organization_resource(call, given)]
    if call.service == "secretsmanager" and "SecretId" in given:
        return [secret(call, str(given["SecretId"]))]
    if (call.service, call.action) == ("sts", "AssumeRoot"):
        target = str(given.get("TargetPrincipal", ""))
        return [target if target.startswith("arn:") else f"arn:aws:iam::{target}:root"]
    if (call.service, call.action) == ("iam", "CreateServiceLinkedRole"):
        return [f"arn:aws:iam::{call.account}:role/aws-service-role/{given.get('AWSServiceName')}/AWSServiceRole"]
    if (call.service, call.action) == ("ses", "SendEmail"):
        return [f"arn:aws:ses:{call.region}:{call.account}:identity/{given.get('FromEmailAddress', '')}"]
    if call.service == "dynamodb":
        return iam_actions.dynamodb_resource_arns(body, call.region, call.account) or [ANY]
    if (call.service, call.action) == ("events", "PutEvents"):
        return iam_actions.eventbridge_resource_arns(body, call.region, call.account) or [ANY]
    return [read_by_ministack(call, request, body, given)]


def organization_resource(call: Call, given: dict[str, Any]) -> str:
    """The policy, the account or the unit; of a call with several, the policy."""
    named = str(given.get("PolicyId") or given.get("ResourceId") or given.get("AccountId") or "")
    return organization_arn(call.account, named)


def organization_arn(account: str, named: str) -> str:
    """`p-…` is a policy, twelve digits are an account; the rest is the organization's."""
    kind = "policy/o-example/service_control_policy" if named.startswith("p-") else "account/o-example"
    known = named.startswith("p-") or (named.isdigit() and len(named) == 12)
    return f"arn:aws:organizations::{account}:{kind}/{named}" if known else ANY


def secret(call: Call, named: str) -> str:
    """Secrets have six more characters than their names."""
    whole = f"arn:aws:secretsmanager:{call.region}:{call.account}:secret:{named}-000000"
    return named if named.startswith("arn:") else whole


def read_by_ministack(call: Call, request: web.BaseRequest, body: bytes, given: dict[str, Any]) -> str:
    """The resource as ministack finds it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = {name: request.query.getall(name) for name in request.query}
    if call.protocol in ("query", "ec2"):
        query |= {name: [value] for name, value in given.items() if isinstance(value, str)}
    found = iam_actions.extract_resource_arn(
        call.service, request.method, request.path, headers, body, query, call.region, call.account
    )
    return found or ANY


def besides(call: Call, given: dict[str, Any]) -> list[Asked]:
    """The permissions that single parameters take."""
    found = []
    for (service, operation, parameter), name in BESIDES.items():
        there = any(one == parameter or one.startswith(f"{parameter}.") for one in given)
        if (call.service, call.action) == (service, operation) and there:
            found.append(Asked(name, beside(call, name, given.get(parameter))))
    if (call.service, call.action) == ("config", "PutConfigurationRecorder"):
        found.append(Asked("iam:PassRole", str(given.get("ConfigurationRecorder", {}).get("roleARN", ANY))))
    return found


def beside(call: Call, name: str, value: Any) -> str:
    """What such a permission is about: the role that is handed on, or what is being made."""
    if name == "iam:PassRole":
        return str(value)
    if (call.service, call.action) == ("organizations", "CreatePolicy"):
        return organization_arn(call.account, "p-new00000")
    return organization_arn(call.account, "000000000000") if call.service == "organizations" else ANY
