"""AWS managed policies, loaded when named.

moto either has none of them (attaching ReadOnlyAccess fails) or loads all 1400 for each account, at more than two
seconds an account. Here a policy appears in an account when it is first named there; ListPolicies shows only those.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

from .patch import around

NAMING = (
    "attach_role_policy",
    "attach_user_policy",
    "attach_group_policy",
    "get_policy",
    "get_policy_version",
    "list_policy_versions",
)


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Any]:
    """All AWS managed policies, as moto ships them."""
    return json.loads(aws_managed_policies_data)


def load_first(original: Any, self: IAMBackend, policy_arn: str, *args: Any, **kwargs: Any) -> Any:
    """Make sure that the named policy is there, then go on."""
    name = policy_arn.rsplit("/", 1)[-1]
    if ":aws:policy/" in policy_arn and policy_arn not in self.managed_policies and name in catalogue():
        policy = AWSManagedPolicy.from_data(name, self.account_id, self.region_name, catalogue()[name])
        self.aws_managed_policies.append(policy)
        self.managed_policies[policy.arn] = policy
    return original(self, policy_arn, *args, **kwargs)


def install() -> None:
    """Wrap everything that names a policy."""
    for name in NAMING:
        around(IAMBackend, name, load_first)
