"""The list of additions to moto, in the order of installation."""

from __future__ import annotations

from . import (
    account_alias,
    account_creation,
    account_service,
    assume_role,
    config_channels,
    cost_anomalies,
    default_vpc,
    ec2_account_settings,
    ec2_declared_settings,
    effective_policies,
    guardduty_rules,
    iam_conflicts,
    iam_updates,
    identity_center,
    key_policies,
    launched_interfaces,
    managed_policies,
    organization_policies,
    organization_rules,
    organization_units,
    resource_shares,
    root_access,
    security_hub_rules,
    service_credentials,
    service_quotas,
    ssm_settings,
    taken_names,
    trails,
    trust_policies,
    trusted_services,
    vpc_dependencies,
    vpc_peerings,
)

ADDITIONS = (
    account_alias,
    account_creation,
    account_service,
    assume_role,
    config_channels,
    cost_anomalies,
    default_vpc,
    ec2_account_settings,
    ec2_declared_settings,
    effective_policies,
    guardduty_rules,
    iam_conflicts,
    iam_updates,
    identity_center,
    key_policies,
    launched_interfaces,
    managed_policies,
    organization_policies,
    organization_rules,
    organization_units,
    resource_shares,
    root_access,
    security_hub_rules,
    service_credentials,
    service_quotas,
    ssm_settings,
    taken_names,
    trails,
    trust_policies,
    trusted_services,
    vpc_dependencies,
    vpc_peerings,
)


def install() -> None:
    """Patch moto; called once, before it serves."""
    for addition in ADDITIONS:
        addition.install()
