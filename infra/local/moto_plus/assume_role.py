"""AssumeRole only into roles that exist, in accounts that exist and are open, from accounts that the role trusts.

moto hands out credentials for anything, which hides a wrong role name until production. Trust is judged by account:
functions of the local stack act as their account's root, so a trust policy that names their role is met by its account.
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends
from moto.sts.exceptions import STSClientError
from moto.sts.responses import TokenResponse

from .patch import around

ROLE_ARN = re.compile(r"^arn:aws:iam::(\d{12}):role/(?:.+/)?([^/]+)$")


def assume_role(original: Any, self: TokenResponse) -> Any:
    """Hand out credentials, or refuse as AWS does: it never says which of the reasons it was."""
    role_arn = self._get_param("RoleArn")
    if not may_assume(self.current_account, role_arn, self._get_param("ExternalId")):
        message = f"User: {caller_arn(self)} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        # moto serializes its own exception classes only: it looks for the service's model by the class's module.
        raise STSClientError("AccessDenied", message)
    return original(self)


def may_assume(caller: str, role_arn: str, external_id: str | None) -> bool:
    """Whether the role is there and trusts the caller's account."""
    match = ROLE_ARN.match(role_arn or "")
    if not match or not is_open(match.group(1), caller):
        return False
    roles = iam_backends[match.group(1)]["aws"].roles.values()
    role = next((role for role in roles if role.arn == role_arn), None)
    return role is not None and trusts(role.assume_role_policy_document, caller, external_id)


def is_open(account: str, caller: str) -> bool:
    """Whether the account exists and is not closed. An account outside any organization is known by its caller only."""
    master = organizations_backends.master_accounts.get(account)
    if not master:
        return account == caller or any(
            account == owner for owner, _ in organizations_backends.master_accounts.values()
        )
    found = (entry for entry in organizations_backends[master[0]][master[1]].accounts if entry.id == account)
    return any(entry.state == "ACTIVE" for entry in found)


def trusts(document: str | dict[str, Any], caller: str, external_id: str | None) -> bool:
    """Whether some statement lets the caller's account in, and none keeps it out."""
    policy = json.loads(document) if isinstance(document, str) else document
    statements = policy.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    meant = [entry for entry in statements if names(entry, caller) and meets(entry, external_id)]
    effects = {entry.get("Effect") for entry in meant}
    return "Allow" in effects and "Deny" not in effects


def names(statement: dict[str, Any], caller: str) -> bool:
    """Whether the statement's principal is the caller's account, or something in it."""
    principal = statement.get("Principal", {})
    named = principal if principal == "*" else principal.get("AWS", [])
    named = named if isinstance(named, list) else [named]
    return any(entry == "*" or entry == caller or f"::{caller}:" in entry for entry in named)


def meets(statement: dict[str, Any], external_id: str | None) -> bool:
    """Whether the external id is the demanded one; other conditions count as met."""
    wanted = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
    wanted = wanted if isinstance(wanted, list) or wanted is None else [wanted]
    return wanted is None or external_id in wanted


def is_root(response: TokenResponse) -> bool:
    """Whether the access key is the account's id: the root's, or a function's, whose role the gateway knows."""
    return f"Credential={response.current_account}/" in response.headers.get("Authorization", "")


def caller_arn(response: TokenResponse) -> str:
    """Who calls, as the gateway knows; moto would invent a user for an account's root."""
    return response.headers.get("x-local-caller") or f"arn:aws:iam::{response.current_account}:root"


def get_caller_identity(original: Any, self: TokenResponse) -> Any:
    """The caller, roots and functions included."""
    if not is_root(self):
        return original(self)
    account = self.current_account
    return ActionResult({"UserId": account, "Account": account, "Arn": caller_arn(self)})


def install() -> None:
    """Make moto's STS choosy."""
    around(TokenResponse, "assume_role", assume_role)
    around(TokenResponse, "get_caller_identity", get_caller_identity)
