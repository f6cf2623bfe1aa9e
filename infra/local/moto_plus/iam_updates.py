"""Changes of identities that moto lacks or takes too easily: clients of providers, boundaries, lengths of sessions.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.exceptions import IAMException
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from .patch import add, around

SHORTEST, LONGEST = 3600, 43200


class IdentityCalls:
    """Methods for `IamResponse`."""

    def add_client_id_to_open_id_connect_provider(self) -> ActionResult:
        provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
        if self._get_param("ClientID") not in provider.client_id_list:
            provider.client_id_list.append(self._get_param("ClientID"))
        return EmptyResult()

    def remove_client_id_from_open_id_connect_provider(self) -> ActionResult:
        provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
        provider.client_id_list = [name for name in provider.client_id_list if name != self._get_param("ClientID")]
        return EmptyResult()

    def put_user_permissions_boundary(self) -> ActionResult:
        user = self.backend.get_user(self._get_param("UserName"))
        bound(self.backend, user, self._get_param("PermissionsBoundary"))
        return EmptyResult()

    def delete_user_permissions_boundary(self) -> ActionResult:
        vars(self.backend.get_user(self._get_param("UserName"))).pop("permissions_boundary", None)
        return EmptyResult()


def bound(backend: IAMBackend, user: Any, policy: str) -> None:
    """Give a user a boundary, which is a policy that exists."""
    backend.get_policy(policy)
    user.permissions_boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy}


def create_user(original: Any, self: IamResponse) -> ActionResult:
    """A user, with the boundary that comes along."""
    boundary = self._get_param("PermissionsBoundary")
    if boundary:
        self.backend.get_policy(boundary)
    answer = original(self)
    if boundary:
        bound(self.backend, self.backend.get_user(self._get_param("UserName")), boundary)
    return answer


def put_role_permissions_boundary(original: Any, self: IAMBackend, role_name: str, permissions_boundary: str) -> None:
    """A role's boundary is a policy that exists."""
    self.get_policy(permissions_boundary)
    original(self, role_name, permissions_boundary)


def update_role(original: Any, self: IAMBackend, role_name: str, description: Any, seconds: Any) -> Any:
    """A description that is not given stays; sessions that are not given a length get the shortest, as documented."""
    judge(seconds)
    if description is None:
        description = self.get_role(role_name).description
    return original(self, role_name, description, seconds)


def create_role(original: Any, self: IamResponse) -> Any:
    """A role whose sessions have a possible length."""
    judge(self._get_param("MaxSessionDuration"))
    return original(self)


def judge(seconds: Any) -> None:
    """Refuse an impossible length of sessions."""
    if seconds is not None and not SHORTEST <= int(seconds) <= LONGEST:
        raise IAMException(
            "ValidationError", f"Value '{seconds}' at 'maxSessionDuration' must be between {SHORTEST} and {LONGEST}."
        )


def install() -> None:
    """Give moto the operations, and the rules."""
    add(IamResponse, IdentityCalls)
    around(IamResponse, "create_user", create_user)
    around(IamResponse, "create_role", create_role)
    around(IAMBackend, "put_role_permissions_boundary", put_role_permissions_boundary)
    around(IAMBackend, "update_role", update_role)
