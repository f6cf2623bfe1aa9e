"""IAM's service-specific credentials, which moto lacks: nobody has any.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServiceSpecificCredentials.html
"""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from .patch import add


class ServiceCredentials:
    """Methods for `IamResponse`."""

    def list_service_specific_credentials(self) -> ActionResult:
        return ActionResult({"ServiceSpecificCredentials": [], "IsTruncated": False})


def install() -> None:
    """Give moto's IAM the operation."""
    add(IamResponse, ServiceCredentials)
