"""CloudTrail: trails have a bucket that lets them write and a name of their own, and organizations have trails, too.

moto takes a bucket of the same account whatever its policy, and a name twice. A trail of an organization is the
management account's; its delegated administrator works on it, and the members see it.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, Trail, cloudtrail_backends
from moto.cloudtrail.responses import CloudTrailResponse
from moto.organizations.models import OrganizationsBackend, organizations_backends

from . import delivery_buckets
from .patch import add, around
from .refusals import refuse
from .trusted_services import appoint, trusts

SERVICE = "cloudtrail.amazonaws.com"


def call_action(original: Any, self: CloudTrailResponse) -> Any:
    """A delegated administrator acts for the management account, when it is about the organization's trail."""
    organization = organization_of(self.current_account)
    if organization and self.current_account in delegates(organization):
        name = self._get_param("Name") or self._get_param("TrailName") or ""
        if self._get_bool_param("IsOrganizationTrail") or f":{organization.account_id}:trail/" in name:
            self.current_account = organization.account_id
    return original(self)


def organization_of(account: str) -> OrganizationsBackend | None:
    """The organization that the account is in."""
    master = organizations_backends.master_accounts.get(account, (account, "aws"))
    organization = organizations_backends[master[0]][master[1]]
    return organization if organization.org else None


def delegates(organization: OrganizationsBackend) -> list[str]:
    """The delegated administrators of CloudTrail."""
    return [admin.account.id for admin in organization.admins if SERVICE in admin.services]


def create_trail(original: Any, self: CloudTrailResponse) -> Any:
    """A new trail, if its name is free and its bucket fit."""
    name = self._get_param("Name")
    if name in self.cloudtrail_backend.trails:
        raise refuse("TrailAlreadyExistsException", f"Trail {name} already exists for customer: {self.current_account}")
    judge(self, arn_of(self, name), self._get_param("S3BucketName"), bool(self._get_bool_param("IsOrganizationTrail")))
    return original(self)


def update_trail(original: Any, self: CloudTrailResponse) -> Any:
    """Changes of a trail, if its bucket is still fit, or the new one is."""
    trail = self.cloudtrail_backend.get_trail(self._get_param("Name"))
    whole = self._get_bool_param("IsOrganizationTrail", trail.is_org_trail)
    if not self._get_param("S3BucketName") and not delivery_buckets.find(self, trail.bucket_name):
        # The management account's buckets are in the other emulator, which is asked when a call names one.
        return original(self)
    judge(self, trail.arn, self._get_param("S3BucketName") or trail.bucket_name, bool(whole), trail.s3_key_prefix)
    return original(self)


def arn_of(response: CloudTrailResponse, name: str) -> str:
    """The ARN of a trail that is not there yet."""
    return f"arn:aws:cloudtrail:{response.region}:{response.current_account}:trail/{name}"


def judge(response: CloudTrailResponse, arn: str, name: str, whole: bool, before: str | None = None) -> None:
    """Refuse a bucket that is not there or keeps the trail out, and an organization's trail from those who may not."""
    if whole:
        need_organization(response.current_account)
    bucket = delivery_buckets.find(response, name)
    if not bucket:
        raise refuse("S3BucketDoesNotExistException", f"S3 bucket {name} does not exist!")
    prefix = response._get_param("S3KeyPrefix") or before
    place = f"arn:aws:s3:::{name}/" + (f"{prefix}/" if prefix else "") + "AWSLogs/"
    folders = [response.current_account]
    if whole:
        folders.append(organizations_backends[response.current_account]["aws"].org.id)
    writes = all(bucket.lets(SERVICE, "s3:PutObject", f"{place}{folder}/CloudTrail", arn) for folder in folders)
    if not writes or not bucket.lets(SERVICE, "s3:GetBucketAcl", f"arn:aws:s3:::{name}", arn):
        raise refuse("InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy for bucket: {name}")


def need_organization(account: str) -> None:
    """Refuse an organization's trail to all but its management account, and while CloudTrail is not trusted."""
    organization = organizations_backends[account]["aws"]
    if not organization.org:
        raise refuse(
            "NotOrganizationMasterAccountException",
            "The account is not the management account or a delegated administrator of the organization.",
        )
    if not trusts(organization, SERVICE):
        raise refuse(
            "CloudTrailAccessNotEnabledException", "Trusted access for CloudTrail is not enabled in the organization."
        )


def describe_trails(original: Any, self: CloudTrailBackend, include_shadow_trails: bool) -> Iterable[Trail]:
    """The account's trails, and its organization's."""
    trails = list(original(self, include_shadow_trails))
    organization = organization_of(self.account_id)
    if include_shadow_trails and organization and organization.account_id != self.account_id:
        for backend in list(cloudtrail_backends[organization.account_id].values()):
            trails += [trail for trail in backend.trails.values() if trail.is_org_trail and seen(trail, self)]
    return trails


def seen(trail: Trail, backend: CloudTrailBackend) -> bool:
    """Whether a trail reaches a region."""
    return trail.is_multi_region or trail.region_name == backend.region_name


class AdministratorCalls:
    """Methods for `CloudTrailResponse`."""

    def register_organization_delegated_admin(self) -> str:
        """CloudTrail's own way to its administrator: it asks for trust first, and knows who is registered."""
        organization, account = organizations_backends[self.current_account]["aws"], self._get_param("MemberAccountId")
        if not organization.org:
            raise refuse("NotOrganizationManagementAccountException", "The account is not the management account.")
        if not trusts(organization, SERVICE):
            raise refuse("CloudTrailAccessNotEnabledException", "Trusted access for CloudTrail is not enabled.")
        if account == organization.account_id:
            raise refuse("CannotDelegateManagementAccountException", "The management account cannot be delegated to.")
        if account in delegates(organization):
            raise refuse("AccountRegisteredException", f"The account {account} is registered already.")
        appoint(organization, SERVICE, account)
        return "{}"


def install() -> None:
    """Make moto look at buckets, and at organizations."""
    Trail.check_bucket_exists = lambda self: None
    add(CloudTrailResponse, AdministratorCalls)
    around(CloudTrailResponse, "call_action", call_action)
    around(CloudTrailResponse, "create_trail", create_trail)
    around(CloudTrailResponse, "update_trail", update_trail)
    around(CloudTrailBackend, "describe_trails", describe_trails)
