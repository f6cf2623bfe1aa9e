"""Service Quotas: some services' quotas, requests for more, and the organization's template for new accounts.

moto has the quotas of `vpc` and nothing else. Requests stay open for ever: nobody decides them here. That a template
which was never associated answers ServiceQuotaTemplateNotInUseException is unverified.
https://docs.aws.amazon.com/servicequotas/latest/userguide/organization-templates.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.utils import unix_time
from moto.moto_api._internal import mock_random
from moto.organizations.models import OrganizationsBackend, organizations_backends
from moto.servicequotas.models import ServiceQuotasBackend, servicequotas_backends
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS
from moto.servicequotas.responses import ServiceQuotasResponse

from .paging import page
from .patch import add, around
from .refusals import refuse
from .state import kept
from .trusted_services import trusts

# service: quota code, name, AWS's default, and what a new account gets.
KNOWN = {
    "lambda": [("L-B99A9384", "Concurrent executions", 1000, 10)],
    "ec2": [
        ("L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5, 5),
        ("L-0263D0A3", "EC2-VPC Elastic IPs", 5, 5),
    ],
    "organizations": [("L-E619E033", "Default maximum number of accounts", 10, 10)],
    "cloudformation": [("L-0485CB21", "Stack count", 2000, 2000)],
    "ebs": [("L-309BACF6", "Snapshots per Region", 100_000, 100_000)],
    "s3": [("L-DC2B2D3D", "General purpose buckets", 10_000, 10_000)],
    "iam": [("L-FE177D64", "Roles per account", 1000, 1000)],
}
OPEN = ("PENDING", "CASE_OPENED")
HOME = "us-east-1"
LARGEST_TEMPLATE = 10


def defaults(service: str) -> list[dict[str, Any]]:
    """AWS's defaults for a service, with what a new account gets beside them."""
    if service == "vpc":
        return [{**quota, "Fresh": quota["Value"]} for quota in VPC_DEFAULT_QUOTAS]
    if service not in KNOWN:
        raise refuse("NoSuchResourceException", f"The service {service} is not available.")
    return [
        {
            "ServiceCode": service,
            "ServiceName": service,
            "QuotaCode": code,
            "QuotaName": name,
            "Value": float(value),
            "Fresh": float(fresh),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": service in ("iam", "s3"),
        }
        for code, name, value, fresh in KNOWN[service]
    ]


def applied(backend: ServiceQuotasBackend, quota: dict[str, Any]) -> dict[str, Any]:
    """One quota as an account has it."""
    name = f"{quota['ServiceCode']}/{quota['QuotaCode']}"
    arn = f"arn:aws:servicequotas:{backend.region_name}:{backend.account_id}:{name}"
    shown = {name: value for name, value in quota.items() if name != "Fresh"}
    return {**shown, "Value": quota["Fresh"], "QuotaArn": arn, "QuotaAppliedAtLevel": "ACCOUNT"}


def find(service: str, code: str) -> dict[str, Any]:
    """One default, or the refusal."""
    for quota in defaults(service):
        if quota["QuotaCode"] == code:
            return quota
    raise refuse("NoSuchResourceException", f"The quota {code} of {service} does not exist.")


def requests(backend: ServiceQuotasBackend) -> list[dict[str, Any]]:
    """The requests of one account in one region."""
    return kept(backend, "requests", list)


def request(backend: ServiceQuotasBackend, quota: dict[str, Any], value: float) -> dict[str, Any]:
    """Ask for more than there is, once at a time."""
    if not quota["Adjustable"]:
        raise refuse("IllegalArgumentException", "The quota is not adjustable.")
    if value <= quota["Fresh"]:
        raise refuse("IllegalArgumentException", "You must provide a quota value greater than the current quota value.")
    code = quota["QuotaCode"]
    if any(entry["QuotaCode"] == code and entry["Status"] in OPEN for entry in requests(backend)):
        raise refuse("ResourceAlreadyExistsException", f"Only one open service quota increase request for {code}.")
    names = ("ServiceCode", "ServiceName", "QuotaCode", "QuotaName", "GlobalQuota", "Unit")
    asked = {
        **{name: quota[name] for name in names},
        "Id": mock_random.get_random_hex(32),
        "DesiredValue": value,
        "Status": "PENDING",
        "Created": unix_time(),
        "QuotaArn": applied(backend, quota)["QuotaArn"],
    }
    requests(backend).append(asked)
    return asked


class Quotas:
    """Methods for `ServiceQuotasResponse`."""

    def get_service_quota(self) -> str:
        asked = json.loads(self.body)
        return json.dumps({"Quota": applied(self.backend, find(asked["ServiceCode"], asked["QuotaCode"]))})

    def get_aws_default_service_quota(self) -> str:
        asked = json.loads(self.body)
        quota = find(asked["ServiceCode"], asked["QuotaCode"])
        return json.dumps({"Quota": {**applied(self.backend, quota), "Value": quota["Value"]}})

    def list_service_quotas(self) -> str:
        asked = json.loads(self.body)
        quotas = [applied(self.backend, quota) for quota in defaults(asked["ServiceCode"])]
        quotas = [quota for quota in quotas if asked.get("QuotaCode") in (None, quota["QuotaCode"])]
        return json.dumps(page("Quotas", quotas, asked.get("NextToken"), asked.get("MaxResults"), most=100))

    def request_service_quota_increase(self) -> str:
        asked = json.loads(self.body)
        quota = find(asked["ServiceCode"], asked["QuotaCode"])
        return json.dumps({"RequestedQuota": request(self.backend, quota, asked["DesiredValue"])})

    def list_requested_service_quota_change_history_by_quota(self) -> str:
        asked = json.loads(self.body)
        find(asked["ServiceCode"], asked["QuotaCode"])
        found = [entry for entry in requests(self.backend) if entry["QuotaCode"] == asked["QuotaCode"]]
        found = [entry for entry in found if asked.get("Status") in (None, entry["Status"])]
        return json.dumps(page("RequestedQuotas", found, asked.get("NextToken"), asked.get("MaxResults"), most=100))


class Template:
    """Methods for `ServiceQuotasResponse` about the organization's template."""

    def associate_service_quota_template(self) -> str:
        template(self)["associated"] = "ASSOCIATED"
        return "{}"

    def disassociate_service_quota_template(self) -> str:
        template(self)["associated"] = "DISASSOCIATED"
        return "{}"

    def get_association_for_service_quota_template(self) -> str:
        status = template(self)["associated"]
        if not status:
            raise refuse(
                "ServiceQuotaTemplateNotInUseException",
                "The quota request template is not associated with your organization.",
            )
        return json.dumps({"ServiceQuotaTemplateAssociationStatus": status})

    def list_service_quota_increase_requests_in_template(self) -> str:
        asked, items = json.loads(self.body or "{}"), list(template(self)["items"].values())
        wanted = {name: asked[name] for name in ("ServiceCode", "AwsRegion") if name in asked}
        found = [item for item in items if all(item[name] == value for name, value in wanted.items())]
        field = "ServiceQuotaIncreaseRequestInTemplateList"
        return json.dumps(page(field, found, asked.get("NextToken"), asked.get("MaxResults")))

    def put_service_quota_increase_request_into_template(self) -> str:
        asked, items = json.loads(self.body), template(self)["items"]
        key = tuple(asked[name] for name in ("ServiceCode", "QuotaCode", "AwsRegion"))
        if key not in items and len(items) >= LARGEST_TEMPLATE:
            raise refuse("QuotaExceededException", "You have exceeded your service quota.")
        quota = find(asked["ServiceCode"], asked["QuotaCode"])
        names = ("ServiceName", "QuotaName", "Unit", "GlobalQuota")
        items[key] = {**asked, **{name: quota[name] for name in names}}
        return json.dumps({"ServiceQuotaIncreaseRequestInTemplate": items[key]})


def template(response: ServiceQuotasResponse) -> dict[str, Any]:
    """The template of the caller's organization, if it is the management account that asks, in the right region."""
    if response.region != HOME:
        raise refuse("TemplatesNotAvailableInRegionException", "Templates are available in us-east-1 only.")
    organization = organizations_backends[response.current_account]["aws"]
    if response.current_account in organizations_backends.master_accounts:
        raise refuse("AccessDeniedException", "You don't have permissions to perform this operation.")
    if not organization.org:
        raise refuse("NoAvailableOrganizationException", "The account does not belong to an organization.")
    if not trusts(organization, "servicequotas.amazonaws.com"):
        raise refuse("AWSServiceAccessNotEnabledException", "Service Quotas has no trusted access.")
    return template_of(organization)


def template_of(organization: OrganizationsBackend) -> dict[str, Any]:
    """The template, kept on moto's organization."""
    return kept(organization, "quota_template", lambda: {"associated": None, "items": {}})


def create_account(original: Any, self: OrganizationsBackend, **kwargs: Any) -> dict[str, Any]:
    """A new account asks for what the template says."""
    known = {account.id for account in self.accounts}
    answer = original(self, **kwargs)
    if template_of(self)["associated"] == "ASSOCIATED":
        for account in (account for account in self.accounts if account.id not in known):
            for (service, code, region), item in template_of(self)["items"].items():
                request(servicequotas_backends[account.id][region], find(service, code), item["DesiredValue"])
    return answer


def install() -> None:
    """Give moto the operations."""
    add(ServiceQuotasResponse, Quotas)
    add(ServiceQuotasResponse, Template)
    around(OrganizationsBackend, "create_account", create_account)
