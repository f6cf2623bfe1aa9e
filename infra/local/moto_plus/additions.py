"""The list of additions to moto, in the order of installation."""

from __future__ import annotations

from . import (
    account_alias,
    account_creation,
    account_service,
    assume_role,
    cost_anomalies,
    default_vpc,
    ec2_account_settings,
    guardduty_rules,
    iam_conflicts,
    key_policies,
    launched_interfaces,
    managed_policies,
    organization_policies,
    organization_rules,
    organization_units,
    root_access,
    security_hub_rules,
    service_credentials,
    service_quotas,
    ssm_settings,
    trusted_services,
    vpc_dependencies,
    vpc_peerings,
)

ADDITIONS = (
    account_alias,
    account_creation,
    account_service,
    assume_role,
    cost_anomalies,
    default_vpc,
    ec2_account_settings,
    guardduty_rules,
    iam_conflicts,
    key_policies,
    launched_interfaces,
    managed_policies,
    organization_policies,
    organization_rules,
    organization_units,
    root_access,
    security_hub_rules,
    service_credentials,
    service_quotas,
    ssm_settings,
    trusted_services,
    vpc_dependencies,
    vpc_peerings,
)


def install() -> None:
    """Patch moto; called once, before it serves."""
    for addition in ADDITIONS:
        addition.install()
