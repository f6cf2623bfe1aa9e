"""Resource shares with associations of their own, tags, and those whom they are shared with.

moto lacks the operations that change a share, and takes units directly below the root only. Units and organizations can
be named once the organization shares: before, AWS says that it does not know them.
https://docs.aws.amazon.com/ram/latest/userguide/getting-started-sharing.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.core.utils import unix_time
from moto.organizations.models import OrganizationsBackend, organizations_backends
from moto.ram.models import ResourceAccessManagerBackend, ResourceShare, ram_backends
from moto.ram.responses import ResourceAccessManagerResponse
from moto.ram.urls import url_paths

from .paging import page
from .patch import add, around
from .refusals import refuse
from .state import kept

SERVICE = "ram.amazonaws.com"
IN_ORGANIZATION = re.compile(r"^arn:aws:organizations::\d{12}:(organization|ou)/")
RESOURCE, PRINCIPAL = "RESOURCE", "PRINCIPAL"


def organization_of(account: str) -> OrganizationsBackend:
    """The organization that the account is in, or may be in."""
    master = organizations_backends.master_accounts.get(account, (account, "aws"))
    return organizations_backends[master[0]][master[1]]


def associations(share: ResourceShare) -> dict[tuple[str, str], dict[str, Any]]:
    """The share's associations by type and entity; those that have ended are among them, as on AWS for a while."""
    return kept(share, "associations", dict)


def add_principals(original: Any, self: ResourceShare, principals: list[str]) -> None:
    """Associate principals: accounts, or parts of an organization that shares."""
    organization = organization_of(self.account_id)
    places = [place.arn for place in organization.ou] + [organization.org.arn if organization.org else ""]
    for principal in principals:
        if IN_ORGANIZATION.match(principal) and not (shares(organization) and principal in places):
            raise refuse("UnknownResourceException", f"{principal} could not be found.")
    original(self, [principal for principal in principals if not IN_ORGANIZATION.match(principal)])
    associate(self, PRINCIPAL, principals)


def add_resources(original: Any, self: ResourceShare, resource_arns: list[str]) -> None:
    """Associate resources of the account's own."""
    for arn in resource_arns:
        if f":{self.account_id}:" not in arn:
            raise refuse("InvalidParameterException", f"You cannot share {arn}, which another account owns.")
    original(self, resource_arns)
    associate(self, RESOURCE, resource_arns)


def associate(share: ResourceShare, kind: str, entities: list[str], status: str = "ASSOCIATED") -> None:
    """Set the status of associations, which may be new."""
    for entity in entities:
        associations(share)[kind, entity] = {
            "resourceShareArn": share.arn,
            "resourceShareName": share.name,
            "associatedEntity": entity,
            "associationType": kind,
            "status": status,
            "creationTime": unix_time(),
            "lastUpdatedTime": unix_time(),
            "external": False,
        }


def describe(original: Any, self: ResourceShare) -> dict[str, Any]:
    """A share, with its tags."""
    return {**original(self), "tags": [{"key": key, "value": value} for key, value in tags(self).items()]}


def tags(share: ResourceShare) -> dict[str, str]:
    """A share's tags."""
    return kept(share, "tags", dict)


def create_resource_share(original: Any, self: ResourceAccessManagerBackend, **kwargs: Any) -> dict[str, Any]:
    """A share, with tags."""
    answer = original(self, **kwargs)
    tags(self.resource_shares[-1]).update({tag["key"]: tag["value"] for tag in kwargs.get("tags", [])})
    return answer


def shares(organization: OrganizationsBackend) -> bool:
    """Whether sharing with the organization is on."""
    return getattr(organization, "sharing", False)


def enable_sharing(original: Any, self: ResourceAccessManagerBackend) -> dict[str, Any]:
    """Switch sharing on, which makes RAM a trusted service."""
    answer = original(self)
    organization = organizations_backends[self.account_id]["aws"]
    organization.enable_aws_service_access(ServicePrincipal=SERVICE)
    organization.sharing = True
    return answer


class ShareCalls:
    """Methods for `ResourceAccessManagerResponse`; those that moto has are replaced."""

    def associate_resource_share(self) -> str:
        asked = json.loads(self.body)
        share = own(self, asked["resourceShareArn"])
        share.add_principals(asked.get("principals", []))
        share.add_resources(asked.get("resourceArns", []))
        return changed(share, asked, "ASSOCIATING")

    def disassociate_resource_share(self) -> str:
        asked = json.loads(self.body)
        share = own(self, asked["resourceShareArn"])
        for kind, field in ((PRINCIPAL, "principals"), (RESOURCE, "resourceArns")):
            known = [entity for entity in asked.get(field, []) if (kind, entity) in associations(share)]
            associate(share, kind, known, "DISASSOCIATED")
        return changed(share, asked, "DISASSOCIATING")

    def get_resource_shares(self) -> str:
        asked = json.loads(self.body)
        found = received(self) if asked["resourceOwner"] == "OTHER-ACCOUNTS" else self.ram_backend.resource_shares
        found = [share for share in found if wanted(share, asked)]
        listed = page("resourceShares", found, asked.get("nextToken"), asked.get("maxResults"), most=100)
        listed["resourceShares"] = [share.describe() for share in listed["resourceShares"]]
        return json.dumps({"nextToken" if name == "NextToken" else name: value for name, value in listed.items()})

    def get_resource_share_associations(self) -> str:
        asked = json.loads(self.body)
        known = (entry for share in self.ram_backend.resource_shares for entry in associations(share).values())
        found = [entry for entry in known if entry["associationType"] == asked["associationType"]]
        if asked.get("resourceShareArns"):
            found = [entry for entry in found if entry["resourceShareArn"] in asked["resourceShareArns"]]
        for name in ("resourceArn", "principal"):
            found = [entry for entry in found if asked.get(name) in (None, entry["associatedEntity"])]
        found = [entry for entry in found if asked.get("associationStatus") in (None, entry["status"])]
        return json.dumps({"resourceShareAssociations": found})

    def tag_resource(self) -> str:
        asked = json.loads(self.body)
        share = own(self, asked.get("resourceShareArn") or asked.get("resourceArn"))
        tags(share).update({tag["key"]: tag["value"] for tag in asked["tags"]})
        return "{}"


def own(response: ResourceAccessManagerResponse, arn: str) -> ResourceShare:
    """The caller's share with this ARN."""
    for share in response.ram_backend.resource_shares:
        if share.arn == arn and share.status == "ACTIVE":
            return share
    raise refuse("UnknownResourceException", f"ResourceShare {arn} could not be found.")


def changed(share: ResourceShare, asked: dict[str, Any], status: str) -> str:
    """What changes of a share answer."""
    kinds = ((PRINCIPAL, asked.get("principals", [])), (RESOURCE, asked.get("resourceArns", [])))
    keys = [(kind, entity) for kind, entities in kinds for entity in entities]
    entries = [associations(share)[key] for key in keys if key in associations(share)]
    return json.dumps({"resourceShareAssociations": [{**entry, "status": status} for entry in entries]})


def wanted(share: ResourceShare, asked: dict[str, Any]) -> bool:
    """Whether a share meets the filters."""
    arns, status = asked.get("resourceShareArns"), asked.get("resourceShareStatus")
    named = asked.get("name") in (None, share.name) and (not arns or share.arn in arns)
    return named and status in (None, share.status) and all(tagged(share, one) for one in asked.get("tagFilters", []))


def tagged(share: ResourceShare, wish: dict[str, Any]) -> bool:
    """Whether a share has a tag, with one of the values if there are any."""
    value = tags(share).get(wish["tagKey"])
    return value is not None and (not wish.get("tagValues") or value in wish["tagValues"])


def received(response: ResourceAccessManagerResponse) -> list[ResourceShare]:
    """Other accounts' shares in the region that reach the caller: by its id, or a place above it."""
    account, organization = response.current_account, organization_of(response.current_account)
    reached = {account} | ({organization.org.arn} if organization.org else set())
    place = next((entry for entry in organization.accounts if entry.id == account), None)
    while place:
        reached.add(place.arn)
        place = next((entry for entry in organization.ou if entry.id == place.parent_id), None)
    others = [backends[response.region] for owner, backends in list(ram_backends.items()) if owner != account]
    every = [share for backend in others for share in backend.resource_shares]
    return [share for share in every if principals(share) & reached]


def principals(share: ResourceShare) -> set[str]:
    """Whom a share is shared with now."""
    known = associations(share).items()
    return {entity for (kind, entity), entry in known if kind == PRINCIPAL and entry["status"] == "ASSOCIATED"}


# What the sorts of permissions are called in a request, and what moto calls them.
PERMISSIONS = {"AWS_MANAGED": "AWS", "CUSTOMER_MANAGED": "LOCAL"}


def list_permissions(original: Any, self: ResourceAccessManagerBackend, resource: str, kind: str) -> dict[str, Any]:
    """moto knows the sorts of permissions by other names.
    https://docs.aws.amazon.com/ram/latest/APIReference/API_ListPermissions.html"""
    return original(self, resource, PERMISSIONS.get(kind, kind))


def install() -> None:
    """Give moto what it lacks, and paths that lead there."""
    around(ResourceShare, "add_principals", add_principals)
    around(ResourceShare, "add_resources", add_resources)
    around(ResourceShare, "describe", describe)
    around(ResourceAccessManagerBackend, "create_resource_share", create_resource_share)
    around(ResourceAccessManagerBackend, "list_permissions", list_permissions)
    around(ResourceAccessManagerBackend, "enable_sharing_with_aws_organization", enable_sharing)
    add(ResourceAccessManagerResponse, ShareCalls)
    for path in ("associateresourceshare", "disassociateresourceshare", "tagresource"):
        url_paths["{0}/" + path + "$"] = ResourceAccessManagerResponse.dispatch
