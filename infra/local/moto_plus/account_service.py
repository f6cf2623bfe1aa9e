"""The account service: regions that are switched on and off, and the primary contact. moto has alternate contacts only.

A region that is being enabled or disabled says so once before it has changed, so that callers learn to wait; until then
it cannot be changed again. Other accounts are named by the management account and delegated administrators only.
EC2's DescribeRegions follows the same switches.
https://docs.aws.amazon.com/accounts/latest/reference/API_GetRegionOptStatus.html
"""

from __future__ import annotations

from typing import Any

from moto.account.models import account_backends
from moto.account.responses import AccountResponse
from moto.account.urls import url_paths
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.responses import EC2Response
from moto.organizations.models import organizations_backends

from .paging import page
from .patch import add, around
from .refusals import refuse
from .trusted_services import trusts

# The commercial partition's.
REGIONS = [region.name for region in RegionsAndZonesBackend.regions if not region.name.startswith(("us-gov-", "cn-"))]
# The regions that are on in every account; all later ones are opted into.
# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
BY_DEFAULT = set(
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 "
    "eu-west-3 "
    "ap-south-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2".split()
)
SERVICE = "account.amazonaws.com"
SETTLED = {"ENABLING": "ENABLED", "DISABLING": "DISABLED"}
PATHS = (
    "listRegions",
    "getRegionOptStatus",
    "enableRegion",
    "disableRegion",
    "getContactInformation",
    "putContactInformation",
)

# The primary contact that Organizations gives an account when it makes it: that of the management account.
CONTACT = {
    "FullName": "Ana Example",
    "AddressLine1": "Example Street 1",
    "City": "Amsterdam",
    "PostalCode": "1000 AA",
    "CountryCode": "NL",
    "PhoneNumber": "+31 20 555 0100",
}


class Regions:
    """The regions of one account that are not as AWS delivers them."""

    def __init__(self) -> None:
        self._changed: dict[str, str] = {}

    def status(self, name: str) -> str:
        """A region's status, as the account service says it; asking settles a change."""
        if name in BY_DEFAULT:
            return "ENABLED_BY_DEFAULT"
        now = self._changed.get(name, "DISABLED")
        self._changed[name] = SETTLED.get(now, now)
        return now

    def switch(self, name: str, status: str) -> None:
        """Start enabling or disabling a region."""
        if name in BY_DEFAULT:
            raise refuse("ValidationException", f"Region {name} cannot be enabled or disabled.")
        now = self._changed.get(name, "DISABLED")
        if now in SETTLED:
            raise refuse("ConflictException", f"Region {name} is currently {now}.", 409)
        if now != SETTLED[status]:
            self._changed[name] = status


def state_of(account: str, partition: str = "aws") -> Any:
    """The account's state, kept on moto's backend object."""
    backend = account_backends[account][partition]
    if not hasattr(backend, "regions"):
        backend.regions, backend.contact = Regions(), dict(CONTACT)
    return backend


class AccountCalls:
    """Methods for `AccountResponse`."""

    def list_regions(self) -> ActionResult:
        wanted = self._get_param("RegionOptStatusContains") or []
        regions = state_of(self._get_account_id()).regions
        found = [{"RegionName": name, "RegionOptStatus": regions.status(name)} for name in REGIONS]
        found = [region for region in found if not wanted or region["RegionOptStatus"] in wanted]
        return ActionResult(page("Regions", found, self._get_param("NextToken"), self._get_param("MaxResults")))

    def get_region_opt_status(self) -> ActionResult:
        name = known(self._get_param("RegionName"))
        status = state_of(self._get_account_id()).regions.status(name)
        return ActionResult({"RegionName": name, "RegionOptStatus": status})

    def enable_region(self) -> ActionResult:
        state_of(self._get_account_id()).regions.switch(known(self._get_param("RegionName")), "ENABLING")
        return EmptyResult()

    def disable_region(self) -> ActionResult:
        state_of(self._get_account_id()).regions.switch(known(self._get_param("RegionName")), "DISABLING")
        return EmptyResult()

    def get_contact_information(self) -> ActionResult:
        return ActionResult({"ContactInformation": state_of(self._get_account_id()).contact})

    def put_contact_information(self) -> ActionResult:
        state_of(self._get_account_id()).contact = self._get_param("ContactInformation")
        return EmptyResult()


def known(name: str) -> str:
    """A region's name, if there is such a region."""
    if name not in REGIONS:
        raise refuse("ValidationException", f"Region {name} does not exist.")
    return name


def describe_regions(original: Any, self: EC2Response) -> ActionResult:
    """EC2's view: only the regions that are on, unless AllRegions is asked for."""
    names, everything = self._get_param("RegionNames", []), self._get_param("AllRegions", False)
    regions = state_of(self.current_account).regions
    found = [ec2_view(name, regions) for name in names or REGIONS if known(name)]
    wanted = self._filters_from_querystring().get("opt-in-status")
    found = [region for region in found if not wanted or region["OptInStatus"] in wanted]
    return ActionResult({"Regions": [r for r in found if everything or r["OptInStatus"] != "not-opted-in"]})


def ec2_view(name: str, regions: Regions) -> dict[str, str]:
    """One region in EC2's words."""
    words = {"ENABLED_BY_DEFAULT": "opt-in-not-required", "ENABLED": "opted-in"}
    status = words.get(regions.status(name), "not-opted-in")
    return {"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": status}


def account_id(original: Any, self: AccountResponse) -> str:
    """The account that a call is about, if the caller may name it."""
    named, caller = self._get_param("AccountId"), self.current_account
    if named and not may_name(caller, named):
        message = f"User: {caller} is not authorized to perform this operation on account {named}."
        raise refuse("AccessDeniedException", message, 403)
    return original(self)


def may_name(caller: str, named: str) -> bool:
    """Whether the caller administers the accounts of an organization that trusts the service, and has this one in it.

    The management account is never named: it calls for itself.
    """
    master = organizations_backends.master_accounts.get(caller, (caller, "aws"))
    organization = organizations_backends[master[0]][master[1]]
    if not organization.org or not trusts(organization, SERVICE) or named == master[0]:
        return False
    delegated = any(admin.account.id == caller and SERVICE in admin.services for admin in organization.admins)
    return (caller == master[0] or delegated) and any(account.id == named for account in organization.accounts)


def install() -> None:
    """Give moto the calls, and paths that lead to them."""
    around(AccountResponse, "_get_account_id", account_id)
    add(AccountResponse, AccountCalls)
    for call in PATHS:
        url_paths["{0}/" + call + "$"] = AccountResponse.dispatch
    around(EC2Response, "describe_regions", describe_regions)
