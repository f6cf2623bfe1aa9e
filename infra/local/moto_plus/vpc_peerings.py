"""One peering for each pair of VPCs, until it is deleted, rejected or expired; moto makes as many as it is asked for.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (VpcPeeringConnectionAlreadyExists)
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend

from .patch import around

ALIVE = ("initiating-request", "pending-acceptance", "provisioning", "active")


def create_vpc_peering_connection(original: Any, self: EC2Backend, vpc: Any, peer_vpc: Any, *args: Any) -> Any:
    """A peering between VPCs that have none, from either side."""
    pair = {vpc.id, peer_vpc.id}
    for peering in self.vpc_pcxs.values():
        if {peering.vpc.id, peering.peer_vpc.id} == pair and peering.status["Code"] in ALIVE:
            raise EC2ClientError(
                "VpcPeeringConnectionAlreadyExists", f"Existing VPC Peering Connection {peering.id} with the same VPCs"
            )
    return original(self, vpc, peer_vpc, *args)


def install() -> None:
    """Make moto refuse the second one."""
    around(EC2Backend, "create_vpc_peering_connection", create_vpc_peering_connection)
