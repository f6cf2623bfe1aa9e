"""CreateAccount as AWS does it: the answer is IN_PROGRESS, and how it ended is asked with DescribeCreateAccountStatus.

moto succeeds at once, takes an e-mail address twice, and gives random ids; the gateway can ask for an id in a header,
so that a demo's accounts have the ids of its `forester.yaml`. The new account's access role gets its policy, too.
https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html
"""

from __future__ import annotations

import json
import threading
from typing import Any

from moto.core.utils import unix_time
from moto.iam.models import iam_backends
from moto.organizations import utils
from moto.organizations.exceptions import OrganizationsClientError
from moto.organizations.models import OrganizationsBackend
from moto.organizations.responses import OrganizationsResponse

from .paging import page
from .patch import around
from .state import kept

WANTED_ID = "x-local-account-id"
CALL = threading.local()
ADMINISTRATOR = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def requests(backend: OrganizationsBackend) -> dict[str, dict[str, Any]]:
    """How each CreateAccount request ended, by request id."""
    return kept(backend, "account_requests", dict)


def with_wanted_id(original: Any, self: OrganizationsResponse) -> str:
    """Remember the id that the gateway wants for as long as this request runs in this thread."""
    CALL.account_id = self.headers.get(WANTED_ID)
    try:
        return original(self)
    finally:
        CALL.account_id = None


def create_account(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """Start the creation. It has ended when this returns, but the caller has to ask."""
    if any(account.email == kwargs["Email"] for account in self.accounts):
        status = failed(kwargs["AccountName"])
    else:
        status = original(self, **kwargs)["CreateAccountStatus"]
        allow_everything(status["AccountId"], kwargs.get("RoleName", "OrganizationAccountAccessRole"))
    requests(self)[status["Id"]] = status
    shown = {name: status[name] for name in ("Id", "AccountName", "RequestedTimestamp")}
    return {"CreateAccountStatus": {**shown, "State": "IN_PROGRESS"}}


def failed(name: str) -> dict[str, Any]:
    """The status of a request that AWS refuses after it took it."""
    now = unix_time()
    return {
        "Id": utils.make_random_create_account_status_id(),
        "AccountName": name,
        "State": "FAILED",
        "RequestedTimestamp": now,
        "CompletedTimestamp": now,
        "FailureReason": "EMAIL_ALREADY_EXISTS",
    }


def allow_everything(account: str, role: str) -> None:
    """AWS gives the access role an inline policy of this name."""
    iam_backends[account]["aws"].put_role_policy(role, "AdministratorAccess", ADMINISTRATOR)


def describe_create_account_status(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """How one request ended."""
    status = requests(self).get(kwargs["CreateAccountRequestId"])
    if not status:
        raise OrganizationsClientError(
            "CreateAccountStatusNotFoundException", "You specified a request that doesn't exist."
        )
    return {"CreateAccountStatus": status}


def list_create_account_status(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """How all requests ended, in pages."""
    wanted = kwargs.get("States") or ["IN_PROGRESS", "SUCCEEDED", "FAILED"]
    found = [status for status in requests(self).values() if status["State"] in wanted]
    return page("CreateAccountStatuses", found, kwargs.get("NextToken"), kwargs.get("MaxResults"))


def install() -> None:
    """Make creation a thing to wait for."""
    random_id = utils.make_random_account_id
    utils.make_random_account_id = lambda: getattr(CALL, "account_id", None) or random_id()
    around(OrganizationsResponse, "create_account", with_wanted_id)
    around(OrganizationsBackend, "create_account", create_account)
    around(OrganizationsBackend, "describe_create_account_status", describe_create_account_status)
    around(OrganizationsBackend, "list_create_account_status", list_create_account_status)
