"""DeleteConflict where IAM says it and moto deletes: entities go after what hangs on them.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html
"""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import DeleteConflictException
from moto.iam.models import IAMBackend

from .patch import around


def delete_user(original: Any, self: IAMBackend, user_name: str) -> None:
    """A user goes without keys, password, devices, certificates and groups."""
    user = self.get_user(user_name)
    hanging = {
        "delete access keys": user.access_keys,
        "delete login profile": user.password,
        "deactivate MFA device": user.mfa_devices,
        "delete SSH public keys": user.ssh_public_keys,
        "delete signing certificates": user.signing_certificates,
        "remove users from group": [group for group in self.groups.values() if user in group.users],
    }
    refuse(hanging)
    original(self, user_name)


def delete_group(original: Any, self: IAMBackend, group_name: str) -> None:
    """A group goes without users and policies."""
    group = self.groups.get(group_name)
    if group:
        refuse(
            {
                "remove users from group": group.users,
                "delete policies": group.policies,
                "detach all policies": group.managed_policies,
            }
        )
    original(self, group_name)


def delete_policy(original: Any, self: IAMBackend, policy_arn: str) -> None:
    """A policy goes when it is attached to nothing and its default version is the only one."""
    policy = self.get_policy(policy_arn)
    if policy.attachment_count:
        raise DeleteConflictException("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise DeleteConflictException(
            "This policy has more than one version. Before you delete a policy, you must delete its other versions."
        )
    original(self, policy_arn)


def refuse(hanging: dict[str, Any]) -> None:
    """Refuse with the first thing that has to be done before."""
    for todo, things in hanging.items():
        if things:
            raise DeleteConflictException(f"Cannot delete entity, must {todo} first.")


def install() -> None:
    """Make IAM insist."""
    around(IAMBackend, "delete_user", delete_user)
    around(IAMBackend, "delete_group", delete_group)
    around(IAMBackend, "delete_policy", delete_policy)
