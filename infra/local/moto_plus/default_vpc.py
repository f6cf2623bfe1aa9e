"""Default VPCs as AWS makes them: with an internet gateway attached and a route to it. And the default security group
of every VPC: its members may talk to each other, which is the rule that hardening takes away.

moto's have none, so a teardown that forgets the gateway would pass here and fail on AWS with DependencyViolation.
https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
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


def create_vpc(original: Any, self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
    """A VPC, whose default group lets its own members in."""
    vpc = original(self, *args, **kwargs)
    group = self.get_security_group_from_name("default", vpc_id=vpc.id)
    self.authorize_security_group_ingress(
        group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}], vpc_id=vpc.id
    )
    return vpc


def install() -> None:
    """Connect every default VPC that moto makes from now on, and open every default group to itself."""
    around(EC2Backend, "create_vpc", create_vpc)
    around(EC2Backend, "create_default_vpc", create_default_vpc)
