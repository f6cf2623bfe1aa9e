"""CloseAccount as AWS does it: the account is closing for a while, three at a time, and not too many in 30 days.

Delegated administrators stay: which reason AWS gives for that is unverified. By default an account is closed at once; the
gateway can ask, in headers, for some looks at it in between and for a quota.
https://docs.aws.amazon.com/organizations/latest/APIReference/API_CloseAccount.html
"""

from __future__ import annotations

import threading
from typing import Any

from moto.organizations.exceptions import OrganizationsClientError
from moto.organizations.models import OrganizationsBackend
from moto.organizations.responses import OrganizationsResponse

from .organization_refusals import constraint
from .organization_rules import delegated
from .patch import around
from .state import kept

LOOKS, QUOTA = "x-local-closing-looks", "x-local-close-quota"
AT_ONCE = 3
CALL = threading.local()


def with_wishes(original: Any, self: OrganizationsResponse) -> str:
    """Remember what the gateway wants of this close, for as long as the request runs in this thread."""
    CALL.looks, CALL.quota = (self.headers.get(name) for name in (LOOKS, QUOTA))
    try:
        return original(self)
    finally:
        CALL.looks = CALL.quota = None


def closed(backend: OrganizationsBackend) -> list[str]:
    """Every account that was closed; the window of 30 days is the stack's life."""
    return kept(backend, "closed_accounts", list)


def looks(backend: OrganizationsBackend) -> dict[str, int]:
    """How often each closing account is still to be looked at."""
    return kept(backend, "closing_looks", dict)


def close_account(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """Begin to close an account, if AWS would."""
    account = self.get_account_by_id(kwargs["AccountId"])
    if account.state == "PENDING_CLOSURE":
        raise OrganizationsClientError("ConflictException", "The account is being closed.")
    if account.state == "ACTIVE":
        judge(self, account.id)
    original(self, **kwargs)
    closed(self).append(account.id)
    wanted = int(getattr(CALL, "looks", None) or 0)
    if wanted:
        looks(self)[account.id] = wanted
        account.state = "PENDING_CLOSURE"


def judge(backend: OrganizationsBackend, account: str) -> None:
    """Refuse what AWS refuses."""
    if delegated(backend, account):
        raise constraint("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG", "Deregister the administrator first.")
    quota = getattr(CALL, "quota", None)
    if quota is not None and len(closed(backend)) >= int(quota):
        raise constraint("CLOSE_ACCOUNT_QUOTA_EXCEEDED", "You have closed too many accounts in 30 days.")
    if sum(other.state == "PENDING_CLOSURE" for other in backend.accounts) >= AT_ONCE:
        raise constraint("CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED", "Too many accounts are being closed.")


def describe_account(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """An account, which is closed once it was looked at often enough."""
    account = self.get_account_by_id(kwargs["AccountId"])
    if account.state == "PENDING_CLOSURE":
        looks(self)[account.id] -= 1
        if looks(self)[account.id] < 0:
            account.state = "SUSPENDED"
    return original(self, **kwargs)


def install() -> None:
    """Make closing a thing to wait for."""
    around(OrganizationsResponse, "close_account", with_wishes)
    around(OrganizationsBackend, "close_account", close_account)
    around(OrganizationsBackend, "describe_account", describe_account)
