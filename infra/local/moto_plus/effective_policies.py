"""Management policies as they reach an account: inherited along the tree, and merged.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_inheritance_mgmt.html
What parents allow their children to change is not judged.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.utils import unix_time
from moto.organizations.exceptions import OrganizationsClientError
from moto.organizations.models import OrganizationsBackend, organizations_backends
from moto.organizations.responses import OrganizationsResponse

from .organization_policies import SCP, RCP, enabled, of_type
from .patch import add

OPERATORS = ("@@assign", "@@append", "@@remove")


class EffectivePolicies:
    """Methods for `OrganizationsResponse`."""

    def describe_effective_policy(self) -> str:
        kind, target = self._get_param("PolicyType"), self._get_param("TargetId") or self.current_account
        if kind in (SCP, RCP):
            raise OrganizationsClientError("InvalidInputException", f"{kind} has no effective policy.")
        content = effective(self.organizations_backend, target, kind)
        if not content:
            raise OrganizationsClientError("EffectivePolicyNotFoundException", f"{target} has no policy of this type.")
        policy = {"PolicyContent": json.dumps(content), "PolicyType": kind, "TargetId": target}
        return json.dumps({"EffectivePolicy": {**policy, "LastUpdatedTimestamp": unix_time()}})


def of_account(account: str, kind: str) -> dict[str, Any]:
    """What the policies of one type say of an account, in whatever organization it is."""
    master = organizations_backends.master_accounts.get(account, (account, "aws"))
    organization = organizations_backends[master[0]][master[1]]
    return effective(organization, account, kind) if organization.org else {}


def effective(organization: OrganizationsBackend, target: str, kind: str) -> dict[str, Any]:
    """The policies from the root down to the target, the lower ones over the higher."""
    places = {place.id: place for place in (*organization.ou, *organization.accounts)}
    if target not in places:
        raise OrganizationsClientError("TargetNotFoundException", "You specified a target that doesn't exist.")
    if not enabled(organization, kind):
        return {}
    path = [places[target]]
    while path[0].parent_id in places:
        path.insert(0, places[path[0].parent_id])
    merged: dict[str, Any] = {}
    for place in path:
        for policy in of_type(place, kind):
            merged = merge(merged, json.loads(policy.content))
    return merged


def merge(above: Any, policy: dict[str, Any]) -> Any:
    """A policy over what is above it, its operators carried out."""
    if any(operator in policy for operator in OPERATORS):
        return operated(above, policy)
    merged = dict(above) if isinstance(above, dict) else {}
    for name, value in policy.items():
        if not name.startswith("@@"):
            merged[name] = merge(merged.get(name), value) if isinstance(value, dict) else value
    return merged


def operated(above: Any, policy: dict[str, Any]) -> Any:
    """One value: assigned, or a list with more or less in it."""
    value = policy.get("@@assign", above)
    if "@@append" in policy or "@@remove" in policy:
        kept = [entry for entry in value or [] if entry not in policy.get("@@remove", [])]
        return kept + [entry for entry in policy.get("@@append", []) if entry not in kept]
    return value


def install() -> None:
    """Give moto the operation."""
    add(OrganizationsResponse, EffectivePolicies)
