"""EC2's account-level settings, which moto lacks: one value per account and region.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataDefaults.html and its neighbours.
A new account blocks public AMIs from the start; the other settings are open until somebody closes them.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.kms.models import kms_backends

from .patch import add, around
from .state import kept

METADATA_FIELDS = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags")
BLOCK_MODES = ("off", "block-bidirectional", "block-ingress")
VOLUME_KEY = "alias/aws/ebs"
NO_PREFERENCE = ("no-preference", -1)


def settings(response: EC2Response) -> dict[str, Any]:
    """The settings of the caller's account in the called region, kept on moto's backend object."""
    fresh = {
        "metadata": {},
        "snapshots": "unblocked",
        "images": "block-new-sharing",
        "console": False,
        "volume_key": VOLUME_KEY,
    }
    return kept(response.ec2_backend, "account_settings", lambda: fresh)


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


class MoreSettings:
    """Methods for `EC2Response`, too: the default key of volumes, and the internet's way into VPCs."""

    def get_ebs_default_kms_key_id(self) -> ActionResult:
        return ActionResult({"KmsKeyId": settings(self)["volume_key"]})

    def reset_ebs_default_kms_key_id(self) -> ActionResult:
        settings(self)["volume_key"] = VOLUME_KEY
        return ActionResult({"KmsKeyId": VOLUME_KEY})

    def describe_vpc_block_public_access_options(self) -> ActionResult:
        answer = ActionResult({"VpcBlockPublicAccessOptions": dict(vpc_options(self))})
        if vpc_options(self)["State"] == "update-in-progress":
            vpc_options(self)["State"] = "update-complete"
        return answer

    def modify_vpc_block_public_access_options(self) -> ActionResult:
        mode = self._get_param("InternetGatewayBlockMode")
        if mode not in BLOCK_MODES:
            raise EC2ClientError("InvalidParameterValue", f"Value ({mode}) for parameter is invalid.")
        vpc_options(self).update(InternetGatewayBlockMode=mode, State="update-in-progress")
        return ActionResult({"VpcBlockPublicAccessOptions": dict(vpc_options(self))})


def vpc_options(response: EC2Response) -> dict[str, Any]:
    """The options of VPC Block Public Access; a change says once that it is in progress."""
    fresh = {
        "AwsAccountId": response.current_account,
        "AwsRegion": response.region,
        "State": "default-state",
        "InternetGatewayBlockMode": "off",
        "ManagedBy": "account",
        "ExclusionsAllowed": "allowed",
    }
    return settings(response).setdefault("vpcs", fresh)


def modify_ebs_default_kms_key_id(original: Any, self: EC2Response) -> ActionResult:
    """Another default key; moto finds its ARN, and does not tell it later.

    The management account's keys are in ministack: what moto does not find stands as it was given. Like here, AWS takes
    the name of a key that nobody has, and fails when a volume is made.
    """
    key = self._get_param("KmsKeyId")
    keys = kms_backends[self.current_account][self.region]
    name = keys.get_key_id(keys.get_alias_name(key))
    if name in keys.keys or keys.get_key_id_from_alias(name):
        key = original(self).result["KmsKeyId"]
    settings(self)["volume_key"] = key
    return ActionResult({"KmsKeyId": key})


def install() -> None:
    """Give moto's EC2 the settings."""
    add(EC2Response, AccountSettings)
    add(EC2Response, MoreSettings)
    around(EC2Response, "modify_ebs_default_kms_key_id", modify_ebs_default_kms_key_id)
