"""Buckets that services deliver into: whether there is one, and whether its policy lets the service write.

The bucket may be any account's. Those of the management account are in the other emulator, so the gateway looks there,
and sends what it found along in a header.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from moto.core.responses import BaseResponse
from moto.s3.models import s3_backends

HEADER = "x-local-bucket"


@dataclass
class Bucket:
    """A bucket's owner, and its policy."""

    account: str
    policy: dict[str, Any]

    def lets(self, service: str, action: str, arn: str, source: str) -> bool:
        """Whether a service may do something for a source, which is the ARN or the account that it works for."""
        meant = [entry for entry in listed(self.policy.get("Statement")) if means(entry, service, action, arn, source)]
        effects = {entry.get("Effect") for entry in meant}
        return "Allow" in effects and "Deny" not in effects


def find(response: BaseResponse, name: str) -> Bucket | None:
    """The bucket, wherever it is."""
    owner = s3_backends.bucket_accounts.get(name)
    if owner:
        policy = s3_backends[owner[1]][owner[0]].buckets[name].policy
        return Bucket(owner[1], json.loads(policy) if policy else {})
    sent = response.headers.get(HEADER)
    if not sent:
        return None
    found = json.loads(base64.b64decode(sent))
    return Bucket(found["account"], json.loads(found["policy"]) if found["policy"] else {})


def means(statement: dict[str, Any], service: str, action: str, arn: str, source: str) -> bool:
    """Whether a statement is about this. A denial under conditions is about something else, such as plain HTTP."""
    if statement.get("Effect") == "Deny" and statement.get("Condition"):
        return False
    principal = statement.get("Principal", {})
    named = principal == "*" or service in listed(principal.get("Service")) or "*" in listed(principal.get("AWS"))
    does = any(fnmatchcase(action.lower(), pattern.lower()) for pattern in listed(statement.get("Action")))
    reaches = any(fnmatchcase(arn, pattern) for pattern in listed(statement.get("Resource")))
    return named and does and reaches and meets(statement.get("Condition", {}), source)


def meets(condition: dict[str, Any], source: str) -> bool:
    """Whether the conditions about who it is for are met; all others count as met."""
    account = source.split(":")[4] if source.startswith("arn:") else source
    actual = {"aws:sourcearn": source, "aws:sourceaccount": account}
    for tests in condition.values():
        for key, patterns in tests.items():
            value = actual.get(key.lower())
            if value and not any(fnmatchcase(value, pattern) for pattern in listed(patterns)):
                return False
    return True


def listed(value: Any) -> list[Any]:
    """A policy's value as the list that it may be."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
