"""Roles of a stack have the managed policies that its template names, and roles and policies go with the stack; moto makes
such roles without policies, and keeps the policies.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
"""

from __future__ import annotations

from typing import Any

from moto.iam.models import ManagedPolicy, Role, iam_backends
from moto.utilities.utils import get_partition

from .patch import lacking


def install() -> None:
    """Attach the policies to a role that was made, and detach them before it is deleted."""
    original, original_delete = Role.create_from_cloudformation_json, Role.delete_from_cloudformation_json

    def create(
        cls: type[Role], name: str, told: dict[str, Any], account_id: str, region_name: str, **more: Any
    ) -> Role:
        role = original(name, told, account_id, region_name, **more)
        backend = iam_backends[account_id][get_partition(region_name)]
        for arn in filter(None, told["Properties"].get("ManagedPolicyArns", [])):
            backend.attach_role_policy(arn, role.name)
        return role

    def delete(cls: type[Role], name: str, told: dict[str, Any], account_id: str, region_name: str) -> None:
        backend = iam_backends[account_id][get_partition(region_name)]
        role = next((role for role in backend.roles.values() if role.name == name), None)
        for arn in list(role.managed_policies) if role else ():
            backend.detach_role_policy(arn, name)
        original_delete(name, told, account_id, region_name)

    def delete_policy(policy: ManagedPolicy, account_id: str, region_name: str) -> None:
        iam_backends[account_id][get_partition(region_name)].delete_policy(policy.arn)

    lacking(ManagedPolicy, "delete", delete_policy)
    Role.create_from_cloudformation_json = classmethod(create)
    Role.delete_from_cloudformation_json = classmethod(delete)
