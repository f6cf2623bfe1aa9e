"""A transit gateway's peering attachments are listed without its attachments of other kinds; moto lists them all.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTransitGatewayPeeringAttachments.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend

from .patch import around


def describe(original: Any, self: EC2Backend, *args: Any, **kwargs: Any) -> list[Any]:
    """Peerings alone."""
    return [one for one in original(self, *args, **kwargs) if one.resource_type == "peering"]


def install() -> None:
    """Leave the others out."""
    around(EC2Backend, "describe_transit_gateway_peering_attachments", describe)
