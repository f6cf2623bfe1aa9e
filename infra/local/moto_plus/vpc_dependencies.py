"""DependencyViolation where AWS says it and moto deletes: what teardown code is really about.

https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend

from .patch import around


def delete_vpc(original: Any, self: EC2Backend, vpc_id: str) -> Any:
    """A VPC goes last: nothing may be attached to it or live in it."""
    if vpc_id in self.vpcs and any(True for _ in dependants(self, vpc_id)):
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    self.deleting_vpc = True
    try:
        deleted = original(self, vpc_id)
    finally:
        self.deleting_vpc = False
    # A VPC's default network ACL goes with it, like its default security group; moto leaves it behind.
    for acl in [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
        del self.network_acls[acl.id]
    return deleted


def dependants(ec2: EC2Backend, vpc_id: str) -> Iterable[Any]:
    """What keeps a VPC, beyond the subnets, VPN gateways and route tables that moto looks at itself."""
    yield from (gateway for gateway in ec2.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id)
    yield from (gateway for gateway in ec2.egress_only_internet_gateways.values() if gateway.vpc_id == vpc_id)
    yield from (group for group in ec2.groups.get(vpc_id, {}).values() if group.name != "default")
    yield from (acl for acl in ec2.network_acls.values() if acl.vpc_id == vpc_id and not acl.default)
    yield from (point for point in ec2.vpc_end_points.values() if point.vpc_id == vpc_id and point.state != "deleted")


def delete_security_group(original: Any, self: EC2Backend, name: str | None = None, group_id: str | None = None) -> Any:
    """A group stays while a rule of another group names it, or a network interface wears it."""
    group = self.get_security_group_from_id(group_id) if group_id else self.get_security_group_from_name(name)
    if group and not getattr(self, "deleting_vpc", False):
        if group.name == "default":
            raise EC2ClientError(
                "CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            )
        if referenced(self, group.id) or worn(self, group.id):
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
    return original(self, name=name, group_id=group_id)


def referenced(ec2: EC2Backend, group_id: str) -> bool:
    """Whether a rule of another group has this group as its source or destination."""
    others = (group for groups in ec2.groups.values() for group in groups.values() if group.id != group_id)
    rules = (rule for group in others for rule in (*group.ingress_rules, *group.egress_rules))
    return any(rule.source_group.get("GroupId") == group_id for rule in rules)


def worn(ec2: EC2Backend, group_id: str) -> bool:
    """Whether a network interface is in the group."""
    return any(group.id == group_id for interface in ec2.enis.values() for group in interface.group_set)


def delete_subnet(original: Any, self: EC2Backend, subnet_id: str) -> Any:
    """A subnet stays while network interfaces or NAT gateways are in it."""
    interfaces = any(interface.subnet.id == subnet_id for interface in self.enis.values())
    gateways = any(nat.subnet_id == subnet_id and nat.state != "deleted" for nat in self.nat_gateways.values())
    if interfaces or gateways:
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    deleted = original(self, subnet_id)
    # A network ACL lets go of a subnet that goes; moto's would be held by it for ever.
    for acl in self.network_acls.values():
        gone = [key for key, association in acl._associations.items() if association.subnet_id == subnet_id]
        for key in gone:
            del acl._associations[key]
    return deleted


def install() -> None:
    """Make moto refuse what AWS refuses."""
    around(EC2Backend, "delete_vpc", delete_vpc)
    around(EC2Backend, "delete_security_group", delete_security_group)
    around(EC2Backend, "delete_subnet", delete_subnet)
