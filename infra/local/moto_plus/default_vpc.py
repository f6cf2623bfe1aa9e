"""Default VPCs as AWS makes them: with an internet gateway attached and a route to it.

moto's have none, so a teardown that forgets the gateway would pass here and fail on AWS with DependencyViolation.
https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend

from .patch import around


def create_default_vpc(original: Any, self: EC2Backend) -> Any:
    """A default VPC, connected."""
    vpc = original(self)
    gateway = self.create_internet_gateway()
    self.attach_internet_gateway(gateway.id, vpc.id)
    main = self.describe_route_tables(filters={"vpc-id": vpc.id, "association.main": ["true"]})
    for table in main[:1]:
        self.create_route(table.id, "0.0.0.0/0", gateway_id=gateway.id)
    return vpc


def install() -> None:
    """Connect every default VPC that moto makes from now on."""
    around(EC2Backend, "create_default_vpc", create_default_vpc)
