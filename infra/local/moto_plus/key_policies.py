"""Key policies that are policies: KMS refuses what it cannot parse, and moto keeps anything.

https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.kms.models import KmsBackend

from .patch import around
from .refusals import refuse


def judge(policy: str) -> None:
    """Refuse what is not a policy document."""
    try:
        document = json.loads(policy)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise refuse("MalformedPolicyDocumentException", "The key policy is not a policy document.")


def put_key_policy(original: Any, self: KmsBackend, key_id: str, policy: str) -> None:
    """A policy in place of the key's."""
    judge(policy)
    original(self, key_id, policy)


def create_key(original: Any, self: KmsBackend, policy: str | None, *args: Any, **kwargs: Any) -> Any:
    """A key, with the policy that comes along."""
    if policy:
        judge(policy)
    return original(self, policy, *args, **kwargs)


def install() -> None:
    """Make moto read policies."""
    around(KmsBackend, "put_key_policy", put_key_policy)
    around(KmsBackend, "create_key", create_key)
