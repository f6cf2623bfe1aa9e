"""Settings of EC2 that the organization declares: they are what it says, and accounts cannot change them.

The code of the refusal is unverified.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_declarative_syntax.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from .effective_policies import of_account
from .patch import around

KIND = "DECLARATIVE_POLICY_EC2"
BY_POLICY = {"ManagedBy": "declarative-policy"}
# Parameters of the metadata defaults, by their names in policies.
METADATA = {
    "http_tokens": "HttpTokens",
    "http_put_response_hop_limit": "HttpPutResponseHopLimit",
    "http_endpoint": "HttpEndpoint",
    "instance_metadata_tags": "InstanceMetadataTags",
}
# The operations that would change an attribute.
CHANGES = {
    "serial_console_access": ("enable_serial_console_access", "disable_serial_console_access"),
    "image_block_public_access": ("enable_image_block_public_access", "disable_image_block_public_access"),
    "snapshot_block_public_access": ("enable_snapshot_block_public_access", "disable_snapshot_block_public_access"),
    "instance_metadata_defaults": ("modify_instance_metadata_defaults",),
    "vpc_block_public_access": ("modify_vpc_block_public_access_options",),
}


def console(declared: dict[str, Any]) -> dict[str, Any]:
    """The answer of GetSerialConsoleAccessStatus."""
    return {"SerialConsoleAccessEnabled": declared["status"] == "enabled", **BY_POLICY}


def images(declared: dict[str, Any]) -> dict[str, Any]:
    """The answer of GetImageBlockPublicAccessState."""
    return {"ImageBlockPublicAccessState": spoken(declared["state"]), **BY_POLICY}


def snapshots(declared: dict[str, Any]) -> dict[str, Any]:
    """The answer of GetSnapshotBlockPublicAccessState."""
    return {"State": spoken(declared["state"]), **BY_POLICY}


def metadata(declared: dict[str, Any]) -> dict[str, Any]:
    """The answer of GetInstanceMetadataDefaults, which does not tell what has no preference."""
    told = {METADATA[name]: value for name, value in declared.items() if value not in ("no_preference", "-1", -1)}
    return {"AccountLevel": {**told, **BY_POLICY}}


# What answers for an attribute: the operation, and how it says what is declared.
READS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "serial_console_access": ("get_serial_console_access_status", console),
    "image_block_public_access": ("get_image_block_public_access_state", images),
    "snapshot_block_public_access": ("get_snapshot_block_public_access_state", snapshots),
    "instance_metadata_defaults": ("get_instance_metadata_defaults", metadata),
}


def spoken(word: str) -> str:
    """A policy's word in EC2's spelling."""
    return word.replace("_", "-")


def attributes(response: EC2Response) -> dict[str, Any]:
    """What is declared of the caller's account."""
    return of_account(response.current_account, KIND).get("ec2_attributes", {})


def reading(attribute: str, told: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A wrapper that answers what is declared, if anything is."""

    def read(original: Any, self: EC2Response) -> ActionResult:
        declared = attributes(self).get(attribute)
        return ActionResult(told(declared)) if declared else original(self)

    return read


def changing(attribute: str) -> Any:
    """A wrapper that refuses to change what is declared."""

    def change(original: Any, self: EC2Response) -> ActionResult:
        declared = attributes(self)
        if attribute in declared:
            message = declared.get("exception_message") or "A declarative policy manages this setting."
            raise EC2ClientError("OperationNotPermitted", message)
        return original(self)

    return change


def describe_vpc_options(original: Any, self: EC2Response) -> ActionResult:
    """VPC Block Public Access, whose options are one of several things that a policy may declare."""
    answer, declared = original(self), attributes(self).get("vpc_block_public_access")
    if not declared:
        return answer
    gateway = declared.get("internet_gateway_block") or declared.get("internet_gateway") or {}
    options = answer.result["VpcBlockPublicAccessOptions"] | BY_POLICY | {"State": "update-complete"}
    allowed = "allowed" if gateway.get("exclusions_allowed") == "enabled" else "not-allowed"
    shown = {"InternetGatewayBlockMode": spoken(gateway.get("mode", "off")), "ExclusionsAllowed": allowed}
    return ActionResult({"VpcBlockPublicAccessOptions": options | shown})


def install() -> None:
    """Put the organization's word above the account's; after the settings themselves."""
    for attribute, (operation, told) in READS.items():
        around(EC2Response, operation, reading(attribute, told))
    for attribute, operations in CHANGES.items():
        for operation in operations:
            around(EC2Response, operation, changing(attribute))
    around(EC2Response, "describe_vpc_block_public_access_options", describe_vpc_options)
