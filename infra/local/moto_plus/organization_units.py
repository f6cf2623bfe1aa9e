"""Organizational units with unique names, system tags that nobody sets, and a management account that nobody closes.

https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganizationalUnit.html
"""

from __future__ import annotations

from typing import Any

from moto.organizations.exceptions import DuplicateOrganizationalUnitException, OrganizationsClientError
from moto.organizations.models import OrganizationsBackend

from .organization_refusals import constraint, invalid
from .patch import around


def create_organizational_unit(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """A unit in a place that exists, under a name that is free there."""
    parent = self.validate_parent_id(kwargs["ParentId"])
    if any(unit.parent_id == parent and unit.name == kwargs["Name"] for unit in self.ou):
        raise DuplicateOrganizationalUnitException
    return original(self, **kwargs)


def update_organizational_unit(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """Another name, free among the siblings; moto looks at the whole tree."""
    unit = self.get_organizational_unit_by_id(kwargs["OrganizationalUnitId"])
    siblings = (other for other in self.ou if other.parent_id == unit.parent_id and other is not unit)
    if any(other.name == kwargs["Name"] for other in siblings):
        raise DuplicateOrganizationalUnitException
    unit.name = kwargs["Name"]
    return unit.describe()


def delete_organizational_unit(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """Only an empty unit goes."""
    unit = kwargs["OrganizationalUnitId"]
    if any(thing.parent_id == unit for thing in (*self.ou, *self.accounts)):
        raise OrganizationsClientError(
            "OrganizationalUnitNotEmptyException",
            "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, "
            "and try the operation again.",
        )
    original(self, **kwargs)


def tag_resource(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """Tags, but not those that are AWS's."""
    if any(tag["Key"].lower().startswith("aws:") for tag in kwargs["Tags"]):
        raise invalid("INVALID_SYSTEM_TAGS_PARAMETER", "You specified a tag key that is a system tag.")
    original(self, **kwargs)


def close_account(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """A member closes; the management account does not."""
    if kwargs["AccountId"] == self.account_id:
        raise constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You attempted to close the management account.")
    original(self, **kwargs)


def install() -> None:
    """Make moto refuse what AWS refuses."""
    for wrapper in (
        create_organizational_unit,
        update_organizational_unit,
        delete_organizational_unit,
        tag_resource,
        close_account,
    ):
        around(OrganizationsBackend, wrapper.__name__, wrapper)
