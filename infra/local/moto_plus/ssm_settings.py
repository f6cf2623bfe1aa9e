"""Systems Manager's service settings, which moto lacks: one value per account and region.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UpdateServiceSetting.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ssm.exceptions import SSMException
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from .patch import add
from .state import kept

DEFAULTS = {
    "/ssm/documents/console/public-sharing-permission": "Enable",
    "/ssm/managed-instance/activation-tier": "standard",
    "/ssm/managed-instance/default-ec2-instance-management-role": "$None",
    "/ssm/opsinsights/opscenter": "Disabled",
    "/ssm/parameter-store/default-parameter-tier": "Standard",
    "/ssm/parameter-store/high-throughput-enabled": "false",
}


class ServiceSettings:
    """Methods for `SimpleSystemManagerResponse`."""

    def get_service_setting(self) -> ActionResult:
        return ActionResult({"ServiceSetting": shown(self.ssm_backend, known(self._get_param("SettingId")))})

    def update_service_setting(self) -> ActionResult:
        name, value = known(self._get_param("SettingId")), self._get_param("SettingValue")
        values(self.ssm_backend)[name] = {"SettingValue": value, "LastModifiedDate": utcnow()}
        return EmptyResult()

    def reset_service_setting(self) -> ActionResult:
        name = known(self._get_param("SettingId"))
        values(self.ssm_backend).pop(name, None)
        return ActionResult({"ServiceSetting": shown(self.ssm_backend, name)})


def known(named: str) -> str:
    """The setting's id, which may be given as its ARN."""
    name = named.rpartition(":servicesetting")[2]
    if name not in DEFAULTS:
        raise SSMException("ServiceSettingNotFound", f"ServiceSetting {named} does not exist.")
    return name


def values(backend: SimpleSystemManagerBackend) -> dict[str, Any]:
    """What has been changed."""
    return kept(backend, "service_settings", dict)


def shown(backend: SimpleSystemManagerBackend, name: str) -> dict[str, Any]:
    """A setting as callers see it."""
    changed = values(backend).get(name)
    arn = f"arn:aws:ssm:{backend.region_name}:{backend.account_id}:servicesetting{name}"
    setting = {"SettingId": name, "ARN": arn, "SettingValue": DEFAULTS[name], "Status": "Default"}
    return setting | (changed | {"Status": "Customized"} if changed else {"LastModifiedUser": "System"})


def install() -> None:
    """Give moto the operations."""
    add(SimpleSystemManagerResponse, ServiceSettings)
