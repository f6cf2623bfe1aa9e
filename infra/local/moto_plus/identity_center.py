"""Identity Center: one instance, of the organization, in one region; assignments that are in progress until asked.

moto has an instance in every account and region, and assigns at once, as often as it is told. A deletion that is being
made is over when its status, or the list of assignments, has been asked for.
https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.utils import unix_time
from moto.identitystore.models import identitystore_backends
from moto.moto_api._internal import mock_random
from moto.organizations.models import organizations_backends
from moto.ssoadmin.models import Instance, SSOAdminBackend
from moto.ssoadmin.responses import SSOAdminResponse

from .patch import add, around
from .refusals import refuse
from .state import kept

SERVICE = "sso.amazonaws.com"
REGION = "us-east-1"
FIELDS = ("TargetId", "TargetType", "PermissionSetArn", "PrincipalType", "PrincipalId")
CREATION, DELETION, PROVISIONING = "creation", "deletion", "provisioning"


def call_action(original: Any, self: SSOAdminResponse) -> Any:
    """A delegated administrator works on the organization's instance."""
    master = organizations_backends.master_accounts.get(self.current_account)
    admins = organizations_backends[master[0]][master[1]].admins if master else []
    if any(admin.account.id == self.current_account and SERVICE in admin.services for admin in admins):
        self.current_account = master[0]
    return original(self)


def list_instances(original: Any, self: SSOAdminBackend) -> list[Instance]:
    """The organization's instance, where it is."""
    there = self.region_name == REGION and organizations_backends[self.account_id]["aws"].org
    return original(self) if there else []


def create_permission_set(original: Any, self: SSOAdminBackend, **kwargs: Any) -> dict[str, Any]:
    """A permission set, whose name is its own."""
    if any(known.name == kwargs["name"] for known in self.permission_sets):
        raise refuse("ConflictException", f"PermissionSet with name {kwargs['name']} already exists.")
    return original(self, **kwargs)


def requests(backend: SSOAdminBackend) -> dict[str, dict[str, Any]]:
    """What has been started, by request id."""
    return kept(backend, "assignment_requests", dict)


class AssignmentCalls:
    """Methods for `SSOAdminResponse` that replace moto's."""

    def create_account_assignment(self) -> str:
        return started(self, CREATION, "AccountAssignmentCreationStatus")

    def delete_account_assignment(self) -> str:
        return started(self, DELETION, "AccountAssignmentDeletionStatus")

    def describe_account_assignment_creation_status(self) -> str:
        return settled(self, "AccountAssignmentCreationRequestId", "AccountAssignmentCreationStatus")

    def describe_account_assignment_deletion_status(self) -> str:
        return settled(self, "AccountAssignmentDeletionRequestId", "AccountAssignmentDeletionStatus")

    def describe_permission_set_provisioning_status(self) -> str:
        return settled(self, "ProvisionPermissionSetRequestId", "PermissionSetProvisioningStatus")

    def provision_permission_set(self) -> str:
        return started(self, PROVISIONING, "PermissionSetProvisioningStatus")


def started(response: SSOAdminResponse, kind: str, field: str) -> str:
    """Start something, which may be refused at once."""
    asked, backend = json.loads(response.body), response.ssoadmin_backend
    backend._find_permission_set(asked["InstanceArn"], asked["PermissionSetArn"])
    target, accounts = asked.get("TargetId"), organizations_backends[backend.account_id]["aws"].accounts
    if target and all(account.id != target for account in accounts):
        raise refuse("ResourceNotFoundException", f"Account {target} is not found in the organization.")
    request = {
        "Status": "IN_PROGRESS",
        "RequestId": str(mock_random.uuid4()),
        "CreatedDate": unix_time(),
        **{name: asked[name] for name in FIELDS if name in asked},
    }
    requests(backend)[request["RequestId"]] = {**request, "kind": kind, "asked": asked}
    return json.dumps({field: request})


def settled(response: SSOAdminResponse, name: str, field: str) -> str:
    """How something ended that was started; asking ends it."""
    request = requests(response.ssoadmin_backend).get(json.loads(response.body)[name])
    if not request:
        raise refuse("ResourceNotFoundException", "The request is not found.")
    settle(response.ssoadmin_backend, request)
    return json.dumps({field: {key: value for key, value in request.items() if key not in ("kind", "asked")}})


def settle(backend: SSOAdminBackend, request: dict[str, Any]) -> None:
    """Do what was started, unless it has been done."""
    if request["Status"] != "IN_PROGRESS":
        return
    request["Status"] = "SUCCEEDED"
    if request["kind"] == PROVISIONING:
        return
    names = ("instance_arn", "target_id", "target_type", "permission_set_arn", "principal_type", "principal_id")
    asked = dict(zip(names, (request["asked"][field] for field in ("InstanceArn", *FIELDS))))
    there = [one for one in backend.account_assignments if all(getattr(one, name) == asked[name] for name in names)]
    if request["kind"] == DELETION:
        backend.account_assignments = [one for one in backend.account_assignments if one not in there]
    elif not is_principal(backend.account_id, asked["principal_id"]):
        request.update(Status="FAILED", FailureReason=f"Principal {asked['principal_id']} does not exist.")
    elif not there:
        backend.create_account_assignment(**asked)


def is_principal(account: str, principal: str) -> bool:
    """Whether a user or a group has this id."""
    stores = identitystore_backends[account][REGION].identity_stores.values()
    return any(principal in store.groups or principal in store.users for store in stores)


def list_account_assignments(original: Any, self: SSOAdminResponse) -> str:
    """The assignments as they are; what was in progress is over by the next time."""
    answer = original(self)
    for request in list(requests(self.ssoadmin_backend).values()):
        settle(self.ssoadmin_backend, request)
    return answer


def install() -> None:
    """Make moto take its time."""
    around(SSOAdminResponse, "call_action", call_action)
    around(SSOAdminResponse, "list_account_assignments", list_account_assignments)
    around(SSOAdminBackend, "list_instances", list_instances)
    around(SSOAdminBackend, "create_permission_set", create_permission_set)
    add(SSOAdminResponse, AssignmentCalls)
