"""Service control policies that are attached to an account itself: what they deny there is denied.

This is switched on by `enforce_policies`, and knows what a freeze is made of: `Deny` by `Action` or `NotAction`, and the
conditions below. A statement with another condition denies nothing here, and policies on roots and OUs are not judged.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from .call import Call
from .errors import error

ASSUMED = re.compile(r"^arn:aws:sts::(\d{12}):assumed-role/([^/]+)/(.+)$")


class Denials:
    """The policies that calls have made and attached."""

    def __init__(self) -> None:
        self._documents: dict[str, dict[str, Any]] = {}
        self._attached: set[tuple[str, str]] = set()

    def learn(self, call: Call, status: int, body: bytes, answer: bytes) -> None:
        """Take note of a change."""
        if call.service != "organizations" or status != 200 or not call.action.endswith("Policy"):
            return
        params = json.loads(body or b"{}")
        if call.action in ("CreatePolicy", "UpdatePolicy") and "Content" in params:
            told = json.loads(answer)["Policy"]["PolicySummary"]
            if told["Type"] == "SERVICE_CONTROL_POLICY":
                self._documents[told["Id"]] = json.loads(params["Content"])
        pair = (params.get("PolicyId", ""), params.get("TargetId", ""))
        if call.action == "AttachPolicy":
            self._attached.add(pair)
        if call.action == "DetachPolicy":
            self._attached.discard(pair)

    def refusal(self, call: Call) -> web.Response | None:
        """The answer to a call that a policy on the caller's account denies."""
        known = [self._documents[policy] for policy, target in self._attached if target == call.account and policy in self._documents]
        if not any(denies(statement, call) for document in known for statement in listed(document.get("Statement"))):
            return None
        message = (
            f"User: {call.caller} is not authorized to perform: {call.service}:{call.action} "
            "with an explicit deny in a service control policy"
        )
        code = "UnauthorizedOperation" if call.protocol == "ec2" else "AccessDeniedException"
        return error(call, 403, "AccessDenied" if call.protocol in ("query", "rest-xml") else code, message)


def denies(statement: dict[str, Any], call: Call) -> bool:
    """Whether a statement denies a call."""
    if statement.get("Effect") != "Deny":
        return False
    action = f"{call.service}:{call.action}".lower()
    hit = any(fnmatchcase(action, pattern.lower()) for pattern in listed(statement.get("Action")))
    spared = any(fnmatchcase(action, pattern.lower()) for pattern in listed(statement.get("NotAction")))
    if not (hit if "Action" in statement else not spared):
        return False
    facts = context(call)
    tests = statement.get("Condition", {})
    return all(met(operator, key, listed(values), facts) for operator, keys in tests.items() for key, values in keys.items())


def context(call: Call) -> dict[str, str]:
    """What AWS would know of the call: who makes it, and that no service does."""
    match = ASSUMED.match(call.caller)
    principal = f"arn:aws:iam::{match.group(1)}:role/{match.group(2)}" if match else call.caller
    session = f"AROAEXAMPLE:{match.group(3)}" if match else call.account
    return {
        "aws:principalarn": principal,
        "aws:userid": session,
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
    }


def met(operator: str, key: str, values: list[str], facts: dict[str, str]) -> bool:
    """Whether a condition holds; one that is not known does not."""
    found = facts.get(key.lower())
    if operator in ("ArnNotLike", "StringNotLike", "ArnNotEquals", "StringNotEquals"):
        return found is None or not any(fnmatchcase(found, str(value)) for value in values)
    if operator in ("ArnLike", "StringLike", "ArnEquals", "StringEquals"):
        return found is not None and any(fnmatchcase(found, str(value)) for value in values)
    if operator in ("Bool", "BoolIfExists"):
        missing = operator == "BoolIfExists"
        return missing if found is None else found in [str(value).lower() for value in values]
    if operator == "Null":
        return (found is None) == (str(values[0]).lower() == "true")
    return False


def listed(value: Any) -> list[Any]:
    """A list, or one thing in its place."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
