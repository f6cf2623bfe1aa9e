"""EC2's account-level settings, which moto lacks: one value per account and region.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataDefaults.html and its neighbours.
A new account blocks public AMIs from the start; the other settings are open until somebody closes them.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from .patch import add

METADATA_FIELDS = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags")
NO_PREFERENCE = ("no-preference", -1)


def settings(response: EC2Response) -> dict[str, Any]:
    """The settings of the caller's account in the called region, kept on moto's backend object."""
    backend = response.ec2_backend
    if not hasattr(backend, "account_settings"):
        backend.account_settings = {
            "metadata": {},
            "snapshots": "unblocked",
            "images": "block-new-sharing",
            "console": False,
        }
    return backend.account_settings


class AccountSettings:
    """Methods for `EC2Response`."""

    def get_instance_metadata_defaults(self) -> ActionResult:
        return ActionResult({"AccountLevel": {"ManagedBy": "account", **settings(self)["metadata"]}})

    def modify_instance_metadata_defaults(self) -> ActionResult:
        metadata = settings(self)["metadata"]
        for field in METADATA_FIELDS:
            value = self._get_param(field)
            if value in NO_PREFERENCE:
                metadata.pop(field, None)
            elif value is not None:
                metadata[field] = value
        return ActionResult({"Return": True})

    def get_snapshot_block_public_access_state(self) -> ActionResult:
        return ActionResult({"State": settings(self)["snapshots"], "ManagedBy": "account"})

    def enable_snapshot_block_public_access(self) -> ActionResult:
        settings(self)["snapshots"] = self._get_param("State")
        return ActionResult({"State": settings(self)["snapshots"]})

    def disable_snapshot_block_public_access(self) -> ActionResult:
        settings(self)["snapshots"] = "unblocked"
        return ActionResult({"State": "unblocked"})

    def get_image_block_public_access_state(self) -> ActionResult:
        return ActionResult({"ImageBlockPublicAccessState": settings(self)["images"], "ManagedBy": "account"})

    def enable_image_block_public_access(self) -> ActionResult:
        settings(self)["images"] = self._get_param("ImageBlockPublicAccessState")
        return ActionResult({"ImageBlockPublicAccessState": settings(self)["images"]})

    def disable_image_block_public_access(self) -> ActionResult:
        settings(self)["images"] = "unblocked"
        return ActionResult({"ImageBlockPublicAccessState": "unblocked"})

    def get_serial_console_access_status(self) -> ActionResult:
        return ActionResult({"SerialConsoleAccessEnabled": settings(self)["console"], "ManagedBy": "account"})

    def enable_serial_console_access(self) -> ActionResult:
        settings(self)["console"] = True
        return ActionResult({"SerialConsoleAccessEnabled": True})

    def disable_serial_console_access(self) -> ActionResult:
        settings(self)["console"] = False
        return ActionResult({"SerialConsoleAccessEnabled": False})


def install() -> None:
    """Give moto's EC2 the settings."""
    add(EC2Response, AccountSettings)
