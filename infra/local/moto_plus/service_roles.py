"""Service-linked roles have the names that AWS gives them, and are made once.

moto makes names of the services' hosts, and says of a second one what it says of any role.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
"""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import EntityAlreadyExists, InvalidInput
from moto.iam.models import SERVICE_NAME_CONVERSION, IAMBackend, Role

from .patch import around

NAMES = {
    "access-analyzer": "AccessAnalyzer",
    "cloudtrail": "CloudTrail",
    "config": "Config",
    "guardduty": "AmazonGuardDuty",
    "securityhub": "SecurityHub",
}


def create_service_linked_role(original: Any, self: IAMBackend, service_name: str, *args: Any, **kwargs: Any) -> Role:
    """A role of a service, unless it is there."""
    try:
        return original(self, service_name, *args, **kwargs)
    except EntityAlreadyExists as problem:
        raise InvalidInput(
            f"Service role name for {service_name} has been taken in this account, please try a different suffix."
        ) from problem


def install() -> None:
    """Make moto know the names."""
    SERVICE_NAME_CONVERSION.update(NAMES)
    around(IAMBackend, "create_service_linked_role", create_service_linked_role)
