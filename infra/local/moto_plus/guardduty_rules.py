"""GuardDuty: one detector in a region, one administrator of the organization in a region, and its configuration.

moto makes detectors without end, keeps a list of administrators, and has no configuration of the organization. Every
refusal is a BadRequestException: callers read the message. The words for a second administrator are unverified.
https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_organizations.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.guardduty.models import GuardDutyBackend, guardduty_backends
from moto.guardduty.responses import GuardDutyResponse
from moto.guardduty.urls import url_paths
from moto.organizations.models import OrganizationsBackend, organizations_backends

from .patch import add, around
from .refusals import refuse
from .state import kept
from .trusted_services import appoint

SERVICE = "guardduty.amazonaws.com"


def refusal(message: str) -> JsonRESTError:
    """GuardDuty's only refusal."""
    return refuse("BadRequestException", f"The request is rejected because {message}")


def create_detector(original: Any, self: GuardDutyBackend, *args: Any, **kwargs: Any) -> str:
    """The region's detector."""
    if self.detectors:
        raise refusal("a detector already exists for the current account.")
    return original(self, *args, **kwargs)


def delete_detector(original: Any, self: GuardDutyBackend, detector_id: str) -> None:
    """The detector goes, if there is one of that id."""
    self.get_detector(detector_id)
    original(self, detector_id)


def enable_organization_admin_account(original: Any, self: GuardDutyBackend, admin_account_id: str) -> None:
    """Make an account the administrator, which gets a detector by that."""
    organization = organizations_backends[self.account_id]["aws"]
    if not organization.org:
        raise refusal("the account is not the management account of an organization.")
    if self.admin_account_ids:
        raise refusal("an account is already enabled as the GuardDuty delegated administrator for the organization.")
    if all(account.id != admin_account_id for account in organization.accounts):
        raise refusal("the account is not a member of the organization.")
    appoint(organization, SERVICE, admin_account_id)
    original(self, admin_account_id)
    theirs = guardduty_backends[admin_account_id][self.region_name]
    if not theirs.detectors:
        theirs.create_detector(True, "SIX_HOURS", {}, {}, [])


def get_administrator_account(original: Any, self: GuardDutyBackend, detector_id: str) -> dict[str, Any]:
    """A member's administrator; moto asks the account itself for it."""
    self.get_detector(detector_id)
    for admin in guardduty_backends.values():
        for backend in admin.values():
            if backend.region_name == self.region_name and self.account_id in members(backend):
                return {"Administrator": {"AccountId": backend.account_id, "RelationshipStatus": "Enabled"}}
    return {}


def members(backend: GuardDutyBackend) -> dict[str, Any]:
    """An administrator's members by account."""
    return kept(backend, "members", dict)


class OrganizationCalls:
    """Methods for `GuardDutyResponse`."""

    def describe_organization_configuration(self) -> str:
        return json.dumps({**configuration(self), "memberAccountLimitReached": False})

    def update_organization_configuration(self) -> str:
        known, asked = configuration(self), json.loads(self.body)
        for_members, old = asked.get("autoEnableOrganizationMembers"), asked.get("autoEnable")
        if (for_members is None) == (old is None):
            raise refusal("autoEnableOrganizationMembers or autoEnable has to be given, and not both.")
        chosen = for_members or ("NEW" if old else "NONE")
        known.update(autoEnableOrganizationMembers=chosen, autoEnable=chosen != "NONE")
        features = {feature["name"]: feature for feature in [*known["features"], *asked.get("features", [])]}
        known["features"] = list(features.values())
        return "{}"

    def create_members(self) -> str:
        backend = of_detector(self)
        for entry in json.loads(self.body)["accountDetails"]:
            members(backend)[entry["accountId"]] = {
                "accountId": entry["accountId"],
                "email": entry["email"],
                "detectorId": enabled_in(entry["accountId"], self.region),
                "masterId": self.current_account,
                "administratorId": self.current_account,
                "relationshipStatus": "Enabled",
                "updatedAt": "2026-01-01T00:00:00Z",
            }
        return json.dumps({"unprocessedAccounts": []})

    def list_members(self) -> str:
        return json.dumps({"members": list(members(of_detector(self)).values())})


def enabled_in(account: str, region: str) -> str:
    """The id of an account's detector, made when there is none."""
    backend = guardduty_backends[account][region]
    return next(iter(backend.detectors), None) or backend.create_detector(True, "SIX_HOURS", {}, {}, [])


def of_detector(response: GuardDutyResponse) -> GuardDutyBackend:
    """The caller's backend, if the detector in the path is there."""
    response.guardduty_backend.get_detector(response.path.split("/")[2])
    return response.guardduty_backend


def configuration(response: GuardDutyResponse) -> dict[str, Any]:
    """The organization's configuration in this region, which its administrator asks for."""
    backend = of_detector(response)
    organization = organization_of(response.current_account)
    if not organization or response.current_account not in administrators(organization, response.region):
        raise refusal("the account is not the delegated administrator of the organization.")
    fresh = {"autoEnable": False, "autoEnableOrganizationMembers": "NONE", "features": []}
    return kept(backend, "organization_configuration", lambda: fresh)


def organization_of(account: str) -> OrganizationsBackend | None:
    """The organization that the account is in."""
    master = organizations_backends.master_accounts.get(account, (account, "aws"))
    organization = organizations_backends[master[0]][master[1]]
    return organization if organization.org else None


def administrators(organization: OrganizationsBackend, region: str) -> list[str]:
    """Who administers GuardDuty in a region, as the management account said."""
    return guardduty_backends[organization.account_id][region].admin_account_ids


def install() -> None:
    """Make moto count, and give it the organization."""
    around(GuardDutyBackend, "create_detector", create_detector)
    around(GuardDutyBackend, "delete_detector", delete_detector)
    around(GuardDutyBackend, "enable_organization_admin_account", enable_organization_admin_account)
    around(GuardDutyBackend, "get_administrator_account", get_administrator_account)
    add(GuardDutyResponse, OrganizationCalls)
    for path in ("admin", "member"):
        url_paths["{0}/detector/(?P<detector_id>[^/]+)/" + path + "$"] = GuardDutyResponse.dispatch
