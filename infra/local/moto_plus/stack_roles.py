"""Roles of a stack have the managed policies that its template names, and lose them when the stack goes; moto makes such
roles without them.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
"""

from __future__ import annotations

from typing import Any

from moto.iam.models import Role, iam_backends
from moto.utilities.utils import get_partition


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

    Role.create_from_cloudformation_json = classmethod(create)
    Role.delete_from_cloudformation_json = classmethod(delete)
