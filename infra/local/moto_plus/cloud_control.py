"""Cloud Control, which moto lacks as a whole: resources of every type that has handlers for list and delete, as documents.

Requests are in progress until they were asked for twice. A resource whose `DeletionProtection` is on is not deleted, and
one whose `FailsWith` names a handler's error code fails with it: `{"FailsWith": "ResourceConflict"}`.
https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-manage-requests.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random

from .paging import page
from .refusals import refuse

# The facts that Forester itself goes by.
CATALOGUE = Path(__file__).parents[3] / "shared" / "catalogue"
POLLS = 2


@dataclass
class Request:
    """One request, and what it does when it ends."""

    operation: str
    key: tuple[str, str]
    patch: list[dict[str, Any]] = field(default_factory=list)
    token: str = field(default_factory=lambda: str(mock_random.uuid4()))
    polls: int = POLLS
    status: str = "IN_PROGRESS"
    code: str | None = None
    message: str | None = None

    def event(self) -> dict[str, Any]:
        """As the API shows it."""
        shown = {
            "TypeName": self.key[0],
            "Identifier": self.key[1],
            "RequestToken": self.token,
            "Operation": self.operation,
            "OperationStatus": self.status,
            "EventTime": utcnow(),
        }
        failed = {"ErrorCode": self.code, "StatusMessage": self.message} if self.code else {}
        return {"ProgressEvent": {**shown, **failed}}


@dataclass
class Account:
    """What an account has in a region."""

    resources: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)


ACCOUNTS: dict[tuple[str, str], Account] = {}


@cache
def types() -> dict[str, list[str]]:
    """The types, and what their lists must be given."""
    facts = json.loads((CATALOGUE / "cloudcontrol.json").read_text(encoding="utf-8"))
    listed = [f"AWS::{service}::{name}" for service, names in facts["listed"].items() for name in names.split()]
    return {name: sorted(facts["given"].get(name, {})) for name in listed}


@cache
def namespace(kind: str) -> str:
    """The word by which IAM, ARNs and CloudTrail call a type's service."""
    facts = json.loads((CATALOGUE / "services.json").read_text(encoding="utf-8"))
    service = kind.split("::")[1]
    return facts["services"].get(service, [service.lower()])[0].split()[0]


def arn_of(account: str, region: str, key: tuple[str, str]) -> str:
    """The ARN under which others show a resource."""
    return f"arn:aws:{namespace(key[0])}:{region}:{account}:{key[0].split('::')[2].lower()}/{key[1]}"


class CloudControlResponse(BaseResponse):
    """The service, in moto's manner."""

    def __init__(self) -> None:
        super().__init__(service_name="cloudcontrol")
        self.automated_parameter_parsing = True

    @property
    def account(self) -> Account:
        """The caller's, in the called region."""
        return ACCOUNTS.setdefault((self.current_account, self.region), Account())

    def create_resource(self) -> ActionResult:
        wanted = json.loads(self._get_param("DesiredState"))
        own = str(wanted.get("Name") or mock_random.get_random_hex(12))
        parents = [str(wanted[name]) for name in types().get(self.kind, []) if name in wanted]
        key = (self.kind, "|".join([*parents, own]))
        if key in self.account.resources:
            raise refuse("AlreadyExistsException", f"{key[1]} exists.")
        self.account.resources[key] = {"CreatedAt": utcnow().isoformat(), **wanted}
        return self.begin(Request("CREATE", key, polls=0, status="SUCCESS"))

    def list_resources(self) -> ActionResult:
        model = json.loads(self._get_param("ResourceModel") or "{}")
        needed = [name for name in types()[self.kind] if name not in model]
        if needed:
            raise refuse("InvalidRequestException", f"Missing or invalid ResourceModel property: {needed}")
        found = [
            described(key, resource)
            for key, resource in self.account.resources.items()
            if key[0] == self.kind and all(resource.get(name) == value for name, value in model.items())
        ]
        size = self._get_param("MaxResults")
        listed = page("ResourceDescriptions", found, self._get_param("NextToken"), size)
        return ActionResult({"TypeName": self.kind, **listed})

    def get_resource(self) -> ActionResult:
        key = self.key
        return ActionResult({"TypeName": key[0], "ResourceDescription": described(key, self.account.resources[key])})

    def update_resource(self) -> ActionResult:
        return self.begin(Request("UPDATE", self.key, json.loads(self._get_param("PatchDocument"))))

    def delete_resource(self) -> ActionResult:
        return self.begin(Request("DELETE", self.key))

    def get_resource_request_status(self) -> ActionResult:
        request = self.account.requests.get(self._get_param("RequestToken"))
        if request is None:
            raise refuse("RequestTokenNotFoundException", "There is no such request.")
        if request.status == "IN_PROGRESS":
            request.polls -= 1
            if request.polls <= 0:
                end(self.account, request)
        return ActionResult(request.event())

    @property
    def kind(self) -> str:
        """The type that the call names."""
        kind = self._get_param("TypeName")
        if kind not in types():
            raise refuse("TypeNotFoundException", f"The type {kind} is not in the registry.")
        return kind

    @property
    def key(self) -> tuple[str, str]:
        """The resource that the call names."""
        key = (self.kind, self._get_param("Identifier"))
        if key not in self.account.resources:
            raise refuse("ResourceNotFoundException", f"{key[1]} does not exist.")
        return key

    def begin(self, request: Request) -> ActionResult:
        """Take the request in, once for a client token, and one at a time for a resource."""
        account, client = self.account, self._get_param("ClientToken")
        if client in account.clients:
            return ActionResult(account.requests[account.clients[client]].event())
        if any(other.key == request.key and other.status == "IN_PROGRESS" for other in account.requests.values()):
            raise refuse("ConcurrentOperationException", "Another operation is in progress.")
        account.requests[request.token] = request
        if client:
            account.clients[client] = request.token
        return ActionResult(request.event())


def end(account: Account, request: Request) -> None:
    """Do what was asked, or fail as the resource says."""
    resource = account.resources.get(request.key, {})
    if request.operation == "UPDATE":
        for change in request.patch:
            resource[change["path"].removeprefix("/")] = change["value"]
    elif resource.get("FailsWith"):
        request.status, request.code, request.message = "FAILED", resource["FailsWith"], "as the resource says"
        return
    elif resource.get("DeletionProtection"):
        request.status, request.code = "FAILED", "InvalidRequest"
        request.message = "Cannot delete while deletion protection is enabled"
        return
    else:
        account.resources.pop(request.key, None)
    request.status = "SUCCESS"


def described(key: tuple[str, str], resource: dict[str, Any]) -> dict[str, str]:
    """A resource, as lists and reads show it."""
    return {"Identifier": key[1], "Properties": json.dumps(resource)}
