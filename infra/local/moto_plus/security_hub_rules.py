"""Security Hub: enabled once, standards, and an organization's configuration in each region.

moto enables it again and again, has no standards, keeps one configuration for all regions, and lets an administrator
configure who has not enabled it. That a second administrator is refused with InvalidInputException is unverified.
https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_EnableSecurityHub.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.utils import iso_8601_datetime_without_milliseconds, utcnow
from moto.organizations.models import organizations_backends
from moto.securityhub.models import SecurityHubBackend
from moto.securityhub.responses import SecurityHubResponse
from moto.securityhub.urls import url_paths

from .paging import page
from .patch import add, around
from .refusals import refuse
from .state import kept
from .trusted_services import appoint

SERVICE = "securityhub.amazonaws.com"
BY_DEFAULT = (
    "arn:aws:securityhub:{region}::standards/aws-foundational-security-best-practices/v/1.0.0",
    "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0",
)
PATHS = (
    "organization/admin$",
    "productSubscriptions$",
    "standards/get$",
    "standards/register$",
    "standards/deregister$",
)


def enable_security_hub(
    original: Any, self: SecurityHubBackend, enable_default_standards: bool = True, **kwargs: Any
) -> Any:
    """Enable it, with AWS's standards unless they are not wanted."""
    if self.enabled:
        raise refuse("ResourceConflictException", "Account is already subscribed to Security Hub", 409)
    answer = original(self, enable_default_standards=enable_default_standards, **kwargs)
    for standard in BY_DEFAULT if enable_default_standards else ():
        subscribe(self, standard.format(region=self.region_name))
    return answer


def disable_security_hub(original: Any, self: SecurityHubBackend) -> Any:
    """Disable it, standards and all."""
    answer = original(self)
    standards(self).clear()
    return answer


def standards(backend: SecurityHubBackend) -> dict[str, dict[str, Any]]:
    """The subscriptions by their ARN."""
    return kept(backend, "standards", dict)


def subscribe(backend: SecurityHubBackend, standard: str) -> dict[str, Any]:
    """A subscription to a standard, which is the same one the second time."""
    name = standard.partition("standards/")[2] or standard.partition("ruleset/")[2]
    arn = f"arn:aws:securityhub:{backend.region_name}:{backend.account_id}:subscription/{name}"
    fresh = {"StandardsArn": standard, "StandardsInput": {}, "StandardsStatus": "READY"}
    return standards(backend).setdefault(arn, {"StandardsSubscriptionArn": arn, **fresh})


class HubCalls:
    """Methods for `SecurityHubResponse`."""

    def batch_enable_standards(self) -> str:
        hub = enabled(self)
        wanted = json.loads(self.body)["StandardsSubscriptionRequests"]
        made = [{**subscribe(hub, entry["StandardsArn"]), "StandardsStatus": "PENDING"} for entry in wanted]
        return json.dumps({"StandardsSubscriptions": made})

    def batch_disable_standards(self) -> str:
        hub = enabled(self)
        arns = json.loads(self.body)["StandardsSubscriptionArns"]
        gone = [standards(hub).pop(arn) for arn in arns if arn in standards(hub)]
        return json.dumps({"StandardsSubscriptions": [{**entry, "StandardsStatus": "DELETING"} for entry in gone]})

    def get_enabled_standards(self) -> str:
        known, asked = standards(enabled(self)), json.loads(self.body or "{}")
        found = [known[arn] for arn in asked.get("StandardsSubscriptionArns") or known if arn in known]
        return json.dumps(page("StandardsSubscriptions", found, asked.get("NextToken"), asked.get("MaxResults"), 100))

    def list_enabled_products_for_import(self) -> str:
        enabled(self)
        return json.dumps({"ProductSubscriptions": []})

    def list_organization_admin_accounts(self) -> str:
        if not organizations_backends[self.current_account]["aws"].org:
            raise refuse("InvalidAccessException", "The account is not the management account.", 401)
        admin = self.securityhub_backend._get_org_config()["admin_account_id"]
        return json.dumps({"AdminAccounts": [{"AccountId": admin, "Status": "ENABLED"}] if admin else []})


def enabled(response: SecurityHubResponse) -> SecurityHubBackend:
    """The caller's hub, or the refusal."""
    backend = response.securityhub_backend
    if not backend.enabled:
        raise refuse(
            "InvalidAccessException", f"Account {backend.account_id} is not subscribed to AWS Security Hub", 401
        )
    return backend


def organization_configuration(original: Any, self: SecurityHubBackend) -> dict[str, Any]:
    """The organization's configuration, by region; moto's is one for all."""
    organization = original(self)
    here = SecurityHubBackend._org_configs.setdefault(self.region_name, {})
    key = self.org_backend.describe_organization()["Organization"]["Id"]
    fresh = {**organization, "configuration": dict(organization["configuration"]), "admin_account_id": None}
    return here.setdefault(key, fresh | {"auto_enable": False, "auto_enable_standards": "DEFAULT"})


def enable_organization_admin_account(original: Any, self: SecurityHubBackend, admin_account_id: str) -> None:
    """Make an account the administrator in this region."""
    organization = organizations_backends[self.account_id]["aws"]
    if organization.org:
        now = self._get_org_config()["admin_account_id"]
        if now not in (None, admin_account_id):
            raise refuse("InvalidInputException", f"The account {now} is the organization's administrator already.")
    original(self, admin_account_id=admin_account_id)
    appoint(organization, SERVICE, admin_account_id)


def update_organization_configuration(original: Any, self: SecurityHubBackend, **kwargs: Any) -> None:
    """Configure, as the administrator who has Security Hub; local settings are refused under central configuration."""
    need_hub(self)
    configured = self._get_org_config()["configuration"]["ConfigurationType"]
    central = configured == "CENTRAL" and not kwargs.get("organization_configuration")
    if central and (kwargs.get("auto_enable") or kwargs.get("auto_enable_standards") == "DEFAULT"):
        raise refuse("InvalidInputException", "AutoEnable must be false under central configuration.")
    wanted = kwargs.get("organization_configuration")
    if wanted:
        kwargs["organization_configuration"] = {"Status": "ENABLED", **wanted}
    original(self, **kwargs)


def describe_organization_configuration(original: Any, self: SecurityHubBackend) -> dict[str, Any]:
    """The configuration, for the administrator who has Security Hub."""
    need_hub(self)
    return original(self)


def need_hub(backend: SecurityHubBackend) -> None:
    """Refuse those who have not enabled it."""
    if not backend.enabled:
        raise refuse("InvalidAccessException", "Account is not subscribed to AWS Security Hub", 401)


def install() -> None:
    """Make moto count, and give it standards and regions."""
    for wrapper in (
        enable_security_hub,
        disable_security_hub,
        enable_organization_admin_account,
        update_organization_configuration,
        describe_organization_configuration,
    ):
        around(SecurityHubBackend, wrapper.__name__, wrapper)
    around(SecurityHubBackend, "_get_org_config", organization_configuration)
    add(SecurityHubResponse, HubCalls)
    for path in PATHS:
        url_paths["{0}/" + path] = SecurityHubResponse.dispatch
