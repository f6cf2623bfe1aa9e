"""Trust policies name principals that exist: IAM refuses a role or a user that is not there, and moto trusts anybody.

Roles of the management account count as there, because templates make them in the other emulator; so does everything in
accounts that are in no organization here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import IAMBackend, iam_backends
from moto.organizations.models import organizations_backends

from .patch import around

NAMED = re.compile(r"^arn:aws:iam::(\d{12}):(role|user)/(.+)$")


def create_role(
    original: Any, self: IAMBackend, role_name: str, assume_role_policy_document: str, *args: Any, **more: Any
) -> Any:
    """A role that trusts somebody who is there."""
    judge(assume_role_policy_document)
    return original(self, role_name, assume_role_policy_document, *args, **more)


def update_assume_role_policy(original: Any, self: IAMBackend, role_name: str, policy_document: str) -> None:
    """Another trust policy."""
    judge(policy_document)
    original(self, role_name, policy_document)


def judge(document: str) -> None:
    """Refuse a document that is not one, or names somebody who is not there."""
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, TypeError, KeyError):
        raise MalformedPolicyDocument("This policy contains invalid Json") from None
    for statement in statements if isinstance(statements, list) else [statements]:
        for principal in principals(statement):
            if not exists(principal):
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{principal}"')


def principals(statement: dict[str, Any]) -> list[str]:
    """The identities that a statement names."""
    principal = statement.get("Principal", {})
    named = principal.get("AWS", []) if isinstance(principal, dict) else []
    return named if isinstance(named, list) else [named]


def exists(principal: str) -> bool:
    """Whether the role or user is there, as far as this stack can tell."""
    match = NAMED.match(principal)
    if not match or match.group(1) not in organizations_backends.master_accounts:
        return True
    iam = iam_backends[match.group(1)]["aws"]
    known = iam.roles if match.group(2) == "role" else iam.users
    return any(entity.arn == principal for entity in list(known.values()))


def install() -> None:
    """Make moto look who is trusted."""
    around(IAMBackend, "create_role", create_role)
    around(IAMBackend, "update_assume_role_policy", update_assume_role_policy)
