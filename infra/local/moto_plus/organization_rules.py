"""What Organizations refuses and moto allows: calls from member accounts, and moves from where the account is not.

A delegated administrator may read, but not change the organization.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_delegated_admin.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.organizations.exceptions import OrganizationsClientError
from moto.organizations.models import OrganizationsBackend, organizations_backends
from moto.organizations.responses import OrganizationsResponse

from .patch import around

OPEN_TO_MEMBERS = {"DescribeOrganization", "LeaveOrganization", "ListHandshakesForAccount"}
READS = ("Describe", "List")


def call_action(original: Any, self: OrganizationsResponse) -> Any:
    """Answer a call only to those who may make it."""
    master = organizations_backends.master_accounts.get(self.current_account)
    action = self._get_action()
    if master and action not in OPEN_TO_MEMBERS:
        organization = organizations_backends[master[0]][master[1]]
        if not (action.startswith(READS) and delegated(organization, self.current_account)):
            return denied(self)
        self.current_account = master[0]
    return original(self)


def delegated(organization: OrganizationsBackend, account: str) -> bool:
    """Whether the account is a delegated administrator for some service."""
    return any(admin.account.id == account for admin in organization.admins)


def denied(response: OrganizationsResponse) -> Any:
    """The answer to a member account."""
    problem = OrganizationsClientError("AccessDeniedException", "You don't have permissions to access this resource.")
    return response.serialized(ActionResult(problem))


def move_account(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """Move an account from where it really is to another place that exists."""
    account = self.get_account_by_id(kwargs["AccountId"])
    if account.parent_id != kwargs["SourceParentId"]:
        raise OrganizationsClientError(
            "SourceParentNotFoundException", "You specified a source root or OU that the account is not in."
        )
    if all(place.id != kwargs["DestinationParentId"] for place in self.ou):
        raise OrganizationsClientError(
            "DestinationParentNotFoundException", "You specified a destination that doesn't exist."
        )
    if kwargs["SourceParentId"] == kwargs["DestinationParentId"]:
        raise OrganizationsClientError(
            "DuplicateAccountException", "That account is already present in the specified destination."
        )
    original(self, **kwargs)


def install() -> None:
    """Make moto's Organizations as strict as AWS's."""
    around(OrganizationsResponse, "call_action", call_action)
    around(OrganizationsBackend, "move_account", move_account)
