"""Services that an organization trusts, and accounts that administer them: moto knows a few of them, with few rules.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services_list.html
"""

from __future__ import annotations

from typing import Any

from moto.organizations.models import FakeDelegatedAdministrator, FakeServiceAccess, OrganizationsBackend

from .organization_refusals import constraint
from .patch import around

TRUSTED = (
    "cost-optimization-hub.bcm.amazonaws.com",
    "iam.amazonaws.com",
    "malware-protection.guardduty.amazonaws.com",
    "network-firewall.amazonaws.com",
    "notifications.amazonaws.com",
    "resource-explorer-2.amazonaws.com",
    "security-ir.amazonaws.com",
)
DELEGATED = (
    "account.amazonaws.com",
    "auditmanager.amazonaws.com",
    "backup.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "compute-optimizer.amazonaws.com",
    "config.amazonaws.com",
    "cost-optimization-hub.bcm.amazonaws.com",
    "detective.amazonaws.com",
    "devops-guru.amazonaws.com",
    "fms.amazonaws.com",
    "health.amazonaws.com",
    "iam.amazonaws.com",
    "inspector2.amazonaws.com",
    "ipam.amazonaws.com",
    "license-manager.amazonaws.com",
    "member.org.stacksets.cloudformation.amazonaws.com",
    "network-firewall.amazonaws.com",
    "notifications.amazonaws.com",
    "reachabilityanalyzer.networkinsights.amazonaws.com",
    "reporting.trustedadvisor.amazonaws.com",
    "resource-explorer-2.amazonaws.com",
    "security-ir.amazonaws.com",
    "securityhub.amazonaws.com",
    "securitylake.amazonaws.com",
    "sso.amazonaws.com",
    "storage-lens.s3.amazonaws.com",
)


def trusts(backend: OrganizationsBackend, principal: str) -> bool:
    """Whether the service has trusted access."""
    return any(service["ServicePrincipal"] == principal for service in backend.services)


def register_delegated_administrator(original: Any, self: OrganizationsBackend, **kwargs: Any) -> None:
    """An open member account becomes the administrator of a service that is trusted."""
    if kwargs["AccountId"] == self.account_id:
        raise constraint(
            "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
            "You cannot register master account/yourself as delegated administrator for your organization.",
        )
    if self.get_account_by_id(kwargs["AccountId"]).state != "ACTIVE":
        raise constraint(
            "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
            "You cannot register a suspended account as a delegated administrator.",
        )
    known = FakeDelegatedAdministrator.supported_service(kwargs["ServicePrincipal"])
    if known and not trusts(self, kwargs["ServicePrincipal"]):
        raise constraint(
            "SERVICE_ACCESS_NOT_ENABLED",
            "You attempted to register a delegated administrator before you enabled service access. "
            "Call the EnableAWSServiceAccess API first.",
        )
    try:
        original(self, **kwargs)
    finally:
        # A refused service leaves an administrator of nothing behind in moto.
        self.admins = [admin for admin in self.admins if admin.services]


def appoint(organization: OrganizationsBackend, principal: str, account: str) -> None:
    """What a service does that is given an administrator by its own API: it is trusted, and the account registered."""
    names = {"AccountId": account, "ServicePrincipal": principal}
    registered = (admin for admin in organization.admins if principal in admin.services)
    if account == organization.account_id or any(admin.account.id == account for admin in registered):
        return
    organization.enable_aws_service_access(ServicePrincipal=principal)
    organization.register_delegated_administrator(**names)


def install() -> None:
    """Make moto know the services, and the rules."""
    FakeServiceAccess.TRUSTED_SERVICES = sorted({*FakeServiceAccess.TRUSTED_SERVICES, *TRUSTED})
    supported = FakeDelegatedAdministrator.SUPPORTED_SERVICES
    FakeDelegatedAdministrator.SUPPORTED_SERVICES = sorted({*supported, *DELEGATED})
    around(OrganizationsBackend, "register_delegated_administrator", register_delegated_administrator)
