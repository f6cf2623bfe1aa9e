"""The repository's own templates in the stack, with functions that do nothing: for what their roles may do."""

from __future__ import annotations

import io
import re
import zipfile
from functools import cache
from pathlib import Path

from .support import MANAGEMENT, Caller, eventually, member, organization

INFRA = Path(__file__).parents[2]
BUCKET = "acme-forester"
PARAMETERS = {"ConfigUri": f"s3://{BUCKET}/forester.yaml", "ConfigBucket": BUCKET, "MemberRole": "ForesterMember"}

ENTERING = ("AccountBaselineRole", "SandboxResetRole", "BudgetRouterRole", "AlarmFanoutRole")


@cache
def resources() -> dict[str, str]:
    """Physical names of what template.yaml made, by logical name."""
    organization()
    s3, cloudformation = Caller()("s3"), Caller()("cloudformation")
    s3.create_bucket(Bucket=BUCKET)
    text = (INFRA / "template.yaml").read_text(encoding="utf-8")
    for name in set(re.findall(r"\.\./dist/([a-z-]+\.zip)", text)):
        s3.put_object(Bucket=BUCKET, Key=name, Body=empty())
        text = text.replace(f"../dist/{name}", f"s3://{BUCKET}/{name}")
    machine = "statemachines/sandbox-reset.asl.json"
    s3.put_object(Bucket=BUCKET, Key="machine.json", Body=(INFRA / machine).read_bytes())
    s3.put_object(Bucket=BUCKET, Key="template.yaml", Body=text.replace(machine, f"s3://{BUCKET}/machine.json").encode())
    cloudformation.create_stack(
        StackName="forester",
        TemplateURL=f"https://s3.amazonaws.com/{BUCKET}/template.yaml",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )

    def ended() -> str | None:
        status = cloudformation.describe_stacks(StackName="forester")["Stacks"][0]["StackStatus"]
        return None if status == "CREATE_IN_PROGRESS" else status

    assert eventually(ended, 60) == "CREATE_COMPLETE"
    found = cloudformation.describe_stack_resources(StackName="forester")["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def empty() -> bytes:
    """A function's package that nobody runs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bootstrap", "")
    return packed.getvalue()


def acting(function: str) -> Caller:
    """Whoever acts with the role of a function of the template."""
    role = resources()[f"{function}Role"]
    return Caller(MANAGEMENT, "any", f"function/{role}/{function}")


@cache
def inside(reset: str) -> Caller:
    """Whoever entered a member by the role of member.yaml, with its parameter `Reset` set so."""
    account = member(f"held-{reset}")
    administrator = Caller().assume(account)
    parameters = {
        "HomeAccount": MANAGEMENT,
        "HomeBus": f"arn:aws:events:us-east-1:{MANAGEMENT}:event-bus/default",
        "BudgetQueueArn": f"arn:aws:sqs:us-east-1:{MANAGEMENT}:budgets",
        "TrustedRoles": ",".join(f"arn:aws:iam::{MANAGEMENT}:role/{role}" for name, role in resources().items() if name in ENTERING),
        "OrganizationId": Caller()("organizations").describe_organization()["Organization"]["Id"],
        "Reset": reset,
    }
    administrator("cloudformation").create_stack(
        StackName="forester-member",
        TemplateBody=(INFRA / "member.yaml").read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    return acting("AccountBaseline").assume(account, "ForesterMember")
